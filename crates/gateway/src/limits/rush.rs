//! How fast connections come from each address.

use super::bucket::Rate;
use super::buckets::Buckets;
use super::key::Key;
use std::net::IpAddr;
use std::time::Duration;

/// An address that comes so many times as fast as it may is not answered any more.
const FAR: u32 = 4;

/// What one more connection is to its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Calm,
    /// It is over the limit, and is told so.
    Hasty,
    /// It is far over it, and not worth an answer.
    Flooding,
}

/// The pace of each address.
#[derive(Debug)]
pub(super) struct Rush {
    paces: (u32, u32),
    rate: Rate,
    far: Rate,
    /// Connections within the rate.
    calm: Buckets,
    /// All connections.
    all: Buckets,
}

impl Rush {
    /// So many connections of an address in a second, and so many at once.
    pub(super) fn new(paces: (u32, u32)) -> Self {
        let (count, burst) = paces;
        let rate = |times: u32| {
            Rate::new(count.saturating_mul(times), Duration::from_secs(1), burst.saturating_mul(times))
        };
        Self { paces, rate: rate(1), far: rate(FAR), calm: Buckets::default(), all: Buckets::default() }
    }

    /// Whether these are its count and burst.
    pub(super) fn is_of(&self, paces: (u32, u32)) -> bool {
        self.paces == paces
    }

    /// One more has come.
    pub(super) fn knock(&self, address: IpAddr, now: u64) -> Pace {
        let key = Key::address(address);
        if self.all.of(key.clone(), now).take(self.far, now).is_err() {
            Pace::Flooding
        } else if self.calm.of(key, now).take(self.rate, now).is_err() {
            Pace::Hasty
        } else {
            Pace::Calm
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_too_fast_is_told_and_then_ignored() {
        let rush = Rush::new((10, 2));
        let address = [192, 0, 2, 1].into();
        let knock = |now| rush.knock(address, now);
        for pace in [[Pace::Calm; 2], [Pace::Hasty; 2], [Pace::Hasty; 2], [Pace::Hasty; 2]].concat() {
            assert_eq!(knock(0), pace);
        }
        assert_eq!(knock(0), Pace::Flooding);
        assert_eq!(rush.knock([192, 0, 2, 2].into(), 0), Pace::Calm, "another one is not meant");
        assert_eq!(knock(100_000_000), Pace::Calm);
    }
}
