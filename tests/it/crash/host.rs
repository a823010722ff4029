//! The harness with a machine that runs out of room, keeps its files from being written, or turns its clock back; with
//! two who start at once, and with somebody who presses Ctrl-C.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::base::{Able, Base, Case, Given, Names};
use super::way::{Fault, until};
use super::{Forgiven, differences, torture};

fn base() -> &'static Base {
    Base::of(Able::Fully, Names::NotUnique)
}

/// A write in the middle of the run.
fn middle() -> usize {
    base().whole().operations().len() / 2
}

/// Plays the rest of a case; it has to end as if nothing had happened.
fn goes_on(case: &Case) {
    let played = case.play();
    assert_eq!(played.codes, base().whole().codes, "{:#?}", played.broken);
    let wrong = differences(base(), case, Forgiven::default());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Says that something cannot be tried here; fails where everything has to be.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn skipped(what: &str, why: &str) {
    let judged = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!judged, "{what} has to be tried here: {why}");
    eprintln!("skipped: {what} is not tried; {why}");
}

/// Has programs run by a shell script that may mount things nobody else sees; `$@` is the program.
///
/// False where that cannot be done, which is said.
fn by_script(case: &mut Case, what: &str, script: &str) -> bool {
    let unshare = ["unshare", "--map-root-user", "--mount", "sh", "-euc"];
    let tried = Command::new(unshare[0])
        .args(&unshare[1..])
        .arg("mount -t tmpfs none /mnt")
        .output();
    let reason = match tried {
        Ok(Output { status, .. }) if status.success() => {
            let words = unshare.into_iter().chain([script, "sh"]);
            case.manner.before = words.map(ToOwned::to_owned).collect();
            return true;
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    skipped(
        what,
        &format!("nothing can be mounted with `unshare`: {reason}"),
    );
    false
}

/// The steps that a run says to have done on the server, and of which the journal does not know that they were begun.
fn unnoted(case: &Case, events: &str) -> Vec<String> {
    let begun: BTreeSet<String> = entries(case)
        .filter(|entry| entry["fact"]["kind"] == "stepStarted")
        .map(|entry| entry["fact"]["step"]["id"].as_str().unwrap().to_owned())
        .collect();
    let ours_alone = [
        "accept-fewer:",
        "adopt-",
        "override:",
        "protect-",
        "release-",
    ];
    events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["outcome"] == "done")
        .map(|event| event["step"].as_str().unwrap().to_owned())
        .filter(|step| !ours_alone.iter().any(|record| step.starts_with(record)))
        .filter(|step| !begun.contains(step))
        .collect()
}

/// The state folder of the program is on a disk with room for `$ROOM` pages more, and is put back in its place after.
const SMALL_DISK: &str = "
mkdir -p ../disk
mount -t tmpfs -o size=2m none ../disk
cp -a state/. ../disk/
dd if=/dev/zero of=../disk/filler bs=4096 status=none 2>/dev/null || true
truncate -s -$((ROOM * 4096)) ../disk/filler
mount --bind ../disk state
code=0
\"$@\" || code=$?
umount state
rm ../disk/filler
cp -a ../disk/. state/
exit $code
";

#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let rooms: Vec<usize> = if torture() {
        (0..40).collect()
    } else {
        vec![0, 3, 6]
    };
    let mut stopped = 0;
    for room in &rooms {
        let mut case = base().case(None);
        if !by_script(&mut case, "a full disk", SMALL_DISK) {
            return;
        }
        case.manner
            .environment
            .push(("ROOM".into(), room.to_string()));
        let given = case.run(&super::base::APPLY);
        if given.code == Some(base().whole().codes[0]) {
            // All of it had room; somebody has to do the console steps.
            case.manner = super::base::Manner::default();
            case.do_open_steps(&given.out);
            continue;
        }
        stopped += 1;
        assert_eq!(given.code, Some(1), "{given:#?}");
        assert!(
            given.err.contains("error[SW07") || given.err.contains("error[SW0611]"),
            "{given:#?}"
        );
        assert!(given.err.contains("No space left"), "{given:#?}");
        case.manner = super::base::Manner::default();
        let unnoted = unnoted(&case, &given.out);
        assert!(
            unnoted.is_empty(),
            "room {room}: done, and in no journal: {unnoted:?}"
        );
        goes_on(&case);
    }
    assert!(stopped >= 2, "{stopped} of {rooms:?} were too small");
}

