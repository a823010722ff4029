//! Sites that are declared under another name than the SMP shows: one rename, and everything else stays with its GUID.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use sitewright::model::{Action, By, Name, Outcome, RunId, SiteRef, StepKind};
use sitewright::plan::{Plan, Standing};
use sitewright::profile::Standing as Learned;
use sitewright::smp::{Connection, WritingTransport};
use sitewright_sim::{ConsoleAction, Options, Quirk};

use crate::support::{Cut, Lab, desired};

const BEFORE: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { description: Two floors, subnets: [192.168.10.0/24], servers: [{ name: DEPLOY01.corp.example }] }
";

fn after() -> String {
    BEFORE.replace("{ name: Lab }", "{ name: Studio, formerly: [Lab] }")
}

fn rename(name: &str, to: &str) -> ConsoleAction {
    ConsoleAction::RenameSite {
        name: name.into(),
        to: to.into(),
    }
}

/// A laboratory in which the site is there by its former name, and ours.
async fn converged() -> Lab {
    let lab = Lab::start(Options::builtin("flat-lan").unwrap());
    lab.converge_watched(&desired(BEFORE), &mut |_| {}).await;
    lab.server.clear_requests();
    lab
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.id.0.as_str()).collect()
}

#[tokio::test]
async fn a_rename_is_one_write_and_everything_stays_with_the_guid() {
    let lab = converged().await;
    let before = lab.ownership().await;
    let wanted = desired(&after());
    let plan = lab.plan(&wanted).await;
    assert_eq!(ids(&plan), ["rename-site:Studio"], "{:#?}", plan.notes);
    assert!(!plan.is_blocked());
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(outcomes[0].1, Outcome::Done);
    let again = lab.plan(&wanted).await;
    assert!(again.steps.is_empty(), "{:#?}", again.steps);
    let owned = lab.ownership().await;
    assert_eq!(
        owned.sites.keys().collect::<Vec<_>>(),
        before.sites.keys().collect::<Vec<_>>()
    );
    // Declared without its past it is the same site.
    let short = desired(&after().replace(", formerly: [Lab]", ""));
    assert!(lab.plan(&short).await.steps.is_empty());
}

#[tokio::test]
async fn everything_else_of_the_site_waits_for_its_new_name() {
    let lab = converged().await;
    let wanted = desired(
        &after()
            .replace("Two floors", "Three floors")
            .replace("[192.168.10.0/24]", "[192.168.10.0/24, 192.168.11.0/24]"),
    );
    let plan = lab.plan(&wanted).await;
    let first = &plan.steps[0];
    assert_eq!(first.id.0, "rename-site:Studio");
    assert!(plan.steps.len() == 3, "{:?}", ids(&plan));
    for step in &plan.steps[1..] {
        assert_eq!(step.depends_on, [0], "{}", step.id);
    }
    lab.converge_watched(&wanted, &mut |_| {}).await;
}

#[tokio::test]
async fn a_site_that_is_nobodys_is_said_to_be_adopted() {
    let lab = Lab::start(Options::builtin("flat-lan").unwrap());
    let action = ConsoleAction::NewSite {
        name: "Lab".into(),
        description: "Two floors".into(),
    };
    lab.world().console(action).unwrap();
    let wanted = desired(&after());
    let plan = lab.plan(&wanted).await;
    assert!(
        ids(&plan).contains(&"adopt-site:Studio"),
        "{:?}",
        ids(&plan)
    );
    assert!(!ids(&plan).contains(&"create-site:Studio"));
    let note = plan
        .notes
        .iter()
        .find(|note| note.id == "adopted-by-former-name");
    assert_eq!(note.unwrap().standing, Standing::Remains);
    lab.converge_watched(&wanted, &mut |_| {}).await;
    let owned = lab.ownership().await;
    let names: Vec<&str> = owned
        .sites
        .values()
        .map(|site| site.name.as_str())
        .collect();
    assert_eq!(names, ["Studio"]);
}

