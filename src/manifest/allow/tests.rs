//! What comments cover: `covers(text, expect)` with the check, and the lines from and to.

use super::*;
use crate::manifest::{Read, read};

fn read_text(text: &str) -> Read {
    read(&[Source::new("sites.yaml", text)])
}

/// The comments of a text: check, first and last line.
fn covers(text: &str, expect: &[(&str, u32, u32)]) {
    let read = read_text(text);
    assert_eq!(read.diagnostics, [], "{text}");
    let found: Vec<(&str, u32, u32)> = read
        .documents
        .iter()
        .flat_map(|document| &document.comments)
        .map(|Comment { allowed, id: _ }| {
            (allowed.check.as_str(), allowed.lines.0, allowed.lines.1)
        })
        .collect();
    assert_eq!(found, expect, "{text}");
}

/// The faults of a text: code, line, column, and a part of the message.
fn faults(text: &str, expect: &[(&str, u32, u32, &str)]) {
    let read = read_text(text);
    let found: Vec<(&str, u32, u32)> = read
        .diagnostics
        .iter()
        .map(|fault| {
            let place = &fault.labels[0].origin;
            (fault.code, place.line, place.column)
        })
        .collect();
    let wanted: Vec<(&str, u32, u32)> = expect.iter().map(|e| (e.0, e.1, e.2)).collect();
    assert_eq!(found, wanted, "{text}");
    for (fault, (.., part)) in read.diagnostics.iter().zip(expect) {
        assert!(fault.message.contains(part), "{}", fault.message);
    }
}

const HEAD: &str = "apiVersion: sitewright/v1\nkind: Site\n";

#[test]
fn above_a_document_it_covers_the_document() {
    let site = format!("{HEAD}metadata: {{ name: A }}\nspec: {{ subnets: [] }}\n");
    let comment = "# sitewright: allow supernet reason=\"x\"\n";
    covers(&format!("{comment}{site}"), &[("supernet", 1, 5)]);
    covers(&format!("---\n{comment}{site}"), &[("supernet", 1, 6)]);
    covers(
        &format!("{comment}\n# another\n---\n{site}"),
        &[("supernet", 1, 8)],
    );
    covers(
        &format!("--- # sitewright: allow supernet reason=\"x\"\n{site}"),
        &[("supernet", 1, 5)],
    );
    let two = site.replace("name: A", "name: B");
    covers(
        &format!("{site}{comment}---\n{two}"),
        &[("supernet", 6, 10)],
    );
    covers(
        &format!("{site}---\n{comment}{two}"),
        &[("supernet", 5, 10)],
    );
    covers(
        &format!("{site}...\n{comment}---\n{two}"),
        &[("supernet", 6, 11)],
    );
}

#[test]
fn above_a_field_it_covers_what_is_nested_in_it() {
    let text = "\
apiVersion: sitewright/v1
kind: Site
metadata:
  # sitewright: allow one reason=\"x\"
  name: A
  platform: hq
# sitewright: allow two reason=\"x\"

# not for us
spec:
  description: |
    # sitewright: allow text reason=\"no comment\"
    line
  # sitewright: allow three reason=\"x\"
  subnets:
    # sitewright: allow four reason=\"x\"
    - 10.0.0.0/24
    - 10.0.1.0/24
  servers:
    # sitewright: allow five reason=\"x\"
    - name: S1
      roles: [package]
    # sitewright: allow six reason=\"x\"
    -
      name: S2
      # sitewright: allow seven reason=\"x\"
      roles:
        - task
        - package
  constrainToSite: true
";
    covers(
        text,
        &[
            ("one", 5, 5),
            ("two", 10, 30),
            ("three", 15, 18),
            ("four", 17, 17),
            ("five", 21, 22),
            ("six", 25, 29),
            ("seven", 27, 29),
        ],
    );
    // The same with the line ends of Windows.
    covers(
        &text.replace('\n', "\r\n"),
        &[
            ("one", 5, 5),
            ("two", 10, 30),
            ("three", 15, 18),
            ("four", 17, 17),
            ("five", 21, 22),
            ("six", 25, 29),
            ("seven", 27, 29),
        ],
    );
    covers(
        &format!("\u{FEFF}{text}"),
        &[
            ("one", 5, 5),
            ("two", 10, 30),
            ("three", 15, 18),
            ("four", 17, 17),
            ("five", 21, 22),
            ("six", 25, 29),
            ("seven", 27, 29),
        ],
    );
}

