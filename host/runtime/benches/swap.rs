//! Swaps of a rule: from `rename(2)` to the first answer of the new component, beside what the compiler alone takes for
//! the same bytes; and what callers and memory see of many swaps.

#[path = "shared/results.rs"]
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
use sha2::{Digest as _, Sha256};
use support::{Guest, home::Home, table};
use wasmtime::{Config, Engine, Strategy, component::Component};

const RULE: &str = "small-files";
const ROUNDS: u32 = 15;
/// Versions that take turns from the cache.
const KEPT: u32 = 3;
const PYTHON: &str = "unpartitioned";
const PYTHON_ROUNDS: u32 = 3;
const STORM_SWAPS: u64 = 200;
const CALLERS: usize = 32;
const LEAST_CALLS: u64 = 100_000;
const GROWTH_SWAPS: u64 = 500;

fn main() {
    let mut rows = real_rule();
    rows.push(in_python());
    rows.extend(storm());
    rows.push(growth());
    write("runtime-swap", &rows);
}

/// A first-party rule of some 120 KB, made another file each time by a custom section.
fn real_rule() -> Vec<Value> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/small-files.wasm");
    let component = std::fs::read(&file).expect("target/plugins/small-files.wasm: make build");
    let engine_of =
        |strategy| Engine::new(Config::new().concurrency_support(false).strategy(strategy)).expect("engine");
    let (engine, winch) = (engine_of(Strategy::Cranelift), engine_of(Strategy::Winch));
    let home = Home::new();
    home.put_bytes("small-files.wasm", &component);
    let runtime = home.start();
    let facts = table();
    let swap = |bytes: &[u8]| swap(&home, &runtime, RULE, &facts, bytes);
    let (mut bare, mut quick, mut cold) = (Vec::new(), Vec::new(), Vec::new());
    let (mut loads, mut cached) = (Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let bytes = marked(&component, number);
        bare.push(ms(|| drop(Component::from_binary(&engine, &bytes).expect("compiles"))));
        quick.push(ms(|| drop(Component::from_binary(&winch, &bytes).expect("compiles"))));
        cold.push(swap(&bytes));
        // So that the next one does not share the processor with it, and is not from a cache without it.
        optimised(&runtime, RULE);
    }
    for round in 0..ROUNDS {
        // Of the last versions: the code of older ones is not kept.
        let bytes = marked(&component, ROUNDS - 1 - KEPT + round % KEPT);
        let artefact = engine.precompile_component(&bytes).expect("compiles");
        loads.push(ms(|| {
            #[expect(unsafe_code, reason = "the artefact was made on the line above")]
            // SAFETY: as the reason says.
            drop(unsafe { Component::deserialize(&engine, &artefact) }.expect("loads"));
        }));
        cached.push(swap(&bytes));
    }
    let (floor, load, cold_ms) = (quantile(&mut bare, 50), quantile(&mut loads, 50), quantile(&mut cold, 50));
    vec![
        row("rename to first answer, new component, p50", cold_ms, "ms", Some(floor), &Under::Floors(1.3)),
        row("the same beside bare Winch", cold_ms, "ms", Some(quantile(&mut quick, 50)), &Under::Nothing),
        row(
            "rename to first answer, from cache, p50",
            quantile(&mut cached, 50),
            "ms",
            Some(load),
            &Under::Value(10.0),
        ),
    ]
}

/// A third party's rule in Python, with the interpreter inside: some 19 MB.
fn in_python() -> Value {
    let built = format!("../../examples/third-party/{PYTHON}/dist/{PYTHON}.wasm");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(built);
    let component = std::fs::read(&file).expect("the rule in Python: make bench builds it");
    let engine =
        Engine::new(Config::new().concurrency_support(false).strategy(Strategy::Winch)).expect("an engine of Winch");
    let home = Home::new();
    home.put_bytes(&format!("{PYTHON}.wasm"), &component);
    let runtime = home.start();
    let facts = table();
    let (mut floor, mut took) = (Vec::new(), Vec::new());
    for number in 0..PYTHON_ROUNDS {
        // What compiles behind the one before is not part of this one.
        optimised(&runtime, PYTHON);
        let bytes = marked(&component, number);
        floor.push(ms(|| drop(Component::from_binary(&engine, &bytes).expect("compiles"))) / 1e3);
        took.push(swap(&home, &runtime, PYTHON, &facts, &bytes) / 1e3);
    }
    let (floor, took) = (quantile(&mut floor, 50), quantile(&mut took, 50));
    row("rename to first answer, new rule in Python beside bare Winch, p50", took, "s", Some(floor), &Under::Value(3.0))
}

