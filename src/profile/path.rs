//! The path language of settings: `/a/b[@guid='{site}']/@c` over item XML.
//!
//! Pure. Elements and attributes are named by local name; values in conditions are compared without regard to case
//! and, where both sides are GUIDs, to braces. A path may match several times.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::Guid;

/// What stands for the GUID of the site in question.
const SITE: &str = "{site}";

/// One element on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Element {
    name: String,
    condition: Option<(String, String)>,
}

/// A parsed path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPath {
    elements: Vec<Element>,
    attribute: Option<String>,
    text: String,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a path such as `/a/b[@guid='{{site}}']/@c`, found `{text}`: {reason}")]
pub struct PathError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What a path leads to in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matches {
    /// The values found, trimmed, in the order of the document.
    pub(crate) values: Vec<String>,
    /// Whether everything up to the last step was there: then no value means that none is set.
    pub(crate) parent: bool,
}

/// The elements that a path leads to in one document.
#[derive(Debug)]
pub(crate) struct Spots<'a, 'input> {
    /// Those of the step before the last element.
    pub(crate) parents: Vec<roxmltree::Node<'a, 'input>>,
    /// Those of the last element, which bear the attribute where the path ends in one.
    pub(crate) elements: Vec<roxmltree::Node<'a, 'input>>,
}

/// Splits `text` at the first `/` outside quotes.
fn split_step(text: &str) -> (&str, Option<&str>) {
    let mut quoted = None;
    for (position, c) in text.char_indices() {
        match quoted {
            Some(quote) if c == quote => quoted = None,
            None if c == '\'' || c == '"' => quoted = Some(c),
            None if c == '/' => return (&text[..position], Some(&text[position + 1..])),
            _ => {}
        }
    }
    (text, None)
}

/// Whether a path can name an element or an attribute so.
pub(crate) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|c| c.is_alphabetic() || c == '_')
        && characters.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn element(step: &str) -> Result<Element, &'static str> {
    let Some((name, condition)) = step.split_once('[') else {
        return if is_name(step) {
            Ok(Element {
                name: step.into(),
                condition: None,
            })
        } else {
            Err("a step is not the local name of an element")
        };
    };
    if !is_name(name) {
        return Err("a step is not the local name of an element");
    }
    let condition = condition
        .strip_suffix(']')
        .ok_or("a condition does not end with `]`")?;
    let (attribute, value) = condition
        .strip_prefix('@')
        .and_then(|condition| condition.split_once('='))
        .ok_or("a condition is not `@name='value'`")?;
    let attribute = attribute.trim();
    if !is_name(attribute) {
        return Err("a condition does not name an attribute");
    }
    let value = value.trim();
    let bare = ['\'', '"'].into_iter().find_map(|quote| {
        value
            .strip_prefix(quote)
            .and_then(|value| value.strip_suffix(quote))
            .filter(|value| !value.contains(quote))
    });
    Ok(Element {
        name: name.into(),
        condition: Some((
            attribute.into(),
            bare.ok_or("the value of a condition is not in quotes")?
                .into(),
        )),
    })
}

impl FromStr for ItemPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let wrong = |reason| PathError {
            text: text.chars().take(200).collect(),
            reason,
        };
        let mut rest = text
            .trim()
            .strip_prefix('/')
            .ok_or_else(|| wrong("it does not begin with `/`"))?;
        let mut elements = Vec::new();
        loop {
            let (step, more) = split_step(rest);
            if let Some(attribute) = step.strip_prefix('@') {
                if more.is_some() {
                    return Err(wrong("an attribute is not the last step"));
                }
                if !is_name(attribute) {
                    return Err(wrong("the last step does not name an attribute"));
                }
                if elements.is_empty() {
                    return Err(wrong("an attribute stands without an element"));
                }
                return Ok(Self {
                    elements,
                    attribute: Some(attribute.into()),
                    text: text.trim().into(),
                });
            }
            elements.push(element(step).map_err(wrong)?);
            match more {
                Some(more) => rest = more,
                None => {
                    return Ok(Self {
                        elements,
                        attribute: None,
                        text: text.trim().into(),
                    });
                }
            }
        }
    }
}

fn same(found: &str, wanted: &str) -> bool {
    let (found, wanted) = (found.trim(), wanted.trim());
    if let (Ok(found), Ok(wanted)) = (found.parse::<Guid>(), wanted.parse::<Guid>()) {
        return found == wanted;
    }
    found.to_lowercase() == wanted.to_lowercase()
}

fn attribute<'a, 'input>(
    node: roxmltree::Node<'a, 'input>,
    name: &str,
) -> Option<roxmltree::Attribute<'a, 'input>> {
    node.attributes()
        .find(|attribute| attribute.name().eq_ignore_ascii_case(name))
}

impl Element {
    fn matches(&self, node: roxmltree::Node<'_, '_>, site: Option<Guid>) -> bool {
        if !node.is_element() || !node.tag_name().name().eq_ignore_ascii_case(&self.name) {
            return false;
        }
        let Some((name, value)) = &self.condition else {
            return true;
        };
        let value = match site {
            Some(site) => value.replace(SITE, &site.to_string()),
            None => value.clone(),
        };
        attribute(node, name).is_some_and(|found| same(found.value(), &value))
    }
}

