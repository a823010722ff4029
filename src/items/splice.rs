//! One value of an item's XML changed, and every other byte kept.
//!
//! Pure. The value is found by the path of the profile and replaced where it stands; the document is never written anew.
//! What stands nowhere is inserted only as the profile says that the console does it.

use std::ops::Range;

use roxmltree::{Document, Node};

use super::text::{ItemXmlError, Tags, escape, offset, parse, qualified, tags, value_range};
use crate::model::Guid;
use crate::profile::{ItemPath, Setting, Spelling, Spots};

/// What is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A text.
    Text(String),
    /// A GUID, spelled as the document spells the one that it replaces.
    Guid(Guid),
    /// Nothing: the attribute or the element is taken away.
    Nothing,
}

/// Why a value cannot be changed. Part of code `SW0330`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// It is no XML.
    #[error(transparent)]
    Xml(#[from] ItemXmlError),
    /// The profile does not say where.
    #[error("the server profile does not say where in the item's XML it stands")]
    NoPath,
    /// The path leads to several places.
    #[error("`{path}` leads to {found} places in the item's XML, expected one")]
    Several {
        /// The path.
        path: String,
        /// How many.
        found: usize,
    },
    /// Nothing stands there, and the profile does not say what to insert.
    #[error(
        "`{path}` leads to nothing in the item's XML, and the server profile does not say what to insert"
    )]
    Nowhere {
        /// The path.
        path: String,
    },
    /// What stands there is more than a value.
    #[error("`{path}` leads to an element that holds more than text")]
    Mixed {
        /// The path.
        path: String,
    },
    /// It is not known how this server spells GUIDs.
    #[error("nothing tells how this server spells a GUID at `{path}`")]
    Spelling {
        /// The path.
        path: String,
    },
    /// The value holds a control character, or what would be written is not what would be read.
    #[error("`{path}` cannot hold the value")]
    Value {
        /// The path.
        path: String,
    },
}

/// What to cut out and what to put there; ranges count from the beginning of the document.
struct Edit {
    range: Range<usize>,
    text: String,
}

/// Gives the XML with one value changed; `xml` must be the very string that was exported.
///
/// # Guarantees
/// Bytes outside the value are kept. What comes out, read by the same path, is what was wanted.
///
/// # Errors
/// [`SpliceError`] where the place is not exactly one, or holds more than a value.
pub fn splice(
    xml: &str,
    setting: &Setting,
    site: Option<Guid>,
    wanted: &Wanted,
) -> Result<String, SpliceError> {
    let Some(path) = &setting.path else {
        return Err(SpliceError::NoPath);
    };
    let document = parse(xml)?;
    let spots = path.spots(&document, site);
    let edit = match path.last_attribute() {
        Some(name) => of_attribute(&document, path, name, &spots, setting, wanted)?,
        None => of_element(&document, path, &spots, setting, site, wanted)?,
    };
    let Some(Edit { range, text }) = edit else {
        return Ok(xml.to_owned());
    };
    let lead = offset(xml);
    let mut changed = String::with_capacity(xml.len() + text.len());
    changed.push_str(&xml[..lead + range.start]);
    changed.push_str(&text);
    changed.push_str(&xml[lead + range.end..]);
    let values = path.find(&parse(&changed)?, site).values;
    let right = match wanted {
        Wanted::Text(text) => values == [text.trim()],
        Wanted::Guid(guid) => values.len() == 1 && values[0].parse() == Ok(*guid),
        Wanted::Nothing => values.is_empty(),
    };
    if right {
        Ok(changed)
    } else {
        Err(SpliceError::Value {
            path: path.to_string(),
        })
    }
}

/// The text of what is wanted; `found` is what it replaces.
fn spelled(
    path: &ItemPath,
    setting: &Setting,
    found: &str,
    wanted: &Wanted,
) -> Result<Option<String>, SpliceError> {
    let text = match wanted {
        Wanted::Nothing => return Ok(None),
        Wanted::Text(text) => text.clone(),
        Wanted::Guid(guid) => Spelling::of(found)
            .or(setting.spelling)
            .map(|spelling| spelling.spell(*guid))
            .ok_or_else(|| SpliceError::Spelling {
                path: path.to_string(),
            })?,
    };
    escape(&text).map(Some).ok_or_else(|| SpliceError::Value {
        path: path.to_string(),
    })
}

