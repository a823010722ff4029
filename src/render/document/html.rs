//! A saved plan as one page of HTML, to read on a screen or to print.
//!
//! Pure. Whatever a server or a manifest names is escaped.

use std::fmt::Write as _;

use super::{About, NOTES, about};
use crate::model::StepKind;
use crate::plan::{Note, Plan, PlanFile};
use crate::render::layout::{Style, number};
use crate::render::notes::{Said, Told, said};
use crate::render::safe::html::{escape, prose};
use crate::render::text::{Parts, grouped, parts};
use crate::render::words::{Lookup, kind};
use crate::render::{paper, picture};

const STYLE: &str = "\
:root { --add: #116329; --cut: #a40e26; --turn: #7d4e00; }
@media (prefers-color-scheme: dark) { :root { --add: #7ee2a0; --cut: #ff8c94; --turn: #f0c674; } }
body { max-width: 64rem; }
.verdict { margin: 1rem 0; font-weight: 600; }
pre { margin: .6rem 0; padding: .8rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .4rem;
  background: var(--box); font: .85rem/1.45 ui-monospace, 'Cascadia Mono', Consolas, 'Liberation Mono', monospace; }
pre b { display: block; padding-left: calc(1ch * var(--in) + 2ch); text-indent: calc(-1ch * var(--in) - 2ch); font-weight: inherit; }
pre span { white-space: nowrap; }
.add { color: var(--add); }
.cut { color: var(--cut); }
.turn { color: var(--turn); }
table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th, td { padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--dim); font-weight: 600; }
td { overflow-wrap: anywhere; }
td.number { white-space: nowrap; color: var(--dim); }
td p { margin: .1rem 0; color: var(--dim); }
.note { margin: .9rem 0; padding-left: .9rem; border-left: 3px solid var(--line); break-inside: avoid; }
.note.error { border-color: var(--cut); }
.note.warning { border-color: var(--turn); }
.note p { margin: .15rem 0; }
@media print {
  :root { --add: #000; --cut: #000; --turn: #000; }
  pre { border: 0; padding: 0; }
  tr { break-inside: avoid; }
}
";

/// Lines are broken where they are shown, and nowhere else.
const UNBROKEN: usize = 1_000_000;

/// Renders a saved plan; `full` lists everything, however much it is.
#[must_use]
pub fn html(file: &PlanFile, full: bool) -> String {
    let About { platform, rows } = about(file);
    let plan = file.clone().plan();
    let style = Style {
        colour: false,
        width: UNBROKEN,
        full,
    };
    let Parts {
        changes,
        change_ends: _, // all of them are there
        steps: grouped_steps,
        step_ends: _,
        impact,
        verdict,
        blocked,
    } = parts(&plan, &style);
    let title = format!("Plan for {}", escape(&platform));
    let mut page = format!(
        "<h1>{title}</h1>\n<p class=\"verdict\">{}</p>\n",
        escape(&verdict)
    );
    if let Some(blocked) = blocked {
        let _ = writeln!(
            page,
            "<div class=\"blocked\"><strong>Blocked</strong> {}</div>",
            prose(&blocked)
        );
    }
    page.push_str("<dl class=\"about\">\n");
    for (name, value) in rows {
        let value = escape(&value);
        let _ = writeln!(page, "<dt>{name}</dt><dd><code>{value}</code></dd>");
    }
    page.push_str("</dl>\n");
    if !changes.is_empty() {
        section(&mut page, "Changes", &block(&changes, true));
    }
    if !impact.is_empty() {
        section(&mut page, "Impact on clients", &block(&impact, false));
    }
    page.push_str(&picture::pictures(&plan.picture));
    for (title, notes) in grouped(&plan.notes, true) {
        section(&mut page, &title, &listed(&notes, full));
    }
    if !grouped_steps.is_empty() {
        let steps = if full || plan.steps.len() <= TABLED {
            table(&plan)
        } else {
            block(&grouped_steps, false)
        };
        section(&mut page, "Steps", &steps);
    }
    paper::sheet(&title, &format!("{STYLE}{}", picture::STYLE), &page)
}

/// With more steps than this, those that do the same to many subnets are one line.
const TABLED: usize = 200;

fn section(page: &mut String, title: &str, content: &str) {
    let _ = write!(
        page,
        "<section>\n<h2>{}</h2>\n{content}</section>\n",
        escape(title)
    );
}

/// A block of lines; what marks a line is shown in its colour too, if it has one. Each line is an element, so that it
/// can be broken anywhere and go on below its own begin.
fn block(text: &str, colours: bool) -> String {
    let mut block = "<pre>".to_owned();
    for line in text.lines() {
        let words = line.trim_start_matches(' ');
        let class = match words.as_bytes() {
            _ if !colours => "",
            [b'+', b' ', ..] => " class=\"add\"",
            [b'-', b' ', ..] => " class=\"cut\"",
            [b'~', b' ', ..] => " class=\"turn\"",
            _ => "",
        };
        let indent = line.len() - words.len();
        let _ = writeln!(block, "<b{class} style=\"--in:{indent}\">{}", escape(line));
        // The end of the line belongs to it, for whoever copies the block.
        block.push_str("</b>");
    }
    block.push_str("</pre>\n");
    block
}

fn table(plan: &Plan) -> String {
    let lookup = Lookup::new(plan);
    let mut rows = String::new();
    for (position, step) in plan.steps.iter().enumerate() {
        let mut what = escape(&lookup.phrase(step));
        if let Some(path) = lookup.path(step) {
            let _ = write!(
                what,
                "<p>{}: <code>{}</code></p>",
                escape(&path.line()),
                escape(&path.value)
            );
        }
        let after: Vec<String> = step.depends_on.iter().map(|on| number_of(*on)).collect();
        let by_hand = if step.kind() == StepKind::Manual {
            "<strong>console</strong>"
        } else {
            kind(step)
        };
        let _ = writeln!(
            rows,
            "<tr><td class=\"number\">{}</td><td>{by_hand}</td><td>{what}</td><td>{}</td></tr>",
            number(position + 1),
            after.join(", ")
        );
    }
    format!(
        "<table>\n<thead><tr><th>No</th><th>by</th><th>what</th><th>after</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"
    )
}

/// The number of a step, by its position.
fn number_of(position: u32) -> String {
    usize::try_from(position).map_or_else(|_| position.to_string(), |at| number(at + 1))
}

fn listed(notes: &[&Note], full: bool) -> String {
    let shown = if full || notes.len() <= NOTES + 1 {
        notes.len()
    } else {
        NOTES
    };
    let mut list: String = notes.iter().take(shown).map(|note| one(note)).collect();
    if shown < notes.len() {
        let _ = writeln!(list, "<p>and {} more</p>", number(notes.len() - shown));
    }
    list
}

fn one(note: &Note) -> String {
    let Said {
        word,
        id,
        message,
        lines,
    } = said(note);
    let mut item = format!(
        "<div class=\"note {word}\">\n<p><strong>{word}</strong> <code>{}</code>: {}</p>\n",
        escape(id),
        prose(message)
    );
    for (name, words) in lines {
        let words = match &words {
            Told::Ours(words) => prose(words),
            Told::Theirs(_) => escape(&words.plain()),
        };
        let _ = writeln!(item, "<p>{name}: {words}</p>");
    }
    item.push_str("</div>\n");
    item
}
