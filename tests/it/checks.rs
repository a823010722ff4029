//! The table of checks against manifests and simulated servers: each fires somewhere, none as an error on the examples,
//! none blocks a cure, and what a plan asks for because of one is done and seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sitewright::apply::aftermath;
use sitewright::journal::Fact;
use sitewright::model::{Action, ConsoleStep, Desired, PlugIn, RunId};
use sitewright::observe::Scope;
use sitewright::plan::{Note, Severity, Standing};
use sitewright::select::World;
use sitewright::validate::{Phase, View, check, checks};
use sitewright_sim::{ConsoleAction, Options};

use crate::support::{Lab, desired, example};

/// Where checks fire.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// `tests/manifests/checks/ID.yaml`, without a server.
    Manifest,
    /// These declarations, without a server.
    Declared(&'static str),
    /// `validate --live` of a scenario.
    Audit(&'static str),
    /// A plan of these declarations for a scenario.
    Plan(&'static str, &'static str),
    /// A plan of the example that is called like this, for a scenario.
    Example(&'static str, &'static str),
    /// A site that exists already is declared, with an image that goes everywhere.
    Adoption,
    /// A subnet that a run made is taken out of the declarations, with clients in it.
    Retreat,
    /// The targeted site settings are aimed at a package server of a site.
    Prevention,
    /// A run, and afterwards a subnet that nobody declared.
    Appearance,
}

/// Each place with the checks that fire there.
const TABLE: &[(Place, &[&str])] = &[
    (
        Place::Manifest,
        &[
            "deployment-site-empty",
            "foreign-failover",
            "invalid-subnets-regex",
            "not-constrained",
            "server-not-dedicated",
            "subnet-in-two-sites",
            "subnet-overlap",
            "supernet",
        ],
    ),
    (Place::Declared(TOOL), &["tool-package-pinned"]),
    (Place::Plan("flat-lan", COMMENT), &["unused-allow"]),
    (
        Place::Audit("neglected"),
        &[
            "capacity",
            "capture-target",
            "clients-outside-sites",
            "deployment-package-server",
            "dotnet-version",
            "flat-lan",
            "hierarchy-package-server",
            "network-boot-remote",
            "package-task-split",
            "pin-without-package-role",
            "role-prerequisite",
            "server-outside-own-site",
            "subnet-overlap",
            "supernet",
            "task-by-manual-only",
            "task-on-desktop-os",
            "two-network-boot",
        ],
    ),
    (
        Place::Plan("neglected", INHERITED),
        &[
            "carve-out-stale",
            "image-not-replicated",
            "imaging-tools-missing",
            "not-constrained",
            "pin-outside-site",
            "plugin-missing",
            "roles-beyond-need",
            "server-not-dedicated",
        ],
    ),
    (
        Place::Plan("neglected", MEDDLING),
        &["ad-import-conflict", "hierarchy-owned", "takeover"],
    ),
    (Place::Audit("flat-lan"), &["flat-lan", "no-sites"]),
    (
        Place::Example("deployment-site", "flat-lan"),
        &["host-carve-out", "foreign-failover"],
    ),
    (
        Place::Plan("flat-lan", SWALLOWING),
        &["smp-in-deployment-site"],
    ),
    (Place::Adoption, &["image-not-pinned"]),
    (Place::Retreat, &["resurrecting-subnet"]),
    (Place::Prevention, &["prevent-downloads-own-servers"]),
    (Place::Appearance, &["unassigned-subnet"]),
];

/// What somebody would declare who inherits the neglected server.
const INHERITED: &str = "
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Deployment_North }
spec:
  servers: [{ name: DEPLOYN01.corp.example, roles: [package, task, networkBoot] }]
  imaging: { deployTasks: [Deploy Win11, Deploy Win10] }
---
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Deployment_East }
spec:
  servers: [{ name: DEPLOYE01.corp.example, roles: [package, task, monitor] }]
";

/// What belongs to Active Directory, to another SMP and to a site that nobody declares.
const MEDDLING: &str = "
apiVersion: sitewright/v1
kind: Site
metadata: { name: Directory_Site }
spec: { subnets: [10.4.0.0/24] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Replicated_Site }
spec: { description: Ours now }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Annex }
spec: { subnets: [10.7.0.0/25] }
";

/// The SMP stands where images are to be deployed.
const SWALLOWING: &str = "
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Lab }
spec:
  subnets: [192.168.0.0/24]
  servers: [{ name: DEPLOY01.corp.example, roles: [package, task] }]
";

/// The tool is taken for the image.
const TOOL: &str = "
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Lab }
spec:
  servers: [{ name: DEPLOY01.corp.example, roles: [package, task] }]
  imaging: { packages: [{ name: Imaging }] }
";

/// The image is taken care of, in a site that is there already.
const LAB: &str = "
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Lab }
spec:
  servers: [{ name: DEPLOY01.corp.example, roles: [package, task] }]
  imaging: { packages: [{ name: Win11-24H2 golden }] }
