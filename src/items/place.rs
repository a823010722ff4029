//! Where two exports differ: for people, and as a path of the profile.
//!
//! Pure. A place is exact, by position where nothing else tells; a path of the profile has no positions, so that some
//! places have none.

use std::fmt;

use roxmltree::{Attribute, Node};

use super::Difference;
use crate::model::Guid;
use crate::profile::{ItemPath, is_name};

/// One element on the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    name: String,
    /// The attribute that identifies it, and its value.
    key: Option<(String, String)>,
    /// Its number among its like, from 1, where nothing identifies it.
    nth: usize,
}

impl Step {
    pub(super) fn nth(name: &str, nth: usize) -> Self {
        Self {
            name: name.to_owned(),
            key: None,
            nth,
        }
    }

    pub(super) fn keyed(name: &str, key: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            key: Some((key.to_owned(), value.to_owned())),
            nth: 1,
        }
    }
}

/// What of an element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// An attribute.
    Attribute(String),
    /// Its text.
    Text,
    /// Itself, with all in it.
    Element,
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    steps: Vec<Step>,
    leaf: Leaf,
}

impl Place {
    pub(super) fn root(name: &str) -> Self {
        Self {
            steps: vec![Step::nth(name, 1)],
            leaf: Leaf::Element,
        }
    }

    pub(super) fn below(&self, step: Step) -> Self {
        let mut place = self.clone();
        place.steps.push(step);
        place
    }

    pub(super) fn with(mut self, leaf: Leaf) -> Self {
        self.leaf = leaf;
        self
    }

    /// What of the element it is.
    #[must_use]
    pub fn leaf(&self) -> &Leaf {
        &self.leaf
    }

    /// Whether `path` leads here, conditions aside.
    #[must_use]
    pub fn is_at(&self, path: &ItemPath) -> bool {
        self.anywhere().eq_ignore_ascii_case(&path.anywhere())
    }

    /// The place as a path that says nothing of which element of a list; `None` where a name cannot stand in one.
    #[must_use]
    pub fn pattern(&self) -> Option<ItemPath> {
        self.anywhere().parse().ok()
    }

    fn anywhere(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            text.push('/');
            text.push_str(&step.name);
        }
        if let Leaf::Attribute(name) = &self.leaf {
            text.push_str("/@");
            text.push_str(name);
        }
        text
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Step { name, key, nth } in &self.steps {
            write!(f, "/{name}")?;
            match key {
                // The text, which is no attribute.
                Some((key, value)) if key == "." => write!(f, "[.='{value}']")?,
                Some((key, value)) => write!(f, "[@{key}='{value}']")?,
                None if *nth > 1 => write!(f, "[{nth}]")?,
                None => {}
            }
        }
        match &self.leaf {
            Leaf::Attribute(name) => write!(f, "/@{name}"),
            Leaf::Text | Leaf::Element => Ok(()),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = |value: &Option<String>| match value {
            None => "nothing".to_owned(),
            Some(value) => {
                let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
                let short: String = line.chars().take(120).collect();
                let more = if short == line { "" } else { "…" };
                format!("`{short}{more}`")
            }
        };
        let (before, after) = (value(&self.before), value(&self.after));
        write!(f, "{}: {before} -> {after}", self.place)
    }
}

/// Why no path leads to an element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unaddressed {
    /// A name holds characters that a path cannot.
    #[error("`{0}` cannot stand in a path")]
    Name(String),
    /// Nothing tells it from its like.
    #[error("nothing tells this `{0}` from the others of its name")]
    Alike(String),
}

/// The path to an element, or to one of its attributes.
///
/// `site`: the site whose own value it is, where other sites have theirs in the same item. What identifies it by that
/// site's GUID becomes `{site}`.
pub fn path_to(
    element: Node<'_, '_>,
    attribute: Option<&str>,
    site: Option<Guid>,
) -> Result<ItemPath, Unaddressed> {
    let mut steps = Vec::new();
    for node in element.ancestors().filter(Node::is_element) {
        let name = node.tag_name().name();
        if !is_name(name) {
            return Err(Unaddressed::Name(name.to_owned()));
        }
        // The value that is looked for says nothing of where it stands.
        let except = attribute.filter(|_| node == element);
        steps.push(match condition(node, except, site)? {
            Some((key, value)) => format!("/{name}[@{key}={value}]"),
            None => format!("/{name}"),
        });
    }
    steps.reverse();
    let mut text = steps.concat();
    if let Some(attribute) = attribute {
        text.push_str("/@");
        text.push_str(attribute);
    }
    text.parse()
        .map_err(|_| Unaddressed::Name(attribute.unwrap_or_default().to_owned()))
}

/// What tells an element from its like: an attribute and its value in quotes.
fn condition(
    node: Node<'_, '_>,
    except: Option<&str>,
    site: Option<Guid>,
) -> Result<Option<(String, String)>, Unaddressed> {
    let usable = |attribute: &Attribute<'_, '_>| {
        is_name(attribute.name()) && except.is_none_or(|name| name != attribute.name())
    };
    if let Some(site) = site
        && let Some(attribute) = node
            .attributes()
            .filter(usable)
            .find(|attribute| attribute.value().trim().parse() == Ok(site))
    {
        return Ok(Some((attribute.name().to_owned(), "'{site}'".to_owned())));
    }
    let name = node.tag_name().name();
    let alike: Vec<Node<'_, '_>> = node
        .parent()
        .into_iter()
        .flat_map(|parent| parent.children())
        .filter(|other| {
            other.is_element()
                && *other != node
                && other.tag_name().name().eq_ignore_ascii_case(name)
        })
        .collect();
    if alike.is_empty() {
        return Ok(None);
    }
    let tells = |attribute: &Attribute<'_, '_>| {
        let value = attribute.value().trim().to_lowercase();
        alike.iter().all(|other| {
            other
                .attributes()
                .filter(|theirs| theirs.name().eq_ignore_ascii_case(attribute.name()))
                .all(|theirs| theirs.value().trim().to_lowercase() != value)
        })
    };
    node.attributes()
        .filter(usable)
        .filter(tells)
        .find_map(|attribute| {
            let value = attribute.value().trim();
            let quote = ['\'', '"']
                .into_iter()
                .find(|quote| !value.contains(*quote))?;
            // `{site}` in a value would be taken for a place for a site.
            (!value.contains("{site}")).then(|| {
                (
                    attribute.name().to_owned(),
                    format!("{quote}{value}{quote}"),
                )
            })
        })
        .map(Some)
        .ok_or_else(|| Unaddressed::Alike(name.to_owned()))
}
