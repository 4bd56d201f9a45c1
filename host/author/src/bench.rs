//! `drls plugin bench`: what a plugin costs in the real runtime, beside what it may cost.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use clap::Args;
use drls_runtime::Tier;
use serde::Serialize;

use crate::{
    artifact::Artifact,
    case::{self, Case},
    test::{self, Runner},
    toolchain::ToolchainArgs,
};

const MIB: u64 = 1 << 20;

/// Fewer calls have no 99th percentile worth the name.
const LEAST_CALLS: usize = 20;

/// What `drls plugin bench` is told.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Folder of a plugin, which is built first, or a built file
    #[arg(default_value = ".")]
    target: PathBuf,
    /// Folder of the cases [default: as of `drls plugin test`]
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// How long to call each case, at least 20 calls
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    toolchain: ToolchainArgs,
}

/// What was measured; times in microseconds, sizes in bytes.
#[derive(Debug, Serialize)]
struct Figures {
    plugin: String,
    version: String,
    size: usize,
    /// From the bytes to a plugin that could serve: verified, compiled, linked, described.
    load_us: u128,
    instantiate: Spread,
    cases: Vec<CaseFigures>,
    /// Most linear memory that a call held.
    memory_peak: u64,
    memory_limit: u64,
    time_limit_us: u128,
}

#[derive(Debug, Serialize)]
struct CaseFigures {
    name: String,
    /// A fresh store, an instance, the call and its answer.
    call: Spread,
}

/// Times in microseconds.
#[derive(Debug, Serialize)]
struct Spread {
    runs: usize,
    p50_us: f64,
    p99_us: f64,
}

impl Spread {
    /// Repeats `run`, which tells how long it took, for `length`.
    fn measure(length: Duration, mut run: impl FnMut() -> Result<Duration>) -> Result<Self> {
        // The first one finds everything cold.
        run()?;
        let start = Instant::now();
        let mut took = Vec::new();
        while took.len() < LEAST_CALLS || start.elapsed() < length {
            took.push(run()?);
        }
        took.sort_unstable();
        let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1e6;
        Ok(Self { runs: took.len(), p50_us: at(50), p99_us: at(99) })
    }
}

/// Runs the command.
pub(crate) fn run(args: &BenchArgs) -> Result<()> {
    if !args.seconds.is_finite() || args.seconds < 0.0 {
        bail!("--seconds is {}; say a number of seconds", args.seconds);
    }
    let length = Duration::from_secs_f64(args.seconds);
    let artifact = Artifact::open(&args.target, &args.toolchain)?;
    let start = Instant::now();
    let runner = Runner::new(&artifact, Tier::Optimised)?;
    let load = start.elapsed();
    let folder = args.cases.clone().unwrap_or_else(|| test::default_cases(&args.target));
    let files = Case::files(&folder)?;
    if files.is_empty() {
        bail!("{} holds no cases to call\n  fix: add one, see `drls plugin test --help`", folder.display());
    }
    let plugin = &runner.plugin;
    let instantiate = Spread::measure(length, || plugin.instantiate().map_err(|error| anyhow!("{error}")))?;
    let cases = files.iter().map(|file| {
        let case = Case::read(file)?;
        runner.prepare(&case.input);
        let name = case::name(file).to_string();
        let configured = plugin.with_config(&case.input.config);
        // A case that expects a refusal of its values makes no call.
        let Ok(configured) = configured else { return Ok(None) };
        let call = Spread::measure(length, || {
            let start = Instant::now();
            // An answer or an error, either is what the case is about; `drls plugin test` tells which is right.
            let _ = test::call(&configured, &case.input)?;
            Ok(start.elapsed())
        })?;
        Ok(Some(CaseFigures { name, call }))
    });
    let cases = cases.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
    let (memory_limit, time_limit) = plugin.allowance();
    let figures = Figures {
        plugin: plugin.identity().id.clone(),
        version: plugin.identity().version.to_string(),
        size: artifact.bytes.len(),
        load_us: load.as_micros(),
        instantiate,
        cases,
        memory_peak: plugin.counters().memory_peak,
        memory_limit,
        time_limit_us: time_limit.as_micros(),
    };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        print(&figures);
    }
    Ok(())
}

fn print(figures: &Figures) {
    let Figures { plugin, version, size, cases, .. } = figures;
    println!("{plugin} {version}, {size} bytes");
    println!("  {:<32} {:>10} {:>10} {:>8}", "", "p50", "p99", "runs");
    let row = |name: &str, of: &Spread| {
        println!("  {name:<32} {:>10} {:>10} {:>8}", time(of.p50_us), time(of.p99_us), of.runs);
    };
    row("instantiate", &figures.instantiate);
    for case in cases {
        row(&format!("call: {}", case.name), &case.call);
    }
    #[expect(clippy::cast_precision_loss, reason = "a time for people")]
    let (load, limit) = (figures.load_us as f64, figures.time_limit_us as f64);
    println!("  load, once a file: {}", time(load));
    println!("  time of the slowest call at p99: {} of {}", time(slowest(cases)), time(limit));
    println!("  memory at most: {} of {} MiB", figures.memory_peak.div_ceil(MIB), figures.memory_limit / MIB);
}

fn slowest(cases: &[CaseFigures]) -> f64 {
    cases.iter().map(|case| case.call.p99_us).fold(0.0, f64::max)
}

fn time(us: f64) -> String {
    match us {
        ..1e3 => format!("{us:.1} us"),
        ..1e6 => format!("{:.1} ms", us / 1e3),
        _ => format!("{:.1} s", us / 1e6),
    }
}
