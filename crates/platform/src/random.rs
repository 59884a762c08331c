//! Seeded random numbers: `SplitMix64` and FNV-1a. They guard nothing: the same seed gives the same
//! numbers on every machine and in every version.

/// Step of the generator's counter.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// Start value of FNV-1a.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// Generator of a stream of numbers, well mixed from the first one on.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// Creates the stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number of the stream.
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        scramble(self.0)
    }

    /// Returns a number less than the bound, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound
    }
}

/// Mixes a number: the first number of the stream that it seeds.
pub const fn mix(number: u64) -> u64 {
    SplitMix64::new(number).next_u64()
}

/// Permutes all numbers, as the generator does with its counter.
pub const fn scramble(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hashes a text under a seed by FNV-1a.
pub fn fnv1a(text: &str, seed: u64) -> u64 {
    text.bytes().fold(FNV_OFFSET ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithms() {
        // Sources: the reference implementation of SplitMix64 for the seed 1234567, and the test
        // vectors of FNV-1a.
        let mut random = SplitMix64::new(1_234_567);
        let numbers = [(); 3].map(|()| random.next_u64());
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(numbers, published);
        assert_eq!(fnv1a("", 0), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("foobar", 0), 0x8594_4171_f739_67e8);
    }
}
