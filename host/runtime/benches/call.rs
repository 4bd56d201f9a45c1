//! One call of a health rule through the runtime, beside the same guest in bare wasmtime: a fresh store and instance
//! each, no limits, no deadline, no log, the answer lifted and dropped.

#[path = "shared/results.rs"]
mod results;
#[path = "../tests/suite/support/mod.rs"]
#[expect(dead_code, reason = "the bench uses a part of the tests' guests")]
mod support;
#[path = "call/wit.rs"]
mod wit;

use std::{hint::black_box, time::Instant};

use drls_runtime::{Host, Limits};
use results::{Under, quantile, row, write};
use serde_json::Map;
use support::{Found, Guest, table};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
    component::{Component, Linker, Resource, TypedFunc},
};

const ROUNDS: usize = 40;
const CALLS: usize = 500;

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
    let p99_floor = quantile(&mut bare_us, 99);
    write(
        "call",
        &[
            row("rule call, fresh store, p50", p50, "us", None, &Under::Value(100.0)),
            row("the same beside bare wasmtime", p50, "us", Some(floor), &Under::Floors(1.5)),
            row("rule call, fresh store, p99", p99, "us", Some(p99_floor), &Under::Nothing),
        ],
    );
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
