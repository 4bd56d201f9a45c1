//! Any bytes as a plugin's file.
#![no_main]

use drls_fuzz::inspect;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| inspect(bytes));
