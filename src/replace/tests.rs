//! Files in every style, changed twice; and files that are left alone with a reason.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::manifest::{self, Source};
use crate::model::Name;
use crate::model::testing::world;

const OLD: &str = "OLD.corp.example";
const NEW: &str = "NEW01.corp.example";

fn run(files: &[(&str, &str)], finish: Option<bool>) -> Result<Replaced, ReplaceError> {
    let sources: Vec<Source> = files.iter().map(|(n, t)| Source::new(n, t)).collect();
    replace(
        &sources,
        &Replacement {
            old: &Name::new(OLD),
            new: &Name::new(NEW),
            platform: None,
            finish,
        },
    )
}

fn changed(text: &str, phase: Phase) -> String {
    let replaced = run(&[("a.yaml", text)], None).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(replaced.phase, phase, "{text}");
    let (_, after) = replaced.files.into_iter().next().unwrap();
    after.unwrap()
}

/// Both changes one after the other: the first gives `beside`; in the end, only the name has changed.
#[track_caller]
fn check(text: &str, beside: &str) {
    for (from, to) in [("\n", "\n"), ("\n", "\r\n")] {
        let text = text.replace(from, to);
        let expected = beside.replace(from, to);
        let once = changed(&text, Phase::Beside);
        assert_eq!(once, expected);
        let twice = changed(&once, Phase::Finish);
        assert_eq!(twice, text.replace(OLD, NEW));
    }
}

#[test]
fn block_lists_keep_comments_quotes_and_line_ends() {
    check(
        "\
# the office
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Deployment_Site }
spec:
  servers:
    # the deployment server
    - name: \"OLD.corp.example\"       # bought in 2019
      # what it does
      roles:
        - package # images
        - task

    # another one
    - name: SITE01
      roles: [package]
  imaging:
    captureTarget: 'OLD.corp.example' # one per SMP
    packages:
      - name: golden
        servers:
          - OLD.corp.example
---
apiVersion: sitewright/v1
kind: SiteServer
metadata:
  name: OLD.corp.example # its own document
spec: { roles: [task, package] }
# end
",
        "\
# the office
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: Deployment_Site }
spec:
  servers:
    # the deployment server
    - name: \"OLD.corp.example\"       # bought in 2019
      # what it does
      roles:
        - package # images
        - task
    - name: \"NEW01.corp.example\"
      roles:
        - package
        - task

    # another one
    - name: SITE01
      roles: [package]
  imaging:
    captureTarget: 'OLD.corp.example' # one per SMP
    packages:
      - name: golden
        servers:
          - OLD.corp.example
          - NEW01.corp.example
---
apiVersion: sitewright/v1
kind: SiteServer
metadata:
  name: OLD.corp.example # its own document
spec: { roles: [task, package] }
# end
---
apiVersion: sitewright/v1
kind: SiteServer
metadata:
  name: NEW01.corp.example
spec: { roles: [task, package] }
",
    );
}

#[test]
fn flow_lists_on_one_line_and_on_several() {
    check(
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec: { servers: [{ name: OLD.corp.example, roles: [task] }, { name: B }], subnets: [] } # c
---
apiVersion: sitewright/v1
kind: Package
metadata: { name: Tools }
spec:
  assignment:
    servers: [ # whom
      B, # first
      OLD.corp.example # old
    ]
---
apiVersion: sitewright/v1
kind: Package
metadata: { name: More }
spec:
  assignment:
    servers: [
      OLD.corp.example, # old
      B,
    ]
---
{apiVersion: sitewright/v1, kind: Package, metadata: {name: Last}, spec: {assignment: {servers: [OLD.corp.example]}}}
",
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }
spec: { servers: [{ name: OLD.corp.example, roles: [task] }, { name: NEW01.corp.example, roles: [task] }, { name: B }], subnets: [] } # c
---
apiVersion: sitewright/v1
kind: Package
metadata: { name: Tools }
spec:
  assignment:
    servers: [ # whom
      B, # first
      OLD.corp.example, # old
      NEW01.corp.example
    ]
---
apiVersion: sitewright/v1
kind: Package
metadata: { name: More }
spec:
  assignment:
    servers: [
      OLD.corp.example, # old
      NEW01.corp.example,
      B,
    ]
---
{apiVersion: sitewright/v1, kind: Package, metadata: {name: Last}, spec: {assignment: {servers: [OLD.corp.example, NEW01.corp.example]}}}
",
    );
}

