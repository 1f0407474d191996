//! Raw DEFLATE, with or without a dictionary that precedes the output.

use std::ops::Range;

use flate2::{Decompress, FlushDecompress, Status};

/// An inflater that is used again and again.
#[derive(Debug)]
pub(super) struct Inflate {
    state: Decompress,
}

impl Inflate {
    pub(super) fn new() -> Self {
        Self { state: Decompress::new(false) }
    }

    /// Decodes the whole input into `place` of the output; an empty place has no input.
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
        self.state.reset(false);
        if !dictionary.is_empty() {
            let dictionary = output.get(dictionary).ok_or("the dictionary is out of reach")?;
            self.state.set_dictionary(dictionary).map_err(|_| "the dictionary is refused")?;
        }
        let length = place.len();
        let output = output.get_mut(place).ok_or("the block is out of reach")?;
        let status = self
            .state
            .decompress(input, output, FlushDecompress::Finish)
            .map_err(|_| "not a valid stream")?;
        let decoded = usize::try_from(self.state.total_out()) == Ok(length);
        if decoded && matches!(status, Status::StreamEnd | Status::Ok | Status::BufError) {
            Ok(())
        } else {
            Err("the stream ends before the block does")
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compress, Compression, FlushCompress};
    use proptest::prelude::{any, proptest};

    use super::Inflate;

    fn deflate(input: &[u8], dictionary: &[u8]) -> Vec<u8> {
        let mut state = Compress::new(Compression::default(), false);
        if !dictionary.is_empty() {
            state.set_dictionary(dictionary).unwrap();
        }
        let mut output = Vec::with_capacity(input.len() * 2 + 100);
        state.compress_vec(input, &mut output, FlushCompress::Finish).unwrap();
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
                    .unwrap();
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
