#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use regex::Regex;

use super::*;
use crate::model::{Acknowledgement, Origin};
use crate::render::Style;
use crate::select::Impact;

const ABOUT: About<'_> = About {
    platform: "h\"q\\1",
    server: "SMP01.corp.example",
    tool_version: "1.2.3",
};

fn change(key: &str, standing: Standing, value: &str) -> Change {
    let (kind, rest) = key.split_once('/').unwrap();
    let (name, field) = rest.rsplit_once(':').unwrap();
    Change {
        key: key.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        field: field.to_owned(),
        before: Some("HQ".into()),
        after: Some(value.to_owned()),
        managed: standing != Standing::Undeclared,
        standing,
        by: None,
        cause: None,
        acknowledged: None,
        lapsed: None,
        place: (standing != Standing::Undeclared).then(|| Origin {
            file: "sites/a b.yaml".into(),
            line: 7,
            column: 3,
        }),
    }
}

fn sample() -> Drift {
    let word = Acknowledgement {
        value: Some("x".into()),
        until: "2026-12-01".into(),
        reason: "ticket ```4711".into(),
        by: "jdoe".into(),
        at: "2026-11-20T08:00:00Z".into(),
    };
    let hostile = "\u{1b}[2J```\n<script>|*_$(x)\u{202e}";
    let mut fine = change("Site/Lab:description", Standing::Undo, "x");
    fine.acknowledged = Some(word);
    Drift {
        since: Some("2026-11-20T08:00:00Z".into()),
        changes: vec![
            change("Site/HQ:description", Standing::Undo, hostile),
            change("Subnet/10.0.0.0/24:site", Standing::Undeclared, "Other"),
            change("Site/HQ:constrainToSite", Standing::Agreed, "true"),
            fine,
        ],
        hidden: 1,
        pending: Vec::new(),
        flapping: vec![crate::drift::Flapping {
            key: "Site/HQ:description".into(),
            seen: 4,
            undone: 3,
            cause: None,
            new: true,
        }],
        unseen: vec!["sites: denied".into()],
        impact: Impact::default(),
    }
}

#[test]
fn text_fits_the_width_and_steers_no_terminal() {
    let text = text(&sample(), &ABOUT, &Style::default());
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text}"
    );
    assert!(
        text.contains("acknowledged: until 2026-12-01 by jdoe"),
        "{text}"
    );
    let joined = text.replace('\n', " ");
    assert!(
        joined.contains("1 change to undo, 1 change of what is not declared, 1 acknowledged"),
        "{text}"
    );
}

#[test]
fn json_is_what_its_schema_says() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let none = Drift {
        since: None,
        ..sample()
    };
    for (drift, outcome) in [(sample(), "drift"), (none, "drift")] {
        let value: serde_json::Value = serde_json::from_str(&json(&drift, &ABOUT)).unwrap();
        let faults: Vec<String> = validator
            .iter_errors(&value)
            .map(|fault| fault.to_string())
            .collect();
        assert_eq!(faults, Vec::<String>::new());
        assert_eq!(value["outcome"], outcome);
        assert_eq!(value["changes"][0]["place"], "sites/a b.yaml:7:3");
    }
}

#[test]
fn sarif_has_a_result_a_difference_and_suppresses_what_is_acknowledged() {
    let schema = crate::render::report::tests::sarif_schema();
    let none = Drift {
        since: None,
        changes: Vec::new(),
        flapping: Vec::new(),
        unseen: Vec::new(),
        ..sample()
    };
    for drift in [sample(), none] {
        let log: serde_json::Value = serde_json::from_str(&sarif(&drift, &ABOUT)).unwrap();
        if let Err(error) = jsonschema::validate(&schema, &log) {
            panic!("{}: {error}", error.instance_path());
        }
    }
    let log: serde_json::Value = serde_json::from_str(&sarif(&sample(), &ABOUT)).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let rules: Vec<&str> = results
        .iter()
        .map(|one| one["ruleId"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["drift-flapping", "drift-undeclared", "drift-undo"]);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "sites/a%20b.yaml");
    assert_eq!(place["region"]["startLine"], 7);
    assert_eq!(results[0]["suppressions"].as_array().unwrap().len(), 0);
    assert_eq!(results[2]["suppressions"][0]["status"], "accepted");
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            run["tool"]["driver"]["rules"][index]["id"],
            result["ruleId"]
        );
    }
}

#[test]
fn markdown_means_nothing_but_itself() {
    let page = markdown(&sample(), &ABOUT);
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
    // No name ends the block that it stands in.
    let fences = Regex::new(r"(?m)^(`{3,})").unwrap();
    let fences: Vec<usize> = fences
        .find_iter(&page)
        .map(|found| found.as_str().len())
        .collect();
    assert!(fences.chunks(2).all(|pair| pair[0] == pair[1]), "{page}");
    assert!(page.contains("### Not declared"));
}

/// Reads what the collector would, as strictly as the format's description has it; fails where something is not so.
fn parsed(text: &str) -> BTreeMap<(String, String), f64> {
    assert!(text.ends_with('\n'));
    let name = r"[a-zA-Z_:][a-zA-Z0-9_:]*";
    let label = r#"[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*""#;
    let sample = Regex::new(&format!(r"^({name})\{{({label}(?:,{label})*)\}} (\S+)$")).unwrap();
    let comment = Regex::new(&format!(r"^# (HELP|TYPE) ({name}) (\S.*)$")).unwrap();
    let mut values = BTreeMap::new();
    let mut helped: Vec<String> = Vec::new();
    let mut typed: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some(found) = comment.captures(line) {
            if &found[1] == "HELP" {
                assert!(!helped.contains(&found[2].to_owned()), "{line}");
                helped.push(found[2].to_owned());
            } else {
                assert_eq!(&found[3], "gauge", "{line}");
                assert_eq!(helped.last().map(String::as_str), Some(&found[2]), "{line}");
                typed.push(found[2].to_owned());
            }
            continue;
        }
        let found = sample.captures(line).unwrap_or_else(|| panic!("{line}"));
        // Samples of one name stand together, behind their TYPE.
        assert_eq!(typed.last().map(String::as_str), Some(&found[1]), "{line}");
        let value = found[3].parse().unwrap();
        let key = (found[1].to_owned(), found[2].to_owned());
        assert!(values.insert(key, value).is_none(), "{line}");
    }
    values
}

#[test]
fn the_textfile_is_what_the_collector_reads() {
    let at = "2026-11-26T08:00:00Z".parse().unwrap();
    let text = textfile(&sample(), &ABOUT, at, SignedDuration::from_millis(1500));
    let values = parsed(&text);
    let platform = r#"platform="h\"q\\1""#;
    let of = |name: &str, more: &str| {
        values[&(format!("sitewright_{name}"), format!("{platform}{more}"))]
    };
    assert!((of("drift_changes", ",standing=\"undo\"") - 1.0).abs() < f64::EPSILON);
    assert!((of("drift_changes", ",standing=\"acknowledged\"") - 1.0).abs() < f64::EPSILON);
    assert!((of("drift_flapping", "") - 1.0).abs() < f64::EPSILON);
    assert!((of("drift_look_duration_seconds", "") - 1.5).abs() < f64::EPSILON);
    assert!(
        (of("drift_last_look_timestamp_seconds", "") - 1_795_680_000.0).abs() < 86_400.0 * 400.0
    );
    assert_eq!(values.len(), 11);
}
