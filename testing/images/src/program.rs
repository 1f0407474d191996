//! A program for an image that holds nothing else: it must be static.

use std::path::Path;

use anyhow::{Result, bail};
use fs_err as fs;

use crate::oci::Content;

/// Reads a program, which must be static.
pub(crate) fn read(program: &Path) -> Result<Content> {
    let bytes = fs::read(program)?;
    if needs_loader(&bytes) {
        bail!("`{}` is not static; an image with nothing else cannot run it", program.display());
    }
    Ok(Content::Program(bytes))
}

/// Whether an ELF file names a loader (a program header of type `PT_INTERP`).
///
/// ```text
/// 0x20  u64  where the program headers are
/// 0x36  u16  the size of one
/// 0x38  u16  how many there are; each starts with its type, a u32
/// ```
fn needs_loader(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let number =
        |at: usize| Some(usize::from(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?)));
    let headers = || {
        let start = u64::from_le_bytes(elf.get(0x20..0x28)?.try_into().ok()?);
        let start = usize::try_from(start).ok()?;
        let (size, count) = (number(0x36)?, number(0x38)?);
        Some((0..count).filter_map(move |index| {
            let at = start + index * size;
            elf.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
        }))
    };
    headers().is_none_or(|mut kinds| kinds.any(|kind| kind == INTERPRETER))
}

#[cfg(test)]
mod tests {
    use super::needs_loader;

    #[test]
    fn a_program_that_needs_a_loader_is_known_by_its_headers() {
        // The test itself is linked as usual.
        let this = fs_err::read(std::env::current_exe().unwrap()).unwrap();
        assert!(needs_loader(&this));
        assert!(needs_loader(b"not a program"));
        // A header without program headers.
        assert!(!needs_loader(&[0; 64]));
    }
}
