//! Two exports of one item → where they differ.
//!
//! Pure. Elements are paired by name; several of one name by what identifies them (a GUID, a name), else by their
//! order. The order of attributes, prefixes, comments and white space between elements is no difference.

use std::collections::BTreeSet;

use roxmltree::{Document, Node, NodeId};

use super::place::{Leaf, Place, Step};
use super::text::{ItemXmlError, parse};
use crate::model::Guid;

/// One place where two documents differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub place: Place,
    /// What stands there in the first; `None`: nothing.
    pub before: Option<String>,
    /// What stands there in the second.
    pub after: Option<String>,
    /// The element in the first document that the place belongs to.
    pub(crate) first: Option<NodeId>,
    /// The one in the second.
    pub(crate) second: Option<NodeId>,
}

/// Says where two exports differ.
///
/// # Errors
/// Where one of them is no XML.
pub fn differences(before: &str, after: &str) -> Result<Vec<Difference>, ItemXmlError> {
    let (first, second) = (parse(before)?, parse(after)?);
    Ok(compare(&first, &second))
}

/// The same of documents that are parsed already.
#[must_use]
pub fn compare(before: &Document<'_>, after: &Document<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let (first, second) = (before.root_element(), after.root_element());
    let root = |node: Node<'_, '_>| Place::root(node.tag_name().name());
    if same_name(first, second) {
        elements(first, second, &root(first), &mut found);
    } else {
        found.push(removed(first, root(first)));
        found.push(inserted(second, root(second)));
    }
    found
}

fn same_name(one: Node<'_, '_>, other: Node<'_, '_>) -> bool {
    one.tag_name() == other.tag_name()
}

/// The text of an element itself, without that of its elements.
fn own_text(node: Node<'_, '_>) -> String {
    let text: String = node
        .children()
        .filter(Node::is_text)
        .filter_map(|text| text.text())
        .collect();
    text.trim().to_owned()
}

fn source(node: Node<'_, '_>) -> String {
    node.document().input_text()[node.range()].to_owned()
}

/// What an element that stands in one of the documents only counts as: a value, or itself.
fn whole(node: Node<'_, '_>) -> (Leaf, String) {
    let plain = node.attributes().len() == 0 && !node.children().any(|child| child.is_element());
    if plain {
        (Leaf::Text, own_text(node))
    } else {
        (Leaf::Element, source(node))
    }
}

fn inserted(node: Node<'_, '_>, place: Place) -> Difference {
    let (leaf, text) = whole(node);
    Difference {
        place: place.with(leaf),
        before: None,
        after: Some(text),
        first: None,
        second: Some(node.id()),
    }
}

fn removed(node: Node<'_, '_>, place: Place) -> Difference {
    let (leaf, text) = whole(node);
    Difference {
        place: place.with(leaf),
        before: Some(text),
        after: None,
        first: Some(node.id()),
        second: None,
    }
}

fn elements(first: Node<'_, '_>, second: Node<'_, '_>, place: &Place, found: &mut Vec<Difference>) {
    let mut note = |leaf: Leaf, before: Option<&str>, after: Option<&str>| {
        if before.map(str::trim) != after.map(str::trim) {
            found.push(Difference {
                place: place.clone().with(leaf),
                before: before.map(ToOwned::to_owned),
                after: after.map(ToOwned::to_owned),
                first: Some(first.id()),
                second: Some(second.id()),
            });
        }
    };
    let key = |attribute: roxmltree::Attribute<'_, '_>| {
        (
            attribute.namespace().unwrap_or_default().to_owned(),
            attribute.name().to_owned(),
        )
    };
    let names: BTreeSet<(String, String)> = first
        .attributes()
        .chain(second.attributes())
        .map(key)
        .collect();
    for (namespace, name) in names {
        let value = |node: Node<'_, '_>| {
            node.attributes()
                .find(|a| a.name() == name && a.namespace().unwrap_or_default() == namespace)
                .map(|attribute| attribute.value().to_owned())
        };
        let (before, after) = (value(first), value(second));
        note(
            Leaf::Attribute(name.clone()),
            before.as_deref(),
            after.as_deref(),
        );
    }
    note(Leaf::Text, Some(&own_text(first)), Some(&own_text(second)));
    let mut seen: Vec<Node<'_, '_>> = Vec::new();
    for child in first.children().chain(second.children()) {
        if child.is_element() && !seen.iter().any(|other| same_name(*other, child)) {
            seen.push(child);
            lists(&named(first, child), &named(second, child), place, found);
        }
    }
}

/// The elements in `node` that are called like another one.
fn named<'a, 'input>(node: Node<'a, 'input>, like: Node<'_, '_>) -> Vec<Node<'a, 'input>> {
    node.children()
        .filter(|child| child.is_element() && same_name(*child, like))
        .collect()
}

