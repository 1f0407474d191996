//! Runs `Target::Latest`.

#![no_main]

use fuzz_targets::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| Target::Latest.run(input));