";

/// A comment about a supernet that is gone.
const COMMENT: &str = "
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  # sitewright: allow supernet reason=\"until the branches have subnets of their own\"
  subnets: [10.0.0.0/24]
";

/// The network of the imaging VLAN, which is on its way out of the declarations in the second.
const BEFORE: &str = "
apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { subnets: [192.168.10.0/24], servers: [{ name: SITE01.corp.example }] }
";
const AFTERWARDS: &str = "
apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { subnets: [], servers: [{ name: SITE01.corp.example }] }
";

async fn lab(scenario: &str) -> Lab {
    let mut lab = Lab::start(Options::builtin(scenario).unwrap().with_seed(1));
    lab.install_reports().await;
    lab
}

fn offline(desired: &Desired) -> Vec<Note> {
    check(&View::declared(&World::declared(desired), desired))
}

fn manifest(id: &str) -> Vec<Note> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/manifests/checks/{id}.yaml"));
    offline(&desired(&std::fs::read_to_string(file).unwrap()))
}

async fn audit(lab: &Lab) -> Vec<Note> {
    let snapshot = lab.snapshot(&Scope::audit(None)).await;
    check(&View {
        world: &World::observed(&snapshot),
        desired: None,
        snapshot: Some(&snapshot),
        ownership: None,
        planned: None,
    })
}

/// What is found in a place; a plan is applied to nothing.
async fn found(place: Place, ids: &[&str]) -> Vec<Note> {
    match place {
        Place::Manifest => ids.iter().flat_map(|id| manifest(id)).collect(),
        Place::Declared(text) => offline(&desired(text)),
        Place::Audit(scenario) => audit(&lab(scenario).await).await,
        Place::Plan(scenario, text) => lab(scenario).await.plan(&desired(text)).await.notes,
        Place::Example(folder, scenario) => lab(scenario).await.plan(&example(folder)).await.notes,
        Place::Adoption => {
            let lab = lab("flat-lan").await;
            let name = "Lab".into();
            let description = String::new();
            lab.world()
                .console(ConsoleAction::NewSite { name, description })
                .unwrap();
            lab.plan(&desired(LAB)).await.notes
        }
        Place::Retreat => {
            let lab = lab("flat-lan").await;
            let subnet = "192.168.10.0/24".into();
            lab.world()
                .console(ConsoleAction::DeleteSubnet { subnet })
                .unwrap();
            lab.converge_watched(&desired(BEFORE), &mut |_| {}).await;
            lab.plan(&desired(AFTERWARDS)).await.notes
        }
        Place::Prevention => {
            let lab = lab("flat-lan").await;
            lab.converge_watched(&desired(BEFORE), &mut |_| {}).await;
            let aim = ConsoleAction::DownloadTargets {
                targets: vec!["SITE01.corp.example".into()],
            };
            let switch = ConsoleAction::PreventDownloads {
                from: "smp".into(),
                state: "on".into(),
            };
            for action in [aim, switch] {
                lab.world().console(action).unwrap();
            }
            audit(&lab).await
        }
        Place::Appearance => {
            let lab = lab("flat-lan").await;
            let wanted = desired(BEFORE);
            lab.converge_watched(&wanted, &mut |_| {}).await;
            let seen = lab.snapshot(&Scope::of(&wanted, None)).await;
            let plan = lab.plan(&wanted).await;
            let facts = aftermath(&plan, Some(&seen), &[], &lab.ownership().await);
            let mut unassigned = facts
                .into_iter()
                .filter(|fact| matches!(fact, Fact::UnassignedSeen { .. }));
            remember(&lab, unassigned.next().expect("subnets in no site")).await;
            let subnet = "10.77.0.0/24".into();
            let description = String::new();
            lab.world()
                .console(ConsoleAction::NewSubnet {
                    subnet,
                    description,
                })
                .unwrap();
            lab.plan(&wanted).await.notes
        }
    }
}

/// Writes a fact down as `apply` does at its end.
async fn remember(lab: &Lab, fact: Fact) {
    let (_lock, journal) = lab.journal().await;
    journal
        .append(&RunId("test".into()), (lab.clock)(), fact)
        .await
        .unwrap();
    let loaded = lab.store.load().await.unwrap().unwrap();
    lab.store.settle(loaded.state).await.unwrap();
}

