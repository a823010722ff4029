//! `state push`, `rm`, `mv`, `restore` and `unlock`: what people put right by hand.
//!
//! I/O: asks, then writes under the lock.

#![expect(clippy::disallowed_methods, reason = "reads the state that is pushed")]

use super::super::hold::{Hold, locked_store, who};
use super::super::{Exit, now, print, wrap};
use super::{At, MvArgs, PushArgs, RestoreArgs, RmArgs, UnlockArgs, Word, failed, needed, unknown};
use crate::cli::error::Failure;
use crate::journal::{Fact, Replacement};
use crate::model::{Guid, Holder, Name, Ownership, Relocation, Remembered, StepId, Subnet};
use crate::state::{Broken, NewState, State, StateError};

/// Runs a change under the lock of the state.
async fn under_lock<'a, T>(
    at: &At<'a>,
    purpose: &str,
    word: &Word,
    change: impl AsyncFnOnce(&mut Hold<'a>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    locked_store(at.context, at.store, purpose, word.by.as_deref(), change).await
}

pub(super) async fn push(at: &At<'_>, args: &PushArgs) -> Result<Exit, Failure> {
    let shown = args.file.display();
    let bytes = std::fs::read(&args.file)
        .map_err(|error| Failure::io(format!("cannot read `{shown}`"), &error))?;
    let pushed = State::decode(&bytes).map_err(|error| {
        Failure::from_error(
            "SW0766",
            &Unusable {
                file: shown.to_string(),
                source: error,
            },
        )
        .hint(Some(
            "push what `sitewright state pull` printed, unchanged".into(),
        ))
    })?;
    if args.force {
        needed(args.word.reason.as_deref())?;
    }
    under_lock(at, "state push", &args.word, async |hold| {
        let there = match at.store.load().await {
            Ok(loaded) => loaded.map(|loaded| loaded.state),
            Err(error @ (StateError::Damaged { .. } | StateError::OtherPlatform { .. } | StateError::OtherLineage { .. }))
                if !args.force =>
            {
                return Err(failed(&error).hint(Some(
                    "`sitewright state recover` makes it again; --force with a --reason pushes over it".into(),
                )));
            }
            Err(StateError::Damaged { .. } | StateError::OtherPlatform { .. } | StateError::OtherLineage { .. }) => None,
            Err(error) => return Err(failed(&error)),
        };
        if let Some(there) = &there {
            if there.serial == pushed.serial
                && there.lineage == pushed.lineage
                && there.platform.server == pushed.platform.server
                && there.ownership == pushed.ownership
            {
                print("The state is as the file has it.\n");
                return Ok(Exit::Done);
            }
            if !args.force {
                fits(&pushed, there)?;
            }
            print(&difference(&there.ownership, &pushed.ownership, at.context.style.width));
        }
        At::agreed(&args.word, "Put the state of the file in place?")?;
        let serial = there.map_or(pushed.serial, |there| there.serial.max(pushed.serial));
        let new = NewState {
            platform: pushed.platform.clone(),
            lineage: pushed.lineage.clone(),
            serial,
            ownership: pushed.ownership.clone(),
            cause: Replacement::Pushed {
                serial: pushed.serial,
            },
        };
        put(at, hold, new, &args.word).await
    })
    .await
}

/// Why a file is no state.
#[derive(Debug, thiserror::Error)]
#[error("`{file}` is no state that can be pushed")]
struct Unusable {
    file: String,
    source: crate::state::FormatError,
}

/// Refuses a state that would lead somewhere else, or back.
fn fits(pushed: &State, there: &State) -> Result<(), Failure> {
    let why = if pushed.platform.server != there.platform.server {
        format!(
            "expected a state of the SMP {} ({}), found one of {} ({})",
            there.platform.name,
            there.platform.server,
            pushed.platform.name,
            pushed.platform.server
        )
    } else if pushed.lineage != there.lineage {
        format!(
            "expected a state of lineage `{}`, found `{}`",
            there.lineage, pushed.lineage
        )
    } else if pushed.serial < there.serial {
        format!(
            "expected a state of serial {} or later, found {}",
            there.serial, pushed.serial
        )
    } else {
        return Ok(());
    };
    Err(Failure::new("SW0767", why).hint(Some(
        "pass --force with a --reason if it is right all the same; what is there is kept as a version".into(),
    )))
}

