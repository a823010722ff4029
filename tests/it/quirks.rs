//! Servers that differ from the ordinary one: each quirk, level and language of the simulator, and several at once. The
//! profile is that of an operator who has learned that server. The example converges to the world that an administrator
//! makes by hand, or the client stops with a clear error before a wrong write.

use std::collections::BTreeMap;
use std::time::Duration;

use sitewright::model::{Desired, Event, Outcome};
use sitewright::plan::Standing;
use sitewright_sim::{ConsoleAction, Language, Level, Options, Quirk, World};

use crate::examples::{by_hand, settled};
use crate::support::{Lab, desired, example};

fn flat_lan(quirks: &[Quirk]) -> Options {
    quirks
        .iter()
        .fold(Options::builtin("flat-lan").unwrap(), |options, quirk| {
            options.with_quirk(*quirk)
        })
}

async fn lab(options: Options, reports: bool) -> Lab {
    let mut lab = Lab::start(options);
    lab.options.settle = Duration::from_secs(2);
    lab.options.await_limit = Duration::from_secs(5);
    if reports {
        lab.install_reports().await;
    }
    lab.server.clear_requests();
    lab
}

/// What the steps of article 431459 make of a `flat-lan`: the same on every server.
fn made_by_hand(level: Level) -> String {
    let world = World::open(flat_lan(&[]).with_level(level)).unwrap();
    by_hand(
        &world,
        &["192.168.0.12/32", "192.168.10.0/24"],
        "Imaging VLAN, building 4",
        false,
    );
    settled(&world)
}

/// The writes that were carried out, and those that were refused, by operation.
fn writes(lab: &Lab) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut done, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for request in lab.server.requests() {
        if request.writes {
            let list = if request.status == 200 {
                &mut done
            } else {
                &mut refused
            };
            *list.entry(request.operation).or_default() += 1;
        }
    }
    (done, refused)
}

/// The example ends as by hand, nobody losing a server at any step, nothing being written twice; a second plan is empty.
async fn converges(options: Options, reports: bool) {
    let level = options.level;
    let lab = lab(options, reports).await;
    let example = example("deployment-site");
    let addresses = lab.addresses();
    let mut faults = Vec::new();
    lab.converge_watched(&example, &mut |event| {
        if let Event::StepEnded { step, .. } = event {
            let stranded = lab.stranded(&addresses);
            if !stranded.is_empty() {
                faults.push(format!("after {step}: {stranded:?}"));
            }
        }
    })
    .await;
    assert_eq!(faults, [""; 0]);
    assert!(lab.plan(&example).await.steps.is_empty());
    assert_eq!(settled(lab.world()), made_by_hand(level));
    let (done, refused) = writes(&lab);
    assert_eq!(refused, BTreeMap::new());
    assert_eq!(done.get("CreateNewResource"), Some(&3), "{done:?}");
    assert_eq!(done.get("FormAssociation"), Some(&5), "{done:?}");
    assert_eq!(done.get("SetPackageServerSettings"), Some(&1), "{done:?}");
}

macro_rules! converge {
    ($($name:ident: $options:expr;)+) => {
        $(#[tokio::test]
        async fn $name() {
            for reports in [false, true] {
                converges($options, reports).await;
            }
        })+
    };
}

converge! {
    table1: flat_lan(&[Quirk::Table1]);
    html_errors: flat_lan(&[Quirk::HtmlErrors]);
    shuffled_elements: flat_lan(&[Quirk::ShuffledElements]);
    unknown_elements: flat_lan(&[Quirk::UnknownElements]);
    prefixed: flat_lan(&[Quirk::Prefixed]);
    nil_nulls: flat_lan(&[Quirk::NilNulls]);
    braced_guids: flat_lan(&[Quirk::BracedGuids]);
    gzip: flat_lan(&[Quirk::Gzip]);
    chunked: flat_lan(&[Quirk::Chunked]);
    clock_ahead: flat_lan(&[Quirk::ClockAhead]);
    other_elements: flat_lan(&[Quirk::OtherElements]);
    localised_associations: flat_lan(&[Quirk::LocalisedAssociations]).with_language(Language::Ja);
    localised_items: flat_lan(&[Quirk::LocalisedItems]).with_language(Language::Fr);
    noisy_items: flat_lan(&[Quirk::NoisyItems]);
    reordered_items: flat_lan(&[Quirk::ReorderedItems]);
    no_deployment_solution: flat_lan(&[Quirk::NoDeploymentSolution]);
    german: flat_lan(&[]).with_language(Language::De).with_seed(3);
    french: flat_lan(&[]).with_language(Language::Fr).with_seed(4);
    japanese: flat_lan(&[]).with_language(Language::Ja).with_seed(5);
    level_7_1: flat_lan(&[]).with_level(Level::V71);
    level_8_0: flat_lan(&[]).with_level(Level::V80);
    level_8_1: flat_lan(&[]).with_level(Level::V81);
    level_8_5: flat_lan(&[]).with_level(Level::V85);
    level_8_5_ru2: flat_lan(&[]).with_level(Level::V85Ru2);
    level_8_5_ru3: flat_lan(&[]).with_level(Level::V85Ru3);
    level_8_5_ru4: flat_lan(&[]).with_level(Level::V85Ru4);
    localised_prefixed_shuffled_compressed_in_chunks: flat_lan(&[
        Quirk::Table1,
        Quirk::Prefixed,
        Quirk::ShuffledElements,
        Quirk::Gzip,
        Quirk::Chunked,
    ])
    .with_language(Language::Ja)
    .with_seed(6);
    all_that_is_said_otherwise: flat_lan(&[
        Quirk::HtmlErrors,
        Quirk::ShuffledElements,
        Quirk::UnknownElements,
        Quirk::NilNulls,
        Quirk::BracedGuids,
        Quirk::OtherElements,
        Quirk::LocalisedAssociations,
        Quirk::LocalisedItems,
        Quirk::NoisyItems,
        Quirk::ReorderedItems,
        Quirk::ClockAhead,
    ])
    .with_language(Language::Fr)
    .with_seed(8);
}