/// The server renamed it, and the program never came to know: it looks, and sends nothing twice.
#[tokio::test]
async fn an_answer_that_never_came_is_looked_after() {
    let mut lab = converged().await;
    let wanted = desired(&after());
    let plan = lab.plan(&wanted).await;
    let cut = Cut::before(&lab.server.url()).await;
    cut.after_write(1, false);
    let (url, writing) = (cut.url.parse().unwrap(), lab.writing.clone());
    lab.writing = WritingTransport::new(Connection::new(url, RunId("test".into()))).unwrap();
    lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(cut.writes(), 1);
    lab.writing = writing;
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(outcomes[0].1, Outcome::AlreadyDone);
    assert!(lab.plan(&wanted).await.steps.is_empty());
}

#[tokio::test]
async fn what_changed_since_the_plan_is_done_already_or_stops_the_step() {
    for (done, action) in [
        (true, rename("Lab", "Studio")),
        (false, rename("Lab", "Cellar")),
        (
            false,
            ConsoleAction::NewSite {
                name: "Studio".into(),
                description: String::new(),
            },
        ),
    ] {
        let lab = converged().await;
        let plan = lab.plan(&desired(&after())).await;
        lab.world().console(action).unwrap();
        lab.server.clear_requests();
        let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
        match (done, &outcomes[0].1) {
            (true, Outcome::AlreadyDone) => {}
            (false, Outcome::Failed { code, .. }) => assert_eq!(code, "SW0601"),
            other => panic!("{other:?}"),
        }
        let renames = lab.server.requests();
        assert!(
            renames
                .iter()
                .all(|one| !format!("{one:?}").contains("RenameItem"))
        );
    }
}

/// Where the profile is not sure of the type of sites, a person renames it, and the rest waits for that.
#[tokio::test]
async fn what_is_not_proven_is_a_console_step() {
    let mut lab = converged().await;
    if let Some(site) = &mut lab.profile.types.site {
        site.standing = Learned::Discovered;
    }
    let wanted = desired(&after());
    let plan = lab.plan(&wanted).await;
    let step = &plan.steps[0];
    assert_eq!((step.by, step.kind()), (By::Console, StepKind::Manual));
    let Action::RenameSite {
        site: SiteRef { name, .. },
        before,
    } = &step.action
    else {
        panic!("{step:?}");
    };
    assert_eq!((name, before), (&Name::new("Studio"), &Name::new("Lab")));
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(outcomes[0].1, Outcome::Open);
    lab.world().console(rename("Lab", "Studio")).unwrap();
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(outcomes[0].1, Outcome::AlreadyDone);
}

/// An account that may not write, and a name that somebody takes between the look and the write.
#[tokio::test]
async fn a_refused_rename_loses_nothing_else() {
    let wanted = desired(&after().replace("Two floors", "Three floors"));
    let mut lab = converged().await;
    let owned = lab.ownership().await;
    let plan = lab.plan(&wanted).await;
    let cut = Cut::before(&lab.server.url()).await;
    let world = lab.world().clone();
    let taken = ConsoleAction::NewSite {
        name: "Studio".into(),
        description: String::new(),
    };
    cut.first(1, move || drop(world.console(taken).unwrap()));
    let (url, writing) = (cut.url.parse().unwrap(), lab.writing.clone());
    lab.writing = WritingTransport::new(Connection::new(url, RunId("test".into()))).unwrap();
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    lab.writing = writing;
    assert_eq!(cut.writes(), 1, "{outcomes:?}");
    let Outcome::Failed { code, error, .. } = &outcomes[0].1 else {
        panic!("{outcomes:?}");
    };
    assert_eq!(code, "SW0332");
    assert!(error.contains("`Studio` exists already"), "{error}");
    // Nobody knows by now which of the two is meant.
    let plan = lab.plan(&wanted).await;
    assert!(plan.is_blocked() && plan.steps.is_empty(), "{plan:?}");
    assert!(plan.notes.iter().any(|note| note.id == "SW0516"));
    let gone = ConsoleAction::DeleteSite {
        name: "Studio".into(),
    };
    lab.world().console(gone).unwrap();
    assert_eq!(lab.ownership().await.sites, owned.sites);
    lab.converge_watched(&wanted, &mut |_| {}).await;
    let now: Vec<_> = lab.ownership().await.sites.into_keys().collect();
    assert_eq!(now, owned.sites.into_keys().collect::<Vec<_>>());

    // Without the right to write.
    let lab = Lab::start(
        Options::builtin("flat-lan")
            .unwrap()
            .with_quirk(Quirk::ReadOnlyAccount),
    );
    let action = ConsoleAction::NewSite {
        name: "Lab".into(),
        description: "Two floors".into(),
    };
    lab.world().console(action).unwrap();
    let before = lab.world().dump();
    let plan = lab.plan(&wanted).await;
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    let of = |id: &str| &outcomes.iter().find(|(step, _)| step.0 == id).unwrap().1;
    let Outcome::Failed { code, .. } = of("rename-site:Studio") else {
        panic!("{outcomes:?}");
    };
    assert_eq!(code, "SW0332");
    assert!(
        !outcomes
            .iter()
            .any(|(step, outcome)| step.0 == "describe-site:Studio"
                && !matches!(outcome, Outcome::Waiting { .. })),
        "{outcomes:?}"
    );
    assert_eq!(lab.world().dump(), before);
}

