//! What the world changed since our last run: two snapshots and the declaration → [`Drift`].
//!
//! ```text
//! baseline (after our last apply) ─┐            ┌─ ours to undo: the declaration says otherwise
//!                                  ├─ compare ──┼─ agreed: the declaration says so now, too
//! snapshot now ────────────────────┘            └─ undeclared: nothing declared speaks of it
//! plan of the declaration ── what no difference explains ── pending: the declaration changed
//! ```
//!
//! Pure. Nothing is listed as changed without a field that differs, and what could not be read is neither changed nor
//! gone. What a run of ours did after the baseline was kept is no difference of the world.

mod cause;
mod compare;
mod held;
mod impact;
mod own;
mod rounds;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use crate::journal::Entry;
use crate::model::{Acknowledgement, CountedKind, Desired, Name, Origin, Ownership, Snapshot};
use crate::plan::{Changed, Field, ObjectChange, Plan};
use crate::select::Impact;
use compare::{Compared, Kind, Raw, both_names, compare, sort};

pub use compare::{NO_SITE, names_of};
pub use own::undone;
pub use rounds::{History, News, ROUNDS, flaps, noted, taken_back, told, with};

/// How a difference stands to the declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// The declaration says otherwise: the next plan undoes it.
    Undo,
    /// Nothing declared speaks of it.
    Undeclared,
    /// The declaration says so now, too: no drift.
    Agreed,
}

/// One field that is not what our last run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Names it, from one round to the next: `Site/HQ:description`, `Subnet/10.0.0.0/24:site`.
    pub key: String,
    /// `Site`, `Subnet`, `SiteServer`, `Package` or `PlatformSettings`.
    pub kind: String,
    /// The name of the object.
    pub name: String,
    /// The field, by its name in manifests.
    pub field: String,
    /// What our last run left; null where there was nothing.
    pub before: Option<String>,
    /// What is there now; null where there is nothing.
    pub after: Option<String>,
    /// Whether the declaration speaks of the field.
    pub managed: bool,
    /// How it stands to the declaration.
    pub standing: Standing,
    /// Who did it, where the SMP says so; no documented answer of it does, so it is null.
    pub by: Option<String>,
    /// What may have done it; never certain.
    pub cause: Option<String>,
    /// Somebody's word that it is fine for a while.
    pub acknowledged: Option<Acknowledgement>,
    /// Somebody's word that does not count any more, and why.
    pub lapsed: Option<Lapsed>,
    /// Where the field is declared, `file:line:column`.
    #[serde(serialize_with = "place")]
    #[schemars(with = "Option<String>")]
    pub place: Option<Origin>,
}

/// A word that does not count any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lapsed {
    /// The word.
    pub word: Acknowledgement,
    /// Whether its day is over; else it was given for another value.
    pub expired: bool,
}

/// A difference that comes back whatever we do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Flapping {
    /// Its key.
    pub key: String,
    /// How often it appeared.
    pub seen: u32,
    /// How often a run of ours took it back.
    pub undone: u32,
    /// What may do it; never certain.
    pub cause: Option<String>,
    /// Whether it was not told before.
    pub new: bool,
}

/// What the world changed, and what it did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// When our last run looked, RFC 3339; null where no run of ours is on record, and nothing can be told apart.
    pub since: Option<String>,
    /// What differs from what it left, sorted by object and field.
    pub changes: Vec<Change>,
    /// How many differences are left out: nothing declared speaks of them, and they touch no address of declared sites.
    pub hidden: usize,
    /// What the declaration asks for and no difference explains.
    pub pending: Vec<ObjectChange>,
    /// What comes back whatever we do.
    pub flapping: Vec<Flapping>,
    /// What could not be compared, and why.
    pub unseen: Vec<String>,
    /// What the differences mean for client addresses.
    pub impact: Impact,
}

/// What our last run left.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    /// When it looked, RFC 3339.
    pub taken_at: &'a str,
    /// What it saw.
    pub snapshot: &'a Snapshot,
    /// What the journal gained since.
    pub since: &'a [Entry],
}

/// Everything that drift is made of.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What our last run left; `None` where that is not known.
    pub baseline: Option<Baseline<'a>>,
    /// What is there now.
    pub now: &'a Snapshot,
    /// What is declared.
    pub desired: &'a Desired,
    /// The plan of it for what is there now; it knows how far the journal went before that was read.
    pub plan: &'a Plan,
    /// What is remembered: words and rounds.
    pub ownership: &'a Ownership,
    /// Whether differences are shown that touch nothing of ours.
    pub all: bool,
    /// The time, which words are held against.
    pub at: Timestamp,
}

