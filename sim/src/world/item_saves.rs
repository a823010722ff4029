//! What saving an item leaves in its XML: when and how often it was saved, and the order of its elements.
//!
//! I/O: the world's database, but for the functions on text. Quirks decide whether any of it shows; where it stands and
//! what it is called comes from the seed. A difference between two exports is then not the change of a setting alone.

use super::Rules;
use super::guid::Guid;
use super::options::Quirk;
use super::writes::Write;
use roxmltree::Document;
use rusqlite::{Connection, OptionalExtension, Result, params};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

/// When and how often an item was saved.
pub(crate) struct Saves {
    count: usize,
    modified: String,
}

impl Saves {
    /// Reads it; an item that was never saved anew counts as saved once.
    pub(crate) fn read(db: &Connection, item: Guid) -> Result<Saves> {
        let again: Option<i64> = db
            .prepare_cached("SELECT Count FROM sim_item_save WHERE Guid = ?1")?
            .query_row(params![item], |row| row.get(0))
            .optional()?;
        let modified: Option<String> = db
            .prepare_cached("SELECT ModifiedDate FROM Item WHERE Guid = ?1")?
            .query_row(params![item], |row| row.get(0))
            .optional()?;
        Ok(Saves {
            count: again
                .and_then(|again| usize::try_from(again).ok())
                .unwrap_or(0)
                + 1,
            modified: modified.unwrap_or_default(),
        })
    }
}

/// Notes that an item was saved.
pub(crate) fn note(db: &Connection, item: Guid, now: &str) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO sim_item_save VALUES (?1, 1) ON CONFLICT (Guid) DO UPDATE SET Count = Count + 1",
    )?
    .execute(params![item])?;
    db.prepare_cached("UPDATE Item SET ModifiedDate = ?2 WHERE Guid = ?1")?
        .execute(params![item, now])?;
    Ok(())
}

/// The items that a write saves, each once: a write of many parts is one save.
pub(crate) fn saved_by(rules: &Rules, write: &Write) -> BTreeSet<Guid> {
    let names = &rules.names;
    match write {
        Write::Save { guid, .. } | Write::Enable { guid, .. } | Write::Imported { guid, .. } => {
            BTreeSet::from([*guid])
        }
        Write::Constrain { site, .. } => BTreeSet::from([names.constrain.item.unwrap_or(*site)]),
        Write::CaptureTarget { .. } => names.capture_target.item.into_iter().collect(),
        Write::TaskPackages { task, .. } => BTreeSet::from([*task]),
        Write::Prevent { .. } => BTreeSet::from([names.prevent.item]),
        Write::Several(all) => all.iter().flat_map(|one| saved_by(rules, one)).collect(),
        Write::Create { .. }
        | Write::Delete { .. }
        | Write::Form { .. }
        | Write::Break { .. }
        | Write::Rows { .. }
        | Write::PackageServers { .. } => BTreeSet::new(),
    }
}

/// Where the time and the count stand.
#[derive(Debug, Clone, Copy)]
enum Place {
    Attributes,
    Elements,
    Element(&'static str),
}

/// Shows in the XML of an item what saving it has left, as far as the quirks say so.
pub(crate) fn show(rules: &Rules, xml: String, saves: &Saves) -> String {
    let seed = rules.seed;
    let mut xml = xml;
    if rules.quirk(Quirk::NoisyItems) {
        let place = seed.choose(
            "item xml",
            "saves",
            &[
                Place::Attributes,
                Place::Elements,
                Place::Element("itemInfo"),
            ],
        );
        let (time, count) = seed.choose(
            "item xml",
            "saves are called",
            &[
                ("modifiedDate", "version"),
                ("lastModified", "revision"),
                ("dateModified", "saveCount"),
            ],
        );
        let values = [
            (time, saves.modified.clone()),
            (count, saves.count.to_string()),
        ];
        xml = told(&xml, place, &values).unwrap_or(xml);
    }
    if rules.quirk(Quirk::ReorderedItems) {
        xml = turned(&xml, saves.count).unwrap_or(xml);
    }
    xml
}

type Edit = (Range<usize>, String);

/// Replaces the values where they stand already, and adds those that do not.
fn told(xml: &str, place: Place, values: &[(&str, String)]) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let root = document.root_element();
    let child = |name: &str| root.children().find(|node| node.tag_name().name() == name);
    let first = root.first_child().map(|node| node.range().start);
    let mut edits: Vec<Edit> = Vec::new();
    match place {
        Place::Attributes => edits.extend(attributes(xml, root, values)),
        Place::Element(name) => {
            if let Some(found) = child(name) {
                edits.extend(attributes(xml, found, values));
            } else {
                let mut element = format!("<{name}");
                for (name, value) in values {
                    // Writing into a string cannot fail.
                    let _ = write!(element, " {name}=\"{value}\"");
                }
                edits.push((first?..first?, element + "/>"));
            }
        }
        Place::Elements => {
            for (name, value) in values {
                let text = format!("<{name}>{value}</{name}>");
                let range = child(name).map(|node| node.range());
                edits.push((range.unwrap_or(first?..first?), text));
            }
        }
    }
    Some(edited(xml, edits))
}

