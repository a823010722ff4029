#![expect(clippy::unwrap_used, reason = "tests")]

use super::{Accept, Refused, accept};
use crate::manifest::Source;
use crate::model::testing::net;
use crate::model::{DesiredAssignment, Name};

const SITES: &str = "\
# The offices.
apiVersion: sitewright/v1
kind: Site
metadata: { name: HQ }   # head office
spec:
  description: 'Head, office'   # in the lobby
  constrainToSite: false
  subnets:
    - 10.0.0.0/24   # clients
    # printers
    - 10.0.1.0/24
  servers: [{ name: S1, roles: [package, task] }, { name: S2 }]
---
apiVersion: sitewright/v1
kind: Site
metadata: { name: Branch }
spec:
  subnets: []
  servers:
    - name: S3
---
apiVersion: sitewright/v1
kind: Package
metadata: { name: Win11 }
spec: { assignment: { servers: [S1] } }
---
apiVersion: sitewright/v1
kind: PlatformSettings
metadata: { name: hq }
spec:
  captureTarget: \"S1\"
";

/// The lines that a change takes out and puts in.
fn changed(text: &str, asked: Accept<'_>) -> Result<Vec<String>, Refused> {
    let sources = [Source::new("sites.yaml", text)];
    let after = accept(&sources, asked, None)?;
    let diff = similar::TextDiff::from_lines(text, after[0].text.as_ref());
    Ok(diff
        .iter_all_changes()
        .filter(|change| change.tag() != similar::ChangeTag::Equal)
        .map(|change| format!("{}{}", change.tag(), change.value().trim_end()))
        .collect())
}

#[track_caller]
fn check(asked: Accept<'_>, expect: &[&str]) {
    assert_eq!(changed(SITES, asked).unwrap(), expect);
    // With the line ends of Windows, too.
    let windows = SITES.replace('\n', "\r\n");
    assert_eq!(changed(&windows, asked).unwrap(), expect);
}

#[test]
fn each_field_is_changed_in_its_place_and_nothing_else() {
    let (hq, branch) = (&Name::new("hq"), &Name::new("Branch"));
    check(
        Accept::Description {
            site: hq,
            text: "Lab: 2",
        },
        &[
            "-  description: 'Head, office'   # in the lobby",
            "+  description: 'Lab: 2'   # in the lobby",
        ],
    );
    check(
        Accept::Constrain { site: hq, on: true },
        &["-  constrainToSite: false", "+  constrainToSite: true"],
    );
    check(
        Accept::Server {
            site: hq,
            server: &Name::new("S1"),
            there: false,
        },
        &[
            "-  servers: [{ name: S1, roles: [package, task] }, { name: S2 }]",
            "+  servers: [{ name: S2 }]",
        ],
    );
    check(
        Accept::Server {
            site: branch,
            server: &Name::new("S4"),
            there: true,
        },
        &["+    - { name: S4 }"],
    );
    check(
        Accept::Server {
            site: branch,
            server: &Name::new("S3"),
            there: false,
        },
        &["-  servers:", "-    - name: S3", "+  servers: []"],
    );
    check(
        Accept::Package {
            package: &Name::new("win11"),
            assignment: &DesiredAssignment::Sites {
                sites: [Name::new("HQ")].into(),
                automatic: true,
            },
        },
        &[
            "-spec: { assignment: { servers: [S1] } }",
            "+spec: { assignment: { sites: [HQ], automatic: true } }",
        ],
    );
    check(
        Accept::CaptureTarget {
            server: &Name::new("S2"),
        },
        &["-  captureTarget: \"S1\"", "+  captureTarget: \"S2\""],
    );
}

#[test]
fn a_subnet_leaves_one_list_for_the_other() {
    let branch = &Name::new("Branch");
    check(
        Accept::Subnet {
            subnet: net("10.0.0.0/24"),
            site: Some(branch),
        },
        &[
            "-    - 10.0.0.0/24   # clients",
            "-  subnets: []",
            "+  subnets: [10.0.0.0/24]",
        ],
    );
    check(
        Accept::Subnet {
            subnet: net("10.0.1.0/24"),
            site: None,
        },
        &["-    - 10.0.1.0/24"],
    );
    check(
        Accept::Subnet {
            subnet: net("10.0.2.0/24"),
            site: Some(&Name::new("HQ")),
        },
        &["+    - 10.0.2.0/24"],
    );
}

