//! `profile verify` against simulators: what a trial proves, what it finds out where a switch makes an assumption false,
//! and that nothing is left of it, wherever it is cut off.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use sitewright::journal::Fact;
use sitewright::model::{Guid, Name, RunId};
use sitewright::observe::{
    Decision, Question, Scope, Wanted, accept_exact, discover, look_at_build, refresh,
};
use sitewright::profile::{Ability, Profile, ServerEntry, Standing};
use sitewright::smp::{Connection, Reader, ScratchWriter, WritingTransport};
use sitewright::trial::{
    self, Bench, Change, Outcome, Outside, Probe, Remains, Setting, TrialError, Verdict, carry_out,
    clear, probes,
};
use sitewright_sim::world::RolesBy;
use sitewright_sim::{Language, Options, Switch};
use tokio_util::sync::CancellationToken;

use crate::support::{Cut, Lab, Stages, desired, example};

const AT: &str = "2026-03-02T08:00:00Z";
const IMAGE: &str = "Win11-24H2 golden";
const SMP: &str = "SMP01.corp.example";

fn options(scenario: &str, seed: u64) -> Options {
    Options::builtin(scenario).unwrap().with_seed(seed)
}

pub(crate) fn transport(url: &str) -> WritingTransport {
    let mut connection = Connection::new(url.parse().unwrap(), RunId("trial".into()));
    connection.connect_timeout = Duration::from_secs(2);
    WritingTransport::new(connection).unwrap()
}

/// What a trial is made with, and how it goes.
pub(crate) struct Trial<'a> {
    profile: &'a Profile,
    guest: Option<&'a str>,
    package: Option<&'a str>,
    settle: Duration,
    cancel: CancellationToken,
    probes: Vec<Box<dyn Probe>>,
}

impl<'a> Trial<'a> {
    pub(crate) fn of(profile: &'a Profile) -> Self {
        Self {
            profile,
            guest: None,
            package: None,
            settle: Duration::from_millis(900),
            cancel: CancellationToken::new(),
            probes: probes(),
        }
    }

    pub(crate) fn whole(profile: &'a Profile) -> Self {
        Self {
            guest: Some(SMP),
            package: Some(IMAGE),
            ..Self::of(profile)
        }
    }

    async fn setting(&self, reader: &Reader) -> (Setting, sitewright::model::Snapshot) {
        let scope = Scope {
            surroundings: true,
            ..Scope::default()
        };
        let snapshot = refresh(reader, &scope, &|_| {}).await.unwrap();
        let subnets = trial::known_subnets(reader).await.unwrap();
        let setting = Setting {
            tag: "1a2b3c4d".into(),
            subnets: trial::networks(&subnets, &snapshot, "1a2b3c4d").unwrap(),
            guest: self
                .guest
                .map(|name| trial::guest(&snapshot, &Name::new(name)).unwrap()),
            package: self
                .package
                .map(|name| trial::package(&snapshot, name).unwrap()),
            supplied: Guid::from_u128(0x5eed_0000_0000_4000_8000_0000_0000_0001),
        };
        (setting, snapshot)
    }

    /// Carries it out; what is known beforehand is read over `stages`, the trial itself goes over `way`.
    pub(crate) async fn run(&self, stages: &Stages, way: WritingTransport) -> Outcome {
        let reader = Reader::new(stages.transport.clone(), Arc::new(self.profile.clone()));
        let (setting, snapshot) = self.setting(&reader).await;
        let (_, model) = look_at_build(&reader).await.unwrap();
        let (_lock, journal) = stages.journal().await;
        let outside = Outside {
            run: &RunId("trial".into()),
            journal: &journal,
            clock: &|| Timestamp::UNIX_EPOCH,
            cancel: self.cancel.clone(),
            settle: self.settle,
        };
        carry_out(
            way,
            self.profile,
            outside,
            setting,
            &snapshot,
            model.as_ref(),
            &self.probes,
        )
        .await
        .unwrap()
    }

