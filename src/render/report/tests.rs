//! Every format on findings with hostile names, read back by the rules of the format.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "schema files"
)]

use serde_json::{Value, json};

use super::*;
use crate::plan::Standing;
use crate::validate::checks;

/// What names can hold that some format has a meaning for.
const HOSTILE: &str = "a\"b'c\\d<e>&amp;]]>%0A::error::f,g=h\r\n::warning::i\t\u{1b}[31m\u{fffe}\u{202e}ü🦀##[error]j";

fn origin(file: &str, line: u32) -> Origin {
    Origin {
        file: file.into(),
        line,
        column: 3,
    }
}

fn note(id: &str, severity: Severity, message: &str, places: Vec<Origin>) -> Note {
    Note {
        severity,
        standing: if severity == Severity::Error {
            Standing::Blocks
        } else {
            Standing::Remains
        },
        id: id.into(),
        message: message.into(),
        remedy: format!("rename {message}"),
        sources: vec!["431459".into()],
        places,
        allowed: None,
    }
}

/// Faults, findings of every severity, an allowed one, a server that could not be read; every text is hostile.
fn hostile() -> Report {
    let file = format!("sites/{HOSTILE}.yaml");
    let audit = |platform: &str, live, outcome| Audit {
        platform: Some(format!("{platform}{HOSTILE}")),
        live,
        outcome,
    };
    Report {
        tool_version: "0.1.0".into(),
        faults: vec![
            Diagnostic::at("SW0122", origin(&file, 7), format!("found `{HOSTILE}`"))
                .and(origin(&file, 9), HOSTILE)
                .hint(HOSTILE),
            Diagnostic::nowhere("SW0101", "cannot read `-`"),
        ],
        audits: vec![
            audit(
                "hq",
                true,
                Outcome::Judged(vec![
                    note(
                        "subnet-overlap",
                        Severity::Error,
                        HOSTILE,
                        vec![origin(&file, 3), origin("-", 5)],
                    ),
                    note("subnet-overlap", Severity::Error, "plain", vec![]),
                    note("flat-lan", Severity::Warning, HOSTILE, vec![origin("-", 4)]),
                    Note {
                        allowed: Some(Allowance {
                            reason: HOSTILE.into(),
                            place: origin(&file, 2),
                        }),
                        ..note("flat-lan", Severity::Info, HOSTILE, vec![origin(&file, 3)])
                    },
                ]),
            ),
            audit(
                "lab",
                true,
                Outcome::Unread {
                    code: "SW0303".into(),
                    message: HOSTILE.into(),
                    hint: Some(HOSTILE.into()),
                },
            ),
        ],
    }
}

/// A report of declarations with one warning.
fn offline() -> Report {
    Report {
        tool_version: "0.1.0".into(),
        faults: Vec::new(),
        audits: vec![Audit {
            platform: None,
            live: false,
            outcome: Outcome::Judged(vec![note(
                "subnet-overlap",
                Severity::Warning,
                "two overlap",
                vec![origin("sites.yaml", 5), origin("sites.yaml", 9)],
            )]),
        }],
    }
}

#[test]
fn json_meets_its_schema_and_loses_nothing() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for report in [hostile(), offline(), Report::default()] {
        let text = json(&report);
        jsonschema::validate(&schema, &serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(json(&report.clone()), text);
    }
    let found: Value = serde_json::from_str(&json(&hostile())).unwrap();
    assert_eq!(
        found["counts"],
        json!({ "errors": 4, "warnings": 1, "infos": 0, "allowed": 1, "unread": 1 })
    );
    let notes = &found["audits"][0]["notes"];
    assert_eq!(notes[0]["message"], HOSTILE);
    assert_eq!(
        notes[0]["places"][1],
        json!({ "file": "-", "line": 5, "column": 3 })
    );
    assert_eq!(notes[0]["allowed"], Value::Null);
    assert_eq!(notes[3]["allowed"]["reason"], HOSTILE);
    assert_eq!(notes[3]["allowed"]["place"]["line"], 2);
    assert_eq!(found["audits"][1]["unread"]["message"], HOSTILE);
    assert_eq!(found["faults"][0]["places"][1]["text"], HOSTILE);
}

