//! How a plan is carried out, through the wire: several steps at once, cut off at a creation, no faster than it may, and
//! without a single write from a command that reads.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Unit};
use sitewright::journal::Fact;
use sitewright::model::{Event, Held, Outcome, Ownership, RunId, StepId, StepKind};
use sitewright::profile::to_yaml;
use sitewright::smp::{Connection, Write, WritingTransport};
use sitewright_sim::{ConsoleAction, Options, Server};

use crate::support::{Cut, Desk, Lab, desired, example};

fn lab() -> Lab {
    Lab::start(Options::builtin("flat-lan").unwrap().with_seed(1))
}

/// Ten sites of their own, each with a subnet that is to be created.
fn ten_sites() -> String {
    let site = |n: u32| {
        format!(
            "apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: Lab {n} }}\n\
             spec: {{ subnets: [10.77.{n}.0/24], servers: [{{ name: DEPLOY01.corp.example }}] }}\n"
        )
    };
    (0..10).map(site).collect::<Vec<_>>().join("---\n")
}

/// The most steps that were under way at once, by what a run told.
fn at_once(events: &[Event]) -> usize {
    let mut under_way: BTreeSet<&StepId> = BTreeSet::new();
    let mut most = 0;
    for event in events {
        match event {
            Event::StepStarted { step } => {
                under_way.insert(step);
                most = most.max(under_way.len());
            }
            Event::StepEnded { step, .. } => {
                under_way.remove(step);
            }
            _ => {}
        }
    }
    most
}

#[tokio::test]
async fn several_steps_are_under_way_at_once_and_no_more_than_may_be() {
    let wanted = desired(&ten_sites());
    for (parallelism, expected) in [(1, 1), (3, 3)] {
        let mut lab = lab();
        lab.options.parallelism = parallelism;
        let plan = lab.plan(&wanted).await;
        let mut events = Vec::new();
        let outcomes = lab
            .apply_watched(&plan, &mut |event| events.push(event.clone()))
            .await;
        assert!(
            outcomes
                .iter()
                .all(|(_, outcome)| *outcome == Outcome::Done),
            "{outcomes:#?}"
        );
        assert_eq!(at_once(&events), expected);
        assert!(lab.plan(&wanted).await.steps.is_empty());
        assert_eq!(lab.ownership().await.sites.len(), 10);
    }
}

#[tokio::test]
async fn an_example_ends_as_one_by_one_however_many_steps_are_under_way() {
    let mut lab = lab();
    lab.options.parallelism = 8;
    lab.converge_watched(&example("deployment-site"), &mut |_| {})
        .await;
    let addresses = lab.addresses();
    assert_eq!(lab.stranded(&addresses), Vec::<String>::new());
}

fn held(ownership: &Ownership) -> Vec<(&str, Held)> {
    let sites = ownership.sites.values();
    sites
        .map(|owned| (owned.name.as_str(), owned.how))
        .collect()
}

const ONE: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { subnets: [] }
";

/// The server created it, and the program never came to know: it is ours all the same, and nothing stays open.
#[tokio::test]
async fn a_creation_whose_answer_never_came_is_ours_in_the_next_run() {
    let mut lab = lab();
    let wanted = desired(ONE);
    let plan = lab.plan(&wanted).await;
    let cut = Cut::before(&lab.server.url()).await;
    cut.after_write(1, false);
    let (url, writing) = (cut.url.parse().unwrap(), lab.writing.clone());
    lab.writing = WritingTransport::new(Connection::new(url, RunId("test".into()))).unwrap();
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert!(
        matches!(outcomes[0].1, Outcome::Failed { .. }),
        "{outcomes:?}"
    );
    assert_eq!(cut.writes(), 1);
    let ownership = lab.ownership().await;
    assert_eq!((held(&ownership), ownership.intended.len()), (vec![], 1));
    lab.writing = writing;
    lab.converge_watched(&wanted, &mut |_| {}).await;
    let ownership = lab.ownership().await;
    assert_eq!(held(&ownership), [("Lab", Held::Created)]);
    assert!(ownership.intended.is_empty());
}

/// What was there when it was declared first is somebody else's, with a run that failed before or without.
#[tokio::test]
async fn what_somebody_else_made_is_adopted() {
    let lab = lab();
    let wanted = desired(ONE);
    let plan = lab.plan(&wanted).await;
    let action = ConsoleAction::NewSite {
        name: "Lab".into(),
        description: String::new(),
    };
    lab.world().console(action).unwrap();
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(outcomes[0].1, Outcome::AlreadyDone);
    let ownership = lab.ownership().await;
    assert_eq!(held(&ownership), [("Lab", Held::Adopted)]);
    assert!(ownership.intended.is_empty());
}

