//! Makes a whole plan: [`Desired`] × [`Snapshot`] × [`Ownership`] → [`Plan`].
//!
//! Pure. What is blocked or attested is said in the notes; steps are computed all the same, so that people see what
//! would be done once the obstacle is gone. Same input, same bytes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::carry::{give_out, take_over};
use super::emptied::{emptied, said_to_hold, warned};
use super::fewer;
use super::former;
use super::limits::{self, Bounds};
use super::reach::reach;
use super::records::recorded_first;
use super::steps::console;
use super::touch::{planned, touched};
use super::{
    Context, Names, Narrowing, Note, ObjectChange, OrderError, Ordered, Picture, Plan, Severity,
    Standing, Unkept, console_value, digest, narrow, objects, picture, plan_steps,
};
use crate::diff::{Blocked, Change, Diff, Found, Takeover, declare, diff, predicted, recognised};
use crate::model::{
    Acceptance, Action, Assignment, Attestation, ConsoleStep, Desired, Guid, Held, Origin,
    Overrides, Ownership, Safety, Snapshot, Step, StepId, Subnet,
};
use crate::select::{Extent, Impact, Selector, Stranded, World, impact};
use crate::validate::{View, judge};

/// The id of the note that says which addresses may be without a server between two steps.
pub(super) const UNKEPT: &str = "unkept-order";

/// The id of the note that says that a plan is made of an older snapshot.
pub(super) const STALE: &str = "stale-snapshot";

/// Everything that a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What the manifests declare.
    pub desired: &'a Desired,
    /// What was read, with the scope of this very `desired`.
    pub snapshot: &'a Snapshot,
    /// What we remember.
    pub ownership: &'a Ownership,
    /// Whether addresses may be taken from sites that nobody declares.
    pub takeover: bool,
    /// How many clients may be left without a server that they have before; addresses where clients are not known.
    pub allow_stranded: u64,
    /// What the workspace guards its platforms by.
    pub safety: &'a Safety,
    /// Somebody's word that lists are shorter than they were.
    pub acceptance: Option<&'a Acceptance>,
    /// Somebody's word that this plan may go past limits.
    pub overrides: Option<&'a Overrides>,
    /// The time, which the windows of the workspace are held against.
    pub now: Timestamp,
    /// When the snapshot was read, where that was not for this plan.
    pub stale_since: Option<&'a str>,
    /// The objects that it is for, where it is not for all.
    pub narrowing: Option<&'a Narrowing>,
    /// Lineage of the state.
    pub lineage: &'a str,
    /// Serial of the state.
    pub serial: u64,
    /// The number of the last journal record that `ownership` holds.
    pub journal_sequence: u64,
    /// Version of the program.
    pub tool_version: &'a str,
}

