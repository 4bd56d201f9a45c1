//! The one binary of DRLS.

use std::process::ExitCode;

fn main() -> ExitCode {
    drls::cli::run()
}
