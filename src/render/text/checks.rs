//! Checks for people: the list of all, and one explained.
//!
//! Pure.

use crate::render::layout::{Page, Paint, Style};
use crate::validate::{Check, GROUPS, Phase, can_be_allowed};

/// All checks in their groups, each with what it holds against a world.
#[must_use]
pub fn check_list(style: &Style) -> String {
    let mut page = Page::new(style);
    for (group, members) in GROUPS {
        page.heading(group);
        for check in *members {
            let word = check
                .severity
                .split([' ', ';', ','])
                .next()
                .unwrap_or_default();
            let paint = match word {
                "error" => Paint::Error,
                "warning" => Paint::Warning,
                _ => Paint::Info,
            };
            page.item(2, paint, &format!("{}:", check.id), check.holds_when, 6);
        }
    }
    page.gap();
    page.para(0, "`sitewright validate --explain ID` says more about one.");
    page.finish()
}

/// One check: when it holds, how bad that is, why, what to do, and where that is written.
#[must_use]
pub fn check_explained(check: &Check, style: &Style) -> String {
    let Check {
        id,
        severity,
        phases,
        holds_when,
        explanation,
        sources,
        run: _, // code
    } = check;
    let mut page = Page::new(style);
    page.heading(id);
    let mut row = |mark: &str, text: &str| page.item(2, Paint::Plain, mark, text, 14);
    row("holds when:", holds_when);
    row("severity:  ", severity);
    let phases: Vec<&str> = phases
        .iter()
        .map(|phase| match phase {
            Phase::Declared => "declared (validate)",
            Phase::Live => "live (validate --live, plan)",
            Phase::Outcome => "outcome (verify)",
        })
        .collect();
    row("phases:    ", &phases.join(", "));
    let articles = if sources.is_empty() {
        "none: a rule of this program".to_owned()
    } else {
        sources.join(", ")
    };
    row("articles:  ", &articles);
    page.gap();
    page.para(2, explanation);
    if !can_be_allowed(check) {
        return page.finish();
    }
    page.gap();
    page.para(
        2,
        "A warning or an info is allowed by a comment in the manifest:",
    );
    page.verbatim(4, &format!("# sitewright: allow {id} reason=\"…\""));
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::checks;

    #[test]
    fn every_check_is_explained_in_80_columns() {
        for check in checks() {
            let text = check_explained(check, &Style::default());
            assert!(text.starts_with(check.id), "{text}");
            for part in [check.severity, check.holds_when, check.explanation] {
                let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(one_line.contains(&part), "{}: {part}", check.id);
            }
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
        }
        let list = check_list(&Style::default());
        assert!(checks().all(|check| list.contains(check.id)));
        assert!(
            list.lines().all(|line| line.chars().count() <= 80),
            "{list}"
        );
    }
}