    /// Carries it out to its end: everything is tried, nothing is left, and the world is as before.
    async fn completes(&self, lab: &Lab) -> (Outcome, Profile, Vec<Change>) {
        let before = lab.world().dump();
        let outcome = self.run(lab, lab.writing.clone()).await;
        let told: Vec<String> = outcome.failures.iter().map(TrialError::told).collect();
        assert_eq!(told, [""; 0]);
        assert_eq!(outcome.cleared.left, []);
        assert!(outcome.cleared.deleted.len() >= 3, "{:?}", outcome.cleared);
        assert_eq!(lab.world().dump(), before);
        assert!(Remains::of(lab.store.facts().await.unwrap().iter()).is_empty());
        let reader = Reader::new(lab.transport.clone(), Arc::new(self.profile.clone()));
        let (build, _) = look_at_build(&reader).await.unwrap();
        let mut profile = self.profile.clone();
        let changes = outcome.report.settle(&mut profile, AT, &build);
        assert_eq!(profile.server.build, Some(build));
        (outcome, profile, changes)
    }
}

/// Every entry as if it had been discovered; what somebody claims of it stays.
fn lowered(profile: &Profile) -> Profile {
    let mut profile = profile.clone();
    for (_, standing) in profile.entries_mut() {
        *standing = Standing::Discovered;
    }
    profile
}

/// A profile as `profile discover --accept-exact` writes it.
async fn discovered(stages: &Stages) -> Profile {
    discovered_with(stages, &mut accept_exact).await
}

