//! The crash harness: the real program, killed at every write of a run with every kind of step in it, or given every
//! fault that a network and a machine have, and then run once more as anybody would. The world has to end as if nothing
//! had happened, nothing may have taken effect twice, and what is remembered has to be what is so.
//!
//! `make test` tries a sample that has every operation in it; with `SITEWRIGHT_TORTURE=1` (`make torture`) every write is
//! tried. Reading order: `base` (where a case begins), `way` (what breaks), `ending` (what is compared), this file
//! (SIGKILL), `wire` (the network), `host` (the machine and whoever sits at it).

mod base;
mod ending;
#[cfg(unix)]
mod host;
mod way;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;
use sitewright::model::{Action, ConsoleStep, Record};
use sitewright::plan::PlanFile;

use base::{Able, Base, Case, Names, Played};
use ending::{Ending, Whole};
use way::{Fault, Moment, WRITES};

/// Names every variant of an enum, without a wildcard: a new one breaks the build here, and has to get into
/// `tests/crash/after.yaml`.
macro_rules! variants {
    ($function:ident, $list:ident, $type:ident: $($variant:ident),+ $(,)?) => {
        fn $function(one: &$type) -> &'static str {
            match one {
                $($type::$variant { .. } => stringify!($variant),)+
            }
        }

        const $list: &[&str] = &[$(stringify!($variant)),+];
    };
}

variants! {
    action, ACTIONS, Action:
    CreateSite, RenameSite, DescribeSite, DeleteSite, CreateSubnet, AssignSubnet, UnassignSubnet, DeleteSubnet, AssignServer,
    UnassignServer, AssignPackage, UpdateDistributionPoints, AwaitHolders, Constrain, SetCaptureTarget, Console, Record,
}

variants! {
    console, CONSOLE_STEPS, ConsoleStep:
    InstallRole, InstallPlugIn, Constrain, CaptureTarget, InvalidSubnets, ConfirmHolder,
}

variants! {
    record, RECORDS, Record:
    AdoptSite, AdoptSubnet, ReleaseSite, ReleaseSubnet, Protect, AcceptFewer, Override, Thaw,
}

/// The kinds of steps in the plan of a start, and how many steps it has.
fn planned(
    able: Able,
) -> (
    BTreeSet<&'static str>,
    BTreeSet<&'static str>,
    BTreeSet<&'static str>,
    usize,
) {
    let case = Base::of(able, Names::NotUnique).case(None);
    let mut arguments = vec!["plan", "--format", "json"];
    arguments.extend(&base::APPLY[4..]);
    let plan = PlanFile::read(&case.told(&arguments, 0)).unwrap().plan();
    let actions = || plan.steps.iter().map(|step| &step.action);
    (
        actions().map(action).collect(),
        actions()
            .filter_map(|one| match one {
                Action::Console(step) => Some(console(step)),
                _ => None,
            })
            .collect(),
        actions()
            .filter_map(|one| match one {
                Action::Record(of) => Some(record(of)),
                _ => None,
            })
            .collect(),
        plan.steps.len(),
    )
}

