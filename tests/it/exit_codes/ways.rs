//! The tables: a way to each code of each command.

use At::{Astray, Blocked, Damaged, Done, Empty, Faulty, Fresh, Open, Unreachable, WrongPassword};

/// What the current folder and the server are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    /// An empty folder.
    Empty,
    /// A workspace with manifests; nothing was applied.
    Fresh,
    /// Everything was applied, also in the console.
    Done,
    /// Everything was applied; then somebody took a subnet away in the console.
    Astray,
    /// The plan was applied, and two console steps are open.
    Open,
    /// A manifest has a field that nobody knows.
    Faulty,
    /// The manifests ask for what must not be.
    Blocked,
    /// Nobody listens at the URL.
    Unreachable,
    /// The password is wrong.
    WrongPassword,
    /// The state is damaged, and so is a line of the journal.
    Damaged,
}

impl At {
    /// Whether nothing that is tried there changes anything, so that all can be tried in one place.
    pub(super) fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Faulty | Self::Blocked | Self::Unreachable | Self::WrongPassword
        )
    }
}

/// A command with what follows it, where it is run, and its code.
pub(super) type Way = (&'static str, &'static str, At, i32);

/// The ways. `--help` (0) and an unknown option (64) are tried for every command beside them.
pub(super) const WAYS: &[Way] = &[
    ("init", "--yes", Empty, 0),
    ("init", "--yes", Fresh, 1),
    ("init", "", Empty, 64),
    ("init", "--sim nothing", Empty, 64),
    ("plan", "", Fresh, 0),
    ("plan", "--detailed-exitcode", Fresh, 2),
    ("plan", "--detailed-exitcode", Done, 0),
    ("plan", "--detailed-exitcode", Blocked, 3),
    ("plan", "--target Site/Nowhere", Fresh, 1),
    ("plan", "", Empty, 64),
    ("fmt", "sites.yaml", Fresh, 0),
    ("fmt", "untidy.txt", Empty, 0),
    ("fmt", "sites.yaml --check", Fresh, 0),
    ("fmt", "untidy.txt --check", Empty, 2),
    ("fmt", "nothing.yaml --check", Empty, 1),
    ("fmt", "- untidy.txt", Empty, 64),
    ("graph", "", Fresh, 0),
    ("graph", "--live", Fresh, 0),
    ("graph", "--plan saved.json", Fresh, 0),
    ("graph", "--plan nothing.json", Fresh, 1),
    ("graph", "--live", Empty, 64),
    ("completions", "bash", Empty, 0),
    ("completions", "nothing", Empty, 64),
    ("man", "", Empty, 0),
    ("man", "--out pages", Empty, 0),
    ("man", "--out table.csv", Empty, 1),
    ("watch", "--listen 192.0.2.1:9464", Fresh, 1),
    ("watch", "--listen nowhere", Fresh, 64),
    ("show", "saved.json", Fresh, 0),
    ("show", "nothing.json", Fresh, 1),
    ("show", "", Fresh, 64),
    ("apply", "--yes", Fresh, 4),
    ("apply", "saved.json --yes", Fresh, 4),
    ("apply", "--yes --skip-manual", Fresh, 0),
    ("apply", "--yes", Open, 4),
    ("apply", "--yes", Done, 0),
    ("apply", "--yes", Blocked, 3),
    ("apply", "", Fresh, 64),
    ("apply", "saved.json --yes", Open, 4),
    ("apply", "saved.json --yes -f .", Fresh, 64),
    ("apply", "--if-current . --yes", Fresh, 64),
    ("runbook", "", Fresh, 0),
    ("runbook", "", Blocked, 3),
    ("runbook", "nothing.json", Fresh, 1),
    ("validate", "", Fresh, 0),
    ("validate", "--live", Fresh, 0),
    ("validate", "--format sarif", Faulty, 1),
    ("validate", "", Empty, 64),
    ("validate", "--explain nothing", Fresh, 64),
    ("verify", "--take-baseline before.json", Done, 0),
    ("verify", "--wait 0s", Fresh, 1),
    ("verify", "--wait 0s", Astray, 2),
    ("verify", "--wait 0s --baseline nothing.json", Done, 1),
    ("drift", "", Done, 0),
    ("drift", "", Astray, 2),
    ("drift", "", Empty, 64),
    ("explain", "192.168.10.101", Fresh, 0),
    ("explain", "NOBODY.corp.example", Fresh, 1),
    ("serves", "DEPLOY01.corp.example", Fresh, 0),
    ("serves", "NOBODY.corp.example", Fresh, 1),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
        Open,
        1,
    ),
    ("attest", "nothing --reason seen", Open, 1),
    ("attest", "nothing", Open, 64),
    ("restore", "{backup} --yes", Done, 0),
    ("restore", "nothing.xml --yes", Fresh, 1),
    ("export", "", Fresh, 0),
    ("firewall", "--site Deployment_Site", Fresh, 0),
    ("firewall", "--site Nowhere", Fresh, 1),
    ("import csv", "table.csv", Empty, 0),
    ("import csv", "nothing.csv", Empty, 1),
    (
        "replace-server",
        "DEPLOY01 NEW01.corp.example --dry-run",
        Done,
        0,
    ),
    ("replace-server", "NOBODY01 SITE01 --dry-run", Done, 1),
    ("platform check", "", Fresh, 0),
    ("platform check", "nowhere", Fresh, 64),
    (
        "profile discover",
        "--accept-exact --out new.yaml",
        Fresh,
        0,
    ),
    (
        "profile learn",
        "constrainToSite --site HQ --session s.json --replace",
        Done,
        4,
    ),
    (
        "profile learn",
        "constrainToSite --site Nowhere --session s.json",
        Done,
        1,
    ),
    ("profile verify", "--clean --yes", Fresh, 0),
    ("profile install-reports", "--yes", Fresh, 0),
    (
        "profile verify",
        "--settings --site Nowhere --yes",
        Fresh,
        1,
    ),
    ("state list", "", Fresh, 0),
    ("state list", "", Damaged, 1),
    ("state show", "", Done, 0),
    ("state show", "Site/Nowhere", Done, 1),
    ("state pull", "", Done, 0),
    ("state pull", "", Fresh, 1),
    ("state push", "saved.json --yes", Done, 1),
    ("state rm", "Site/HQ --yes --reason gone", Done, 0),
    ("state rm", "Site/Nowhere --yes --reason gone", Done, 1),
    (
        "state mv",
        "Site/Nowhere Site2 --yes --reason renamed",
        Done,
        1,
    ),
    ("state history", "", Done, 0),
    // What is damaged is listed as damaged.
    ("state history", "", Damaged, 0),
    ("state restore", "999 --yes --reason back", Done, 1),
    ("state unlock", "--force --reason gone", Done, 0),
    ("state unlock", "--force", Done, 64),
    ("state recover", "--yes --reason whole", Done, 0),
    (
        "state migrate",
        "--to nowhere --yes --reason move",
        Done,
        64,
    ),
    (
        "state migrate",
        "--to file:moved --yes --reason move",
        Done,
        0,
    ),
    (
        "state migrate",
        "--to file:moved --yes --reason move",
        Damaged,
        1,
    ),
    ("journal", "", Done, 0),
    ("journal list", "", Done, 0),
    ("journal", "", Damaged, 1),
    ("journal list", "", Damaged, 1),
    ("journal list", "", Empty, 64),
    ("journal show", "nothing", Done, 1),
    ("journal verify", "", Done, 0),
    ("journal verify", "", Damaged, 1),
    ("schema", "plan", Empty, 0),
    ("schema", "nothing", Empty, 64),
    ("sim serve", "--scenario nothing", Empty, 1),
    ("sim profile", "--scenario flat-lan", Empty, 0),
    ("sim dump", "--scenario flat-lan", Empty, 0),
    ("sim dump", "--db nothing.db", Empty, 1),
    ("sim tick", "1h --platform sim:flat-lan", Empty, 0),
    ("sim clients", "--platform sim:flat-lan", Empty, 0),
    (
        "sim served",
        "192.168.10.101 --platform sim:flat-lan",
        Empty,
        0,
    ),
    ("sim requests", "--platform sim:flat-lan", Empty, 64),
    ("sim requests", "--url http://127.0.0.1:1", Empty, 1),
    ("sim switches", "", Empty, 0),
    (
        "sim console",
        "constrain Nowhere on --platform sim:flat-lan",
        Empty,
        1,
    ),
];

