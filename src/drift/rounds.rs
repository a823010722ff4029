//! How often differences come back: what is remembered of each, and when that makes it one that comes back whatever
//! we do.
//!
//! Pure. A round is a difference that appears and that a run of ours takes back. What has to be remembered is no more
//! than what is news, so that a look at which nothing changed writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::Rounds;

/// What is remembered of differences, by their keys.
pub type History = BTreeMap<String, Rounds>;

/// What has changed of it: a value for each key, none where nothing is to be remembered any more.
pub type News = BTreeMap<String, Option<Rounds>>;

/// How often a difference is taken back before it is one that comes back whatever we do.
pub const ROUNDS: u32 = 3;

/// For how long a difference that stays away is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Whether a difference comes back whatever we do: it is there, and was taken back three times.
#[must_use]
pub fn flaps(rounds: &Rounds) -> bool {
    rounds.open && rounds.undone >= ROUNDS
}

/// What is news after a look at the world: `seen` are the keys of all differences that there are.
#[must_use]
pub fn noted(history: &History, seen: &BTreeSet<&str>, now: Timestamp) -> News {
    let mut news = News::new();
    for key in seen {
        let before = history.get(*key);
        if before.is_none_or(|rounds| !rounds.open) {
            let rounds = before.cloned().unwrap_or_else(|| fresh(now));
            let appeared = Rounds {
                seen: rounds.seen.saturating_add(1),
                open: true,
                at: now.to_string(),
                ..rounds
            };
            news.insert((*key).to_owned(), Some(appeared));
        }
    }
    for (key, rounds) in history
        .iter()
        .filter(|(key, _)| !seen.contains(key.as_str()))
    {
        if rounds.open && rounds.undone > 0 {
            // Somebody else took it back, or the declaration says so now.
            let away = Rounds {
                open: false,
                at: now.to_string(),
                ..rounds.clone()
            };
            news.insert(key.clone(), Some(away));
        } else if rounds.open || old(rounds, now) {
            news.insert(key.clone(), None);
        }
    }
    news
}

/// What is news after a run of ours that was about these keys: what was there is taken back.
#[must_use]
pub fn taken_back<'k>(
    history: &History,
    keys: impl IntoIterator<Item = &'k str>,
    now: Timestamp,
) -> News {
    let mut news = News::new();
    for key in keys {
        if let Some(rounds) = history.get(key).filter(|rounds| rounds.open) {
            let undone = Rounds {
                undone: rounds.undone.saturating_add(1),
                open: false,
                at: now.to_string(),
                ..rounds.clone()
            };
            news.insert(key.to_owned(), Some(undone));
        }
    }
    news
}

/// What is news once it was told that these come back.
#[must_use]
pub fn told<'k>(history: &History, keys: impl IntoIterator<Item = &'k str>) -> News {
    let mut news = News::new();
    for key in keys {
        if let Some(rounds) = history.get(key).filter(|rounds| !rounds.told) {
            let told = Rounds {
                told: true,
                ..rounds.clone()
            };
            news.insert(key.to_owned(), Some(told));
        }
    }
    news
}

/// History with what is news.
#[must_use]
pub fn with(mut history: History, news: &News) -> History {
    for (key, rounds) in news {
        match rounds {
            Some(rounds) => history.insert(key.clone(), rounds.clone()),
            None => history.remove(key),
        };
    }
    history
}

fn fresh(now: Timestamp) -> Rounds {
    Rounds {
        seen: 0,
        undone: 0,
        open: false,
        told: false,
        at: now.to_string(),
    }
}

/// Whether a difference has stayed away for so long that it is forgotten; so is one whose time cannot be read.
fn old(rounds: &Rounds, now: Timestamp) -> bool {
    let at = rounds.at.parse::<Timestamp>();
    at.map_or(true, |at| now.duration_since(at) > REMEMBERED)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const KEY: &str = "Subnet/10.0.0.0/24:site";

    fn day(day: i64) -> Timestamp {
        let start: Timestamp = "2026-11-01T06:00:00Z".parse().unwrap();
        start + SignedDuration::from_hours(24 * day)
    }

    fn look(history: History, there: bool, at: i64) -> History {
        let seen = if there {
            BTreeSet::from([KEY])
        } else {
            BTreeSet::new()
        };
        let news = noted(&history, &seen, day(at));
        let after = with(history, &news);
        // A second look at the same says nothing new.
        assert_eq!(noted(&after, &seen, day(at)), News::new());
        after
    }

    fn apply(history: History, at: i64) -> History {
        let news = taken_back(&history, [KEY], day(at));
        with(history, &news)
    }

    #[test]
    fn what_came_back_after_three_rounds_flaps_and_is_told_once() {
        let mut history = History::new();
        for round in 0..3 {
            history = look(history, true, round);
            assert!(!flaps(&history[KEY]), "round {round}");
            history = apply(history, round);
            assert!(!flaps(&history[KEY]), "it is away after round {round}");
        }
        history = look(history, true, 3);
        assert!(flaps(&history[KEY]));
        assert_eq!((history[KEY].seen, history[KEY].undone), (4, 3));
        let news = told(&history, [KEY]);
        assert!(news[KEY].as_ref().unwrap().told);
        let history = with(history, &news);
        assert_eq!(told(&history, [KEY]), News::new());
        // It stays told when it comes back once more.
        let history = look(apply(history, 4), true, 5);
        assert!(flaps(&history[KEY]) && history[KEY].told);
    }

    #[test]
    fn what_stays_or_goes_by_itself_makes_no_round() {
        let mut history = look(History::new(), true, 0);
        for at in 1..9 {
            history = look(history, true, at);
        }
        assert_eq!((history[KEY].seen, history[KEY].undone), (1, 0));
        // Somebody else put it right, and nothing is remembered of it.
        assert_eq!(look(history, false, 9), History::new());
        // A run that was about something else, or that found nothing to take back, counts for nothing.
        assert_eq!(apply(History::new(), 1), History::new());
    }

    #[test]
    fn what_stays_away_is_forgotten_after_ninety_days() {
        let history = apply(look(History::new(), true, 0), 0);
        assert_eq!(look(history.clone(), false, 90).len(), 1);
        assert_eq!(look(history, false, 91), History::new());
    }
}
