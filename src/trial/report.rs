//! What a trial found out, and what becomes of the profile: proven entries are verified, wrong ones corrected or lowered.
//!
//! Pure. An entry is corrected only where the server showed what is right; otherwise it is lowered, and the operator is
//! told.

use std::collections::BTreeMap;

use super::assumptions::{Finding, ROWS, Verdict};
use crate::profile::{AssociatedTypeArgument, Build, Profile, Standing, TypeRole};

/// What a trial found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    verdicts: BTreeMap<&'static str, (Verdict, String)>,
    /// Entries that a round trip proved, with how.
    proven: BTreeMap<String, String>,
    /// Entries that do not do what they are for, with why.
    refuted: BTreeMap<String, String>,
    /// What is otherwise than the profile says, as the server showed it.
    corrections: Vec<(Correction, String)>,
    /// What else people should know.
    pub remarks: Vec<String>,
}

/// Something of the profile that the server showed to be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// `associations.subnetToSite.replaces`.
    SubnetReplaces(bool),
    /// `associations.serverToSite.replaces`.
    ServerReplaces(bool),
    /// `associations.subnetToSite.parent`.
    SubnetParent(TypeRole),
    /// `associations.serverToSite.parent`.
    ServerParent(TypeRole),
    /// `calls.associatedTypeArgument`.
    TypeArgument(AssociatedTypeArgument),
}

/// What became of one entry of the profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: String,
    /// What it was and is.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Report {
    /// Notes that an assumption holds; what was said of it first stays.
    pub fn proves(&mut self, id: &'static str, evidence: impl Into<String>) {
        if self.verdict(id) == Verdict::NotTried {
            self.verdicts.insert(id, (Verdict::Proven, evidence.into()));
        }
    }

    /// Notes that an assumption does not hold.
    pub fn refutes(&mut self, id: &'static str, evidence: impl Into<String>) {
        self.verdicts
            .insert(id, (Verdict::Refuted, evidence.into()));
    }

    /// Notes why an assumption was not tried, where nothing is known of it yet.
    pub fn leaves(&mut self, id: &'static str, evidence: impl Into<String>) {
        self.verdicts
            .entry(id)
            .or_insert_with(|| (Verdict::NotTried, evidence.into()));
    }

    /// Adds to the evidence of an assumption.
    pub fn adds(&mut self, id: &'static str, evidence: &str) {
        if let Some((_, text)) = self.verdicts.get_mut(id) {
            text.push_str("; ");
            text.push_str(evidence);
        }
    }

    /// The verdict on an assumption.
    #[must_use]
    pub fn verdict(&self, id: &str) -> Verdict {
        self.verdicts
            .get(id)
            .map_or(Verdict::NotTried, |(verdict, _)| *verdict)
    }

    /// Notes that a round trip proved an entry.
    pub fn verifies(&mut self, path: &str, how: impl Into<String>) {
        self.proven.insert(path.to_owned(), how.into());
    }

    /// Notes that an entry does not do what it is for.
    pub fn lowers(&mut self, path: &str, why: impl Into<String>) {
        self.refuted.insert(path.to_owned(), why.into());
    }

    /// Corrects the profile of the trial, and notes it.
    pub fn corrects(&mut self, profile: &mut Profile, correction: Correction, why: &str) {
        correction.apply(profile);
        self.corrections.push((correction, why.to_owned()));
    }

    /// Every assumption in the order of the page.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        ROWS.iter()
            .map(|row| {
                let (verdict, evidence) = self
                    .verdicts
                    .get(row.id)
                    .cloned()
                    .unwrap_or_else(|| (Verdict::NotTried, row.untried.to_owned()));
                Finding {
                    id: row.id,
                    relied_on: row.relied_on,
                    verdict,
                    evidence,
                }
            })
            .collect()
    }

    /// Brings a profile up to what was found out; says what changed.
    ///
    /// # Guarantees
    /// What the operator gave by hand and nothing contradicts stays as it is.
    pub fn settle(&self, profile: &mut Profile, at: &str, build: &Build) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(change) = profile
            .server
            .build
            .as_ref()
            .and_then(|known| known.compare(build))
        {
            for path in profile.distrust() {
                if !self.proven.contains_key(&path) {
                    changes.push(Change {
                        what: "verified -> discovered".into(),
                        why: change.to_string(),
                        path,
                    });
                }
            }
        }
        profile.server.build = Some(build.clone());
        for (correction, why) in &self.corrections {
            let before = correction.text(profile);
            correction.apply(profile);
            let after = correction.text(profile);
            if before != after {
                changes.push(Change {
                    path: correction.path().into(),
                    what: format!("{before} -> {after}"),
                    why: why.clone(),
                });
            }
        }
        for (path, how) in &self.proven {
            let before = profile.standing(path);
            let corrected = self
                .corrections
                .iter()
                .any(|(correction, _)| correction.path().starts_with(path.as_str()));
            if self.refuted.contains_key(path) || !before.reads() {
                continue;
            }
            // The operator's word needs no proof; where it was mended, the proof is what counts.
            if before != Standing::Operator || corrected {
                profile.stand(path, Standing::Verified);
                profile.note(path, at, how.as_str());
                if before != Standing::Verified {
                    changes.push(Change {
                        path: path.clone(),
                        what: format!("{before} -> verified"),
                        why: how.clone(),
                    });
                }
            }
        }
        for (path, why) in &self.refuted {
            let before = profile.standing(path);
            if before.writes() {
                profile.stand(path, Standing::Discovered);
                profile.note(path, at, format!("refuted: {why}"));
                changes.push(Change {
                    path: path.clone(),
                    what: format!("{before} -> discovered"),
                    why: why.clone(),
                });
            }
        }
        changes
    }
}

