//! Texts in every style, put in order; what must not change; and random comments in the examples.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

fn done(text: &str) -> Tidied {
    tidy(&Source::new("a.yaml", text)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// What a text becomes, with either line ending; doing it again changes nothing.
#[track_caller]
fn check(text: &str, expected: &str) {
    for ending in ["\n", "\r\n"] {
        let text = text.replace('\n', ending);
        let expected = expected.replace('\n', ending);
        let once = done(&text);
        assert_eq!(once.text, expected);
        assert!(once.kept.is_empty(), "{:?}", once.kept);
        assert_eq!(done(&once.text).text, expected, "the second time");
    }
}

#[test]
fn fields_come_in_their_order_and_take_their_comments_along() {
    check(
        "\
# yaml-language-server: $schema=schemas/manifest.json
# The office.
kind: Site # an ordinary one
apiVersion: sitewright/v1
spec:
    servers:
    # the first
    - roles: [package]      # no tasks

      # bought in 2019
      name: 'SITE01'
    - { roles: [task], name: SITE02 }   # the second


    # who is in it
    subnets:   # two of them
        - 10.2.0.0/24
        # the old one
        - 10.1.0.0/24   # goes
        # and that is all
    description: >
       Two
       lines
metadata: {platform: hq, name: HQ}
",
        "\
# yaml-language-server: $schema=schemas/manifest.json
# The office.
apiVersion: sitewright/v1
kind: Site # an ordinary one
metadata: {name: HQ, platform: hq}
spec:
  description: >
     Two
     lines

  # who is in it
  subnets:   # two of them
    - 10.2.0.0/24
    # the old one
    - 10.1.0.0/24   # goes
    # and that is all
  servers:
    # the first
    -
      # bought in 2019
      name: 'SITE01'
      roles: [package]      # no tasks
    - { name: SITE02, roles: [task] }   # the second
",
    );
}

#[test]
fn documents_come_in_the_order_of_their_kinds() {
    check(
        "\
# What the licence says.

# About the package.
kind: Package
apiVersion: sitewright/v1
metadata: { name: P }
spec: { assignment: all }
# About HQ.
---   # sitewright: allow flat-lan reason=\"small\"
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec: {}
---

apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: D }
spec: {}
# the end
",
        "\
# What the licence says.
--- # sitewright: allow flat-lan reason=\"small\"
# About HQ.
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec: {}
---
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: D }
spec: {}
---
# About the package.
apiVersion: sitewright/v1
kind: Package
metadata: { name: P }
spec: { assignment: all }
# the end
",
    );
}

#[test]
fn blank_lines_stay_single_and_inside() {
    check(
        "\n\napiVersion: sitewright/v1\n\n\n\nkind: Site\nmetadata:\n\n  name: HQ   \n\nspec:\n\n  # all\n\n\n  subnets: []\n\n\n",
        "apiVersion: sitewright/v1\n\nkind: Site\nmetadata:\n  name: HQ\n\nspec:\n  # all\n\n  subnets: []\n",
    );
}

#[test]
fn what_stands_in_several_lines_moves_as_a_whole() {
    check(
        "\
apiVersion: sitewright/v1
kind: Site
metadata:
    name: HQ
spec:
    description: |
        one
          two # no comment

        three
    subnets: [
        10.0.0.0/24,   # the office
        10.1.0.0/24
    ]   # both
",
        "\
apiVersion: sitewright/v1
kind: Site
metadata:
  name: HQ
spec:
  description: |
      one
        two # no comment

      three
  subnets: [
      10.0.0.0/24,   # the office
      10.1.0.0/24
  ]   # both
",
    );
}

#[test]
fn anchors_keep_the_order_of_their_document() {
    let text = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  servers: &all
    - roles: &both [package, task]
      name: A
    - name: B
      roles: *both
  subnets: []
";
    check(text, text);
}

#[test]
fn fields_that_are_not_known_come_last() {
    check(
        "apiVersion: sitewright/v1\nwhat: 1\nkind: Else\nspec:\n  zebra: 1\n  ape: 2\n  name: x\n",
        "apiVersion: sitewright/v1\nkind: Else\nspec:\n  name: x\n  zebra: 1\n  ape: 2\nwhat: 1\n",
    );
    // Their author chose the names of ports.
    let ports = "apiVersion: sitewright/v1\nkind: PlatformSettings\nmetadata: { name: hq }\nspec:\n  ports:\n    taskServer: 12101\n    name: 1\n";
    check(ports, ports);
}

#[test]
fn what_is_not_known_here_stays_as_it_is() {
    for text in [
        // Somebody else's.
        "b: 1\na: 2\n",
        "apiVersion: v1\nkind: Pod\n",
        "# nothing but a comment\n",
        "",
        // A directive; the end of a document; what stands behind a marker.
        "%YAML 1.2\n---\nkind: Site\napiVersion: sitewright/v1\n",
        "kind: Site\napiVersion: sitewright/v1\n...\n",
        "--- {kind: Site, apiVersion: sitewright/v1}\n",
    ] {
        assert_eq!(done(text).text, text);
    }
    for (text, line) in [
        ("? kind\n: Site\napiVersion: sitewright/v1\n", 1),
        (
            "kind: Site\napiVersion: sitewright/v1\nspec:\n  description: # why\n    x\n",
            1,
        ),
        (
            "kind: Site\napiVersion: sitewright/v1\nspec:\n  description: |+\n    x\n\n",
            1,
        ),
    ] {
        let found = done(text);
        assert_eq!(found.kept, [line], "{text}");
        assert_eq!(found.text.trim_end(), text.trim_end());
    }
}

