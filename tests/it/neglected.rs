//! The checks of packages, roles, load, plug-ins and network boot against simulated servers: each fires somewhere, none
//! as an error on the examples, and what a plan asks for because of one is done and seen.

use std::collections::BTreeSet;

use sitewright::model::{Action, ConsoleStep, Desired, PlugIn};
use sitewright::plan::{Note, Severity};
use sitewright::select::World;
use sitewright::validate::{GROUPS, View, check};
use sitewright_sim::{ConsoleAction, Options};

use crate::support::{Lab, desired, example};

/// The groups of checks that this file is about.
const ABOUT: [&str; 6] = [
    "Roles",
    "Load",
    "Plug-ins",
    "Network boot",
    "Packages",
    "Imaging",
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

async fn lab(scenario: &str) -> Lab {
    let mut lab = Lab::start(Options::builtin(scenario).unwrap().with_seed(1));
    lab.install_reports().await;
    lab
}

fn offline(desired: &Desired) -> Vec<Note> {
    check(&View::declared(&World::declared(desired), desired))
}

#[tokio::test]
async fn every_check_fires() {
    let neglected = lab("neglected").await;
    let mut notes = neglected.plan(&desired(INHERITED)).await.notes;
    notes.extend(offline(&desired(TOOL)));
    let flat = lab("flat-lan").await;
    flat.world()
        .console(ConsoleAction::NewSite {
            name: "Lab".into(),
            description: String::new(),
        })
        .unwrap();
    notes.extend(flat.plan(&desired(LAB)).await.notes);
    let fired: BTreeSet<&str> = notes.iter().map(|note| note.id.as_str()).collect();
    let silent: Vec<&str> = GROUPS
        .iter()
        .filter(|(group, _)| ABOUT.contains(group))
        .flat_map(|(_, checks)| checks.iter())
        .map(|check| check.id)
        .filter(|id| !fired.contains(id))
        .collect();
    assert_eq!(silent, [""; 0]);
}

#[tokio::test]
async fn none_is_an_error_on_the_examples() {
    for (folder, scenario) in [
        ("deployment-site", "flat-lan"),
        ("isolated-vlan", "isolated-vlan"),
    ] {
        let lab = lab(scenario).await;
        let mut notes = lab.plan(&example(folder)).await.notes;
        notes.extend(offline(&example(folder)));
        notes.retain(|note| note.severity == Severity::Error);
        assert_eq!(notes, [], "{folder}");
    }
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