fn attributes(xml: &str, node: roxmltree::Node<'_, '_>, values: &[(&str, String)]) -> Vec<Edit> {
    let start = node.range().start;
    // Behind the name of the element, with whatever prefix.
    let behind = xml
        .get(start..)
        .and_then(|tag| tag.find(|c: char| c.is_whitespace() || matches!(c, '/' | '>')))
        .map_or(start, |length| start + length);
    values
        .iter()
        .map(|(name, value)| match node.attribute_node(*name) {
            Some(found) => (found.range_value(), value.clone()),
            None => (behind..behind, format!(" {name}=\"{value}\"")),
        })
        .collect()
}

/// Writes the elements below the root in another order; what stands between them stays where it is.
fn turned(xml: &str, turn: usize) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let children: Vec<Range<usize>> = document
        .root_element()
        .children()
        .filter(roxmltree::Node::is_element)
        .map(|node| node.range())
        .collect();
    let count = children.len().max(1);
    let edits = children
        .iter()
        .enumerate()
        .filter_map(|(index, place)| {
            let other = children.get((index + turn) % count)?;
            Some((place.clone(), xml.get(other.clone())?.to_owned()))
        })
        .collect();
    Some(edited(xml, edits))
}

/// Carries out edits, whose ranges do not overlap.
fn edited(xml: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(xml.len() + 64);
    let mut at = 0;
    for (range, text) in edits {
        out.push_str(xml.get(at..range.start).unwrap_or_default());
        out.push_str(&text);
        at = range.end;
    }
    out.push_str(xml.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_where_they_stand_and_nothing_else_is_touched() {
        let values = [("at", "2".to_owned()), ("n", "3".to_owned())];
        let odd = "<?xml version='1.0'?>\n<!-- a --><x:item at='1' xmlns:x='urn:x'  n=\"1\" >\r\n <b at='1'/><c/></x:item >";
        assert_eq!(
            told(odd, Place::Attributes, &values).unwrap(),
            odd.replacen("at='1'", "at='2'", 1)
                .replace("n=\"1\"", "n=\"3\"")
        );
        assert_eq!(
            told("<item><b/></item>", Place::Attributes, &values).unwrap(),
            "<item at=\"2\" n=\"3\"><b/></item>"
        );
        assert_eq!(
            told("<item><b/></item>", Place::Element("i"), &values).unwrap(),
            "<item><i at=\"2\" n=\"3\"/><b/></item>"
        );
        assert_eq!(
            told(
                "<item><b/><i at='0' n='0'/></item>",
                Place::Element("i"),
                &values
            )
            .unwrap(),
            "<item><b/><i at='2' n='3'/></item>"
        );
        assert_eq!(
            told("<item><n>0</n><b/></item>", Place::Elements, &values).unwrap(),
            "<item><at>2</at><n>3</n><b/></item>"
        );
    }

    #[test]
    fn elements_change_places_and_nothing_is_lost() {
        let xml = "<item><a>1</a> <b><c/></b>\n<d/></item>";
        assert_eq!(turned(xml, 0).unwrap(), xml);
        assert_eq!(
            turned(xml, 4).unwrap(),
            "<item><b><c/></b> <d/>\n<a>1</a></item>"
        );
    }
}
