//! Words that a difference is fine for a while: given, and taken back.

use jiff::civil::Date;
use jiff::{Span, tz::TimeZone};

use super::{Look, keys};
use crate::cli::apply::keep;
use crate::cli::error::Failure;
use crate::cli::hold::{Hold, PATIENCE, locked_store, who};
use crate::cli::plan::load;
use crate::cli::session::{Home, Session};
use crate::cli::{Context, Exit, now, print, second};
use crate::drift::{Change, Standing};
use crate::journal::Fact;
use crate::model::Acknowledgement;

/// For how many days a word may count.
const LONGEST: i64 = 90;

/// A word as it is given.
pub(super) struct Said<'a> {
    pub(super) key: &'a str,
    pub(super) until: &'a str,
    pub(super) reason: &'a str,
    pub(super) by: Option<&'a str>,
}

/// Keeps a word for a difference that there is.
pub(super) async fn give(
    context: &Context,
    session: &Session,
    look: &Look,
    said: &Said<'_>,
) -> Result<Exit, Failure> {
    let until = day(said.until)?;
    if said.reason.trim().is_empty() {
        return Err(Failure::usage(
            "a reason is wanted",
            "say why it is fine: --reason 'moved for the audit, ticket 4711'",
        ));
    }
    let change = find(look, said.key)?;
    let word = Acknowledgement {
        value: change.after.clone(),
        until: until.to_string(),
        reason: said.reason.to_owned(),
        by: who(said.by),
        at: second(),
    };
    let fact = Fact::DriftAcknowledged {
        key: change.key.clone(),
        acknowledgement: word,
    };
    let mut hold = Hold::take(context, session, "drift", said.by, PATIENCE).await?;
    let outcome = async {
        let loaded = load(session).await?;
        append(context, &hold, fact).await?;
        keep(session, &look.plan, loaded).await.map(drop)
    }
    .await;
    hold.free().await;
    outcome?;
    print(&format!("{}: acknowledged until {until}\n", change.key));
    Ok(Exit::Done)
}

/// Takes a word back. The server is not asked: the difference may be gone.
pub(super) async fn take_back(
    context: &Context,
    home: &Home,
    key: &str,
    by: Option<&str>,
) -> Result<Exit, Failure> {
    let (name, store) = home.store(context)?;
    let known = locked_store(context, &store, "drift", by, async |hold| {
        let failed = |error: crate::state::StateError| {
            Failure::from_error(error.code(), &error).hint(error.hint())
        };
        let loaded = store.load().await.map_err(failed)?;
        let words: Vec<String> = loaded
            .iter()
            .flat_map(|loaded| loaded.state.ownership.acknowledged.keys().cloned())
            .collect();
        let known = words.iter().find(|word| word.eq_ignore_ascii_case(key));
        let (Some(loaded), Some(known)) = (loaded, known.cloned()) else {
            return Err(Failure::new(
                "SW0963",
                format!("nothing is acknowledged under `{key}` for `{name}`"),
            )
            .hint(Some(if words.is_empty() {
                "nothing is acknowledged at all".into()
            } else {
                format!("there are {}", listed(words.iter().map(String::as_str)))
            })));
        };
        let fact = Fact::DriftUnacknowledged {
            key: known.clone(),
            by: who(by),
        };
        append(context, hold, fact).await?;
        store.settle(loaded.state).await.map_err(failed)?;
        Ok(known)
    })
    .await?;
    print(&format!("{known}: no longer acknowledged\n"));
    Ok(Exit::Done)
}

async fn append(context: &Context, hold: &Hold<'_>, fact: Fact) -> Result<(), Failure> {
    let journal = hold.journal().await?;
    journal
        .append(&context.run, now(), fact)
        .await
        .map(drop)
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
}

fn find<'l>(look: &'l Look, key: &str) -> Result<&'l Change, Failure> {
    let mut changes = look.drift.changes.iter();
    let found = changes
        .find(|change| change.key.eq_ignore_ascii_case(key) && change.standing != Standing::Agreed);
    found.ok_or_else(|| {
        let keys = keys(&look.drift);
        Failure::new("SW0965", format!("there is no drift `{key}`")).hint(Some(
            if keys.is_empty() {
                "there is none at all".into()
            } else {
                format!("there is {}", listed(keys.into_iter()))
            },
        ))
    })
}

fn listed<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    const SHOWN: usize = 8;
    let all: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
    let more = all.len().saturating_sub(SHOWN);
    let mut shown: Vec<String> = all.into_iter().take(SHOWN).collect();
    if more > 0 {
        shown.push(format!("{more} more"));
    }
    shown.join(", ")
}

/// The last day of a word: today at the earliest, and never for ever.
fn day(text: &str) -> Result<Date, Failure> {
    let wrong = |what: String| {
        Failure::new("SW0962", what)
            .hint(Some(format!(
                "write a day from today on, at most {LONGEST} days ahead, as 2026-12-31; it can be acknowledged again"
            )))
            .exiting(64)
    };
    let day: Date = text
        .parse()
        .map_err(|_| wrong(format!("expected a day, found `{text}`")))?;
    let today = TimeZone::UTC.to_datetime(now()).date();
    let last = today.saturating_add(Span::new().days(LONGEST));
    if day < today {
        Err(wrong(format!(
            "expected a day from {today} on, found {day}"
        )))
    } else if day > last {
        Err(wrong(format!("expected a day until {last}, found {day}")))
    } else {
        Ok(day)
    }
}
