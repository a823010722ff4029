//! The harness with a network that loses, cuts, doubles and refuses what goes over it, at writes of the run.
//!
//! What may have been carried out is looked for before it is sent again, so most of these the run gets over by itself;
//! what no look can tell ends the step, and the next run goes on.

use super::base::{Able, Base, Names, Played};
use super::way::Fault;
use super::{Forgiven, differences, each, sample};

/// Who gets over a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    /// The run itself.
    AtOnce,
    /// The run after it; this one tells what failed, and ends.
    Again,
}

impl Over {
    fn of(fault: Fault, operation: &str) -> Self {
        match (fault, operation) {
            // The second time the server says that there is one already. That there is none any more is what was wanted.
            (Fault::ShutOut, _) | (Fault::TwiceLast, "CreateNewResource") => Self::Again,
            _ => Self::AtOnce,
        }
    }
}

/// Gives each of the faults to so `many` writes of the run, the first to those of that `turn`; to all of them under torture.
fn faulty(names: Names, faults: &[Fault], first: usize, many: usize) {
    let base = Base::of(Able::Fully, names);
    let cases: Vec<_> = faults
        .iter()
        .enumerate()
        .flat_map(|(turn, fault)| {
            let writes = sample(base.whole(), first + turn, many);
            writes.into_iter().map(|write| (write, *fault))
        })
        .collect();
    each(base, &cases, |case, played, (at, fault)| {
        let operation = base.whole().operations()[at - 1].as_str();
        // What makes or ends something is refused the second time.
        let doubled = Some(operation)
            .filter(|_| matches!(fault, Fault::Twice | Fault::TwiceLast))
            .filter(|operation| !["CreateNewResource", "DeleteResource"].contains(operation));
        // The answer that came is that there is one already: whose, nobody can tell, so it is not ours to delete.
        let adopted = usize::from((fault, operation) == (Fault::TwiceLast, "CreateNewResource"));
        let mut wrong = differences(base, case, Forgiven { doubled, adopted });
        let Played { codes, broken } = played;
        let over = match broken.as_slice() {
            [] => Some(Over::AtOnce),
            [one] if one.code == Some(1) && one.err.contains("SW0614") => Some(Over::Again),
            _ => None,
        };
        if codes != base.whole().codes || over != Some(Over::of(fault, operation)) {
            wrong.push(format!("ended with {codes:?}, {broken:#?}"));
        }
        wrong
    });
}

#[test]
fn answers_that_are_lost() {
    let faults = [
        Fault::Lost,
        Fault::CutAnswer,
        Fault::DoneBut(500),
        Fault::DoneBut(504),
    ];
    faulty(Names::NotUnique, &faults, 0, 2);
}

#[test]
fn requests_that_do_not_arrive() {
    let faults = [
        Fault::CutRequest,
        Fault::Instead(503),
        Fault::Instead(500),
        Fault::Instead(401),
    ];
    faulty(Names::NotUnique, &faults, 1, 1);
}

#[test]
fn requests_and_answers_that_come_twice() {
    let faults = [Fault::Twice, Fault::TwiceLast, Fault::AnswerTwice];
    faulty(Names::Unique, &faults, 1, 1);
}

#[test]
fn nobody_is_let_in_any_more() {
    faulty(Names::NotUnique, &[Fault::ShutOut], 5, 1);
}
