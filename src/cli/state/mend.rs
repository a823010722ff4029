//! `state recover` and `state migrate`: a state that is damaged, and one that is to live elsewhere.
//!
//! I/O: asks, then writes under the lock, of both stores where there are two.

use std::path::{Path, PathBuf};

use super::super::hold::{Hold, locked_store};
use super::super::{Exit, print, wrap};
use super::{At, MigrateArgs, RecoverArgs, failed};
use crate::cli::error::Failure;
use crate::cli::session::{Home, new_lineage};
use crate::state::{Damage, Origin, Recovered, StateError, Store};

pub(super) async fn recover(at: &At<'_>, args: &RecoverArgs) -> Result<Exit, Failure> {
    let by = args.word.by.as_deref();
    locked_store(at.context, at.store, "state recover", by, async |hold| {
        let damage = at.store.damage().await.map_err(|error| failed(&error))?;
        let from = args.from.map(super::From::origin);
        if damage.is_none() && from != Some(Origin::Adoption) {
            print("State and journal are whole: there is nothing to recover.\n");
            return Ok(Exit::Done);
        }
        say(at, &damage);
        if from == Some(Origin::Adoption) {
            return anew(at, args, &damage).await;
        }
        let Some(recovered) = damage.best(from) else {
            return Err(none(&damage, from));
        };
        take(at, args, hold, &damage, recovered).await
    })
    .await
}

fn line(at: &At<'_>, text: &str) {
    print(&wrap(text, 2, at.context.style.width));
}

/// Says what is damaged.
fn say(at: &At<'_>, damage: &Damage) {
    if let Some(error) = &damage.state {
        line(at, &format!("Damaged: {}.", chain(error)));
    }
    if let Some(error) = &damage.journal {
        line(at, &format!("Damaged: {}.", chain(error)));
    }
    for fault in &damage.faults {
        line(at, &format!("Damaged: the journal: {fault}."));
    }
    if damage.missing {
        line(at, &format!("Missing: the state `{}`.", at.store.place()));
    }
}

/// An error with its causes in one sentence.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Says that there is nothing to make a state from.
fn none(damage: &Damage, from: Option<Origin>) -> Failure {
    let other = if damage.best(None).is_some() {
        "leave out --from: there is something else to make it from"
    } else {
        "put copies of state and journal back, or begin anew with `sitewright state recover --from adoption`: the next \
         plan then adopts what is declared"
    };
    let what = match from {
        Some(Origin::Version) => "no version that is whole",
        Some(Origin::Journal) => "no journal that goes back to its first record",
        Some(Origin::Adoption) | None => {
            "neither a version that is whole nor a journal from its first record on"
        }
    };
    Failure::new(
        "SW0771",
        format!("the state cannot be made again: there is {what}"),
    )
    .hint(Some(other.into()))
}

async fn take(
    at: &At<'_>,
    args: &RecoverArgs,
    hold: &Hold<'_>,
    damage: &Damage,
    recovered: &Recovered,
) -> Result<Exit, Failure> {
    let mut recovered = recovered.clone();
    // The first run of all knew no lineage yet.
    if recovered.state.lineage.is_empty() {
        recovered.state.lineage = new_lineage();
    }
    let ownership = &recovered.state.ownership;
    line(
        at,
        &format!(
            "This would be kept: {}, {} and {} ({}).",
            count(ownership.sites.len(), "site"),
            count(ownership.subnets.len(), "subnet"),
            count(ownership.attestations.len(), "attestation"),
            recovered.cause
        ),
    );
    line(
        at,
        if recovered.whole {
            "Nothing that is remembered is lost."
        } else {
            "What runs noted in records that are damaged or missing is lost: what they created is adopted again where it is \
             declared, and attestations have to be given anew."
        },
    );
    At::agreed(&args.word, "Put it in place?")?;
    let hand = at.hand(&args.word);
    let (state, aside) = at
        .store
        .recover(hold.lock()?, damage, &recovered, hand)
        .await
        .map_err(|error| failed(&error))?;
    kept_aside(at, &aside);
    line(at, &format!("The state has serial {} now.", state.serial));
    Ok(Exit::Done)
}