#[test]
fn the_schema_is_fresh() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/report.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
        std::fs::write(&file, schema()).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found.replace("\r\n", "\n") == schema(),
        "schemas/report.json is out of date: run `make schemas`"
    );
}

#[test]
fn the_page_of_checks_is_fresh() {
    let page = crate::render::markdown::check_page();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
    if std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
        std::fs::write(&file, &page).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found.replace("\r\n", "\n") == page,
        "docs/checks.md is out of date: run `make schemas`"
    );
    for check in checks() {
        assert!(
            page.contains(&format!("\n### {}\n", check.id)),
            "{}",
            check.id
        );
    }
}

/// A workflow command as the runner of GitHub reads a line.
#[derive(Debug, PartialEq, Eq)]
struct Command {
    name: String,
    properties: Vec<(String, String)>,
    message: String,
}

/// Reads a line by the documented rules: from `::` to the next `::` the command with its properties, then the message;
/// escapes are undone last.
fn command(line: &str) -> Command {
    let rest = line.strip_prefix("::").unwrap_or_else(|| panic!("{line}"));
    let (head, message) = rest.split_once("::").unwrap();
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let data = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%25", "%")
    };
    let property = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    Command {
        name: name.to_owned(),
        properties: properties
            .split(',')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap();
                (key.to_owned(), property(value))
            })
            .collect(),
        message: data(message),
    }
}

#[test]
fn workflow_commands_can_be_read_back() {
    let text = github(&hostile());
    let commands: Vec<Command> = text.lines().map(command).collect();
    let names: Vec<&str> = commands
        .iter()
        .map(|command| command.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "error", "error", "error", "error", "warning", "debug", "error"
        ]
    );
    assert!(!text.contains('\r') && !text.contains('\u{1b}'));
    // What steers a terminal is shown as what it is; nothing else is lost on the way.
    let shown = crate::render::layout::clean(HOSTILE);
    let overlap = &commands[2];
    assert_eq!(
        overlap.properties,
        [
            ("file".to_owned(), format!("sites/{shown}.yaml")),
            ("line".to_owned(), "3".to_owned()),
            ("col".to_owned(), "3".to_owned()),
            ("title".to_owned(), format!("subnet-overlap (hq{shown})")),
        ]
    );
    assert_eq!(
        overlap.message,
        format!("{shown}\nremedy: rename {shown}\nat: -:5:3\narticle: 431459")
    );
    // Standard input cannot be annotated, so the place is in the message.
    assert_eq!(commands[4].properties.len(), 1);
    assert!(commands[4].message.contains("\nat: -:4:3\n"));
    assert_eq!(commands[5].properties, []);
    assert!(
        commands[5]
            .message
            .contains(&format!("\nallowed: {shown} ("))
    );
    assert_eq!(github(&Report::default()), "");
}

