//! One call of a health rule through the runtime, beside the same guest in bare wasmtime: a fresh store and instance
//! each, no limits, no deadline, no log, the answer lifted and dropped. Also the time from a rename to the first answer.

#[path = "../tests/suite/support/mod.rs"]
#[expect(dead_code, reason = "the bench uses a part of the tests' guests")]
mod support;
#[path = "call/wit.rs"]
mod wit;

use std::{
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use drls_runtime::{Host, Limits};
use serde_json::{Map, Value, json};
use support::{Found, Guest, home::Home, table};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, Linker, Resource, TypedFunc},
};

const ROUNDS: usize = 40;
const CALLS: usize = 500;
const SWAPS: u64 = 30;

type Answer = Result<Vec<wit::Finding>, wit::Error>;

fn main() {
    let found = Found { remedy: Some(("compact", r#"{"strategy": "binpack"}"#)), ..Found::default() };
    let component = Guest::rule("rule", "1.0.0").finds(&[found]).build();
    let host = Host::new(Limits::default()).expect("engine");
    let plugin = host.load(&component, &Map::new()).expect("a plugin");
    let facts = table();
    let ours = || {
        black_box(plugin.evaluate(&facts, None).expect("findings"));
    };
    let bare = bare(&component);
    let (mut ours_us, mut bare_us) = (Vec::new(), Vec::new());
    // In turns, so that a change in the machine's load meets both.
    for _ in 0..ROUNDS {
        ours_us.extend(time(&ours));
        bare_us.extend(time(&bare));
    }
    let (p50, floor) = (quantile(&mut ours_us, 50), quantile(&mut bare_us, 50));
    let p99 = quantile(&mut ours_us, 99);
    let mut swaps = swaps();
    let swap = quantile(&mut swaps, 50);
    let row = |name: &str, value: f64, unit: &str, floor: Value, ratio: Value, target: &str, met: bool| {
        json!({"name": name, "value": value, "unit": unit, "floor": floor, "peer": "bare wasmtime", "ratio": ratio,
               "target": target, "met": met})
    };
    let ratio = p50 / floor;
    let rows = json!([
        row("rule call p50", p50, "us", json!(floor), json!(ratio), "< 100 us", p50 < 100.0),
        row("rule call p50 over bare", ratio, "ratio", json!(1.0), json!(ratio), "< 1.5", ratio < 1.5),
        row("rule call p99", p99, "us", json!(quantile(&mut bare_us, 99)), Value::Null, "none", true),
        row("rename to first answer p50", swap, "ms", Value::Null, Value::Null, "< 100 ms", swap < 100.0),
    ]);
    let text = serde_json::to_string_pretty(&rows).expect("json");
    println!("{text}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/bench/results");
    std::fs::create_dir_all(&folder).expect("folder");
    std::fs::write(folder.join("runtime.json"), text + "\n").expect("results");
}

fn time(call: &impl Fn()) -> Vec<f64> {
    let one = |_| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..CALLS).map(one).collect()
}

/// The same component with nothing around it.
fn bare(bytes: &[u8]) -> impl Fn() {
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(256 << 10).table_keep_resident(256 << 10);
    let mut config = Config::new();
    config.concurrency_support(false).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    let engine = Engine::new(&config).expect("engine");
    let component = Component::from_binary(&engine, bytes).expect("component");
    let mut linker = Linker::<()>::new(&engine);
    linker.define_unknown_imports_as_traps(&component).expect("imports");
    let pre = linker.instantiate_pre(&component).expect("linked");
    let interface = component.get_export_index(None, "drls:plugin/health@0.1.0").expect("interface");
    let evaluate = component.get_export_index(Some(&interface), "evaluate").expect("function");
    let mut store = Store::new(&engine, ());
    let instance = pre.instantiate(&mut store).expect("instance");
    let function = instance.get_func(&mut store, evaluate).expect("function");
    function.typed::<(Resource<()>, &str), (Answer,)>(&store).expect("the types of the WIT");
    move || {
        let mut store = Store::new(&engine, ());
        let instance = pre.instantiate(&mut store).expect("instance");
        let function = instance.get_func(&mut store, evaluate).expect("function");
        #[expect(
            unsafe_code,
            reason = "generated bindings check the types once and not at each call, so neither does this"
        )]
        // SAFETY: the types above are those of the WIT, as the check before this closure has shown.
        let call: TypedFunc<(Resource<()>, &str), (Answer,)> = unsafe { TypedFunc::new_unchecked(function) };
        let (answer,) = call.call(&mut store, (Resource::new_borrow(0), "{}")).expect("answer");
        black_box(answer.map_err(|_| ()).expect("findings"));
    }
}

/// Milliseconds from a rename to the first answer of new code, compiled each time.
fn swaps() -> Vec<f64> {
    let home = Home::new();
    let numbered = |n: u64| Guest::rule("rule", &format!("1.0.{n}")).code(&format!("v-{n}")).build();
    home.put_bytes("rule.wasm", &numbered(0));
    let runtime = home.start();
    let facts = table();
    let one = |n| {
        let beside = home.file(".part");
        std::fs::write(&beside, numbered(n)).expect("write");
        let wanted = format!("v-{n}");
        let start = Instant::now();
        std::fs::rename(&beside, home.file("rule.wasm")).expect("rename");
        loop {
            let snapshot = runtime.snapshot();
            let rule = snapshot.plugin("rule").expect("always there");
            if rule.evaluate(&facts, None).expect("findings")[0].code == wanted {
                return start.elapsed().as_secs_f64() * 1e3;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    };
    (1..=SWAPS).map(one).collect()
}

fn quantile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    times[(times.len() - 1) * percent / 100]
}
