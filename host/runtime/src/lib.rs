//! The plugin runtime of DRLS: loads WebAssembly components from a folder, checks and compiles them, swaps them while
//! they serve, and calls them under limits. Knows no HTTP, SQL or Python.

pub mod answer;
pub mod facts;
