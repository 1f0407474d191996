//! Raw DEFLATE, with or without a dictionary that precedes the output.
//!
//! The decoder looks back in the slice that it writes to. So a block with a dictionary is decoded
//! into a separate buffer, right after a copy of the dictionary, and then copied to its place.

use std::ops::Range;

use fdeflate::Decompressor;

/// The header of a zlib stream, which the decoder expects before raw DEFLATE.
const ZLIB_HEADER: [u8; 2] = [0x78, 0x01];

/// A reusable inflater.
#[derive(Debug)]
pub(super) struct Inflate {
    /// A dictionary, followed by a block.
    buffer: Vec<u8>,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::new() }
    }

    /// Decodes the whole input into `place` of the output. An empty place has no input.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        place: Range<usize>,
        dictionary: Range<usize>,
    ) -> Result<(), &'static str> {
        if place.is_empty() {
            return if input.is_empty() { Ok(()) } else { Err("input for an empty block") };
        }
        if dictionary.is_empty() {
            let block = output.get_mut(place).ok_or("the block is out of reach")?;
            return inflate(input, block, 0);
        }
        let dictionary = output.get(dictionary).ok_or("the dictionary is out of reach")?;
        let start = dictionary.len();
        self.buffer.clear();
        self.buffer.extend_from_slice(dictionary);
        let block = output.get_mut(place).ok_or("the block is out of reach")?;
        self.buffer.resize(start.saturating_add(block.len()), 0);
        inflate(input, &mut self.buffer, start)?;
        block.copy_from_slice(self.buffer.get(start..).unwrap_or_default());
        Ok(())
    }
}

/// Fills the output from `start` on. Matches may refer to the bytes before `start`.
fn inflate(mut input: &[u8], output: &mut [u8], start: usize) -> Result<(), &'static str> {
    let mut decoder = Decompressor::new();
    decoder.ignore_adler32();
    let invalid = |_| "not a valid stream";
    decoder.read(&ZLIB_HEADER, output, start, false).map_err(invalid)?;
    let mut at = start;
    while at < output.len() {
        let (taken, given) = decoder.read(input, output, at, false).map_err(invalid)?;
        if taken == 0 && given == 0 {
            return Err("the stream ends before the block does");
        }
        input = input.get(taken..).unwrap_or_default();
        at = at.saturating_add(given);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::{any, proptest};

    use super::Inflate;

    fn deflate(input: &[u8], dictionary: &[u8]) -> Vec<u8> {
        let mut state = Compress::new(Compression::default(), false);
        if !dictionary.is_empty() {
            state.set_dictionary(dictionary).expect("a dictionary");
        }
        let mut output = Vec::with_capacity(input.len() * 2 + 100);
        state.compress_vec(input, &mut output, FlushCompress::Finish).expect("compressible bytes");
        output
    }

    proptest! {
        #[test]
        fn what_was_deflated_comes_back(
            dictionary in any::<Vec<u8>>(),
            tail in any::<Vec<u8>>(),
            gap in 0..50_usize,
        ) {
            let text = [&*dictionary, &*tail, b"end"].concat();
            let packed = deflate(&text, &dictionary);
            let start = dictionary.len() + gap;
            let mut output = dictionary.clone();
            output.resize(start + text.len(), 0);
            let mut inflate = Inflate::new();
            for _ in 0..2 {
                inflate
                    .decode(&packed, &mut output, start..start + text.len(), 0..dictionary.len())
                    .expect("decodable content");
                assert_eq!(&output[start..], text);
            }
        }

        #[test]
        fn random_input_never_panics(junk in any::<Vec<u8>>(), length in 0..500_usize) {
            let mut output = vec![0; length];
            let _ = Inflate::new().decode(&junk, &mut output, 0..length, 0..0);
        }
    }

    #[test]
    fn a_dictionary_is_really_used() {
        let dictionary = b"the quick brown fox jumps over the lazy dog";
        let packed = deflate(dictionary, dictionary);
        assert!(packed.len() < 12);
        let mut output = vec![0; dictionary.len()];
        assert!(Inflate::new().decode(&packed, &mut output, 0..dictionary.len(), 0..0).is_err());
    }
}