/// Compares the elements of one name below one element.
fn lists(
    first: &[Node<'_, '_>],
    second: &[Node<'_, '_>],
    place: &Place,
    found: &mut Vec<Difference>,
) {
    let Some(name) = first
        .first()
        .or(second.first())
        .map(|node| node.tag_name().name().to_owned())
    else {
        return;
    };
    let key = identifying(first, second);
    let (paired, gone, new) = pairs(first, second, key.as_deref());
    let nth = |position: usize| Step::nth(&name, position + 1);
    let step = |node: Node<'_, '_>, position: usize| match &key {
        Some(key) => Step::keyed(&name, key, value_of(node, key).unwrap_or_default()),
        None => nth(position),
    };
    for (position, one, other) in paired {
        // An element whose identity changed is told by its position.
        let same = key
            .as_deref()
            .is_none_or(|key| identity(one, key) == identity(other, key));
        let step = if same {
            step(one, position)
        } else {
            nth(position)
        };
        elements(one, other, &place.below(step), found);
    }
    for position in gone {
        let node = first[position];
        found.push(removed(node, place.below(step(node, position))));
    }
    for position in new {
        let node = second[position];
        found.push(inserted(node, place.below(step(node, position))));
    }
}

type Pairs<'a, 'b, 'i, 'j> = (
    Vec<(usize, Node<'a, 'i>, Node<'b, 'j>)>,
    Vec<usize>,
    Vec<usize>,
);

/// Which element of the first list is which of the second; those that stand in one list only.
fn pairs<'a, 'b, 'i, 'j>(
    first: &[Node<'a, 'i>],
    second: &[Node<'b, 'j>],
    key: Option<&str>,
) -> Pairs<'a, 'b, 'i, 'j> {
    let mut paired = Vec::new();
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    if let Some(key) = key {
        let ids: Vec<String> = second.iter().map(|node| identity(*node, key)).collect();
        let mut taken = BTreeSet::new();
        for (position, node) in first.iter().enumerate() {
            match ids.iter().position(|id| *id == identity(*node, key)) {
                Some(other) => {
                    taken.insert(other);
                    paired.push((position, *node, second[other]));
                }
                None => gone.push(position),
            }
        }
        new.extend((0..second.len()).filter(|other| !taken.contains(other)));
        // One that became another in its place is a change of what identifies it.
        if first.len() == second.len() && gone.len() == 1 && gone == new {
            let position = gone[0];
            paired.push((position, first[position], second[position]));
            return (paired, Vec::new(), Vec::new());
        }
        return (paired, gone, new);
    }
    // Without identities, what is alike at both ends stays where it is.
    let alike = |one: Node<'_, '_>, other: Node<'_, '_>| {
        let mut differing = Vec::new();
        elements(one, other, &Place::root(""), &mut differing);
        differing.is_empty()
    };
    let shortest = first.len().min(second.len());
    let mut tail = 0;
    if first.len() != second.len() {
        let head = (0..shortest)
            .take_while(|at| alike(first[*at], second[*at]))
            .count();
        tail = (0..shortest - head)
            .take_while(|at| alike(first[first.len() - 1 - at], second[second.len() - 1 - at]))
            .count();
    }
    let middle = shortest - tail;
    for at in 0..middle {
        paired.push((at, first[at], second[at]));
    }
    gone.extend(middle..first.len() - tail);
    new.extend(middle..second.len() - tail);
    for at in 0..tail {
        let position = first.len() - 1 - at;
        paired.push((position, first[position], second[second.len() - 1 - at]));
    }
    (paired, gone, new)
}

/// What identifies an element where it is the text that does.
const TEXT: &str = ".";

fn value_of<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    if name == TEXT {
        return node.text().map(str::trim);
    }
    node.attributes()
        .find(|attribute| attribute.name() == name)
        .map(|attribute| attribute.value())
}

/// The value that identifies an element; GUIDs in one form.
fn identity(node: Node<'_, '_>, key: &str) -> String {
    let value = value_of(node, key).unwrap_or_default().trim();
    value
        .parse::<Guid>()
        .map_or_else(|_| value.to_owned(), |guid| guid.to_string())
}

/// Names of attributes that identify an element by custom, where no GUID does.
const IDENTIFYING: [&str; 4] = ["guid", "id", "name", "key"];

