//! What a step of ours leaves in a field: [`Action`] → fields with their values.
//!
//! Pure. By it a difference that a run of ours made, and could not look at in the end, is told from one of the world,
//! and one of the world is known to be taken back.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Kind, NO_SITE, Raw, SETTINGS, field, key};
use super::held::{Value, held};
use super::same_value;
use crate::journal::{Entry, Fact};
use crate::model::{
    Action, Assignment, ConsoleStep, CountedKind, Name, Outcome, RunId, ServerRef, SiteRef,
    Snapshot, Step, StepId, Subnet, same_text,
};
use crate::plan::{Names, assignment};

/// A field, or an item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) field: &'static str,
    pub(super) item: Option<String>,
}

impl Place {
    fn key(&self) -> String {
        key(self.kind, &self.name, self.field, self.item.as_deref())
    }

    /// Whether two values of it are one.
    fn same(&self, one: Option<&str>, other: Option<&str>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) if self.field == field::DESCRIPTION => same_text(one, other),
            _ => same_value(one, other),
        }
    }
}

/// A place with what a step leaves there.
type Left = (Place, Option<String>);

/// What runs left in one place after a moment.
#[derive(Debug)]
struct Ours {
    place: Place,
    /// What the last step left that is known to be done.
    sure: Option<Value>,
    /// What steps after it may have left, of which nobody knows what came of them.
    maybe: Vec<Value>,
}

/// What steps of runs left that began after a moment, by key, whose case does not matter.
#[derive(Debug)]
pub(super) struct LeftByRuns(BTreeMap<Name, Ours>);

impl LeftByRuns {
    /// Records up to the number `known` were written before the world was read. Later ones are of runs beside the look, or
    /// of the one that it is for: nobody knows which of their steps the look saw.
    pub(super) fn of(since: &[Entry], names: &Names, known: u64) -> Self {
        let mut all: BTreeMap<Name, Ours> = BTreeMap::new();
        let mut begun: BTreeMap<(&RunId, &StepId), Vec<Left>> = BTreeMap::new();
        for entry in since {
            match &entry.fact {
                Fact::StepStarted { step } => {
                    let left = left_by(step, names);
                    for (place, value) in &left {
                        let key = Name::new(&place.key());
                        let ours = all.entry(key).or_insert_with(|| Ours {
                            place: place.clone(),
                            sure: None,
                            maybe: Vec::new(),
                        });
                        ours.maybe.push(Value(value.clone()));
                    }
                    begun.insert((&entry.run, &step.id), left);
                }
                Fact::StepEnded {
                    step,
                    outcome: Outcome::Done | Outcome::AlreadyDone,
                    milliseconds: _, // however long it took
                } if entry.sequence <= known => {
                    let left = begun.remove(&(&entry.run, step));
                    for (place, value) in left.into_iter().flatten() {
                        if let Some(ours) = all.get_mut(&Name::new(&place.key())) {
                            ours.sure = Some(Value(value));
                            ours.maybe.clear();
                        }
                    }
                }
                _ => {}
            }
        }
        Self(all)
    }

    /// What the world changed of differences from a baseline: without those that runs made, and with those that undo what
    /// runs made.
    pub(super) fn judge(
        &self,
        changes: Vec<Raw>,
        now: &Snapshot,
        names: &Names,
        in_doubt: &BTreeSet<CountedKind>,
    ) -> Vec<Raw> {
        let Self(all) = self;
        let mut judged = Vec::new();
        let mut told: BTreeSet<Name> = BTreeSet::new();
        for change in changes {
            let key = Name::new(&change.key());
            let Some(ours) = all.get(&key) else {
                judged.push(change);
                continue;
            };
            told.insert(key);
            if !ours.explains(change.after.as_deref()) {
                let sure = ours.sure.clone();
                let before = sure.map_or(change.before, |Value(sure)| sure);
                judged.push(Raw { before, ..change });
            }
        }
        for (key, ours) in all {
            let Some(Value(sure)) = ours.sure.as_ref().filter(|_| !told.contains(key)) else {
                continue;
            };
            // It is as it was before the run, or came to be with it.
            if let Some(Value(found)) = held(now, names, in_doubt, &ours.place)
                && !ours.explains(found.as_deref())
            {
                let Place {
                    kind,
                    name,
                    field,
                    item,
                } = ours.place.clone();
                judged.push(Raw {
                    kind,
                    name,
                    field,
                    item,
                    before: sure.clone(),
                    after: found,
                });
            }
        }
        judged
    }
}