#[test]
fn a_state_that_may_not_be_written_lets_nothing_be_written() {
    let script = "
mount --bind state state
mount -o remount,bind,ro state
exec \"$@\"
";
    let mut case = base().case(None);
    if !by_script(&mut case, "a read-only state folder", script) {
        return;
    }
    let mut plan = vec!["plan"];
    plan.extend(&super::base::APPLY[4..]);
    let shown = case.told(&plan, 0);
    let given = case.run(&super::base::APPLY);
    assert_eq!(given.code, Some(1), "{given:#?}");
    assert!(given.err.contains("error[SW0722]"), "{given:#?}");
    assert_eq!(case.way.sent().len(), 0);
    case.manner = super::base::Manner::default();
    // What was looked at is what is there.
    assert_eq!(case.told(&plan, 0), shown);
    goes_on(&case);
}

/// The library that tells a program another time.
fn libfaketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = folders.map(|entry| entry.path()).collect();
    folders.extend(["/usr/lib64".into(), "/usr/local/lib".into()]);
    folders
        .into_iter()
        .map(|folder| folder.join("faketime/libfaketimeMT.so.1"))
        .find(|file| file.exists())
}

/// The records of the journal, without a torn end.
fn entries(case: &Case) -> impl Iterator<Item = Value> {
    let text = fs::read_to_string(case.here.join("state/hq.journal.jsonl")).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines: Vec<Value> = whole
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.into_iter()
}

