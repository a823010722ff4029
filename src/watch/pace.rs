//! When a platform is looked at next: at its interval, sooner after a failure, later with every further one.
//!
//! Pure: the time is an argument, and what is random is drawn from a seed. A moment is the time since the program began,
//! on a clock that never goes back.

use std::time::Duration;

/// A moment: the time since the program began.
pub type Moment = Duration;

/// After so many failures in a row the pause is as long as it gets.
const MOST_DOUBLINGS: u32 = 5;
/// Nothing is looked at more often than this, whatever the interval.
const LEAST: Duration = Duration::from_millis(200);

/// How an attempt ended, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The platform was read and what could be done is done: the interval decides.
    Well,
    /// Somebody else was at work on it: the next one comes soon, and nothing has failed.
    Soon,
    /// It failed, and may not fail the next time.
    Failed,
    /// The server refused the sign-in. Tried again, it would lock the account; nothing happens until somebody has
    /// changed the configuration.
    Refused,
}

/// The rhythm of one platform, at most one attempt at a time.
#[derive(Debug, Clone)]
pub struct Beat {
    due: Moment,
    under_way: bool,
    /// Whether another attempt is wanted once the one under way is over.
    again: bool,
    refused: bool,
    failures: u32,
    random: fastrand::Rng,
}

impl Beat {
    /// A platform that is looked at for the first time at a moment.
    #[must_use]
    pub fn new(first: Moment, seed: u64) -> Self {
        Self {
            due: first,
            under_way: false,
            again: false,
            refused: false,
            failures: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// When the next attempt begins; none while one is under way, or while nothing may be tried.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        (!self.under_way && !self.refused).then_some(self.due)
    }

    /// Whether an attempt is under way.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.under_way
    }

    /// How many attempts in a row failed.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Begins an attempt where one is due; says whether it does.
    pub fn begin(&mut self, now: Moment) -> bool {
        let begins = self.due().is_some_and(|due| due <= now);
        self.under_way |= begins;
        begins
    }

    /// Ends the attempt under way. A window in which nothing may change, `thaws` from now, ends in an attempt of its own.
    pub fn end(
        &mut self,
        now: Moment,
        ending: Ending,
        interval: Duration,
        thaws: Option<Duration>,
    ) {
        self.under_way = false;
        self.failures = match ending {
            Ending::Failed | Ending::Refused => self.failures.saturating_add(1),
            Ending::Well | Ending::Soon => 0,
        };
        let again = std::mem::take(&mut self.again);
        self.refused = ending == Ending::Refused && !again;
        let drawn = self.random.f64();
        let pause = match ending {
            Ending::Well => jittered(interval, drawn),
            Ending::Soon => spread(interval / 4, drawn),
            Ending::Failed | Ending::Refused => spread(doubled(interval, self.failures), drawn),
        };
        let pause = thaws.map_or(pause, |thaws| pause.min(thaws));
        self.due = if again {
            now
        } else {
            now.saturating_add(pause.max(LEAST))
        };
    }

    /// Asks for an attempt as soon as there can be one, and forgives what failed: something has changed.
    pub fn hurry(&mut self, now: Moment) {
        self.failures = 0;
        self.refused = false;
        self.again = self.under_way;
        self.due = self.due.min(now);
    }
}

/// The interval, a tenth of it more or less.
fn jittered(interval: Duration, drawn: f64) -> Duration {
    interval.mul_f64(0.9 + 0.2 * drawn.clamp(0.0, 1.0))
}

/// Between half a pause and the whole of it: those who failed together do not come back together.
fn spread(pause: Duration, drawn: f64) -> Duration {
    pause.mul_f64(0.5 + 0.5 * drawn.clamp(0.0, 1.0))
}

/// A quarter of the interval after the first failure, twice that after each further one, up to eight intervals.
fn doubled(interval: Duration, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    (interval / 4).saturating_mul(2_u32.saturating_pow(doublings))
}

/// A flock of file events made one: who writes ten files, or one in two steps, means one change.
#[derive(Debug, Clone, Copy, Default)]
pub struct Debounce {
    first: Option<Moment>,
    last: Moment,
}

impl Debounce {
    /// Events that follow each other more closely than this are one.
    pub const QUIET: Duration = Duration::from_millis(500);
    /// Whoever never stops writing is read all the same after this long.
    pub const LONGEST: Duration = Duration::from_secs(5);

    /// Something happened.
    pub fn event(&mut self, now: Moment) {
        self.first.get_or_insert(now);
        self.last = now;
    }

