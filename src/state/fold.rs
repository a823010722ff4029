//! What records of the journal make of a state: facts beyond a state that was saved → that state brought up to date, and
//! where there is none, the state that they were written on.
//!
//! Pure. A state is a summary of the journal up to a record; nothing here judges whether the records can be trusted.

use super::format::State;
use crate::journal::{Entry, Fact, Head, replay};
use crate::model::{Memory, Ownership};

/// The state that the journal's last run stood on, or that was put in place last, without what it knew: the whole
/// journal is folded into it.
pub(super) fn rebuilt(entries: &[Entry]) -> Option<State> {
    let mut saved = 0_u64;
    entries.iter().rev().find_map(|entry| match &entry.fact {
        Fact::RunStarted {
            platform,
            lineage,
            serial,
            by: _,
            plan: _, // not what the state is made of
        } => {
            let state = State::new(platform.clone(), lineage.clone(), Ownership::default());
            // A state that was saved and is lost had moved on, by its run and by every command after it: no saved plan
            // may fit it again. One that was never saved had not, and an interrupted first plan goes on.
            let serial = if lineage.is_empty() {
                *serial
            } else {
                serial.saturating_add(1).saturating_add(saved)
            };
            Some(State { serial, ..state })
        }
        Fact::StateReplaced {
            platform,
            lineage,
            serial,
            ..
        } => {
            let state = State::new(platform.clone(), lineage.clone(), Ownership::default());
            let serial = serial.saturating_add(saved);
            Some(State { serial, ..state })
        }
        Fact::Attested { .. } | Fact::Forgotten { .. } | Fact::Relocated { .. } => {
            saved += 1;
            None
        }
        _ => None,
    })
}

/// The highest serial of a state that runs of these records stood on.
pub(super) fn stood_on(entries: &[Entry]) -> u64 {
    let serials = entries.iter().map(|entry| match &entry.fact {
        Fact::RunStarted { serial, .. } => *serial,
        _ => 0,
    });
    serials.max().unwrap_or(0)
}

/// Whether a journal goes as far as the state that was saved.
pub(super) fn ahead(state: &State, head: &Head) -> Memory {
    if head.sequence < state.journal_sequence {
        Memory::Ahead {
            state: state.journal_sequence,
            journal: head.sequence,
        }
    } else {
        Memory::Known
    }
}

/// Whether a state that is not there was saved once, and whether the journal that it was made of is whole.
pub(super) fn of_journal(state: &State, entries: &[Entry]) -> Memory {
    if !was_saved(state, entries) {
        return Memory::Known;
    }
    let first = entries
        .first()
        .filter(|first| first.sequence > 1 && !matches!(first.fact, Fact::StateReplaced { .. }));
    Memory::Journal {
        from: first.map(|entry| entry.sequence),
    }
}

/// Whether a state that was made of a journal was saved once: runs stood on it, or one came to its end, or people put
/// something right by hand. A first run that died before that left a journal alone, and nothing is missing.
pub(super) fn was_saved(state: &State, entries: &[Entry]) -> bool {
    !state.lineage.is_empty()
        || entries
            .iter()
            .any(|entry| matches!(entry.fact, Fact::RunEnded { .. }))
}

/// Folds in what a journal holds beyond a state.
pub(super) fn folded(mut state: State, mut entries: Vec<Entry>, end: &Head) -> (State, usize) {
    let holds = state.journal_sequence;
    entries.retain(|entry| entry.sequence > holds);
    let replayed = entries.len();
    if replayed == 0 {
        return (state, 0);
    }
    // A copy that was put back is behind: its number goes on after those that were saved since.
    if stood_on(&entries) > state.serial
        && let Some(last) = rebuilt(&entries)
    {
        state.serial = state.serial.max(last.serial);
    }
    for entry in &entries {
        if let Fact::StateReplaced {
            platform,
            lineage,
            serial,
            ..
        } = &entry.fact
        {
            state.platform = platform.clone();
            state.lineage.clone_from(lineage);
            // It is saved with that serial, which is one more.
            state.serial = state.serial.max(serial.saturating_sub(1));
        }
    }
    let state = State {
        ownership: replay(state.ownership, holds, entries.into_iter()),
        journal_sequence: end.sequence,
        journal_digest: end.digest.clone(),
        ..state
    };
    (state, replayed)
}
