//! The end of a run: what was done, what failed and why, what was not tried because of it, what a person has yet to do.
//!
//! Pure. It ends with the commands to go on. A command is never broken, so that it can be copied.

use std::collections::{BTreeMap, BTreeSet};

use super::error::label;
use super::steps::click;
use crate::model::{Outcome, Step, StepId};
use crate::plan::Plan;
use crate::render::layout::{Page, Paint, Style, and, attest, count, number, some};
use crate::render::words::Lookup;

/// How many steps of a group are listed.
const LISTED: usize = 12;

/// Renders the end of a run.
///
/// `command` is what to run to go on, such as `sitewright apply -f sites.yaml`. `by_word` says for which console steps
/// nobody but a person can tell that they are done ([`crate::render::console::needs_attestation`]).
///
/// # Guarantees
/// No line but that of a command is longer than the width.
#[must_use]
pub fn summary(
    plan: &Plan,
    outcomes: &[(StepId, Outcome)],
    style: &Style,
    command: &str,
    by_word: &dyn Fn(&Step) -> bool,
) -> String {
    let lookup = Lookup::new(plan);
    let sorted = Sorted::new(outcomes, &lookup);
    let mut page = Page::new(style);
    page.item(0, Paint::Heading, "Apply:", &counts(&sorted), 7);
    failed(&mut page, &sorted, &lookup);
    not_tried(&mut page, &sorted, &lookup);
    open(&mut page, &sorted, &lookup, by_word);
    let unfinished = !(sorted.failed.is_empty()
        && sorted.waiting == 0
        && sorted.open.is_empty()
        && sorted.skipped.is_empty()
        && sorted.cancelled.is_empty());
    if unfinished {
        page.gap();
        let then = match (sorted.failed.is_empty(), sorted.open.is_empty()) {
            (false, false) => "Once that is mended and the console steps are done, go on with:",
            (false, true) => "Once that is mended, go on with:",
            (true, false) => "Once the console steps are done, go on with:",
            (true, true) if !sorted.skipped.is_empty() => {
                "Once a person has done what was skipped, go on with:"
            }
            (true, true) => "Go on with:",
        };
        page.para(0, then);
        page.verbatim(2, command);
    }
    page.finish()
}

struct Failure<'a> {
    code: &'a str,
    error: &'a str,
    hint: Option<&'a str>,
}

/// Outcomes by kind, each in the order of the plan.
#[derive(Default)]
struct Sorted<'a> {
    done: usize,
    already: usize,
    open: Vec<&'a StepId>,
    skipped: Vec<&'a StepId>,
    failed: Vec<(&'a StepId, Failure<'a>)>,
    cancelled: Vec<&'a StepId>,
    waiting: usize,
    /// Waiting steps by the steps that hold them up in the end.
    behind: BTreeMap<Vec<&'a StepId>, Vec<&'a StepId>>,
}

impl<'a> Sorted<'a> {
    fn new(outcomes: &'a [(StepId, Outcome)], lookup: &Lookup<'_>) -> Self {
        let mut ordered: Vec<(usize, &StepId, &Outcome)> = outcomes
            .iter()
            .map(|(id, outcome)| (lookup.position(id).unwrap_or(usize::MAX), id, outcome))
            .collect();
        ordered.sort_by_key(|(position, id, _)| (*position, *id));
        let mut sorted = Self::default();
        // A step waits for earlier steps only, so one pass finds what holds each up in the end.
        let mut roots: BTreeMap<&StepId, BTreeSet<(usize, &StepId)>> = BTreeMap::new();
        for (_, id, outcome) in ordered {
            match outcome {
                Outcome::Done => sorted.done += 1,
                Outcome::AlreadyDone => sorted.already += 1,
                Outcome::Open => sorted.open.push(id),
                Outcome::Skipped => sorted.skipped.push(id),
                Outcome::Cancelled => sorted.cancelled.push(id),
                Outcome::Failed { code, error, hint } => sorted.failed.push((
                    id,
                    Failure {
                        code,
                        error,
                        hint: hint.as_deref(),
                    },
                )),
                Outcome::Waiting { on } => {
                    let mut causes = BTreeSet::new();
                    for on in on {
                        match roots.get(on) {
                            Some(further) => causes.extend(further.iter().copied()),
                            None => {
                                causes.insert((lookup.position(on).unwrap_or(usize::MAX), on));
                            }
                        }
                    }
                    let key = causes.iter().map(|(_, cause)| *cause).collect();
                    sorted.behind.entry(key).or_default().push(id);
                    sorted.waiting += 1;
                    roots.insert(id, causes);
                }
            }
        }
        sorted
    }
}