/// Commands that go to the server, with what they need for it: unreachable and a wrong password are errors of each.
pub(super) const REMOTE: &[(&str, &str)] = &[
    ("plan", ""),
    ("plan", "--detailed-exitcode"),
    ("plan", "--detailed-exitcode --format json"),
    ("plan", "--out new.json"),
    ("apply", "--yes"),
    ("apply", "--yes --skip-manual"),
    ("apply", "saved.json --yes"),
    ("runbook", ""),
    ("validate", "--live"),
    ("validate", "--live --format sarif"),
    ("validate", "--live --format junit"),
    ("verify", "--wait 0s"),
    ("verify", "--wait 0s --format json"),
    ("verify", "--take-baseline before.json"),
    ("drift", ""),
    ("drift", "--format sarif"),
    ("drift", "--revert"),
    ("explain", "192.168.10.101"),
    ("serves", "DEPLOY01.corp.example"),
    ("graph", "--live"),
    ("graph", "--desired"),
    ("graph", "--plan"),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
    ),
    ("restore", "{backup} --yes"),
    ("export", ""),
    ("firewall", "--site Deployment_Site --live"),
    (
        "replace-server",
        "DEPLOY01 NEW01.corp.example --finish --yes",
    ),
    ("platform check", ""),
    ("platform check", "--format json"),
    ("profile discover", "--accept-exact --out new.yaml"),
    (
        "profile learn",
        "constrainToSite --site HQ --session s.json --replace",
    ),
    ("profile verify", "--yes"),
    ("profile verify", "--settings --site HQ --yes"),
    ("profile install-reports", "--yes"),
];