/// Makes a plan.
///
/// # Guarantees
/// The result depends on the arguments only, not on the order of anything in them. One blocked object or one blocking
/// finding blocks the whole plan ([`Plan::is_blocked`]); its steps are there all the same.
///
/// # Errors
/// [`OrderError`] where the rules of order contradict each other, which is a defect.
#[expect(
    clippy::too_many_lines,
    reason = "the stages of a plan, one after the other"
)]
pub fn make(input: &Inputs<'_>) -> Result<Plan, OrderError> {
    let Inputs {
        desired,
        snapshot,
        ownership,
        takeover,
        allow_stranded,
        safety,
        acceptance,
        overrides,
        now,
        stale_since,
        narrowing,
        lineage,
        serial,
        journal_sequence,
        tool_version,
    } = *input;
    let snapshot = &*recognised(desired, snapshot);
    let compared = diff(desired, snapshot, ownership, takeover);
    let mut notes = still_ours(&compared, ownership);
    notes.extend(former::notes(desired, snapshot, ownership, &compared));
    let (attested, open) = attested(compared.found, ownership, &mut notes);

    let mut observed = World::observed(snapshot);
    declare(&mut observed, desired);
    // What somebody vouched for is so, although it cannot be read.
    let before = predicted(&observed, desired, &attested);
    let mut open = open;
    let mut refused = compared.refused.clone();
    let mut after = predicted(&before, desired, &open);
    let mut ordered = ordered(&open, &before, &after)?;
    if let Some(narrowing) = narrowing.filter(|narrowing| !narrowing.is_none()) {
        let all = ordered.steps;
        open = narrow::narrow(open, &all, narrowing);
        refused = narrow::refused(refused, desired, narrowing);
        after = predicted(&before, desired, &open);
        ordered = self::ordered(&open, &before, &after)?;
        notes.push(narrow::said(narrowing, &all, &ordered.steps));
    }
    notes.extend(compared.blocked.iter().map(|one| {
        let is_kept = narrowing.is_none_or(|narrowing| narrow::concerns(one, &open, narrowing));
        if is_kept { blocked(one) } else { left_out(one) }
    }));
    let Ordered { steps, unkept } = ordered;
    let mut steps = drop_confirmed(steps, ownership, &mut notes);
    let counted = fewer::judge(snapshot, ownership, safety.max_fewer, acceptance, &open);
    notes.extend(counted.notes);
    take_over(&mut steps, &open, &snapshot.surroundings.writes);
    notes.extend(give_out(&mut steps, &snapshot.surroundings.writes));
    notes.extend(said_unkept(&unkept, &after));
    let view = View {
        world: &before,
        desired: Some(desired),
        snapshot: Some(snapshot),
        ownership: Some(ownership),
        planned: None,
    };
    let planned = planned(&open, &refused);
    let will = View {
        world: &after,
        planned: Some(&planned),
        ..view
    };
    notes.extend(judge(&view, &will, &touched(&open)));
    let names = names(snapshot);
    let mut changes = said_to_be_taken(objects(&open, &names), &compared.taken);
    let impact = if open.is_empty() {
        Impact::default()
    } else {
        let clients = snapshot.surroundings.clients.known().map(Vec::as_slice);
        let (was, will) = (Selector::new(&before), Selector::new(&after));
        let emptied = emptied(&before, &after, (&was, &will), clients);
        said_to_hold(&mut changes, &emptied);
        notes.extend(warned(&emptied));
        impact(&was, &will, clients)
    };
    let picture = if open.is_empty() {
        Picture::default()
    } else {
        picture(&before, &after, &changes)
    };
    notes.extend(stale_since.map(stale));
    notes.extend(stranded(&impact.stranded, allow_stranded));
    let reach = reach(&open, snapshot, &before, &after);
    let bounds = Bounds {
        safety,
        overrides,
        now,
    };
    let judged = limits::judge(&reach, &impact, &steps, bounds);
    notes.extend(judged.notes);
    // A word changes nothing of what the steps rely on, whenever it is given.
    let snapshot_digest = digest::relied_on(&steps, snapshot);
    let records = counted.records.into_iter().chain(judged.records);
    let steps = recorded_first(records.collect(), steps);
    notes.sort();
    notes.dedup();
    Ok(Plan {
        tool_version: tool_version.to_owned(),
        platform: snapshot.platform.clone(),
        lineage: lineage.to_owned(),
        serial,
        journal_sequence,
        desired_digest: digest::declared(desired),
        snapshot_digest,
        stale_since: stale_since.map(ToOwned::to_owned),
        changes,
        impact,
        picture,
        reach,
        names: to_find(&steps, names),
        steps,
        notes,
        counts: counted.counts,
    })
}

/// Says that what a plan stands on was not read for it.
fn stale(since: &str) -> Note {
    Note {
        severity: Severity::Warning,
        standing: Standing::Remains,
        id: STALE.into(),
        message: format!("this plan is made of what was read on {since}, and of nothing that changed since"),
        remedy: "plan without `--refresh=false` where you can; each step looks before it writes all the same".into(),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    }
}

fn ordered(open: &[Found], before: &World, after: &World) -> Result<Ordered, OrderError> {
    plan_steps(open, &Context { before, after })
}