#[tokio::test]
async fn every_check_fires() {
    let mut silent = BTreeSet::new();
    let mut fired: BTreeSet<&str> = BTreeSet::new();
    for (place, ids) in TABLE {
        let notes = Box::pin(found(*place, ids)).await;
        for id in *ids {
            if notes.iter().any(|note| note.id == *id) {
                fired.insert(*id);
            } else {
                silent.insert(format!("{id}: not in {place:?}"));
            }
        }
    }
    for check in checks() {
        let judged = check.phases.iter().any(|phase| *phase != Phase::Outcome);
        if judged && !fired.contains(check.id) {
            silent.insert(format!("{}: nowhere", check.id));
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}

/// Each folder below `examples` with a workspace of a scenario, and which that is. The others hold no manifests.
fn examples() -> BTreeMap<String, String> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(all).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(workspace) = std::fs::read_to_string(folder.join("sitewright.yaml")) else {
            continue;
        };
        let (_, scenario) = workspace.split_once("url: sim:").unwrap();
        let scenario = scenario.split_whitespace().next().unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        found.insert(name.to_owned(), scenario.to_owned());
    }
    assert!(!found.is_empty());
    found
}

#[tokio::test]
async fn none_is_an_error_on_the_examples() {
    for (folder, scenario) in examples() {
        let lab = lab(&scenario).await;
        let mut notes = lab.plan(&example(&folder)).await.notes;
        notes.extend(offline(&example(&folder)));
        notes.extend(audit(&lab).await);
        notes.retain(|note| note.severity == Severity::Error);
        assert_eq!(notes, [], "{folder}");
    }
}

/// The errors of a plan, by how they go with it.
fn errors(notes: &[Note], standing: Standing) -> Vec<&str> {
    notes
        .iter()
        .filter(|note| note.severity == Severity::Error && note.standing == standing)
        .map(|note| note.id.as_str())
        .collect()
}

#[tokio::test]
async fn a_check_never_blocks_a_cure() {
    // Without reports nobody knows which server holds the imaging tools; that is another fault of the same site.
    let lab = Lab::start(Options::builtin("neglected").unwrap().with_seed(1));
    let north = |subnets: &str| {
        desired(&format!(
            "
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: {{ name: Deployment_North }}
spec:
  servers: [{{ name: DEPLOYN01.corp.example, roles: [package, task, networkBoot] }}]
  subnets: [{subnets}]
---
apiVersion: sitewright/v1
kind: Site
metadata: {{ name: Office }}
spec: {{ subnets: [10.1.0.0/24] }}
"
        ))
    };
    let faults = ["carve-out-stale", "flat-lan", "server-not-dedicated"];
    // Declared as it is: it is told, and in nobody's way.
    let plan = lab.plan(&north("10.3.0.0/24, 10.1.0.12/32")).await;
    assert_eq!(errors(&plan.notes, Standing::Blocks), [""; 0]);
    let existing = errors(&plan.notes, Standing::Existing);
    assert!(
        faults.iter().all(|id| existing.contains(id)),
        "{existing:?}"
    );
    assert!(!plan.is_blocked());
    // Cured: resolved, while what is wrong elsewhere stays as it was.
    let plan = lab.plan(&north("10.3.0.0/24, 10.1.0.13/32")).await;
    assert_eq!(errors(&plan.notes, Standing::Resolved), faults);
    assert_eq!(errors(&plan.notes, Standing::Blocks), [""; 0]);
    assert!(errors(&plan.notes, Standing::Existing).contains(&"two-network-boot"));
    assert!(!plan.is_blocked());
    // Touched and not cured.
    let plan = lab
        .plan(&north("10.3.0.0/24, 10.1.0.12/32, 10.8.0.0/24"))
        .await;
    assert_eq!(errors(&plan.notes, Standing::Blocks), faults);
    assert!(plan.is_blocked());
}

#[tokio::test]
async fn a_plug_in_that_is_missing_is_asked_for_and_seen() {
    for reports in [true, false] {
        let mut lab = Lab::start(Options::builtin("flat-lan").unwrap().with_seed(1));
        if reports {
            lab.install_reports().await;
        }
        let wanted = example("deployment-site");
        lab.world()
            .console(ConsoleAction::PlugIn {
                server: "DEPLOY01.corp.example".into(),
                plug_in: PlugIn::TaskHandler.to_string(),
                state: "off".into(),
            })
            .unwrap();
        let plan = lab.plan(&wanted).await;
        let asked = plan.steps.iter().position(|step| {
            matches!(&step.action, Action::Console(ConsoleStep::InstallPlugIn { plug_in, .. }) if *plug_in == PlugIn::TaskHandler)
        });
        let asked = u32::try_from(asked.expect("a step for the task handler")).unwrap();
        let mut waiting: BTreeSet<u32> = [asked].into();
        for (index, step) in (0_u32..).zip(&plan.steps) {
            if step.depends_on.iter().any(|on| waiting.contains(on)) {
                waiting.insert(index);
            }
        }
        for (index, step) in (0_u32..).zip(&plan.steps) {
            let moves = matches!(&step.action, Action::CreateSubnet { site, .. } | Action::AssignSubnet { site, .. } if site.name.as_str() == "Deployment_Site");
            assert!(!moves || waiting.contains(&index), "{} waits", step.id);
        }
        let rounds = lab.converge_watched(&wanted, &mut |_| {}).await;
        assert!(rounds > 1);
        assert!(lab.plan(&wanted).await.steps.is_empty());
    }
}