/// Between the look and the write somebody deletes the site and makes another one of the new name: that one is left
/// alone, and the next plan says what has become of ours.
#[tokio::test]
async fn what_comes_in_between_is_not_renamed() {
    let mut lab = converged().await;
    let wanted = desired(&after());
    let ours = lab.ownership().await.sites;
    let plan = lab.plan(&wanted).await;
    let cut = Cut::before(&lab.server.url()).await;
    let world = lab.world().clone();
    cut.first(1, move || {
        let name = "Lab".into();
        world.console(ConsoleAction::DeleteSite { name }).unwrap();
        let action = ConsoleAction::NewSite {
            name: "Studio".into(),
            description: "somebody's".into(),
        };
        world.console(action).unwrap();
    });
    let (url, writing) = (cut.url.parse().unwrap(), lab.writing.clone());
    lab.writing = WritingTransport::new(Connection::new(url, RunId("test".into()))).unwrap();
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    lab.writing = writing;
    assert!(
        matches!(outcomes[0].1, Outcome::Failed { .. }),
        "{outcomes:?}"
    );
    assert_eq!(cut.writes(), 1);
    assert!(lab.world().dump().contains("somebody's"));
    let plan = lab.plan(&wanted).await;
    let ids = ids(&plan);
    assert!(ids.contains(&"adopt-site:Studio"), "{ids:?}");
    assert!(ids.contains(&"release-site:Lab"), "{ids:?}");
    assert!(
        !ids.iter()
            .any(|id| id.starts_with("rename-site") || id.starts_with("create-site")),
        "{ids:?}"
    );
    lab.converge_watched(&wanted, &mut |_| {}).await;
    let now = lab.ownership().await.sites;
    assert!(now.keys().all(|guid| !ours.contains_key(guid)), "{now:?}");
}

/// Somebody renames a site of ours in the console: the plan, which would make another one, says how to mend that.
#[tokio::test]
async fn a_site_that_somebody_renamed_gets_its_name_back() {
    let lab = converged().await;
    let ours = lab.ownership().await.sites;
    lab.world().console(rename("Lab", "Cellar")).unwrap();
    let plan = lab.plan(&desired(BEFORE)).await;
    assert!(
        ids(&plan).contains(&"delete-site:Cellar"),
        "{:?}",
        ids(&plan)
    );
    let note = plan
        .notes
        .iter()
        .find(|note| note.id == "renamed-elsewhere")
        .unwrap();
    assert!(
        note.remedy.contains("`formerly: [Cellar]`"),
        "{}",
        note.remedy
    );
    let mended = desired(&BEFORE.replace("{ name: Lab }", "{ name: Lab, formerly: [Cellar] }"));
    let plan = lab.plan(&mended).await;
    assert_eq!(ids(&plan), ["rename-site:Lab"]);
    assert!(plan.notes.iter().all(|note| note.id != "renamed-elsewhere"));
    lab.converge_watched(&mended, &mut |_| {}).await;
    assert_eq!(lab.ownership().await.sites, ours);
}
