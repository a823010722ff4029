//! How fast requests go out, and how often and how long after a failure they go out again.
//!
//! I/O: waits. One for all requests over a transport, however many steps and reads share it: a server that is in trouble
//! gets less to do, not more. Randomness is drawn from a seed that is given from outside.

#![expect(clippy::disallowed_methods, reason = "waits for its turn")]

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, header};
use tokio::time::Instant;

/// The pause before the second try is at most this long, and twice as long before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// No pause is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// A server that asks for more patience is asked again after this long.
const MOST_PATIENCE: Duration = Duration::from_mins(2);
/// After so many answers one more try is granted again.
const ANSWERS_FOR_A_TRY: u32 = 20;

/// A poisoned lock guards plain values that are right at any time.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets requests out one after the other, so many a second, and none while the server asks for patience.
pub(super) struct Pace {
    /// Between two requests.
    gap: Duration,
    /// Before this nothing more goes out.
    free: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(rate_limit: Option<NonZeroU32>) -> Self {
        Self {
            gap: rate_limit.map_or(Duration::ZERO, |limit| Duration::from_secs(1) / limit.get()),
            free: Mutex::new(None),
        }
    }

    /// Waits until the next request may go out.
    pub(super) async fn turn(&self) {
        loop {
            let now = Instant::now();
            let until = {
                let mut free = locked(&self.free);
                match *free {
                    Some(until) if until > now => until,
                    _ => {
                        *free = (!self.gap.is_zero()).then(|| now + self.gap);
                        return;
                    }
                }
            };
            tokio::time::sleep_until(until).await;
        }
    }

    /// Keeps everything back for as long as the server asks for (`Retry-After`).
    pub(super) fn told_to_wait(&self, headers: &HeaderMap) {
        let Some(patience) = asked_patience(headers) else {
            return;
        };
        let until = Instant::now() + patience.min(MOST_PATIENCE);
        tracing::warn!(seconds = patience.as_secs(), "the server asks for patience");
        let mut free = locked(&self.free);
        *free = Some(free.map_or(until, |free| free.max(until)));
    }
}

/// What `Retry-After` says: seconds, or a time by the server's own clock.
fn asked_patience(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let asked = text(header::RETRY_AFTER)?.trim();
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let until = parser.parse_timestamp(asked).ok()?;
    let now = parser.parse_timestamp(text(header::DATE)?).ok()?;
    Duration::try_from(until.duration_since(now)).ok()
}

/// How often something is tried again: a bucket that every try takes from, and every so many answers give back to.
pub(super) struct Retries {
    budget: Option<u32>,
    bucket: Mutex<Bucket>,
}

struct Bucket {
    random: fastrand::Rng,
    left: u32,
    answers: u32,
    spent: bool,
}

impl Retries {
    pub(super) fn new(budget: Option<u32>, seed: u64) -> Self {
        Self {
            budget,
            bucket: Mutex::new(Bucket {
                random: fastrand::Rng::with_seed(seed),
                left: budget.unwrap_or_default(),
                answers: 0,
                spent: false,
            }),
        }
    }

    /// How long to wait before try number `attempt`, from 1 on; `None` where no more is granted.
    pub(super) fn pause_before(&self, attempt: u32) -> Option<Duration> {
        let mut bucket = locked(&self.bucket);
        if self.budget.is_some() {
            let Some(left) = bucket.left.checked_sub(1) else {
                bucket.spent = true;
                return None;
            };
            bucket.left = left;
        }
        Some(full_jitter(attempt, bucket.random.f64()))
    }

    /// Counts an answer that was no failure.
    pub(super) fn went_well(&self) {
        let Some(budget) = self.budget else {
            return;
        };
        let mut bucket = locked(&self.bucket);
        bucket.answers += 1;
        if bucket.answers >= ANSWERS_FOR_A_TRY {
            bucket.answers = 0;
            bucket.left = bucket.left.saturating_add(1).min(budget);
        }
    }

    /// The budget, once something was not tried again for lack of it.
    pub(super) fn spent(&self) -> Option<u32> {
        self.budget.filter(|_| locked(&self.bucket).spent)
    }
}

