//! What the account is shown, and what it may do.
//!
//! Pure. Reading is proven by reading. Writing is not proven by anything but writing, so the line on it says what hints at
//! it and how to prove it.

use super::Line;
use super::findings::{Kept, KnownServer, Offered, ServerSeen};
use super::services::meaning;
use crate::model::{Count, CountedKind};
use crate::profile::{Profile, Standing};
use crate::smp::{FaultKind, ReadError};

/// The ids of the lines.
pub(super) const IDS: [&str; 5] = [
    "read-sites",
    "read-subnets",
    "read-services",
    "read-packages",
    WRITE,
];

const WRITE: &str = "write";

const PROVE: &str =
    "only writing proves it: `sitewright profile verify` writes scratch objects and removes them";

const PROVEN: &str = "`profile verify` has written here; it may have been another account";

pub(super) fn judge(server: &ServerSeen, kept: &Kept<'_>, failed: Option<&str>) -> Vec<Line> {
    let Some(known) = &server.known else {
        let because = failed.unwrap_or("there is no profile to read with");
        return IDS.map(|id| Line::skipped(id, because)).into();
    };
    let KnownServer {
        identity: _, // for `services`
        build: _,    // likewise
        lists,
        lost_reports: _, // likewise
        offered,
    } = known;
    let mut lines: Vec<Line> = CountedKind::ALL
        .into_iter()
        .map(|kind| match lists.get(&kind) {
            Some(list) => shown(kind, list, kept),
            None => Line::skipped(id(kind), "nothing was asked"),
        })
        .collect();
    lines.push(write(offered.as_ref(), kept.profile));
    lines
}

fn id(kind: CountedKind) -> &'static str {
    match kind {
        CountedKind::Sites => "read-sites",
        CountedKind::Subnets => "read-subnets",
        CountedKind::Servers => "read-services",
        CountedKind::Packages => "read-packages",
    }
}

/// A list, compared with what the last run saw. Site services are not counted over runs, the computers with them are.
fn shown(kind: CountedKind, list: &Result<u64, ReadError>, kept: &Kept<'_>) -> Line {
    let what = match kind {
        CountedKind::Servers => "site services",
        _ => kind.as_str(),
    };
    let id = id(kind);
    let rights = format!(
        "the account may not be shown all: give it {}, by its security role and by the organisational views and groups that it is scoped to",
        kind.right()
    );
    let now = match list {
        Ok(now) => *now,
        Err(error) => {
            let (told, remedy) = meaning(error);
            let denied =
                matches!(error, ReadError::Fault(fault) if fault.kind == FaultKind::Permission);
            let remedy = if denied { rights } else { remedy };
            return Line::fail(id, format!("{what} cannot be read: {told}"), remedy)
                .coded(error.code());
        }
    };
    let max_fewer = kept.safety.max_fewer;
    let before = kept
        .counted
        .get(&kind)
        .filter(|_| kind != CountedKind::Servers)
        .map(Count::expected);
    match before {
        Some(before) if before.saturating_sub(now) > max_fewer.of(before) => Line::warn(
            id,
            format!("{now} {what} are shown, and the last run saw {before}"),
            rights,
        ),
        _ if now == 0 => Line::warn(
            id,
            format!("no {what} are shown: there are none, or they are hidden"),
            rights,
        ),
        _ => Line::ok(id, format!("{now} {what} are shown")),
    }
}

/// What hints at the right to write.
fn write(offered: Option<&Offered>, profile: Option<&Profile>) -> Line {
    let proven = profile.is_some_and(is_proven);
    let Some(Offered { on_sites, actions }) = offered else {
        return if proven {
            Line::ok(WRITE, PROVEN)
        } else {
            Line::warn(WRITE, "unknown; there is nothing to ask about", PROVE)
        };
    };
    let on = if *on_sites {
        "a site"
    } else {
        "the SMP's own computer"
    };
    match actions {
        Ok(count) if *count <= 1 => {
            let few = if *count == 0 { "nothing" } else { "one action" };
            Line::warn(
                WRITE,
                format!(
                    "unknown; the console would offer this account {few} on {on}, as to one that may only read"
                ),
                format!(
                    "give it the rights to write sites and subnets in its security role; {PROVE}"
                ),
            )
        }
        _ if proven => Line::ok(WRITE, PROVEN),
        Ok(count) => Line::warn(
            WRITE,
            format!(
                "unknown; the console would offer this account {count} actions on {on}, as to one that may write"
            ),
            PROVE,
        ),
        Err(error) => {
            let (told, _) = meaning(error);
            let told = format!("unknown; what the account may do cannot be asked: {told}");
            Line::warn(WRITE, told, PROVE).coded(error.code())
        }
    }
}

/// Whether a round trip has formed and broken what writing rests on.
fn is_proven(profile: &Profile) -> bool {
    let associations = &profile.associations;
    [&associations.subnet_to_site, &associations.server_to_site]
        .into_iter()
        .flatten()
        .filter(|entry| entry.standing == Standing::Verified)
        .count()
        == 2
}
