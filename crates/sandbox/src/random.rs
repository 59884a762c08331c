//! Seeded random numbers: `SplitMix64` and FNV-1a. They guard nothing.

/// Step of `SplitMix64`.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Start value of FNV-1a.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// Generator of a stream of numbers, well mixed from the first one on.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    /// Returns the next number of the stream.
    pub(crate) fn next(&mut self) -> u64 {
        let number = mix(self.0);
        self.0 = self.0.wrapping_add(STEP);
        number
    }
}

/// Mixes a number: the first number of the stream that it seeds.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hashes a text under a seed by FNV-1a.
pub(crate) fn fnv(text: &str, seed: u64) -> u64 {
    text.bytes().fold(FNV_OFFSET ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
