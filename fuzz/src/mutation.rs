//! Pseudo-random changes to an input, the same for the same seed.

/// Creates changed inputs.
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// Returns a mutator with this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number (`SplitMix64`).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    /// Returns one of the inputs.
    pub fn pick<'a>(&mut self, inputs: &'a [Vec<u8>]) -> &'a [u8] {
        inputs.get(self.below(inputs.len())).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the input with one to four changes.
    pub fn change(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change_once(&mut bytes);
        }
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>) {
        // Lengths and counts are near the start.
        let reach = if self.below(2) == 0 { bytes.len().min(200) } else { bytes.len() };
        let at = self.below(reach);
        let end = bytes.len().min(at.saturating_add(1).saturating_add(self.below(16)));
        match self.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes.get(at..end).unwrap_or_default().to_vec();
                let to = self.below(bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            3 => {
                // Values that change lengths and signs.
                let extreme = [0, 1, 0x7f, 0x80, 0xfe, 0xff];
                let value = extreme.get(self.below(extreme.len())).copied().unwrap_or(0);
                if let Some(part) = bytes.get_mut(at..end) {
                    part.fill(value);
                }
            }
            4 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = byte.wrapping_add(1);
                }
            }
            5 => {
                let value = u8::try_from(self.below(256)).unwrap_or(0);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = value;
                }
            }
            _ => {
                let bit = self.below(8);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
        }
    }
}
