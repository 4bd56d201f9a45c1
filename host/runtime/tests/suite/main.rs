//! Drives the runtime from outside, on guests that are made while the tests run.

#![expect(clippy::duplicate_mod, reason = "calls are tested in both tiers")]

#[path = ""]
mod calls_of_quick_code {
    const TIER: drls_runtime::Tier = drls_runtime::Tier::Quick;
    #[path = "calls.rs"]
    mod calls;
}
#[path = ""]
mod calls_of_optimised_code {
    const TIER: drls_runtime::Tier = drls_runtime::Tier::Optimised;
    #[path = "calls.rs"]
    mod calls;
}
mod admission;
mod cache;
mod clock;
mod corpus;
mod events;
mod files;
mod frozen;
mod fuzzed;
mod life;
mod manifest;
mod refusals;
mod rights;
mod support;
mod tidying;
mod tiers;
mod trust;
