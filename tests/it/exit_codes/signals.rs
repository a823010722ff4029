//! Commands that are told to end, once and twice; and the loop, which ends in no other way.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, Instant};

use super::each;
use super::place::{PASSWORD, Place};
use super::ways::At::{Fresh, Unreachable, WrongPassword};
use super::ways::SIGNALLED;
use crate::support::{Running, signal};

/// A command under way.
struct UnderWay {
    running: Running,
    log: tempfile::NamedTempFile,
}

impl UnderWay {
    fn start(mut command: Command) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let out: File = log.reopen().unwrap();
        let err = out.try_clone().unwrap();
        let child = command.stdout(out).stderr(err).spawn().unwrap();
        Self {
            running: Running(child),
            log,
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(self.log.path()).unwrap()
    }

    /// Waits until something is so.
    #[track_caller]
    fn until(&self, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_mins(2);
        while !is_so() {
            assert!(Instant::now() < end, "in vain: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for its end, and gives its code.
    fn code(&mut self) -> Option<i32> {
        let end = Instant::now() + Duration::from_mins(2);
        loop {
            if let Some(status) = self.running.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "goes on: {}", self.said());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn signals_end_a_command_with_its_code() {
    each(SIGNALLED.to_vec(), |(command, rest, times, code)| {
        let place = Place::at(Fresh);
        // So that there is always something under way.
        place.workspace(&place.server.url(), "      rateLimit: 6\n");
        place.server.clear_requests();
        let line = format!("{command} {rest}");
        let mut under_way = UnderWay::start(place.command(PASSWORD, &line));
        under_way.until(|| {
            let mut requests = place.server.requests().into_iter();
            under_way.said().contains("looked conclusion=")
                || requests.any(|request| request.writes)
        });
        for _ in 0..times {
            signal(&under_way.running.0, "-INT");
            under_way.until(|| under_way.said().contains("press Ctrl-C again"));
        }
        let found = under_way.code();
        (found != Some(code)).then(|| {
            let said = under_way.said();
            format!("{line}, told {times} times: expected {code}, found {found:?}\n{said}")
        })
    });
}

/// It goes on: what it cannot read is told as an error, and neither as drift nor as the end of drift.
#[test]
fn the_loop_takes_an_error_for_an_error() {
    each(
        vec![(Unreachable, "SW0303"), (WrongPassword, "SW0306")],
        |(at, reason)| {
            let place = Place::at(at);
            let line = "watch --interval 1s --listen none";
            let mut under_way = UnderWay::start(place.command(place.password, line));
            under_way.until(|| under_way.said().contains(reason));
            signal(&under_way.running.0, "-TERM");
            let code = under_way.code();
            let said = under_way.said();
            let told = ["drift object=", "resolved object=", "looked conclusion="];
            (code != Some(0) || told.iter().any(|one| said.contains(one)))
                .then(|| format!("{at:?}: {code:?}\n{said}"))
        },
    );
}
