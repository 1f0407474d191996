//! The checks of `cargo xtask tidy`, so that `cargo test` alone finds what they find.

use std::path::Path;

use xtask::tidy;

#[test]
fn the_sources_are_tidy() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let findings = tidy::findings(workspace).unwrap();
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