fn counts(sorted: &Sorted<'_>) -> String {
    let Sorted {
        done,
        already,
        open,
        skipped,
        failed,
        cancelled,
        waiting,
        behind: _, // in the list
    } = sorted;
    let parts: Vec<String> = [
        (*done, "done"),
        (*already, "already so"),
        (failed.len(), "failed"),
        (*waiting, "not tried"),
        (cancelled.len(), "cancelled"),
        (open.len(), "open in the console"),
        (skipped.len(), "skipped"),
    ]
    .into_iter()
    .filter(|(amount, _)| *amount > 0)
    .map(|(amount, what)| format!("{} {what}", number(amount)))
    .collect();
    if parts.is_empty() {
        "nothing to do.".to_owned()
    } else {
        format!("{}.", parts.join(", "))
    }
}

fn failed(page: &mut Page, sorted: &Sorted<'_>, lookup: &Lookup<'_>) {
    if sorted.failed.is_empty() {
        return;
    }
    page.heading("Failed");
    for (id, failure) in &sorted.failed {
        let Failure { code, error, hint } = failure;
        entry(page, id, lookup);
        label(page, 4, "error", code, error);
        if let Some(hint) = hint {
            page.item(4, Paint::Info, "hint:", hint, 6);
        }
    }
}

fn not_tried(page: &mut Page, sorted: &Sorted<'_>, lookup: &Lookup<'_>) {
    let mut behind: Vec<_> = sorted.behind.iter().collect();
    behind.sort_by_key(|(_, steps)| steps.first().and_then(|id| lookup.position(id)));
    for (causes, steps) in behind {
        let verb = if steps.len() == 1 { "waits" } else { "wait" };
        let noun = if causes.len() == 1 { "step" } else { "steps" };
        let numbers = causes
            .iter()
            .map(|id| {
                lookup
                    .position(id)
                    .map_or_else(|| id.to_string(), |position| (position + 1).to_string())
            })
            .collect();
        page.heading(&format!(
            "Not tried: {} that {verb} for {noun} {}",
            count(steps.len(), "step"),
            some(numbers, 5)
        ));
        capped(page, steps, lookup);
    }
    if !sorted.skipped.is_empty() {
        page.heading(&format!(
            "Skipped: {} for a person, see `sitewright runbook`",
            count(sorted.skipped.len(), "console step")
        ));
        capped(page, &sorted.skipped, lookup);
    }
    if !sorted.cancelled.is_empty() {
        page.heading(&format!(
            "Cancelled: {}",
            count(sorted.cancelled.len(), "step")
        ));
        capped(page, &sorted.cancelled, lookup);
    }
}

fn capped(page: &mut Page, steps: &[&StepId], lookup: &Lookup<'_>) {
    let shown = if page.full() || steps.len() <= LISTED + 1 {
        steps.len()
    } else {
        LISTED
    };
    for id in steps.iter().take(shown) {
        entry(page, id, lookup);
    }
    if shown < steps.len() {
        page.para(2, &format!("and {} more", number(steps.len() - shown)));
    }
}

fn entry(page: &mut Page, id: &StepId, lookup: &Lookup<'_>) {
    let ordinal = lookup.ordinal(id);
    let hang = 2 + ordinal.len() + 1;
    page.item(2, Paint::Plain, &ordinal, &lookup.phrase_of(id), hang);
}

