//! Every target takes every real file, and mutations of them from a fixed seed.
//!
//! `ARGOSY_FUZZ_CASES` is the number of mutations for each target, `ARGOSY_SEED` the first seed.

use fuzz_targets::{Mutator, Target};

/// Mutations for each target by default.
const CASES: u64 = 300;
/// A run of the same seed is the same run.
const SEED: u64 = 20_261_121;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

#[test]
fn every_target_takes_real_files_and_mutations_of_them() {
    let cases = from_environment("ARGOSY_FUZZ_CASES").unwrap_or(CASES);
    let seed = from_environment("ARGOSY_SEED").unwrap_or(SEED);
    for target in Target::ALL {
        let seeds = target.seeds();
        assert!(!seeds.is_empty(), "`{}` has no seeds", target.name());
        for real in &seeds {
            target.run(real);
        }
        for case in 0..cases {
            let mut mutator = Mutator::new(seed.wrapping_add(case));
            let input = mutator.pick(&seeds).to_vec();
            let changed = mutator.change(&input);
            let run = std::panic::catch_unwind(|| target.run(&changed));
            assert!(run.is_ok(), "`{}` with ARGOSY_SEED={}", target.name(), seed + case);
        }
        println!("{:20} {} real files, {cases} mutations", target.name(), seeds.len());
    }
}