impl Ours {
    fn explains(&self, found: Option<&str>) -> bool {
        let left = self.sure.iter().chain(&self.maybe);
        left.into_iter()
            .any(|Value(left)| self.place.same(left.as_deref(), found))
    }
}

/// The keys that the steps which are done are about.
#[must_use]
pub fn undone(done: &[&Step], names: &Names) -> Vec<String> {
    let left = done.iter().flat_map(|step| left_by(step, names));
    left.map(|(place, _)| place.key()).collect()
}

fn left_by(step: &Step, names: &Names) -> Vec<Left> {
    let place = |kind, name: &str, field, item: Option<&str>| Place {
        kind,
        name: name.to_owned(),
        field,
        item: item.map(ToOwned::to_owned),
    };
    let site = |site: &Name, name, value: Option<String>| -> Left {
        (place(Kind::Site, site.as_str(), name, None), value)
    };
    let subnet = |subnet: &Subnet, value: Option<String>| -> Left {
        let place = place(Kind::Subnet, &subnet.to_string(), field::SITE, None);
        (place, value)
    };
    let package = |name: &Name, after: &Assignment, created: &[Name]| -> Left {
        let place = place(Kind::Package, name.as_str(), field::ASSIGNMENT, None);
        (place, Some(assignment(after, created, names)))
    };
    let constrained =
        |of: &SiteRef, on: bool| site(&of.name, field::CONSTRAIN, Some(on.to_string()));
    let target = |name: &Name| -> Left {
        let kind = Kind::PlatformSettings;
        let place = place(kind, SETTINGS, field::CAPTURE_TARGET, None);
        (place, Some(name.to_string()))
    };
    let item = |kind, of: &Name, name, item: &str, there: bool| -> Left {
        let place = place(kind, of.as_str(), name, Some(item));
        (place, there.then(|| item.to_owned()))
    };
    let assigned = |server: &ServerRef, to: &SiteRef, there: bool| {
        let server = server.name.as_str();
        item(Kind::Site, &to.name, field::SERVERS, server, there)
    };
    match &step.action {
        Action::CreateSite {
            name,
            description,
            protected: _, // ours alone
        } => {
            let mut left = vec![site(name, field::NAME, Some(name.to_string()))];
            left.extend(
                description
                    .iter()
                    .map(|text| site(name, field::DESCRIPTION, Some(text.clone()))),
            );
            left
        }
        // Under whichever of its names the look before it knew the site.
        Action::RenameSite { site: of, before } => [before, &of.name]
            .map(|known| site(known, field::NAME, Some(of.name.to_string())))
            .into(),
        Action::DescribeSite {
            site: of, after, ..
        } => vec![site(&of.name, field::DESCRIPTION, Some(after.clone()))],
        Action::DeleteSite { site: of } => vec![site(&of.name, field::NAME, None)],
        Action::CreateSubnet { subnet: of, site }
        | Action::AssignSubnet {
            subnet: of, site, ..
        } => {
            vec![subnet(of, Some(site.name.to_string()))]
        }
        Action::UnassignSubnet { subnet: of, .. } => vec![subnet(of, Some(NO_SITE.to_owned()))],
        Action::DeleteSubnet { subnet: of, .. } => vec![subnet(of, None)],
        Action::AssignServer { server, site } => vec![assigned(server, site, true)],
        Action::UnassignServer { server, site } => vec![assigned(server, site, false)],
        Action::AssignPackage {
            package: of,
            after,
            created_sites,
            ..
        } => vec![package(&of.name, after, created_sites)],
        Action::Constrain { site: of, on }
        | Action::Console(ConsoleStep::Constrain { site: of, on }) => vec![constrained(of, *on)],
        Action::SetCaptureTarget { server, .. }
        | Action::Console(ConsoleStep::CaptureTarget { server }) => vec![target(&server.name)],
        Action::Console(ConsoleStep::InstallRole { server, role }) => {
            vec![item(
                Kind::SiteServer,
                &server.name,
                field::ROLES,
                role.as_str(),
                true,
            )]
        }
        Action::Console(
            ConsoleStep::InstallPlugIn { .. }
            | ConsoleStep::InvalidSubnets { .. }
            | ConsoleStep::ConfirmHolder { .. },
        )
        | Action::UpdateDistributionPoints { .. }
        | Action::AwaitHolders { .. }
        | Action::Record(_) => Vec::new(),
    }
}
