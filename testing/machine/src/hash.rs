//! SHA-256 of files, as pins in the code and digests of images are written.

use std::{
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

use anyhow::Result;
use fs_err as fs;
use sha2::{Digest as _, Sha256};

/// The SHA-256 of a file, in lower-case hexadecimal.
pub fn sha256_of(file: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(file)?, &mut HashWriter(&mut hash))?;
    Ok(hex(&hash.finalize()))
}

/// Bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::sha256_of;

    #[test]
    fn the_hash_of_a_file_is_the_published_one_of_its_bytes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), "abc").unwrap();
        assert_eq!(
            sha256_of(file.path()).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
