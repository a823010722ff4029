//! The ordered steps of a plan: one line each, with what to click where a person does it.
//!
//! Pure. Numbers are positions in the plan, the same as while it is applied. In a huge plan, runs of steps that do the
//! same to many subnets are one line.

use super::objects::HUGE;
use crate::model::{Action, Record, Step, StepKind};
use crate::render::console::ConsolePath;
use crate::render::layout::{Page, Paint, and, number};
use crate::render::words::{Lookup, kind};

/// Writes all steps.
pub(super) fn write(page: &mut Page, lookup: &Lookup<'_>) {
    marked(page, lookup);
}

/// The same; says where each line of steps ends, and how many steps it stands for.
pub(super) fn marked(page: &mut Page, lookup: &Lookup<'_>) -> Vec<(usize, usize)> {
    let mut ends = Vec::new();
    let steps = lookup.steps();
    let grouped = steps.len() > HUGE && !page.full();
    let digits = steps.len().to_string().len();
    // Room for `first-last`.
    let width = if grouped { 2 * digits + 1 } else { digits };
    let mut at = 0;
    while let Some(first) = steps.get(at) {
        let alike = steps.get(at..).map_or(1, |rest| {
            rest.iter()
                .take_while(|step| grouped && alike(first, step))
                .count()
        });
        if alike > 3 {
            let run = steps.get(at..at + alike).unwrap_or_default();
            many(page, run, at, width, lookup);
            at += alike;
        } else {
            one(page, first, at, width, lookup);
            at += 1;
        }
        ends.push((page.length(), if alike > 3 { alike } else { 1 }));
    }
    ends
}

/// Whether two steps do the same to different subnets.
fn alike(one: &Step, other: &Step) -> bool {
    match (run_of(one), run_of(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// What a step does to a subnet, without the subnet: verb and the words around it.
fn run_of(step: &Step) -> Option<(&'static str, String)> {
    let names = |sites: &[crate::model::SiteRef]| {
        let names: Vec<String> = sites.iter().map(|site| site.name.to_string()).collect();
        and(&names)
    };
    match &step.action {
        Action::CreateSubnet { subnet: _, site } => {
            Some(("create-subnet", format!(" in {}", site.name)))
        }
        Action::AssignSubnet {
            subnet: _,
            guid: _, // one each
            before,
            site,
        } => Some(if before.is_empty() {
            ("assign-subnet", format!(" to {}", site.name))
        } else {
            (
                "move-subnet",
                format!(" from {} to {}", names(before), site.name),
            )
        }),
        Action::UnassignSubnet {
            subnet: _,
            guid: _, // one each
            before,
        } => Some(("unassign-subnet", format!(" from {}", names(before)))),
        Action::DeleteSubnet {
            subnet: _,
            guid: _,   // one each
            before: _, // it goes from wherever it is
        } => Some(("delete-subnet", String::new())),
        Action::Record(Record::AdoptSubnet { subnet: _, guid: _ }) => {
            Some(("adopt-subnet", String::new()))
        }
        Action::Record(Record::ReleaseSubnet {
            name: _,
            guid: _,
            how: _,
        }) => Some(("release-subnet", String::new())),
        _ => None,
    }
}

fn many(page: &mut Page, run: &[Step], at: usize, width: usize, lookup: &Lookup<'_>) {
    let Some((first, (verb, around))) = run.first().and_then(|step| Some((step, run_of(step)?)))
    else {
        return;
    };
    let range = format!("{}-{}", at + 1, at + run.len());
    let mark = format!("{range:>width$}.");
    let text = format!(
        "{:<7}  {verb}: {} subnets{around}{}",
        kind(first),
        number(run.len()),
        waits(run, lookup)
    );
    page.item(2, Paint::Plain, &mark, &text, 2 + width + 2 + 7 + 2);
}

fn one(page: &mut Page, step: &Step, at: usize, width: usize, lookup: &Lookup<'_>) {
    let Step {
        id: _,     // the phrase starts with it
        action: _, // the phrase says it
        by,
        reason,
        depends_on: _, // by `waits`
    } = step;
    let mark = format!("{:>width$}. {:<7}", at + 1, kind(step));
    let hang = 2 + width + 2 + 7 + 2;
    let text = format!(
        " {}{}",
        lookup.phrase(step),
        waits(std::slice::from_ref(step), lookup)
    );
    let paint = if step.kind() == StepKind::Manual {
        Paint::Changed
    } else {
        Paint::Plain
    };
    page.item(2, paint, &mark, &text, hang);
    if let Some(path) = lookup.path(step) {
        click(page, path, hang);
        // Why a write is left to a person is said once, in a note.
        if by.is_api() && !reason.is_empty() {
            page.item(hang, Paint::Plain, "why:", reason, hang + 2);
        }
    }
}

/// Where to click and what to enter.
pub(super) fn click(page: &mut Page, path: ConsolePath, indent: usize) {
    page.item(indent, Paint::Plain, "", &path.line(), indent + 2);
    let ConsolePath {
        page: _,   // above
        clicks: _, // above
        value,
        fill: _,   // the phrase says it; the runbook spells it out
        remark: _, // in the runbook
        article,
    } = path;
    let article = if article.is_empty() {
        String::new()
    } else {
        format!(" (article {article})")
    };
    let text = format!("{value}{article}");
    page.item(indent, Paint::Plain, "value:", &text, indent + 2);
}

/// The console steps that steps wait for; what else they wait for is done by the time they come.
fn waits(run: &[Step], lookup: &Lookup<'_>) -> String {
    let mut on: std::collections::BTreeSet<usize> = std::collections::BTreeSet::new();
    for step in run {
        let positions = step.depends_on.iter().map(|on| usize::try_from(*on));
        on.extend(positions.flatten().filter(|on| {
            lookup
                .steps()
                .get(*on)
                .is_some_and(|step| step.kind() == StepKind::Manual)
        }));
    }
    let list: Vec<String> = on.into_iter().map(|on| (on + 1).to_string()).collect();
    match list.len() {
        0 => String::new(),
        1 => format!(", after console step {}", and(&list)),
        _ => format!(", after console steps {}", and(&list)),
    }
}
