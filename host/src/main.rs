//! The one binary of DRLS.

fn main() {}
