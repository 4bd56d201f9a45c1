//! `drls doctor`: looks for what is broken and says how to mend it. Changes nothing.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::Args;
use futures::future::BoxFuture;
use serde::Serialize;
use tokio::process::Command;

use super::doctor_lakehouse;
use crate::{
    config::{Config, ConfigStore, Environment},
    db::inspect,
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Verify the whole chain of audit rows too
    #[arg(long)]
    audit: bool,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, with something missing.
    Warning,
    /// Does not work: exit status 1.
    Broken,
}

/// What a check found.
#[derive(Debug, Serialize)]
pub struct Finding {
    /// Name of the check.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, detail: detail.into(), fix: None }
    }

    /// Works, with something missing.
    pub fn warning(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Warning, detail: detail.into(), fix: Some(fix.into()) }
    }

    /// Does not work.
    pub fn broken(check: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, level: Level::Broken, detail: detail.into(), fix: Some(fix.into()) }
    }
}

/// One check: settings in, findings out.
type Check = fn(Arc<Config>) -> BoxFuture<'static, Vec<Finding>>;

/// All checks that read settings, in the order in which they are told.
const CHECKS: [Check; 6] = [
    |config| Box::pin(async move { home(&config) }),
    |config| Box::pin(async move { vec![python(&config).await] }),
    |config| Box::pin(async move { vec![java(&config).await] }),
    |config| Box::pin(async move { vec![database(&config).await] }),
    |config| Box::pin(async move { doctor_lakehouse::lakehouse(&config).await }),
    |config| Box::pin(doctor_lakehouse::plugins(config)),
];

/// Runs all checks; exit status 1 where something is broken.
pub(super) async fn run(arguments: &Arguments, environment: Environment) -> Result<ExitCode> {
    let mut findings = Vec::new();
    match ConfigStore::open(environment) {
        Ok(store) => {
            let config = store.get();
            findings.push(settings(&config));
            for check in CHECKS {
                findings.extend(check(Arc::clone(&config)).await);
            }
            if arguments.audit {
                findings.push(audit(&config).await);
            }
        }
        Err(error) => {
            findings.push(Finding::broken("config", format!("{error:#}"), "mend config.json, or move it away"))
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    } else {
        findings.iter().for_each(print);
    }
    let broken = findings.iter().any(|finding| finding.level == Level::Broken);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(finding: &Finding) {
    let word = match finding.level {
        Level::Ok => "ok     ",
        Level::Warning => "warning",
        Level::Broken => "BROKEN ",
    };
    println!("{word}  {}: {}", finding.check, finding.detail);
    if let Some(fix) = &finding.fix {
        println!("         fix: {fix}");
    }
}

fn settings(config: &Config) -> Finding {
    if config.unknown.is_empty() {
        let there = config.home.join("config.json").is_file();
        let words = if there { "config.json is understood" } else { "no config.json: everything is at its default" };
        return Finding::ok("config", words);
    }
    let keys = config.unknown.join(", ");
    Finding::warning(
        "config",
        format!("config.json has keys that this version does not know: {keys}"),
        "check their spelling; they are kept",
    )
}

/// The home is there, its owner's alone, and can be written.
fn home(config: &Config) -> Vec<Finding> {
    let home = config.home.display();
    let Ok(about) = std::fs::metadata(&config.home) else {
        return vec![Finding::warning(
            "home",
            format!("{home} is not there yet"),
            "`drls serve` makes it at its first start",
        )];
    };
    let mut findings = Vec::new();
    if let Err(error) = tempfile::NamedTempFile::new_in(&config.home) {
        findings.push(Finding::broken(
            "home",
            format!("{home} can't be written: {error}"),
            "make it writable, free space, or choose another --home",
        ));
    }
    if about.permissions().mode() & 0o077 != 0 {
        findings.push(Finding::warning(
            "home",
            format!("others on this machine can read {home}"),
            format!("chmod 700 {home}"),
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("home", format!("{home} can be written, by its owner only")));
    }
    findings
}

async fn python(config: &Config) -> Finding {
    let python = &config.settings.python;
    if !Path::new(python.packages()).join("drls").is_dir() {
        let detail = format!("there is no package drls in {}", python.packages());
        return Finding::broken("python", detail, "set python.packages in config.json to the folder that holds it");
    }
    match Command::new(python.executable()).arg("--version").output().await {
        Ok(output) if output.status.success() => Finding::ok(
            "python",
            format!("{} at {}", String::from_utf8_lossy(&output.stdout).trim(), python.executable()),
        ),
        _ => Finding::broken(
            "python",
            format!("{} does not run", python.executable()),
            "make the Python environment (`make run` does), or set python.executable in config.json",
        ),
    }
}

/// Java is needed by our own Spark only, and that only for rewrites.
async fn java(config: &Config) -> Finding {
    let spark = &config.settings.spark;
    if spark.remote.is_some() {
        return Finding::ok("java", "not needed: spark.remote names a cluster");
    }
    let java = spark.java_home.as_ref().map_or_else(|| "java".into(), |home| Path::new(home).join("bin/java"));
    match Command::new(&java).arg("-version").output().await {
        Ok(output) if output.status.success() => {
            let words = String::from_utf8_lossy(&output.stderr);
            Finding::ok("java", words.lines().next().unwrap_or_default().to_owned())
        }
        _ => Finding::warning(
            "java",
            format!("{} does not run: rewrites by Spark will not work, everything else does", java.display()),
            "install Java 17 or newer (Debian: `apt-get install openjdk-17-jre-headless`), or set spark.java_home",
        ),
    }
}

async fn database(config: &Config) -> Finding {
    match inspect::look(&config.home).await {
        Ok(inspect::Found::Absent) => {
            Finding::warning("database", "drls.db is not there yet", "`drls serve` makes it at its first start")
        }
        Ok(inspect::Found::Sound { version }) => Finding::ok("database", format!("drls.db is sound, schema {version}")),
        Ok(inspect::Found::Older { version, known }) => Finding::warning(
            "database",
            format!("drls.db has schema {version}, this DRLS knows {known}"),
            "`drls migrate`, or the next `drls serve`, brings it up to date",
        ),
        Ok(inspect::Found::Newer { version, known }) => Finding::broken(
            "database",
            format!("drls.db was written by a newer DRLS (schema {version}, this one knows up to {known})"),
            "run that version or a newer one, or choose another --home",
        ),
        Ok(inspect::Found::Damaged { report }) => {
            Finding::broken("database", format!("drls.db is damaged: {report}"), "restore it from a backup")
        }
        Err(error) => Finding::broken("database", format!("{error:#}"), "mend that and run `drls doctor` again"),
    }
}

async fn audit(config: &Config) -> Finding {
    match inspect::audit_chain(&config.home).await {
        Ok(None) => Finding::ok("audit", "no rows yet"),
        Ok(Some(Ok(rows))) => Finding::ok("audit", format!("all {rows} rows hold")),
        Ok(Some(Err(broken))) => Finding::broken(
            "audit",
            format!("the chain breaks at row {}: {}", broken.seq, broken.reason),
            "someone changed drls.db past the server: compare it with a backup, and find out who can write the home",
        ),
        Err(error) => Finding::broken("audit", format!("{error:#}"), "mend that and run `drls doctor --audit` again"),
    }
}
