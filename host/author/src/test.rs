//! `drls plugin test`: self-tests and cases in the real runtime, told like a test runner tells them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use drls_runtime::{Failure, Host, Kind, Limits, Plugin, Tier};
use serde_json::{Map, Value};

use crate::{
    artifact::Artifact,
    canned::Canned,
    case::{self, Answer, Case, Input, Outcome},
    installation::Installation,
    real_table::{self, RealTableArgs},
    toolchain::ToolchainArgs,
};

/// What `drls plugin test` is told.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Folder of a plugin, which is built first, or a built file
    #[arg(default_value = ".")]
    target: PathBuf,
    /// Folder of the cases [default: `tests` of the plugin; for a file, beside it or beside its folder `dist`]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Record what the plugin answers as what the cases expect
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    real: RealTableArgs,
    #[command(flatten)]
    toolchain: ToolchainArgs,
}

/// Runs the command. False where a test failed.
pub(crate) fn run(args: &TestArgs, installation: Option<&dyn Installation>) -> Result<bool> {
    let artifact = Artifact::open(&args.target, &args.toolchain)?;
    // In the tier that a new version serves in first, and that takes longest for a call.
    let runner = Runner::new(&artifact, Tier::Quick)?;
    if let Some(table) = args.real.table() {
        return real_table::run(&runner, &table, &args.real, installation);
    }
    let folder = args.cases.clone().unwrap_or_else(|| default_cases(&args.target));
    let cases = Case::files(&folder)?;
    let identity = runner.plugin.identity().clone();
    let self_tests = runner.plugin.self_tests();
    if self_tests.is_empty() && cases.is_empty() {
        bail!(
            "{} has nothing to test\n  fix: add a [[selftest]] to plugin.toml, or cases to {}",
            identity.id,
            folder.display()
        );
    }
    println!("testing {identity}: {} and {}", count(self_tests.len(), "self-test"), count(cases.len(), "case"));
    let mut report = Report::default();
    for test in self_tests {
        report.add(&format!("self-test {}", test.name), test.difference.map_or(State::Ok, State::Failed));
    }
    for file in cases {
        let state = runner.case(&file, args.update).unwrap_or_else(|e| State::Failed(format!("{e:#}")));
        report.add(&format!("case {}", case::name(&file)), state);
    }
    Ok(report.close())
}

/// For a folder its `tests`; for a file `tests` beside it, or beside the `dist` that it stands in.
pub(crate) fn default_cases(target: &Path) -> PathBuf {
    if target.is_dir() {
        return target.join("tests");
    }
    let folder = target.parent().unwrap_or(Path::new(""));
    let folder = if folder.ends_with("dist") { folder.parent().unwrap_or(folder) } else { folder };
    folder.join("tests")
}

pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The plugin, compiled once: that takes seconds for a guest that brings its engine, and tens of them in the optimised tier.
pub(crate) struct Runner {
    pub(crate) plugin: Plugin,
    network: Arc<Canned>,
}

impl Runner {
    /// Loads the plugin on its own values, as a server would.
    pub(crate) fn new(artifact: &Artifact, tier: Tier) -> Result<Self> {
        let network = Arc::new(Canned::default());
        let host = Host::with_transport(Limits::default(), network.clone())?;
        let plugin = host.load_in(tier, &artifact.bytes, &Map::new());
        Ok(Self { plugin: plugin.map_err(|refusal| anyhow!("{refusal}"))?, network })
    }

    /// Gives the plugin what it asks for, and responses to what it sends. Self-tests have neither: a server runs them
    /// before anything is granted.
    pub(crate) fn prepare(&self, input: &Input) {
        self.network.set(input.http.clone());
        self.plugin.grant(self.plugin.asks());
    }

    /// Runs one case, and records the answer where `update` says so and it is worth keeping.
    fn case(&self, file: &Path, update: bool) -> Result<State> {
        let case = Case::read(file)?;
        let (answer, fault) = self.answer(&case.input)?;
        let told = match case.compare(&answer)? {
            Outcome::Same => return Ok(State::Ok),
            Outcome::Unexpected => {
                format!(
                    "the case expects nothing yet; --update records what came:\n{}",
                    serde_json::to_string_pretty(&answer)?
                )
            }
            Outcome::Different(diff) => diff,
        };
        match (update, fault) {
            (false, _) => Ok(State::Failed(told)),
            (true, None) => case.record(&answer).map(|()| State::Updated),
            (true, Some(fault)) => Ok(State::Failed(format!("not recorded, since the plugin {fault}"))),
        }
    }

    /// The answer to a call, and the failure where it is one that no plugin should be known for.
    pub(crate) fn answer(&self, input: &Input) -> Result<(Answer, Option<String>)> {
        self.prepare(input);
        let plugin = match self.plugin.with_config(&input.config) {
            Ok(plugin) => plugin,
            // What a server tells an operator who sets these values.
            Err(mistakes) => return Ok((Answer::error("config", serde_json::to_value(mistakes)?), None)),
        };
        Ok(call(&plugin, input)?.map(|answer| (answer, None)).unwrap_or_else(|failure| {
            let refused =
                matches!(failure, Failure::Invalid(_) | Failure::NotFound(_) | Failure::Denied(_) | Failure::Failed(_));
            (Answer::failed(&failure), (!refused).then(|| failure.to_string()))
        }))
    }
}

/// Makes a call on a plugin that has the configuration of its input.
pub(crate) fn call(plugin: &Plugin, input: &Input) -> Result<Result<Answer, Failure>> {
    let is_plan = !plugin.kinds().contains(&Kind::HealthRule)
        || (plugin.kinds().contains(&Kind::TableOperation) && input.arguments.is_some());
    let answer = if is_plan {
        let none = Value::Object(Map::new());
        plugin.plan(&input.facts, input.arguments.as_ref().unwrap_or(&none), input.throughput).map(Answer::Plan)
    } else {
        if input.arguments.is_some() {
            bail!("`arguments` are of a table operation, and this plugin is a health rule; take `config`");
        }
        plugin.evaluate(&input.facts, None).map(Answer::Findings)
    };
    Ok(answer.map_err(|error| error.failure))
}

/// How one test ended.
enum State {
    Ok,
    Updated,
    Failed(String),
}

/// Prints each test as it ends, and the failures once more at the end, in full.
#[derive(Default)]
struct Report {
    passed: usize,
    updated: usize,
    failures: Vec<(String, String)>,
}

impl Report {
    fn add(&mut self, name: &str, state: State) {
        let word = match state {
            State::Ok => "ok",
            State::Updated => "updated",
            State::Failed(_) => "FAILED",
        };
        println!("{name} ... {word}");
        match state {
            State::Ok => self.passed += 1,
            State::Updated => self.updated += 1,
            State::Failed(why) => self.failures.push((name.to_owned(), why)),
        }
    }

    /// Prints failures and the counts. True where nothing failed.
    fn close(self) -> bool {
        for (name, why) in &self.failures {
            println!("\n---- {name} ----\n{}", why.trim_end());
        }
        let updated = if self.updated > 0 { format!(", {} updated", self.updated) } else { String::new() };
        println!("\n{} passed, {} failed{updated}", self.passed, self.failures.len());
        self.failures.is_empty()
    }
}
