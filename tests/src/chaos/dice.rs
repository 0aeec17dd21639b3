//! Chances that a seed repeats: SplitMix64. It is no source of secrets.

use std::ops::Range;
use std::time::Duration;

/// A sequence of numbers that follows from its seed alone.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The sequence of this seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for the part of this number, so that parts do not disturb each other.
    #[must_use]
    pub fn part(&self, number: u64) -> Self {
        let mut dice = Self(self.0 ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        dice.next();
        dice
    }

    /// A number below `most`, or 0 below 0.
    pub fn below(&mut self, most: u64) -> u64 {
        // The high half of the product: as even as the numbers themselves.
        let wide = u128::from(self.next()) * u128::from(most);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// One of the places of a list of this length.
    pub fn place(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A time in this range of milliseconds.
    pub fn time(&mut self, ms: Range<u64>) -> Duration {
        Duration::from_millis(ms.start + self.below(ms.end - ms.start))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_numbers_and_its_parts() {
        let rolled = |mut dice: Dice| [(); 8].map(|()| dice.below(1_000));
        assert_eq!(rolled(Dice::of(7)), rolled(Dice::of(7)));
        assert_ne!(rolled(Dice::of(7)), rolled(Dice::of(8)));
        assert_eq!(rolled(Dice::of(7).part(1)), rolled(Dice::of(7).part(1)));
        assert_ne!(rolled(Dice::of(7).part(1)), rolled(Dice::of(7).part(2)));
    }

    #[test]
    fn every_place_of_a_list_comes_up() {
        let mut dice = Dice::of(1);
        let mut seen = [0; 3];
        for _ in 0..300 {
            seen[dice.place(3)] += 1;
        }
        assert!(seen.iter().all(|&times| times > 50), "{seen:?}");
    }
}
