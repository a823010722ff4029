//! A plan → its steps and what each waits for.
//!
//! Pure.

use super::{Graph, Shape};
use crate::model::{Step, StepKind};
use crate::plan::Plan;
use crate::render::words::{Lookup, kind};

/// The order of a plan: from each step to those that wait for it.
#[must_use]
pub fn of_plan(plan: &Plan) -> Graph {
    let lookup = Lookup::new(plan);
    let mut graph = Graph::default();
    for (index, step) in lookup.steps().iter().enumerate() {
        let shape = match step.kind() {
            StepKind::Write => Shape::Box,
            StepKind::Manual | StepKind::Await => Shape::Hexagon,
            StepKind::Record => Shape::Round,
        };
        let first = format!("{}. {}", index + 1, kind(step));
        graph.node(shape, vec![first, lookup.phrase(step)]);
    }
    for (index, step) in lookup.steps().iter().enumerate() {
        let Step {
            id: _,     // the phrase begins with it
            action: _, // in the phrase
            by: _,     // the word before the phrase says it
            reason: _, // said of console steps only, by the plan
            depends_on,
        } = step;
        let mut before: Vec<usize> = depends_on
            .iter()
            .filter_map(|before| usize::try_from(*before).ok())
            .collect();
        before.sort_unstable();
        before.dedup();
        for from in before {
            graph.edge(from, index, String::new(), false);
        }
    }
    graph
}
