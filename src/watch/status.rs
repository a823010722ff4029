//! What the loop says of itself to those who ask: whether it is alive, whether it is ready, and in numbers.
//!
//! Pure; the time is an argument.

use std::fmt::Write as _;
use std::time::Duration;

use super::figures::{Figures, Platform};
use super::pace::{Moment, Pauses};
use super::report::Trouble;

/// A platform that was not read for so many intervals makes the loop unready.
pub(super) const INTERVALS: u32 = 3;
/// A loop that has not come round for so long hangs.
pub(super) const LONGEST_TURN: Duration = Duration::from_mins(5);

/// What is known of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// How many configurations were taken up; 0 before the first.
    pub generation: u64,
    /// Which one it is: a commit, or the digest of a folder.
    pub revision: String,
    /// How often platforms are looked at.
    pub interval: Duration,
    /// How long is waited after the first refusal of a sign-in.
    pub refusal: Duration,
    /// What is wrong with the newest one, which was not taken up.
    pub wrong: Option<Trouble>,
}

impl Configuration {
    /// How long is waited for what.
    #[must_use]
    pub fn pauses(&self) -> Pauses {
        Pauses {
            interval: self.interval,
            refusal: self.refusal,
        }
    }
}

/// Everything at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// What is known of the configuration.
    pub configuration: Configuration,
    /// The numbers.
    pub figures: Figures,
    /// When the loop came round last.
    pub turned: Moment,
}

/// An answer to whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it is yes.
    pub yes: bool,
    /// Why, line by line.
    pub text: String,
}

impl Status {
    /// Whether the loop still turns.
    #[must_use]
    pub fn alive(&self, now: Moment) -> Answer {
        let since = now.saturating_sub(self.turned);
        let yes = since <= LONGEST_TURN;
        let text = if yes {
            "alive\n".to_owned()
        } else {
            format!("the loop has not come round for {} s\n", since.as_secs())
        };
        Answer { yes, text }
    }

    /// Whether every platform was read not long ago, under a configuration that could be read.
    #[must_use]
    pub fn ready(&self, now: Moment) -> Answer {
        let Configuration {
            generation,
            revision,
            interval,
            refusal: _, // what comes of it is told of each platform
            wrong,
        } = &self.configuration;
        let mut yes = *generation > 0;
        let mut lines = String::new();
        let mut line = |text: String| {
            // Text in memory takes whatever is written.
            let _ = writeln!(lines, "{text}");
        };
        if *generation > 0 {
            line(format!("configuration {generation}: {revision}"));
        } else {
            line("configuration: none was read yet".into());
        }
        if let Some(wrong) = wrong {
            let kept = if *generation > 0 {
                "the newest one is wrong, and the one before is kept"
            } else {
                "wrong"
            };
            line(format!(
                "configuration: {kept}: {}: {}",
                wrong.code, wrong.message
            ));
        }
        let longest = interval.saturating_mul(INTERVALS);
        for (name, platform) in &self.figures.platforms {
            let Platform {
                last_good,
                trouble,
                refused,
                ..
            } = platform;
            let age = last_good.map(|good| now.saturating_sub(good));
            let fresh = age.is_some_and(|age| age <= longest);
            yes &= fresh;
            let read = age.map_or_else(
                || "not read yet".to_owned(),
                |age| format!("read {} s ago", age.as_secs()),
            );
            let mut text = format!("platform {name}: {read}");
            if !fresh && age.is_some() {
                let _ = write!(text, ", expected within {} s", longest.as_secs());
            }
            if let Some(trouble) = trouble {
                let _ = write!(text, ": {}: {}", trouble.code, trouble.message);
            }
            if let Some(due) = refused {
                let left = due.saturating_sub(now).as_secs();
                let _ = write!(
                    text,
                    "; the same sign-in is tried again in {left} s, another one at once"
                );
            }
            line(text);
        }
        let head = if yes { "ready\n" } else { "not ready\n" };
        Answer {
            yes,
            text: format!("{head}{lines}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Name;

    fn status(generation: u64, ages: &[Option<u64>]) -> Status {
        let mut status = Status {
            configuration: Configuration {
                generation,
                revision: "commit abc".into(),
                interval: Duration::from_mins(1),
                refusal: Duration::from_hours(1),
                wrong: None,
            },
            ..Status::default()
        };
        for (index, last_good) in ages.iter().enumerate() {
            let platform = Platform {
                last_good: last_good.map(Duration::from_secs),
                ..Platform::default()
            };
            let name = Name::new(&format!("p{index}"));
            status.figures.platforms.insert(name, platform);
        }
        status
    }

    #[test]
    fn ready_is_a_configuration_and_every_platform_read_within_three_intervals() {
        let at = Duration::from_secs(1000);
        assert!(status(1, &[Some(820), Some(1000)]).ready(at).yes);
        assert!(!status(1, &[Some(819), Some(1000)]).ready(at).yes);
        assert!(!status(1, &[Some(1000), None]).ready(at).yes);
        assert!(!status(0, &[]).ready(at).yes);
        let late = status(1, &[Some(0)]).ready(at).text;
        assert_eq!(
            late,
            "not ready\nconfiguration 1: commit abc\nplatform p0: read 1000 s ago, expected within 180 s\n"
        );
    }

    #[test]
    fn a_wrong_new_configuration_is_told_and_the_old_one_goes_on() {
        let mut kept = status(2, &[Some(1000)]);
        kept.configuration.wrong = Some(Trouble::new("SW0101", "cannot read `a.yaml`"));
        let answer = kept.ready(Duration::from_secs(1000));
        assert!(answer.yes, "{}", answer.text);
        assert!(
            answer.text.contains(
                "the newest one is wrong, and the one before is kept: SW0101: cannot read `a.yaml`"
            ),
            "{}",
            answer.text
        );
    }

    #[test]
    fn a_refused_sign_in_is_told_with_the_end_of_the_pause() {
        let mut refused = status(1, &[Some(990)]);
        for platform in refused.figures.platforms.values_mut() {
            platform.trouble = Some(Trouble::new("SW0306", "the server refused"));
            platform.refused = Some(Duration::from_secs(4600));
        }
        let answer = refused.ready(Duration::from_secs(1000));
        assert_eq!(
            answer.text,
            "ready\nconfiguration 1: commit abc\nplatform p0: read 10 s ago: SW0306: the server refused; \
             the same sign-in is tried again in 3600 s, another one at once\n"
        );
    }

    #[test]
    fn a_loop_that_hangs_is_not_alive() {
        let status = Status {
            turned: Duration::from_secs(10),
            ..Status::default()
        };
        assert!(status.alive(Duration::from_secs(310)).yes);
        assert!(!status.alive(Duration::from_secs(311)).yes);
    }
}
