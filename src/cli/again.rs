//! The command that goes on where a run stopped, as a shell takes it.
//!
//! Pure.

use std::fmt::Display;

use super::Global;
use super::apply::{ApplyArgs, RunFormat};
use crate::render::argument;

/// Words of a command line.
struct Words(Vec<String>);

impl Words {
    fn flag(&mut self, name: &str, given: bool) {
        if given {
            self.0.push(name.to_owned());
        }
    }

    fn value(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.0.push(name.to_owned());
            self.0.push(argument(&value.to_string()));
        }
    }

    /// The same unless it is what goes without saying.
    fn unless<T: Display + PartialEq>(&mut self, name: &str, value: T, default: &T) {
        self.value(name, (value != *default).then_some(value));
    }
}

/// The command that goes on where a run with these arguments stopped.
///
/// `--yes` is in it only where a saved plan is applied, since nothing else is done then; without one the next run makes a
/// plan of its own, which nobody has seen yet.
pub(super) fn again(args: &ApplyArgs, global: &Global) -> String {
    let usual = ApplyArgs::usual();
    let mut words = Words(vec!["sitewright".into(), "apply".into()]);
    if let Some(file) = &args.plan_file {
        words.0.push(argument(&file.display().to_string()));
        for path in &args.if_current {
            words.value("--if-current", Some(path.display()));
        }
        words.flag("--yes", args.yes);
    }
    for file in &args.what.files {
        words.value("-f", Some(file.display()));
    }
    words.flag("--allow-takeover", args.what.allow_takeover);
    words.unless("--allow-stranded", args.what.allow_stranded, &0);
    for object in &args.what.target {
        words.value("--target", Some(object));
    }
    for object in &args.what.exclude {
        words.value("--exclude", Some(object));
    }
    for kind in &args.what.accept_fewer {
        words.value("--accept-fewer", Some(kind.as_str()));
    }
    for one in &args.what.overrides {
        words.value("--override", Some(one));
    }
    words.value("--reason", args.what.reason.as_ref());
    words.value("--parallelism", args.parallelism);
    words.unless("--step-timeout", args.step_timeout, &usual.step_timeout);
    words.unless("--retry-budget", args.retry_budget, &usual.retry_budget);
    words.unless("--await-limit", args.await_limit, &usual.await_limit);
    words.unless("--settle", args.settle, &usual.settle);
    words.flag("--wait", args.wait);
    words.unless("--wait-limit", args.wait_limit, &usual.wait_limit);
    words.unless("--poll", args.poll, &usual.poll);
    words.flag("--skip-manual", args.skip_manual);
    if args.format == RunFormat::JsonLines {
        words.value("--format", Some("json-lines"));
    }
    let Global {
        platform,
        server,
        profile,
        state,
        lock_timeout,
        color: _, // of the output
        verbose: _,
        quiet: _,
        log_format: _, // of what is said beside
    } = global;
    words.value("--platform", platform.as_ref());
    words.value("--server", server.as_ref());
    words.value("--profile", profile.as_ref().map(|file| file.display()));
    words.value("--state", state.as_ref().map(|folder| folder.display()));
    words.unless("--lock-timeout", *lock_timeout, &0);
    words.0.join(" ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    /// What goes on after a command line.
    fn after(line: &[&str]) -> String {
        let words = ["sitewright", "apply"].iter().chain(line);
        let cli = Cli::try_parse_from(words).unwrap();
        let Command::Apply(args) = cli.command else {
            unreachable!("it is `apply`");
        };
        again(&args, &cli.global)
    }

    #[test]
    fn what_goes_without_saying_is_what_the_command_line_takes_for_granted() {
        let cli = Cli::try_parse_from(["sitewright", "apply"]).unwrap();
        let Command::Apply(args) = cli.command else {
            unreachable!("it is `apply`");
        };
        assert_eq!(format!("{args:?}"), format!("{:?}", ApplyArgs::usual()));
    }

    #[test]
    fn everything_that_matters_is_in_it() {
        assert_eq!(after(&["--yes"]), "sitewright apply");
        assert_eq!(
            after(&[
                "friday plan.json",
                "-y",
                "--parallelism",
                "1",
                "--color",
                "never"
            ]),
            "sitewright apply \"friday plan.json\" --yes --parallelism 1"
        );
        let whole = [
            "-f",
            "sites/HQ",
            "-f",
            "it's.yaml",
            "--allow-takeover",
            "--allow-stranded",
            "7",
            "--accept-fewer",
            "sites",
            "--reason",
            "the lab; closed",
            "--step-timeout",
            "5",
            "--retry-budget",
            "0",
            "--await-limit",
            "1",
            "--settle",
            "2",
            "--wait",
            "--wait-limit",
            "3",
            "--poll",
            "4",
            "--format",
            "json",
            "--platform",
            "sim:flat-lan",
            "--state",
            "a b",
            "--lock-timeout",
            "9",
        ];
        let said = after(&whole);
        assert_eq!(
            said,
            "sitewright apply -f sites/HQ -f \"it's.yaml\" --allow-takeover --allow-stranded 7 --accept-fewer sites \
             --reason \"the lab; closed\" --step-timeout 5 --retry-budget 0 --await-limit 1 --settle 2 --wait --wait-limit 3 \
             --poll 4 --format json-lines --platform sim:flat-lan --state \"a b\" --lock-timeout 9"
        );
    }
}
