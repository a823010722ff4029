//! What is not shown to the account is never taken for gone: lists that have become much shorter are doubted, and nothing
//! is created, deleted or forgotten because of them.

use std::time::Duration;

use sitewright::journal;
use sitewright::model::{Acceptance, Action, CountedKind, Desired, Record};
use sitewright::plan::{Plan, Standing};
use sitewright_sim::{ConsoleAction, Options};

use crate::support::{Lab, desired};

/// An office with as many subnets 10.20.N.0/24.
fn office(subnets: usize) -> Desired {
    let list: Vec<String> = (0..subnets)
        .map(|number| format!("10.20.{number}.0/24"))
        .collect();
    desired(&format!(
        "apiVersion: sitewright/v1
kind: Site
metadata: {{ name: Office }}
spec:
  subnets: [192.168.0.0/24, 192.168.10.0/24, {}]
  servers: [{{ name: SITE01.corp.example }}]
",
        list.join(", ")
    ))
}

/// A flat LAN in which the office is as it is declared.
async fn lab(reports: bool, subnets: usize) -> Lab {
    let mut lab = Lab::start(Options::builtin("flat-lan").unwrap());
    lab.options.settle = Duration::from_secs(1);
    if reports {
        lab.install_reports().await;
    }
    lab.converge_watched(&office(subnets), &mut |_| {}).await;
    lab.server.clear_requests();
    lab
}

fn scope(lab: &Lab, kind: &str, hidden: &str) {
    let (kind, hidden) = (kind.to_owned(), hidden.to_owned());
    lab.world()
        .console(ConsoleAction::Scope { kind, hidden })
        .unwrap();
}

/// The notes on short lists: how each goes together with the plan, and what it says.
fn doubts(plan: &Plan) -> Vec<(Standing, String)> {
    let notes = plan.notes.iter().filter(|note| note.id == "fewer-shown");
    notes
        .map(|note| (note.standing, note.message.clone()))
        .collect()
}

fn wrote(lab: &Lab) -> bool {
    lab.server.requests().iter().any(|request| request.writes)
}

#[tokio::test]
async fn subnets_that_are_no_longer_shown_are_not_created_again() {
    for reports in [false, true] {
        let lab = lab(reports, 12).await;
        let (before, wanted) = (lab.ownership().await, office(12));
        scope(&lab, "subnets", "half");
        let plan = lab.plan(&wanted).await;
        let told = doubts(&plan);
        assert!(plan.is_blocked());
        assert!(
            told.len() == 1
                && told[0]
                    .1
                    .starts_with("the SMP shows 7 subnets instead of the 14 of the last run, 7 fewer where up to 3 are believed; this plan would create subnets (7), forget subnets ("),
            "{told:?}"
        );
        // What it would do is shown all the same.
        assert!(
            plan.steps
                .iter()
                .any(|step| step.id.0.starts_with("create-subnet:"))
        );
        assert!(!wrote(&lab));
        // The right is back, and nothing was forgotten.
        scope(&lab, "subnets", "none");
        assert_eq!(lab.plan(&wanted).await.steps, []);
        assert_eq!(lab.ownership().await, before);
    }
}

#[tokio::test]
async fn sites_that_are_no_longer_shown_keep_their_subnets() {
    let mut declared = String::new();
    for number in 0..5 {
        let site = format!(
            "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: Branch {number} }}\nspec: {{ subnets: [10.{number}.0.0/24], servers: [{{ name: SITE01.corp.example }}] }}\n---\n"
        );
        declared.push_str(&site);
    }
    let branches = desired(declared.trim_end_matches("---\n"));
    let lab = Lab::start(Options::builtin("flat-lan").unwrap());
    lab.converge_watched(&branches, &mut |_| {}).await;
    scope(&lab, "sites", "all");
    // Somebody else wants a subnet that is in no site now, as far as the account can see.
    let robber = desired(
        "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: Branch 9 }\nspec: { subnets: [10.0.0.0/24] }\n",
    );
    let plan = lab.plan(&robber).await;
    assert_eq!(
        doubts(&plan),
        [(
            Standing::Blocks,
            "the SMP shows 0 sites instead of the 5 of the last run, 5 fewer where up to 3 are believed; this plan would create sites (1), forget sites (5), give subnets a site (1)".to_owned()
        )]
    );
}

#[tokio::test]
async fn somebody_may_vouch_that_subnets_are_gone() {
    let lab = lab(false, 12).await;
    let wanted = office(12);
    for number in 0..6 {
        let network = format!("10.20.{number}.0/24");
        lab.world()
            .console(ConsoleAction::DeleteSubnet { subnet: network })
            .unwrap();
    }
    assert!(lab.plan(&wanted).await.is_blocked());
    let acceptance = Acceptance {
        kinds: [CountedKind::Subnets].into(),
        reason: "the lab was closed, ticket 4711".into(),
    };
    let plan = lab.plan_accepting(&wanted, false, Some(&acceptance)).await;
    assert!(!plan.is_blocked(), "{:#?}", plan.notes);
    assert_eq!(plan.steps[0].id.0, "accept-fewer:subnets");
    lab.apply_watched(&plan, &mut |_| {}).await;
    // The word is in the journal, with its reason, and is not asked for again.
    let journal = lab.store.facts().await.unwrap();
    let record = Record::AcceptFewer {
        of: CountedKind::Subnets,
        before: 14,
        after: 8,
        why: "the lab was closed, ticket 4711".into(),
    };
    let recorded = |fact: &journal::Fact| matches!(fact, journal::Fact::Recorded { record: found } if *found == record);
    assert!(journal.iter().any(recorded));
    let plan = lab.plan(&wanted).await;
    assert_eq!(plan.steps, []);
    assert_eq!(plan.counts[&CountedKind::Subnets], 14);
}

#[tokio::test]
async fn what_a_run_deletes_itself_is_not_missed() {
    let lab = lab(false, 12).await;
    let plan = lab.plan(&office(0)).await;
    let deletes = plan
        .steps
        .iter()
        .filter(|step| matches!(step.action, Action::DeleteSubnet { .. }));
    assert_eq!(deletes.count(), 12);
    lab.apply_watched(&plan, &mut |_| {}).await;
    let plan = lab.plan(&office(1)).await;
    assert_eq!(doubts(&plan), []);
    assert!(!plan.is_blocked());
}
