//! A saved plan as Markdown that a pull request can carry.
//!
//! Pure. What changes stands in a `diff` block, which is coloured where it is shown; what only some readers want is
//! folded. Whatever a server or a manifest names stands in blocks and code spans, where nothing of it means anything.

use std::fmt::Write as _;

use super::{About, NOTES, WIDTH, about};
use crate::plan::{Allowance, Note, PlanFile, Severity, Standing};
use crate::render::layout::{Style, number};
use crate::render::safe::markdown::{block, code, prose, said};
use crate::render::text::{Parts, grouped, parts};

/// Renders a saved plan; `full` lists everything, however much it is.
#[must_use]
pub fn markdown(file: &PlanFile, full: bool) -> String {
    let About { platform, rows } = about(file);
    let plan = file.clone().plan();
    let style = Style {
        colour: false,
        width: WIDTH,
        full,
    };
    let Parts {
        changes,
        steps,
        impact,
        verdict,
        blocked,
    } = parts(&plan, &style);
    let mut page = format!(
        "## Plan for {}\n\n**{}**\n",
        code(&platform),
        prose(&verdict)
    );
    if let Some(blocked) = blocked {
        let _ = write!(page, "\n> **Blocked** {}\n", said(&blocked));
    }
    if !changes.is_empty() {
        let _ = write!(
            page,
            "\n### Changes\n\n{}",
            block("diff", &coloured(&changes))
        );
    }
    if !impact.is_empty() {
        let _ = write!(
            page,
            "\n### Impact on clients\n\n{}",
            block("text", &impact)
        );
    }
    for (title, notes) in grouped(&plan.notes, true) {
        let needs_reading = notes
            .iter()
            .any(|note| note.standing != Standing::Existing && note.severity != Severity::Info);
        let list = listed(&notes, full);
        if needs_reading {
            let _ = write!(page, "\n### {title}\n\n{list}");
        } else {
            page.push_str(&folded(&title, &list));
        }
    }
    if !steps.is_empty() {
        let title = format!("Steps ({})", number(plan.steps.len()));
        page.push_str(&folded(&title, &block("text", &steps)));
    }
    page.push_str("\n| | |\n|---|---|\n");
    for (name, value) in rows {
        let _ = writeln!(page, "| {name} | {} |", code(&value).replace('|', "\\|"));
    }
    page
}

/// Something that is shown once a reader asks for it.
fn folded(title: &str, content: &str) -> String {
    format!("\n<details>\n<summary>{title}</summary>\n\n{content}\n</details>\n")
}

/// The marks of a change at the begin of its line, where a `diff` block looks for them; `!` is what it knows for `~`.
fn coloured(changes: &str) -> String {
    let mut out = String::with_capacity(changes.len());
    for line in changes.lines() {
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let mark = ["+ ", "- ", "~ "]
            .into_iter()
            .find(|mark| text.starts_with(mark))
            .map_or(' ', |mark| match mark {
                "+ " => '+',
                "- " => '-',
                _ => '!',
            });
        let rest = if mark == ' ' {
            text
        } else {
            text.get(2..).unwrap_or_default()
        };
        let line = format!("{mark} {:indent$}{rest}", "");
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn listed(notes: &[&Note], full: bool) -> String {
    let shown = if full || notes.len() <= NOTES + 1 {
        notes.len()
    } else {
        NOTES
    };
    let mut list: String = notes.iter().take(shown).map(|note| one(note)).collect();
    if shown < notes.len() {
        let _ = writeln!(list, "- and {} more", number(notes.len() - shown));
    }
    list
}

fn one(note: &Note) -> String {
    let Note {
        severity,
        standing: _, // the group says it
        id,
        message,
        remedy,
        sources,
        places,
        allowed,
    } = note;
    let word = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let mut item = format!("- **{word}** {}: {}\n", code(id), said(message));
    if let Some(Allowance { reason, place }) = allowed {
        let _ = writeln!(
            item,
            "  - allowed: {} at {}",
            code(reason),
            code(&place.to_string())
        );
    }
    if !remedy.is_empty() {
        let _ = writeln!(item, "  - remedy: {}", said(remedy));
    }
    if !places.is_empty() {
        let places: Vec<String> = places
            .iter()
            .map(|place| code(&place.to_string()))
            .collect();
        let _ = writeln!(item, "  - at: {}", places.join(", "));
    }
    if !sources.is_empty() {
        let _ = writeln!(item, "  - source: {}", prose(&sources.join(", ")));
    }
    item
}
