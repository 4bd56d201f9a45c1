//! HTTP and command-line tests: each speaks to the built router, or runs the binary, on a home of its own.
//!
//! Files mirror addresses; rules that hold for every route are in `every_route`.

#![expect(clippy::unwrap_used, reason = "a test that can't be set up has failed, and where is told by the panic")]

mod command_line;
mod config;
mod events;
mod every_route;
mod health;
mod idempotency;
mod metrics;
mod openapi;
mod session;
mod site;
mod support;