/// The list of a site whose only subnet goes, byte by byte.
#[track_caller]
fn emptied(before: &str, after: &str) {
    let head = "apiVersion: sitewright/v1\nkind: Site\nmetadata: { name: HQ }\nspec:\n";
    for ending in ["\n", "\r\n"] {
        let whole = |text: &str| format!("{head}{text}").replace('\n', ending);
        let sources = [Source::new("sites.yaml", &whole(before))];
        let subnet = net("10.0.0.0/24");
        let found = accept(&sources, Accept::Subnet { subnet, site: None }, None);
        let text = found.map(|sources| sources[0].text.as_ref().to_owned());
        assert_eq!(text.as_deref(), Ok(whole(after).as_str()), "of {before}");
    }
}

#[test]
fn the_last_item_leaves_brackets_and_every_comment() {
    // Nothing is said.
    emptied("  subnets:\n    - 10.0.0.0/24\n", "  subnets: []\n");
    emptied("  subnets:\n    - 10.0.0.0/24", "  subnets: []");
    // Beside the item: it gets a line of its own where the item was.
    emptied(
        "  subnets:\n    - 10.0.0.0/24   # clients\n  description: x\n",
        "  subnets: []\n    # clients\n  description: x\n",
    );
    emptied(
        "  subnets:\n  - 10.0.0.0/24 # clients",
        "  subnets: []\n  # clients",
    );
    // Behind the key, before the item, beside it, and behind the list.
    emptied(
        "  subnets:   # ours\n    # the old wing\n    - 10.0.0.0/24   # clients\n    # printers: to come\n  description: x\n",
        "  subnets: []   # ours\n    # the old wing\n    # clients\n    # printers: to come\n  description: x\n",
    );
    // A key that is alone with its comment.
    emptied(
        "  subnets: # ours\n    - 10.0.0.0/24\n",
        "  subnets: [] # ours\n",
    );
    // In brackets, on one line and on many.
    emptied(
        "  subnets: [10.0.0.0/24]   # ours\n",
        "  subnets: []   # ours\n",
    );
    emptied("  subnets: [\n    10.0.0.0/24,\n  ]\n", "  subnets: []\n");
    emptied(
        "  subnets: [ # ours\n    # the old wing\n    10.0.0.0/24, # clients\n    # printers: to come\n  ]\n  description: x\n",
        "  subnets: [ # ours\n    # the old wing\n    # clients\n    # printers: to come\n  ]\n  description: x\n",
    );
}

#[test]
fn the_last_server_leaves_what_was_said_of_its_fields() {
    let text = SITES.replace(
        "    - name: S3\n",
        "    - name: S3   # in the cellar\n      # since May\n      roles: [task]   # no packages\n",
    );
    let (site, server) = (&Name::new("Branch"), &Name::new("S3"));
    let gone = Accept::Server {
        site,
        server,
        there: false,
    };
    assert_eq!(
        changed(&text, gone).unwrap(),
        [
            "-  servers:",
            "-    - name: S3   # in the cellar",
            "+  servers: []",
            "+    # in the cellar",
            "-      roles: [task]   # no packages",
            "+    # no packages",
        ]
    );
}

#[test]
fn what_cannot_be_written_is_refused() {
    let hq = &Name::new("HQ");
    let text = "new";
    let described = Accept::Description { site: hq, text };
    // Nothing says it.
    let none = SITES.replace("  description: 'Head, office'   # in the lobby\n", "");
    assert_eq!(changed(&none, described), Err(Refused::Nowhere));
    // A block of lines.
    let block = SITES.replace("'Head, office'   # in the lobby", "|\n    Head\n    office");
    assert!(matches!(changed(&block, described), Err(Refused::Unfit(_))));
    // What an alias stands for elsewhere would change with it.
    let anchored = SITES
        .replace("'Head, office'   # in the lobby", "&said S2")
        .replace("{ name: S2 }", "{ name: *said }");
    assert!(matches!(
        changed(&anchored, described),
        Err(Refused::Unsafe(_))
    ));
    // A document of another platform is another site's.
    let sources = [Source::new(
        "sites.yaml",
        &SITES.replace("{ name: HQ }", "{ name: HQ, platform: other }"),
    )];
    let refused = accept(&sources, described, Some(&Name::new("hq")));
    assert_eq!(refused.map(|_| ()), Err(Refused::Nowhere));
}