impl Change {
    /// Whether it is one that somebody has to see to.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.standing != Standing::Agreed && self.acknowledged.is_none()
    }
}

impl Drift {
    /// Whether the world changed something that nobody called fine.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        self.changes.iter().any(Change::counts)
    }

    /// Whether it can be told that there is none.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.unseen.is_empty() && (self.since.is_some() || self.pending.is_empty())
    }

    /// The keys of everything that a run of ours might take back.
    #[must_use]
    pub fn open(&self) -> BTreeSet<&str> {
        let open = self.changes.iter();
        open.filter(|change| change.standing != Standing::Agreed)
            .map(|change| change.key.as_str())
            .collect()
    }
}

/// Says what the world changed.
///
/// # Guarantees
/// The result depends on the arguments only. A world against itself has no changes; what the declaration agrees with is
/// no drift.
///
/// # Assumptions
/// `now` was read with the scope of `desired`, and the baseline is said for that scope.
#[must_use]
pub fn drift(input: &Inputs<'_>) -> Drift {
    let Inputs {
        baseline,
        now,
        desired,
        plan,
        ownership,
        all,
        at,
    } = *input;
    let Some(baseline) = baseline else {
        return Drift {
            since: None,
            changes: Vec::new(),
            hidden: 0,
            pending: pending(plan, &[]),
            flapping: Vec::new(),
            unseen: Vec::new(),
            impact: Impact::default(),
        };
    };
    let in_doubt = in_doubt(plan);
    let Compared {
        changes: raw,
        mut unseen,
    } = compare(baseline.snapshot, now, &in_doubt);
    unseen.extend(fields_unseen(desired, baseline.snapshot, now));
    unseen.sort();
    unseen.dedup();
    let names = both_names(baseline.snapshot, now);
    let ours = own::LeftByRuns::of(baseline.since, &names, plan.journal_sequence);
    let mut raw = ours.judge(raw, now, &names, &in_doubt);
    sort(&mut raw);
    let judge = standing::Judge::new(desired, baseline.snapshot, now, &plan.changes);
    let mut hidden = 0;
    let mut changes = Vec::new();
    for raw in &raw {
        let judged = judge.judge(raw);
        if judged.shown || all {
            changes.push(change(raw, judged, now, ownership, at));
        } else {
            hidden += 1;
        }
    }
    let flapping = changes
        .iter()
        .filter(|change| change.standing != Standing::Agreed)
        .filter_map(|change| flapping(change, ownership))
        .collect();
    let impact = if changes.is_empty() {
        Impact::default()
    } else {
        impact::between(baseline.snapshot, now)
    };
    Drift {
        since: Some(baseline.taken_at.to_owned()),
        changes,
        hidden,
        pending: pending(plan, &raw),
        flapping,
        unseen,
        impact,
    }
}

/// Kinds whose lists are shorter than they should be: what is not in them may be hidden from us.
fn in_doubt(plan: &Plan) -> BTreeSet<CountedKind> {
    let counted = |kind: &CountedKind| plan.counts.contains_key(kind);
    CountedKind::ALL
        .into_iter()
        .filter(|kind| !counted(kind))
        .collect()
}

/// Declared fields that our last run could read and this one could not.
fn fields_unseen(desired: &Desired, before: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut unseen = Vec::new();
    let known: BTreeMap<&Name, _> = (before.sites.known().into_iter().flatten())
        .map(|site| (&site.name, site))
        .collect();
    for site in now.sites.known().into_iter().flatten() {
        let (Some(was), Some(declared)) = (known.get(&site.name), desired.sites.get(&site.name))
        else {
            continue;
        };
        let told = |what: &str, reason: &str| format!("{what} of site `{}`: {reason}", site.name);
        if declared.description.is_some()
            && was.description.known().is_some()
            && let Some(reason) = site.description.reason()
        {
            unseen.push(told("description", reason));
        }
        if declared.constrain.is_some()
            && was.constrained.known().is_some()
            && let Some(reason) = site.constrained.reason()
        {
            unseen.push(told("Constrain to Site", reason));
        }
    }
    if desired.settings.capture_target.is_some()
        && before.capture_target.known().is_some()
        && let Some(reason) = now.capture_target.reason()
    {
        unseen.push(format!("capture target: {reason}"));
    }
    unseen
}

fn same_value(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(Name::new) == other.map(Name::new)
}

