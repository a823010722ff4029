//! What was found out about a platform: a line each, and what to do about those that are not as they should be.
//!
//! Pure.

use crate::check::{Line, Report, Verdict};
use crate::render::layout::{Page, Paint, Style, count};

/// Where the text of a line begins.
const HANG: usize = 23;

/// Renders the lines and a sum of them.
#[must_use]
pub fn checked(report: &Report, style: &Style) -> String {
    let Report {
        format_version: _, // for programs
        platform,
        url,
        lines,
    } = report;
    let mut page = Page::new(style);
    page.heading(&match platform {
        Some(platform) => format!("{platform}: {url}"),
        None => url.clone(),
    });
    for line in lines {
        one(&mut page, line);
    }
    page.gap();
    let amount = |verdict| report.count(verdict);
    let mut counts = vec![format!("{} ok", amount(Verdict::Ok))];
    for (verdict, noun) in [(Verdict::Warn, "warning"), (Verdict::Fail, "failure")] {
        if amount(verdict) > 0 {
            counts.push(count(amount(verdict), noun));
        }
    }
    if amount(Verdict::Skipped) > 0 {
        counts.push(format!("{} skipped", amount(Verdict::Skipped)));
    }
    let (mark, paint) = if amount(Verdict::Fail) > 0 {
        ("Not fit:", Paint::Error)
    } else {
        ("Fit:", Paint::Heading)
    };
    page.item(0, paint, mark, &format!("{}.", counts.join(", ")), 2);
    page.finish()
}

fn one(page: &mut Page, line: &Line) {
    let Line {
        id,
        verdict,
        found,
        code,
        remedy,
    } = line;
    let paint = match verdict {
        Verdict::Ok => Paint::Plain,
        Verdict::Warn => Paint::Warning,
        Verdict::Fail => Paint::Error,
        Verdict::Skipped => Paint::Info,
    };
    let mark = format!("{:<8} {id:<13}", verdict.as_str());
    let found = match code {
        Some(code) => format!("{found} ({code})"),
        None => found.clone(),
    };
    page.item(0, paint, &mark, &found, HANG);
    if let Some(remedy) = remedy {
        page.item(HANG, Paint::Info, "remedy:", remedy, HANG + 2);
    }
}
