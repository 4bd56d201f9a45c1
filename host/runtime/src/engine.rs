//! The WebAssembly engines that all plugins of a process share, and the threads that tick for their deadlines.

use std::{
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};

use arc_swap::ArcSwap;
use serde::Serialize;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Strategy,
    component::{Component, HasSelf, Linker},
};

use crate::{
    bindings::{client, facts, log, types},
    call::CallState,
    http::{Down, Internet, Transport},
    limits::Limits,
    policy::Policy,
};

/// How often guest code looks at its deadline; a call ends at most this much late.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// Calls of all plugins together that run at once.
const SLOTS: u32 = 512;
/// Pages of a freed memory that stay mapped, so that the next call does not fault them in again.
const KEEP_RESIDENT: usize = 256 << 10;

/// How code was compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// By Winch, in a fraction of the time, for slower code: a new plugin serves with it until the other is there.
    Quick,
    /// By Cranelift.
    Optimised,
}

/// Compiles in one tier, and links what it compiled.
pub(crate) struct Compiler {
    pub(crate) tier: Tier,
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<CallState>,
    pooled: bool,
}

/// Holds the engines. Cheap to make: nothing is compiled.
pub struct Host {
    optimising: Compiler,
    /// Made when the first plugin wants it; none where this processor is not one of Winch's.
    quick: OnceLock<Option<Compiler>>,
    pub(crate) limits: Limits,
    policy: ArcSwap<Policy>,
    /// Made when the first plugin sends a request.
    transport: OnceLock<Arc<dyn Transport>>,
    down: Down,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("limits", &self.limits).field("pooled", &self.pooled()).finish_non_exhaustive()
    }
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine does not start: {0}; this processor or system may not be supported")]
pub struct EngineError(String);

impl Host {
    /// Makes the engine and starts its ticking thread, which ends when the last plugin and host are gone.
    ///
    /// Takes the pooling allocator, and the on-demand one where the system does not give it address space.
    ///
    /// # Errors
    /// The processor or the system is not supported.
    pub fn new(limits: Limits) -> Result<Arc<Self>, EngineError> {
        let optimising = Compiler::new(Tier::Optimised, &limits)?;
        Ok(Arc::new(Self {
            optimising,
            quick: OnceLock::new(),
            limits,
            policy: ArcSwap::default(),
            transport: OnceLock::new(),
            down: Down::default(),
        }))
    }

    /// A host whose plugins' requests go to `transport` in place of the network.
    ///
    /// # Errors
    /// See [`Host::new`].
    pub fn with_transport(limits: Limits, transport: Arc<dyn Transport>) -> Result<Arc<Self>, EngineError> {
        let host = Self::new(limits)?;
        // Nobody else has it yet.
        let _ = host.transport.set(transport);
        Ok(host)
    }

    /// The operator's word of now.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    pub(crate) fn down(&self) -> &Down {
        &self.down
    }

    pub(crate) fn transport(&self) -> &Arc<dyn Transport> {
        self.transport.get_or_init(|| Arc::new(Internet::new()))
    }

    /// The limits that hold here.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// True where calls take their memory from a pool.
    pub fn pooled(&self) -> bool {
        self.optimising.pooled
    }

    pub(crate) fn optimising(&self) -> &Compiler {
        &self.optimising
    }

    pub(crate) fn quick(&self) -> Option<&Compiler> {
        let make = || {
            let made = Compiler::new(Tier::Quick, &self.limits);
            made.map_err(|error| tracing::info!("plugins are compiled in one tier: {error}")).ok()
        };
        self.quick.get_or_init(make).as_ref()
    }
}

impl Compiler {
    fn new(tier: Tier, limits: &Limits) -> Result<Self, EngineError> {
        let text = |e: wasmtime::Error| EngineError(format!("{e:#}"));
        let (engine, pooled) = match Engine::new(&config(tier, Some(pool(limits)))) {
            Ok(engine) => (engine, true),
            Err(error) => {
                let engine = Engine::new(&config(tier, None)).map_err(text)?;
                tracing::warn!("plugin calls will be slower, the memory pool could not be made: {error:#}");
                (engine, false)
            }
        };
        let mut linker = Linker::new(&engine);
        types::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(text)?;
        log::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(text)?;
        facts::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(text)?;
        client::add_to_linker::<_, HasSelf<_>>(&mut linker, |state| state).map_err(text)?;
        tick(&engine).map_err(|e| EngineError(e.to_string()))?;
        Ok(Self { tier, engine, linker, pooled })
    }

    pub(crate) fn compile(&self, bytes: &[u8]) -> wasmtime::Result<Component> {
        Component::from_binary(&self.engine, bytes)
    }
}

fn config(tier: Tier, pool: Option<PoolingAllocationConfig>) -> Config {
    let mut config = Config::new();
    config.strategy(match tier {
        Tier::Quick => Strategy::Winch,
        Tier::Optimised => Strategy::Cranelift,
    });
    config.epoch_interruption(true).memory_init_cow(true).concurrency_support(false);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(SLOTS)
        .total_core_instances(4 * SLOTS)
        .total_memories(SLOTS)
        .total_tables(2 * SLOTS)
        .max_core_instances_per_component(u32::try_from(limits.instances).unwrap_or(u32::MAX))
        .max_tables_per_module(4)
        .table_elements(limits.table_elements)
        .max_memory_size(usize::try_from(limits.memory_ceiling).unwrap_or(usize::MAX))
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        // Where the kernel can say which pages a guest wrote to (Linux 6.7), those alone are cleared: not the stack that it never
        // reached, and no page is given back, which would stop every other core to forget it.
        .pagemap_scan(Enabled::Auto);
    pool
}

fn tick(engine: &Engine) -> std::io::Result<()> {
    let weak = engine.weak();
    thread::Builder::new().name("plugin-ticks".to_owned()).spawn(move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    })?;
    Ok(())
}
