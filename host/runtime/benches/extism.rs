//! Extism, which a program takes that wants plugins and has no runtime of its own, in turns with ours: from the bytes of a
//! rule to its first answer, and one call. Its library is named by DRLS_EXTISM; `make bench` brings it.

#[path = "extism/foreign.rs"]
mod foreign;
#[path = "extism/modules.rs"]
mod modules;
#[path = "shared/results.rs"]
#[expect(dead_code, reason = "these rows have a peer and no floor")]
mod results;
#[path = "../tests/suite/support/mod.rs"]
#[expect(dead_code, reason = "the bench uses a part of the tests' guests")]
mod support;

use std::{hint::black_box, path::Path, time::Instant};

use drls_runtime::{Host, Limits, Tier};
use foreign::Extism;
use results::{quantile, write};
use serde_json::{Map, Value, json};
use support::{Found, Guest, table};

const MADE: usize = 9;
const ROUNDS: usize = 40;
const CALLS: usize = 500;

fn main() {
    let Some(library) = std::env::var_os("DRLS_EXTISM") else {
        eprintln!("extism: not measured, DRLS_EXTISM names no library; make bench brings it");
        return;
    };
    let extism = Extism::load(&library);
    write("extism", &[made(&extism), called(&extism)]);
}

/// A first-party rule of some 120 KB that was never seen, until it has described itself, and for ours has judged as well:
/// the same code for both, and no cache.
fn made(extism: &Extism) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins/small-files.wasm");
    let component = std::fs::read(&file).expect("target/plugins/small-files.wasm: make build");
    let manifest = modules::of_component(&component);
    let host = Host::new(Limits::default()).expect("engine");
    let facts = table();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..MADE {
        ours.push(ms(|| {
            let plugin = host.load_in(Tier::Quick, &component, &Map::new()).expect("a plugin");
            black_box(plugin.evaluate(&facts, None).expect("findings"));
        }));
        theirs.push(ms(|| drop(extism.plugin(&manifest).call(c"describe"))));
    }
    beside("a rule from its bytes to its first answer, p50", quantile(&mut ours, 50), "ms", quantile(&mut theirs, 50))
}

/// One finding: ours from a fresh store, Extism's as JSON from the instance that it keeps.
fn called(extism: &Extism) -> Value {
    let found = Found { remedy: Some(("compact", r#"{"strategy": "binpack"}"#)), ..Found::default() };
    let component = Guest::rule("rule", "1.0.0").finds(&[found]).build();
    let host = Host::new(Limits::default()).expect("engine");
    let plugin = host.load(&component, &Map::new()).expect("a plugin");
    let facts = table();
    let finding = serde_json::to_string(&plugin.evaluate(&facts, None).expect("findings")).expect("json");
    let mut peer = extism.plugin(&modules::that_answers(&finding));
    assert_eq!(peer.call(c"evaluate"), finding.as_bytes());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    // In turns, so that a change in the machine's load meets both.
    for _ in 0..ROUNDS {
        ours.extend((0..CALLS).map(|_| us(|| drop(black_box(plugin.evaluate(&facts, None).expect("findings"))))));
        theirs.extend((0..CALLS).map(|_| us(|| drop(black_box(peer.call(c"evaluate"))))));
    }
    beside("a call that answers one finding, p50", quantile(&mut ours, 50), "us", quantile(&mut theirs, 50))
}

fn beside(name: &str, value: f64, unit: &str, peer: f64) -> Value {
    let ratio = value / peer;
    json!({"name": name, "value": value, "unit": unit, "floor": null, "peer": peer, "ratio": ratio, "target": "< 1 x peer", "met": ratio < 1.0})
}

fn ms(work: impl FnOnce()) -> f64 {
    us(work) / 1e3
}

fn us(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6
}
