//! The address space of a picture: ranges that change, and those next to them.
//!
//! Pure. Neighbours that differ in nothing but their subnet are told together where there are many.

use std::collections::{BTreeMap, BTreeSet};

use super::{BESIDE, Half, Pair, Picture, PictureRange, Piece, RANGES, RangeSide, Side, count};
use crate::model::Subnet;

/// From how many on ranges that differ in their subnet alone are one.
const TOGETHER: usize = 4;

/// Pieces that are told as one.
struct Run {
    first: usize,
    length: usize,
    differs: bool,
}

pub(super) fn draw(pair: &Pair<'_>, picture: &mut Picture) {
    let runs = runs(pair);
    let touched: BTreeSet<usize> = at(&runs, |run| run.differs);
    let shown: BTreeSet<usize> = touched.iter().copied().take(RANGES).collect();
    let mut beside: BTreeSet<usize> = shown
        .iter()
        .flat_map(|at| [at.checked_sub(1), at.checked_add(1)])
        .flatten()
        .filter(|at| *at < runs.len() && !touched.contains(at))
        .collect();
    while beside.len() > BESIDE.min(RANGES.saturating_sub(shown.len())) {
        beside.pop_last();
    }
    picture.left_out.touched_ranges = count(touched.len() - shown.len());
    picture.left_out.other_ranges = count(runs.len() - touched.len() - beside.len());
    let mut numbers = BTreeMap::new();
    for run in shown.union(&beside).filter_map(|at| runs.get(*at)) {
        let pieces = pair.pieces.get(run.first..run.first + run.length);
        let Some((first, last)) = pieces.and_then(|list| list.first().zip(list.last())) else {
            continue;
        };
        let (was, will) = pair.served(first);
        let mut number = |outcome: usize| {
            let next = numbers.len();
            *numbers.entry(outcome).or_insert_with(|| {
                picture.outcomes.extend(
                    pair.outcomes
                        .get(outcome)
                        .map(|(outcome, _)| outcome.clone()),
                );
                next
            })
        };
        let mut side = |side: &Side<'_>, half: Half, [package, task, boot]: [usize; 3]| RangeSide {
            subnets: if run.length == 1 {
                subnets(side, first)
            } else {
                Vec::new()
            },
            sites: sites(side, half),
            package: number(package),
            task: number(task),
            network_boot: number(boot),
        };
        let (before, after) = (
            side(&pair.before, first.before, was),
            side(&pair.after, first.after, will),
        );
        picture.ranges.push(PictureRange {
            first: first.first.into(),
            last: last.last.into(),
            together: count(run.length),
            before,
            after,
        });
    }
}

fn at(runs: &[Run], which: impl Fn(&Run) -> bool) -> BTreeSet<usize> {
    let numbered = runs.iter().enumerate();
    numbered
        .filter(|(_, run)| which(run))
        .map(|(at, _)| at)
        .collect()
}

/// The pieces in runs: of one, or of many that differ in their subnet alone.
fn runs(pair: &Pair<'_>) -> Vec<Run> {
    let alike = |one: &Piece, other: &Piece| {
        one.last.checked_add(1) == Some(other.first)
            && pair.served(one) == pair.served(other)
            && pair.differs(one) == pair.differs(other)
            && (one.before.subnet.is_some(), one.after.subnet.is_some())
                == (other.before.subnet.is_some(), other.after.subnet.is_some())
            && pair.before.sites_of(one.before.assigned)
                == pair.before.sites_of(other.before.assigned)
            && pair.after.sites_of(one.after.assigned) == pair.after.sites_of(other.after.assigned)
    };
    let mut runs = Vec::new();
    let mut first = 0;
    while let Some(piece) = pair.pieces.get(first) {
        let rest = pair.pieces.get(first..).unwrap_or_default();
        let length = 1 + rest
            .windows(2)
            .take_while(|two| matches!(two, [one, other] if alike(one, other)))
            .count();
        let length = if length < TOGETHER { 1 } else { length };
        runs.push(Run {
            first,
            length,
            differs: pair.differs(piece),
        });
        first += length;
    }
    runs
}

/// The known subnets that hold a piece, the outermost first.
fn subnets(side: &Side<'_>, piece: &Piece) -> Vec<Subnet> {
    let matching = side.selector.matching(piece.first.into());
    matching
        .into_iter()
        .rev()
        .map(|(subnet, _)| subnet)
        .collect()
}

fn sites(side: &Side<'_>, half: Half) -> Vec<crate::model::Name> {
    let sites = side.sites_of(half.assigned).into_iter().flatten();
    let mut names: Vec<_> = sites
        .filter_map(|site| side.world.sites.get(*site))
        .map(|site| site.name.clone())
        .collect();
    names.sort();
    names
}