#[test]
fn junit_can_be_read_back() {
    let text = junit(&hostile());
    let shown = crate::render::layout::clean(HOSTILE).replace('\u{fffe}', "\u{fffd}");
    let document = roxmltree::Document::parse(&text).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let suites: Vec<_> = root
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    let names: Vec<&str> = suites
        .iter()
        .map(|s| s.attribute("name").unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "manifests",
            &format!("hq{shown} (live)"),
            &format!("lab{shown} (live)")
        ]
    );
    let number = |node: roxmltree::Node<'_, '_>, name: &str| -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    };
    for node in suites.iter().copied().chain([root]) {
        let has = |name: &str| {
            node.descendants()
                .filter(|inner| inner.has_tag_name(name))
                .count()
        };
        assert_eq!(number(node, "tests"), has("testcase"));
        assert_eq!(number(node, "failures"), has("failure"));
        assert_eq!(number(node, "errors"), has("error"));
        assert_eq!(number(node, "skipped"), has("skipped"));
    }
    assert_eq!((number(root, "failures"), number(root, "errors")), (3, 1));
    assert_eq!(number(suites[1], "tests"), checks().count());
    let case = |name: &str| {
        suites[1]
            .children()
            .find(|node| node.attribute("name") == Some(name))
            .unwrap()
    };
    let failure = case("subnet-overlap").first_element_child().unwrap();
    assert_eq!(
        failure.attribute("message").unwrap(),
        format!("2 errors, the first: {shown}")
    );
    assert_eq!(
        failure.text().unwrap(),
        format!(
            "{shown}\n  remedy: rename {shown}\n  at: sites/{shown}.yaml:3:3\n  at: -:5:3\n  article: 431459\nplain\n  remedy: rename plain\n  article: 431459"
        )
    );
    // Warnings and what is allowed stand in a case that passes.
    let output = case("flat-lan").first_element_child().unwrap();
    assert!(output.has_tag_name("system-out"));
    let output = output.text().unwrap();
    assert!(
        output.starts_with(&format!("warning: {shown}\n")),
        "{output}"
    );
    assert!(
        output.contains(&format!("  allowed: {shown} (sites/")),
        "{output}"
    );
    assert!(text.chars().all(|c| !c.is_control() || c == '\n'));
}

#[test]
fn junit_skips_what_was_not_looked_at() {
    let text = junit(&offline());
    let document = roxmltree::Document::parse(&text).unwrap();
    for check in checks() {
        let case = document
            .descendants()
            .find(|node| node.attribute("name") == Some(check.id))
            .unwrap();
        let skipped = case.children().any(|node| node.has_tag_name("skipped"));
        assert_eq!(
            skipped,
            !check.phases.contains(&crate::validate::Phase::Declared),
            "{}",
            check.id
        );
    }
    assert!(
        document
            .descendants()
            .all(|node| !node.has_tag_name("failure"))
    );
}

