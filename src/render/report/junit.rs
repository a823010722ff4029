//! A report as `JUnit` XML, which GitLab, Jenkins and most others show as test results.
//!
//! Pure. A suite for the manifests and one for each platform; in it a test case for every check. An error is a failure.
//! A warning or a remark is not: a failed test case makes a build unstable or red, and `validate` ends with 0 then, so
//! it stands in the output of a case that passes. A check that could not tell anything in this run is skipped.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::{Audit, Entry, Outcome, Report};
use crate::plan::Severity;
use crate::render::layout::{clean, count};
use crate::validate::{Check, GROUPS, Phase};

type Xml = Writer<Vec<u8>>;

/// One test case.
struct Case {
    class: String,
    name: String,
    outcome: CaseOutcome,
    /// What passes with something to say.
    output: Vec<String>,
}

enum CaseOutcome {
    Passed,
    Failed { message: String, text: Vec<String> },
    Broken { code: String, message: String },
    Skipped(&'static str),
}

/// Writes a report as `JUnit` XML, with a final newline.
#[must_use]
pub fn junit(report: &Report) -> String {
    let mut suites = vec![("manifests".to_owned(), manifests(report))];
    for audit in &report.audits {
        let name = audit.platform.as_deref().unwrap_or("declarations");
        let name = if audit.live {
            format!("{name} (live)")
        } else {
            name.to_owned()
        };
        suites.push((name, cases(audit)));
    }
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    // A vector takes whatever is written.
    let _ = write(&mut writer, &suites);
    let mut text = String::from_utf8(writer.into_inner()).unwrap_or_default();
    text.push('\n');
    text
}

/// One case for each file with a fault, one that passes where there is none.
fn manifests(report: &Report) -> Vec<Case> {
    let mut by_file: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for fault in report.fault_entries() {
        let file = fault.places.first().map(|place| place.origin.file.as_ref());
        by_file
            .entry(file.unwrap_or("all"))
            .or_default()
            .push(fault);
    }
    let case = |name: &str, outcome| Case {
        class: "sitewright.manifests".into(),
        name: name.to_owned(),
        outcome,
        output: Vec::new(),
    };
    if by_file.is_empty() {
        return vec![case("all", CaseOutcome::Passed)];
    }
    by_file
        .into_iter()
        .map(|(file, faults)| case(file, failed("fault", &faults)))
        .collect()
}

fn cases(audit: &Audit) -> Vec<Case> {
    if let Outcome::Unread {
        code,
        message,
        hint,
    } = &audit.outcome
    {
        let hint = hint.as_deref().unwrap_or_default();
        return vec![Case {
            class: "sitewright.server".into(),
            name: "is read".into(),
            outcome: CaseOutcome::Broken {
                code: code.clone(),
                message: format!("{message} {hint}").trim_end().to_owned(),
            },
            output: Vec::new(),
        }];
    }
    let mut found: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for note in audit.notes() {
        let entry = Entry::finding(audit, note);
        found.entry(entry.id).or_default().push(entry);
    }
    let mut cases = Vec::new();
    for (group, checks) in GROUPS {
        for check in *checks {
            let entries = found.remove(check.id).unwrap_or_default();
            cases.push(case(audit, group, check, entries));
        }
    }
    cases
}

fn case(audit: &Audit, group: &str, check: &Check, entries: Vec<Entry<'_>>) -> Case {
    let (errors, others): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| entry.severity == Severity::Error);
    let runs = |phase: Phase| check.phases.contains(&phase);
    let outcome = if !errors.is_empty() {
        failed("error", &errors)
    } else if !others.is_empty() || runs(Phase::Declared) || (audit.live && runs(Phase::Live)) {
        CaseOutcome::Passed
    } else if runs(Phase::Live) {
        CaseOutcome::Skipped("it needs a server: validate --live, plan")
    } else {
        CaseOutcome::Skipped("it is judged afterwards: verify")
    };
    let output = others
        .iter()
        .flat_map(|entry| {
            let word = match entry.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            };
            told(&format!("{word}: {}", entry.message), entry)
        })
        .collect();
    Case {
        class: format!("sitewright.{}", group.replace(' ', "_")),
        name: check.id.to_owned(),
        outcome,
        output,
    }
}

