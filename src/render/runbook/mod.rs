//! What a person has to do in the console: [`Plan`] → [`Runbook`] → text, Markdown, a page to print.
//!
//! Pure. Steps are grouped by the page of the console that they are done on, in an order that the dependencies allow:
//! before each group stands what `apply` must have done by then, after it what waits for it. Within a group nothing but
//! the group itself is waited for. Numbers are those of the plan.

mod html;
mod markdown;
mod text;

use std::collections::{BTreeMap, BTreeSet};

pub use html::html;
pub use markdown::markdown;
pub use text::text;

use super::console::{ConsolePath, needs_attestation};
use super::words::Lookup;
use crate::model::{Platform, Step, StepId, StepKind};
use crate::plan::{Plan, Standing};

/// A plan as its reader at the console needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runbook {
    /// The SMP, by name.
    pub platform: String,
    /// Serial of the state that the plan was made with.
    pub serial: u64,
    /// Version of the program that made the plan.
    pub tool_version: String,
    /// When the runbook was written, RFC 3339.
    pub written: String,
    /// What forbids applying the plan, and so doing any of this; mostly nothing.
    pub blocked: Vec<String>,
    /// Whether something is created by hand, which is then adopted.
    pub creates: bool,
    /// What to do, in this order.
    pub groups: Vec<Group>,
}

/// Steps on one page of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The way to the page: `Settings > Notification Server > Site Server Settings`.
    pub page: String,
    /// What `apply` does before.
    pub before: Vec<Line>,
    /// What the person does.
    pub tasks: Vec<Task>,
    /// What `apply` does once that is done, and not before.
    pub behind: Vec<Line>,
}

/// A step of the plan that is no person's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the plan.
    pub number: usize,
    /// The step in words.
    pub what: String,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its number in the plan.
    pub number: usize,
    /// Its id.
    pub id: StepId,
    /// The step in words.
    pub what: String,
    /// Where to click and what to enter.
    pub path: ConsolePath,
    /// Why it is asked for.
    pub reason: String,
    /// Tasks that come before it, by number.
    pub after: Vec<usize>,
    /// Whether the next plan sees by itself that it is done; else somebody's word does.
    pub readable: bool,
}

impl Runbook {
    /// Makes the runbook of a plan; `written` is the time of now.
    ///
    /// # Guarantees
    /// Every step that a person does is in it, once. Doing the groups in their order, with `apply` in between, breaks no
    /// dependency.
    #[must_use]
    pub fn new(plan: &Plan, written: &str) -> Self {
        let Plan {
            tool_version,
            platform,
            lineage: _, // for programs
            serial,
            journal_sequence: _, // for programs
            desired_digest: _,   // for programs
            snapshot_digest: _,  // for programs
            stale_since: _,      // in a note
            changes: _,          // the plan shows them
            impact: _,           // the plan shows it
            picture: _,          // documents show it
            steps,
            names: _, // in the words
            notes,
            counts: _, // for the next plan
            reach: _,  // in the notes
        } = plan;
        let Platform {
            server: _, // the name says it
            name,
        } = platform;
        let blocked = notes
            .iter()
            .filter(|note| note.standing == Standing::Blocks)
            .map(|note| format!("{}: {}", note.id, note.message))
            .collect();
        Self {
            platform: name.to_string(),
            serial: *serial,
            tool_version: tool_version.clone(),
            written: written.to_owned(),
            blocked,
            creates: steps.iter().any(creates_by_hand),
            groups: grouped(plan),
        }
    }

    /// How many steps are in it.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.groups.iter().map(|group| group.tasks.len()).sum()
    }
}

fn creates_by_hand(step: &Step) -> bool {
    use crate::model::Action;
    step.kind() == StepKind::Manual
        && matches!(
            step.action,
            Action::CreateSite { .. } | Action::CreateSubnet { .. }
        )
}

/// The steps of a plan as positions with what each waits for and what is done already.
struct Order<'a> {
    steps: &'a [Step],
    done: Vec<bool>,
}

