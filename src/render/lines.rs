//! What `plan`, `apply` and `show` tell a program while they run: one JSON object a line, in the order of what happens.
//!
//! Pure. Each line has a time and an `event`. The first is `commandStarted`, which says the version of the format, the
//! last `commandEnded`, which says how it ended; docs/formats.md says what may change between versions of the program.

use serde::Serialize;

use super::words::Lookup;
use crate::manifest::{self, Diagnostic, Label};
use crate::model::{Event, Origin, Platform, StepId, StepKind};
use crate::plan::{Note, ObjectChange, Plan, tally};
use crate::select::Extent;

/// The version of the lines. A field or an event may be added to it; another version is for anything else.
pub const FORMAT_VERSION: u32 = 1;

/// One line.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Line<'a> {
    /// When it happened, RFC 3339.
    pub time: String,
    /// What happened.
    #[serde(flatten)]
    pub told: Told<'a>,
}

/// What a line tells.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Told<'a> {
    /// Something of the command, or of the plan.
    Command(Happening<'a>),
    /// Something of a run.
    Run(&'a Event),
}

/// The commands that tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Command {
    /// `plan`
    Plan,
    /// `show`
    Show,
    /// `apply`
    Apply,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Ending {
    /// There was nothing to do, or it is done.
    Done,
    /// Something would change, and the caller asked to be told.
    Changes,
    /// Something forbids going on; the notes that block say what.
    Blocked,
    /// It is done, and a person has something left to do in the console.
    ConsoleSteps,
    /// It could not go on; `failed` says why.
    Failed,
}

/// What carries a step out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Carrier {
    /// The program, by the API of the SMP.
    Write,
    /// A person, in the console.
    Console,
    /// Time: a condition is waited for.
    Await,
    /// The program, in its own state.
    Record,
}

/// How many things of a kind a plan does something with.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Count {
    /// How many.
    pub amount: usize,
    /// What, in the singular: `subnet`.
    pub noun: &'static str,
    /// What is done with them: `to move`.
    pub verb: &'static str,
}