impl ItemPath {
    /// Whether the path stands for a different place for every site.
    #[must_use]
    pub fn names_site(&self) -> bool {
        self.elements.iter().any(|element| {
            element
                .condition
                .as_ref()
                .is_some_and(|(_, value)| value.contains(SITE))
        })
    }

    /// Finds the values at this path.
    pub(crate) fn find(&self, document: &roxmltree::Document<'_>, site: Option<Guid>) -> Matches {
        let Spots { parents, elements } = self.spots(document, site);
        let value = |node: &roxmltree::Node<'_, '_>| match &self.attribute {
            Some(name) => attribute(*node, name).map(|value| value.value().trim().to_owned()),
            None => Some(text_of(*node).trim().to_owned()),
        };
        Matches {
            values: elements.iter().filter_map(value).collect(),
            parent: match self.attribute {
                Some(_) => !elements.is_empty(),
                // The root itself has no parent that could stand for "not set".
                None => parents.iter().any(roxmltree::Node::is_element),
            },
        }
    }

    /// The elements that the path leads to, and those of the step before.
    pub(crate) fn spots<'a, 'input>(
        &self,
        document: &'a roxmltree::Document<'input>,
        site: Option<Guid>,
    ) -> Spots<'a, 'input> {
        let mut spots = Spots {
            parents: Vec::new(),
            elements: vec![document.root()],
        };
        for element in &self.elements {
            let next = spots
                .elements
                .iter()
                .flat_map(roxmltree::Node::children)
                .filter(|node| element.matches(*node, site))
                .collect();
            spots.parents = std::mem::replace(&mut spots.elements, next);
        }
        spots
    }

    /// The attribute that the path ends in.
    pub(crate) fn last_attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }

    /// The attribute of an element that the path leads to.
    pub(crate) fn attribute_of<'a, 'input>(
        &self,
        node: roxmltree::Node<'a, 'input>,
    ) -> Option<roxmltree::Attribute<'a, 'input>> {
        attribute(node, self.attribute.as_deref()?)
    }

    /// The path without its conditions: wherever in a list something of its kind stands.
    pub(crate) fn anywhere(&self) -> String {
        let mut text = String::new();
        for element in &self.elements {
            text.push('/');
            text.push_str(&element.name);
        }
        if let Some(attribute) = &self.attribute {
            text.push_str("/@");
            text.push_str(attribute);
        }
        text
    }
}

/// The text of an element and of all in it.
pub(crate) fn text_of(node: roxmltree::Node<'_, '_>) -> String {
    node.descendants()
        .filter(roxmltree::Node::is_text)
        .filter_map(|text| text.text())
        .collect()
}

impl fmt::Display for ItemPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl Serialize for ItemPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for ItemPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const XML: &str = r#"<x:item xmlns:x="urn:x"><x:siteSettings constrained=" True "/>
        <sites><site guid="{8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B11}"><on>1</on></site>
        <site guid="8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b12" a="x/y"><on><![CDATA[0]]></on></site></sites>
        <step package="a"/><step package="b"/><settings><other/></settings></x:item>"#;

    fn check(path: &str, site: Option<&str>, values: &[&str], parent: bool) {
        let document = roxmltree::Document::parse(XML).unwrap();
        let path: ItemPath = path.parse().unwrap();
        let found = path.find(&document, site.map(|site| site.parse().unwrap()));
        assert_eq!(found.values, values, "{path}");
        assert_eq!(found.parent, parent, "{path}");
    }

    #[test]
    fn finds_values() {
        check("/item/siteSettings/@constrained", None, &["True"], true);
        check("/ITEM/sitesettings/@Constrained", None, &["True"], true);
        check("/item/step/@package", None, &["a", "b"], true);
        check(
            "/item/sites/site[@guid='{site}']/on",
            Some("8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11"),
            &["1"],
            true,
        );
        check(
            "/item/sites/site[@guid='{site}']/on",
            Some("{8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B12}"),
            &["0"],
            true,
        );
        check(
            "/item/sites/site[@guid='{site}']/on",
            Some("00000000-0000-0000-0000-000000000001"),
            &[],
            false,
        );
        check("/item/sites/site[@a=\"X/Y\"]/on", None, &["0"], true);
        check("/item/settings/defaultTarget", None, &[], true);
        check("/item/elsewhere/defaultTarget", None, &[], false);
        check("/item/settings/@defaultTarget", None, &[], true);
        check("/wrong", None, &[], false);
    }

    #[test]
    fn refuses_what_is_no_path() {
        for (text, reason) in [
            ("", "begin with"),
            ("item", "begin with"),
            ("/", "local name"),
            ("//item", "local name"),
            ("/@a", "without an element"),
            ("/a/@b/c", "last step"),
            ("/a[b='c']", "condition"),
            ("/a[@b=c]", "quotes"),
            ("/a[@b='c'", "`]`"),
            ("/a[1]", "condition"),
            ("/x:a", "local name"),
            ("/a/@", "attribute"),
        ] {
            let error = text.parse::<ItemPath>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