async fn put(at: &At<'_>, hold: &Hold<'_>, new: NewState, word: &Word) -> Result<Exit, Failure> {
    let state = at
        .store
        .replace_by_hand(hold.lock()?, new, at.hand(word))
        .await
        .map_err(|error| failed(&error))?;
    print(&format!("The state has serial {} now.\n", state.serial));
    Ok(Exit::Done)
}

/// What comes and goes where one state takes the place of another.
fn difference(before: &Ownership, after: &Ownership, width: usize) -> String {
    let list = |of: &Ownership| -> Vec<(String, Remembered)> { of.remembered() };
    let (old, new) = (list(before), list(after));
    let mut text = String::new();
    for (address, one) in &old {
        if !new.iter().any(|(_, other)| other == one) {
            text.push_str(&wrap(&format!("  - {address}"), 6, width));
        }
    }
    for (address, one) in &new {
        if !old.iter().any(|(_, other)| other == one) {
            text.push_str(&wrap(&format!("  + {address}"), 6, width));
        }
    }
    if text.is_empty() {
        "The same entries, some of which hold something else.\n".into()
    } else {
        text
    }
}

pub(super) async fn rm(at: &At<'_>, args: &RmArgs) -> Result<Exit, Failure> {
    under_lock(at, "state rm", &args.word, async |hold| {
        let state = at.state().await?;
        let mut what: Vec<Remembered> = Vec::new();
        for address in &args.addresses {
            let one = state
                .ownership
                .find(address)
                .map_err(|error| unknown(&error))?;
            if !what.contains(&one) {
                what.push(one);
            }
        }
        for one in &what {
            print(&wrap(&format!("  - {one}"), 6, at.context.style.width));
        }
        At::agreed(&args.word, "Forget this?")?;
        let state = at
            .store
            .forget(hold.lock()?, settled(state), what, at.hand(&args.word))
            .await
            .map_err(|error| failed(&error))?;
        print(&format!(
            "Forgotten; nothing on the server changed. The state has serial {} now.\n",
            state.serial
        ));
        Ok(Exit::Done)
    })
    .await
}

/// A state that a first run left, which died before it was saved, gets its lineage here.
fn settled(mut state: State) -> State {
    if state.lineage.is_empty() {
        state.lineage = super::super::session::new_lineage();
    }
    state
}

pub(super) async fn mv(at: &At<'_>, args: &MvArgs) -> Result<Exit, Failure> {
    under_lock(at, "state mv", &args.word, async |hold| {
        let state = at.state().await?;
        let one = state
            .ownership
            .find(&args.address)
            .map_err(|error| unknown(&error))?;
        let (change, said) = relocation(&state.ownership, &one, &args.to)?;
        print(&wrap(&said, 2, at.context.style.width));
        At::agreed(&args.word, "Put it right?")?;
        let state = at
            .store
            .relocate(hold.lock()?, settled(state), change, at.hand(&args.word))
            .await
            .map_err(|error| failed(&error))?;
        print(&format!(
            "Done; nothing on the server changed. The state has serial {} now.\n",
            state.serial
        ));
        Ok(Exit::Done)
    })
    .await
}

