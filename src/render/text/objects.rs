//! What changes, object by object: `+` created, `~` changed, `-` deleted, with every field before and after.
//!
//! Pure. Adopted and released objects are said in words, since nothing about them changes on the server.

use std::collections::BTreeMap;

use similar::{ChangeTag, TextDiff};

use super::impact::amount;
use crate::model::Subnet;
use crate::plan::{Changed, Field, NOT_READABLE, ObjectChange};
use crate::render::layout::{Page, Paint, clean, number};

/// A plan with more objects than this is told in groups.
pub(super) const HUGE: usize = 200;
/// Groups up to this size are listed one by one all the same.
const SMALL: usize = 3;
/// Unchanged lines that are shown around a changed one.
const CONTEXT: usize = 2;

/// Writes all objects.
pub(super) fn write(page: &mut Page, changes: &[ObjectChange]) {
    marked(page, changes);
}

/// The same; says where each object, or group of them, ends, and how many it stands for.
pub(super) fn marked(page: &mut Page, changes: &[ObjectChange]) -> Vec<(usize, usize)> {
    let mut ends = Vec::new();
    let mut groups = BTreeMap::new();
    if changes.len() > HUGE && !page.full() {
        groups = group(changes);
        groups.retain(|_, members: &mut Vec<&ObjectChange>| members.len() > SMALL);
    }
    let mut told = false;
    for change in changes {
        if change.kind == "Subnet" && !told {
            told = true;
            for (key, members) in &groups {
                many(page, key, members);
                ends.push((page.length(), members.len()));
            }
        }
        if key_of(change).is_some_and(|key| groups.contains_key(&key)) {
            continue;
        }
        one(page, change);
        ends.push((page.length(), 1));
    }
    ends
}

/// What happens to a subnet, without the subnet.
type Key<'a> = (Changed, Option<&'a str>, Option<&'a str>, Option<&'a str>);

fn key_of(change: &ObjectChange) -> Option<Key<'_>> {
    let ObjectChange {
        kind,
        name: _, // what differs within a group
        change,
        fields,
        note,
        holds: _, // of sites only
        place: _, // what differs within a group
    } = change;
    if kind != "Subnet" {
        return None;
    }
    match fields.as_slice() {
        [] => Some((*change, None, None, note.as_deref())),
        [
            Field {
                name,
                before,
                after,
            },
        ] if name == "site" => Some((
            *change,
            before.as_deref(),
            after.as_deref(),
            note.as_deref(),
        )),
        _ => None,
    }
}

fn group(changes: &[ObjectChange]) -> BTreeMap<Key<'_>, Vec<&ObjectChange>> {
    let mut groups: BTreeMap<Key<'_>, Vec<&ObjectChange>> = BTreeMap::new();
    for change in changes {
        if let Some(key) = key_of(change) {
            groups.entry(key).or_default().push(change);
        }
    }
    groups
}

fn many(page: &mut Page, key: &Key<'_>, members: &[&ObjectChange]) {
    let (change, before, after, note) = *key;
    let (from, to) = (before.unwrap_or("no site"), after.unwrap_or("no site"));
    let what = match (change, before, after) {
        (Changed::Create, _, _) => format!("to create in `{to}`"),
        (Changed::Delete, _, _) => format!("to delete from `{from}`"),
        (Changed::Adopt, _, _) => "adopted".to_owned(),
        (Changed::Release, _, _) => "released".to_owned(),
        (Changed::Update, Some("no site") | None, _) => format!("to assign to `{to}`"),
        (Changed::Update, _, Some("no site") | None) => format!("to take out of `{from}`"),
        (Changed::Update, _, _) => format!("to move from `{from}` to `{to}`"),
    };
    // By network, not by name: 10.0.10.0 comes after 10.0.9.0.
    let order = |member: &&&ObjectChange| (member.name.parse::<Subnet>().ok(), member.name.clone());
    let ends = members
        .iter()
        .min_by_key(order)
        .zip(members.iter().max_by_key(order));
    let range = ends.map_or_else(String::new, |(first, last)| {
        format!(" ({} … {})", first.name, last.name)
    });
    let (sign, paint) = sign(change);
    page.item(
        0,
        paint,
        sign,
        &format!("{} subnets {what}{range}", number(members.len())),
        4,
    );
    said(page, change, note);
}

fn sign(change: Changed) -> (&'static str, Paint) {
    match change {
        Changed::Create => ("+", Paint::Added),
        Changed::Update => ("~", Paint::Changed),
        Changed::Delete => ("-", Paint::Removed),
        Changed::Adopt | Changed::Release => (" ", Paint::Plain),
    }
}

/// The note of an object whose line does not hold it already.
fn said(page: &mut Page, change: Changed, note: Option<&str>) {
    if let Some(note) = note
        && !matches!(change, Changed::Adopt | Changed::Release)
    {
        page.para(4, note);
    }
}

