//! Bindings that wasmtime makes from `wit/`. Private: what the crate shows is picked by name in its own types.

#![allow(missing_docs, unreachable_pub, reason = "generated code; the WIT files hold its documentation")]

/// World `health-rule`, and the interfaces that both worlds share.
pub(crate) mod rule {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "health-rule",
        imports: { default: trappable },
        with: { "drls:plugin/facts.table": crate::view::TableHandle },
    });
}

/// World `table-operation`.
pub(crate) mod operation {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "table-operation",
        imports: { default: trappable },
        with: {
            "drls:plugin/types": super::rule::drls::plugin::types,
            "drls:plugin/facts": super::rule::drls::plugin::facts,
            "drls:plugin/log": super::rule::drls::plugin::log,
        },
    });
}

/// The capability to send requests.
pub(crate) mod http {
    wasmtime::component::bindgen!({
        path: "../../wit/http",
        world: "capability",
        imports: { default: trappable },
    });
}

pub(crate) use http::drls::http::client;
pub(crate) use rule::drls::plugin::{facts, log, types};
