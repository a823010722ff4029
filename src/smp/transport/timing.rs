//! How long answers took, and how often something was sent again: what metrics are made of.
//!
//! Pure but for counters that many requests share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many ranges of time there are, with the one that has no end.
const RANGES: usize = Timing::BOUNDS.len() + 1;

/// How long answers took until their head was there, each try by itself, and how often something was tried again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// Tries beyond the first of a request.
    pub retries: u64,
    /// All of the time together, in microseconds.
    pub micros: u64,
    /// How many tries took up to each of [`Timing::BOUNDS`] and more than the one before; the last took longer than any.
    pub ranges: [u64; RANGES],
}

impl Timing {
    /// The ends of the ranges, in milliseconds.
    pub const BOUNDS: [u64; 9] = [10, 25, 50, 100, 250, 500, 1000, 2500, 10_000];

    /// What was added since an earlier reading of the same transport.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        self.with(before, u64::saturating_sub)
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    fn with(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let Self {
            retries,
            micros,
            ranges,
        } = self;
        let mut combined = *ranges;
        for (one, two) in combined.iter_mut().zip(other.ranges) {
            *one = combine(*one, two);
        }
        Self {
            retries: combine(*retries, other.retries),
            micros: combine(*micros, other.micros),
            ranges: combined,
        }
    }
}

/// The counters behind a [`Timing`].
#[derive(Debug, Default)]
pub(super) struct Timed {
    retries: AtomicU64,
    micros: AtomicU64,
    ranges: [AtomicU64; RANGES],
}

impl Timed {
    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let range = Timing::BOUNDS
            .iter()
            .position(|bound| micros <= bound * 1000)
            .unwrap_or(Timing::BOUNDS.len());
        if let Some(range) = self.ranges.get(range) {
            range.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Timing {
        let mut ranges = [0; RANGES];
        for (range, counter) in ranges.iter_mut().zip(&self.ranges) {
            *range = counter.load(Ordering::Relaxed);
        }
        Timing {
            retries: self.retries.load(Ordering::Relaxed),
            micros: self.micros.load(Ordering::Relaxed),
            ranges,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_is_counted_in_the_first_range_that_holds_it() {
        let timed = Timed::default();
        for micros in [0, 10_000, 10_001, 2_500_000, 11_000_000] {
            timed.took(Duration::from_micros(micros));
        }
        timed.again();
        let read = timed.read();
        assert_eq!(read.ranges, [2, 1, 0, 0, 0, 0, 0, 1, 0, 1]);
        assert_eq!(read.micros, 13_520_001);
        timed.took(Duration::from_micros(7));
        let since = timed.read().since(&read);
        assert_eq!((since.micros, since.retries), (7, 0));
        assert_eq!(read.and(&since), timed.read());
    }
}
