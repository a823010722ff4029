//! What a step of ours leaves in a field: [`Action`] → keys with their values.
//!
//! Pure. By it a difference that a run of ours made, and could not look at in the end, is told from one of the world,
//! and one of the world is known to be taken back.

use super::compare::{Kind, NO_SITE, field, key};
use crate::journal::{Entry, Fact};
use crate::model::{Action, Assignment, ConsoleStep, Name, SiteRef, Step, Subnet};
use crate::plan::{Names, assignment};

/// A key with what a step leaves there.
pub(super) type Left = (String, Option<String>);

/// What the steps of runs left that began after a moment, be they known to be done or not.
pub(super) fn left_by_runs(since: &[Entry], names: &Names) -> Vec<Left> {
    let steps = since.iter().filter_map(|entry| match &entry.fact {
        Fact::StepStarted { step } => Some(step),
        _ => None,
    });
    steps.flat_map(|step| left_by(step, names)).collect()
}

/// The keys that the steps which are done are about.
#[must_use]
pub fn undone(done: &[&Step], names: &Names) -> Vec<String> {
    let left = done.iter().flat_map(|step| left_by(step, names));
    left.map(|(key, _)| key).collect()
}

fn left_by(step: &Step, names: &Names) -> Vec<Left> {
    let site = |site: &Name, name, value: Option<String>| -> Left {
        (key(Kind::Site, site.as_str(), name, None), value)
    };
    let subnet = |subnet: &Subnet, value: Option<String>| -> Left {
        (
            key(Kind::Subnet, &subnet.to_string(), field::SITE, None),
            value,
        )
    };
    let package = |name: &Name, after: &Assignment, created: &[Name]| -> Left {
        let key = key(Kind::Package, name.as_str(), field::ASSIGNMENT, None);
        (key, Some(assignment(after, created, names)))
    };
    let constrained =
        |of: &SiteRef, on: bool| site(&of.name, field::CONSTRAIN, Some(on.to_string()));
    let target = |name: &Name| -> Left {
        let key = key(Kind::PlatformSettings, "", field::CAPTURE_TARGET, None);
        (key, Some(name.to_string()))
    };
    let item = |kind, of: &Name, name, item: &str, there: bool| -> Left {
        let key = key(kind, of.as_str(), name, Some(item));
        (key, there.then(|| item.to_owned()))
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
        Action::AssignServer { server, site } => {
            vec![item(
                Kind::Site,
                &site.name,
                field::SERVERS,
                server.name.as_str(),
                true,
            )]
        }
        Action::UnassignServer { server, site } => {
            vec![item(
                Kind::Site,
                &site.name,
                field::SERVERS,
                server.name.as_str(),
                false,
            )]
        }
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
