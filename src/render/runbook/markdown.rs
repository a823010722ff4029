//! A runbook as Markdown, for a wiki or an issue with check-boxes.
//!
//! Pure. Whatever a server or a manifest names stands in a code span, where nothing of it means anything to Markdown.

use std::fmt::Write as _;

use super::text::LISTED;
use super::{Group, Line, Runbook, Task, closing, introduction};
use crate::render::console::ConsolePath;
use crate::render::layout::{and, attest, clean, count, number};
use crate::render::safe::markdown::{code, prose};

/// Renders a runbook.
#[must_use]
pub fn markdown(runbook: &Runbook) -> String {
    let Runbook {
        platform,
        serial,
        tool_version,
        written,
        blocked,
        creates: _, // in the introduction
        groups,
    } = runbook;
    let mut page = format!(
        "# Runbook for {}\n\nOf the plan on serial {serial} of the state, by sitewright {}; written {}.\n",
        code(platform),
        clean(tool_version),
        clean(written)
    );
    if !blocked.is_empty() {
        page.push_str(
            "\n**Blocked:** do none of this before the plan is free of these errors.\n\n",
        );
        for reason in blocked {
            let _ = writeln!(page, "- {}", code(reason));
        }
    }
    if groups.is_empty() {
        page.push_str("\nNothing is left to a person.\n");
        return page;
    }
    let _ = writeln!(
        page,
        "\n{} in {}.",
        count(runbook.tasks(), "console step"),
        count(groups.len(), "group")
    );
    for said in introduction(runbook) {
        let _ = write!(page, "\n{said}\n");
    }
    for (index, one) in groups.iter().enumerate() {
        group(&mut page, index + 1, one);
    }
    page
}

fn group(page: &mut String, index: usize, of: &Group) {
    let Group {
        page: on,
        before,
        tasks,
        behind,
    } = of;
    let _ = write!(page, "\n## {index}. {on}\n");
    lines(page, "Before, by `sitewright apply`:", before);
    page.push('\n');
    for one in tasks {
        task(page, one);
    }
    lines(page, "Waits for this, by `sitewright apply`:", behind);
}

fn lines(page: &mut String, what: &str, of: &[Line]) {
    if of.is_empty() {
        return;
    }
    let shown = if of.len() > LISTED + 1 {
        LISTED
    } else {
        of.len()
    };
    let _ = write!(page, "\n{what}\n\n");
    for line in of.iter().take(shown) {
        let Line { number, what } = line;
        let _ = writeln!(page, "* {number}: {}", code(what));
    }
    if shown < of.len() {
        let _ = writeln!(page, "* and {} more", number(of.len() - shown));
    }
}

fn task(page: &mut String, task: &Task) {
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
    let _ = writeln!(page, "- [ ] **{number}.** {}", code(what));
    let mut say = |name: &str, value: &str| {
        let _ = writeln!(page, "  - {name}: {value}");
    };
    say("id", &code(&id.0));
    if !after.is_empty() {
        let numbers: Vec<String> = after.iter().map(ToString::to_string).collect();
        say("after", &and(&numbers));
    }
    say("path", &path.line());
    for (name, value) in fill {
        say(name, &code(value));
    }
    if let Some(remark) = remark {
        say("mind", &prose(remark));
    }
    say("why", &prose(reason));
    if !article.is_empty() {
        say("article", article);
    }
    let closed = if *readable {
        closing(task).to_owned()
    } else {
        format!("{} {}", closing(task), code(&attest(id)))
    };
    say("ticked off", &closed);
    say("done by", "________________ on ____________");
}
