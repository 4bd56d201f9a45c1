//! Much of it: ten thousand tables judged by ten rules, and what ten thousand swaps leave behind.

#[path = "shared/results.rs"]
#[expect(dead_code, reason = "no target of these rows is a floor's")]
mod results;
#[path = "../tests/suite/support/mod.rs"]
#[expect(dead_code, reason = "the bench uses a part of the tests' guests")]
mod support;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use drls_runtime::{Runtime, Tier, facts::TableFacts};
use results::{Under, quantile, row, write};
use serde_json::Value;
use support::{Guest, home::Home, table};

const TABLES: usize = 10_000;
const THREADS: usize = 2;
const ROUNDS: usize = 3;

const RULES: [&str; 6] = ["delete-files", "manifests", "metadata-size", "partition-skew", "small-files", "snapshots"];
/// One of them under other names of the same length, so that there are ten.
const AGAIN: [&str; 4] = ["partition-0002", "partition-0003", "partition-0004", "partition-0005"];

/// Swaps; the variable DRLS_BENCH_SWAPS takes fewer.
const SWAPS: u64 = 10_000;
/// The part of the swaps that fills what is kept of a few: logs, pools, versions.
const WARM: u64 = 10;
const CALLERS: usize = 2;

fn main() {
    let mut rows = vec![judged()];
    rows.extend(swapped());
    write("many", &rows);
}

/// Every table by every rule from facts in memory, in turns with ten rules that look at nothing.
fn judged() -> Value {
    let rules = Home::new();
    for id in RULES {
        rules.put_bytes(&format!("{id}.wasm"), &built(id));
    }
    for id in AGAIN {
        rules.put_bytes(&format!("{id}.wasm"), &renamed(&built("partition-skew"), "partition-skew", id));
    }
    let idle = Home::new();
    for number in 0..RULES.len() + AGAIN.len() {
        idle.put(&Guest::rule(&format!("idle-{number}"), "1.0.0"));
    }
    let (rules, idle) = (optimised(&rules), optimised(&idle));
    let tables = tables();
    let (mut took, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        took.push(judge(&rules, &tables));
        floor.push(judge(&idle, &tables));
    }
    let (took, floor) = (quantile(&mut took, 50), quantile(&mut floor, 50));
    row("10,000 tables judged by 10 rules on two threads", took, "s", Some(floor), &Under::Value(2.0))
}

fn built(id: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../target/plugins/{id}.wasm"));
    std::fs::read(file).expect("target/plugins: make build")
}

/// The same rule of another name, which stands in its manifest and in its code.
fn renamed(component: &[u8], id: &str, other: &str) -> Vec<u8> {
    assert_eq!(id.len(), other.len());
    let mut bytes = component.to_vec();
    for at in 0..bytes.len() - id.len() {
        if bytes[at..].starts_with(id.as_bytes()) {
            bytes[at..at + other.len()].copy_from_slice(other.as_bytes());
        }
    }
    bytes
}

/// A runtime whose ten rules serve with the code that they keep.
fn optimised(home: &Home) -> Arc<Runtime> {
    let runtime = home.start();
    assert_eq!(runtime.snapshot().rules().len(), RULES.len() + AGAIN.len(), "{:?}", runtime.status());
    while runtime.snapshot().rules().iter().any(|rule| rule.tier() != Tier::Optimised) {
        thread::sleep(Duration::from_millis(5));
    }
    runtime
}

/// A small table of the corpus with facts of every group, under ten thousand names.
fn tables() -> Vec<Arc<TableFacts>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/facts.json");
    let text = std::fs::read(file).expect("facts");
    let facts: TableFacts = serde_json::from_slice(&text).expect("facts");
    let named = |number| {
        let mut facts = facts.clone();
        facts.id.name = format!("t_{number}");
        Arc::new(facts)
    };
    (0..TABLES).map(named).collect()
}

/// Seconds.
fn judge(runtime: &Runtime, tables: &[Arc<TableFacts>]) -> f64 {
    let snapshot = runtime.snapshot();
    let start = Instant::now();
    thread::scope(|scope| {
        for part in tables.chunks(tables.len() / THREADS) {
            let rules = snapshot.rules();
            scope.spawn(move || {
                for facts in part {
                    for rule in rules {
                        rule.evaluate(facts, None).expect("findings");
                    }
                }
            });
        }
    });
    start.elapsed().as_secs_f64()
}

/// What a process holds more of after each swap, while it is called.
fn swapped() -> [Value; 3] {
    let swaps = std::env::var("DRLS_BENCH_SWAPS").map_or(SWAPS, |text| text.parse().expect("a number"));
    let home = Home::new();
    home.put_bytes("rule.wasm", &numbered(0));
    let runtime = home.start();
    let facts = table();
    let (calls, failed, over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let mut held = Vec::new();
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    calls.fetch_add(1, Ordering::Relaxed);
                    if let Err(why) = version_now(&runtime, &facts) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        eprintln!("failed: {why}");
                    }
                    // Callers that never rest would be what is measured.
                    thread::sleep(Duration::from_micros(500));
                }
            });
        }
        for number in 1..=swaps {
            home.put_bytes("rule.wasm", &numbered(number));
            while version_now(&runtime, &facts) != Ok(number) {
                thread::sleep(Duration::from_micros(200));
            }
            if number > swaps / WARM && number % 10 == 0 {
                held.push((as_float(number), resident_kb()));
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let figure = |count: &AtomicU64| as_float(count.load(Ordering::Relaxed));
    [
        row(&format!("resident growth a swap, over {swaps} swaps"), slope(&held), "KB", None, &Under::Value(1.0)),
        row("calls meanwhile", figure(&calls), "calls", None, &Under::Nothing),
        row("of them failed", figure(&failed), "calls", None, &Under::Value(1.0)),
    ]
}

fn numbered(number: u64) -> Vec<u8> {
    Guest::rule("rule", &format!("1.0.{number}")).code(&format!("v-{number}")).build()
}

fn version_now(runtime: &Runtime, facts: &Arc<TableFacts>) -> Result<u64, String> {
    let snapshot = runtime.snapshot();
    let rule = snapshot.plugin("rule").ok_or("no rule is there")?;
    let found = rule.evaluate(facts, None).map_err(|error| error.to_string())?;
    let code = found.first().map(|finding| finding.code.as_str());
    code.and_then(|code| code.strip_prefix("v-")?.parse().ok()).ok_or_else(|| format!("its finding is {code:?}"))
}

/// Of the straight line that lies nearest to the points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = as_float(points.len() as u64);
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread
}

fn resident_kb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).expect("kB")
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn as_float(count: u64) -> f64 {
    count as f64
}
