//! `drls plugin check`: everything that a host would refuse a plugin for, found by the host's own code.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use drls_runtime::{Host, Inspection, Limits, Manifest, Plugin, Refusal, SelfTestOutcome, Tier, inspect};
use serde_json::Map;

use crate::{artifact::Artifact, summary, toolchain::ToolchainArgs};

const MIB: u64 = 1 << 20;

/// What `drls plugin check` is told.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file of a plugin, or the folder of one, which is built first
    #[arg(default_value = ".")]
    target: PathBuf,
    #[command(flatten)]
    toolchain: ToolchainArgs,
}

/// What the check found.
pub(crate) struct Examination {
    /// What the file holds; none where it is no plugin at all.
    pub(crate) inspection: Option<Inspection>,
    /// The loaded plugin, where the runtime takes it.
    pub(crate) plugin: Option<Plugin>,
    /// Outcome of each self-test.
    pub(crate) self_tests: Vec<SelfTestOutcome>,
    /// Every problem, with its fix.
    pub(crate) problems: Vec<String>,
    /// What is allowed and yet not good.
    pub(crate) notes: Vec<String>,
}

/// Runs the command. True where there is no problem.
pub(crate) fn run(args: &CheckArgs) -> Result<bool> {
    let artifact = Artifact::open(&args.target, &args.toolchain)?;
    let limits = Limits::default();
    let mut found = examine(&artifact.bytes, &limits)?;
    found.notes.extend(other_name(&artifact, &found));
    if let Some(inspection) = &found.inspection {
        println!("{}", summary::text(&artifact, inspection, found.plugin.as_ref(), &limits));
    } else {
        println!("{}", artifact.file.display());
    }
    for test in &found.self_tests {
        let state = if test.difference.is_some() { "FAILED" } else { "ok" };
        println!("  self-test {} ... {state}", test.name);
    }
    println!("{}", verdict(&found));
    Ok(found.problems.is_empty())
}

/// A note where a server would refuse the file for its name alone.
fn other_name(artifact: &Artifact, found: &Examination) -> Option<String> {
    let id = &found.inspection.as_ref()?.manifest.as_ref()?.id;
    let wanted = format!("{id}.wasm");
    let other = artifact.file.file_name().is_some_and(|name| name != wanted.as_str());
    other.then(|| format!("a server takes it under the name {wanted} only; `drls plugin install` names it so"))
}

/// The closing lines: notes, problems, count.
pub(crate) fn verdict(found: &Examination) -> String {
    let notes = found.notes.iter().map(|note| format!("note: {note}"));
    let problems = found.problems.iter().map(|problem| format!("problem: {problem}"));
    let last = match found.problems.len() {
        0 => "ok: a server would take it".to_owned(),
        1 => "1 problem".to_owned(),
        n => format!("{n} problems"),
    };
    notes.chain(problems).chain([last]).collect::<Vec<_>>().join("\n")
}

/// Examines a plugin file under these limits.
///
/// # Errors
/// Only where the engine itself does not start.
pub(crate) fn examine(bytes: &[u8], limits: &Limits) -> Result<Examination> {
    let mut found =
        Examination { inspection: None, plugin: None, self_tests: Vec::new(), problems: Vec::new(), notes: Vec::new() };
    let inspection = match inspect(bytes) {
        Ok(inspection) => inspection,
        Err(Refusal::Contract(mismatches)) => {
            found.problems.extend(mismatches.iter().map(ToString::to_string));
            return Ok(found);
        }
        Err(refusal) => {
            found.problems.push(refusal.to_string());
            return Ok(found);
        }
    };
    let manifest = inspection.manifest.clone();
    found.inspection = Some(inspection);
    if let Some(manifest) = &manifest {
        found.problems.extend(over_ceiling(manifest, limits));
        if manifest.selftests.is_empty() {
            found.notes.push(
                "no self-tests, so a server has nothing to try before this may serve; add a [[selftest]] to plugin.toml"
                    .to_owned(),
            );
        }
    }
    match Host::new(limits.clone())?.load_in(Tier::Quick, bytes, &Map::new()) {
        Ok(plugin) => {
            found.self_tests = plugin.self_tests();
            found.plugin = Some(plugin);
        }
        // Told above, all of them and not the first.
        Err(Refusal::Limits(_)) => {}
        Err(Refusal::Config(mistakes)) => found.problems.extend(mistakes.iter().map(|mistake| {
            format!(
                "[config] of plugin.toml breaks the plugin's own schema at \"{}\": {}; change the value or the schema",
                mistake.pointer, mistake.detail
            )
        })),
        Err(refusal) => found.problems.push(refusal.to_string()),
    }
    let failed = found.self_tests.iter().filter_map(|test| Some((&test.name, test.difference.as_ref()?)));
    found.problems.extend(failed.map(|(name, difference)| {
        format!("self-test {name}: {difference}; repair the plugin, or `expect` in plugin.toml where that is wrong")
    }));
    Ok(found)
}

fn over_ceiling(manifest: &Manifest, limits: &Limits) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(memory) = manifest.memory.filter(|asked| *asked > limits.memory_ceiling) {
        problems.push(format!(
            "[limits] memory asks for {} MiB, hosts give at most {} MiB; ask for less",
            memory.div_ceil(MIB),
            limits.memory_ceiling / MIB
        ));
    }
    let ceiling = u64::try_from(limits.time_ceiling.as_millis()).unwrap_or(u64::MAX);
    if let Some(time) = manifest.time.filter(|asked| *asked > ceiling) {
        problems
            .push(format!("[limits] time asks for {time} ms a call, hosts give at most {ceiling} ms; ask for less"));
    }
    problems
}