/// Commands that go to no server. `watch` goes on in front of one that it cannot read: that is tried below.
pub(super) const LOCAL: &[&str] = &[
    "completions",
    "fmt",
    "import csv",
    "init",
    "journal",
    "journal list",
    "journal show",
    "journal verify",
    "man",
    "schema",
    "show",
    "sim",
    "sim clients",
    "sim console",
    "sim dump",
    "sim profile",
    "sim requests",
    "sim schema",
    "sim serve",
    "sim served",
    "sim switches",
    "sim tick",
    "state history",
    "state list",
    "state migrate",
    "state mv",
    "state pull",
    "state push",
    "state recover",
    "state restore",
    "state rm",
    "state show",
    "state unlock",
    "watch",
];

/// Commands that read the manifests: a fault in them is an error of each, and nothing is asked of a server.
pub(super) const DECLARED: &[(&str, &str)] = &[
    ("plan", ""),
    ("plan", "--detailed-exitcode"),
    ("apply", "--yes"),
    ("apply", "saved.json --if-current . --yes"),
    ("runbook", ""),
    ("validate", ""),
    ("validate", "--format sarif"),
    ("verify", "--wait 0s"),
    ("drift", ""),
    ("explain", "192.168.10.101 --desired"),
    ("serves", "DEPLOY01.corp.example --desired"),
    ("graph", ""),
    ("graph", "--desired"),
    (
        "attest",
        "capture-target:DEPLOY01.corp.example --reason seen",
    ),
    ("firewall", "--site Deployment_Site"),
    ("replace-server", "DEPLOY01 NEW01.corp.example --dry-run"),
    ("watch", "--listen none"),
];

/// Commands that read no manifests, or take them as they stand.
pub(super) const UNREAD: &[&str] = &[
    "export",
    "platform check",
    "profile discover",
    "profile install-reports",
    "profile learn",
    "profile verify",
    "restore",
];

/// A command, how often it is told to end, and its code: once it has written for the first time, `watch` once it has looked.
pub(super) const SIGNALLED: &[(&str, &str, u32, i32)] = &[
    ("apply", "--yes", 1, 1),
    ("apply", "--yes", 2, 130),
    ("profile verify", "--yes", 1, 1),
    ("profile verify", "--yes", 2, 130),
    ("watch", "--listen none", 1, 0),
    ("watch", "--listen none", 2, 0),
];

/// All ways without those of signals: with the server's and the manifests' errors.
pub(super) fn ways() -> Vec<Way> {
    let mut all = WAYS.to_vec();
    for at in [Unreachable, WrongPassword] {
        all.extend(
            REMOTE
                .iter()
                .map(|(command, rest)| (*command, *rest, at, 1)),
        );
    }
    all.extend(
        DECLARED
            .iter()
            .map(|(command, rest)| (*command, *rest, Faulty, 1)),
    );
    all
}
