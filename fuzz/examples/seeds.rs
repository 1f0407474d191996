//! Writes the real files that libFuzzer begins from to `libfuzzer/corpus/<target>/`.

use std::path::Path;

use fuzz_targets::Target;

fn main() -> std::io::Result<()> {
    for target in Target::ALL {
        let folder =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("libfuzzer/corpus").join(target.name());
        fs_err::create_dir_all(&folder)?;
        for (number, seed) in target.seeds().into_iter().enumerate() {
            fs_err::write(folder.join(format!("real-{number}")), seed)?;
        }
    }
    Ok(())
}
