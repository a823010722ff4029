//! The table of checks → `docs/checks.md`.
//!
//! Pure.

use std::fmt::Write as _;

use crate::validate::{Check, GROUPS};

const HEAD: &str = "\
# Checks

What `sitewright validate` and `sitewright plan` look at. The program writes this page (`make schemas`); the same is said
of one check by `sitewright validate --explain ID`.

A check can tell something in the phase *declared*, from the manifests alone, in the phase *live*, from what a server
holds (`validate --live`, `plan`), or in the phase *outcome*, from what happened afterwards. What is not known makes no
error. An error blocks a plan only where the plan introduces it or leaves it on what it changes.

A comment in a manifest, above a document or a field or at the end of its line, allows a warning or an info that names a
place there, and never an error:

```yaml
# sitewright: allow subnet-overlap reason=\"the printers move in March\"
```

";

/// Writes the page of all checks.
#[must_use]
pub fn check_page() -> String {
    let mut page = HEAD.to_owned();
    for (group, members) in GROUPS {
        let ids: Vec<String> = members
            .iter()
            .map(|check| format!("[`{0}`](#{0})", check.id))
            .collect();
        let _ = writeln!(page, "- {group}: {}", ids.join(", "));
    }
    for (group, members) in GROUPS {
        let _ = write!(page, "\n## {group}\n");
        for check in *members {
            section(&mut page, check);
        }
    }
    page
}

fn section(page: &mut String, check: &Check) {
    let Check {
        id,
        severity,
        phases,
        holds_when,
        explanation,
        sources,
        run: _, // code
    } = check;
    let phases: Vec<&str> = phases.iter().map(|phase| phase.as_str()).collect();
    let articles = if sources.is_empty() {
        "none: a rule of this program".to_owned()
    } else {
        sources.join(", ")
    };
    let _ = write!(
        page,
        "\n### {id}\n\n\
         | | |\n|---|---|\n\
         | holds when | {} |\n\
         | severity | {} |\n\
         | phases | {} |\n\
         | articles | {articles} |\n\n\
         {explanation}\n",
        cell(holds_when),
        cell(severity),
        phases.join(", "),
    );
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
