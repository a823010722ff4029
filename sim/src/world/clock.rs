//! The clock of a world: simulated milliseconds that follow real time sixty times as fast, and what callers add.

use std::time::{Duration, Instant};

/// Where the clock of a new world begins: 2026-01-05 08:00:00 UTC, in milliseconds since 1970.
pub(crate) const START: i64 = 1_767_600_000_000;

/// How many simulated seconds a real second counts.
const PACE: u32 = 60;

/// A clock.
pub(crate) struct Clock {
    now: i64,
    seen: Instant,
}

impl Clock {
    pub(crate) fn at(now: i64) -> Clock {
        Clock {
            now,
            seen: Instant::now(),
        }
    }

    /// Catches up with real time.
    pub(crate) fn follow(&mut self) {
        let seen = Instant::now();
        let passed = seen.duration_since(self.seen);
        // Short steps are left to add up, so that nothing is lost to rounding.
        if passed >= Duration::from_millis(1) {
            self.seen = seen;
            self.advance(passed.saturating_mul(PACE));
        }
    }

    pub(crate) fn advance(&mut self, time: Duration) {
        let milliseconds = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.now = self
            .now
            .saturating_add(milliseconds)
            .min(253_402_300_000_000);
    }

    pub(crate) fn milliseconds(&self) -> i64 {
        self.now
    }

    pub(crate) fn text(&self) -> String {
        text(self.now)
    }
}

/// Reads a time as [`text`] writes it.
pub(crate) fn milliseconds(text: &str) -> Option<i64> {
    let time: jiff::civil::DateTime = text.parse().ok()?;
    Some(time.in_tz("UTC").ok()?.timestamp().as_millisecond())
}

/// Writes a time as `xs:dateTime`.
pub(crate) fn text(milliseconds: i64) -> String {
    jiff::Timestamp::from_millisecond(milliseconds)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        .unwrap_or_default()
}
