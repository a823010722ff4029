//! The loop as people run it: the program as a process, a simulated SMP that is changed behind its back, signals, a git
//! repository, and whoever asks over HTTP.
//!
//! Times are not measured where a count of attempts will do: a machine that is busy makes everything late, and the
//! interval with it.

mod exposition;
mod git;
mod hour;
mod sign_in;
mod yard;

use std::fs;
use std::time::{Duration, Instant};

use sitewright_sim::{ConsoleAction, Options, Quirk};

use exposition::Exposition;
use yard::{Yard, lab, terminate, until};

/// A subnet is taken out of its site in the console.
fn taken_out(number: u32) -> ConsoleAction {
    ConsoleAction::RemoveSubnet {
        site: format!("Lab {number}"),
        subnet: format!("10.77.{number}.0/24"),
    }
}

/// A subnet is put back into its site in the console.
fn put_back(number: u32) -> ConsoleAction {
    ConsoleAction::AddSubnet {
        site: format!("Lab {number}"),
        subnet: format!("10.77.{number}.0/24"),
    }
}

/// A subnet is deleted in the console.
fn deleted(number: u32) -> ConsoleAction {
    ConsoleAction::DeleteSubnet {
        subnet: format!("10.77.{number}.0/24"),
    }
}

fn flat_lan() -> Options {
    Options::builtin("flat-lan").unwrap().with_seed(1)
}

#[test]
fn it_says_what_differs_once_and_that_it_is_resolved_once_and_writes_nothing() {
    let yard = Yard::new(flat_lan(), 3, "");
    let before = fs::read(yard.here().join("state/hq.state.json")).ok();
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(1);
    yard.server().clear_requests();
    yard.console(taken_out(2));
    watch.rounds(2);
    assert_eq!(watch.lines("drift object=Subnet/10.77.2.0/24").len(), 1);
    assert!(watch.metric("sitewright_drift_objects", &[("kind", "Subnet")]) >= 1);
    watch.rounds(2);
    yard.console(put_back(2));
    watch.rounds(2);
    assert_eq!(watch.lines("drift object=Subnet/10.77.2.0/24").len(), 1);
    assert_eq!(watch.lines("resolved object=Subnet/10.77.2.0/24").len(), 1);
    assert_eq!(
        watch.metric("sitewright_drift_objects", &[("kind", "Subnet")]),
        0
    );
    // The run that says so has an id, and says which platform it is about.
    let line = watch.lines("drift object=").remove(0);
    assert!(line.contains("run{platform=hq run="), "{line}");
    assert!(line.contains("plan="), "{line}");
    let writes: Vec<_> = yard.writes();
    assert!(writes.is_empty(), "{writes:?}");
    assert_eq!(
        fs::read(yard.here().join("state/hq.state.json")).ok(),
        before
    );
}

