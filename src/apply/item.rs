//! The XML of an item that a step writes over: kept before, compared after.
//!
//! I/O, through the writer and the journal. A setting in item XML can only be written with everything else that stands
//! in the item, so whatever else changed by it is told, with the file that holds the old XML.

use super::failed::Failed;
use super::run::Run;
use super::step::{Failure, Stepper};
use crate::items::{Difference, differences};
use crate::journal::JournalError;
use crate::profile::Setting;
use crate::smp::{Prepared, Replaced};

/// The XML of an item that was written over, and where the old one is kept.
#[derive(Debug)]
pub(super) struct WrittenOver {
    replaced: Replaced,
    file: String,
}

/// What changed in an item beside its noise and the setting itself, which is judged by its value.
///
/// `expected` is what was sent, `found` what is there.
///
/// # Errors
/// Where one of them is no XML: the reason, for people.
pub fn changed_beside(
    setting: &Setting,
    expected: &str,
    found: &str,
) -> Result<Vec<Difference>, String> {
    let same = |one: &Option<String>, other: &Option<String>| match (one, other) {
        (Some(one), Some(other)) => one.trim().eq_ignore_ascii_case(other.trim()),
        _ => false,
    };
    let ours = |difference: &Difference| {
        // Spelled in another way by the server, and read as the same.
        setting
            .path
            .as_ref()
            .is_some_and(|path| difference.place.is_at(path))
            && same(&difference.before, &difference.after)
    };
    let noise = |difference: &Difference| {
        setting
            .noise
            .iter()
            .any(|path| difference.place.is_at(path))
    };
    let mut changed = differences(expected, found).map_err(|error| error.to_string())?;
    changed.retain(|difference| !ours(difference) && !noise(difference));
    Ok(changed)
}

impl Stepper<'_> {
    /// Keeps the XML of the item that a write replaces, before it goes out; the first of a step is the old one.
    pub(super) async fn keep(&mut self, prepared: &Prepared) -> Result<(), JournalError> {
        let Some(replaced) = prepared.replaced() else {
            return Ok(());
        };
        let Run {
            id, journal, clock, ..
        } = self.run;
        let item = replaced.value.item;
        let file = journal
            .keep_item(id, clock(), item, &replaced.before)
            .await?;
        let first = self.written_over.take().map(|before| before.file);
        self.written_over = Some(WrittenOver {
            replaced: replaced.clone(),
            file: first.unwrap_or(file),
        });
        Ok(())
    }

    /// Makes sure that an item which was written over holds what was sent, and nothing else is different.
    pub(super) async fn only_ours(&mut self) -> Result<(), Failure> {
        let Some(WrittenOver { replaced, file }) = self.written_over.take() else {
            return Ok(());
        };
        let item = replaced.value.item;
        let export = self
            .within(self.run.writer.reader().item_export(item))
            .await?;
        let found = export
            .map_err(|error| Failed::unread(&error))?
            .unwrap_or_default();
        let changed = changed_beside(&replaced.value.setting, &replaced.after, &found);
        let said = match changed {
            Ok(changed) if changed.is_empty() => return Ok(()),
            Ok(changed) => {
                let list: Vec<String> = changed.iter().map(ToString::to_string).collect();
                list.join("; ")
            }
            Err(reason) => reason,
        };
        Err(Failure::Step(Failed {
            code: "SW0606",
            error: format!("the item {item} changed elsewhere too: {said}"),
            hint: Some(format!(
                "its old XML is kept: `sitewright restore {file}` brings it back; what changes by itself belongs into \
                 `noise` of the server profile"
            )),
        }))
    }
}