/// Says who would be left without a server; that blocks where it is more than somebody allows.
///
/// Where clients could not be read, every address of a known subnet counts as one: there may be a client at each.
fn stranded(stranded: &Stranded, allowed: u64) -> Option<Note> {
    let Stranded {
        extent,
        spans,
        examples,
    } = stranded;
    let Extent { addresses, clients } = *extent;
    let stranded = clients.unwrap_or(addresses);
    if stranded == 0 {
        return None;
    }
    let mut which: Vec<String> = match clients {
        Some(_) => examples
            .iter()
            .take(3)
            .map(|name| format!("`{name}`"))
            .collect(),
        None => spans
            .iter()
            .take(3)
            .map(|span| format!("`{span}`"))
            .collect(),
    };
    let listed = u64::try_from(which.len()).unwrap_or(u64::MAX);
    let total = clients.unwrap_or(u64::try_from(spans.len()).unwrap_or(u64::MAX));
    if total > listed {
        which.push("others".to_owned());
    }
    let what = match (clients, stranded) {
        (Some(_), 1) => "1 client has".to_owned(),
        (Some(_), _) => format!("{stranded} clients have"),
        (None, 1) => "1 address has".to_owned(),
        (None, _) => format!("{stranded} addresses have"),
    };
    let blocks = stranded > allowed;
    Some(Note {
        severity: if blocks {
            Severity::Error
        } else {
            Severity::Warning
        },
        standing: if blocks {
            Standing::Blocks
        } else {
            Standing::Remains
        },
        id: "stranded".into(),
        message: format!(
            "{what} a package and a task server now and, by some reading of the sources, not both after this plan: {}{}",
            which.join(", "),
            if clients.is_some() {
                ""
            } else {
                "; which clients there are is not known"
            },
        ),
        remedy: format!(
            "give their site a package and a task server, or pass `--allow-stranded {stranded}`"
        ),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    })
}

/// Says where the order of the steps cannot promise that every address stays served.
fn said_unkept(unkept: &Unkept, world: &World) -> Vec<Note> {
    let Unkept { sites, outside } = unkept;
    let note = |message: String, remedy: &str| Note {
        severity: Severity::Warning,
        standing: Standing::Remains,
        id: UNKEPT.into(),
        message,
        remedy: remedy.into(),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    };
    let mut notes = Vec::new();
    if !sites.is_empty() {
        let names: BTreeSet<String> = sites
            .iter()
            .map(|site| format!("`{}`", world.site_name(*site)))
            .collect();
        let names: Vec<String> = names.into_iter().collect();
        notes.push(note(
            format!(
                "between two steps, clients of {} may be without a server: their servers move with their subnets, \
                 and no order was found in which each always has one",
                names.join(", ")
            ),
            "assign a server to each of these sites, at least until the plan is applied",
        ));
    }
    if !outside.is_empty() {
        let roles: Vec<String> = outside.iter().map(|role| format!("`{role}`")).collect();
        notes.push(note(
            format!(
                "while some subnets are in sites and others are not, clients in no site have, by one reading of the \
                 sources, no server: the SMP itself lacks {}",
                roles.join(" and ")
            ),
            "give the SMP itself the role, at least until the plan is applied",
        ));
    }
    notes
}

/// Says at each subnet that is taken over from whom.
fn said_to_be_taken(
    mut changes: Vec<ObjectChange>,
    taken: &BTreeMap<Subnet, Takeover>,
) -> Vec<ObjectChange> {
    for change in changes.iter_mut().filter(|change| change.kind == "Subnet") {
        let from = change
            .name
            .parse()
            .ok()
            .and_then(|subnet: Subnet| taken.get(&subnet));
        if let Some(takeover) = from {
            let sites: Vec<String> = takeover.from.iter().map(|s| format!("`{s}`")).collect();
            change.note = Some(format!(
                "taken over from {}, which is not declared",
                sites.join(", ")
            ));
        }
    }
    changes
}

/// Says of each protected site that is no longer declared, and that nothing else is said of, that it stays ours.
fn still_ours(compared: &Diff, ownership: &Ownership) -> Vec<Note> {
    let adopted = |guid: &Guid| {
        let owned = ownership.sites.get(guid);
        owned.is_some_and(|owned| owned.how == Held::Adopted)
    };
    let kept = compared.kept.iter().filter(|(guid, _)| adopted(guid));
    kept.map(|(_, name)| Note {
        severity: Severity::Info,
        standing: Standing::Remains,
        id: "protected".into(),
        message: format!(
            "site `{name}` is no longer declared and stays ours, as it is: `preventDestroy` protects it"
        ),
        remedy: "to let go of it, declare it with `preventDestroy: false`, apply, then take the declaration out"
            .into(),
        sources: Vec::new(),
        places: Vec::new(),
        allowed: None,
    })
    .collect()
}

fn blocked(blocked: &Blocked) -> Note {
    let Blocked {
        code,
        object,
        reason,
        hint,
        origin,
        about: _, // for plans of a part
    } = blocked;
    Note {
        severity: Severity::Error,
        standing: Standing::Blocks,
        id: (*code).to_owned(),
        message: format!("{object}: {reason}"),
        remedy: hint.clone(),
        sources: Vec::new(),
        places: origin.iter().cloned().collect(),
        allowed: None,
    }
}