#[test]
fn it_mends_what_it_may_and_leaves_the_rest_to_a_person() {
    let yard = Yard::new(
        flat_lan(),
        4,
        "  watch: { interval: 1s, autoApply: [assign] }\n",
    );
    let watch = yard.watch(&["--mode", "apply"]);
    watch.rounds(1);
    yard.console(taken_out(1));
    // What is to be created is not named, and neither is what deletes.
    yard.console(deleted(3));
    watch.rounds(3);
    until("the subnet is back", || {
        watch.metric(
            "sitewright_steps",
            &[("kind", "assign-subnet"), ("outcome", "done")],
        ) >= 1
    });
    watch.rounds(2);
    let waits = watch.lines("waits for a person");
    let create: Vec<_> = waits
        .iter()
        .filter(|line| line.contains("create-subnet:10.77.3.0/24"))
        .collect();
    assert_eq!(create.len(), 1, "{waits:#?}");
    assert!(
        create[0].contains("`autoApply` does not name `create`"),
        "{create:?}"
    );
    assert_eq!(watch.metric("sitewright_waiting_steps", &[]), 1);
    // What a run of ours leaves undone is drift for as long as it is there, and what it mended is none.
    let subnets = [("kind", "Subnet")];
    assert_eq!(watch.metric("sitewright_drift_objects", &subnets), 1);
    assert_eq!(watch.metric("sitewright_pending_objects", &subnets), 0);
    let resolved = |number: u32| {
        let object = format!("resolved object=Subnet/10.77.{number}.0/24:site");
        watch.lines(&object).len()
    };
    assert_eq!((resolved(1), resolved(3)), (1, 0));
    // It is told that nobody waits for it any more once somebody has seen to it.
    let applied = yard.program(&["apply", "--yes", "--lock-timeout", "30"]);
    assert!(applied.0, "{}", applied.1);
    watch.rounds(2);
    assert_eq!(
        watch
            .lines("waits no longer step=create-subnet:10.77.3.0/24")
            .len(),
        1
    );
    let journal = yard.program(&["journal", "verify"]);
    assert!(journal.0, "{}", journal.1);
    let runs = fs::read_to_string(yard.here().join("state/hq.journal.jsonl")).unwrap();
    assert!(runs.contains(", watch\""), "the journal says who it was");
}

#[test]
fn what_the_world_changed_is_told_apart_from_what_is_declared_and_from_what_is_fine() {
    let yard = Yard::new(flat_lan(), 3, "");
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(1);
    // Somebody declares a site more, and somebody else takes a subnet out of one.
    yard.manifests(4);
    yard.console(taken_out(1));
    until("both are told", || {
        !watch.lines("drift object=").is_empty()
            && !watch.lines("declared and not applied object=").is_empty()
    });
    watch.rounds(2);
    let drift = watch.lines("drift object=");
    assert_eq!(drift.len(), 1, "{drift:#?}");
    assert!(
        drift[0].contains("object=Subnet/10.77.1.0/24:site"),
        "{drift:?}"
    );
    assert!(
        drift[0].contains("Lab 1 -> no site, declared otherwise"),
        "{drift:?}"
    );
    let pending = watch.lines("declared and not applied object=");
    assert!(
        pending
            .iter()
            .all(|line| line.contains("Lab 3") || line.contains("10.77.3.0/24")),
        "{pending:#?}"
    );
    let subnets = [("kind", "Subnet")];
    assert_eq!(watch.metric("sitewright_drift_objects", &subnets), 1);
    assert_eq!(watch.metric("sitewright_pending_objects", &subnets), 1);
    // Somebody calls it fine until tomorrow.
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let tomorrow = tomorrow.strftime("%Y-%m-%d").to_string();
    let key = "Subnet/10.77.1.0/24:site";
    let word = ["--until", &tomorrow, "--reason", "ticket 4711"];
    let (went_well, said) = yard.program(&[&["drift", "--acknowledge", key], &word[..]].concat());
    assert!(went_well, "{said}");
    until("it is no drift", || {
        watch.metric("sitewright_drift_objects", &subnets) == 0
    });
    assert_eq!(watch.metric("sitewright_acknowledged_differences", &[]), 1);
    let fine = watch.lines("acknowledged object=Subnet/10.77.1.0/24:site");
    assert_eq!(fine.len(), 1);
    assert!(fine[0].contains("ticket 4711"), "{fine:?}");
    assert!(
        watch.lines("resolved").is_empty(),
        "it is there all the same"
    );
    let (went_well, said) = yard.program(&["drift", "--unacknowledge", key]);
    assert!(went_well, "{said}");
    until("it is drift again", || {
        watch.metric("sitewright_drift_objects", &subnets) == 1
    });
    yard.console(put_back(1));
    watch.rounds(2);
    assert_eq!(watch.lines("resolved").len(), 1, "{}", watch.said());
    assert!(watch.lines("step ended").is_empty(), "it only looks");
}

