//! A plugin's native code, linked with what the host offers: what a call makes an instance of.

use std::collections::BTreeSet;

use wasmtime::{Engine, component::Component};

use crate::{
    bindings::{operation::TableOperationPre, rule::HealthRulePre},
    call::CallState,
    engine::{Compiler, Tier},
    inspect::Kind,
};

/// Linked code of one tier.
pub(crate) struct Guest {
    pub(crate) tier: Tier,
    pub(crate) engine: Engine,
    pub(crate) rule: Option<HealthRulePre<CallState>>,
    pub(crate) operation: Option<TableOperationPre<CallState>>,
}

impl Guest {
    /// Links what `compiler` compiled.
    pub(crate) fn link(compiler: &Compiler, component: &Component, kinds: &BTreeSet<Kind>) -> wasmtime::Result<Self> {
        let pre = compiler.linker.instantiate_pre(component)?;
        let has = |kind| kinds.contains(&kind);
        Ok(Self {
            tier: compiler.tier,
            engine: compiler.engine.clone(),
            rule: has(Kind::HealthRule).then(|| HealthRulePre::new(pre.clone())).transpose()?,
            operation: has(Kind::TableOperation).then(|| TableOperationPre::new(pre.clone())).transpose()?,
        })
    }
}
