//! Sources → sources in which one server stands beside, or in the place of, another.
//!
//! Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_saphyr::granit_parser::ScalarStyle;

use super::error::ReplaceError;
use super::layout::{Edit, Layout, edited};
use super::meaning::{bare, beside, without};
use super::places::{Place, Standing, places};
use crate::export::scalar;
use crate::manifest::scan::{Node, Scan, Value};
use crate::manifest::{self, Source};
use crate::model::{Desired, Name, Origin};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Replacement<'a> {
    /// The server that goes.
    pub old: &'a Name,
    /// The server that comes.
    pub new: &'a Name,
    /// The platform of the workspace, where documents are told apart by it.
    pub platform: Option<&'a Name>,
    /// Whether the old one is to be taken out; `None` where the files are to decide: if the new one stands beside it
    /// everywhere.
    pub finish: Option<bool>,
}

/// Which of the two changes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The new server is put beside the old one.
    Beside,
    /// The old one is taken out.
    Finish,
}

/// What the files are to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Which change it is.
    pub phase: Phase,
    /// The files that change: what they hold, and what they are to hold; `None` where nothing is left of one.
    pub files: Vec<(Source, Option<String>)>,
    /// What is declared before.
    pub before: Desired,
    /// What is declared then.
    pub after: Desired,
}

/// One file with the places at which the two servers stand.
struct File<'s> {
    source: &'s Source,
    layout: Layout<'s>,
    old: Vec<Place<'s>>,
    new: Vec<Place<'s>>,
}

/// Replaces a server in sources that are read without a fault.
///
/// Guarantees: pure; the files that come out mean what the old ones mean with the new server beside, or instead of,
/// the old one, and nothing else.
pub fn replace(sources: &[Source], asked: &Replacement<'_>) -> Result<Replaced, ReplaceError> {
    let Replacement {
        old,
        new,
        platform,
        finish,
    } = *asked;
    if old.names_same(new) {
        return Err(ReplaceError::Same {
            old: old.clone(),
            new: new.clone(),
        });
    }
    Name::declared(new.as_str()).map_err(ReplaceError::Name)?;
    let scans: Vec<Scan> = sources
        .iter()
        .map(|source| Scan::of(&source.text).unwrap_or_default())
        .collect();
    let files: Vec<File<'_>> = sources
        .iter()
        .zip(&scans)
        .map(|(source, scan)| {
            let all = places(scan, platform);
            let named = |name: &Name| -> Vec<Place<'_>> {
                let same = |place: &&Place<'_>| place.name.names_same(name);
                all.iter().filter(same).cloned().collect()
            };
            File {
                source,
                layout: Layout {
                    text: &source.text,
                    scan,
                },
                old: named(old),
                new: named(new),
            }
        })
        .collect();
    let missing = look(&files, old, new)?;
    let phase = match finish {
        Some(true) if !missing.is_empty() => {
            return Err(ReplaceError::NotBeside {
                old: old.clone(),
                new: new.clone(),
                places: missing,
            });
        }
        Some(true) => Phase::Finish,
        None if missing.is_empty() => Phase::Finish,
        Some(false) | None => Phase::Beside,
    };
    let mut texts: Vec<Option<String>> = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let edits = match phase {
            Phase::Beside => put_beside(&files, index, new)?,
            Phase::Finish => finish_file(&files, index, new)?,
        };
        let text = edited(&file.source.text, edits).ok_or_else(|| ReplaceError::Unsafe {
            old: old.clone(),
            why: format!("two changes of `{}` overlap", file.source.name),
        })?;
        texts.push(has_document(&text).then_some(text));
    }
    let (before, after) = check(sources, &texts, asked, phase)?;
    let files = sources
        .iter()
        .zip(texts)
        .filter(|(source, text)| text.as_deref() != Some(source.text.as_ref()))
        .map(|(source, text)| (source.clone(), text))
        .collect();
    Ok(Replaced {
        phase,
        files,
        before,
        after,
    })
}

fn has_document(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches('\u{FEFF}').trim();
        !(line.is_empty() || line.starts_with('#') || line == "---" || line == "...")
    })
}

