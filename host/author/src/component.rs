//! Turns what the compiler makes into what the host loads.

use anyhow::{Result, anyhow};
use wit_component::ComponentEncoder;

/// Bytes 4..8 of a core module: version 1, layer 0.
const CORE_MODULE: [u8; 4] = [1, 0, 0, 0];

/// True for a core WebAssembly module, as opposed to a component or something else.
pub(crate) fn is_core_module(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0asm") && bytes.get(4..8) == Some(&CORE_MODULE)
}

/// Wraps a core module into a validated component by the world that the SDK's macro left in it. Something that is a
/// component already (a `wasip2` target makes one) passes through.
///
/// Errors: the module names no world, or imports what no world has.
pub(crate) fn from_module(module: &[u8]) -> Result<Vec<u8>> {
    if !is_core_module(module) {
        return Ok(module.to_vec());
    }
    let encode = || ComponentEncoder::default().validate(true).module(module)?.encode();
    encode().map_err(|e| {
        anyhow!(
            "the compiled module does not become a component: {e:#}\n  \
             fix: import nothing but the contract (no crate that needs a clock, random numbers, files or JavaScript)"
        )
    })
}
