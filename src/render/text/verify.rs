//! The rows of a verification: what was expected, what was found, who differs and why.
//!
//! Pure. When a row fails, overlaps come first: article 431459 says that they cause most failures.

use std::collections::BTreeMap;

use crate::model::Name;
use crate::render::layout::{Page, Paint, Style, and};
use crate::verify::{Differing, Outcome, Report, Row, Verdict};

/// How many objects that differ alike are named without [`Style::full`].
const SHOWN: usize = 5;

/// Renders a verification.
#[must_use]
pub fn verification(report: &Report, style: &Style) -> String {
    let Report {
        format_version: _, // for programs
        rows,
    } = report;
    let mut page = Page::new(style);
    let outcome = report.outcome();
    let overlaps = rows
        .iter()
        .find(|row| row.id == "no-overlap" && row.verdict == Verdict::NotMet);
    if let Some(row) = overlaps {
        page.heading("Overlaps: most failures below come from these");
        differing(&mut page, &row.differing, 2);
        page.gap();
    }
    for (number, row) in rows.iter().enumerate() {
        one(&mut page, number + 1, row, overlaps.is_some());
    }
    page.gap();
    let amount = |wanted: Verdict| rows.iter().filter(|row| row.verdict == wanted).count();
    let counts: Vec<String> = [
        Verdict::Met,
        Verdict::NotMet,
        Verdict::NotObserved,
        Verdict::Unknown,
    ]
    .into_iter()
    .map(|verdict| (amount(verdict), verdict.as_str()))
    .filter(|(amount, _)| *amount > 0)
    .map(|(amount, word)| format!("{amount} {word}"))
    .collect();
    let (mark, paint) = match outcome {
        Outcome::Met => ("Verified:", Paint::Heading),
        Outcome::NotMet => ("Not met:", Paint::Error),
        Outcome::Open => ("Open:", Paint::Warning),
    };
    page.item(0, paint, mark, &format!("{}.", counts.join(", ")), 2);
    page.finish()
}

fn one(page: &mut Page, number: usize, row: &Row, overlaps_shown: bool) {
    let Row {
        id,
        title,
        verdict,
        evidence,
        expected,
        found,
        differing: others,
        look,
        attested,
    } = row;
    let paint = match verdict {
        Verdict::Met => Paint::Plain,
        Verdict::NotMet => Paint::Error,
        Verdict::NotObserved | Verdict::Unknown => Paint::Warning,
    };
    let word = if attested.is_some() {
        "attested"
    } else {
        verdict.as_str()
    };
    page.item(
        0,
        paint,
        &format!("{number}. {word}:"),
        &format!("{title} [{id}]"),
        4,
    );
    page.item(4, Paint::Plain, "expected:", expected, 6);
    page.item(4, Paint::Plain, "found:", found, 6);
    if let Some(word) = attested {
        let said = format!("by {} on {}: {}", word.by, word.at, word.reason);
        page.item(4, Paint::Plain, "attested:", &said, 6);
    }
    if *verdict == Verdict::Unknown || *verdict == Verdict::NotObserved {
        page.item(4, Paint::Plain, "evidence:", &evidence.join(", "), 6);
    }
    if !look.is_empty() {
        page.item(4, Paint::Plain, "look:", look, 6);
    }
    if !(overlaps_shown && *id == "no-overlap") {
        differing(page, others, 4);
    }
}

/// Those that differ alike are told together.
fn differing(page: &mut Page, all: &[Differing], indent: usize) {
    let mut groups: BTreeMap<(&str, &str), Vec<&Name>> = BTreeMap::new();
    for Differing { name, found, why } in all {
        groups.entry((found, why)).or_default().push(name);
    }
    for ((found, why), names) in groups {
        let shown = if page.full() { names.len() } else { SHOWN };
        let mut list: Vec<String> = names.iter().take(shown).map(ToString::to_string).collect();
        if names.len() > shown {
            list.push(format!("{} more (-v lists them)", names.len() - shown));
        }
        page.item(
            indent,
            Paint::Changed,
            "-",
            &format!("{}: {found}", and(&list)),
            indent + 2,
        );
        if !why.is_empty() {
            page.item(indent + 2, Paint::Plain, "why:", why, indent + 4);
        }
    }
}