fn one(page: &mut Page, object: &ObjectChange) {
    let ObjectChange {
        kind,
        name,
        change,
        fields,
        note,
        holds,
        place,
    } = object;
    let (sign, paint) = sign(*change);
    let place = place
        .as_ref()
        .map_or_else(String::new, |place| format!(" ({place})"));
    let state = match (change, note) {
        (Changed::Adopt, Some(note)) => words("adopted", note),
        (Changed::Release, Some(note)) => words("released", note),
        (Changed::Adopt | Changed::Release, None) => ", in our state only".to_owned(),
        (Changed::Create | Changed::Update | Changed::Delete, _) => String::new(),
    };
    page.item(0, paint, sign, &format!("{kind} {name}{state}{place}"), 4);
    said(page, *change, note.as_deref());
    if let Some(extent) = holds {
        page.para(4, &format!("in it: {}", amount(extent)));
    }
    let mut rest = fields.as_slice();
    while let Some(field) = rest.first() {
        let same = if matches!(field.name.as_str(), "servers" | "roles") {
            rest.iter()
                .take_while(|other| other.name == field.name)
                .count()
        } else {
            1
        };
        let (these, others) = rest.split_at(same);
        rest = others;
        match field.name.as_str() {
            "servers" | "roles" => list(page, &field.name, these),
            // The line of the object says it.
            "name" if *change == Changed::Delete => {}
            _ => single(page, field, *change),
        }
    }
}

/// ` adopted: it exists …`, whether or not the note begins with the word.
fn words(word: &str, note: &str) -> String {
    if note.starts_with(word) {
        format!(" {note}")
    } else {
        format!(" {word}: {note}")
    }
}

/// A list, item by item.
fn list(page: &mut Page, name: &str, fields: &[Field]) {
    let gains = fields.iter().any(|field| field.after.is_some());
    let loses = fields.iter().any(|field| field.after.is_none());
    let (sign, paint) = match (gains, loses) {
        (true, false) => ("+", Paint::Added),
        (false, true) => ("-", Paint::Removed),
        _ => ("~", Paint::Changed),
    };
    page.item(4, paint, sign, &format!("{name}:"), 6);
    for field in fields {
        let Field {
            name: _, // above
            before,
            after,
        } = field;
        match (before, after) {
            (before, Some(after)) => {
                let doubt = match before.as_deref() {
                    Some(NOT_READABLE) => " (what is there now is not readable)".to_owned(),
                    Some(before) => format!(" (before: {before})"),
                    None => String::new(),
                };
                page.item(8, Paint::Added, "+", &format!("{after}{doubt}"), 12);
            }
            (Some(before), None) => page.item(8, Paint::Removed, "-", before, 12),
            (None, None) => {}
        }
    }
}

fn single(page: &mut Page, field: &Field, change: Changed) {
    let Field {
        name,
        before,
        after,
    } = field;
    // What comes into being has no before, readable or not.
    let before = before.as_ref().filter(|_| change != Changed::Create);
    let after = after.as_ref();
    let quoted = name == "description";
    let show = |value: &str| shown(value, quoted);
    let multiline = |value: Option<&String>| value.is_some_and(|v| v.contains('\n'));
    if multiline(before) || multiline(after) {
        lines(page, field);
        return;
    }
    match (before, after) {
        (Some(before), Some(after)) => {
            let (before, after) = (show(before), show(after));
            let line = format!("{name}: {before} -> {after}");
            if page.fits(6, &line) {
                page.item(4, Paint::Changed, "~", &line, 8);
            } else {
                page.item(4, Paint::Changed, "~", &format!("{name}:"), 8);
                page.item(8, Paint::Removed, "-", &before, 10);
                page.item(8, Paint::Added, "+", &after, 10);
            }
        }
        (None, Some(after)) => {
            let text = format!("{name}: {}", show(after));
            page.item(4, Paint::Added, "+", &text, 8);
        }
        (Some(before), None) => {
            let text = format!("{name}: {}", show(before));
            page.item(4, Paint::Removed, "-", &text, 8);
        }
        (None, None) => {}
    }
}

/// A value on one line; in quotation marks where they show what would be unseen.
fn shown(value: &str, quoted: bool) -> String {
    if quoted || value.is_empty() || value.trim() != value {
        format!("\"{}\"", clean(value).replace('"', "\\\""))
    } else {
        value.to_owned()
    }
}

/// A value of several lines, as a line diff.
fn lines(page: &mut Page, field: &Field) {
    let Field {
        name,
        before,
        after,
    } = field;
    let (sign, paint) = match (before, after) {
        (None, _) => ("+", Paint::Added),
        (_, None) => ("-", Paint::Removed),
        _ => ("~", Paint::Changed),
    };
    page.item(4, paint, sign, &format!("{name}:"), 8);
    let before = before.as_deref().unwrap_or_default();
    let after = after.as_deref().unwrap_or_default();
    let diff = TextDiff::from_lines(before, after);
    for (position, hunk) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if position > 0 {
            page.para(8, "…");
        }
        for change in hunk.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, paint) = match change.tag() {
                ChangeTag::Delete => ("-", Paint::Removed),
                ChangeTag::Insert => ("+", Paint::Added),
                ChangeTag::Equal => (" ", Paint::Plain),
            };
            let line = change.value();
            let bare = line.strip_suffix('\n').unwrap_or(line);
            // Two lines that differ in their ends only would look the same.
            let differs = before.ends_with('\n') != after.ends_with('\n');
            let end = if bare == line && differs && change.tag() != ChangeTag::Equal {
                " (no line end)"
            } else {
                ""
            };
            let returns = if bare.ends_with('\r') && before.contains('\r') != after.contains('\r') {
                " (carriage return)"
            } else {
                ""
            };
            let blanks = if bare.ends_with([' ', '\t']) && change.tag() != ChangeTag::Equal {
                " (blanks at the end)"
            } else {
                ""
            };
            let text = format!("{}{blanks}{returns}{end}", bare.trim_end());
            page.item(8, paint, sign, &text, 12);
        }
    }
}