fn one<'a, 'input>(
    path: &ItemPath,
    nodes: &[Node<'a, 'input>],
) -> Result<Option<Node<'a, 'input>>, SpliceError> {
    match nodes {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        several => Err(SpliceError::Several {
            path: path.to_string(),
            found: several.len(),
        }),
    }
}

fn of_attribute(
    document: &Document<'_>,
    path: &ItemPath,
    name: &str,
    spots: &Spots<'_, '_>,
    setting: &Setting,
    wanted: &Wanted,
) -> Result<Option<Edit>, SpliceError> {
    let text = document.input_text();
    let bearers: Vec<Node<'_, '_>> = spots
        .elements
        .iter()
        .copied()
        .filter(|node| path.attribute_of(*node).is_some())
        .collect();
    if let Some(bearer) = one(path, &bearers)?
        && let Some(attribute) = path.attribute_of(bearer)
    {
        return Ok(Some(
            match spelled(path, setting, attribute.value(), wanted)? {
                Some(value) => Edit {
                    range: value_range(text, attribute).0,
                    text: value,
                },
                None => Edit {
                    range: with_space_before(text, attribute.range()),
                    text: String::new(),
                },
            },
        ));
    }
    // An attribute is what its path says, so that nothing has to be learned to insert it.
    let bearer = one(path, &spots.elements)?;
    match (bearer, spelled(path, setting, "", wanted)?) {
        (_, None) => Ok(None),
        (Some(bearer), Some(value)) if setting.off.is_none() => {
            let at = match tags(text, bearer) {
                Tags::Empty { slash } => slash,
                Tags::Open { content } => content.start.saturating_sub(1),
            };
            let at = text[..at].trim_end().len();
            Ok(Some(Edit {
                range: at..at,
                text: format!(" {name}=\"{value}\""),
            }))
        }
        _ => Err(SpliceError::Nowhere {
            path: path.to_string(),
        }),
    }
}

/// An attribute and the white space that parts it from what stands before.
fn with_space_before(text: &str, range: Range<usize>) -> Range<usize> {
    text[..range.start].trim_end().len()..range.end
}

fn of_element(
    document: &Document<'_>,
    path: &ItemPath,
    spots: &Spots<'_, '_>,
    setting: &Setting,
    site: Option<Guid>,
    wanted: &Wanted,
) -> Result<Option<Edit>, SpliceError> {
    let text = document.input_text();
    if let Some(element) = one(path, &spots.elements)? {
        if element.children().any(|child| !child.is_text()) {
            return Err(SpliceError::Mixed {
                path: path.to_string(),
            });
        }
        let found = element.text().unwrap_or_default();
        let Some(value) = spelled(path, setting, found, wanted)? else {
            return Ok(Some(Edit {
                range: element.range(),
                text: String::new(),
            }));
        };
        return Ok(Some(match tags(text, element) {
            Tags::Open { content } => Edit {
                range: trimmed(text, content),
                text: value,
            },
            Tags::Empty { slash } => Edit {
                range: slash..element.range().end,
                text: format!(">{value}</{}>", qualified(text, element)),
            },
        }));
    }
    if *wanted == Wanted::Nothing {
        return Ok(None);
    }
    let nowhere = || SpliceError::Nowhere {
        path: path.to_string(),
    };
    let (Some(parent), Some(insert), None) =
        (one(path, &spots.parents)?, &setting.insert, &setting.off)
    else {
        return Err(nowhere());
    };
    let mut element = insert.clone();
    if element.contains("{site}") {
        let spelling = setting.spelling.unwrap_or(Spelling::Lower);
        let site = site.ok_or_else(nowhere)?;
        element = element.replace("{site}", &spelling.spell(site));
    }
    Ok(Some(match tags(text, parent) {
        // Behind the last element, so that the indentation of the end tag stays what it is.
        Tags::Open { content } => {
            let last = parent.children().rfind(Node::is_element);
            let at = last.map_or(content.start, |last| last.range().end);
            Edit {
                range: at..at,
                text: element,
            }
        }
        Tags::Empty { slash } => Edit {
            range: slash..parent.range().end,
            text: format!(">{element}</{}>", qualified(text, parent)),
        },
    }))
}

/// The range without the white space at its ends.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let content = &text[range.clone()];
    let inner = content.trim();
    if inner.is_empty() {
        return range.start..range.start;
    }
    let start = range.start + (content.len() - content.trim_start().len());
    start..start + inner.len()
}
