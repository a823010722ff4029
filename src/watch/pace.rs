//! When a platform is looked at next: at its interval, sooner after a failure, later with every further one; long after
//! a refused sign-in, since every further try counts against the account.
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
/// After a refused sign-in the pause gets no longer than this.
const LONGEST_REFUSAL: Duration = Duration::from_hours(24);
/// So many other passwords may be tried within one pause. With the one that the pause is for that is less than the five
/// failures after which the strictest directories that people run lock an account.
const TRIES_A_PAUSE: u8 = 3;

/// How an attempt ended, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The platform was read and what could be done is done: the interval decides.
    Well,
    /// Somebody else was at work on it: the next one comes soon, and nothing has failed.
    Soon,
    /// It failed, and may not fail the next time.
    Failed,
    /// The server refused the sign-in. Tried again soon, it would lock the account.
    Refused,
}

/// How long is waited, before anything is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// Between two looks.
    pub interval: Duration,
    /// After the first refusal of a sign-in.
    pub refusal: Duration,
}

/// The rhythm of one platform, at most one attempt at a time.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is told apart by its own events"
)]
pub struct Beat {
    due: Moment,
    under_way: bool,
    /// Whether another attempt is wanted once the one under way is over.
    again: bool,
    /// Whether the last attempt at signing in was refused.
    refused: bool,
    /// How many pauses in a row ended in another refusal.
    refusals: u32,
    /// How many other passwords may be tried before the pause is over.
    tries: u8,
    /// Whether the next attempt that gets as far as the sign-in is such a try.
    tries_another: bool,
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
            refusals: 0,
            tries: TRIES_A_PAUSE,
            tries_another: false,
            failures: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// When the next attempt begins; none while one is under way.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        (!self.under_way).then_some(self.due)
    }

    /// Whether the sign-in was refused when it was last tried.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.refused
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
    pub fn end(&mut self, now: Moment, ending: Ending, pauses: Pauses, thaws: Option<Duration>) {
        let Pauses { interval, refusal } = pauses;
        self.under_way = false;
        let again = std::mem::take(&mut self.again);
        if ending == Ending::Refused {
            self.refuse(now, refusal);
            return;
        }
        self.failures = match ending {
            Ending::Failed | Ending::Refused => self.failures.saturating_add(1),
            Ending::Well | Ending::Soon => 0,
        };
        // An attempt that failed for another reason may not have got as far as the sign-in.
        if matches!(ending, Ending::Well | Ending::Soon) {
            self.let_in();
        }
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

    /// Waits for a whole pause from here on. It is longer the more pauses ended so; another password that is refused,
    /// too, makes it none the longer.
    fn refuse(&mut self, now: Moment, first: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.refused = true;
        let tried_another = std::mem::take(&mut self.tries_another);
        if !tried_another || self.refusals == 0 {
            self.refusals = self.refusals.saturating_add(1);
            self.tries = TRIES_A_PAUSE;
        }
        let doublings = self.refusals.saturating_sub(1).min(MOST_DOUBLINGS);
        let pause = first.saturating_mul(2_u32.saturating_pow(doublings));
        let pause = pause.min(LONGEST_REFUSAL);
        // Never less than the whole of it: whatever counts refusals has to have forgotten the last.
        let pause = pause.mul_f64(1.0 + 0.1 * self.random.f64().clamp(0.0, 1.0));
        self.due = now.saturating_add(pause.max(LEAST));
    }

    /// The sign-in is accepted again.
    pub fn let_in(&mut self) {
        self.refused = false;
        self.refusals = 0;
        self.tries = TRIES_A_PAUSE;
        self.tries_another = false;
    }

    /// Asks for an attempt as soon as there can be one, and forgives what failed: something has changed. A refused sign-in
    /// is not forgiven: that takes another one.
    pub fn hurry(&mut self, now: Moment) {
        self.again = self.under_way;
        if !self.refused {
            self.failures = 0;
            self.due = self.due.min(now);
        }
    }

    /// Asks for an attempt at once, since what signs in is another than was refused; says whether it may be tried before
    /// the pause is over.
    pub fn try_another(&mut self, now: Moment) -> bool {
        let may = self.refused && !self.under_way && self.tries > 0;
        if may {
            self.tries -= 1;
            self.tries_another = true;
            self.due = self.due.min(now);
        }
        may
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
    const PAUSES: Pauses = Pauses {
        interval: MINUTE,
        refusal: Duration::from_hours(1),
    };

    fn pause(beat: &mut Beat, now: Moment, ending: Ending) -> Duration {
        assert!(beat.begin(now));
        beat.end(now, ending, PAUSES, None);
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
        beat.end(MINUTE * 2, Ending::Failed, PAUSES, None);
        assert!(beat.begin(MINUTE * 2));
        beat.end(MINUTE * 2, Ending::Well, PAUSES, None);
        assert!(!beat.begin(MINUTE * 2));
    }

    const HOUR: Duration = Duration::from_hours(1);

    /// Refuses an attempt, and gives the moment of the next.
    fn refuse(beat: &mut Beat, now: Moment) -> Moment {
        assert!(beat.begin(now));
        beat.end(now, Ending::Refused, PAUSES, Some(Duration::ZERO));
        assert!(beat.is_refused());
        beat.due().unwrap()
    }

    #[test]
    fn a_refused_sign_in_is_tried_again_after_a_whole_pause_and_each_is_longer() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        let mut now = Duration::ZERO;
        for hours in [1, 2, 4, 8, 16, 24, 24] {
            let due = refuse(&mut beat, now);
            let waited = due.checked_sub(now).unwrap();
            let whole = HOUR * hours;
            assert!(
                waited >= whole && waited <= whole.mul_f64(1.1),
                "{waited:?} of {whole:?}"
            );
            // A new configuration says nothing about the password.
            beat.hurry(now + MINUTE);
            assert!(!beat.begin(due.checked_sub(MINUTE).unwrap()));
            now = due;
        }
        assert!(beat.begin(now));
        beat.end(now, Ending::Well, PAUSES, None);
        assert!(!beat.is_refused());
        now += MINUTE * 2;
        let due = refuse(&mut beat, now);
        assert!(
            due <= now + HOUR.mul_f64(1.1),
            "what was accepted is forgotten"
        );
    }

    #[test]
    fn another_password_is_tried_at_once_and_not_often() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        assert!(!beat.try_another(Duration::ZERO), "nothing was refused");
        let mut due = refuse(&mut beat, Duration::ZERO);
        for pauses in [1, 2] {
            let mut now = due.checked_sub(MINUTE * 10).unwrap();
            for _ in 0..TRIES_A_PAUSE {
                assert!(beat.try_another(now));
                due = refuse(&mut beat, now);
                // The pause begins anew, and is none the longer for it.
                let waited = due.checked_sub(now).unwrap();
                let whole = HOUR * pauses;
                assert!(
                    waited >= whole && waited <= whole.mul_f64(1.1),
                    "{waited:?}"
                );
                now += MINUTE;
            }
            assert!(!beat.try_another(now), "one too many");
            assert!(!beat.begin(due.checked_sub(MINUTE).unwrap()));
            due = refuse(&mut beat, due);
        }
    }

    #[test]
    fn a_server_that_cannot_be_reached_refuses_nobody_and_forgets_no_refusal() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        let due = refuse(&mut beat, Duration::ZERO);
        let waited = pause(&mut beat, due, Ending::Failed);
        assert!(waited <= MINUTE, "it was not asked for the password");
        let now = due + waited;
        let waited = refuse(&mut beat, now).checked_sub(now).unwrap();
        assert!(waited >= HOUR * 2, "{waited:?}");
    }

    #[test]
    fn the_end_of_a_window_ends_the_pause() {
        let mut beat = Beat::new(Duration::ZERO, 1);
        assert!(beat.begin(Duration::ZERO));
        let thaws = Some(Duration::from_secs(3));
        beat.end(Duration::ZERO, Ending::Well, PAUSES, thaws);
        assert_eq!(beat.due(), thaws);
        assert!(beat.begin(Duration::from_secs(3)));
        let later = Some(MINUTE * 60);
        beat.end(Duration::from_secs(3), Ending::Well, PAUSES, later);
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
        /// no pause longer than eight intervals after what is no refusal; and of refusals, whoever asks for what, in no
        /// hour more than four.
        #[test]
        fn no_history_breaks_the_rhythm(
            seed in any::<u64>(),
            history in prop::collection::vec((0_u8..8, 1_u64..200, any::<bool>()), 1..60),
        ) {
            let mut beat = Beat::new(Duration::ZERO, seed);
            let mut now = Duration::ZERO;
            let mut refusals: Vec<Moment> = Vec::new();
            for (what, seconds, another) in history {
                let ending = match what {
                    0 | 1 => Ending::Well,
                    2 => Ending::Soon,
                    3 | 4 => Ending::Failed,
                    _ => Ending::Refused,
                };
                if another {
                    beat.hurry(now);
                    beat.try_another(now);
                }
                let due = beat.due().unwrap();
                prop_assert!(beat.is_refused() || due <= now + MINUTE * 8);
                now = now.max(due);
                prop_assert!(beat.begin(now));
                prop_assert!(!beat.begin(now), "a second one");
                now += Duration::from_secs(seconds);
                beat.end(now, ending, PAUSES, None);
                prop_assert!(beat.due().is_none_or(|due| due >= now + LEAST));
                match ending {
                    Ending::Refused => refusals.push(now),
                    // Whatever counts refusals begins anew, too.
                    Ending::Well | Ending::Soon => refusals.clear(),
                    Ending::Failed => {}
                }
                let recent = refusals.iter().filter(|at| **at + HOUR > now).count();
                prop_assert!(recent <= 4, "{recent} in an hour");
            }
        }
    }
}
