//! "Prevent downloads" of the targeted site settings, where the profile has learned it.
//!
//! I/O, through the reader. It is read for the checks alone, and never written.

use std::collections::BTreeSet;

use crate::model::{Guid, Observed, Prevention};
use crate::profile::{Ability, ItemSwitch};
use crate::smp::{AnswerError, ReadError, Reader, xml};

use super::reason;
use super::refresh::observed;

pub(super) async fn read(reader: &Reader) -> Result<Observed<Prevention>, ReadError> {
    if let Err(missing) = reader.profile().can(Ability::ReadPrevention) {
        return Ok(Observed::Unavailable(missing.to_string()));
    }
    let entry = reader.profile().settings.prevent_downloads.as_ref();
    let Some((item, targets, from_server, from_outside)) = entry.and_then(|entry| entry.place())
    else {
        return Ok(Observed::Unavailable(
            "`settings.preventDownloads` is not wholly known".into(),
        ));
    };
    let text = match observed(reader.item_xml(item).await)? {
        Observed::Known(Some(text)) => text,
        Observed::Known(None) => {
            return Ok(Observed::Unavailable(
                "the item that holds the setting does not exist".into(),
            ));
        }
        Observed::Unavailable(reason) => return Ok(Observed::Unavailable(reason)),
    };
    let found = || -> Result<Prevention, AnswerError> {
        let document = xml::tree(&text)?;
        let targets = targets
            .find(&document, None)
            .values
            .iter()
            .filter(|value| !value.is_empty())
            .map(|value| {
                value
                    .parse::<Guid>()
                    .map_err(|error| AnswerError::value(&targets.to_string(), &error))
            })
            .collect::<Result<BTreeSet<Guid>, _>>()?;
        Ok(Prevention {
            targets,
            from_server: switch(from_server, &document)?,
            from_outside: switch(from_outside, &document)?,
        })
    };
    Ok(match found() {
        Ok(prevention) => Observed::Known(prevention),
        Err(error) => Observed::Unavailable(reason(&error.into())),
    })
}

/// Reads a switch; a value that the profile calls neither on nor off is not understood.
fn switch(switch: &ItemSwitch, document: &roxmltree::Document<'_>) -> Result<bool, AnswerError> {
    let ItemSwitch { path, on, off } = switch;
    let same = |value: &str, wanted: &str| value.trim().eq_ignore_ascii_case(wanted.trim());
    let values = path.find(document, None).values;
    match (values.as_slice(), off) {
        ([value], _) if same(value, on) => Ok(true),
        ([] | [_], None) => Ok(false),
        ([value], Some(off)) if same(value, off) => Ok(false),
        (values, _) => Err(AnswerError::shape(
            format!("a switch at `{path}`"),
            match values {
                [] => "nothing".to_owned(),
                [value] => format!("`{value}`"),
                several => format!("{} values", several.len()),
            },
        )),
    }
}