/// Anything between nothing and a limit that doubles: those who failed together do not come back together.
fn full_jitter(attempt: u32, random: f64) -> Duration {
    let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
    FIRST_PAUSE
        .saturating_mul(doubled)
        .min(LONGEST_PAUSE)
        .mul_f64(random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn pauses_are_spread_over_a_limit_that_doubles() {
        let most = |attempt| full_jitter(attempt, 1.0).as_millis();
        assert_eq!(
            [1, 2, 3, 6, 7, 99].map(most),
            [400, 800, 1600, 12_800, 20_000, 20_000]
        );
        assert_eq!(full_jitter(5, 0.0), Duration::ZERO);
        assert_eq!(full_jitter(2, 0.25), Duration::from_millis(200));
        // The same seed gives the same pauses, another one others.
        let drawn = |seed| {
            let retries = Retries::new(None, seed);
            [1, 2, 3, 4].map(|attempt| retries.pause_before(attempt).unwrap())
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }

    #[test]
    fn a_budget_runs_out_and_answers_fill_it_again() {
        let retries = Retries::new(Some(2), 1);
        assert!(retries.pause_before(1).is_some());
        assert!(retries.pause_before(1).is_some());
        assert_eq!(retries.spent(), None, "all is used, nothing was refused");
        for _ in 0..ANSWERS_FOR_A_TRY {
            retries.went_well();
        }
        assert!(retries.pause_before(1).is_some());
        assert!(retries.pause_before(1).is_none());
        assert_eq!(retries.spent(), Some(2));
        // More than the budget is never saved up.
        for _ in 0..100 * ANSWERS_FOR_A_TRY {
            retries.went_well();
        }
        let granted = (0..10).filter(|_| retries.pause_before(1).is_some());
        assert_eq!(granted.count(), 2);
        let unlimited = Retries::new(None, 1);
        assert!((0..1000).all(|_| unlimited.pause_before(1).is_some()));
        assert_eq!(unlimited.spent(), None);
    }

    #[test]
    fn patience_is_asked_for_in_seconds_or_until_a_time() {
        let asked = |pairs: &[(header::HeaderName, &str)]| {
            let headers = pairs
                .iter()
                .map(|(name, value)| (name.clone(), value.parse().unwrap()))
                .collect();
            asked_patience(&headers).map(|patience| patience.as_secs())
        };
        let until = (header::RETRY_AFTER, "Wed, 25 Nov 2026 22:00:30 GMT");
        let now = (header::DATE, "Wed, 25 Nov 2026 22:00:00 GMT");
        assert_eq!(asked(&[(header::RETRY_AFTER, "7")]), Some(7));
        assert_eq!(asked(&[until.clone(), now.clone()]), Some(30));
        // Our own clock may be wrong, so a time alone says nothing; one that is over says nothing either.
        assert_eq!(asked(&[until]), None);
        assert_eq!(
            asked(&[
                (header::RETRY_AFTER, now.1),
                (header::DATE, "Wed, 25 Nov 2026 22:00:09 GMT")
            ]),
            None
        );
        assert_eq!(asked(&[(header::RETRY_AFTER, "soon")]), None);
        assert_eq!(asked(&[]), None);
    }

    #[tokio::test]
    async fn requests_go_out_so_many_a_second_and_none_while_the_server_asks_for_patience() {
        let pace = Pace::new(NonZeroU32::new(40));
        let begun = Instant::now();
        futures::future::join_all((0..9).map(|_| pace.turn())).await;
        assert!(begun.elapsed() >= Duration::from_millis(200));
        let unlimited = Pace::new(None);
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "1".parse().unwrap());
        let begun = Instant::now();
        unlimited.told_to_wait(&headers);
        unlimited.turn().await;
        assert!(begun.elapsed() >= Duration::from_secs(1));
        // Nobody waits for a day; less patience asked for later shortens nothing.
        for asked in ["86400", "1"] {
            headers.insert(header::RETRY_AFTER, asked.parse().unwrap());
            unlimited.told_to_wait(&headers);
            let until = locked(&unlimited.free).unwrap();
            let left = until.saturating_duration_since(Instant::now());
            assert!(left <= MOST_PATIENCE, "{left:?}");
            assert!(left > MOST_PATIENCE / 2, "{left:?}");
        }
    }
}