#[test]
fn what_comes_back_after_three_rounds_is_told_as_flapping() {
    let yard = Yard::new(
        flat_lan(),
        2,
        "  watch: { interval: 1s, autoApply: [assign] }\n",
    );
    let watch = yard.watch(&["--mode", "apply"]);
    watch.rounds(1);
    let done = [("kind", "assign-subnet"), ("outcome", "done")];
    for round in 1..=4_u64 {
        yard.console(taken_out(1));
        until("it is mended", || {
            watch.metric("sitewright_steps", &done) == round
        });
        watch.rounds(1);
        let told = watch.lines("drift object=Subnet/10.77.1.0/24:site");
        assert_eq!(told.len(), usize::try_from(round).unwrap(), "{told:#?}");
        let flapping = told.last().unwrap().contains("flapping: ");
        assert_eq!(flapping, round == 4, "round {round}: {told:#?}");
    }
    // Nothing is left once it is away.
    watch.rounds(1);
    assert_eq!(watch.metric("sitewright_flapping_differences", &[]), 0);
    assert_eq!(
        watch.metric("sitewright_drift_objects", &[("kind", "Subnet")]),
        0
    );
}

#[test]
fn a_window_in_which_nothing_may_change_is_kept() {
    let frozen = "  safety: { freeze: [{ from: 2000-01-01, to: 2999-12-31, zone: UTC }] }\n  \
                  watch: { interval: 1s, autoApply: [assign, create] }\n";
    let yard = Yard::new(flat_lan(), 2, "");
    yard.workspace(frozen);
    let watch = yard.watch(&["--mode", "apply"]);
    yard.server().clear_requests();
    yard.console(taken_out(1));
    until("it is frozen", || {
        watch.metric("sitewright_runs", &[("outcome", "frozen")]) >= 2
    });
    assert!(yard.writes().is_empty());
    assert_eq!(watch.lines("the plan may not be applied").len(), 1);
    // It thaws by a change of the workspace, which is noticed by itself.
    yard.workspace("  watch: { interval: 1s, autoApply: [assign, create] }\n");
    until("it is mended", || {
        watch.metric("sitewright_runs", &[("outcome", "applied")]) >= 1
    });
    assert!(!yard.writes().is_empty());
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_in_time_with_the_lock_free() {
    let mut yard = Yard::new(flat_lan(), 1, "");
    yard.manifests(12);
    yard.rate_limit = 6;
    yard.workspace("  watch: { interval: 1s, autoApply: [create, assign] }\n");
    let mut watch = yard.watch(&["--mode", "apply"]);
    until("a run is under way", || {
        !watch.lines("step ended").is_empty()
    });
    let begun = Instant::now();
    terminate(&watch);
    let ended = watch.ended(Duration::from_secs(20));
    let took = begun.elapsed();
    assert_eq!(ended, Some(0), "{}", watch.said());
    // Steps under way end, and the lock is free: ten seconds, and two for a machine that is busy.
    assert!(took < Duration::from_secs(12), "{took:?}");
    assert!(watch.said().contains("stopped"), "{}", watch.said());
    assert!(yard.is_free(), "the lock is still held");
    let verified = yard.program(&["journal", "verify"]);
    assert!(verified.0, "{}", verified.1);
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_it_at_once() {
    let mut yard = Yard::new(flat_lan(), 1, "");
    yard.manifests(12);
    yard.rate_limit = 6;
    yard.workspace("  watch: { interval: 1s, autoApply: [create, assign] }\n");
    let mut watch = yard.watch(&["--mode", "apply"]);
    until("a run is under way", || {
        !watch.lines("step ended").is_empty()
    });
    let begun = Instant::now();
    terminate(&watch);
    until("it is told", || watch.said().contains("stopping"));
    terminate(&watch);
    assert_eq!(
        watch.ended(Duration::from_secs(20)),
        Some(0),
        "{}",
        watch.said()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    assert!(yard.is_free(), "the lock is still held");
}

#[test]
fn a_wrong_configuration_keeps_the_old_one_until_it_is_mended() {
    let yard = Yard::new(flat_lan(), 2, "");
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(1);
    let right = fs::read_to_string(yard.here().join("sites.yaml")).unwrap();
    fs::write(yard.here().join("sites.yaml"), "kind: [").unwrap();
    until("it is told", || {
        watch.metric("sitewright_configuration_ok", &[]) == 0
    });
    let (status, ready) = watch.get("/readyz");
    assert_eq!(status, 200, "{ready}");
    assert!(
        ready.contains("the newest one is wrong, and the one before is kept"),
        "{ready}"
    );
    assert!(ready.contains("sites.yaml"), "{ready}");
    // It goes on with the old one.
    yard.console(taken_out(1));
    watch.rounds(2);
    assert_eq!(watch.lines("drift object=Subnet/10.77.1.0/24").len(), 1);
    assert_eq!(
        watch.lines("the new configuration is wrong").len(),
        1,
        "{}",
        watch.said()
    );
    fs::write(yard.here().join("sites.yaml"), &right).unwrap();
    until("it is mended", || {
        watch.metric("sitewright_configuration_ok", &[]) == 1
    });
    assert_eq!(watch.metric("sitewright_configuration_generation", &[]), 1);
    assert_eq!(watch.lines("the configuration is right again").len(), 1);
    // And a new one is taken up.
    yard.manifests(3);
    until("it is taken up", || {
        watch.metric("sitewright_configuration_generation", &[]) == 2
    });
    watch.rounds(2);
    assert_eq!(
        watch
            .lines("declared and not applied object=Site/Lab 2")
            .len(),
        1,
        "{}",
        watch.said()
    );
    assert!(
        watch.lines("drift object=Site/Lab 2").is_empty(),
        "the world did not change that"
    );
}

#[test]
fn what_is_wrong_from_the_start_ends_it() {
    let yard = Yard::new(flat_lan(), 1, "");
    fs::write(yard.here().join("sites.yaml"), "kind: [").unwrap();
    let (went_well, said) = yard.program(&["watch", "--listen", "none"]);
    assert!(!went_well && said.contains("sites.yaml"), "{said}");
    yard.manifests(1);
    yard.workspace("  watch: { autoApply: [asign] }\n");
    let (went_well, said) = yard.program(&["watch", "--listen", "none"]);
    assert!(!went_well && said.contains("SW0981"), "{said}");
    assert!(said.contains("did you mean `assign`?"), "{said}");
}

#[test]
fn a_server_that_goes_away_is_told_once_and_is_watched_again_once_it_is_back() {
    let mut yard = Yard::new(flat_lan(), 2, "");
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(1);
    assert_eq!(watch.get("/readyz").0, 200);
    yard.away();
    until("it is not ready", || watch.get("/readyz").0 == 503);
    until("it backs off", || {
        watch.metric("sitewright_consecutive_failures", &[]) >= 3
    });
    assert_eq!(watch.get("/healthz").0, 200, "it is alive all the same");
    let failing = watch.lines("failing: ");
    let codes = failing
        .iter()
        .map(|line| line.split("code=").nth(1).unwrap().split(' ').next());
    let codes: std::collections::BTreeSet<_> = codes.collect();
    assert_eq!(failing.len(), codes.len(), "each once: {failing:#?}");
    yard.back();
    yard.console(taken_out(1));
    until("it is ready again", || watch.get("/readyz").0 == 200);
    until("the drift is found", || {
        !watch.lines("drift object=Subnet/10.77.1.0/24").is_empty()
    });
    assert_eq!(watch.lines("no longer failing").len(), 1);
    assert_eq!(watch.metric("sitewright_consecutive_failures", &[]), 0);
    assert!(
        watch.lines("resolved").is_empty(),
        "what could not be read is not mended"
    );
}

#[test]
fn two_on_one_state_write_one_at_a_time() {
    let yard = Yard::new(flat_lan(), 6, "");
    yard.workspace("  watch: { interval: 1s, autoApply: [assign] }\n");
    let one = yard.watch(&["--mode", "apply"]);
    let two = yard.watch(&["--mode", "apply"]);
    one.rounds(1);
    two.rounds(1);
    let kind = [("kind", "assign-subnet"), ("outcome", "done")];
    let done = || one.metric("sitewright_steps", &kind) + two.metric("sitewright_steps", &kind);
    for round in 1..=3_u32 {
        for number in 0..6 {
            yard.console(taken_out(number));
        }
        let expected = u64::from(round * 6);
        until("all is mended", || done() >= expected);
        one.rounds(1);
        two.rounds(1);
        assert_eq!(done(), expected, "a step was done twice");
    }
    let verified = yard.program(&["journal", "verify"]);
    assert!(verified.0, "{}", verified.1);
    // No run began before the one before had ended.
    let journal = fs::read_to_string(yard.here().join("state/hq.journal.jsonl")).unwrap();
    let mut under_way = None;
    for line in journal.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let run = entry["run"].as_str().unwrap().to_owned();
        match entry["fact"]["kind"].as_str().unwrap() {
            "runStarted" => assert_eq!(under_way.replace(run), None, "{line}"),
            "runEnded" => assert_eq!(under_way.take(), Some(run), "{line}"),
            _ => {}
        }
    }
}

#[test]
fn whoever_asks_is_answered() {
    let yard = Yard::new(flat_lan(), 2, "");
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(2);
    let (status, text) = watch.get("/healthz");
    assert_eq!((status, text.as_str()), (200, "alive\n"));
    let (status, text) = watch.get("/readyz");
    assert_eq!(status, 200);
    assert!(
        text.starts_with("ready\nconfiguration 1: digest "),
        "{text}"
    );
    assert!(text.contains("platform hq: read "), "{text}");
    let (status, text) = watch.get("/metrics");
    assert_eq!(status, 200);
    let metrics = Exposition::read(&text);
    let count = metrics.count("sitewright_request_duration_seconds_count", &[]);
    assert!(count > 0);
    assert_eq!(count, metrics.count("sitewright_requests_total", &[]));
    assert_eq!(watch.get("/").0, 404);
    assert_eq!(watch.ask("POST", "/metrics", "").0, 405);
    assert_eq!(watch.ask("HEAD", "/healthz", "").1, "");
    // Whoever says nothing holds nobody up, and what is nonsense is no more than that.
    let idle: Vec<_> = (0..8).map(|_| watch.connect()).collect();
    assert_eq!(watch.get("/healthz").0, 200);
    drop(idle);
    watch.nonsense();
    assert_eq!(watch.get("/healthz").0, 200);
    // By itself it listens on this machine only.
    assert!(
        watch.lines("listening address=127.0.0.1:").len() == 1,
        "{}",
        watch.said()
    );
}

#[test]
fn listening_beyond_the_machine_is_said() {
    let yard = Yard::new(flat_lan(), 1, "");
    let watch = yard.watch_on("0.0.0.0:0", &["--interval", "1s"]);
    assert_eq!(
        watch.lines("listening beyond this machine").len(),
        1,
        "{}",
        watch.said()
    );
}

#[test]
fn platforms_go_side_by_side() {
    let yard = Yard::new(flat_lan(), 2, "");
    yard.second_platform(lab(&flat_lan().with_quirk(Quirk::Slow)));
    let watch = yard.watch(&["--interval", "1s"]);
    until("both are read", || watch.get("/readyz").0 == 200);
    until("the fast one is read more often than the slow one", || {
        let of = |platform| {
            let metrics = watch.metrics();
            let runs = metrics.sum("sitewright_runs_total", &[("platform", platform)]);
            runs - metrics.value(
                "sitewright_runs_total",
                &[("platform", platform), ("outcome", "stopped")],
            )
        };
        of("hq") >= of("slow") + 3.0
    });
}