/// What a move means, and how it is said.
fn relocation(
    ownership: &Ownership,
    one: &Remembered,
    to: &str,
) -> Result<(Relocation, String), Failure> {
    let refused =
        |why: String, hint: &str| Err(Failure::new("SW0768", why).hint(Some(hint.into())));
    let guid: Option<Guid> = to.parse().ok();
    match one {
        Remembered::Site { guid: from, name } | Remembered::Subnet { guid: from, name } => {
            let sites = matches!(one, Remembered::Site { .. });
            let all = if sites {
                &ownership.sites
            } else {
                &ownership.subnets
            };
            let Some(owned) = all.get(from).cloned() else {
                return refused(format!("`{one}` is not remembered"), "run again");
            };
            let (to, owned, said) = match guid {
                Some(to) if to != *from && all.contains_key(&to) => {
                    return refused(
                        format!("{to} is remembered already"),
                        "forget that entry first: `sitewright state rm`",
                    );
                }
                Some(to) => (to, owned, format!("{one}: {from} becomes {to}")),
                None if !sites && to.parse::<Subnet>().is_err() => {
                    return refused(
                        format!("expected a GUID or a subnet, found `{to}`"),
                        "a subnet is named by its network, 10.0.0.0/24",
                    );
                }
                None => {
                    let renamed = crate::model::Owned {
                        name: Name::new(to),
                        ..owned
                    };
                    (*from, renamed, format!("{one}: `{name}` becomes `{to}`"))
                }
            };
            let from = *from;
            let change = if sites {
                Relocation::Site { from, to, owned }
            } else {
                Relocation::Subnet { from, to, owned }
            };
            Ok((change, said))
        }
        Remembered::Attestation { step } => {
            let to = StepId(to.strip_prefix("Attestation/").unwrap_or(to).to_owned());
            if ownership.attestations.contains_key(&to.0) {
                return refused(
                    format!("there is a word for `{to}` already"),
                    "forget that one first: `sitewright state rm`",
                );
            }
            let Some(attestation) = ownership.attestations.get(&step.0).cloned() else {
                return refused(format!("`{one}` is not remembered"), "run again");
            };
            let said = format!("{one}: counts for {to}");
            let from = step.clone();
            let change = Relocation::Attestation {
                from,
                to,
                attestation,
            };
            Ok((change, said))
        }
        Remembered::Undistributed { .. } | Remembered::Count { .. } | Remembered::Unassigned => {
            refused(
                format!("`{one}` has no other place"),
                "sites, subnets and attestations can be moved",
            )
        }
    }
}

pub(super) async fn restore(at: &At<'_>, args: &RestoreArgs) -> Result<Exit, Failure> {
    under_lock(at, "state restore", &args.word, async |hold| {
        let there = at.state().await?;
        let version = at
            .store
            .version(args.serial)
            .await
            .map_err(|error| failed(&error))?
            .ok_or_else(|| {
                Failure::new(
                    "SW0769",
                    format!("no version of serial {} is kept", args.serial),
                )
                .hint(Some(
                    "`sitewright state history` lists those that are".into(),
                ))
            })?;
        if version.lineage != there.lineage || version.platform.server != there.platform.server {
            return Err(Failure::new(
                "SW0767",
                format!(
                    "version {} is of another lineage or SMP than the state",
                    args.serial
                ),
            )
            .hint(Some(
                "push its file with --force if it is right all the same".into(),
            )));
        }
        print(&difference(
            &there.ownership,
            &version.ownership,
            at.context.style.width,
        ));
        At::agreed(&args.word, "Bring this version back?")?;
        let new = NewState {
            platform: there.platform.clone(),
            lineage: there.lineage.clone(),
            serial: there.serial,
            ownership: version.ownership,
            cause: Replacement::Restored {
                serial: args.serial,
            },
        };
        put(at, hold, new, &args.word).await
    })
    .await
}

pub(super) async fn unlock(at: &At<'_>, args: &UnlockArgs) -> Result<Exit, Failure> {
    let why = needed(Some(&args.reason))?;
    let broken = at
        .store
        .break_lock()
        .await
        .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))?;
    let from = match broken {
        Broken::Free => {
            print(&format!("The state of `{}` is not locked.\n", at.name));
            return Ok(Exit::Done);
        }
        Broken::Alive(holder) => return Err(alive(at.name, holder.as_ref())),
        Broken::Freed(from) => from,
    };
    let by = who(args.by.as_deref());
    let said = match &from {
        Some(from) => format!("Ended the lock of {from}."),
        None => "Ended the lock.".to_owned(),
    };
    locked_store(
        at.context,
        at.store,
        "state unlock",
        args.by.as_deref(),
        async |hold| {
            let journal = hold.journal().await?;
            journal
                .append(&at.context.run, now(), Fact::LockBroken { from, by, why })
                .await
                .map_err(|error| Failure::from_error(error.code(), &error).hint(error.hint()))
        },
    )
    .await?;
    print(&wrap(&said, 2, at.context.style.width));
    Ok(Exit::Done)
}

/// Says that the holder of a lock lives, and what to do.
fn alive(name: &Name, holder: Option<&Holder>) -> Failure {
    let who = holder.map_or_else(|| "another process".into(), ToString::to_string);
    let end = holder.map_or_else(String::new, |holder| {
        format!(": process {} on {}", holder.process, holder.host)
    });
    Failure::new(
        "SW0770",
        format!("the lock of `{name}` is held by {who}, which is alive"),
    )
    .hint(Some(format!(
        "the lock of a state in files goes with its process and cannot be taken from it: wait, or end the process{end}"
    )))
}