fn open(
    page: &mut Page,
    sorted: &Sorted<'_>,
    lookup: &Lookup<'_>,
    by_word: &dyn Fn(&Step) -> bool,
) {
    if sorted.open.is_empty() {
        return;
    }
    page.heading("To do in the console");
    let mut words = Vec::new();
    for id in &sorted.open {
        entry(page, id, lookup);
        if let Some(step) = lookup.step(id)
            && let Some(path) = lookup.path(step)
        {
            click(page, path, 4);
            if by_word(step) {
                words.push(*id);
            }
        }
    }
    if words.is_empty() {
        return;
    }
    page.gap();
    let numbers: Vec<String> = words
        .iter()
        .filter_map(|id| lookup.position(id))
        .map(|position| (position + 1).to_string())
        .collect();
    let (steps, are) = if words.len() == 1 {
        ("step", "is")
    } else {
        ("steps", "are")
    };
    page.para(
        0,
        &format!(
            "Whether {steps} {} {are} done cannot be read. Once done, say so with:",
            and(&numbers)
        ),
    );
    for id in words {
        page.verbatim(2, &attest(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::console::needs_attestation;
    use crate::render::sample;

    fn check(plan: &Plan, outcomes: &[(StepId, Outcome)]) -> String {
        summary(
            plan,
            outcomes,
            &Style::default(),
            "sitewright apply -f sites.yaml",
            &|step| needs_attestation(plan, step),
        )
    }

    #[test]
    fn with_failures_and_open_steps() {
        let plan = sample::flat_lan();
        insta::assert_snapshot!(check(&plan, &sample::outcomes()), @r"
        Apply: 2 done, 1 already so, 1 failed, 4 not tried, 1 open in the console.

        Failed
          [3/9] assign-server DEPLOY01.corp.example to Deployment_Site
            error[SW0601]: the SMP refused the association: access is denied
            hint: check that the account may manage sites

        Not tried: 4 steps that wait for step 3
          [5/9] assign-subnet 192.168.10.0/24 to Deployment_Site
          [6/9] create-subnet 192.168.0.12/32 in Deployment_Site
          [7/9] assign-subnet 192.168.0.0/24 to HQ
          [9/9] constrain Deployment_Site: on

        To do in the console
          [8/9] capture-target DEPLOY01.corp.example
            Settings > Deployment > DS Global Settings > Default Target
            value: DEPLOY01.corp.example (article 431459)

        Once that is mended and the console steps are done, go on with:
          sitewright apply -f sites.yaml
        ");
    }

    #[test]
    fn what_cannot_be_read_is_attested() {
        let plan = sample::console();
        let outcomes: Vec<(StepId, Outcome)> = plan
            .steps
            .iter()
            .filter(|step| step.kind() == crate::model::StepKind::Manual)
            .map(|step| (step.id.clone(), Outcome::Open))
            .collect();
        insta::assert_snapshot!(check(&plan, &outcomes), @r#"
        Apply: 4 open in the console.

        To do in the console
          [1/6] install-role task on DEPLOY01.corp.example
            Settings > Notification Server > Site Server Settings > Site Servers > the
              server > Services > Install/Remove services
            value: Task Service (article 180399)
          [3/6] await-package Win11-24H2 golden on DEPLOY01.corp.example
            Manage > Jobs and Tasks > the Deploy Image task > Packages tab
            value: DEPLOY01.corp.example (article 431459)
          [5/6] constrain Deployment_Site: on
            Settings > Notification Server > Site Server Settings > Sites > the site >
              Constrain to Site
            value: on (article 431459)
          [6/6] invalid-subnets ^(0\.|169\.254\.)
            Settings > Notification Server > Core Settings > InvalidSubnets
            value: ^(0\.|169\.254\.) (article 432283)

        Whether steps 1, 3 and 6 are done cannot be read. Once done, say so with:
          sitewright attest install-role:DEPLOY01.corp.example/task --reason "…"
          sitewright attest "await-package:Win11-24H2 golden" --reason "…"
          sitewright attest invalid-subnets --reason "…"

        Once the console steps are done, go on with:
          sitewright apply -f sites.yaml
        "#);
    }

    #[test]
    fn when_all_is_done() {
        let plan = sample::flat_lan();
        let outcomes: Vec<(StepId, Outcome)> = plan
            .steps
            .iter()
            .map(|step| (step.id.clone(), Outcome::Done))
            .collect();
        insta::assert_snapshot!(check(&plan, &outcomes), @r"Apply: 9 done.");
    }
}