fn change(
    raw: &Raw,
    judged: standing::Judged,
    now: &Snapshot,
    ownership: &Ownership,
    at: Timestamp,
) -> Change {
    let key = raw.key();
    let standing::Judged {
        standing,
        managed,
        place,
        shown: _, // decided
    } = judged;
    let (acknowledged, lapsed) = match word(ownership, &key) {
        None => (None, None),
        Some(word) => {
            let expired = expired(word, at);
            if !expired && same_value(word.value.as_deref(), raw.after.as_deref()) {
                (Some(word.clone()), None)
            } else {
                let word = word.clone();
                (None, Some(Lapsed { word, expired }))
            }
        }
    };
    Change {
        key,
        kind: raw.kind.as_str().to_owned(),
        name: raw.name.clone(),
        field: raw.field.to_owned(),
        before: raw.before.clone(),
        after: raw.after.clone(),
        managed,
        standing,
        by: None,
        cause: cause::possible(raw, now),
        acknowledged,
        lapsed,
        place,
    }
}

/// Somebody's word for a key; keys are names, so their case does not matter.
fn word<'o>(ownership: &'o Ownership, key: &str) -> Option<&'o Acknowledgement> {
    let words = &ownership.acknowledged;
    words.get(key).or_else(|| {
        let mut others = words.iter();
        others.find_map(|(other, word)| other.eq_ignore_ascii_case(key).then_some(word))
    })
}

/// Whether the last day of a word is over, in UTC; a day that cannot be read is.
fn expired(word: &Acknowledgement, at: Timestamp) -> bool {
    let today = jiff::tz::TimeZone::UTC.to_datetime(at).date();
    word.until
        .parse::<Date>()
        .map_or(true, |until| today > until)
}

fn flapping(change: &Change, ownership: &Ownership) -> Option<Flapping> {
    let rounds = ownership.rounds.get(&change.key)?;
    // It is there now, whether or not that was noted already.
    (rounds.undone >= ROUNDS).then(|| Flapping {
        key: change.key.clone(),
        seen: rounds.seen.saturating_add(u32::from(!rounds.open)),
        undone: rounds.undone,
        cause: change.cause.clone(),
        new: !rounds.told,
    })
}

/// What the plan changes and no difference explains.
fn pending(plan: &Plan, changes: &[Raw]) -> Vec<ObjectChange> {
    let mut left = Vec::new();
    for object in &plan.changes {
        if matches!(object.change, Changed::Adopt | Changed::Release) {
            continue;
        }
        let of_it: Vec<&Raw> = changes
            .iter()
            .filter(|raw| raw.kind.as_str() == object.kind && same_object(raw, object))
            .collect();
        // What is gone comes back with everything that it had.
        let whole = of_it.iter().any(|raw| raw.field == compare::field::NAME)
            || of_it.iter().any(|raw| raw.kind == Kind::Subnet);
        if whole {
            continue;
        }
        let fields: Vec<Field> = object
            .fields
            .iter()
            .filter(|field| !of_it.iter().any(|raw| explains(raw, field)))
            .cloned()
            .collect();
        if !fields.is_empty() {
            left.push(ObjectChange {
                fields,
                ..object.clone()
            });
        }
    }
    left
}

fn same_object(raw: &Raw, object: &ObjectChange) -> bool {
    let named = |name: &str| Name::new(name).names_same(&Name::new(&object.name));
    match raw.kind {
        Kind::PlatformSettings => true,
        // A site that was given another name is missed under the old one.
        Kind::Site if raw.field == compare::field::NAME => [&raw.before, &raw.after]
            .into_iter()
            .flatten()
            .any(|name| named(name)),
        Kind::SiteServer => named(&raw.name),
        Kind::Site | Kind::Subnet | Kind::Package => {
            Name::new(&raw.name) == Name::new(&object.name)
        }
    }
}

/// Whether a difference is what a field of the plan takes back.
fn explains(raw: &Raw, field: &Field) -> bool {
    if raw.field != field.name {
        return false;
    }
    match &raw.item {
        None => true,
        Some(item) => {
            let values = [&field.before, &field.after];
            let mut values = values.into_iter().flatten();
            values.any(|value| Name::new(value).names_same(&Name::new(item)))
        }
    }
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn place<S: Serializer>(place: &Option<Origin>, to: S) -> Result<S::Ok, S::Error> {
    match place {
        Some(place) => to.collect_str(place),
        None => to.serialize_none(),
    }
}