#[test]
fn items_that_begin_below_their_dash() {
    check(
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers:
  - # why
    \"name\": OLD.corp.example
    roles: [task]
  -
    name: B
",
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers:
  - # why
    \"name\": OLD.corp.example
    roles: [task]
  -
    \"name\": NEW01.corp.example
    roles: [task]
  -
    name: B
",
    );
}

#[test]
fn anchors_and_aliases_are_followed() {
    check(
        "\
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: D }
spec:
  servers:
  - &srv { name: &name OLD.corp.example, roles: &roles [package] }
  - { name: B, roles: *roles }
  imaging:
    captureTarget: *name
    packages:
    - { name: one, servers: &both [*name, B] }
    - { name: two, servers: *both }
",
        "\
apiVersion: sitewright/v1
kind: DeploymentSite
metadata: { name: D }
spec:
  servers:
  - &srv { name: &name OLD.corp.example, roles: &roles [package] }
  - { name: NEW01.corp.example, roles: [package] }
  - { name: B, roles: *roles }
  imaging:
    captureTarget: *name
    packages:
    - { name: one, servers: &both [*name, NEW01.corp.example, B] }
    - { name: two, servers: *both }
",
    );
}

#[test]
fn files_without_a_last_line_break_and_with_a_mark() {
    let text = "\u{FEFF}apiVersion: sitewright/v1\nkind: SiteServer\nmetadata: { name: OLD.corp.example }\nspec: { roles: [task] }";
    let once = changed(text, Phase::Beside);
    assert!(once.starts_with("\u{FEFF}apiVersion") && once.contains("\n---\napiVersion"));
    assert_eq!(changed(&once, Phase::Finish), text.replace(OLD, NEW));
    let text = "apiVersion: sitewright/v1\nkind: Package\nmetadata: { name: P }\nspec:\n  assignment:\n    servers:\n    - OLD.corp.example";
    let once = changed(text, Phase::Beside);
    assert!(once.ends_with("- OLD.corp.example\n    - NEW01.corp.example"));
    assert_eq!(
        changed(&once, Phase::Finish).trim_end(),
        text.replace(OLD, NEW)
    );
}

#[test]
fn host_names_stand_for_full_ones_in_any_case() {
    let text = "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: OLD }\nspec: { servers: [{ name: old }, { name: OLDER }] }\n";
    assert_eq!(
        changed(text, Phase::Beside),
        text.replace(
            "{ name: old }",
            "{ name: old }, { name: NEW01.corp.example }"
        )
    );
    assert_eq!(
        changed(&changed(text, Phase::Beside), Phase::Finish),
        text.replace("name: old ", "name: NEW01.corp.example ")
    );
}

#[test]
fn what_somebody_wrote_into_the_new_item_stays() {
    let text = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers:
    - name: OLD.corp.example # old
      roles: [package]
    - name: NEW01.corp.example
      roles: [package, networkBoot]
";
    assert_eq!(
        changed(text, Phase::Finish),
        "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers:
    - name: NEW01.corp.example
      roles: [package, networkBoot]
"
    );
}

const SITE: &str = "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: A }\nspec: { servers: [{ name: OLD.corp.example }] }\n";