fn set(list: &[&'static str]) -> BTreeSet<&'static str> {
    list.iter().copied().collect()
}

/// The run that is killed is long, and leaves no kind of step out. What is written by API where the profile is sure is a
/// console step where it is not, so it takes two profiles to see all of those.
#[test]
fn every_kind_of_step_is_in_the_runs() {
    let (actions, mut in_console, records, steps) = planned(Able::Fully);
    assert!(steps >= 60, "{steps} steps");
    assert_eq!(actions, set(ACTIONS));
    assert_eq!(records, set(RECORDS));
    let (_, by_hand, _, _) = planned(Able::Barely);
    in_console.extend(by_hand);
    assert_eq!(in_console, set(CONSOLE_STEPS));
    let operations: BTreeSet<String> = Base::of(Able::Fully, Names::NotUnique)
        .whole()
        .operations()
        .iter()
        .cloned()
        .collect();
    let operations: BTreeSet<&str> = operations.iter().map(String::as_str).collect();
    assert_eq!(operations, set(&WRITES));
}

/// Whether every write is tried.
fn torture() -> bool {
    std::env::var_os("SITEWRIGHT_TORTURE").is_some_and(|value| value == "1")
}

/// The writes at which a fault is tried: all of them, or one of each of `many` operations. Each `turn` takes the
/// operations after those of the turn before, and another write of each.
fn sample(whole: &Whole, turn: usize, many: usize) -> Vec<usize> {
    let operations = whole.operations();
    if torture() {
        return (1..=operations.len()).collect();
    }
    let mut by_operation: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, operation) in operations.iter().enumerate() {
        by_operation.entry(operation).or_default().push(index + 1);
    }
    let all = by_operation.into_values().collect::<Vec<_>>().into_iter();
    all.cycle()
        .skip(turn * many)
        .take(many)
        .map(|writes| writes[(turn * 5 + 2) % writes.len()])
        .collect()
}

/// Plays every case, as many at once as there are processors, and fails with all that went wrong.
fn each(
    base: &Base,
    cases: &[(usize, Fault)],
    judged: impl Fn(&Case, Played, (usize, Fault)) -> Vec<String> + Sync,
) {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, fault)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let run = || {
                        let case = base.case(Some((*at, *fault)));
                        let played = case.play();
                        let mut wrong = judged(&case, played, (*at, *fault));
                        if case.way.out_of_step() {
                            wrong.push("a request where an answer was left".into());
                        }
                        if !case.way.struck() {
                            wrong.push("no run came as far as that write".into());
                        }
                        wrong
                    };
                    let wrong = catch_unwind(AssertUnwindSafe(run))
                        .unwrap_or_else(|_| vec!["a panic: see above".into()]);
                    if !wrong.is_empty() {
                        let operation = &base.whole().operations()[at - 1];
                        let text = wrong.join("\n  ");
                        let text = format!("{fault:?} at write {at}, {operation}:\n  {text}");
                        faults.lock().unwrap().push(text);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    let (wrong, all) = (faults.len(), cases.len());
    assert!(
        faults.is_empty(),
        "{wrong} of {all} cases:\n{}",
        faults.join("\n")
    );
}

/// What is not held against a case.
#[derive(Debug, Clone, Copy, Default)]
struct Forgiven<'o> {
    /// An operation that the way may have sent to the server twice, where that changes nothing the second time.
    doubled: Option<&'o str>,
    /// So many objects that the run created are remembered as adopted: the server said that there was one already.
    adopted: usize,
}

/// What is different from the run that nothing happened to, beside the exit codes: the plan that is left, the world, what
/// took effect, the lock, what is remembered.
///
fn differences(
    base: &Base,
    case: &Case,
    Forgiven { doubled, adopted }: Forgiven<'_>,
) -> Vec<String> {
    let whole = &base.whole().ending;
    let mut wrong = Vec::new();
    let left = case.run(&["plan", "--detailed-exitcode"]);
    if left.code != Some(0) || !left.out.ends_with("No changes.\n") {
        wrong.push(format!("something is left to do: {left:#?}"));
    }
    let lock = std::fs::File::open(case.here.join("state/hq.lock")).unwrap();
    if let Err(error) = lock.try_lock() {
        wrong.push(format!("the lock is not free: {error}"));
    }
    let Ending {
        world,
        effects,
        untold,
        remembered,
        ..
    } = Ending::of(case);
    if world != whole.world {
        wrong.push(format!("another world: {}", changed(&whole.world, &world)));
    }
    let all: BTreeSet<&String> = effects.keys().chain(whole.effects.keys()).collect();
    for effect in all {
        let count = |of: &BTreeMap<String, usize>| of.get(effect).copied().unwrap_or_default();
        let (expected, found) = (count(&whole.effects), count(&effects));
        // Telling servers of an assignment again is no harm, and of one that is taken back at once no loss.
        let telling = effect.starts_with("UpdateDistributionPoints");
        let again = usize::from(doubled.is_some_and(|operation| effect.starts_with(operation)));
        let fine = if telling {
            found > 0
        } else {
            (expected..=expected + again).contains(&found)
        };
        if !fine {
            wrong.push(format!(
                "took effect {found} times instead of {expected}: {effect}"
            ));
        }
    }
    if !untold.is_empty() {
        wrong.push(format!(
            "servers were not told of the assignment of {untold:?}"
        ));
    }
    let mut expected = whole.remembered.clone();
    let forgiven = forgive(&mut expected, &remembered, adopted);
    if expected != remembered {
        let text = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        wrong.push(format!(
            "something else is remembered: {}",
            changed(&text(&expected), &text(&remembered))
        ));
    }
    if forgiven != adopted {
        wrong.push(format!("adopted {forgiven} objects instead of {adopted}"));
    }
    wrong
}