/// An object that has these properties and no others: the standard's own schema refuses what it does not know.
fn closed(required: &[&str], properties: &Value) -> Value {
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn list_of(items: &Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn message() -> Value {
    let text = json!({ "text": { "type": "string", "minLength": 1 } });
    closed(&["text"], &text)
}

fn level_schema() -> Value {
    json!({ "enum": ["none", "note", "warning", "error"] })
}

fn location_schema() -> Value {
    let from_one = json!({ "type": "integer", "minimum": 1 });
    let uri = json!({ "type": "string", "pattern": "^[A-Za-z0-9._~/%:-]+$" });
    let physical = json!({
        "artifactLocation": closed(&["uri"], &json!({ "uri": uri })),
        "region": closed(
            &["startLine", "startColumn"],
            &json!({ "startLine": from_one, "startColumn": from_one }),
        ),
    });
    let logical = json!({ "name": { "type": "string" }, "kind": { "type": "string" } });
    let properties = json!({
        "physicalLocation": closed(&["artifactLocation", "region"], &physical),
        "logicalLocations": list_of(&closed(&["name", "kind"], &logical)),
        "message": message(),
    });
    closed(&[], &properties)
}

fn rule_schema() -> Value {
    let properties = json!({
        "id": { "type": "string", "minLength": 1 },
        "shortDescription": message(),
        "fullDescription": message(),
        "help": message(),
        "defaultConfiguration": closed(&["level"], &json!({ "level": level_schema() })),
        "properties": {
            "type": "object",
            "properties": { "tags": { "type": "array", "items": { "type": "string" }, "uniqueItems": true } },
        },
    });
    closed(
        &["id", "shortDescription", "help", "defaultConfiguration"],
        &properties,
    )
}

fn result_schema() -> Value {
    let suppression = json!({
        "kind": { "enum": ["inSource", "external"] },
        "status": { "enum": ["accepted", "underReview", "rejected"] },
        "justification": { "type": "string", "minLength": 1 },
        "location": location_schema(),
    });
    let suppression = closed(&["kind", "status", "justification"], &suppression);
    let properties = json!({
        "ruleId": { "type": "string" },
        "ruleIndex": { "type": "integer", "minimum": 0 },
        "level": level_schema(),
        "message": message(),
        "locations": list_of(&location_schema()),
        "relatedLocations": list_of(&location_schema()),
        "suppressions": list_of(&suppression),
        "partialFingerprints": { "type": "object", "additionalProperties": { "type": "string" } },
        "properties": { "type": "object" },
    });
    closed(
        &[
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "suppressions",
        ],
        &properties,
    )
}

/// What SARIF 2.1.0 asks for of everything that is written here, and nothing beside it.
pub(in crate::render) fn sarif_schema() -> Value {
    let driver = json!({
        "name": { "type": "string" },
        "semanticVersion": { "type": "string" },
        "rules": { "type": "array", "items": rule_schema(), "uniqueItems": true },
    });
    let driver = closed(&["name", "semanticVersion", "rules"], &driver);
    let notification = json!({
        "level": level_schema(),
        "message": message(),
        "descriptor": closed(&["id"], &json!({ "id": { "type": "string" } })),
    });
    let invocation = json!({
        "executionSuccessful": { "type": "boolean" },
        "toolExecutionNotifications": list_of(&closed(&["message"], &notification)),
    });
    let run = json!({
        "tool": closed(&["driver"], &json!({ "driver": driver })),
        "columnKind": { "enum": ["utf16CodeUnits", "unicodeCodePoints"] },
        "invocations": list_of(&closed(&["executionSuccessful"], &invocation)),
        "results": list_of(&result_schema()),
    });
    let log = json!({
        "$schema": { "type": "string" },
        "version": { "const": "2.1.0" },
        "runs": list_of(&closed(&["tool", "results", "invocations"], &run)),
    });
    closed(&["$schema", "version", "runs"], &log)
}

#[test]
fn sarif_has_what_the_standard_asks_for() {
    let schema = sarif_schema();
    for report in [hostile(), offline(), Report::default()] {
        let log: Value = serde_json::from_str(&sarif(&report)).unwrap();
        if let Err(error) = jsonschema::validate(&schema, &log) {
            panic!("{}: {error}", error.instance_path());
        }
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
        }
    }
    let log: Value = serde_json::from_str(&sarif(&hostile())).unwrap();
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    let levels: Vec<&str> = results
        .iter()
        .map(|r| r["level"].as_str().unwrap())
        .collect();
    assert_eq!(
        levels,
        ["error", "error", "error", "error", "warning", "note"]
    );
    assert_eq!(
        results[2]["message"]["text"],
        format!("{HOSTILE}\nRemedy: rename {HOSTILE}")
    );
    let uri = &results[2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    let decoded = percent_encoding::percent_decode_str(uri.as_str().unwrap());
    assert_eq!(
        decoded.decode_utf8().unwrap(),
        format!("sites/{HOSTILE}.yaml")
    );
    assert_eq!(results[5]["suppressions"][0]["justification"], HOSTILE);
    // What stands on a server only has no file.
    assert_eq!(
        results[3]["locations"][0]["logicalLocations"][0]["name"],
        format!("hq{HOSTILE}")
    );
}

#[test]
fn sarif_names_files_as_uris() {
    let uri = |file: &str| {
        let report = Report {
            faults: vec![Diagnostic::at("SW0122", origin(file, 1), "x")],
            ..Report::default()
        };
        let log: Value = serde_json::from_str(&sarif(&report)).unwrap();
        let location = &log["runs"][0]["results"][0]["locations"][0];
        location["physicalLocation"]["artifactLocation"]["uri"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(uri("sites/a b.yaml"), "sites/a%20b.yaml");
    assert_eq!(uri("../x:y.yaml"), "../x%3Ay.yaml");
    assert_eq!(uri("/srv/100%.yaml"), "file:///srv/100%25.yaml");
    assert_eq!(uri("C:/srv/ü.yaml"), "file:///C:/srv/%C3%BC.yaml");
}