#[test]
fn one_document_that_is_not_known_does_not_keep_the_others() {
    let found = done(
        "? kind\n: Site\napiVersion: sitewright/v1\n---\nkind: Site\napiVersion: sitewright/v1\n",
    );
    assert_eq!(
        found.text,
        "? kind\n: Site\napiVersion: sitewright/v1\n---\napiVersion: sitewright/v1\nkind: Site\n"
    );
    assert_eq!(found.kept, [1]);
}

#[test]
fn no_yaml_is_an_error_with_its_place() {
    for text in ["a: [", "a: 1\na: 2\n", "a: b: c\n"] {
        let Err(TidyError::Unreadable(found)) = tidy(&Source::new("a.yaml", text)) else {
            panic!("{text} is taken");
        };
        assert!(found[0].labels[0].origin.line >= 1);
    }
}

#[test]
fn a_comment_that_allows_covers_what_it_covered() {
    check(
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  servers:
    - roles: [task] # sitewright: allow flat-lan reason=\"roles\"
      name: A
  # sitewright: allow subnet-overlap reason=\"subnets\"
  subnets: [10.0.0.0/8]
# sitewright: allow flat-lan reason=\"next\"
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: B }
spec: {}
",
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec:
  # sitewright: allow subnet-overlap reason=\"subnets\"
  subnets: [10.0.0.0/8]
  servers:
    - name: A
      roles: [task] # sitewright: allow flat-lan reason=\"roles\"
---
# sitewright: allow flat-lan reason=\"next\"
apiVersion: sitewright/v1
kind: Site
metadata: { name: B }
spec: {}
",
    );
}

/// Every field of the schema has its place, and no other name has one.
#[test]
fn the_order_names_the_fields_of_the_schema() {
    fn names(value: &serde_json::Value, found: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                if let Some(properties) = fields.get("properties").and_then(|p| p.as_object()) {
                    found.extend(properties.keys().cloned());
                }
                fields.values().for_each(|value| names(value, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let schema = serde_json::to_value(crate::manifest::schema()).unwrap();
    let mut known = BTreeSet::new();
    names(&schema, &mut known);
    let ordered: BTreeSet<String> = order::FIELDS
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(ordered, known, "order.rs (left), the schema (right)");
    assert_eq!(ordered.len(), order::FIELDS.len(), "each once");
}

#[test]
fn what_an_import_writes_is_in_order() {
    let table = "subnet,site,description\n10.0.0.0/24,HQ,the office\n10.1.0.0/24,HQ,\n10.2.0.0/24,B,annex\n";
    let imported =
        crate::import::import("n.csv", table, &crate::import::Options::default()).unwrap();
    assert_eq!(done(&imported.text).text, imported.text);
}

const TEXTS: [&str; 3] = [
    include_str!("../../examples/deployment-site/sites.yaml"),
    include_str!("../../examples/isolated-vlan/sites.yaml"),
    include_str!("../../examples/deployment-site/sitewright.yaml"),
];

/// What is done to a text at a line: a comment above it or behind it, a blank line, or nothing.
#[derive(Debug, Clone)]
enum Noise {
    Above { indent: usize, text: String },
    Behind(String),
    Blank,
}

fn noise() -> impl Strategy<Value = Noise> {
    let words = "[a-z:#{}\\[\\]'\"&*!|> -]{0,12}";
    prop_oneof![
        (0..9_usize, words).prop_map(|(indent, text)| Noise::Above { indent, text }),
        words.prop_map(Noise::Behind),
        Just(Noise::Blank),
    ]
}

fn noisy(text: &str, noises: &[(prop::sample::Index, Noise)]) -> String {
    let mut lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    for (at, noise) in noises {
        let at = at.index(lines.len());
        match noise {
            Noise::Above { indent, text } => {
                lines.insert(at, format!("{}# {text}", " ".repeat(*indent)));
            }
            Noise::Behind(text) => lines[at] = format!("{} # {text}", lines[at]),
            Noise::Blank => lines.insert(at, "  ".into()),
        }
    }
    lines.join("\n") + "\n"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Comments and blank lines anywhere: nothing is lost, the meaning stays, the second time changes nothing.
    #[test]
    fn random_comments_stay(
        which in 0..TEXTS.len(),
        noises in prop::collection::vec((any::<prop::sample::Index>(), noise()), 0..12),
    ) {
        let text = noisy(TEXTS[which], &noises);
        let source = Source::new("a.yaml", &text);
        let before = meaning(&source);
        prop_assume!(before.is_ok());
        let once = tidy(&source);
        let once = once.map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(meaning(&Source::new("a.yaml", &once.text)), before);
        let twice = done(&once.text);
        prop_assert_eq!(&twice.text, &once.text, "from\n{}", text);
    }

    /// Fields in any order come out in the one order.
    #[test]
    fn the_order_of_fields_does_not_matter(shuffled in Just(vec![
        "apiVersion: sitewright/v1\n",
        "kind: Site\n",
        "metadata:\n  name: HQ\n",
        "spec:\n  # why\n  servers:\n    - name: A\n  subnets: []\n",
    ]).prop_shuffle()) {
        let expected = "apiVersion: sitewright/v1\nkind: Site\nmetadata:\n  name: HQ\nspec:\n  subnets: []\n  # why\n  servers:\n    - name: A\n";
        prop_assert_eq!(done(&shuffled.concat()).text, expected);
    }
}
