//! `state list`, `show`, `pull` and `history`: what only looks.

#![expect(clippy::print_stderr, reason = "says that a list is empty")]

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Exit, Format, print, wrap};
use super::{At, failed, pretty, unknown};
use crate::cli::error::Failure;
use crate::journal::runs;
use crate::model::{Owned, Ownership, Remembered};
use crate::state::{Loaded, State, StateError};

/// Options of `state list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright state list
  sitewright state list --format json")]
pub(in super::super) struct ListArgs {
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Options of `state show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sitewright state show
  sitewright state show Site/HQ
  sitewright state show Attestation/constrain:HQ --format json")]
pub(in super::super) struct ShowArgs {
    /// One entry, as `state list` prints it; without it, the state as a whole
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Options of `state history`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sitewright state history")]
pub(in super::super) struct HistoryArgs {
    /// How to show it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

pub(super) async fn list(at: &At<'_>, args: &ListArgs) -> Result<Exit, Failure> {
    let loaded = at.loaded().await?;
    let nothing = Ownership::default();
    let ownership = loaded
        .as_ref()
        .map_or(&nothing, |loaded| &loaded.state.ownership);
    let all = ownership.remembered();
    match args.format {
        Format::Text if all.is_empty() => nothing_yet(at),
        Format::Text => {
            for (address, _) in &all {
                print(&format!("{address}\n"));
            }
        }
        Format::Json => {
            let all: Vec<Value> = all
                .iter()
                .map(|(address, one)| entry(address, one, ownership))
                .collect();
            print(&pretty(&all)?);
        }
    }
    Ok(Exit::Done)
}

/// Says to people that a list is empty; for a program it is.
fn nothing_yet(at: &At<'_>) {
    eprintln!("Nothing is remembered of `{}` yet.", at.name);
}

/// An entry with all that it holds.
fn entry(address: &str, one: &Remembered, ownership: &Ownership) -> Value {
    let mut value = json!({ "address": address });
    let held = match one {
        Remembered::Site { guid, name: _ } => json!({
            "kind": "Site", "guid": guid, "owned": ownership.sites.get(guid),
        }),
        Remembered::Subnet { guid, name: _ } => json!({
            "kind": "Subnet", "guid": guid, "owned": ownership.subnets.get(guid),
        }),
        Remembered::Attestation { step } => json!({
            "kind": "Attestation", "step": step, "attestation": ownership.attestations.get(&step.0),
        }),
        Remembered::Undistributed { guid, name } => json!({
            "kind": "Undistributed", "guid": guid, "name": name,
        }),
        Remembered::Count { of } => json!({
            "kind": "Count", "of": of, "count": ownership.counted.get(of),
        }),
        Remembered::Unassigned => json!({
            "kind": "Unassigned", "subnets": ownership.unassigned,
        }),
    };
    if let (Value::Object(value), Value::Object(held)) = (&mut value, held) {
        value.extend(held);
    }
    value
}

pub(super) async fn show(at: &At<'_>, args: &ShowArgs) -> Result<Exit, Failure> {
    let width = at.context.style.width;
    let Some(address) = &args.address else {
        let Some(Loaded {
            state,
            replayed: beyond,
            ..
        }) = at.loaded().await?
        else {
            return Err(at.nothing());
        };
        match args.format {
            Format::Text => print(&whole(at, &state, beyond, width)),
            Format::Json => print(&pretty(&state)?),
        }
        return Ok(Exit::Done);
    };
    let state = at.state().await?;
    let one = state
        .ownership
        .find(address)
        .map_err(|error| unknown(&error))?;
    match args.format {
        Format::Text => print(&rows(&fields(&one, &state.ownership), width)),
        Format::Json => print(&pretty(&entry(address, &one, &state.ownership))?),
    }
    Ok(Exit::Done)
}

fn whole(at: &At<'_>, state: &State, beyond: usize, width: usize) -> String {
    let ownership = &state.ownership;
    let protected = |all: &std::collections::BTreeMap<_, Owned>| {
        all.values().filter(|owned| owned.protected).count()
    };
    let mut list = vec![
        (
            "platform",
            format!("{} ({})", state.platform.name, state.platform.server),
        ),
        ("kept in", at.store.place()),
        ("lineage", state.lineage.clone()),
        ("serial", state.serial.to_string()),
        (
            "journal",
            format!("up to record {}", state.journal_sequence),
        ),
    ];
    if beyond > 0 {
        let records = if beyond == 1 { "record" } else { "records" };
        list.push((
            "unsaved",
            format!("{beyond} {records} of the journal, which the next apply saves"),
        ));
    }
    list.push((
        "sites",
        format!(
            "{}{}",
            ownership.sites.len(),
            match protected(&ownership.sites) {
                0 => String::new(),
                some => format!(", {some} of them protected"),
            }
        ),
    ));
    list.push(("subnets", ownership.subnets.len().to_string()));
    list.push(("attested", ownership.attestations.len().to_string()));
    rows(&list, width)
}

/// What an entry holds, line by line.
fn fields(one: &Remembered, ownership: &Ownership) -> Vec<(&'static str, String)> {
    let mut list = vec![("address", one.to_string())];
    match one {
        Remembered::Site { guid, name: _ } | Remembered::Subnet { guid, name: _ } => {
            list.push(("guid", guid.to_string()));
            let owned = ownership.sites.get(guid).or(ownership.subnets.get(guid));
            if let Some(Owned { how, protected, .. }) = owned {
                list.push(("ours", format!("{how:?}").to_lowercase()));
                list.push(("protected", if *protected { "yes" } else { "no" }.into()));
            }
        }
        Remembered::Attestation { step } => {
            if let Some(word) = ownership.attestations.get(&step.0) {
                list.push(("value", word.value.clone()));
                list.push(("reason", word.reason.clone()));
                list.push(("by", word.by.clone()));
                list.push(("at", word.at.clone()));
            }
        }
        Remembered::Undistributed { guid, name: _ } => {
            list.push(("guid", guid.to_string()));
            list.push((
                "open",
                "its distribution points are still to be updated".into(),
            ));
        }
        Remembered::Count { of } => {
            if let Some(count) = ownership.counted.get(of) {
                list.push(("seen", count.seen.to_string()));
                list.push(("expected", count.expected().to_string()));
            }
        }
        Remembered::Unassigned => {
            let subnets = ownership.unassigned.iter().flatten();
            let subnets: Vec<String> = subnets.map(ToString::to_string).collect();
            list.push(("subnets", subnets.join(" ")));
        }
    }
    list
}

fn rows(list: &[(&'static str, String)], width: usize) -> String {
    list.iter()
        .map(|(mark, text)| wrap(&format!("{:<11}{text}", format!("{mark}:")), 11, width))
        .collect()
}

pub(super) async fn pull(at: &At<'_>) -> Result<Exit, Failure> {
    let bytes = at.store.bytes().await.map_err(|error| failed(&error))?;
    match bytes {
        // What is damaged is printed, too: whoever wants to look at it has to get it.
        Some(bytes) => {
            super::super::print_bytes(&bytes);
            Ok(Exit::Done)
        }
        None => Err(at.nothing()),
    }
}

/// A version of the state, for people and programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    /// `null` where the state itself is damaged: nobody knows which one it is.
    serial: Option<u64>,
    current: bool,
    /// Why it cannot be restored; left out where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    damaged: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved_at: Option<String>,
    /// The last record that it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    journal_sequence: Option<u64>,
    /// The command that wrote that record, who, and which run.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// What else was noted of that run: what was forgotten, restored, pushed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

pub(super) async fn history(at: &At<'_>, args: &HistoryArgs) -> Result<Exit, Failure> {
    let current = match at.store.read().await {
        Ok(state) => state.map(Ok),
        // Whoever wants to know what there is to go back to has to get it.
        Err(error @ StateError::Damaged { .. }) => Some(Err(error.to_string())),
        Err(error) => return Err(failed(&error)),
    };
    // Without a journal the list is as good, only shorter.
    let runs = at.store.since(0).await.map(runs).unwrap_or_default();
    let mut all: Vec<Listed> = Vec::new();
    let versions = at.store.versions().await.map_err(|error| failed(&error))?;
    let serial = match &current {
        Some(Ok(state)) => Some(state.serial),
        Some(Err(_)) | None => None,
    };
    let mut states: Vec<Kept> = Vec::new();
    if let Some(state) = current {
        states.push(Kept {
            serial,
            current: true,
            saved_at: None,
            state,
        });
    }
    for version in versions
        .iter()
        .filter(|version| Some(version.serial) != serial)
    {
        let state = match at.store.version(version.serial).await {
            Ok(Some(state)) => Ok(state),
            Ok(None) => continue,
            Err(error) => Err(error.to_string()),
        };
        states.push(Kept {
            serial: Some(version.serial),
            current: false,
            saved_at: version.saved_at,
            state,
        });
    }
    for Kept {
        serial,
        current,
        saved_at,
        state,
    } in states
    {
        let last = state.as_ref().ok().map(|state| state.journal_sequence);
        let run = last.and_then(|last| {
            let mut runs = runs.iter();
            runs.find(|run| (run.first_record..=run.last_record).contains(&last))
        });
        all.push(Listed {
            serial,
            current,
            damaged: state.as_ref().err().cloned(),
            saved_at: run
                .map(|run| run.last.clone())
                .or_else(|| saved_at.map(|at| at.to_string())),
            journal_sequence: last,
            what: run.map(|run| run.what.as_str()),
            by: run.and_then(|run| run.by.clone()),
            run: run.map(|run| run.run.to_string()),
            notes: run.map(|run| run.notes.clone()).unwrap_or_default(),
        });
    }
    match args.format {
        Format::Json => print(&pretty(&all)?),
        Format::Text if all.is_empty() => nothing_yet(at),
        Format::Text => print(&table(&all, at.context.style.width)),
    }
    Ok(Exit::Done)
}

/// A state that is kept, as it was found.
struct Kept {
    serial: Option<u64>,
    current: bool,
    saved_at: Option<jiff::Timestamp>,
    state: Result<State, String>,
}

fn table(all: &[Listed], width: usize) -> String {
    let mut text = String::new();
    for one in all {
        let saved = one.saved_at.as_deref().unwrap_or("?");
        let saved = super::super::to_the_second(saved);
        let rest = if one.damaged.is_some() {
            "damaged".to_owned()
        } else {
            let noted = one.notes.join("; ");
            let colon = if noted.is_empty() { "" } else { ": " };
            format!(
                "{} by {}{colon}{noted}",
                one.what.unwrap_or("?"),
                one.by.as_deref().unwrap_or("?")
            )
        };
        let mark = if one.current { "  (the state)" } else { "" };
        let serial = one
            .serial
            .map_or_else(|| "?".into(), |serial| serial.to_string());
        let line = format!("{serial:>6}  {saved:<20}  {rest}{mark}");
        text.push_str(&wrap(&line, 30, width));
    }
    text
}
