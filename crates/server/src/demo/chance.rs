//! Chance from a seed (SplitMix64): the same seed makes the same district, on every machine.

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: i64) -> i64 {
        let n = u64::try_from(n).unwrap_or_default();
        if n == 0 {
            return 0;
        }
        i64::try_from(self.number() % n).unwrap_or_default()
    }

    /// True in this many of a hundred cases.
    pub fn percent(&mut self, share: i64) -> bool {
        self.below(100) < share
    }

    /// One of a list that is not empty.
    ///
    /// # Panics
    /// Where the list is empty; the lists here are constants.
    pub fn one<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        let at = usize::try_from(self.number() % (list.len().max(1) as u64)).unwrap_or_default();
        list.get(at).expect("lists of the demonstration are not empty")
    }
}