/// Another file of the same code, by a custom section, so that nothing compiled for one is of use for another.
fn marked(component: &[u8], number: u32) -> Vec<u8> {
    let content = [&[5], b"bench".as_slice(), &number.to_le_bytes()].concat();
    let size = u8::try_from(content.len()).expect("short");
    [component, &[0, size], &content].concat()
}

fn swap(home: &Home, runtime: &Runtime, id: &str, facts: &Arc<TableFacts>, bytes: &[u8]) -> f64 {
    let wanted = hex(bytes);
    let beside = home.file(".part");
    std::fs::write(&beside, bytes).expect("write");
    ms(|| {
        std::fs::rename(&beside, home.file(&format!("{id}.wasm"))).expect("rename");
        loop {
            let snapshot = runtime.snapshot();
            let rule = snapshot.plugin(id).expect("always there");
            if rule.identity().digest == wanted {
                rule.evaluate(facts, None).expect("findings");
                return;
            }
            thread::sleep(Duration::from_micros(200));
        }
    })
}

fn optimised(runtime: &Runtime, id: &str) {
    while runtime.snapshot().plugin(id).expect("always there").tier() != Tier::Optimised {
        thread::sleep(Duration::from_millis(1));
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Many callers while the rule is swapped again and again. Its finding's code is the number of its version.
fn storm() -> Vec<Value> {
    let home = Home::new();
    home.put_bytes("rule.wasm", &numbered(0));
    let runtime = home.start();
    let facts = table();
    let (calls, failed, backwards) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let mut newest = 0;
                while !over.load(Ordering::Relaxed) {
                    calls.fetch_add(1, Ordering::Relaxed);
                    match version_now(&runtime, &facts) {
                        Ok(version) if version < newest => drop(backwards.fetch_add(1, Ordering::Relaxed)),
                        Ok(version) => newest = version,
                        Err(why) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            eprintln!("failed: {why}");
                        }
                    }
                }
            });
        }
        for number in 1..=STORM_SWAPS {
            put_and_wait(&home, &runtime, &facts, number);
        }
        while calls.load(Ordering::Relaxed) < LEAST_CALLS {
            thread::sleep(Duration::from_millis(10));
        }
        over.store(true, Ordering::Relaxed);
    });
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    let figure = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
    vec![
        row("calls while 200 swaps went on under 32 callers", figure(&calls), "calls", None, &Under::Nothing),
        row("of them failed", figure(&failed), "calls", None, &Under::Value(1.0)),
        row("of them met an older version after a newer one", figure(&backwards), "calls", None, &Under::Value(1.0)),
    ]
}

/// What the process holds after many swaps, over what it held after the first fifty.
fn growth() -> Value {
    let home = Home::new();
    home.put_bytes("rule.wasm", &numbered(0));
    let runtime = home.start();
    let facts = table();
    (1..=50).for_each(|number| put_and_wait(&home, &runtime, &facts, number));
    let before = resident_mb();
    (51..=50 + GROWTH_SWAPS).for_each(|number| put_and_wait(&home, &runtime, &facts, number));
    row("resident growth after 500 swaps", resident_mb() - before, "MB", None, &Under::Value(10.0))
}

fn numbered(number: u64) -> Vec<u8> {
    Guest::rule("rule", &format!("1.0.{number}")).code(&format!("v-{number}")).build()
}

fn put_and_wait(home: &Home, runtime: &Runtime, facts: &Arc<TableFacts>, number: u64) {
    home.put_bytes("rule.wasm", &numbered(number));
    while version_now(runtime, facts) != Ok(number) {
        thread::sleep(Duration::from_micros(200));
    }
}

fn version_now(runtime: &Runtime, facts: &Arc<TableFacts>) -> Result<u64, String> {
    let snapshot = runtime.snapshot();
    let rule = snapshot.plugin("rule").ok_or("no rule is there")?;
    let found = rule.evaluate(facts, None).map_err(|error| error.to_string())?;
    let code = found.first().map(|finding| finding.code.as_str());
    code.and_then(|code| code.strip_prefix("v-")?.parse().ok()).ok_or_else(|| format!("its finding is {code:?}"))
}

fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a resident size");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).expect("kB") / 1024.0
}

fn ms(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