/// What one run adds to the journal, in bytes, in a world with so many sites that it has nothing to do with.
async fn journal_bytes(others: u32) -> u64 {
    let lab = lab();
    let writer = lab.writer();
    for n in 0..others {
        let write = Write::CreateSite {
            name: format!("Other {n}"),
            description: Some("nobody's business".into()),
        };
        writer
            .send(writer.prepare(&write).await.unwrap())
            .await
            .unwrap();
    }
    let plan = lab.plan(&desired(&ten_sites())).await;
    lab.apply_watched(&plan, &mut |_| {}).await;
    let facts = lab.store.facts().await.unwrap();
    facts
        .iter()
        .map(|fact| u64::try_from(serde_json::to_vec(fact).unwrap().len()).unwrap())
        .sum()
}

#[tokio::test]
async fn what_is_written_for_a_step_has_to_do_with_the_step_and_not_with_the_world() {
    let (small, large) = (journal_bytes(0).await, journal_bytes(150).await);
    assert!(small > 10_000, "{small}");
    // Numbers of what there is may have more digits.
    assert!(large.abs_diff(small) < 100, "{small} and {large}");
}

#[tokio::test]
async fn requests_go_out_no_faster_than_the_workspace_says() {
    let mut lab = lab();
    let mut connection = Connection::new(lab.server.url().parse().unwrap(), RunId("test".into()));
    connection.rate_limit = NonZeroU32::new(25);
    lab.writing = WritingTransport::new(connection).unwrap();
    lab.options.parallelism = 8;
    let plan = lab.plan(&desired(&ten_sites())).await;
    let (begun, before) = (Instant::now(), lab.server.requests().len());
    lab.apply_watched(&plan, &mut |_| {}).await;
    let sent = u32::try_from(lab.server.requests().len() - before).unwrap();
    assert!(sent > 50, "{sent}");
    assert!(begun.elapsed() >= Duration::from_millis(40) * (sent - 1));
}