    /// When to look, if nothing else happens.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        let first = self.first?;
        Some((self.last + Self::QUIET).min(first + Self::LONGEST))
    }

    /// Whether it is time to look; the events are over with then.
    pub fn settle(&mut self, now: Moment) -> bool {
        let settled = self.due().is_some_and(|due| due <= now);
        if settled {
            self.first = None;
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn pause(beat: &mut Beat, now: Moment, ending: Ending) -> Duration {
        assert!(beat.begin(now));
        beat.end(now, ending, MINUTE, None);
        beat.due()
            .map_or(Duration::MAX, |due| due.checked_sub(now).unwrap())
    }

    #[test]
    fn failures_lengthen_the_pause_and_a_success_forgets_them() {
        let mut beat = Beat::new(Duration::ZERO, 7);
        let mut now = Duration::ZERO;
        for expected in [15, 30, 60, 120, 240, 480, 480, 480] {
            let waited = pause(&mut beat, now, Ending::Failed);
            let whole = Duration::from_secs(expected);
            assert!(
                waited >= whole / 2 && waited <= whole,
                "{waited:?} of {whole:?}"
            );
            now += waited;
        }
        assert_eq!(beat.failures(), 8);
        let waited = pause(&mut beat, now, Ending::Well);
        assert!(waited >= MINUTE.mul_f64(0.9) && waited <= MINUTE.mul_f64(1.1));
        now += waited;
        assert!(pause(&mut beat, now, Ending::Failed) <= MINUTE / 4);
    }

    #[test]
    fn one_attempt_at_a_time() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        assert!(beat.begin(Duration::ZERO));
        assert!(!beat.begin(MINUTE * 100));
        assert_eq!(beat.due(), None);
        // Something changes meanwhile: the next one follows at once, and only one.
        beat.hurry(MINUTE);
        assert!(!beat.begin(MINUTE));
        beat.end(MINUTE * 2, Ending::Failed, MINUTE, None);
        assert!(beat.begin(MINUTE * 2));
        beat.end(MINUTE * 2, Ending::Well, MINUTE, None);
        assert!(!beat.begin(MINUTE * 2));
    }

    #[test]
    fn a_refused_sign_in_is_not_tried_again_until_something_changes() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        assert!(beat.begin(Duration::ZERO));
        beat.end(Duration::ZERO, Ending::Refused, MINUTE, None);
        assert!(!beat.begin(MINUTE * 100_000));
        beat.hurry(MINUTE);
        assert!(beat.begin(MINUTE));
        // What changed while it was under way may have been the password.
        beat.hurry(MINUTE);
        beat.end(MINUTE, Ending::Refused, MINUTE, None);
        assert!(beat.begin(MINUTE));
    }

    #[test]
    fn the_end_of_a_window_ends_the_pause() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        assert!(beat.begin(Duration::ZERO));
        let thaws = Some(Duration::from_secs(3));
        beat.end(Duration::ZERO, Ending::Well, MINUTE, thaws);
        assert_eq!(beat.due(), thaws);
        assert!(beat.begin(Duration::from_secs(3)));
        let later = Some(MINUTE * 60);
        beat.end(Duration::from_secs(3), Ending::Well, MINUTE, later);
        assert!(beat.due().unwrap() < MINUTE * 2);
    }

    #[test]
    fn events_are_one_until_it_is_quiet() {
        let at = Duration::from_millis;
        let mut debounce = Debounce::default();
        assert!(!debounce.settle(at(0)));
        debounce.event(at(1000));
        debounce.event(at(1300));
        assert!(!debounce.settle(at(1700)));
        assert!(debounce.settle(at(1800)));
        assert!(!debounce.settle(at(9000)), "it is over with");
        // Somebody who never stops.
        let mut looked = 0;
        for step in 0..100 {
            debounce.event(at(10_000 + step * 100));
            looked += u32::from(debounce.settle(at(10_000 + step * 100)));
        }
        assert_eq!(
            looked, 1,
            "after five seconds of ten, and the rest is to come"
        );
    }

    proptest! {
        /// Whatever happens: never two attempts at once, never more than one in `LEAST` but where somebody asks for it,
        /// and no pause longer than eight intervals.
        #[test]
        fn no_history_breaks_the_rhythm(
            seed in any::<u64>(),
            history in prop::collection::vec((0_u8..6, 1_u64..200), 1..60),
        ) {
            let mut beat = Beat::new(Duration::ZERO, seed);
            let mut now = Duration::ZERO;
            for (what, seconds) in history {
                let ending = match what {
                    0 | 1 => Ending::Well,
                    2 => Ending::Soon,
                    3 | 4 => Ending::Failed,
                    _ => Ending::Refused,
                };
                if let Some(due) = beat.due() {
                    prop_assert!(due <= now + MINUTE * 8);
                    now = now.max(due);
                } else {
                    beat.hurry(now);
                }
                prop_assert!(beat.begin(now));
                prop_assert!(!beat.begin(now), "a second one");
                now += Duration::from_secs(seconds);
                beat.end(now, ending, MINUTE, None);
                prop_assert!(beat.due().is_none_or(|due| due >= now + LEAST));
            }
        }
    }
}