#[test]
fn documents_in_files_of_their_own() {
    let server = |name: &str| {
        format!(
            "apiVersion: sitewright/v1\nkind: SiteServer\nmetadata: {{ name: {name} }}\nspec: {{ roles: [task] }}\n"
        )
    };
    let site = SITE.replace("}] }", "}, { name: NEW01.corp.example }] }");
    let (old, new) = (server(OLD), server(NEW));
    let files = [
        ("a.yaml", site.as_str()),
        ("new.yaml", &new),
        ("old.yaml", &old),
    ];
    let replaced = run(&files, None).unwrap();
    let texts: Vec<(&str, Option<&str>)> = replaced
        .files
        .iter()
        .map(|(source, text)| (source.name.as_ref(), text.as_deref()))
        .collect();
    let wanted = SITE.replace(OLD, NEW);
    assert_eq!(
        texts,
        [
            ("a.yaml", Some(wanted.as_str())),
            ("new.yaml", None),
            ("old.yaml", Some(new.as_str()))
        ]
    );
}

#[test]
fn bad_wishes_change_nothing() {
    let code = |files: &[(&str, &str)], finish| run(files, finish).unwrap_err().code();
    let other = SITE.replace(OLD, "B").replace("name: A", "name: B");
    assert_eq!(code(&[("a.yaml", &other)], None), "SW0921");
    let busy = SITE.replace(OLD, NEW).replace("name: A", "name: B");
    assert_eq!(code(&[("a.yaml", SITE), ("b.yaml", &busy)], None), "SW0922");
    assert_eq!(code(&[("a.yaml", SITE)], Some(true)), "SW0923");
    let two = SITE.replace("}] }", "}, { name: OLD.other.example }] }");
    let sources = [Source::new("a.yaml", &two)];
    let asked = |old: &str, new: &str| {
        replace(
            &sources,
            &Replacement {
                old: &Name::new(old),
                new: &Name::new(new),
                platform: None,
                finish: None,
            },
        )
        .map(|replaced| replaced.phase)
        .map_err(|error| error.code())
    };
    assert_eq!(asked("OLD", NEW), Err("SW0921"));
    assert_eq!(asked(OLD, NEW), Ok(Phase::Beside));
    assert_eq!(asked(OLD, "old"), Err("SW0920"));
    assert_eq!(asked(OLD, OLD), Err("SW0920"));
}

#[test]
fn what_cannot_be_rewritten_is_left() {
    // The name is also a description, so that following the anchor would change what it says.
    let text = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers: [{ name: &n OLD.corp.example }, { name: NEW01.corp.example }]
  description: *n
";
    let error = run(&[("a.yaml", text)], None).unwrap_err();
    assert_eq!(error.code(), "SW0924", "{error}");
    let merged = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers:
    - &base { name: OLD.corp.example, roles: [task] }
    - { <<: *base, name: B }
";
    assert_eq!(
        changed(merged, Phase::Beside),
        merged.replace(
            "    - { <<",
            "    - { name: NEW01.corp.example, roles: [task] }\n    - { <<"
        )
    );
}

#[test]
fn other_platforms_are_left_alone() {
    let of = |platform: &str, site: &str| {
        SITE.replace(
            "{ name: A }",
            &format!("{{ name: {site}, platform: {platform} }}"),
        )
    };
    let sources = [
        Source::new("a.yaml", &of("hq", "A")),
        Source::new("b.yaml", &of("lab", "B")),
    ];
    let replaced = replace(
        &sources,
        &Replacement {
            old: &Name::new("old"),
            new: &Name::new(NEW),
            platform: Some(&Name::new("HQ")),
            finish: None,
        },
    )
    .unwrap();
    assert_eq!(replaced.files.len(), 1);
}

#[test]
fn a_new_server_is_ready_once_it_holds_what_the_old_one_holds() {
    let source = Source::new(
        "a.yaml",
        &SITE.replace("}] }", "}, { name: NEW01, roles: [package] }] }"),
    );
    let read = manifest::read(&[source]);
    let desired = manifest::desired(&read.documents, None).unwrap();
    let (old, new) = (Name::new("OLD"), Name::new("NEW01"));
    let seen = world().server(OLD, &[], "package");
    assert_eq!(
        lacking(&desired, &seen.snapshot, &old, &new),
        ["the SMP knows no computer `NEW01`"]
    );
    let bare = seen.clone().server(NEW, &[], "");
    let held = bare.package("P", "all", &[OLD]).package("Q", "all", &[]);
    assert_eq!(
        lacking(&desired, &held.snapshot, &old, &new),
        [
            "`NEW01` does not have the role `package` yet",
            "`NEW01` does not hold `P` yet"
        ]
    );
    let ready = seen
        .server(NEW, &[], "package")
        .package("P", "all", &[OLD, NEW]);
    assert!(lacking(&desired, &ready.snapshot, &old, &new).is_empty());
}