fn origin(file: &File<'_>, node: &Node) -> Origin {
    let before = file.source.text.get(..node.range.start).unwrap_or_default();
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |last| last.chars().count())
        + 1;
    Origin {
        file: Arc::clone(&file.source.name),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

/// Says where the new server is missing beside the old one; fails where the two are not what they should be.
fn look(files: &[File<'_>], old: &Name, new: &Name) -> Result<Vec<Origin>, ReplaceError> {
    one_spelling(old, files.iter().flat_map(|file| &file.old))?;
    one_spelling(new, files.iter().flat_map(|file| &file.new))?;
    let first = files
        .iter()
        .find_map(|file| Some(origin(file, file.new.first()?.node)));
    if files.iter().all(|file| file.old.is_empty()) {
        return Err(ReplaceError::Nowhere {
            old: old.clone(),
            new: first,
        });
    }
    let old_has_document = has_own_document(files, |file| &file.old);
    let new_has_document = has_own_document(files, |file| &file.new);
    let mut busy = Vec::new();
    let mut missing = Vec::new();
    for file in files {
        for place in &file.new {
            let foreign = match &place.site {
                Standing::Listed { .. } => !stands_in(&file.old, place),
                Standing::Document => !old_has_document,
                Standing::Alone => true,
            };
            if foreign {
                busy.push(origin(file, place.node));
            }
        }
        for place in &file.old {
            let lacks = match &place.site {
                Standing::Listed { .. } => !stands_in(&file.new, place),
                Standing::Document => !new_has_document,
                Standing::Alone => false,
            };
            if lacks {
                missing.push(origin(file, place.node));
            }
        }
    }
    if busy.is_empty() {
        Ok(missing)
    } else {
        Err(ReplaceError::Busy {
            new: new.clone(),
            places: busy,
        })
    }
}

/// `DEPLOY01` may stand for `DEPLOY01.corp.example`, but not for two of that name.
fn one_spelling<'s>(
    name: &Name,
    places: impl Iterator<Item = &'s Place<'s>>,
) -> Result<(), ReplaceError> {
    let full: BTreeSet<&Name> = places
        .map(|place| &place.name)
        .filter(|name| name.domain().is_some())
        .collect();
    if full.len() < 2 {
        return Ok(());
    }
    Err(ReplaceError::Ambiguous {
        name: name.clone(),
        found: full.into_iter().cloned().collect(),
    })
}

fn has_own_document<'f, 's: 'f>(
    files: &'f [File<'s>],
    of: impl Fn(&'f File<'s>) -> &'f Vec<Place<'s>>,
) -> bool {
    let mut places = files.iter().flat_map(of);
    places.any(|place| matches!(place.site, Standing::Document))
}