/// What is blocked, and is no part of this plan.
fn left_out(one: &Blocked) -> Note {
    let note = blocked(one);
    Note {
        severity: Severity::Warning,
        standing: Standing::Remains,
        message: format!("{}; this plan leaves it out", note.message),
        ..note
    }
}

/// Parts what people vouched for from what is still to be done.
fn attested(
    changes: Vec<Found>,
    ownership: &Ownership,
    notes: &mut Vec<Note>,
) -> (Vec<Found>, Vec<Found>) {
    changes.into_iter().partition(|found| {
        // What can be read needs nobody's word, and nobody's word outweighs it.
        let unreadable = match &found.change {
            // A word that was given for a site of the name is none for one that is yet to be created.
            Change::Constrain { site, before, .. } => before.is_none() && site.guid.is_some(),
            Change::Role { readable, .. } | Change::CaptureTarget { readable, .. } => !readable,
            Change::InvalidSubnets { .. } => true,
            _ => false,
        };
        let Some((step, asked)) = console(&found.change).filter(|_| unreadable) else {
            return false;
        };
        let Some(word) = word(ownership, &step, &asked) else {
            return false;
        };
        let places = found.origin.iter().cloned().collect();
        notes.push(attestation(&step, word, places));
        true
    })
}

/// The attestation of a console step, where it vouches for the very value that is asked for.
fn word<'a>(
    ownership: &'a Ownership,
    step: &StepId,
    asked: &ConsoleStep,
) -> Option<&'a Attestation> {
    ownership
        .attestations
        .get(&step.0)
        .filter(|attestation| attestation.value == console_value(asked))
}

fn attestation(step: &StepId, attestation: &Attestation, places: Vec<Origin>) -> Note {
    let Attestation {
        value,
        reason,
        by,
        at,
    } = attestation;
    Note {
        severity: Severity::Info,
        standing: Standing::Remains,
        id: "attested".into(),
        message: format!("`{step}` is `{value}`: attested by {by} on {at}: {reason}"),
        remedy: String::new(),
        sources: Vec::new(),
        places,
        allowed: None,
    }
}

/// Takes out the waits for package servers whose content somebody vouched for; what waited for such a step waits for
/// what it waited for.
fn drop_confirmed(steps: Vec<Step>, ownership: &Ownership, notes: &mut Vec<Note>) -> Vec<Step> {
    let mut kept: Vec<Step> = Vec::with_capacity(steps.len());
    // For each step of the plan as it was: the positions that stand for it now.
    let mut stands_for: Vec<Vec<u32>> = Vec::with_capacity(steps.len());
    for mut step in steps {
        let depends_on: BTreeSet<u32> = step
            .depends_on
            .iter()
            .filter_map(|on| stands_for.get(usize::try_from(*on).ok()?))
            .flatten()
            .copied()
            .collect();
        step.depends_on = depends_on.into_iter().collect();
        if let Action::Console(asked @ ConsoleStep::ConfirmHolder { .. }) = &step.action
            && let Some(word) = word(ownership, &step.id, asked)
        {
            notes.push(attestation(&step.id, word, Vec::new()));
            stands_for.push(step.depends_on);
            continue;
        }
        stands_for.push(u32::try_from(kept.len()).into_iter().collect());
        kept.push(step);
    }
    kept
}

/// The names of the package servers and sites that a person has to give a package to.
fn to_find(steps: &[Step], mut names: Names) -> Names {
    let mut wanted: BTreeSet<Guid> = BTreeSet::new();
    for step in steps.iter().filter(|step| !step.by.is_api()) {
        if let Action::AssignPackage { after, .. } = &step.action {
            match after {
                Assignment::All => {}
                Assignment::Servers(guids) => wanted.extend(guids),
                Assignment::Sites { sites, .. } => wanted.extend(sites),
            }
        }
    }
    names.retain(|guid, _| wanted.contains(guid));
    names
}

/// Names of everything that a field of a change may point at.
fn names(snapshot: &Snapshot) -> Names {
    let sites = snapshot.sites.known().into_iter().flatten();
    let packages = snapshot.packages.known().into_iter().flatten();
    sites
        .map(|site| (site.guid, site.name.clone()))
        .chain(packages.map(|package| (package.guid, package.name.clone())))
        .chain(
            snapshot
                .computers
                .values()
                .map(|computer| (computer.guid, computer.name.clone())),
        )
        .collect::<BTreeMap<_, _>>()
}