/// A list of servers in one of the ways in which it can be written.
fn list(style: usize, names: &[String]) -> String {
    match style {
        0 => format!("servers: [{}]", names.join(", ")),
        1 => format!("servers: [{},]", names.join(" ,")),
        2 => format!("servers:\n  - {}", names.join("\n  - ")),
        3 => format!(
            "servers: # list\n    # above\n    - {} # last",
            names.join(" # right\n    # above\n    - ")
        ),
        4 => format!(
            "servers: [\n    {} # last\n    ]",
            names.join(", # right\n    # above\n    ")
        ),
        5 => format!("servers: [\n    {},\n    ]", names.join(",\n    ")),
        6 => format!(
            "servers: [ {}\n    , {} ]",
            names[0],
            names[1..].join("\n    , ")
        ),
        _ => format!("servers:\n  -   {}\n\n", names.join("\n\n  -   ")),
    }
}

proptest! {
    #[test]
    fn two_changes_put_one_name_in_the_place_of_the_other(
        style in 0_usize..8,
        quote in 0_usize..3,
        before in 0_usize..3,
        after in 0_usize..3,
        crlf in any::<bool>(),
        fields in any::<bool>(),
    ) {
        let quoted = |name: &str| match quote {
            0 => name.to_owned(),
            1 => format!("'{name}'"),
            _ => format!("\"{name}\""),
        };
        let item = |name: &str| {
            if fields {
                format!("{{ name: {}, roles: [package] }}", quoted(name))
            } else {
                quoted(name)
            }
        };
        let mut names: Vec<String> = (0..before).map(|n| item(&format!("A{n}"))).collect();
        names.push(item(OLD));
        names.extend((0..after).map(|n| item(&format!("Z{n}"))));
        prop_assume!(style != 6 || names.len() > 1);
        let list = list(style, &names);
        let text = if fields {
            format!("apiVersion: sitewright/v1\nkind: Site\nmetadata: {{ name: S }}\nspec:\n  {list}\n  subnets: []\n")
        } else {
            format!("apiVersion: sitewright/v1\nkind: Package\nmetadata: {{ name: P }}\nspec:\n  assignment:\n   {}\n", list.replace('\n', "\n "))
        };
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let once = changed(&text, Phase::Beside);
        prop_assert!(!crlf || once.matches('\n').count() == once.matches("\r\n").count());
        prop_assert_eq!(changed(&once, Phase::Finish), text.replace(OLD, NEW), "{}", once);
    }
}

#[test]
fn odd_names_are_quoted_where_they_have_to_be() {
    let text = "\
apiVersion: sitewright/v1
kind: Site
metadata: { name: A }
spec:
  servers:
    - name: OLD.corp.example
    - { name: 'B' }
---
apiVersion: sitewright/v1
kind: Package
metadata: { name: P }
spec: { assignment: { servers: [B, \"OLD.corp.example\"] } }
---
apiVersion: sitewright/v1
kind: SiteServer
metadata: { name: OLD.corp.example }
spec: { roles: [task] }
";
    for name in [
        "no",
        "a, b]",
        "7",
        "it's: # x",
        "\"q\" \\ {",
        "- x",
        "Ünal",
        "&a *b",
    ] {
        let mut sources = vec![Source::new("a.yaml", text)];
        for phase in [Phase::Beside, Phase::Finish] {
            let replaced = replace(
                &sources,
                &Replacement {
                    old: &Name::new(OLD),
                    new: &Name::new(name),
                    platform: None,
                    finish: None,
                },
            )
            .unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(replaced.phase, phase, "{name}");
            let after = replaced.files.into_iter().next().unwrap().1.unwrap();
            sources = vec![Source::new("a.yaml", &after)];
        }
    }
}
