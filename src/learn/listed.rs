//! A GUID that was added to a list → the path of that list.
//!
//! Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use roxmltree::{Document, Node};

use super::conclude::{Candidate, LearnError, read};
use crate::items::Leaf;
use crate::model::Guid;
use crate::profile::{ItemPath, is_name, text_of};

/// Where a GUID stands: in an attribute of an element, or as its text.
type Spot<'a, 'input> = (Node<'a, 'input>, Option<String>);

/// The path of the list that `member` was added to.
///
/// `known`: what may be in the list, where that is known. Where other GUIDs stand at the same path, a condition that
/// keeps them out is looked for.
pub(super) fn list(
    one: &Candidate<'_>,
    member: Guid,
    known: &BTreeSet<Guid>,
) -> Result<ItemPath, LearnError> {
    let [_, before, after, ..] = one.item.looks[..] else {
        return Err(LearnError::Unseen);
    };
    let (before, after) = (read(one.item, before)?, read(one.item, after)?);
    let node = one.difference.second.and_then(|id| after.get_node(id));
    let spots = node.map_or_else(Vec::new, |node| match one.difference.place.leaf() {
        Leaf::Attribute(name) => vec![(node, Some(name.clone()))],
        Leaf::Text => vec![(node, None)],
        Leaf::Element => spots(node, member),
    });
    let [(node, attribute)] = spots.as_slice() else {
        return Err(one.unfit(format!("it does not hold `{member}` in one place")));
    };
    let fits = |path: &ItemPath| fits(path, [&before, &after], member, known);
    let steps: Vec<Node<'_, '_>> = {
        let mut steps: Vec<_> = node.ancestors().filter(Node::is_element).collect();
        steps.reverse();
        steps
    };
    if steps.iter().any(|step| !is_name(step.tag_name().name())) {
        return Err(one.unfit("a name in it cannot stand in a path"));
    }
    let plain = spell(&steps, None, attribute.as_deref());
    if let Some(path) = plain.filter(&fits) {
        return Ok(path);
    }
    // Something else stands there as well: what its elements have that the others lack keeps it out.
    for (position, step) in steps.iter().enumerate().rev() {
        for condition in step.attributes() {
            let value = condition.value().trim();
            let usable = is_name(condition.name())
                && !value.contains(['\'', '{'])
                && value.parse::<Guid>().is_err();
            let condition = (position, condition.name(), value);
            if usable
                && let Some(path) = spell(&steps, Some(condition), attribute.as_deref())
                && fits(&path)
            {
                return Ok(path);
            }
        }
    }
    Err(one.unfit("other things than what was to be learned stand at the same path"))
}

/// Where a GUID stands in an element and in all that is in it.
fn spots<'a, 'input>(node: Node<'a, 'input>, member: Guid) -> Vec<Spot<'a, 'input>> {
    let mut found = Vec::new();
    for inner in node.descendants().filter(Node::is_element) {
        for attribute in inner.attributes() {
            if attribute.value().trim().parse() == Ok(member) {
                found.push((inner, Some(attribute.name().to_owned())));
            }
        }
        let plain = !inner.children().any(|child| child.is_element());
        if plain && text_of(inner).trim().parse() == Ok(member) {
            found.push((inner, None));
        }
    }
    found
}

fn spell(
    steps: &[Node<'_, '_>],
    condition: Option<(usize, &str, &str)>,
    attribute: Option<&str>,
) -> Option<ItemPath> {
    let mut text = String::new();
    for (position, step) in steps.iter().enumerate() {
        text.push('/');
        text.push_str(step.tag_name().name());
        if let Some((at, name, value)) = condition
            && at == position
        {
            // Writing to a string cannot fail.
            let _ = write!(text, "[@{name}='{value}']");
        }
    }
    if let Some(attribute) = attribute {
        text.push_str("/@");
        text.push_str(attribute);
    }
    text.parse().ok()
}

/// Whether a path leads to a list of GUIDs that the member came into, and to nothing that is known to be no member.
fn fits(
    path: &ItemPath,
    [before, after]: [&Document<'_>; 2],
    member: Guid,
    known: &BTreeSet<Guid>,
) -> bool {
    let values = |document: &Document<'_>| -> Option<BTreeSet<Guid>> {
        let found = path.find(document, None).values;
        found
            .iter()
            .filter(|value| !value.is_empty())
            .map(|value| value.parse().ok())
            .collect()
    };
    let (Some(before), Some(after)) = (values(before), values(after)) else {
        return false;
    };
    let may =
        |guid: &Guid| known.is_empty() || *guid == member || known.contains(guid) || guid.is_nil();
    !before.contains(&member) && after.contains(&member) && before.iter().chain(&after).all(may)
}