fn failed(noun: &str, entries: &[Entry<'_>]) -> CaseOutcome {
    let first = entries.first().map_or("", |entry| entry.message);
    let message = match entries.len() {
        0 | 1 => first.to_owned(),
        many => format!("{}, the first: {first}", count(many, noun)),
    };
    CaseOutcome::Failed {
        message,
        text: entries
            .iter()
            .flat_map(|entry| told(entry.message, entry))
            .collect(),
    }
}

/// A message with what there is to say beside it.
fn told(message: &str, entry: &Entry<'_>) -> Vec<String> {
    let details = entry.details(0).into_iter();
    std::iter::once(message.to_owned())
        .chain(details.map(|line| format!("  {line}")))
        .collect()
}

/// Text without what XML 1.0 cannot hold, escaped or not.
fn allowed_in_xml(text: &str) -> String {
    clean(text).replace(['\u{FFFE}', '\u{FFFF}'], "\u{FFFD}")
}

fn text_of(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| allowed_in_xml(line)).collect();
    lines.join("\n")
}

struct Counted {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counted {
    fn of<'c>(cases: impl Iterator<Item = &'c Case>) -> Self {
        let mut counted = Self {
            tests: 0,
            failures: 0,
            errors: 0,
            skipped: 0,
        };
        for case in cases {
            counted.tests += 1;
            match &case.outcome {
                CaseOutcome::Passed => {}
                CaseOutcome::Failed {
                    message: _,
                    text: _,
                } => counted.failures += 1,
                CaseOutcome::Broken {
                    code: _,
                    message: _,
                } => counted.errors += 1,
                CaseOutcome::Skipped(_) => counted.skipped += 1,
            }
        }
        counted
    }

    fn attributes(&self, name: &str) -> Vec<(&'static str, String)> {
        let Self {
            tests,
            failures,
            errors,
            skipped,
        } = self;
        vec![
            ("name", allowed_in_xml(name)),
            ("tests", tests.to_string()),
            ("failures", failures.to_string()),
            ("errors", errors.to_string()),
            ("skipped", skipped.to_string()),
        ]
    }
}

fn pairs<'a>(attributes: &'a [(&'static str, String)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    attributes
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
}

fn write(xml: &mut Xml, suites: &[(String, Vec<Case>)]) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all = Counted::of(suites.iter().flat_map(|(_, cases)| cases));
    let all = all.attributes("sitewright validate");
    xml.create_element("testsuites")
        .with_attributes(pairs(&all))
        .write_inner_content(|xml| {
            for (name, cases) in suites {
                let attributes = Counted::of(cases.iter()).attributes(name);
                xml.create_element("testsuite")
                    .with_attributes(pairs(&attributes))
                    .write_inner_content(|xml| {
                        cases.iter().try_for_each(|case| write_case(xml, case))
                    })?;
            }
            Ok(())
        })?;
    Ok(())
}

fn write_case(xml: &mut Xml, case: &Case) -> io::Result<()> {
    let Case {
        class,
        name,
        outcome,
        output,
    } = case;
    let (class, name) = (allowed_in_xml(class), allowed_in_xml(name));
    let element = xml
        .create_element("testcase")
        .with_attribute(("classname", class.as_str()))
        .with_attribute(("name", name.as_str()));
    if output.is_empty() && matches!(outcome, CaseOutcome::Passed) {
        element.write_empty()?;
        return Ok(());
    }
    element.write_inner_content(|xml| {
        match outcome {
            CaseOutcome::Passed => {}
            CaseOutcome::Failed { message, text } => {
                xml.create_element("failure")
                    .with_attribute(("type", "error"))
                    .with_attribute(("message", allowed_in_xml(message).as_str()))
                    .write_text_content(BytesText::new(&text_of(text)))?;
            }
            CaseOutcome::Broken { code, message } => {
                xml.create_element("error")
                    .with_attribute(("type", allowed_in_xml(code).as_str()))
                    .with_attribute(("message", allowed_in_xml(message).as_str()))
                    .write_empty()?;
            }
            CaseOutcome::Skipped(why) => {
                xml.create_element("skipped")
                    .with_attribute(("message", *why))
                    .write_empty()?;
            }
        }
        if !output.is_empty() {
            xml.create_element("system-out")
                .write_text_content(BytesText::new(&text_of(output)))?;
        }
        Ok(())
    })?;
    Ok(())
}
