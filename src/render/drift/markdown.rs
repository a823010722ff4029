//! Drift as Markdown, for a ticket, a pull request, a chat.
//!
//! Pure. Whatever a server names stands in blocks and code spans, where nothing of it means anything.

use std::fmt::Write as _;

use super::{About, sign, told, verdict};
use crate::drift::{Change, Drift, Flapping, Standing};
use crate::render::layout::clean;
use crate::render::safe::markdown::{code, fence, prose};

/// Renders drift.
#[must_use]
pub fn markdown(drift: &Drift, about: &About<'_>) -> String {
    let Drift {
        since: _, // said by the verdict
        changes,
        hidden: _, // for people at a terminal
        pending,
        flapping,
        unseen,
        impact: _, // that of the plan that undoes it
    } = drift;
    let mut page = format!(
        "## Drift of {}\n\n**{}**\n",
        code(about.server),
        prose(&verdict(drift))
    );
    for (title, standing, acknowledged) in [
        ("Declared otherwise", Standing::Undo, Some(false)),
        ("Not declared", Standing::Undeclared, Some(false)),
        (
            "Acknowledged: declared otherwise",
            Standing::Undo,
            Some(true),
        ),
        (
            "Acknowledged: not declared",
            Standing::Undeclared,
            Some(true),
        ),
        ("Declared so by now", Standing::Agreed, None),
    ] {
        let of: Vec<&Change> = (changes.iter())
            .filter(|change| {
                change.standing == standing
                    && acknowledged.is_none_or(|yes| change.acknowledged.is_some() == yes)
            })
            .collect();
        if !of.is_empty() {
            let lines: String = of.iter().map(|change| line(change)).collect();
            let fence = fence(&lines);
            let lines = lines.trim_end_matches('\n');
            let _ = write!(page, "\n### {title}\n\n{fence}diff\n{lines}\n{fence}\n");
        }
    }
    if !flapping.is_empty() {
        page.push_str("\n### Coming back whatever we do\n\n");
        for one in flapping {
            let Flapping {
                key,
                seen,
                undone,
                cause,
                new: _, // for those who tell it once
            } = one;
            let cause = cause.as_deref().unwrap_or("unknown");
            let _ = writeln!(
                page,
                "- {}: seen {seen} times, taken back {undone} times; possible cause: {}",
                code(key),
                prose(cause)
            );
        }
    }
    if !unseen.is_empty() {
        page.push_str("\n### Not compared\n\n");
        for what in unseen {
            let _ = writeln!(page, "- {}", prose(what));
        }
    }
    if !pending.is_empty() {
        let _ = write!(
            page,
            "\n{} declared and not applied: see the plan.\n",
            match pending.len() {
                1 => "1 object is".to_owned(),
                n => format!("{n} objects are"),
            }
        );
    }
    page
}

fn line(change: &Change) -> String {
    let mark = match sign(change) {
        // What changes is coloured in a `diff` block by this sign.
        "~" => "!",
        other => other,
    };
    let cause = change
        .cause
        .as_ref()
        .map_or_else(String::new, |cause| format!("  (possible cause: {cause})"));
    let word = change
        .acknowledged
        .as_ref()
        .map_or_else(String::new, |word| {
            format!("  (until {} by {}: {})", word.until, word.by, word.reason)
        });
    clean(&format!(
        "{mark} {} {}: {}{cause}{word}",
        change.kind,
        change.name,
        told(change)
    )) + "\n"
}