/// One thing that a command tells of itself, or of its plan.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Happening<'a> {
    /// A command begins; always the first line.
    CommandStarted {
        /// The version of the lines that follow, 1.
        format_version: u32,
        /// Which command.
        command: Command,
        /// The version of the program.
        tool_version: &'a str,
        /// The id of this run of the program, which its log and its journal name too.
        run: &'a str,
    },
    /// A part of the server is read now.
    Refreshing {
        /// Which, for people.
        what: &'a str,
    },
    /// The server has been read.
    Refreshed {
        /// Which SMP it is.
        platform: &'a Platform,
        /// How many requests were sent so far.
        requests: u64,
        /// How many bytes their answers had.
        bytes: u64,
    },
    /// The plan has a note: an error, a warning or a remark.
    Note(&'a Note),
    /// The plan changes an object.
    Change(&'a ObjectChange),
    /// The plan has a step; steps come in their order.
    StepPlanned {
        /// Its id, which the events of a run name.
        step: &'a StepId,
        /// Its number in the plan, from 1.
        number: usize,
        /// What carries it out.
        by: Carrier,
        /// What it does, for people.
        what: String,
        /// The steps that have to be done before it.
        depends_on: Vec<&'a StepId>,
    },
    /// The plan is made: its notes, changes and steps stand above.
    Planned {
        /// The digest of the plan; a plan file with it holds this plan.
        digest: &'a str,
        /// Whether it may not be applied.
        blocked: bool,
        /// Whether anything but the program's own state would change.
        changes: bool,
        /// How many steps it has.
        steps: usize,
        /// How many of them a person does.
        console_steps: usize,
        /// What it comes to.
        counts: Vec<Count>,
        /// Who is served by other servers than before.
        rehomed: &'a Extent,
        /// Of whom it can no longer be said who serves him.
        undetermined: &'a Extent,
    },
    /// A file that the command reads has a fault.
    Fault {
        /// Stable code, `SW0131`.
        code: &'a str,
        /// Whether it is only a warning.
        warning: bool,
        /// What is wrong.
        message: &'a str,
        /// Where, the main place first.
        places: Vec<&'a Origin>,
        /// What to do.
        hint: Option<&'a str>,
    },
    /// The command cannot go on.
    Failed {
        /// Stable code, `SW0210`.
        code: &'a str,
        /// What went wrong.
        error: &'a str,
        /// Why, from the nearest cause to the farthest.
        causes: &'a [String],
        /// What to do.
        hint: Option<&'a str>,
    },
    /// The command ends; always the last line.
    CommandEnded {
        /// How; steps have an `outcome`.
        result: Ending,
        /// The exit code.
        exit: u8,
    },
}

/// Writes a line, without its end.
#[must_use]
pub fn line(time: String, told: Told<'_>) -> String {
    // Neither a map with keys that are no strings nor a failing writer is possible here.
    serde_json::to_string(&Line { time, told }).unwrap_or_default()
}

/// The JSON Schema of a line, with a final newline.
#[must_use]
pub fn schema() -> String {
    super::json::pretty(&schemars::schema_for!(Line<'static>))
}

/// What there is to tell of a plan: its notes, changes and steps, and what it comes to.
#[must_use]
pub fn of_plan<'a>(plan: &'a Plan, digest: &'a str) -> Vec<Happening<'a>> {
    let Plan {
        tool_version: _, // the first line has that of the program that tells
        platform: _,     // told when it was read
        lineage: _,      // in the plan file
        serial: _,
        journal_sequence: _,
        desired_digest: _,
        snapshot_digest: _,
        stale_since: _, // in a note
        changes,
        impact,
        picture: _, // in the plan file
        reach: _,   // in notes, where a limit is set for it
        steps,
        names: _, // in the words of a step
        notes,
        counts: _, // in the plan file
    } = plan;
    let lookup = Lookup::new(plan);
    let mut told: Vec<Happening<'_>> = notes.iter().map(Happening::Note).collect();
    told.extend(changes.iter().map(Happening::Change));
    let mut console_steps = 0;
    for (position, step) in steps.iter().enumerate() {
        let by = match step.kind() {
            StepKind::Write => Carrier::Write,
            StepKind::Manual => Carrier::Console,
            StepKind::Await => Carrier::Await,
            StepKind::Record => Carrier::Record,
        };
        console_steps += usize::from(by == Carrier::Console);
        let before = step.depends_on.iter().filter_map(|on| {
            let on = steps.get(usize::try_from(*on).ok()?)?;
            Some(&on.id)
        });
        told.push(Happening::StepPlanned {
            step: &step.id,
            number: position + 1,
            by,
            what: lookup.phrase(step),
            depends_on: before.collect(),
        });
    }
    let counts = tally(steps).0.into_iter();
    told.push(Happening::Planned {
        digest,
        blocked: plan.is_blocked(),
        changes: plan.changes_anything(),
        steps: steps.len(),
        console_steps,
        counts: counts
            .map(|(amount, noun, verb)| Count { amount, noun, verb })
            .collect(),
        rehomed: &impact.rehomed,
        undetermined: &impact.undetermined,
    });
    told
}

/// A fault in a file.
#[must_use]
pub fn fault(diagnostic: &Diagnostic) -> Happening<'_> {
    let Diagnostic {
        code,
        severity,
        message,
        labels,
        hint,
    } = diagnostic;
    Happening::Fault {
        code,
        warning: *severity != manifest::Severity::Error,
        message,
        places: labels.iter().map(place).collect(),
        hint: hint.as_deref(),
    }
}

fn place(label: &Label) -> &Origin {
    let Label {
        origin,
        length: _, // for whoever shows the line
        text: _,
        secret: _, // nothing of the line is shown
    } = label;
    origin
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::render::sample;

    fn written(told: Told<'_>) -> String {
        line("2026-11-25T12:00:00.000Z".into(), told)
    }

    /// One of each event, and some more.
    fn lines() -> Vec<String> {
        let plan = sample::flat_lan();
        let hostile = "a\n\"b\"";
        let diagnostic = Diagnostic::at(
            "SW0131",
            Origin {
                file: "sites.yaml".into(),
                line: 3,
                column: 5,
            },
            hostile,
        );
        let mut told = vec![
            Happening::CommandStarted {
                format_version: FORMAT_VERSION,
                command: Command::Apply,
                tool_version: "0.1.0",
                run: "r-0001",
            },
            Happening::Refreshing {
                what: "reading servers",
            },
            Happening::Refreshed {
                platform: &plan.platform,
                requests: 12,
                bytes: 3_456,
            },
        ];
        told.extend(of_plan(&plan, "abc"));
        let mut lines: Vec<String> = told.into_iter().map(Told::Command).map(written).collect();
        let events = sample::events();
        lines.extend(events.iter().map(Told::Run).map(written));
        let last = [
            fault(&diagnostic),
            Happening::Failed {
                code: "SW0210",
                error: hostile,
                causes: &["no route".into()],
                hint: None,
            },
            Happening::CommandEnded {
                result: Ending::Failed,
                exit: 1,
            },
        ];
        lines.extend(last.into_iter().map(Told::Command).map(written));
        lines
    }

    /// What is promised: these lines stay as they are but for what is added to them.
    #[test]
    fn lines_are_as_they_are_promised() {
        let mut seen = std::collections::BTreeSet::new();
        let first: Vec<String> = lines()
            .into_iter()
            .filter(|line| {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                seen.insert((value["event"].to_string(), value["outcome"].to_string()))
            })
            .collect();
        insta::assert_snapshot!(first.join("\n"), @r#"
        {"time":"2026-11-25T12:00:00.000Z","event":"commandStarted","formatVersion":1,"command":"apply","toolVersion":"0.1.0","run":"r-0001"}
        {"time":"2026-11-25T12:00:00.000Z","event":"refreshing","what":"reading servers"}
        {"time":"2026-11-25T12:00:00.000Z","event":"refreshed","platform":{"server":"00000000-0000-0000-0000-00000000000a","name":"SMP01.corp.example"},"requests":12,"bytes":3456}
        {"time":"2026-11-25T12:00:00.000Z","event":"note","severity":"warning","standing":"resolved","id":"flat-lan","message":"`DEPLOY01.corp.example`, `SITE01.corp.example` and `SMP01.corp.example` are all valid package and task servers for `192.168.0.0/24`, which is in no site: latency decides, and agents drift","remedy":"put the subnets into sites, each with the servers that are to serve it","sources":["431459"],"places":[]}
        {"time":"2026-11-25T12:00:00.000Z","event":"change","kind":"Site","name":"Deployment_Site","change":"create","fields":[{"name":"constrainToSite","before":"not readable","after":"true"},{"name":"description","after":"Imaging VLAN, building 4"},{"name":"servers","after":"DEPLOY01.corp.example"}],"place":"sites.yaml:11:3"}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepPlanned","step":"create-site:Deployment_Site","number":1,"by":"write","what":"create-site Deployment_Site","dependsOn":[]}
        {"time":"2026-11-25T12:00:00.000Z","event":"planned","digest":"abc","blocked":false,"changes":true,"steps":9,"consoleSteps":2,"counts":[{"amount":2,"noun":"site","verb":"to create"},{"amount":1,"noun":"subnet","verb":"to create"},{"amount":2,"noun":"subnet","verb":"to assign"},{"amount":2,"noun":"server","verb":"to assign"},{"amount":2,"noun":"console step","verb":"to do"}],"rehomed":{"addresses":512,"clients":null},"undetermined":{"addresses":0,"clients":null}}
        {"time":"2026-11-25T12:00:00.000Z","event":"runStarted","run":"r-0001","steps":9}
        {"time":"2026-11-25T12:00:00.000Z","event":"stillWaiting","step":"create-site:Deployment_Site","condition":"the site to appear in the list of sites","milliseconds":12000}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepStarted","step":"create-site:Deployment_Site"}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepEnded","step":"create-site:Deployment_Site","outcome":"done","milliseconds":210}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepEnded","step":"create-site:HQ","outcome":"alreadyDone","milliseconds":210}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepEnded","step":"assign-server:Deployment_Site/DEPLOY01.corp.example","outcome":"failed","code":"SW0601","error":"the SMP refused the association: access is denied","hint":"check that the account may manage sites","milliseconds":210}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepEnded","step":"assign-subnet:192.168.10.0/24","outcome":"waiting","on":["assign-server:Deployment_Site/DEPLOY01.corp.example"],"milliseconds":210}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepEnded","step":"capture-target:DEPLOY01.corp.example","outcome":"open","milliseconds":210}
        {"time":"2026-11-25T12:00:00.000Z","event":"stepEnded","step":"unknown:step","outcome":"cancelled","milliseconds":0}
        {"time":"2026-11-25T12:00:00.000Z","event":"runEnded","run":"r-0001","summary":{"steps":{"done":0,"alreadyDone":0,"open":0,"skipped":0,"waiting":0,"failed":0,"cancelled":0},"milliseconds":65000}}
        {"time":"2026-11-25T12:00:00.000Z","event":"fault","code":"SW0131","warning":false,"message":"a\n\"b\"","places":[{"file":"sites.yaml","line":3,"column":5}],"hint":null}
        {"time":"2026-11-25T12:00:00.000Z","event":"failed","code":"SW0210","error":"a\n\"b\"","causes":["no route"],"hint":null}
        {"time":"2026-11-25T12:00:00.000Z","event":"commandEnded","result":"failed","exit":1}
        "#);
    }

    #[test]
    fn each_line_is_one_line_and_fits_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let check = |line: &str| -> Result<(), String> {
            let value = serde_json::from_str(line).unwrap();
            validator.validate(&value).map_err(|e| e.to_string())
        };
        for line in lines() {
            assert!(!line.contains('\n'));
            assert_eq!(check(&line), Ok(()), "{line}");
            // The schema says something: without its time, or as another event, a line does not fit.
            assert!(
                check(&line.replace("\"time\"", "\"when\"")).is_err(),
                "{line}"
            );
            assert!(
                check(&line.replace("\"event\":\"", "\"event\":\"x")).is_err(),
                "{line}"
            );
        }
    }
}
