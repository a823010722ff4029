//! The journal for people: runs, one run with its steps, and what is wrong with it.
//!
//! Pure.

use crate::journal::{Audit, RunRecord, RunResult, StepRecord};
use crate::model::{Outcome, Step};
use crate::render::layout::{Page, Paint, Style, count, duration};
use crate::render::words::Lookup;

/// Runs, one a line.
#[must_use]
pub fn runs(runs: &[RunRecord], style: &Style) -> String {
    let mut page = Page::new(style);
    if runs.is_empty() {
        page.para(0, "No runs.");
    }
    for run in runs {
        let RunRecord {
            run: id,
            what,
            by,
            why: _,  // of one run
            plan: _, // of one run
            started,
            last: _, // of one run
            milliseconds,
            serial: _, // of one run
            first_record: _,
            last_record: _,
            result,
            steps,
            notes,
        } = run;
        let took = milliseconds.map_or_else(String::new, |took| format!(", {}", duration(took)));
        let what_of = if steps.is_empty() {
            notes.first().cloned().unwrap_or_default()
        } else {
            format!("{}{took}", count(steps.len(), "step"))
        };
        let id: String = id.0.chars().take(8).collect();
        let mark = format!(
            "{id:<8}  {}  {:<7} {:<8}",
            second(started),
            what.as_str(),
            result.as_str()
        );
        let who = by
            .as_deref()
            .map_or_else(String::new, |by| format!("{by}: "));
        page.item(0, paint(*result), &mark, &format!("{who}{what_of}"), 10);
    }
    page.finish()
}

fn paint(result: RunResult) -> Paint {
    match result {
        RunResult::Done => Paint::Plain,
        RunResult::Failed | RunResult::Died => Paint::Error,
        RunResult::Stopped | RunResult::Open => Paint::Changed,
    }
}

/// A time to the second, in as many columns for every one.
fn second(time: &str) -> String {
    let cut: String = time.chars().take("2026-11-25T08:00:00".len()).collect();
    format!("{cut}Z")
}

/// One run: who, when, and each step with what it did and what came of it.
#[must_use]
pub fn run(run: &RunRecord, style: &Style) -> String {
    let RunRecord {
        run: id,
        what,
        by,
        why,
        plan,
        started,
        last,
        milliseconds,
        serial,
        first_record,
        last_record,
        result,
        steps,
        notes,
    } = run;
    let mut page = Page::new(style);
    let mut row = |mark: &str, text: &str| {
        page.item(0, Paint::Plain, &format!("{mark:<10}"), text, 11);
    };
    row("run:", &id.0);
    row("what:", &format!("{}, {}", what.as_str(), result.as_str()));
    row("by:", by.as_deref().unwrap_or("not noted"));
    if let Some(why) = why {
        row("why:", why);
    }
    if let Some(plan) = plan {
        row("plan:", plan);
    }
    let took = milliseconds.map_or_else(String::new, |took| format!(", {}", duration(took)));
    row(
        "when:",
        &format!("{} to {}{took}", second(started), second(last)),
    );
    if let Some(serial) = serial {
        row("state:", &format!("serial {serial} before it"));
    }
    row("records:", &format!("{first_record} to {last_record}"));
    for note in notes {
        row("noted:", note);
    }
    let known: Vec<Step> = steps.iter().filter_map(|step| step.step.clone()).collect();
    let lookup = Lookup::of_steps(&known);
    if !steps.is_empty() {
        page.gap();
    }
    for step in steps {
        one(&mut page, step, &lookup);
    }
    page.finish()
}

fn one(page: &mut Page, record: &StepRecord, lookup: &Lookup<'_>) {
    let StepRecord {
        id,
        step,
        started: _, // in the JSON
        outcome,
        milliseconds,
    } = record;
    let phrase = step
        .as_ref()
        .map_or_else(|| id.to_string(), |step| lookup.phrase(step));
    let took = milliseconds.map_or_else(String::new, |took| format!(" ({})", duration(took)));
    let came = match outcome {
        None => "begun, and no end noted".to_owned(),
        Some(Outcome::Done) => "done".into(),
        Some(Outcome::AlreadyDone) => "already so".into(),
        Some(Outcome::Open) => "open".into(),
        Some(Outcome::Skipped) => "skipped".into(),
        Some(Outcome::Waiting { on: _ }) => "not tried".into(),
        Some(Outcome::Cancelled) => "cancelled".into(),
        Some(Outcome::Failed {
            code,
            error,
            hint: _, // it was told then
        }) => format!("failed: [{code}] {error}"),
    };
    page.item(
        0,
        Paint::Plain,
        "",
        &format!("{phrase} ... {came}{took}"),
        2,
    );
}

/// What is wrong with a journal, or that nothing is.
#[must_use]
pub fn audit(audit: &Audit, style: &Style) -> String {
    let Audit {
        records,
        runs,
        first,
        last,
        unchained,
        sealed,
        torn,
        anew,
        faults,
    } = audit;
    let mut page = Page::new(style);
    let many = |number: &u64, noun| count(usize::try_from(*number).unwrap_or(usize::MAX), noun);
    let about = if *records == 0 {
        "No records.".to_owned()
    } else {
        format!(
            "{}, {first} to {last}, of {}.",
            many(records, "record"),
            many(runs, "run")
        )
    };
    page.para(0, &about);
    if *anew {
        page.para(
            0,
            "It begins with a whole state: nothing before it is needed.",
        );
    }
    if *unchained > 0 {
        let text = format!(
            "{} of a version that kept no digests: a change of them cannot be found.",
            many(unchained, "record")
        );
        page.para(0, &text);
    }
    if let Some(line) = torn {
        let text = format!("Line {line} was cut off by a crash; the next run mends it.");
        page.para(0, &text);
    }
    for fault in faults {
        page.item(0, Paint::Error, "fault:", &fault.to_string(), 2);
    }
    if faults.is_empty() && *records > 0 {
        page.para(0, &whole(*last, *sealed));
    }
    page.finish()
}

/// Says what holds the last records together.
fn whole(last: u64, sealed: Option<u64>) -> String {
    match sealed {
        Some(sealed) if sealed == last => {
            format!("Whole: each follows the one before, and the state holds record {last}.")
        }
        Some(sealed) => format!(
            "Whole: each follows the one before, and the state holds record {sealed}; those after it are not saved yet."
        ),
        None => {
            "Whole as far as it goes: each follows the one before; no state says where it ends."
                .to_owned()
        }
    }
}
