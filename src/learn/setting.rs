//! One difference → where a setting stands and what its values mean.
//!
//! Pure.

use roxmltree::{Document, Node};

use super::conclude::{Candidate, Item, LearnError, read, several};
use crate::items::{Leaf, compare, path_to};
use crate::model::Guid;
use crate::profile::{ItemPath, Setting, SettingItem, Spelling, Standing};

/// A setting of which only the place is known.
pub(super) fn learned(item: SettingItem, path: ItemPath) -> Setting {
    Setting {
        item: Some(item),
        path: Some(path),
        standing: Standing::Learned,
        ..Setting::default()
    }
}

/// A switch that changed; `was_on` says what it was before, `site` which site's it is, where the item is not its own.
pub(super) fn switch(
    one: &Candidate<'_>,
    was_on: bool,
    site: Option<Guid>,
) -> Result<Setting, LearnError> {
    let [_, before, after, ..] = one.item.looks[..] else {
        return Err(LearnError::Unseen);
    };
    let (before, after) = (read(one.item, before)?, read(one.item, after)?);
    let difference = &one.difference;
    let (on_document, off_document, node, on, off) = if was_on {
        (
            &before,
            &after,
            difference.first,
            &difference.before,
            &difference.after,
        )
    } else {
        (
            &after,
            &before,
            difference.second,
            &difference.after,
            &difference.before,
        )
    };
    let (Some(on), Some(node)) = (on, node.and_then(|id| on_document.get_node(id))) else {
        return Err(one.unfit("on is told by what is not there, which a path cannot say"));
    };
    let (attribute, value) = match difference.place.leaf() {
        Leaf::Attribute(name) => (Some(name.clone()), on.clone()),
        Leaf::Text => (None, on.clone()),
        Leaf::Element => alone(one, node, site)?,
    };
    let path =
        path_to(node, attribute.as_deref(), site).map_err(|error| one.unfit(error.to_string()))?;
    if site.is_some() && !path.names_site() {
        return Err(one.unfit("the place does not name the site, so every site would share it"));
    }
    let found = |document: &Document<'_>| path.find(document, site).values;
    let expected_off: Vec<String> = off.iter().map(|off| off.trim().to_owned()).collect();
    if found(on_document) != [value.trim()] || found(off_document) != expected_off {
        return Err(one.unfit(format!("`{path}` leads to other places as well")));
    }
    let inserted = off.is_none() && !matches!(difference.place.leaf(), Leaf::Attribute(_));
    let insert = inserted.then(|| insertion(node, site)).flatten();
    Ok(Setting {
        on: Some(value.trim().to_owned()),
        off: expected_off.into_iter().next(),
        spelling: site.and_then(|site| spelling_near(node, site)),
        insert,
        ..learned(SettingItem::Site, path)
    })
}

/// What of an element that came whole tells on: its one attribute beside those that name the site, else itself.
fn alone(
    one: &Candidate<'_>,
    node: Node<'_, '_>,
    site: Option<Guid>,
) -> Result<(Option<String>, String), LearnError> {
    let telling: Vec<_> = node
        .attributes()
        .filter(|attribute| site.is_none_or(|site| attribute.value().trim().parse() != Ok(site)))
        .collect();
    let text = node.text().unwrap_or_default().trim();
    let nested = node.children().any(|child| child.is_element());
    match (telling.as_slice(), text, nested) {
        ([], text, false) => Ok((None, text.to_owned())),
        ([attribute], "", false) => Ok((
            Some(attribute.name().to_owned()),
            attribute.value().to_owned(),
        )),
        _ => {
            Err(one
                .unfit("it came with more than one value, and nothing tells which of them it is"))
        }
    }
}

/// The element as it is to be inserted elsewhere: only where it came last, since its place is not known otherwise.
fn insertion(node: Node<'_, '_>, site: Option<Guid>) -> Option<String> {
    if node.next_siblings().skip(1).any(|next| next.is_element()) {
        return None;
    }
    let source = &node.document().input_text()[node.range()];
    let Some(site) = site else {
        return Some(source.to_owned());
    };
    let spelling = spelling_near(node, site)?;
    Some(source.replace(&spelling.spell(site), "{site}"))
}

/// How the GUID of a site is spelled in an element or around it.
fn spelling_near(node: Node<'_, '_>, site: Guid) -> Option<Spelling> {
    node.ancestors()
        .flat_map(|node| node.attributes())
        .find(|attribute| attribute.value().trim().parse() == Ok(site))
        .and_then(|attribute| Spelling::of(attribute.value()))
}

/// The default target: the one place that held the one server and then the other.
pub(super) fn target(
    items: &[Item<'_>],
    back: &[Candidate<'_>],
    first: Guid,
    second: Guid,
) -> Result<(Guid, Setting), LearnError> {
    let mut found = Vec::new();
    let mut others = Vec::new();
    for item in items {
        let [_, before, one, other, last] = item.looks[..] else {
            continue;
        };
        let documents = [
            read(item, before)?,
            read(item, one)?,
            read(item, other)?,
            read(item, last)?,
        ];
        let [before, one, other, last] = &documents;
        let noise: Vec<_> = compare(before, last).into_iter().map(|d| d.place).collect();
        let guid = |value: &Option<String>| value.as_ref().and_then(|v| v.trim().parse().ok());
        for difference in compare(one, other) {
            let node = difference.second.and_then(|id| other.get_node(id));
            let held = (guid(&difference.before), guid(&difference.after));
            let after = difference.after.clone().unwrap_or_default();
            let candidate = Candidate { item, difference };
            if held == (Some(first), Some(second))
                && let Some(node) = node
            {
                let attribute = match candidate.difference.place.leaf() {
                    Leaf::Attribute(name) => Some(name.as_str()),
                    Leaf::Text | Leaf::Element => None,
                };
                let path = path_to(node, attribute, None)
                    .map_err(|error| candidate.unfit(error.to_string()))?;
                let values = documents
                    .each_ref()
                    .map(|document| path.find(document, None).values);
                if values[0] != values[3] || values.iter().any(|values| values.len() > 1) {
                    return Err(candidate.unfit("it did not go back to what it was"));
                }
                let setting = Setting {
                    spelling: Spelling::of(&after),
                    ..learned(SettingItem::Task, path)
                };
                found.push((candidate, setting));
            } else if !noise.contains(&candidate.difference.place) {
                others.push(candidate);
            }
        }
    }
    if found.len() > 1 || (found.len() == 1 && !others.is_empty()) {
        let all: Vec<Candidate<'_>> = found
            .into_iter()
            .map(|(candidate, _)| candidate)
            .chain(others)
            .collect();
        return Err(several(&all));
    }
    match (found.pop(), others.first(), back.first()) {
        (Some((candidate, setting)), _, _) => Ok((candidate.item.guid, setting)),
        (None, Some(other), _) | (None, None, Some(other)) => {
            Err(other.unfit("it does not hold the GUIDs of the two servers' computers"))
        }
        (None, None, None) => Err(LearnError::Unseen),
    }
}
