//! `state list`, `show`, `pull` and `history`: what only looks.

use std::fmt::Write as _;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Exit, Format, print, wrap};
use super::{At, failed, pretty, unknown};
use crate::cli::error::Failure;
use crate::journal::runs;
use crate::model::{Owned, Ownership, Remembered};
use crate::state::State;

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
        let loaded = at.loaded().await?;
        let beyond = loaded.as_ref().map_or(0, |loaded| loaded.replayed);
        let state = at.state().await?;
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
            "{}, {} of them protected",
            ownership.sites.len(),
            protected(&ownership.sites)
        ),
    ));
    list.push(("subnets", ownership.subnets.len().to_string()));
    list.push(("words", ownership.attestations.len().to_string()));
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
        None => Err(Failure::new(
            "SW0764",
            format!("nothing is remembered of `{}`: there is no state", at.name),
        )),
    }
}

/// A version of the state, for people and programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    serial: u64,
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
}

pub(super) async fn history(at: &At<'_>, args: &HistoryArgs) -> Result<Exit, Failure> {
    let current = at.store.read().await.map_err(|error| failed(&error))?;
    // Without a journal the list is as good, only shorter.
    let runs = at.store.since(0).await.map(runs).unwrap_or_default();
    let mut all: Vec<Listed> = Vec::new();
    let versions = at.store.versions().await.map_err(|error| failed(&error))?;
    let serial = current.as_ref().map(|state| state.serial);
    let mut states: Vec<(u64, Option<jiff::Timestamp>, Result<State, String>)> = Vec::new();
    if let Some(state) = current {
        states.push((state.serial, None, Ok(state)));
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
        states.push((version.serial, version.saved_at, state));
    }
    for (number, saved_at, state) in states {
        let last = state.as_ref().ok().map(|state| state.journal_sequence);
        let run = last.and_then(|last| {
            let mut runs = runs.iter();
            runs.find(|run| (run.first_record..=run.last_record).contains(&last))
        });
        all.push(Listed {
            serial: number,
            current: Some(number) == serial,
            damaged: state.as_ref().err().cloned(),
            saved_at: run
                .map(|run| run.last.clone())
                .or_else(|| saved_at.map(|at| at.to_string())),
            journal_sequence: last,
            what: run.map(|run| run.what.as_str()),
            by: run.and_then(|run| run.by.clone()),
            run: run.map(|run| run.run.to_string()),
        });
    }
    match args.format {
        Format::Json => print(&pretty(&all)?),
        Format::Text => print(&table(&all)),
    }
    Ok(Exit::Done)
}

fn table(all: &[Listed]) -> String {
    let mut text = String::new();
    for one in all {
        let saved = one.saved_at.as_deref().unwrap_or("?");
        let saved = super::super::to_the_second(saved);
        let rest = match &one.damaged {
            Some(_) => "damaged".to_owned(),
            None => format!(
                "{} by {}",
                one.what.unwrap_or("?"),
                one.by.as_deref().unwrap_or("?")
            ),
        };
        let mark = if one.current { "  (the state)" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:>6}  {saved:<20}  {rest}{mark}", one.serial);
    }
    text
}