/// Lets up to so many objects that were created be remembered as adopted, and says how many are.
fn forgive(expected: &mut Value, found: &Value, most: usize) -> usize {
    let mut many = 0;
    for kind in ["sites", "subnets"] {
        for (name, owned) in expected[kind].as_object_mut().unwrap() {
            if many < most && owned["how"] == "created" && found[kind][name]["how"] == "adopted" {
                owned["how"] = "adopted".into();
                many += 1;
            }
        }
    }
    many
}

/// Where two texts differ.
fn changed(expected: &str, found: &str) -> String {
    let difference = similar::TextDiff::from_lines(expected, found);
    format!("\n{}", difference.unified_diff().context_radius(1))
}

/// Kills the program at writes of a run, and lets it go on.
fn killed(able: Able, moment: Moment, turn: usize, many: usize) {
    let base = Base::of(able, Names::NotUnique);
    let at = |write| (write, Fault::Kill(moment));
    let cases: Vec<_> = sample(base.whole(), turn, many)
        .into_iter()
        .map(at)
        .collect();
    each(base, &cases, |case, played, _| {
        let mut wrong = differences(base, case, Forgiven::default());
        let Played { codes, broken } = played;
        if codes != base.whole().codes || broken.len() != 1 || broken[0].code.is_some() {
            wrong.push(format!("ended with {codes:?}, {broken:#?}"));
        }
        wrong
    });
}

#[test]
fn killed_before_a_write_goes_out() {
    killed(Able::Fully, Moment::Before, 0, 3);
}

#[test]
fn killed_before_the_answer_comes_back() {
    killed(Able::Fully, Moment::Between, 1, 3);
}

#[test]
fn killed_once_the_answer_is_there() {
    killed(Able::Fully, Moment::After, 2, 3);
}

/// The same where a person does much of it.
#[test]
fn killed_beside_a_person() {
    killed(Able::Barely, Moment::Between, 3, 2);
}

/// At moments that nobody chose: while the program starts, looks, writes, keeps its state and ends.
#[test]
fn killed_at_any_time() {
    let base = Base::of(Able::Fully, Names::NotUnique);
    let begun = Instant::now();
    let case = base.case(None);
    case.run(&base::APPLY);
    let long = begun.elapsed();
    let many = if torture() { 200 } else { 3 };
    let mut killed = 0;
    for number in 0..many {
        let case = base.case(None);
        case.start(&base::APPLY);
        std::thread::sleep(long * number / many);
        // It may have ended by itself.
        let _ = case.way.child().as_mut().unwrap().kill();
        let given = case.ended();
        let mut played = Played::default();
        match given.code {
            None => killed += 1,
            Some(code) => {
                played.codes.push(code);
                case.do_open_steps(&given.out);
            }
        }
        let Played { codes, broken } = case.play();
        played.codes.extend(codes);
        assert_eq!(played.codes, base.whole().codes, "{broken:#?}");
        let wrong = differences(base, &case, Forgiven::default());
        assert!(wrong.is_empty(), "case {number}: {}", wrong.join("\n"));
    }
    assert!(killed * 2 >= many, "{killed} of {many} were killed");
}