#[test]
fn at_the_end_of_a_line_it_covers_the_field_of_the_line() {
    let text = format!(
        "{HEAD}metadata: {{ name: A }} # sitewright: allow one reason=\"x\"
spec: # sitewright: allow two reason=\"x\"
  description: 'a # b' # sitewright: allow three reason=\"x\"
  subnets: # sitewright: allow four reason=\"x\"
    - 10.0.0.0/24 # sitewright: allow five reason=\"x\"
    - 10.0.1.0/24
  servers:
    - name: S1 # sitewright: allow six reason=\"x\"
      roles: [package] # sitewright: allow seven reason=\"x\"
    - # sitewright: allow eight reason=\"x\"
      name: S2
      roles: [task]
"
    );
    covers(
        &text,
        &[
            ("one", 3, 3),
            ("two", 4, 14),
            ("three", 5, 5),
            ("four", 6, 8),
            ("five", 7, 7),
            ("six", 10, 10),
            ("seven", 11, 11),
            ("eight", 13, 14),
        ],
    );
}

#[test]
fn in_flow_style_it_covers_what_begins_on_the_line() {
    let text = format!(
        "{HEAD}metadata: {{ name: A }}
spec: {{
  # sitewright: allow one reason=\"x\"
  subnets: [
    10.0.0.0/24, # sitewright: allow two reason=\"x\"
    # sitewright: allow three reason=\"x\"
    10.0.1.0/24, 10.0.2.0/24,
    10.0.3.0/24
  ], # sitewright: allow four reason=\"x\"
  servers: [
    # sitewright: allow five reason=\"x\"
    {{ name: S1,
      roles: [package] }},
    {{ name: S2, roles: [task] }} ]
}} # sitewright: allow six reason=\"x\"
"
    );
    covers(
        &text,
        &[
            ("one", 6, 11),
            ("two", 7, 7),
            ("three", 9, 9),
            ("four", 6, 11),
            ("five", 14, 15),
            ("six", 4, 17),
        ],
    );
}

#[test]
fn what_is_no_comment_is_text() {
    covers(
        &format!(
            "{HEAD}metadata: {{ name: A }}\nspec:\n  description: \"x # sitewright: allow a reason='b'\"\n"
        ),
        &[],
    );
    covers(
        &format!(
            "{HEAD}metadata: {{ name: A }}\nspec:\n  description: >-\n    folded\n    # sitewright: wrong\n  subnets: []\n"
        ),
        &[],
    );
    // Others may speak of the program.
    covers(
        &format!("# see sitewright: a program\n{HEAD}metadata: {{ name: A }}\nspec: {{}}\n"),
        &[],
    );
}

#[test]
fn faults_have_their_place() {
    let with = |comment: &str| format!("{HEAD}metadata: {{ name: A }}\n  {comment}\nspec: {{}}\n");
    let check = |comment: &str, code: &str, column: u32, part: &str| {
        faults(&with(comment), &[(code, 4, column, part)]);
    };
    check(
        "# sitewright: alow x reason=\"y\"",
        "SW0150",
        17,
        "found `alow`",
    );
    check("# sitewright:", "SW0150", 16, "found nothing");
    check("#sitewright:deny x", "SW0150", 15, "found `deny`");
    check("# sitewright: allow", "SW0151", 22, "found none");
    check(
        "# sitewright: allow reason=\"y\"",
        "SW0151",
        23,
        "found none",
    );
    check("# sitewright: allow x", "SW0152", 24, "found nothing");
    check(
        "# sitewright: allow x because",
        "SW0152",
        25,
        "found `because`",
    );
    check(
        "# sitewright: allow x reason=y",
        "SW0152",
        25,
        "without double quotes",
    );
    check(
        "# sitewright: allow x reason=\"y",
        "SW0152",
        25,
        "closing quote",
    );
    check(
        "# sitewright: allow x reason=\"y\" z",
        "SW0152",
        25,
        "more after",
    );
    check(
        "# sitewright: allow x reason=\"\\n\"",
        "SW0152",
        25,
        "before something else",
    );
    check(
        "# sitewright: allow x reason=\" \"",
        "SW0152",
        25,
        "an empty one",
    );
}

