//! Settings that stand in item XML, and descriptions.
//!
//! I/O, through the reader. What the profile has not learned is unavailable; a value that it does not name is too.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::model::{Guid, Observed};
use crate::profile::{Ability, ItemPath, Matches, Setting, SettingItem};
use crate::smp::{AnswerError, ReadError, Reader, RequestError, xml};

use super::memberships::AHEAD;
use super::refresh::observed;

/// What a path leads to in the XML of an item.
pub(super) fn find(
    text: &str,
    path: &ItemPath,
    site: Option<Guid>,
) -> Result<Matches, AnswerError> {
    Ok(path.find(&xml::tree(text)?, site))
}

/// Reads a switch out of what was found.
fn switch(setting: &Setting, path: &ItemPath, matches: &Matches) -> Observed<bool> {
    let same = |value: &str, wanted: &str| value.trim().eq_ignore_ascii_case(wanted.trim());
    match matches.values.as_slice() {
        [] if setting.off.is_none() => Observed::Known(false),
        [] => Observed::Unavailable(format!("`{path}` leads to nothing in the item's XML")),
        [value] => {
            if setting.on.as_deref().is_some_and(|on| same(value, on)) {
                Observed::Known(true)
            } else if setting.off.as_deref().is_none_or(|off| same(value, off)) {
                Observed::Known(false)
            } else {
                Observed::Unavailable(format!(
                    "`{path}` is `{value}`, which the server profile calls neither on nor off"
                ))
            }
        }
        several => Observed::Unavailable(format!(
            "`{path}` leads to {} values, expected one",
            several.len()
        )),
    }
}

/// Reads Constrain to Site of the sites given.
pub(super) async fn constrained(
    reader: &Reader,
    sites: &[Guid],
) -> Result<BTreeMap<Guid, Observed<bool>>, ReadError> {
    if sites.is_empty() {
        return Ok(BTreeMap::new());
    }
    let unavailable = |reason: String| -> BTreeMap<Guid, Observed<bool>> {
        sites
            .iter()
            .map(|site| (*site, Observed::Unavailable(reason.clone())))
            .collect()
    };
    if reader.profile().lacks_constrain_to_site() {
        return Ok(unavailable(
            "this server has no such setting, on the operator's word: `settings.constrainToSite` in the server profile"
                .into(),
        ));
    }
    if let Err(missing) = reader.profile().can(Ability::ReadConstrain) {
        return Ok(unavailable(missing.to_string()));
    }
    let setting = reader.profile().settings.constrain_to_site.as_ref();
    let Some((setting, (item, path))) =
        setting.and_then(|setting| Some((setting, setting.place()?)))
    else {
        return Ok(unavailable(
            "`settings.constrainToSite` is not known".into(),
        ));
    };
    let read = |xml: &Option<String>, site: Guid| match xml {
        None => Observed::Unavailable("the item that holds the setting does not exist".to_owned()),
        Some(xml) => match find(xml, path, Some(site)) {
            Ok(matches) => switch(setting, path, &matches),
            Err(error) => Observed::Unavailable(error.to_string()),
        },
    };
    match item {
        SettingItem::Task => Ok(unavailable(
            "`settings.constrainToSite.item` in the server profile is `task`, which no site has"
                .into(),
        )),
        SettingItem::Item(item) => Ok(match observed(reader.item_xml(item).await)? {
            Observed::Known(xml) => sites
                .iter()
                .map(|site| (*site, read(&xml, *site)))
                .collect(),
            Observed::Unavailable(reason) => unavailable(reason),
        }),
        SettingItem::Site => {
            stream::iter(sites.iter().copied())
                .map(|site| async move {
                    Ok((
                        site,
                        match observed(reader.item_xml(site).await)? {
                            Observed::Known(xml) => read(&xml, site),
                            Observed::Unavailable(reason) => Observed::Unavailable(reason),
                        },
                    ))
                })
                .buffered(AHEAD)
                .try_collect()
                .await
        }
    }
}

/// Reads the default target of captured images; `None` inside where none is set.
pub(super) async fn capture_target(reader: &Reader) -> Result<Option<Guid>, ReadError> {
    let profile = reader.profile();
    profile
        .can(Ability::ReadCaptureTarget)
        .map_err(RequestError::Profile)?;
    let shape = |expected: &str, found: String| -> ReadError {
        AnswerError::Shape {
            expected: expected.to_owned(),
            found,
        }
        .into()
    };
    let setting = profile.settings.capture_target.as_ref();
    let Some((item, path)) = setting.and_then(Setting::place) else {
        return Err(shape("`settings.captureTarget`", "nothing".into()));
    };
    let SettingItem::Item(item) = item else {
        return Err(shape(
            "a GUID in `settings.captureTarget.item` of the server profile",
            "another word".into(),
        ));
    };
    let Some(xml) = reader.item_xml(item).await? else {
        return Err(shape(
            "the item that `settings.captureTarget` names",
            "none with that GUID".into(),
        ));
    };
    let matches = find(&xml, path, None)?;
    match matches.values.as_slice() {
        [] if matches.parent => Ok(None),
        [] => Err(shape(
            "a value at `settings.captureTarget.path`",
            "nothing there in the item's XML".into(),
        )),
        [value] if value.is_empty() => Ok(None),
        [value] => value
            .parse()
            .map(|guid: Guid| Some(guid).filter(|guid| !guid.is_nil()))
            .map_err(|error| AnswerError::value(&path.to_string(), &error).into()),
        several => Err(shape(
            "one value at `settings.captureTarget.path`",
            several.len().to_string(),
        )),
    }
}

/// Reads the description of one site; `None` where the site is gone.
pub(super) async fn description(reader: &Reader, site: Guid) -> Result<Option<String>, ReadError> {
    if reader
        .profile()
        .structures
        .resource
        .as_ref()
        .is_none_or(|names| names.description.is_none())
    {
        reader
            .profile()
            .can(Ability::DescribeSite)
            .map_err(RequestError::Profile)?;
    }
    Ok(reader
        .resource(site)
        .await?
        .map(|resource| resource.description.unwrap_or_default()))
}

/// Reads the descriptions of the sites given.
pub(super) async fn descriptions(
    reader: &Reader,
    sites: &[Guid],
) -> Result<BTreeMap<Guid, Observed<String>>, ReadError> {
    stream::iter(sites.iter().copied())
        .map(|site| async move {
            Ok((
                site,
                match observed(description(reader, site).await)? {
                    Observed::Known(Some(description)) => Observed::Known(description),
                    Observed::Known(None) => {
                        Observed::Unavailable("the site cannot be read by its GUID".into())
                    }
                    Observed::Unavailable(reason) => Observed::Unavailable(reason),
                },
            ))
        })
        .buffered(AHEAD)
        .try_collect()
        .await
}