/// The attribute that tells the elements of both lists apart: all have it, and no two the same.
fn identifying(first: &[Node<'_, '_>], second: &[Node<'_, '_>]) -> Option<String> {
    let any = first.first().or(second.first())?;
    let tells = |name: &str| {
        let apart = |list: &[Node<'_, '_>]| {
            let ids: BTreeSet<String> = list.iter().map(|node| identity(*node, name)).collect();
            ids.len() == list.len() && list.iter().all(|node| value_of(*node, name).is_some())
        };
        apart(first) && apart(second)
    };
    let guids = |name: &str| {
        let guid = |node: &Node<'_, '_>| {
            value_of(*node, name).is_some_and(|value| value.parse::<Guid>().is_ok())
        };
        first.iter().all(guid) && second.iter().all(guid)
    };
    let names: Vec<&str> = any.attributes().map(|attribute| attribute.name()).collect();
    let by_custom = IDENTIFYING
        .into_iter()
        .filter_map(|wanted| names.iter().find(|name| name.eq_ignore_ascii_case(wanted)));
    names
        .iter()
        .filter(|name| guids(name))
        .chain(by_custom)
        .chain(Some(&TEXT).filter(|name| guids(name)))
        .find(|name| tells(name))
        .map(|name| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const A: &str = "8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11";
    const B: &str = "{8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B12}";

    fn said(before: &str, after: &str) -> Vec<String> {
        let found = differences(before, after).unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    fn places(before: &str, after: &str) -> BTreeSet<Place> {
        let found = differences(before, after).unwrap();
        found.into_iter().map(|found| found.place).collect()
    }

    fn check(before: &str, after: &str, expected: &[&str]) {
        assert_eq!(said(before, after), expected);
        // The other way round, it is the same places.
        assert_eq!(places(after, before), places(before, after));
        assert_eq!(said(before, before), [""; 0]);
    }

    #[test]
    fn spelling_is_no_difference() {
        check(
            "<x:a xmlns:x='u' b='1' c='2'><x:d> t </x:d><!-- c --></x:a>",
            "\u{feff}<?xml version='1.0' encoding='utf-16'?>\r\n<y:a c=\"2\" b='&#49;' xmlns:y='u'>\n<y:d><![CDATA[t]]></y:d></y:a>",
            &[],
        );
    }

    #[test]
    fn values_and_elements_are_told() {
        check("<a b='1'/>", "<a b='2'/>", &["/a/@b: `1` -> `2`"]);
        check("<a/>", "<a b='2'/>", &["/a/@b: nothing -> `2`"]);
        check("<a><b>1</b></a>", "<a><b>2</b></a>", &["/a/b: `1` -> `2`"]);
        check("<a><b/></a>", "<a><b>2</b></a>", &["/a/b: `` -> `2`"]);
        check("<a></a>", "<a><b>2</b></a>", &["/a/b: nothing -> `2`"]);
        check(
            "<a><c/></a>",
            "<a><c/><b e='1'><d/></b></a>",
            &["/a/b: nothing -> `<b e='1'><d/></b>`"],
        );
        check("<a/>", "<b/>", &["/a: `` -> nothing", "/b: nothing -> ``"]);
    }

    #[test]
    fn lists_are_paired_by_what_identifies_their_elements() {
        let list = |on: [&str; 2]| {
            let [first, second] = on;
            format!("<a><s g='{A}' on='{first}'/><s g='{B}' on='{second}'/></a>")
        };
        check(
            &list(["0", "0"]),
            &list(["0", "1"]),
            &[&format!("/a/s[@g='{B}']/@on: `0` -> `1`")],
        );
        check(
            &format!("<a><s g='{A}'/></a>"),
            &format!("<a><s g='{B}'/><s g='{A}'/></a>"),
            &[&format!("/a/s[@g='{B}']: nothing -> `<s g='{B}'/>`")],
        );
        // What identifies it is what changed.
        check(
            &format!("<a><s g='{A}'/></a>"),
            &format!("<a><s g='{B}'/></a>"),
            &[&format!("/a/s/@g: `{A}` -> `{B}`")],
        );
        // The same place, whether one stands there or two.
        assert!(
            places(
                &format!("<a><s g='{A}' v='1'/></a>"),
                &format!("<a><s g='{A}' v='2'/><s g='{B}' v='2'/></a>"),
            )
            .is_superset(&places(
                &format!("<a><s g='{A}' v='1'/></a>"),
                &format!("<a><s g='{A}' v='2'/></a>"),
            ))
        );
    }

    #[test]
    fn guids_identify_as_text_too() {
        check(
            &format!("<a><s>{A}</s><s>{B}</s></a>"),
            &format!("<a><s>{B}</s><s>{A}</s></a>"),
            &[],
        );
        let c = "00000000-0000-0000-0000-0000000000c1";
        check(
            &format!("<a><s>{A}</s><s>{B}</s></a>"),
            &format!("<a><s>{c}</s><s>{B}</s></a>"),
            &[&format!("/a/s: `{A}` -> `{c}`")],
        );
    }

    #[test]
    fn lists_without_identities_keep_their_order() {
        check(
            "<a><s>1</s><s>2</s></a>",
            "<a><s>1</s><s>3</s></a>",
            &["/a/s[2]: `2` -> `3`"],
        );
        check(
            "<a><s>1</s><s>2</s></a>",
            "<a><s>1</s><s>9</s><s>2</s></a>",
            &["/a/s[2]: nothing -> `9`"],
        );
    }

    #[test]
    fn what_is_no_xml_is_refused() {
        for text in ["", "x", "<a>", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"] {
            assert!(differences("<a/>", text).is_err(), "{text}");
        }
    }
}
