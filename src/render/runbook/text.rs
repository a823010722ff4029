//! A runbook as plain text, for a terminal or a ticket.
//!
//! Pure. Like every other text it fits its width, but for a command, which is to be copied.

use super::{Group, Line, Runbook, Task, closing, introduction};
use crate::render::console::ConsolePath;
use crate::render::layout::{Page, Paint, Style, and, attest, count, number};

/// How many steps of the program are listed beside a group.
pub(super) const LISTED: usize = 8;

/// Renders a runbook.
#[must_use]
pub fn text(runbook: &Runbook, style: &Style) -> String {
    let Runbook {
        platform,
        serial,
        tool_version,
        written,
        blocked,
        creates: _, // in the introduction
        groups,
    } = runbook;
    let mut page = Page::new(style);
    page.heading(&format!("Runbook for {platform}"));
    page.para(
        0,
        &format!(
            "Of the plan on serial {serial} of the state, by sitewright {tool_version}; written {written}."
        ),
    );
    page.gap();
    if !blocked.is_empty() {
        page.item(
            0,
            Paint::Error,
            "Blocked:",
            "do none of this before the plan is free of these errors.",
            2,
        );
        for reason in blocked {
            page.item(2, Paint::Plain, "-", reason, 4);
        }
        page.gap();
    }
    if groups.is_empty() {
        page.para(0, "Nothing is left to a person.");
        return page.finish();
    }
    page.para(
        0,
        &format!(
            "{} in {}.",
            count(runbook.tasks(), "console step"),
            count(groups.len(), "group")
        ),
    );
    for said in introduction(runbook) {
        page.para(0, &said);
    }
    for (index, one) in groups.iter().enumerate() {
        group(&mut page, index + 1, one);
    }
    page.finish()
}

fn group(page: &mut Page, index: usize, of: &Group) {
    let Group {
        page: on,
        before,
        tasks,
        behind,
    } = of;
    page.gap();
    page.item(0, Paint::Heading, &format!("Group {index}:"), on, 2);
    lines(page, "Before, by apply:", before);
    for one in tasks {
        task(page, one);
    }
    if !behind.is_empty() {
        page.gap();
    }
    lines(page, "Waits for this, by apply:", behind);
}

fn lines(page: &mut Page, what: &str, of: &[Line]) {
    if of.is_empty() {
        return;
    }
    page.para(2, what);
    let shown = if of.len() > LISTED + 1 && !page.full() {
        LISTED
    } else {
        of.len()
    };
    for line in of.iter().take(shown) {
        let Line { number, what } = line;
        let mark = format!("{number}.");
        page.item(4, Paint::Plain, &mark, what, 4 + mark.len() + 1);
    }
    if shown < of.len() {
        page.para(4, &format!("and {} more", number(of.len() - shown)));
    }
}

fn task(page: &mut Page, task: &Task) {
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
    page.gap();
    page.item(2, Paint::Changed, &format!("[ ] {number}."), what, 6);
    if !after.is_empty() {
        let numbers: Vec<String> = after.iter().map(ToString::to_string).collect();
        page.para(6, &format!("after {}", and(&numbers)));
    }
    page.item(6, Paint::Plain, "", &path.line(), 8);
    for (name, value) in fill {
        page.item(6, Paint::Plain, &format!("{name}:"), value, 8);
    }
    if let Some(remark) = remark {
        page.item(6, Paint::Plain, "mind:", remark, 8);
    }
    page.item(6, Paint::Plain, "why:", reason, 8);
    if !article.is_empty() {
        page.item(6, Paint::Plain, "article:", article, 8);
    }
    page.item(6, Paint::Plain, "ticked off", closing(task), 8);
    if !readable {
        page.verbatim(8, &attest(id));
    }
    page.para(
        6,
        "done by: ______________________________  on: ______________",
    );
}
