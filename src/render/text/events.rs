//! Events while a plan is applied: one line a step, with its duration.
//!
//! Pure.

use crate::model::{Event, Outcome, RunSummary, StepId};
use crate::render::layout::{Page, Paint, Style, count, duration, some};
use crate::render::words::Lookup;

/// The line for an event; `None` where people need none.
///
/// The end of a run is told by [`summary`](super::summary).
#[must_use]
pub fn event(event: &Event, lookup: &Lookup<'_>, style: &Style) -> Option<String> {
    let mut page = Page::new(style);
    match event {
        Event::RunStarted { run, steps } => {
            let steps = usize::try_from(*steps).unwrap_or(usize::MAX);
            page.para(0, &format!("Run {run}: {}.", count(steps, "step")));
        }
        // Its end says it in one line.
        Event::StepStarted { step: _ } => return None,
        Event::StillWaiting {
            step,
            condition,
            milliseconds,
        } => {
            let text = format!(
                "{} ... still waiting for {condition} ({})",
                lookup.phrase_of(step),
                duration(*milliseconds)
            );
            line(&mut page, step, &text, lookup);
        }
        Event::AwaitingPeople {
            steps,
            milliseconds_left,
        } => {
            let numbers: Vec<String> = steps
                .iter()
                .filter_map(|step| lookup.position(step))
                .map(|position| (position + 1).to_string())
                .collect();
            let noun = if numbers.len() == 1 { "step" } else { "steps" };
            page.para(
                0,
                &format!(
                    "Waiting for console {noun} {}, for {} at most.",
                    some(numbers, 12),
                    duration(*milliseconds_left)
                ),
            );
        }
        Event::Stopping { why } => {
            page.para(0, &format!("Stopping after what is under way: {why}."));
        }
        Event::StepEnded {
            step,
            outcome,
            milliseconds,
        } => ended(&mut page, step, outcome, *milliseconds, lookup),
        Event::RunEnded { run, summary } => {
            let RunSummary {
                steps: _, // the summary says it
                milliseconds,
            } = summary;
            page.para(
                0,
                &format!("Run {run} ended after {}.", duration(*milliseconds)),
            );
        }
    }
    Some(page.finish())
}

fn line(page: &mut Page, step: &StepId, text: &str, lookup: &Lookup<'_>) {
    let ordinal = lookup.ordinal(step);
    page.item(0, Paint::Plain, &ordinal, text, ordinal.len() + 1);
}

fn ended(
    page: &mut Page,
    step: &StepId,
    outcome: &Outcome,
    milliseconds: u64,
    lookup: &Lookup<'_>,
) {
    let phrase = lookup.phrase_of(step);
    let took = duration(milliseconds);
    let hang = lookup.ordinal(step).len() + 1;
    match outcome {
        Outcome::Done => {
            line(page, step, &format!("{phrase} ... done ({took})"), lookup);
        }
        Outcome::AlreadyDone => {
            line(
                page,
                step,
                &format!("{phrase} ... already so ({took})"),
                lookup,
            );
        }
        Outcome::Open => {
            let found = lookup.step(step).and_then(|step| lookup.path(step));
            let what = found.map_or_else(
                || "open: do it in the console".to_owned(),
                |found| {
                    format!(
                        "open: do it in the console: {}, value: {}",
                        found.line(),
                        found.value
                    )
                },
            );
            line(page, step, &format!("{phrase} ... {what}"), lookup);
        }
        Outcome::Skipped => {
            let text = format!("{phrase} ... skipped: a person does it in the console");
            line(page, step, &text, lookup);
        }
        Outcome::Waiting { on } => {
            let numbers: Vec<String> = on
                .iter()
                .map(|on| {
                    lookup
                        .position(on)
                        .map_or_else(|| on.to_string(), |position| (position + 1).to_string())
                })
                .collect();
            let steps = if numbers.len() == 1 { "step" } else { "steps" };
            let text = format!("{phrase} ... waits for {steps} {}", some(numbers, 5));
            line(page, step, &text, lookup);
        }
        Outcome::Failed { code, error, hint } => {
            let text = format!("{phrase} ... failed: [{code}] {error} ({took})");
            line(page, step, &text, lookup);
            if let Some(hint) = hint {
                page.item(hang, Paint::Info, "hint:", hint, hang + 2);
            }
        }
        Outcome::Cancelled => line(page, step, &format!("{phrase} ... cancelled"), lookup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    #[test]
    fn one_line_a_step() {
        let plan = sample::flat_lan();
        let lookup = Lookup::new(&plan);
        let text: String = sample::events()
            .iter()
            .filter_map(|one| event(one, &lookup, &Style::default()))
            .collect();
        insta::assert_snapshot!(text, @r"
        Run r-0001: 9 steps.
        [1/9] create-site Deployment_Site ... still waiting for the site to appear in
              the list of sites (12.0s)
        [1/9] create-site Deployment_Site ... done (0.2s)
        [2/9] create-site HQ ... already so (0.2s)
        [3/9] assign-server DEPLOY01.corp.example to Deployment_Site ... failed:
              [SW0601] the SMP refused the association: access is denied (0.2s)
              hint: check that the account may manage sites
        [4/9] assign-server SITE01.corp.example to HQ ... done (0.2s)
        [5/9] assign-subnet 192.168.10.0/24 to Deployment_Site ... waits for step 3
        [6/9] create-subnet 192.168.0.12/32 in Deployment_Site ... waits for step 3
        [7/9] assign-subnet 192.168.0.0/24 to HQ ... waits for steps 5 and 6
        [8/9] capture-target DEPLOY01.corp.example ... open: do it in the console:
              Settings > Deployment > DS Global Settings > Default Target, value:
              DEPLOY01.corp.example
        [9/9] constrain Deployment_Site: on ... waits for steps 3, 5 and 6
        [?/9] unknown:step ... cancelled
        Run r-0001 ended after 1m 05s.
        ");
    }
}
