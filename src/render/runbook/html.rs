//! A runbook as one page of HTML, to be ticked off on a screen or printed.
//!
//! Pure. The page needs nothing from anywhere: no script, no font, no picture, and it forbids itself to fetch any.
//! Whatever a server or a manifest names is escaped.

use std::fmt::Write as _;

use super::text::LISTED;
use super::{Group, Line, Runbook, Task, closing, introduction};
use crate::render::console::ConsolePath;
use crate::render::layout::{and, attest, count, number};
use crate::render::paper;
use crate::render::safe::html::{escape, prose};

const STYLE: &str = "\
.program { color: var(--dim); margin: .75rem 0; padding: .1rem 0 .1rem .9rem; border-left: 3px solid var(--line); }
.program p { margin: 0; }
.program ul { margin: .2rem 0 0; padding-left: 1.1rem; }
.task { margin: .9rem 0; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .4rem; background: var(--box);
  break-inside: avoid; }
.task label { display: flex; gap: .65rem; align-items: baseline; font-weight: 600; overflow-wrap: anywhere; }
.task input { flex: none; width: 1.05rem; height: 1.05rem; translate: 0 .15rem; }
.task .path { margin: .5rem 0; }
.task b { font-weight: 600; }
.sign { display: flex; gap: 1.5rem; margin-top: .9rem; color: var(--dim); }
.sign span { flex: 1; border-bottom: 1px solid var(--dim); }
.sign span + span { flex: .5; }
@media print { .program { break-inside: avoid; } }
";

/// Renders a runbook.
#[must_use]
pub fn html(runbook: &Runbook) -> String {
    let Runbook {
        platform,
        serial,
        tool_version,
        written,
        blocked,
        creates: _, // in the introduction
        groups,
    } = runbook;
    let platform = escape(platform);
    let mut page = format!(
        "<h1>Runbook for {platform}</h1>\n\
         <p class=\"about\">Of the plan on serial {serial} of the state, by sitewright {}; written {}.</p>\n",
        escape(tool_version),
        escape(written)
    );
    if !blocked.is_empty() {
        page.push_str(
            "<div class=\"blocked\"><strong>Blocked:</strong> do none of this before the plan is free of these errors.\n<ul>\n",
        );
        for reason in blocked {
            let _ = writeln!(page, "<li>{}</li>", prose(reason));
        }
        page.push_str("</ul></div>\n");
    }
    if groups.is_empty() {
        page.push_str("<p>Nothing is left to a person.</p>\n");
    } else {
        let _ = writeln!(
            page,
            "<p>{} in {}.</p>",
            count(runbook.tasks(), "console step"),
            count(groups.len(), "group")
        );
        for said in introduction(runbook) {
            let _ = writeln!(page, "<p>{}</p>", prose(&said));
        }
    }
    for (index, one) in groups.iter().enumerate() {
        page.push_str(&group(index + 1, one));
    }
    paper::sheet(&format!("Runbook for {platform}"), STYLE, &page)
}

fn group(index: usize, of: &Group) -> String {
    let Group {
        page: on,
        before,
        tasks,
        behind,
    } = of;
    let tasks: String = tasks.iter().map(task).collect();
    format!(
        "<section>\n<h2>{index}. {}</h2>\n{}{tasks}{}</section>\n",
        escape(on),
        lines("Before, by <code>sitewright apply</code>:", before),
        lines("Waits for this, by <code>sitewright apply</code>:", behind)
    )
}

fn lines(what: &str, of: &[Line]) -> String {
    if of.is_empty() {
        return String::new();
    }
    let shown = if of.len() > LISTED + 1 {
        LISTED
    } else {
        of.len()
    };
    let mut items = String::new();
    for line in of.iter().take(shown) {
        let Line { number, what } = line;
        let _ = writeln!(items, "<li>{number}: {}</li>", escape(what));
    }
    if shown < of.len() {
        let _ = writeln!(items, "<li>and {} more</li>", number(of.len() - shown));
    }
    format!("<div class=\"program\"><p>{what}</p>\n<ul>\n{items}</ul></div>\n")
}

fn task(task: &Task) -> String {
    let Task {
        number,
        id,
        what,
        path,
        reason,
        after,
        readable,
    } = task;
    let ConsolePath {
        page: _,   // in the line
        clicks: _, // in the line
        value: _,  // in what is filled in
        fill,
        remark,
        article,
    } = path;
    let mut rows = String::new();
    let mut say = |name: &str, value: String| {
        let _ = writeln!(rows, "<dt>{}</dt><dd>{value}</dd>", escape(name));
    };
    if !after.is_empty() {
        let numbers: Vec<String> = after.iter().map(ToString::to_string).collect();
        let noun = if numbers.len() == 1 { "step" } else { "steps" };
        say("after", format!("{noun} {}", and(&numbers)));
    }
    for (name, value) in fill {
        say(name, format!("<code>{}</code>", escape(value)));
    }
    if let Some(remark) = remark {
        say("mind", escape(remark));
    }
    say("why", escape(reason));
    if !article.is_empty() {
        say("article", escape(article));
    }
    let closed = if *readable {
        closing(task).to_owned()
    } else {
        format!("{} <code>{}</code>", closing(task), escape(&attest(id)))
    };
    say("ticked off", closed);
    format!(
        "<div class=\"task\">\n<label><input type=\"checkbox\"> <span>{number}. {}</span></label>\n\
         <p class=\"path\">{}</p>\n<dl>\n{rows}</dl>\n\
         <div class=\"sign\"><span>done by</span><span>on</span></div>\n</div>\n",
        escape(what),
        escape(&path.line())
    )
}