impl Order<'_> {
    fn depends_on(&self, position: usize) -> impl Iterator<Item = usize> {
        let on = self.steps.get(position).map(|step| step.depends_on.iter());
        on.into_iter()
            .flatten()
            .filter_map(|on| usize::try_from(*on).ok())
    }

    fn is_done(&self, position: usize) -> bool {
        self.done.get(position).copied().unwrap_or(false)
    }

    fn is_free(&self, position: usize) -> bool {
        !self.is_done(position) && self.depends_on(position).all(|on| self.is_done(on))
    }

    fn is_manual(&self, position: usize) -> bool {
        let step = self.steps.get(position);
        step.is_some_and(|step| step.kind() == StepKind::Manual)
    }

    /// Does every step that is free, wanted, or becomes so by the others; gives them in the order of the plan.
    fn take(&mut self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        // A step depends on earlier ones only, so one pass finds all.
        let mut taken = Vec::new();
        for position in 0..self.steps.len() {
            if wanted(position) && self.is_free(position) {
                if let Some(done) = self.done.get_mut(position) {
                    *done = true;
                }
                taken.push(position);
            }
        }
        taken
    }
}

/// Groups by page: whatever is free on the page of the first free step, and what becomes free on it by that.
fn grouped(plan: &Plan) -> Vec<Group> {
    let lookup = Lookup::new(plan);
    let mut paths: BTreeMap<usize, ConsolePath> = plan
        .steps
        .iter()
        .enumerate()
        .filter_map(|(position, step)| Some((position, lookup.path(step)?)))
        .collect();
    let pages: BTreeMap<usize, &'static [&'static str]> =
        paths.iter().map(|(at, path)| (*at, path.page)).collect();
    let mut order = Order {
        steps: &plan.steps,
        done: vec![false; plan.steps.len()],
    };
    let manual: Vec<bool> = (0..plan.steps.len())
        .map(|at| order.is_manual(at))
        .collect();
    let is_manual = |at: usize| manual.get(at).copied().unwrap_or(false);
    let line = |at: &usize| {
        let step = plan.steps.get(*at)?;
        (step.kind() != StepKind::Record).then(|| Line {
            number: at + 1,
            what: lookup.phrase(step),
        })
    };
    let mut groups: Vec<Group> = Vec::new();
    let mut unsaid: BTreeSet<usize> = BTreeSet::new();
    loop {
        unsaid.extend(order.take(|at| !is_manual(at)));
        let first = (0..plan.steps.len()).find(|at| is_manual(*at) && order.is_free(*at));
        let Some(page) = first.and_then(|at| pages.get(&at)).copied() else {
            break;
        };
        let tasks = order.take(|at| pages.get(&at) == Some(&page));
        let members: BTreeSet<usize> = tasks.iter().copied().collect();
        // Of what is done by now, only what this group could not go without.
        let needed: BTreeSet<usize> = ahead_of(&order, &members, &unsaid);
        unsaid.retain(|at| !needed.contains(at));
        let behind = (0..plan.steps.len())
            .filter(|at| !is_manual(*at) && order.depends_on(*at).any(|on| members.contains(&on)));
        groups.push(Group {
            page: page.join(" > "),
            before: needed.iter().filter_map(line).collect(),
            behind: behind.filter_map(|at| line(&at)).collect(),
            tasks: tasks
                .into_iter()
                .filter_map(|at| {
                    let step = plan.steps.get(at)?;
                    let after = order.depends_on(at).filter(|on| is_manual(*on));
                    Some(Task {
                        number: at + 1,
                        id: step.id.clone(),
                        what: lookup.phrase(step),
                        path: paths.remove(&at)?,
                        reason: step.reason.clone(),
                        after: after.map(|on| on + 1).collect(),
                        readable: !needs_attestation(plan, step),
                    })
                })
                .collect(),
        });
    }
    groups
}