#[test]
fn a_clock_that_jumps_back_changes_nothing() {
    let Some(library) = libfaketime() else {
        return skipped(
            "a clock that jumps back",
            "libfaketime is missing: on Debian, apt-get install faketime",
        );
    };
    let mut case = base().case(Some((middle(), Fault::Held)));
    let clock = case.here.parent().unwrap().join("clock");
    fs::write(&clock, "+10d\n").unwrap();
    case.manner.environment = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        // Nothing turns this one back.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    case.start(&super::base::APPLY);
    case.way.held();
    fs::write(&clock, "-1d\n").unwrap();
    case.way.release();
    let given = case.ended();
    assert_eq!(given.code, Some(base().whole().codes[0]), "{given:#?}");
    let times: Vec<jiff::Timestamp> = entries(&case)
        .map(|entry| entry["at"].as_str().unwrap().parse().unwrap())
        .collect();
    // Steps that are under way at once may be written down in another order, by milliseconds.
    let jump = jiff::SignedDuration::from_hours(12);
    let back = times
        .windows(2)
        .filter(|pair| pair[1] + jump < pair[0])
        .count();
    assert_eq!(back, 1, "{times:?}");
    case.do_open_steps(&given.out);
    let played = case.play();
    assert_eq!(played.codes, base().whole().codes[1..], "{played:#?}");
    let wrong = differences(base(), &case, Forgiven::default());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn given(output: Output) -> Given {
    Given {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_second_apply_is_told_who_is_at_it() {
    let case = base().case(Some((middle(), Fault::Held)));
    case.start(&super::base::APPLY);
    case.way.held();
    let second = given(case.command(&super::base::APPLY).output().unwrap());
    assert_eq!(second.code, Some(1), "{second:#?}");
    for said in ["error[SW0721]", "jdoe", "`apply`", "since"] {
        assert!(second.err.contains(said), "{said}: {second:#?}");
    }
    assert!(!second.out.contains("stepStarted"), "{second:#?}");
    case.way.release();
    let first = case.ended();
    assert_eq!(first.code, Some(base().whole().codes[0]), "{first:#?}");
    case.do_open_steps(&first.out);
    let played = case.play();
    assert_eq!(played.codes, base().whole().codes[1..], "{played:#?}");
    let wrong = differences(base(), &case, Forgiven::default());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_second_apply_waits_for_as_long_as_it_was_told_to() {
    let case = base().case(Some((middle(), Fault::Held)));
    case.start(&super::base::APPLY);
    case.way.held();
    let told = |seconds| {
        let mut command = case.command(&super::base::APPLY);
        command.args(["--lock-timeout", seconds]);
        command
    };
    let begun = Instant::now();
    let short = given(told("1").output().unwrap());
    assert_eq!(short.code, Some(1), "{short:#?}");
    assert!(short.err.contains("error[SW0721]"), "{short:#?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let second = told("100")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    case.way.release();
    let first = case.ended();
    assert_eq!(first.code, Some(base().whole().codes[0]), "{first:#?}");
    // It finds the console steps that are left, and nothing else.
    let second = given(second.wait_with_output().unwrap());
    assert_eq!(second.code, Some(base().whole().codes[0]), "{second:#?}");
    goes_on(&case);
}

#[test]
fn of_two_who_start_at_once_one_goes_first() {
    for _ in 0..if torture() { 20 } else { 1 } {
        let case = base().case(None);
        case.start(&super::base::APPLY);
        let second = given(case.command(&super::base::APPLY).output().unwrap());
        let first = case.ended();
        let whole = Some(base().whole().codes[0]);
        let mut won = 0;
        for one in [&first, &second] {
            if one.code == whole {
                won += 1;
            } else {
                assert_eq!(one.code, Some(1), "{one:#?}");
                assert!(one.err.contains("error[SW0721]"), "{one:#?}");
            }
        }
        // Whoever comes when the first has ended finds the console steps that are left, and nothing else.
        assert!(won > 0, "{first:#?}\n{second:#?}");
        goes_on(&case);
    }
}

/// Sends the program that was started an interrupt, as Ctrl-C does.
fn interrupt(case: &Case) {
    let id = case.way.child().as_ref().unwrap().id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
}

/// How many steps were begun.
fn begun(case: &Case) -> usize {
    case.said().0.matches(r#""event":"stepStarted""#).count()
}

#[test]
fn ctrl_c_ends_the_run_after_what_is_under_way() {
    let last = base().whole().operations().len();
    let writes: Vec<usize> = if torture() {
        (1..=last).collect()
    } else {
        vec![1, middle(), last]
    };
    for write in writes {
        let case = base().case(Some((write, Fault::Held)));
        let mut codes = Vec::new();
        // The write may be one of those that come after the console steps.
        loop {
            case.start(&super::base::APPLY);
            if case.way.held_or_ended() {
                break;
            }
            let given = case.ended();
            codes.push(given.code.unwrap());
            case.do_open_steps(&given.out);
        }
        interrupt(&case);
        until("the program to say that it stops", || {
            case.said().1.contains("press Ctrl-C again")
        });
        let before = begun(&case);
        case.way.release();
        let given = case.ended();
        assert!(given.out.contains(r#""event":"runEnded""#), "{given:#?}");
        assert_eq!(begun(&case), before, "something was begun: {given:#?}");
        if given.code == Some(0) {
            // It was the last write of all: nothing was left to be ended.
            assert!(
                !given.out.contains(r#""outcome":"cancelled""#),
                "{given:#?}"
            );
            codes.push(0);
        } else {
            assert_eq!(given.code, Some(1), "{given:#?}");
            assert!(given.err.contains("error[SW0615]"), "{given:#?}");
            assert!(given.err.contains("apply again"), "{given:#?}");
            codes.extend(case.play().codes);
        }
        assert_eq!(codes, base().whole().codes, "write {write}");
        let wrong = differences(base(), &case, Forgiven::default());
        assert!(wrong.is_empty(), "write {write}: {}", wrong.join("\n"));
    }
}

#[test]
fn ctrl_c_twice_ends_the_run_at_once() {
    for write in [1, middle()] {
        let case = base().case(Some((write, Fault::Held)));
        case.start(&super::base::APPLY);
        case.way.held();
        interrupt(&case);
        until("the program to say that it stops", || {
            case.said().1.contains("press Ctrl-C again")
        });
        interrupt(&case);
        let given = case.over();
        assert_eq!(given.code, Some(130), "{given:#?}");
        // What was sent comes to the server all the same.
        case.way.release();
        case.way.quiet();
        goes_on(&case);
    }
}

#[test]
fn ctrl_c_ends_a_wait_for_packages() {
    let case = base().case(None);
    case.at_once.store(false, Ordering::Relaxed);
    case.start(&super::base::APPLY);
    until("the program to wait for a package", || {
        case.said().0.contains(r#""event":"stillWaiting""#)
    });
    interrupt(&case);
    let given = case.ended();
    assert_eq!(given.code, Some(1), "{given:#?}");
    assert!(given.err.contains("error[SW0615]"), "{given:#?}");
    assert!(given.out.contains(r#""outcome":"cancelled""#), "{given:#?}");
    goes_on(&case);
}