// A read that was refused or cut is tried again after a pause: with reports there are few.
#[tokio::test]
async fn busy() {
    converges(flat_lan(&[Quirk::Busy]), true).await;
}

#[tokio::test]
async fn resets() {
    converges(flat_lan(&[Quirk::Resets]), true).await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for_before_anything_is_sent_again() {
    let lab = lab(flat_lan(&[Quirk::ResetAfterWrite]), false).await;
    let example = example("deployment-site");
    for _ in 0..6 {
        let plan = lab.plan(&example).await;
        if plan.steps.is_empty() {
            break;
        }
        for (step, outcome) in lab.apply_watched(&plan, &mut |_| {}).await {
            if outcome == Outcome::Open {
                let open = plan.steps.iter().find(|one| one.id == step).unwrap();
                lab.console(&plan, open).await;
            }
        }
    }
    assert!(lab.plan(&example).await.steps.is_empty());
    assert_eq!(settled(lab.world()), made_by_hand(Level::default()));
    // Had anything been sent again that was there, the server would have refused it, or made it twice.
    let (done, refused) = writes(&lab);
    assert_eq!(refused, BTreeMap::new());
    assert_eq!(done.get("CreateNewResource"), Some(&3), "{done:?}");
    assert_eq!(done.get("FormAssociation"), Some(&5), "{done:?}");
}

#[tokio::test]
async fn an_account_that_may_only_read_is_told_at_the_first_write() {
    let lab = lab(flat_lan(&[Quirk::ReadOnlyAccount]), false).await;
    let example = example("deployment-site");
    let dump = lab.world().dump();
    let plan = lab.plan(&example).await;
    assert!(!plan.is_blocked() && !plan.steps.is_empty());
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(lab.world().dump(), dump);
    let failed: Vec<_> = outcomes
        .iter()
        .filter_map(|(_, outcome)| match outcome {
            Outcome::Failed { code, .. } => Some(code.as_str()),
            _ => None,
        })
        .collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|code| *code == "SW0332"),
        "{outcomes:#?}"
    );
    assert!(
        outcomes
            .iter()
            .any(|(_, outcome)| matches!(outcome, Outcome::Waiting { .. }))
    );
    let (done, _) = writes(&lab);
    assert_eq!(done, BTreeMap::new());
}

/// The plan is blocked with a code, and neither planning nor anything else wrote.
async fn blocked(lab: &Lab, desired: &Desired, code: &str) -> String {
    let dump = lab.world().dump();
    lab.server.clear_requests();
    let plan = lab.plan(desired).await;
    assert!(plan.is_blocked());
    let said: Vec<&str> = plan
        .notes
        .iter()
        .filter(|note| note.standing == Standing::Blocks && note.id == code)
        .map(|note| note.message.as_str())
        .collect();
    assert!(!said.is_empty(), "expected {code}: {:#?}", plan.notes);
    assert_eq!(writes(lab), (BTreeMap::new(), BTreeMap::new()));
    assert_eq!(lab.world().dump(), dump);
    said.join("\n")
}

#[tokio::test]
async fn packages_whose_service_is_missing_are_left_as_they_are() {
    for reports in [false, true] {
        let lab = lab(flat_lan(&[Quirk::NoSoftwarePackageService]), reports).await;
        let said = blocked(&lab, &example("deployment-site"), "SW0509").await;
        assert!(said.contains("`Win11-24H2 golden`"), "{said}");
        // What has nothing to do with packages goes its way.
        let office = desired(OFFICE);
        lab.converge_watched(&office, &mut |_| {}).await;
        assert!(lab.plan(&office).await.steps.is_empty());
    }
}

const OFFICE: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Office }
spec: { subnets: [192.168.0.0/24, 192.168.10.0/24], servers: [{ name: SITE01.corp.example }] }
";

#[tokio::test]
async fn what_has_become_another_servers_is_not_changed() {
    for (name, other) in [
        (
            "Office",
            OFFICE.replace("subnets: [192.168.0.0/24, ", "subnets: ["),
        ),
        (
            "192.168.0.0/24",
            OFFICE.replace("{ name: Office }", "{ name: Lab }"),
        ),
    ] {
        let lab = lab(flat_lan(&[]), false).await;
        lab.converge_watched(&desired(OFFICE), &mut |_| {}).await;
        lab.world()
            .console(ConsoleAction::Replicate {
                name: name.to_owned(),
                from: "SMP00.corp.example".to_owned(),
            })
            .unwrap();
        let said = blocked(&lab, &desired(&other), "hierarchy-owned").await;
        assert!(said.contains(&format!("`{name}`")), "{said}");
    }
}