async fn anew(at: &At<'_>, args: &RecoverArgs, damage: &Damage) -> Result<Exit, Failure> {
    if let Some(recovered) = damage.best(None) {
        line(
            at,
            &format!(
                "There is something to make it from: without --from, it {}.",
                past(recovered)
            ),
        );
    }
    line(
        at,
        "Everything that is remembered would be put aside. The next plan adopts what is declared and is there. What \
         Sitewright created is no longer known to be its own, and nothing is deleted when its declaration goes; \
         attestations have to be given anew; protection is as declared.",
    );
    At::agreed(&args.word, "Begin anew?")?;
    let aside = at
        .store
        .begin_anew()
        .await
        .map_err(|error| failed(&error))?;
    kept_aside(at, &aside);
    Ok(Exit::Done)
}

fn past(recovered: &Recovered) -> String {
    recovered
        .cause
        .to_string()
        .replacen("recovered", "would recover", 1)
}

fn kept_aside(at: &At<'_>, aside: &[String]) {
    for name in aside {
        line(at, &format!("What was there is kept as {name}."));
    }
}

pub(super) async fn migrate(at: &At<'_>, args: &MigrateArgs) -> Result<Exit, Failure> {
    let to = target(at, args)?;
    if to.place() == at.store.place() {
        return Err(Failure::usage(
            format!("the state is at {} already", to.place()),
            "name another store",
        ));
    }
    if let Err(StateError::MovedAway { .. }) = to.read().await {
        let full = StateError::NotEmpty {
            place: to.place(),
            found: "a note that its state was moved away",
        };
        return Err(failed(&full));
    }
    line(at, &format!("From {}", at.store.place()));
    line(at, &format!("to   {}", to.place()));
    At::agreed(&args.word, "Take the state there?")?;
    let by = args.word.by.as_deref();
    let hand = at.hand(&args.word);
    let copied = locked_store(at.context, at.store, "state migrate", by, async |hold| {
        locked_store(at.context, &to, "state migrate", by, async |theirs| {
            at.store
                .migrate(hold.lock()?, &to, theirs.lock()?, hand)
                .await
                .map_err(|error| failed(&error))
        })
        .await
    })
    .await?;
    let state = copied.serial.map_or_else(
        || "no state".to_owned(),
        |serial| format!("the state of serial {serial}"),
    );
    line(
        at,
        &format!(
            "Copied and read back: {state}, {}, {}, {}.",
            count(copied.versions, "version"),
            count(
                usize::try_from(copied.records).unwrap_or(usize::MAX),
                "record"
            ),
            count(copied.kept, "kept file"),
        ),
    );
    for serial in &copied.damaged {
        line(
            at,
            &format!("Left behind: version {serial}, which is damaged."),
        );
    }
    for name in &copied.lost {
        line(
            at,
            &format!("Not there any more: {name}, which the journal names."),
        );
    }
    line(
        at,
        "Here a note is left that it has moved, and every command refuses.",
    );
    line(
        at,
        &match to.declaration() {
            Some(declare) => format!("Go on with {declare} in the workspace."),
            None => format!("Go on with a workspace whose `state` is {}.", to.place()),
        },
    );
    Ok(Exit::Done)
}

/// `1 site`, `2 sites`.
fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A file as it is found from everywhere.
fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

/// The other store.
fn target(at: &At<'_>, args: &MigrateArgs) -> Result<Store, Failure> {
    if let Some(file) = &args.to_workspace {
        let mut context = at.context.clone();
        // The platform is the same one; its state is where that workspace says.
        context.global.state = None;
        context.global.platform = Some(at.name.to_string());
        let (_, store) = Home::of_file(file)?.store(&context)?;
        return Ok(store.declared_in(&absolute(file)));
    }
    let to = args.to.as_deref().unwrap_or_default();
    match to.strip_prefix("file:") {
        Some(folder) if !folder.is_empty() => Ok(Store::file(Path::new(folder), at.name.as_str())),
        _ if to.contains("://") => Err(Failure::usage(
            "a database or an object store needs more than an address",
            "declare it as the `state` of a workspace file, and pass that: --to-workspace FILE",
        )),
        _ => Err(Failure::usage(
            format!("expected file:FOLDER, found `{to}`"),
            "write --to file:/srv/sitewright/state, or pass a workspace: --to-workspace FILE",
        )),
    }
}
