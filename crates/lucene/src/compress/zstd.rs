//! zstd frames, with or without a dictionary that precedes the output.
//!
//! ```text
//! frame       28 B5 2F FD, header, blocks [, checksum]      as in RFC 8878
//! dictionary  content alone, no tables: an earlier part of the same run
//! ```
//!
//! A frame is decoded directly into its place, so that the size and window in its header allocate
//! nothing.

use std::{fmt, ops::Range};

use zstd::bulk::Decompressor;

/// A reusable decoder of frames.
pub(super) struct Frames {
    /// Created for the first frame: it is large, and most files have no frames.
    state: Option<Decompressor<'static>>,
}

impl fmt::Debug for Frames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Frames").field("used", &self.state.is_some()).finish()
    }
}

impl Frames {
    pub(super) fn new() -> Self {
        Self { state: None }
    }

    /// Decodes the whole input into `place` of the output. An empty place may have no input.
    pub(super) fn decode(
        &mut self,
        input: &[u8],
        output: &mut [u8],
        place: Range<usize>,
        dictionary: Range<usize>,
    ) -> Result<(), &'static str> {
        if place.is_empty() && input.is_empty() {
            return Ok(());
        }
        let state = self.state.get_or_insert_default();
        let dictionary = output.get(dictionary).ok_or("the dictionary is out of reach")?;
        // An empty dictionary removes the one before.
        state.set_dictionary(dictionary).map_err(|_| "the dictionary is refused")?;
        let output = output.get_mut(place).ok_or("the block is out of reach")?;
        let decoded = state
            .decompress_to_buffer(input, output)
            .map_err(|_| "not a valid frame, or one that is longer than the block")?;
        if decoded == output.len() { Ok(()) } else { Err("the frame ends before the block does") }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};
    use zstd::bulk::Compressor;

    use super::Frames;

    fn compress(input: &[u8], dictionary: &[u8]) -> Vec<u8> {
        Compressor::with_dictionary(3, dictionary)
            .expect("a compressor")
            .compress(input)
            .expect("compressible bytes")
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(
            dictionary in any::<Vec<u8>>(),
            tail in any::<Vec<u8>>(),
            gap in 0..50_usize,
        ) {
            let text = [&*dictionary, &*tail, b"end"].concat();
            let start = dictionary.len() + gap;
            let mut output = dictionary.clone();
            output.resize(start + text.len(), 0);
            let mut frames = Frames::new();
            for dictionary in [&dictionary[..], &[], &dictionary] {
                let packed = compress(&text, dictionary);
                output[start..].fill(0);
                frames
                    .decode(&packed, &mut output, start..start + text.len(), 0..dictionary.len())
                    .expect("decodable content");
                assert_eq!(&output[start..], text);
            }
        }

        #[test]
        fn a_place_of_another_length_is_refused(
            text in any::<Vec<u8>>(),
            length in 0..200_usize,
        ) {
            let mut output = vec![0; length];
            let decoded = Frames::new().decode(&compress(&text, &[]), &mut output, 0..length, 0..0);
            assert_eq!(decoded.is_ok(), length == text.len());
        }

        #[test]
        fn random_input_never_panics(
            junk in any::<Vec<u8>>(),
            length in 0..500_usize,
            dictionary in any::<Vec<u8>>(),
        ) {
            let mut output = dictionary.clone();
            output.resize(dictionary.len() + length, 0);
            let place = dictionary.len()..output.len();
            let framed = [&[0x28, 0xb5, 0x2f, 0xfd], &*junk].concat();
            for input in [&junk, &framed] {
                let _ =
                    Frames::new().decode(input, &mut output, place.clone(), 0..dictionary.len());
            }
        }
    }

    #[test]
    fn a_dictionary_is_really_used() {
        let dictionary = b"the quick brown fox jumps over the lazy dog";
        let packed = compress(dictionary, dictionary);
        assert!(packed.len() < 20);
        let mut output = vec![0; dictionary.len()];
        assert!(Frames::new().decode(&packed, &mut output, 0..dictionary.len(), 0..0).is_err());
    }

    #[test]
    fn a_frame_that_claims_a_huge_size_is_refused() {
        // Single segment, content size in 8 bytes: 2^62 of them.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0];
        assert!(Frames::new().decode(&frame, &mut [0; 100], 0..100, 0..0).is_err());
    }
}
