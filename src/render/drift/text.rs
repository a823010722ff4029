//! Drift as text for people.
//!
//! Pure.

use super::{About, sign, told, verdict};
use crate::drift::{Change, Drift, Flapping, Lapsed, Standing};
use crate::model::Acknowledgement;
use crate::plan::{Field, ObjectChange};
use crate::render::layout::{Page, Paint, Style, argument};
use crate::render::text::write_impact;

/// Renders drift.
#[must_use]
pub fn text(drift: &Drift, about: &About<'_>, style: &Style) -> String {
    let Drift {
        since,
        changes,
        hidden,
        pending,
        flapping,
        unseen,
        impact,
    } = drift;
    let About {
        platform: _, // the server says it
        server,
        tool_version: _, // for programs
    } = about;
    let mut page = Page::new(style);
    let of = |standing: Standing, acknowledged: bool| -> Vec<&Change> {
        let all = changes.iter();
        all.filter(|change| {
            change.standing == standing
                && (standing == Standing::Agreed || change.acknowledged.is_some() == acknowledged)
        })
        .collect()
    };
    section(
        &mut page,
        &format!("Changed on {server}, and declared otherwise"),
        &of(Standing::Undo, false),
    );
    section(
        &mut page,
        &format!("Changed on {server}, and not declared"),
        &of(Standing::Undeclared, false),
    );
    let mut fine = of(Standing::Undo, true);
    fine.extend(of(Standing::Undeclared, true));
    section(&mut page, "Acknowledged", &fine);
    section(
        &mut page,
        &format!("Changed on {server}, and declared so by now"),
        &of(Standing::Agreed, false),
    );
    if !flapping.is_empty() {
        page.heading("Coming back whatever we do");
        for one in flapping {
            flaps(&mut page, one);
        }
    }
    if !pending.is_empty() {
        page.heading(if since.is_some() {
            "Declared since, and not applied"
        } else {
            "Different from what is declared"
        });
        for object in pending {
            waiting(&mut page, object);
        }
    }
    if !unseen.is_empty() {
        page.heading("Not compared");
        for what in unseen {
            page.item(2, Paint::Warning, "?", what, 4);
        }
    }
    if changes
        .iter()
        .any(|change| change.standing != Standing::Agreed)
    {
        write_impact(&mut page, impact);
    }
    if *hidden > 0 {
        page.gap();
        let what = if *hidden == 1 {
            "change touches"
        } else {
            "changes touch"
        };
        page.para(
            0,
            &format!("{hidden} more {what} nothing that is declared; --all shows them."),
        );
    }
    page.gap();
    page.para(0, &verdict(drift));
    page.finish()
}

/// Differences of one sort, object by object.
fn section(page: &mut Page, title: &str, changes: &[&Change]) {
    if changes.is_empty() {
        return;
    }
    page.heading(title);
    let mut last = None;
    for change in changes {
        let object = (&change.kind, &change.name);
        if last != Some(object) {
            let place = change
                .place
                .as_ref()
                .map_or_else(String::new, |place| format!(" ({place})"));
            let name = if change.kind == "PlatformSettings" {
                "DS and core settings".to_owned()
            } else {
                change.name.clone()
            };
            page.item(
                0,
                Paint::Changed,
                "~",
                &format!("{} {name}{place}", change.kind),
                2,
            );
            last = Some(object);
        }
        one(page, change);
    }
}

fn one(page: &mut Page, change: &Change) {
    let mark = sign(change);
    let paint = match mark {
        "+" => Paint::Added,
        "-" => Paint::Removed,
        _ => Paint::Changed,
    };
    page.item(4, paint, mark, &told(change), 8);
    page.item(6, Paint::Plain, "key:", &argument(&change.key), 8);
    if let Some(by) = &change.by {
        page.item(6, Paint::Plain, "by:", by, 8);
    }
    if let Some(cause) = &change.cause {
        page.item(6, Paint::Plain, "possible cause:", cause, 8);
    }
    if let Some(word) = &change.acknowledged {
        let Acknowledgement {
            value: _, // what is there
            until,
            reason,
            by,
            at: _, // of no use once the day is known
        } = word;
        let said = format!("until {until} by {by}: {reason}");
        page.item(6, Paint::Plain, "acknowledged:", &said, 8);
    }
    if let Some(Lapsed { word, expired }) = &change.lapsed {
        let why = if *expired {
            format!("expired, it counted until {}", word.until)
        } else {
            let value = word.value.as_deref().unwrap_or("nothing");
            format!("it was given for `{value}`, which is not there any more")
        };
        let said = format!("{why} ({}: {})", word.by, word.reason);
        page.item(6, Paint::Warning, "no longer acknowledged:", &said, 8);
    }
}

fn flaps(page: &mut Page, one: &Flapping) {
    let Flapping {
        key,
        seen,
        undone,
        cause,
        new: _, // for those who tell it once
    } = one;
    let told = format!("{key}: seen {seen} times, taken back {undone} times");
    page.item(0, Paint::Warning, "!", &told, 2);
    let cause = cause
        .as_deref()
        .unwrap_or("unknown; somebody or something sets it again");
    page.item(4, Paint::Plain, "possible cause:", cause, 6);
}

fn waiting(page: &mut Page, object: &ObjectChange) {
    let ObjectChange {
        kind,
        name,
        change: _, // the fields say it
        fields,
        note: _,  // for the plan
        holds: _, // likewise
        place,
    } = object;
    let place = place
        .as_ref()
        .map_or_else(String::new, |place| format!(" ({place})"));
    page.item(0, Paint::Plain, "~", &format!("{kind} {name}{place}"), 2);
    for field in fields {
        let Field {
            name,
            before,
            after,
        } = field;
        let told = match (before, after) {
            (Some(before), Some(after)) => format!("{name}: {before} -> {after}"),
            (None, Some(value)) => format!("+ {name}: {value}"),
            (Some(value), None) => format!("- {name}: {value}"),
            (None, None) => name.clone(),
        };
        page.item(4, Paint::Plain, "", &told, 6);
    }
}