#[test]
fn what_covers_nothing_is_a_fault() {
    let comment = "# sitewright: allow supernet reason=\"x\"\n";
    let site = format!("{HEAD}metadata: {{ name: A }}\nspec:\n  subnets: []\n");
    faults(
        &format!("{site}{comment}"),
        &[("SW0153", 6, 1, "found none")],
    );
    faults(
        &format!("{site}...\n\n  {comment}"),
        &[("SW0153", 8, 3, "found none")],
    );
    faults(
        &format!(
            "{site}  {comment}---\n{}",
            site.replace("name: A", "name: B")
        ),
        &[("SW0153", 6, 3, "found none")],
    );
    // Nothing is said about a document that cannot be read.
    faults(
        &format!("{site}{comment}---\na: [\n"),
        &[("SW0110", 8, 4, "")],
    );
}

#[test]
fn quotes_can_be_escaped() {
    let read = read_text(&format!(
        "# sitewright: allow x reason=\"he said \\\"fine\\\", C:\\\\d\"\n{HEAD}metadata: {{ name: A }}\nspec: {{}}\n"
    ));
    let comment = &read.documents[0].comments[0];
    assert_eq!(comment.allowed.reason, "he said \"fine\", C:\\d");
    assert_eq!(comment.allowed.origin.to_string(), "sites.yaml:1:1");
}

#[test]
fn ids_are_known_or_told() {
    let text = format!(
        "# sitewright: allow flat-lam reason=\"x\"\n# sitewright: allow SW0506 reason=\"x\"\n# sitewright: allow supernet reason=\"x\"\n{HEAD}metadata: {{ name: A }}\nspec: {{}}\n---\napiVersion: sitewright/v1\nkind: Workspace\nspec: # sitewright: allow supernet reason=\"x\"\n  platforms: [{{ name: a, url: 'sim:flat-lan' }}]\n"
    );
    let read = read_text(&text);
    assert_eq!(read.diagnostics, []);
    let told: Vec<(&str, String, Option<String>)> =
        check_allowed(&read.documents, &["flat-lan", "supernet"])
            .into_iter()
            .map(|fault| (fault.code, fault.to_string(), fault.hint))
            .collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].0, "SW0151");
    assert!(told[0].1.starts_with("sites.yaml:1:21: "), "{}", told[0].1);
    assert_eq!(told[0].2.as_deref(), Some("did you mean `flat-lan`?"));
    assert!(
        told[1]
            .2
            .as_ref()
            .unwrap()
            .contains("errors cannot be allowed")
    );
    assert_eq!(told[2].0, "SW0153");
}

#[test]
fn comments_are_for_the_platform_of_their_document() {
    let site = |name: &str, platform: &str| {
        format!(
            "# sitewright: allow supernet reason=\"{name}\"\n{HEAD}metadata: {{ name: {name}, platform: {platform} }}\nspec: {{}}\n"
        )
    };
    let read = read_text(&format!("{}---\n{}", site("A", "hq"), site("B", "lab")));
    let desired =
        crate::manifest::desired(&read.documents, Some(&crate::model::Name::new("lab"))).unwrap();
    let reasons: Vec<&str> = desired.allowed.iter().map(|a| a.reason.as_str()).collect();
    assert_eq!(reasons, ["B"]);
}

#[test]
fn many_comments_are_read_in_time_that_grows_with_their_number() {
    const MANY: u32 = 100_000;
    let comment = "# sitewright: allow x reason=\"y\"\n";
    let above = comment.repeat(MANY.try_into().unwrap());
    let above = format!("{HEAD}metadata: {{ name: A }}\n{above}spec: {{}}\n");
    // A comment beside a comma, where nothing begins.
    let items: Vec<String> = (0..MANY)
        .map(|number| std::net::Ipv4Addr::from(0x0A00_0000 + number))
        .map(|address| format!("    {address}/32\n    , {comment}"))
        .collect();
    let items = items.concat();
    let beside = format!("{HEAD}metadata: {{ name: A }}\nspec: {{ subnets: [\n{items}] }}\n");
    for text in [above, beside] {
        let read = read_text(&text);
        assert_eq!(read.diagnostics, []);
        assert_eq!(
            read.documents[0].comments.len(),
            usize::try_from(MANY).unwrap()
        );
    }
}
