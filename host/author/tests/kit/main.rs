//! The author kit, driven from outside as an author drives it: with the real compiler and the real runtime.

#![expect(clippy::unwrap_used, reason = "a test whose scene cannot be set has failed")]

mod benching;
mod building;
mod checking;
mod developing;
mod installing;
mod languages;
mod making;
mod support;
mod testing;
mod unruly;