/// Each command that reads, run as people run it; the server's own log says what came.
#[test]
fn a_command_that_reads_sends_nothing_that_writes() {
    let lab = lab();
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("profile.yaml");
    std::fs::write(&profile, to_yaml(&lab.profile).unwrap()).unwrap();
    let manifests = folder.path().join("sites.yaml");
    std::fs::write(&manifests, ten_sites()).unwrap();
    let file = manifests.to_str().unwrap();
    for line in [
        &["plan", "-f", file][..],
        &["drift", "-f", file],
        &["drift", "--all", "-f", file],
        &["runbook", "-f", file],
        &["validate", "--live", "-f", file],
        &["verify", "--wait", "0s", "-f", file],
        &["explain", "192.168.0.21"],
        &["explain", "--desired", "-f", file, "10.77.1.9"],
        &["serves", "DEPLOY01.corp.example"],
        &["export"],
        &["firewall", "--site", "HQ", "-f", file],
        &["platform", "check"],
        &["profile", "discover", "--update"],
    ] {
        let server: &Server = &lab.server;
        server.clear_requests();
        let output = Command::new(env!("CARGO_BIN_EXE_sitewright"))
            .args(line)
            .args(["--platform", &server.url()])
            .args(["--server", "SMP01.corp.example"])
            .arg("--profile")
            .arg(&profile)
            .arg("--state")
            .arg(folder.path().join("state"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_ne!(output.status.code(), Some(64), "{line:?}: {said}");
        assert!(!said.contains("SW0660"), "{line:?}: {said}");
        let requests = server.requests();
        assert!(
            !requests.is_empty() || line[0] == "firewall",
            "{line:?}: {said}"
        );
        let writes: Vec<_> = requests
            .iter()
            .filter(|request| request.writes)
            .map(|request| &request.operation)
            .collect();
        assert!(writes.is_empty(), "{line:?} sent {writes:?}");
    }
}

/// Two sites of ours, of which the second is taken down again.
const TWO: &str = "apiVersion: sitewright/v1
kind: Site
metadata: { name: Lab }
spec: { subnets: [] }
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Shed }
spec: { subnets: [] }
";

/// Somebody else deletes what a step is about to delete, between its look and its write.
#[tokio::test]
async fn what_somebody_else_deleted_first_is_gone_as_wanted() {
    let mut lab = lab();
    lab.converge_watched(&desired(TWO), &mut |_| {}).await;
    let wanted = desired(ONE);
    let plan = lab.plan(&wanted).await;
    let cut = Cut::before(&lab.server.url()).await;
    let other = lab.world().clone();
    cut.first(1, move || {
        let name = "Shed".to_owned();
        other.console(ConsoleAction::DeleteSite { name }).unwrap();
    });
    let url = cut.url.parse().unwrap();
    lab.writing = WritingTransport::new(Connection::new(url, RunId("test".into()))).unwrap();
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert_eq!(cut.writes(), 1);
    assert_eq!(outcomes[0].1, Outcome::AlreadyDone, "{outcomes:?}");
    assert_eq!(held(&lab.ownership().await), [("Lab", Held::Created)]);
}

/// The window begins in the middle of a pass: what is under way comes to its end, and nothing else begins. Whatever is
/// under way then, be it in the middle of a record, the run ends.
#[tokio::test]
async fn no_step_begins_once_a_window_has_begun() {
    for allowed in 8..28 {
        let mut lab = lab();
        lab.options.parallelism = 8;
        let wanted = desired(&ten_sites());
        let plan = lab.plan(&wanted).await;
        let begun = Arc::new(AtomicUsize::new(0));
        let asked = Arc::clone(&begun);
        lab.closed = Box::new(move || {
            let is_open = asked.fetch_add(1, Ordering::Relaxed) < allowed;
            (!is_open).then(|| "the workspace has been frozen meanwhile".to_owned())
        });
        let mut events = Vec::new();
        let mut emit = |event: &Event| events.push(event.clone());
        let applied = lab.apply_watched(&plan, &mut emit);
        let outcomes = tokio::time::timeout(Duration::from_mins(1), applied)
            .await
            .unwrap_or_else(|_| panic!("no end after {allowed} steps"));
        let count = |wanted: &Outcome| outcomes.iter().filter(|(_, found)| found == wanted).count();
        assert_eq!(count(&Outcome::Done), allowed, "{outcomes:?}");
        assert!(count(&Outcome::Cancelled) > 0, "{outcomes:?}");
        assert!(
            events
                .iter()
                .any(|event| matches!(event, Event::Stopping { why } if why.contains("frozen"))),
            "{events:?}"
        );
        // Each that was not tried is in the journal as such.
        let facts = lab.store.facts().await.unwrap();
        let untried = facts.iter().filter(|fact| {
            matches!(fact, Fact::StepEnded { outcome, .. } if *outcome == Outcome::Cancelled)
        });
        assert_eq!(untried.count(), count(&Outcome::Cancelled), "{facts:?}");
        lab.closed = Box::new(|| None);
        lab.converge_watched(&wanted, &mut |_| {}).await;
    }
}

/// The same of the program: it says so with the exit code of a plan that is blocked, and goes on where somebody gives
/// his word.
#[tokio::test]
async fn a_window_that_begins_in_the_middle_of_a_run_is_told() {
    let desk = Desk::new();
    let begins = (Timestamp::now() + SignedDuration::from_secs(10))
        .round(Unit::Second)
        .unwrap();
    let from = TimeZone::UTC.to_datetime(begins);
    let seat = desk
        .seat(&format!(
            "  safety: {{ freeze: [{{ from: {from}, to: 2999-12-31, zone: UTC, reason: closing }}] }}\n"
        ))
        .await;
    let apply = seat.apply_until(2).await;
    assert!(Timestamp::now() < begins, "the machine is too slow for it");
    while Timestamp::now() <= begins {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    seat.way.hold(0);
    seat.way.go_on();
    let (code, said) = seat.ended(apply).await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("SW0544"), "{said}");
    assert!(said.contains(": closing"), "{said}");
    let written = seat.way.writes();
    assert!((2..6).contains(&written), "{written} writes\n{said}");
    seat.told(&["apply", "--yes"], 3).await;
    assert_eq!(seat.way.writes(), written);
    let word = ["--override", "freeze", "--reason", "it must be"];
    seat.told(&[&["apply", "--yes"], &word[..]].concat(), 0)
        .await;
    desk.is_done(&seat).await;
}

/// A clock that jumps by a year ends no wait.
#[tokio::test]
async fn a_wait_is_not_measured_by_the_time_of_day() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let mut lab = lab();
    lab.clock = || {
        let years = i64::try_from(ASKED.fetch_add(1, Ordering::Relaxed)).unwrap();
        Timestamp::from_second(years * 365 * 24 * 3600).unwrap()
    };
    lab.install_reports().await;
    let pin = ConsoleAction::PinPackage {
        package: "Win11-24H2 golden".into(),
        servers: vec!["SMP01.corp.example".into()],
    };
    lab.world().console(pin).unwrap();
    lab.world().tick(Duration::from_hours(1));
    let wanted = example("deployment-site");
    let plan = lab.plan(&wanted).await;
    assert!(
        plan.steps.iter().any(|step| step.kind() == StepKind::Await),
        "{plan:?}"
    );
    lab.options.await_limit = Duration::from_secs(2);
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { code, .. } if code == "SW0604"))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// A server that takes a write and never answers: the step ends in time, and the next run finds what was done.
#[tokio::test]
async fn a_step_that_the_server_leaves_hanging_ends_and_the_next_run_goes_on() {
    let mut lab = lab();
    let wanted = desired(ONE);
    let plan = lab.plan(&wanted).await;
    let cut = Cut::before(&lab.server.url()).await;
    cut.hold(1);
    let (url, writing) = (cut.url.parse().unwrap(), lab.writing.clone());
    lab.writing = WritingTransport::new(Connection::new(url, RunId("test".into()))).unwrap();
    lab.options.step_timeout = Duration::from_secs(3);
    let outcomes = lab.apply_watched(&plan, &mut |_| {}).await;
    assert!(
        matches!(&outcomes[0].1, Outcome::Failed { code, .. } if code == "SW0661"),
        "{outcomes:?}"
    );
    assert_eq!(cut.writes(), 1);
    lab.writing = writing;
    lab.options.step_timeout = Duration::from_mins(1);
    lab.converge_watched(&wanted, &mut |_| {}).await;
    assert_eq!(held(&lab.ownership().await), [("Lab", Held::Created)]);
}
