//! The rows that the server itself decides: boundaries, load, captured images.
//!
//! Pure.

use std::collections::BTreeSet;

use super::rows::{Frame, Seen};
use super::{Differing, Row, Verdict, count};
use crate::model::{Guid, Load, Name, Observed};
use crate::plan::Severity;
use crate::validate::findings;

impl Seen<'_> {
    pub(super) fn boundaries(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "no-overlap",
            title: "No DeploymentSite has a subnet overlap with another site",
            evidence: &["associations.subnetToSite"],
            look: "Settings > Notification Server > Site Server Settings > Sites",
        };
        let expected = "exact boundaries, but for carve-outs";
        if self.servers.is_empty() {
            return FRAME.row(
                Verdict::Unknown,
                expected,
                "no DeploymentSite is declared that exists on this server",
                vec![],
            );
        }
        for (part, reason) in [
            ("sites", self.input.snapshot.sites.reason()),
            ("subnets", self.input.snapshot.subnets.reason()),
        ] {
            if let Some(reason) = reason {
                let found = format!("{part} cannot be read: {reason}");
                return FRAME.row(Verdict::Unknown, expected, found, vec![]);
            }
        }
        let differing: Vec<Differing> = findings(&self.input.view)
            .into_iter()
            .filter(|(check, finding)| {
                ["subnet-overlap", "subnet-in-two-sites"].contains(&check.id)
                    && finding.severity != Severity::Info
                    && self.concerns_deployment(&finding.objects)
            })
            .map(|(check, finding)| Differing {
                name: Name::new(check.id),
                found: finding.message,
                why: finding.remedy,
            })
            .collect();
        if differing.is_empty() {
            FRAME.row(Verdict::Met, expected, "no overlap", vec![])
        } else {
            let found = count(differing.len(), "overlap");
            FRAME.row(Verdict::NotMet, expected, found, differing)
        }
    }

    fn concerns_deployment(&self, objects: &BTreeSet<String>) -> bool {
        self.servers.keys().any(|site| {
            objects.contains(&format!(
                "site {}",
                self.world.site_name(*site).to_lowercase()
            ))
        })
    }

    pub(super) fn load(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "smp-load",
            title: "A deployment job puts no package or task load on the SMP",
            evidence: &["evidence.serverLoad", "evidence.packageSources"],
            look: "the SMP's own performance counters before and during a deployment job",
        };
        let tolerance = self.input.tolerance;
        let expected = format!("not above the baseline by more than {tolerance} %");
        let unknown = |found: String| FRAME.row(Verdict::Unknown, expected.clone(), found, vec![]);
        let platform = self.input.snapshot.platform.server;
        let now = match &self.input.happenings.load {
            Observed::Known(load) => load.get(&platform),
            Observed::Unavailable(reason) => {
                return unknown(format!("load cannot be read: {reason}"));
            }
        };
        let Some(baseline) = self.input.baseline else {
            return unknown("there is no baseline: take one before the job".into());
        };
        let before = baseline.load.as_ref().and_then(|load| load.get(&platform));
        let (Some(now), Some(before)) = (now, before) else {
            return unknown("the server shows no load of the SMP".into());
        };
        let Load { package, task } = *now;
        let found = format!(
            "packages {} -> {package}, tasks {} -> {task} since {}",
            before.package, before.task, baseline.taken_at
        );
        if !self.deployed_since() {
            let found = format!("no deployment since the baseline ({found})");
            return FRAME.row(Verdict::NotObserved, expected, found, vec![]);
        }
        let risen = |before: u64, now: u64| {
            u128::from(now) * 100 > u128::from(before) * (100 + u128::from(tolerance))
        };
        let verdict = if risen(before.package, package) || risen(before.task, task) {
            Verdict::NotMet
        } else {
            Verdict::Met
        };
        FRAME.row(verdict, expected, found, vec![])
    }

    /// Whether a deployment client fetched a package that is deployed since the baseline.
    fn deployed_since(&self) -> bool {
        let clients: BTreeSet<Guid> = self
            .inside
            .known()
            .into_iter()
            .flatten()
            .map(|deployed| deployed.client.guid)
            .collect();
        self.fetches()
            .known()
            .into_iter()
            .flatten()
            .any(|fetch| clients.contains(&fetch.client))
    }

    pub(super) fn captures(&self) -> Row {
        const FRAME: Frame = Frame {
            id: "capture-image",
            title: "Captured images go to the declared target",
            evidence: &["evidence.images", "settings.captureTarget"],
            look: "Settings > Deployment > DS Global Settings > Default Target, and the location of \
                   the newest image",
        };
        let declared = self
            .input
            .view
            .desired
            .and_then(|desired| desired.settings.capture_target.as_ref())
            .map(|target| target.value.clone());
        let present = self
            .world
            .capture_target
            .flatten()
            .map(|guid| self.name(guid));
        let Some(target) = declared.or(present) else {
            return FRAME.row(
                Verdict::Unknown,
                "a capture target",
                "none is declared, and none can be read",
                vec![],
            );
        };
        let expected = format!("`{target}`");
        let images = match &self.input.happenings.images {
            Observed::Known(images) => images,
            Observed::Unavailable(reason) => {
                let found = format!("images cannot be read: {reason}");
                return FRAME.row(Verdict::Unknown, expected, found, vec![]);
            }
        };
        let Some(known) = self.input.baseline.and_then(|b| b.images.as_ref()) else {
            return FRAME.row(
                Verdict::Unknown,
                expected,
                "there is no baseline that says which images are new",
                vec![],
            );
        };
        let mut right = 0;
        let mut nowhere = 0;
        let mut differing = Vec::new();
        for image in images.iter().filter(|image| !known.contains(&image.guid)) {
            match &image.host {
                None => nowhere += 1,
                Some(host) if host.names_same(&target) => right += 1,
                Some(host) => differing.push(Differing {
                    name: image.name.clone(),
                    found: format!("on {host}"),
                    why: "captures go to the Default Target that is set when the job runs".into(),
                }),
            }
        }
        let (verdict, found) = match (differing.len(), right, nowhere) {
            (0, 0, 0) => (
                Verdict::NotObserved,
                "no image was captured since the baseline".to_owned(),
            ),
            (0, 0, _) => (
                Verdict::Unknown,
                "the location of the new images names no server".to_owned(),
            ),
            (0, right, _) => (Verdict::Met, count(right, "new image")),
            (wrong, right, _) => (
                Verdict::NotMet,
                format!("{right} of {}", count(right + wrong, "new image")),
            ),
        };
        FRAME.row(verdict, expected, found, differing)
    }
}