/// The steps among `candidates` that one of `members` waits for, if only by others.
fn ahead_of(
    order: &Order<'_>,
    members: &BTreeSet<usize>,
    candidates: &BTreeSet<usize>,
) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut ahead: Vec<usize> = members.iter().copied().collect();
    while let Some(at) = ahead.pop() {
        for on in order.depends_on(at) {
            if candidates.contains(&on) && found.insert(on) {
                ahead.push(on);
            }
        }
    }
    found
}

/// What the text of a runbook begins with, in every format.
fn introduction(runbook: &Runbook) -> Vec<String> {
    let mut said = vec![
        "Leave `sitewright apply --wait` running beside this: it does the rest, and goes on by itself as soon as \
         a step is done. Or run `sitewright apply` before the first group and after each."
            .to_owned(),
    ];
    if runbook.creates {
        said.push(
            "Enter names exactly as they stand here. What is created by hand is adopted: Sitewright keeps it as \
             declared and never deletes it."
                .to_owned(),
        );
    }
    said
}

/// How a task is ticked off.
fn closing(task: &Task) -> &'static str {
    if task.readable {
        "by the next plan or apply, which reads it"
    } else {
        "by your word, since it cannot be read:"
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::By;
    use crate::render::{Style, sample};

    /// Works a plan off by its runbook: the program does what is free before each group and after the last.
    fn work_off(plan: &Plan) {
        let runbook = Runbook::new(plan, "now");
        let mut order = Order {
            steps: &plan.steps,
            done: vec![false; plan.steps.len()],
        };
        let by_program = |at: usize| plan.steps.get(at).unwrap().kind() != StepKind::Manual;
        for group in &runbook.groups {
            order.take(by_program);
            for line in &group.before {
                assert!(
                    order.is_done(line.number - 1),
                    "{line:?} is not done by then"
                );
            }
            for line in &group.behind {
                assert!(
                    !order.is_done(line.number - 1),
                    "{line:?} waits for nothing"
                );
            }
            for task in &group.tasks {
                let at = task.number - 1;
                assert!(order.is_free(at), "{} comes too early", task.id);
                order.take(|one| one == at);
            }
        }
        order.take(by_program);
        assert!(order.done.iter().all(|done| *done));
        let manual = plan
            .steps
            .iter()
            .filter(|step| step.kind() == StepKind::Manual);
        assert_eq!(runbook.tasks(), manual.count());
    }

    #[test]
    fn breaks_no_dependency_and_leaves_nothing_out() {
        for mut plan in sample::all() {
            work_off(&plan);
            for step in &mut plan.steps {
                step.by = By::Console;
            }
            work_off(&plan);
        }
    }

    #[test]
    fn groups_by_page_with_what_is_before_and_behind() {
        let numbers = |lines: &[Line]| -> Vec<usize> { lines.iter().map(|l| l.number).collect() };
        let groups: Vec<_> = Runbook::new(&sample::console(), "now")
            .groups
            .iter()
            .map(|group| {
                let tasks: Vec<usize> = group.tasks.iter().map(|task| task.number).collect();
                let page = group.page.rsplit(" > ").next().unwrap().to_owned();
                (page, numbers(&group.before), tasks, numbers(&group.behind))
            })
            .collect();
        assert_eq!(
            groups,
            [
                ("Site Server Settings".into(), vec![], vec![1], vec![2]),
                ("Packages tab".into(), vec![], vec![3], vec![4]),
                ("Site Server Settings".into(), vec![2], vec![5], vec![]),
                ("Core Settings".into(), vec![], vec![6], vec![]),
            ]
        );
    }

    #[test]
    fn fits_the_width() {
        for mut plan in sample::all() {
            for step in &mut plan.steps {
                step.by = By::Console;
            }
            let shown = text(&Runbook::new(&plan, "now"), &Style::default());
            for line in shown
                .lines()
                .filter(|line| !line.contains("sitewright attest"))
            {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
}