/// A profile as `profile discover` writes it for whoever decides.
pub(crate) async fn discovered_with(
    stages: &Stages,
    choose: &mut (dyn FnMut(&Question<'_>) -> Decision + Send),
) -> Profile {
    let server = Name::new(SMP);
    let nothing = Profile::empty(ServerEntry {
        name: server.clone(),
        guid: Guid::NIL,
        build: None,
    });
    let reader = Reader::new(stages.transport.clone(), Arc::new(nothing));
    let wanted = Wanted {
        server: &server,
        known: None,
        at: AT,
    };
    discover(&reader, &wanted, choose).await.unwrap().profile
}

pub(crate) const WRITES: [Ability; 7] = [
    Ability::CreateSite,
    Ability::DescribeSite,
    Ability::DeleteResource,
    Ability::CreateSubnet,
    Ability::MoveSubnet,
    Ability::AssignServer,
    Ability::AssignPackage,
];

/// From a profile that is only discovered to one that may be written through, whatever the seed and the language, and
/// on to a converged example.
#[tokio::test]
async fn a_trial_proves_a_profile_that_was_discovered() {
    for (seed, language) in [
        (1, Language::En),
        (3, Language::De),
        (4, Language::Fr),
        (6, Language::Ja),
    ] {
        let mut lab = Lab::start(options("flat-lan", seed).with_language(language));
        let found = discovered(&lab).await;
        assert!(WRITES.iter().all(|ability| found.can(*ability).is_err()));
        let (outcome, profile, changes) = Trial::whole(&found).completes(&lab).await;
        for ability in WRITES {
            assert_eq!(profile.can(ability), Ok(()), "{seed} {ability:?}");
        }
        let truth = &lab.profile.associations;
        let learned = &profile.associations;
        for (learned, truth) in [
            (&learned.subnet_to_site, &truth.subnet_to_site),
            (&learned.server_to_site, &truth.server_to_site),
        ] {
            let (learned, truth) = (learned.as_ref().unwrap(), truth.as_ref().unwrap());
            assert_eq!(learned.replaces, truth.replaces, "{seed}");
            assert_eq!(learned.parent, truth.parent);
            assert_eq!(learned.standing, Standing::Verified);
        }
        let note = &profile.provenance["types.site"];
        assert_eq!(note.at, AT);
        assert!(note.how.contains("created"), "{note:?}");
        assert!(changes.iter().any(|change| change.path == "types.subnet"));
        let replaces = truth.subnet_to_site.as_ref().unwrap().replaces == Some(true);
        for (id, verdict) in [
            (
                "A01",
                if replaces {
                    Verdict::Proven
                } else {
                    Verdict::Refuted
                },
            ),
            (
                "A02",
                if replaces {
                    Verdict::Proven
                } else {
                    Verdict::NotTried
                },
            ),
            (
                "A03",
                if replaces {
                    Verdict::NotTried
                } else {
                    Verdict::Proven
                },
            ),
            ("A04", Verdict::Proven),
            ("A05", Verdict::Proven),
            ("A06", Verdict::Proven),
            ("A07", Verdict::Proven),
            ("A08", Verdict::NotTried),
            ("A09", Verdict::Proven),
            ("A10", Verdict::Proven),
            ("A11", Verdict::Proven),
            ("A14", Verdict::Proven),
            ("A15", Verdict::Proven),
            ("A16", Verdict::Proven),
            ("A18", Verdict::NotTried),
            ("A20", Verdict::NotTried),
            ("A24", Verdict::Proven),
            ("A26", Verdict::Proven),
            ("A36", Verdict::Proven),
        ] {
            assert_eq!(outcome.report.verdict(id), verdict, "{seed} {id}");
        }
        // Whatever was not tried says why.
        for finding in outcome.report.findings() {
            assert!(!finding.evidence.is_empty(), "{finding:?}");
        }

        // What was proven carries a whole run; what no trial proves, somebody who has learned the server gives.
        lab.profile.types = profile.types;
        lab.profile.associations = profile.associations;
        lab.profile.structures = profile.structures;
        lab.profile.services = profile.services;
        lab.converge_watched(&example("deployment-site"), &mut |_| {})
            .await;
    }
}

/// What nobody allowed is not tried, and stays unproven.
#[tokio::test]
async fn servers_and_packages_are_tried_only_where_somebody_names_them() {
    let lab = Lab::start(options("flat-lan", 1));
    let found = discovered(&lab).await;
    lab.server.clear_requests();
    let (outcome, profile, _) = Trial::of(&found).completes(&lab).await;
    assert!(profile.can(Ability::MoveSubnet).is_ok());
    assert!(profile.can(Ability::AssignServer).is_err());
    assert!(profile.can(Ability::AssignPackage).is_err());
    assert_eq!(outcome.report.verdict("A05"), Verdict::NotTried);
    let requests = lab.server.requests();
    assert!(
        !requests
            .iter()
            .any(|request| request.operation == "SetPackageServerSettings")
    );
}

/// Each switch makes an assumption false while the profile claims that it holds: the trial finds it out.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table, a row a switch")]
async fn what_is_not_so_is_found_out() {
    struct Case {
        switch: Switch,
        id: &'static str,
        /// Part of what is said about it.
        says: &'static str,
        /// The entry that is corrected or lowered, with what becomes of it.
        changes: Option<(&'static str, &'static str)>,
    }
    let case = |switch, id, says, changes| Case {
        switch,
        id,
        says,
        changes,
    };
    let subnets = "associations.subnetToSite";
    for case in [
        case(
            Switch::SubnetInTwoSites,
            "A01",
            "in both",
            Some(("associations.subnetToSite.replaces", "true -> false")),
        ),
        case(
            Switch::FormDoesNotReplace,
            "A02",
            "in both",
            Some(("associations.subnetToSite.replaces", "true -> false")),
        ),
        case(
            Switch::FormReplaces,
            "A03",
            "in the first no more",
            Some(("associations.subnetToSite.replaces", "false -> true")),
        ),
        case(
            Switch::AssociationNotEnough,
            "A04",
            "not shown in it",
            Some((subnets, "operator -> discovered")),
        ),
        case(
            Switch::ServerAssociationNotEnough,
            "A05",
            "not shown in it",
            Some(("associations.serverToSite", "operator -> discovered")),
        ),
        case(Switch::LateReadBack, "A07", "not at once", None),
        case(
            Switch::AssociationTypesUnchecked,
            "A11",
            "as if it were a subnet",
            None,
        ),
        case(Switch::DerivedTypesApart, "A12", "does not hold", None),
        case(
            Switch::DescriptionNotKept,
            "A14",
            "reads back as before",
            Some(("structures.resource", "operator -> discovered")),
        ),
        case(Switch::NameCaseSensitive, "A15", "not found", None),
        case(Switch::NamesNotUnique, "A16", "second site", None),
        case(
            Switch::RenameIgnored,
            "A36",
            "not to be read by its new name",
            None,
        ),
        case(Switch::DeleteLeavesAssociations, "A24", "still shown", None),
        case(Switch::BreakAnswersMissing, "A26", "refused", None),
        case(
            Switch::ReportParametersNotReplaced,
            "A18",
            "does not show",
            None,
        ),
    ] {
        let Case {
            switch,
            id,
            says,
            changes: expected,
        } = case;
        // A server that tells roles by types, so that there are derived ones.
        let seed = (1..100)
            .find(|seed| {
                let world = sitewright_sim::World::open(options("flat-lan", *seed)).unwrap();
                world.names().roles_by == RolesBy::Type
            })
            .unwrap();
        let mut lab = Lab::start(options("flat-lan", seed).with_switch(switch));
        if id == "A18" {
            lab.install_reports().await;
        }
        let claimed = lab.profile.clone();
        let mut trial = Trial::whole(&claimed);
        // Reports that tell nothing, and servers in two sites, make no difference to what is tried.
        trial.guest = (id != "A18").then_some(SMP);
        let (outcome, _, changes) = trial.completes(&lab).await;
        let findings = outcome.report.findings();
        let finding = findings.iter().find(|finding| finding.id == id).unwrap();
        assert_eq!(finding.verdict, Verdict::Refuted, "{switch:?}: {finding:?}");
        assert!(finding.evidence.contains(says), "{switch:?}: {finding:?}");
        let made: Vec<(&str, &str)> = changes
            .iter()
            .map(|change| (change.path.as_str(), change.what.as_str()))
            .filter(|(path, _)| !path.ends_with("ToSite") || *path != subnets || id == "A04")
            .collect();
        match expected {
            Some(expected) => assert!(made.contains(&expected), "{switch:?}: {changes:?}"),
            None => assert_eq!(made, [], "{switch:?}"),
        }
        // Only what the switch is about is refuted.
        let refuted: BTreeSet<&str> = findings
            .iter()
            .filter(|finding| finding.verdict == Verdict::Refuted)
            .map(|finding| finding.id)
            .collect();
        let beside: &[&str] = match switch {
            Switch::SubnetInTwoSites | Switch::FormDoesNotReplace => &["A01", "A02"],
            // Adding is what the profile claims; then a subnet may well be in two sites.
            _ if lab.profile.subnet_move_replaces() == Some(false) => &["A01"],
            _ => &[],
        };
        for id_found in refuted {
            assert!(
                id_found == id || beside.contains(&id_found),
                "{switch:?} also refutes {id_found}: {findings:#?}"
            );
        }
    }
}

/// Parent and child, and the type that calls take: what the profile has wrong is put right, and proven.
#[tokio::test]
async fn directions_and_types_are_put_right() {
    for (switch, id) in [
        (Switch::AssociationDirectionReversed, "A10"),
        (Switch::TypeArgumentGiven, "A09"),
    ] {
        for seed in [1, 2] {
            let lab = Lab::start(options("flat-lan", seed).with_switch(switch));
            let claimed = lowered(&lab.profile);
            let (outcome, profile, _) = Trial::of(&claimed).completes(&lab).await;
            assert_eq!(outcome.report.verdict(id), Verdict::Refuted, "{switch:?}");
            let found = discovered(&lab).await;
            let parent = |profile: &Profile| {
                let found = profile.associations.subnet_to_site.as_ref();
                found.map(|found| found.parent)
            };
            assert_eq!(parent(&profile), parent(&found));
            assert_eq!(
                profile.calls.associated_type_argument,
                found.calls.associated_type_argument
            );
            assert_eq!(
                profile.standing("associations.subnetToSite"),
                Standing::Verified
            );
            assert_ne!(
                (parent(&claimed), claimed.calls.associated_type_argument),
                (parent(&profile), profile.calls.associated_type_argument)
            );
        }
    }
}

/// What the console wrote beside the association is found on a subnet that it made.
#[tokio::test]
async fn what_the_console_writes_beside_is_named() {
    let lab = Lab::start(options("branch-offices", 2).with_switch(Switch::AssociationNotEnough));
    let claimed = lowered(&lab.profile);
    let (outcome, profile, _) = Trial::of(&claimed).completes(&lab).await;
    let findings = outcome.report.findings();
    let finding = findings.iter().find(|finding| finding.id == "A04").unwrap();
    assert_eq!(finding.verdict, Verdict::Refuted);
    assert!(
        finding.evidence.contains("`Site Membership`"),
        "{finding:?}"
    );
    assert!(profile.can(Ability::MoveSubnet).is_err());
}

#[tokio::test]
async fn a_supplied_guid_is_kept_or_not() {
    for (switch, says) in [
        (None, "is kept"),
        (Some(Switch::SuppliedGuidIgnored), "is not taken"),
    ] {
        let mut options = options("flat-lan", 1);
        if let Some(switch) = switch {
            options = options.with_switch(switch);
        }
        let lab = Lab::start(options);
        let (outcome, _, _) = Trial::of(&lowered(&lab.profile)).completes(&lab).await;
        let findings = outcome.report.findings();
        let finding = findings.iter().find(|finding| finding.id == "A06").unwrap();
        assert_eq!(finding.verdict, Verdict::Proven);
        assert!(finding.evidence.contains(says), "{finding:?}");
    }
}

/// With the reports installed, what was joined is read by them, too.
#[tokio::test]
async fn reports_are_tried_where_they_are_installed() {
    let mut lab = Lab::start(options("flat-lan", 1));
    lab.install_reports().await;
    let claimed = lowered(&lab.profile);
    let (outcome, _, _) = Trial::of(&claimed).completes(&lab).await;
    assert_eq!(outcome.report.verdict("A18"), Verdict::Proven);
    assert_eq!(outcome.report.verdict("A19"), Verdict::Proven);
}

/// Clears away what a trial left, as `--clean` does: by the journal, and by names.
async fn clean(stages: &Stages, profile: &Profile) -> Vec<String> {
    let profile = Arc::new(profile.clone());
    let mut writer = ScratchWriter::new(stages.writing.clone(), &profile, None);
    let mut remains = Remains::of(stages.store.facts().await.unwrap().iter());
    for (guid, name) in writer.sites().await.unwrap() {
        remains.add(&name, Some(guid));
    }
    let (_lock, journal) = stages.journal().await;
    let mut outside = Outside {
        run: &RunId("clean".into()),
        journal: &journal,
        clock: &|| Timestamp::UNIX_EPOCH,
        cancel: CancellationToken::new(),
        settle: Duration::from_secs(3),
    };
    let cleared = clear(&mut writer, &mut outside, &remains, &BTreeSet::new())
        .await
        .unwrap();
    assert_eq!(cleared.left, []);
    cleared.deleted
}

/// A trial that is cut off after any of its writes, with its answer and without, leaves nothing that is not removed.
#[tokio::test]
async fn whatever_is_cut_off_is_cleaned_up() {
    let whole = Lab::start(options("flat-lan", 1));
    let profile = lowered(&whole.profile);
    let cut = Cut::before(&whole.server.url()).await;
    let outcome = Trial::whole(&profile)
        .run(&whole, transport(&cut.url))
        .await;
    assert_eq!(outcome.cleared.left, []);
    let writes = cut.writes();
    assert!(writes > 20, "{writes}");

    let cases = (1..=writes).flat_map(|write| [(write, true), (write, false)]);
    let left: Vec<usize> = stream::iter(cases)
        .map(|(write, answered)| async move {
            let mut options = options("flat-lan", 1);
            // Every third server is one that shows late what was written.
            if write % 3 == 0 {
                options = options.with_switch(Switch::LateReadBack);
            }
            let lab = Lab::start(options);
            let profile = lowered(&lab.profile);
            let before = lab.world().dump();
            let cut = Cut::before(&lab.server.url()).await;
            cut.after_write(write, answered);
            let mut trial = Trial::whole(&profile);
            trial.settle = Duration::from_millis(700);
            trial.run(&lab, transport(&cut.url)).await;
            let deleted = clean(&lab, &profile).await;
            assert_eq!(lab.world().dump(), before, "cut off at write {write}");
            assert!(Remains::of(lab.store.facts().await.unwrap().iter()).is_empty());
            assert_eq!(clean(&lab, &profile).await, [""; 0]);
            deleted.len()
        })
        // Most of it is waiting.
        .buffer_unordered(24)
        .collect()
        .await;
    // Most of them left something, or nothing was tried here.
    assert!(
        left.iter().filter(|count| **count > 0).count() > 20,
        "{left:?}"
    );
}

/// Somebody who presses Ctrl-C.
struct Stop(CancellationToken);

impl Probe for Stop {
    fn shows(&self, _: &Setting) -> Vec<String> {
        Vec::new()
    }

    fn run<'b>(&'b self, _: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        self.0.cancel();
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn whoever_stops_it_leaves_nothing() {
    let lab = Lab::start(options("flat-lan", 1));
    let profile = lowered(&lab.profile);
    let before = lab.world().dump();
    let mut trial = Trial::whole(&profile);
    trial.probes.insert(1, Box::new(Stop(trial.cancel.clone())));
    let outcome = trial.run(&lab, lab.writing.clone()).await;
    assert!(matches!(outcome.failures[..], [TrialError::Cancelled]));
    assert_eq!(outcome.cleared.left, []);
    assert_eq!(outcome.cleared.deleted.len(), 2);
    assert_eq!(lab.world().dump(), before);
    // What was tried before it is known all the same.
    assert_eq!(outcome.report.verdict("A15"), Verdict::Proven);
    assert_eq!(outcome.report.verdict("A04"), Verdict::NotTried);

    // Nothing is created once somebody has asked to stop.
    let again = Trial::whole(&profile);
    again.cancel.cancel();
    lab.server.clear_requests();
    again.run(&lab, lab.writing.clone()).await;
    assert!(lab.server.requests().iter().all(|request| !request.writes));
}

/// The names of a trial are in the journal before anything of them is on the server, and say nothing about ownership.
#[tokio::test]
async fn intentions_are_written_down_first() {
    let lab = Lab::start(options("flat-lan", 1));
    let profile = lowered(&lab.profile);
    Trial::whole(&profile).completes(&lab).await;
    let facts = lab.store.facts().await.unwrap();
    let mut intended = BTreeSet::new();
    for fact in &facts {
        match fact {
            Fact::ScratchIntended { name } => {
                intended.insert(name.clone());
            }
            Fact::ScratchCreated { name, .. } => assert!(intended.contains(name)),
            _ => {}
        }
    }
    assert_eq!(intended.len(), 5, "{facts:?}");
    // An ordinary run goes its way afterwards.
    let mut lab = lab;
    lab.profile.product = sitewright::profile::ProductEntry::default();
    let plan = lab
        .plan(&desired(
            "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: HQ }\nspec: { subnets: [192.168.0.0/24] }\n",
        ))
        .await;
    assert!(!plan.is_blocked());
    assert!(lab.ownership().await.sites.is_empty());
}
