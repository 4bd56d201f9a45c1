//! Drives the runtime from outside, on guests that are made while the tests run.

mod calls;
mod life;
mod manifest;
mod refusals;
mod support;