impl Correction {
    fn path(self) -> &'static str {
        match self {
            Self::SubnetReplaces(_) => "associations.subnetToSite.replaces",
            Self::ServerReplaces(_) => "associations.serverToSite.replaces",
            Self::SubnetParent(_) => "associations.subnetToSite.parent",
            Self::ServerParent(_) => "associations.serverToSite.parent",
            Self::TypeArgument(_) => "calls.associatedTypeArgument",
        }
    }

    /// The present value.
    fn text(self, profile: &Profile) -> String {
        let replaces = |found: Option<bool>| {
            found.map_or_else(|| "unknown".to_owned(), |found| found.to_string())
        };
        let associations = &profile.associations;
        let subnets = associations.subnet_to_site.as_ref();
        let servers = associations.server_to_site.as_ref();
        match self {
            Self::SubnetReplaces(_) => replaces(subnets.and_then(|found| found.replaces)),
            Self::ServerReplaces(_) => replaces(servers.and_then(|found| found.replaces)),
            Self::SubnetParent(_) => subnets.map_or("unknown", |f| f.parent.as_str()).into(),
            Self::ServerParent(_) => servers.map_or("unknown", |f| f.parent.as_str()).into(),
            Self::TypeArgument(_) => match profile.calls.associated_type_argument {
                Some(argument) => argument.as_str().into(),
                None => "unknown".into(),
            },
        }
    }

    fn apply(self, profile: &mut Profile) {
        let associations = &mut profile.associations;
        match self {
            Self::SubnetReplaces(replaces) => {
                if let Some(found) = &mut associations.subnet_to_site {
                    found.replaces = Some(replaces);
                }
            }
            Self::ServerReplaces(replaces) => {
                if let Some(found) = &mut associations.server_to_site {
                    found.replaces = Some(replaces);
                }
            }
            Self::SubnetParent(parent) => {
                if let Some(found) = &mut associations.subnet_to_site {
                    found.parent = parent;
                }
            }
            Self::ServerParent(parent) => {
                if let Some(found) = &mut associations.server_to_site {
                    found.parent = parent;
                }
            }
            Self::TypeArgument(argument) => {
                profile.calls.associated_type_argument = Some(argument);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::profile::from_yaml;

    const AT: &str = "2026-03-02T08:00:00Z";

    /// A profile of which somebody gave everything by hand, but what is said here.
    fn profile(standings: &[(&str, Standing)]) -> Profile {
        let mut profile = from_yaml("full.yaml", include_str!("../smp/testing.yaml")).unwrap();
        for (path, standing) in standings {
            assert!(profile.stand(path, *standing), "{path}");
        }
        profile
    }

    fn build(structures: &str) -> Build {
        Build {
            structures: Some(structures.into()),
            ..Build::default()
        }
    }

    fn check(report: &Report, profile: &mut Profile) -> Vec<String> {
        let changes = report.settle(profile, AT, &build("1"));
        changes
            .iter()
            .map(|change| format!("{} {}", change.path, change.what))
            .collect()
    }

    #[test]
    fn what_is_proven_is_verified_and_the_operators_word_stays() {
        let mut report = Report::default();
        for path in [
            "types.site",
            "types.subnet",
            "types.package",
            "reports.facts",
        ] {
            report.verifies(path, "a round trip");
        }
        let mut known = profile(&[
            ("types.site", Standing::Discovered),
            ("types.subnet", Standing::Learned),
        ]);
        assert_eq!(
            check(&report, &mut known),
            [
                "types.site discovered -> verified",
                "types.subnet learned -> verified"
            ]
        );
        assert_eq!(known.standing("types.package"), Standing::Operator);
        assert_eq!(known.standing("reports.facts"), Standing::Unknown);
        assert_eq!(known.provenance["types.site"].at, AT);
        assert_eq!(known.provenance["types.site"].how, "a round trip");
        assert!(!known.provenance.contains_key("types.package"));
        assert_eq!(known.server.build, Some(build("1")));
        assert_eq!(check(&report, &mut known), [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_corrected_and_what_fails_is_lowered() {
        let mut trial = profile(&[]);
        let mut report = Report::default();
        report.corrects(&mut trial, Correction::SubnetReplaces(false), "in both");
        report.verifies("associations.subnetToSite", "a round trip");
        report.lowers("associations.serverToSite", "not shown");
        // Something else of it worked: that saves nothing.
        report.verifies("associations.serverToSite", "a round trip");
        assert_eq!(trial.subnet_move_replaces(), Some(false));
        let mut known = profile(&[]);
        assert_eq!(
            check(&report, &mut known),
            [
                "associations.subnetToSite.replaces true -> false",
                "associations.subnetToSite operator -> verified",
                "associations.serverToSite operator -> discovered",
            ]
        );
        assert_eq!(known.subnet_move_replaces(), Some(false));
        let note = &known.provenance["associations.serverToSite"];
        assert_eq!(note.how, "refuted: not shown");
    }

    #[test]
    fn on_another_build_only_what_is_proven_anew_stays_verified() {
        let mut report = Report::default();
        report.verifies("types.site", "a round trip");
        let mut known = profile(&[
            ("types.site", Standing::Verified),
            ("types.subnet", Standing::Verified),
        ]);
        known.server.build = Some(build("0"));
        assert_eq!(
            check(&report, &mut known),
            [
                "types.subnet verified -> discovered",
                "types.site discovered -> verified",
            ]
        );
        assert_eq!(known.standing("types.package"), Standing::Operator);
    }

    #[test]
    fn what_was_refuted_stays_refuted() {
        let mut report = Report::default();
        report.leaves("A01", "not yet");
        report.proves("A01", "once");
        report.proves("A01", "twice");
        assert_eq!(report.verdict("A01"), Verdict::Proven);
        report.refutes("A01", "after all");
        report.proves("A01", "no");
        report.leaves("A01", "no");
        report.adds("A01", "and more");
        let finding = report.findings().remove(0);
        assert_eq!(finding.verdict, Verdict::Refuted);
        assert_eq!(finding.evidence, "after all; and more");
        assert!(report.findings().iter().all(|row| !row.evidence.is_empty()));
    }
}
