//! The rows of `docs/assumptions.md`, and what a trial says of each.
//!
//! Pure: data. A row that scratch objects cannot settle says why, so that nobody takes silence for proof.

use std::fmt;

/// What a trial says of an assumption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds on this server, as far as scratch objects show.
    Proven,
    /// It does not hold on this server.
    Refuted,
    /// It was not tried.
    NotTried,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Proven => "proven",
            Self::Refuted => "refuted",
            Self::NotTried => "not tried",
        })
    }
}

/// What a trial found out about one assumption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The id of the row, `A01`.
    pub id: &'static str,
    /// What is relied on.
    pub relied_on: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What it rests on, or why it was not tried.
    pub evidence: String,
}

/// One row: its id, what is relied on, and why it may not be tried.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) relied_on: &'static str,
    pub(super) untried: &'static str,
}

const fn row(id: &'static str, relied_on: &'static str, untried: &'static str) -> Row {
    Row {
        id,
        relied_on,
        untried,
    }
}

const NO_SUBNET: &str = "no scratch subnet could be put into a scratch site";
const NO_SITE: &str = "no scratch site was made";
const NEEDS_CLIENTS: &str = "it takes clients, which no scratch object has";
const READ_ONLY: &str = "it is a matter of reading, which every refresh does";
const NO_REPORT: &str = "no report of associations is installed";
const SERVERS: &str = "it would touch servers that are in use";

/// Every row, in the order of the page.
pub(super) const ROWS: [Row; 36] = [
    row("A01", "a subnet is in one site at a time", NO_SUBNET),
    row(
        "A02",
        "with `replaces: true`, forming ends the old association",
        NO_SUBNET,
    ),
    row(
        "A03",
        "with `replaces: false`, forming keeps the old association",
        NO_SUBNET,
    ),
    row(
        "A04",
        "the association is all that puts a subnet into a site",
        NO_SUBNET,
    ),
    row(
        "A05",
        "the association is all that assigns a server to a site",
        "no server was named with --assign",
    ),
    row(
        "A06",
        "a created resource has the GUID of the answer",
        NO_SITE,
    ),
    row("A07", "a write is visible in the next read", NO_SITE),
    row(
        "A08",
        "the most specific assigned subnet decides a server's own site",
        "a /32 of a server's own address is never tried on a live server: registrations after an apply settle it",
    ),
    row(
        "A09",
        "`Get…Resources` take the type that the profile claims",
        NO_SUBNET,
    ),
    row(
        "A10",
        "parent and child are as the profile claims",
        NO_SUBNET,
    ),
    row(
        "A11",
        "an association of the wrong types is refused",
        NO_SUBNET,
    ),
    row(
        "A12",
        "lists of a base type hold derived types too",
        "roles are not told by types here",
    ),
    row(
        "A13",
        "a type is its own base in `ResourceTypeHierarchy`",
        "nothing that is written or read rests on it",
    ),
    row("A14", "a description that is saved is kept", NO_SITE),
    row("A15", "names match without regard to case", NO_SITE),
    row(
        "A16",
        "a second resource of the same name is refused",
        NO_SITE,
    ),
    row(
        "A17",
        "a void form answer has an empty body",
        "writes go by SOAP, and the body of a void answer is not read",
    ),
    row(
        "A18",
        "`%name%` in a report is replaced by the parameter",
        NO_REPORT,
    ),
    row("A19", "the account may create and run reports", NO_REPORT),
    row(
        "A20",
        "`SetPackageServerSettings` changes what `GetPackage` shows",
        "a trial writes back what is there and changes no package",
    ),
    row(
        "A21",
        "`PackageServers` comes back as it was written",
        "GUIDs are compared as a set, whatever their spelling",
    ),
    row(
        "A22",
        "a manual assignment does not end the automatic one",
        SERVERS,
    ),
    row(
        "A23",
        "manual assignment counts for tasks too",
        NEEDS_CLIENTS,
    ),
    row(
        "A24",
        "a deleted resource leaves no associations behind",
        NO_SUBNET,
    ),
    row(
        "A25",
        "the account sees all sites and subnets",
        "what an account cannot see, it cannot look for",
    ),
    row(
        "A26",
        "breaking an association that is not there does nothing",
        NO_SUBNET,
    ),
    row(
        "A27",
        "a package reaches the servers that it is assigned to",
        SERVERS,
    ),
    row(
        "A28",
        "inventory tells facts where the profile says",
        READ_ONLY,
    ),
    row(
        "A29",
        "fields of facts are named as the profile claims",
        READ_ONLY,
    ),
    row(
        "A30",
        "it is recorded from where a client fetched",
        NEEDS_CLIENTS,
    ),
    row("A31", "registrations are current", NEEDS_CLIENTS),
    row(
        "A32",
        "the location of an image names its server",
        READ_ONLY,
    ),
    row(
        "A33",
        "`IsHierarchyManaged` tells what another SMP owns",
        "it takes an object of another SMP",
    ),
    row(
        "A34",
        "what no list shows is not answered by name or GUID either",
        "what an account cannot see, it cannot look for",
    ),
    row(
        "A35",
        "an import takes over the whole item",
        "`profile verify --settings` tries it on the items of learned settings",
    ),
    row("A36", "`RenameItem` renames a site", NO_SITE),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_those_of_the_page() {
        let page = include_str!("../../docs/assumptions.md");
        let ids: Vec<&str> = page
            .lines()
            .filter_map(|line| line.strip_prefix("| A"))
            .filter_map(|rest| rest.split_once(' '))
            .map(|(number, _)| number)
            .collect();
        let known: Vec<&str> = ROWS.iter().map(|row| &row.id[1..]).collect();
        assert_eq!(ids, known);
    }
}