/// Whether one of the places is in the same list.
fn stands_in(places: &[Place<'_>], other: &Place<'_>) -> bool {
    places.iter().any(|place| place.list() == other.list())
}

fn put_beside(files: &[File<'_>], index: usize, new: &Name) -> Result<Vec<Edit>, ReplaceError> {
    let Some(file) = files.get(index) else {
        return Ok(Vec::new());
    };
    let scan = file.layout.scan;
    let has_document = has_own_document(files, |file| &file.new);
    let mut edits = Vec::new();
    for place in &file.old {
        let unfit = || ReplaceError::Unfit {
            place: origin(file, place.node),
        };
        match &place.site {
            Standing::Listed { list, index } if !stands_in(&file.new, place) => {
                let (item, flow) = item(list, *index).ok_or_else(unfit)?;
                let name = spelt(scan, place.node, new, in_flow(scan, place.node));
                let plain = spelt_as(ScalarStyle::Plain, new, true);
                let written = in_words(scan, item, &plain);
                let edit = file
                    .layout
                    .put_beside(item, flow, place.node, &name, &written);
                edits.push(edit.ok_or_else(unfit)?);
            }
            Standing::Document if !has_document => {
                let root = scan.roots.get(place.document).ok_or_else(unfit)?;
                let name = spelt(scan, place.node, new, in_flow(scan, place.node));
                edits.push(file.layout.put_document(root, place.node, &name));
            }
            Standing::Listed { .. } | Standing::Document | Standing::Alone => {}
        }
    }
    Ok(edits)
}

fn finish_file(files: &[File<'_>], index: usize, new: &Name) -> Result<Vec<Edit>, ReplaceError> {
    let Some(file) = files.get(index) else {
        return Ok(Vec::new());
    };
    let scan = file.layout.scan;
    let mut edits = Vec::new();
    let mut renamed: Vec<&Node> = Vec::new();
    for place in &file.old {
        let unfit = || ReplaceError::Unfit {
            place: origin(file, place.node),
        };
        match &place.site {
            Standing::Alone => renamed.push(place.node),
            Standing::Document if twin(files, scan, place).is_some() => {
                renamed.push(place.node);
            }
            Standing::Document => {
                let root = scan.roots.get(place.document).ok_or_else(unfit)?;
                edits.push(file.layout.take_document(root));
            }
            Standing::Listed { list, index } => {
                let (item_old, flow) = item(list, *index).ok_or_else(unfit)?;
                let item_new = (file.new.iter())
                    .filter(|other| other.list() == place.list())
                    .find_map(|other| match &other.site {
                        Standing::Listed { index, .. } => item(list, *index),
                        Standing::Alone | Standing::Document => None,
                    });
                let (item_new, _) = item_new.ok_or_else(unfit)?;
                // The old item with its comments takes the new name, and what was put beside it goes. Where somebody
                // has written more into the new one, that stays instead.
                let goes = if scan.same_but_name(item_old, item_new)
                    && !file.layout.has_comment_of_its_own(item_new, item_old)
                {
                    renamed.push(place.node);
                    item_new
                } else {
                    item_old
                };
                edits.extend(file.layout.take_out(goes, flow).ok_or_else(unfit)?);
            }
        }
    }
    // Documents of the new server, whose twins take its name.
    for place in &file.new {
        if matches!(place.site, Standing::Document)
            && let Some(root) = scan.roots.get(place.document)
            && files.iter().any(|other| {
                (other.old.iter()).any(|old| {
                    matches!(old.site, Standing::Document)
                        && twin(files, other.layout.scan, old)
                            .is_some_and(|twin| std::ptr::eq(twin, root))
                })
            })
        {
            edits.push(file.layout.take_document(root));
        }
    }
    for node in &renamed {
        let own = !matches!(node.value, Value::Alias(_));
        let target = scan.resolve(node);
        // An alias of a name that changes anyway follows it.
        let follows = renamed
            .iter()
            .any(|other| !std::ptr::eq(*other, *node) && other.range == target.range);
        if own || !follows {
            let flow = in_flow(scan, node);
            edits.push(Edit {
                range: trimmed(file, node),
                with: spelt(scan, node, new, flow),
            });
        }
    }
    Ok(edits)
}

/// The new server's document that says the same as the old one's, and nothing in comments.
fn twin<'s>(files: &[File<'s>], scan: &Scan, old: &Place<'_>) -> Option<&'s Node> {
    let said = scan.roots.get(old.document)?;
    for file in files {
        for place in &file.new {
            let root = file.layout.scan.roots.get(place.document)?;
            if matches!(place.site, Standing::Document)
                && specified(scan, said) == specified(file.layout.scan, root)
                && !file.layout.has_comment_inside(root)
            {
                return Some(root);
            }
        }
    }
    None
}

fn specified(scan: &Scan, root: &Node) -> Option<(String, Option<String>)> {
    let platform = scan
        .get(root, "metadata")
        .and_then(|metadata| scan.get(metadata, "platform"));
    Some((
        scan.spelt(scan.get(root, "spec")?),
        platform.map(|platform| scan.spelt(platform)),
    ))
}

fn item(list: &Node, index: usize) -> Option<(&Node, bool)> {
    match &list.value {
        Value::List { flow, items } => Some((items.get(index)?, *flow)),
        Value::Scalar { .. } | Value::Map { .. } | Value::Alias(_) => None,
    }
}

/// Whether a value stands inside brackets, where more characters need quotes.
fn in_flow(scan: &Scan, node: &Node) -> bool {
    fn inside(at: &Node, node: &Node, flow: bool) -> bool {
        if at.range == node.range {
            return flow;
        }
        match &at.value {
            Value::List { flow: own, items } => {
                items.iter().any(|item| inside(item, node, flow || *own))
            }
            Value::Map { flow: own, fields } => {
                (fields.iter()).any(|(_, value)| inside(value, node, flow || *own))
            }
            Value::Scalar { .. } | Value::Alias(_) => false,
        }
    }
    scan.roots.iter().any(|root| inside(root, node, false))
}

fn trimmed(file: &File<'_>, node: &Node) -> std::ops::Range<usize> {
    let text = file.source.text.get(node.range.clone()).unwrap_or_default();
    node.range.start..node.range.start + text.trim_end().len()
}

/// A name, quoted as the one that stands there.
fn spelt(scan: &Scan, node: &Node, name: &Name, flow: bool) -> String {
    let style = match (&node.value, &scan.resolve(node).value) {
        (Value::Scalar { style, .. }, _) => *style,
        _ => ScalarStyle::Plain,
    };
    spelt_as(style, name, flow)
}

fn spelt_as(style: ScalarStyle, name: &Name, flow: bool) -> String {
    let name = name.as_str();
    let single = || format!("'{}'", name.replace('\'', "''"));
    match style {
        ScalarStyle::SingleQuoted => single(),
        ScalarStyle::DoubleQuoted => {
            format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        _ if flow && name.contains([',', '[', ']', '{', '}']) => single(),
        _ => scalar(name),
    }
}

/// A server of a list in other words.
fn in_words(scan: &Scan, item: &Node, name: &str) -> String {
    if let Value::Scalar { .. } = scan.resolve(item).value {
        return name.to_owned();
    }
    match scan.get(item, "roles") {
        None => format!("{{ name: {name} }}"),
        Some(roles) => {
            let roles: Vec<&str> = (scan.items(roles).iter())
                .filter_map(|role| scan.text(role))
                .collect();
            format!("{{ name: {name}, roles: [{}] }}", roles.join(", "))
        }
    }
}

/// Reads the new texts again: they must mean what the change is to make of the old ones.
fn check(
    sources: &[Source],
    texts: &[Option<String>],
    asked: &Replacement<'_>,
    phase: Phase,
) -> Result<(Desired, Desired), ReplaceError> {
    let Replacement {
        old,
        new,
        platform,
        finish: _, // the phase follows from it
    } = *asked;
    let unsafe_because = |why: String| ReplaceError::Unsafe {
        old: old.clone(),
        why,
    };
    let read = |sources: &[Source]| {
        let read = manifest::read(sources);
        match read.diagnostics.first() {
            Some(fault) => Err(unsafe_because(fault.to_string())),
            None => Ok(read.documents),
        }
    };
    let changed: Vec<Source> = sources
        .iter()
        .zip(texts)
        .filter_map(|(source, text)| Some(Source::new(&source.name, text.as_ref()?)))
        .collect();
    let documents = [read(sources)?, read(&changed)?];
    let declared = documents.map(|documents| {
        manifest::desired(&documents, platform).map_err(|faults| {
            unsafe_because(faults.first().map(ToString::to_string).unwrap_or_default())
        })
    });
    let [before, after] = declared;
    let (before, after) = (before?, after?);
    let meant = bare(before.clone(), old, new);
    let meant = match phase {
        Phase::Beside => beside(meant, old, new),
        Phase::Finish => without(meant, old, new),
    };
    let found = bare(after.clone(), old, new);
    if meant == found {
        return Ok((before, after));
    }
    Err(unsafe_because(differing(&meant, &found)))
}

/// Names the first thing that is not as it has to be.
fn differing(meant: &Desired, found: &Desired) -> String {
    fn first<K: Ord + std::fmt::Display, V: PartialEq>(
        meant: &BTreeMap<K, V>,
        found: &BTreeMap<K, V>,
    ) -> Option<String> {
        meant
            .keys()
            .chain(found.keys())
            .find(|key| meant.get(*key) != found.get(*key))
            .map(ToString::to_string)
    }
    if let Some(site) = first(&meant.sites, &found.sites) {
        format!("site `{site}` would become another one")
    } else if let Some(server) = first(&meant.servers, &found.servers) {
        format!("the roles of `{server}` would become others")
    } else if let Some(package) = first(&meant.packages, &found.packages) {
        format!("package `{package}` would go elsewhere")
    } else {
        "settings of the platform would become others".into()
    }
}
