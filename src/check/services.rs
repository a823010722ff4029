//! What the server is: services, version, latency, hierarchy, and what the profile knows of it.
//!
//! Pure. A status that is no success means something else each time: 403 the account, 404 the installation, 500 the
//! server itself, 503 the application pool.

use std::collections::BTreeMap;
use std::time::Duration;

use super::findings::{Kept, KnownServer, Operations, ServerSeen};
use super::way::milliseconds;
use super::{Line, Verdict};
use crate::model::Version;
use crate::profile::{Ability, Profile, ReportKind, ServiceName};
use crate::smp::wsdl::FINGERPRINTS;
use crate::smp::{FaultKind, ReadError};

/// The ids of the lines, but for that of the profile, which is on this side.
pub(super) const IDS: [&str; 7] = [
    "services",
    "version",
    "latency",
    "identity",
    "build",
    "hierarchy",
    "reports",
];

/// From when on small reads are slow enough to be told.
const SLOW: Duration = Duration::from_secs(1);

/// What each write of a plan stands on.
const WRITES: [Ability; 6] = [
    Ability::CreateSite,
    Ability::CreateSubnet,
    Ability::MoveSubnet,
    Ability::AssignServer,
    Ability::AssignPackage,
    Ability::DeleteResource,
];

/// What every refresh stands on.
const READS: [Ability; 6] = [
    Ability::ReadSites,
    Ability::ReadSubnets,
    Ability::ReadSubnetSites,
    Ability::ReadManualServers,
    Ability::ReadServices,
    Ability::ReadPackages,
];

pub(super) fn judge(server: &ServerSeen, kept: &Kept<'_>) -> Vec<Line> {
    let ServerSeen {
        services,
        hierarchy,
        latency,
        known,
    } = server;
    let mut lines = found(services);
    lines.push(version(services, kept.profile));
    lines.push(times(latency));
    lines.push(identity(known.as_ref(), unread(&lines, kept)));
    lines.push(build(known.as_ref(), kept.profile, unread(&lines, kept)));
    lines.push(hierarchy_of(hierarchy));
    lines.push(profile(kept));
    lines.push(reports(known.as_ref(), kept.profile, unread(&lines, kept)));
    lines
}

/// Why nothing was read with the profile.
fn unread(lines: &[Line], kept: &Kept<'_>) -> &'static str {
    let failed = lines.iter().any(|line| line.verdict == Verdict::Fail);
    match kept.profile {
        Some(_) if failed => "`services` failed",
        _ => "there is no profile to read with",
    }
}

/// What is lost without a service, and whether nothing goes without it.
fn worth(service: ServiceName) -> (bool, &'static str) {
    match service {
        ServiceName::ItemManagement => (true, "items, settings and reports cannot be found"),
        ServiceName::ResourceManagement => (true, "computers cannot be found"),
        ServiceName::ResourceModel => (true, "sites and subnets can be neither read nor written"),
        ServiceName::ReportManagement => {
            (false, "reports cannot be run, so reads are made one by one")
        }
        ServiceName::HierarchyManagement => (
            false,
            "what belongs to another SMP of a hierarchy cannot be told",
        ),
        ServiceName::SoftwarePackageManagement => (false, "packages cannot be assigned"),
        ServiceName::DSTaskManagement => (
            false,
            "images are not seen: Deployment Solution may not be installed",
        ),
        ServiceName::ItemModel => (false, "what the account may do cannot be asked"),
        ServiceName::TaskManagement | ServiceName::SWDSolnPackageManagement => {
            (false, "nothing here needs it yet")
        }
    }
}

/// One line for all, and one for each that is not as it should be.
fn found(services: &BTreeMap<ServiceName, Result<Operations, ReadError>>) -> Vec<Line> {
    let total = services.len();
    let described = services.values().filter(|service| service.is_ok()).count();
    // Where others answer, the address is right.
    let any = described > 0;
    let mut worst = Verdict::Ok;
    let mut each = Vec::new();
    for (service, described) in services {
        let Err(error) = described else {
            continue;
        };
        let (needed, lost) = worth(*service);
        let verdict = if needed { Verdict::Fail } else { Verdict::Warn };
        worst = worst.max(verdict);
        let (told, mut remedy) = meaning(error);
        let absent =
            matches!(error, ReadError::Fault(fault) if fault.kind == FaultKind::NoSuchService);
        if absent && any {
            remedy = String::from("install the product that brings it, where it is wanted");
        }
        let line = Line::new("service", verdict, format!("`{service}`: {told}; {lost}"));
        each.push(line.mend(remedy).coded(error.code()));
    }
    let told = if described == total {
        format!("all {total} are there")
    } else {
        format!("{described} of {total} are there")
    };
    let all = Line::new("services", worst, told);
    let mut lines = vec![if each.is_empty() {
        all
    } else {
        all.mend("each of the others is told below")
    }];
    lines.extend(each);
    lines
}

/// What a failed read means, and what to do about it.
pub(super) fn meaning(error: &ReadError) -> (String, String) {
    let ReadError::Fault(fault) = error else {
        return match error {
            ReadError::Answer(_) => (
                "an answer, and no service description".into(),
                "something else stands at this address: check `url`, and what a proxy makes of it"
                    .into(),
            ),
            _ => (error.to_string(), error.hint().unwrap_or_default()),
        };
    };
    let status = fault.status;
    match (fault.kind, status) {
        (FaultKind::Permission, 403) => (
            "403: signed in, and the account may not use it".into(),
            "give the account a security role of the SMP; IIS, too, may refuse this address or computer".into(),
        ),
        (FaultKind::Permission, _) => (
            format!("{status}: signed in, and the SMP refuses the account"),
            "give the account a security role of the SMP".into(),
        ),
        (FaultKind::NoSuchService, _) => (
            format!("{status}: not there"),
            "check that `url` is that of an SMP".into(),
        ),
        (FaultKind::Licence, _) => (
            format!("{status}: a licence or a product is missing"),
            "look into the licences of the SMP".into(),
        ),
        (FaultKind::Busy, _) => (
            format!("{status}: not able to answer now"),
            "its application pool may be stopped, or a gateway before it does not reach it: look into IIS".into(),
        ),
        _ => (
            format!("{status}: it is there and fails by itself"),
            "look into the Altiris Log Viewer and the event log of the SMP".into(),
        ),
    }
}

/// Between which versions the operations lie: at least, and before. A service that cannot be read tells neither.
fn bracket(
    services: &BTreeMap<ServiceName, Result<Operations, ReadError>>,
) -> (Option<&'static str>, Option<&'static str>) {
    let mut before = None;
    for (service, operation, version) in FINGERPRINTS {
        match services.get(&service) {
            Some(Ok(operations)) if operations.contains(operation) => {
                return (Some(version), before);
            }
            Some(Ok(_)) => before = Some(version),
            Some(Err(_)) | None => {}
        }
    }
    (None, before)
}

fn version(
    services: &BTreeMap<ServiceName, Result<Operations, ReadError>>,
    profile: Option<&Profile>,
) -> Line {
    let told = match bracket(services) {
        (Some(least), Some(before)) => format!("{least} or later, and before {before}"),
        (Some(least), None) => format!("{least} or later"),
        (None, Some(before)) => format!("before {before}"),
        (None, None) => {
            return Line::warn(
                "version",
                "no service description tells it",
                "write it into the profile as `product.version`",
            );
        }
    };
    let said = profile.and_then(|profile| profile.product.version.as_deref());
    let Some(said) = said else {
        return Line::ok(
            "version",
            format!(
                "{told}, by the operations of its services; the profile says no `product.version`"
            ),
        );
    };
    if contradicts(services, said) {
        return Line::warn(
            "version",
            format!("{told}, by the operations of its services; the profile says {said}"),
            "one of the two is of another server: check `url` and `product.version`",
        );
    }
    Line::ok(
        "version",
        format!("{said} by the profile; {told} by the operations of its services"),
    )
}

/// Whether a version by the operator lies outside the bracket. RU levels are not part of a version.
fn contradicts(
    services: &BTreeMap<ServiceName, Result<Operations, ReadError>>,
    said: &str,
) -> bool {
    let number = |text: &str| -> Option<Version> { text.split(' ').next()?.parse().ok() };
    let Some(said) = number(said) else {
        return false; // no version, and not ours to judge
    };
    let (least, before) = bracket(services);
    let below = least.and_then(number).is_some_and(|least| said < least);
    let above = before
        .filter(|before| !before.contains("RU"))
        .and_then(number)
        .is_some_and(|before| said >= before);
    below || above
}

fn times(latency: &[Duration]) -> Line {
    let Some(median) = latency.get(latency.len() / 2) else {
        return Line::skipped("latency", "no small read could be timed");
    };
    let told = format!(
        "{} for a small read, the median of {}",
        milliseconds(*median),
        latency.len()
    );
    if *median < SLOW {
        Line::ok("latency", told)
    } else {
        Line::warn(
            "latency",
            told,
            "run Sitewright nearer to the SMP; installed reports make a refresh a few requests",
        )
    }
}

fn identity(known: Option<&KnownServer>, unread: &str) -> Line {
    match known.map(|known| &known.identity) {
        None => Line::skipped("identity", unread),
        Some(Ok(platform)) => Line::ok(
            "identity",
            format!("`{}`, as the profile says", platform.name),
        ),
        Some(Err(error)) => {
            let told = match error {
                crate::observe::RefreshError::Read { url: _, source } => meaning(source).0,
                _ => error.to_string(),
            };
            Line::fail("identity", told, error.hint().unwrap_or_default()).coded(error.code())
        }
    }
}

/// Whether what is `verified` was proven on the build that the server is now.
fn build(known: Option<&KnownServer>, profile: Option<&Profile>, unread: &str) -> Line {
    let (Some(known), Some(profile)) = (known, profile) else {
        return Line::skipped("build", unread);
    };
    match &known.build {
        Ok(None) if !profile.rests_on_build() => Line::ok(
            "build",
            "nothing in the profile is `verified`, so nothing rests on it",
        ),
        Ok(None) if profile.server.build.is_none() => Line::ok(
            "build",
            "the profile does not say on which build its entries were proven",
        ),
        Ok(None) => Line::ok("build", "the one that the profile was verified on"),
        Ok(Some(change)) => Line::warn(
            "build",
            format!("{change}; what is `verified` counts as `discovered`"),
            "`sitewright profile verify` proves it anew",
        ),
        Err(error) => Line::warn(
            "build",
            error.to_string(),
            error.hint().unwrap_or_else(|| "try again later".into()),
        )
        .coded(error.code()),
    }
}

fn hierarchy_of(hierarchy: &Result<bool, ReadError>) -> Line {
    match hierarchy {
        Ok(false) => Line::ok("hierarchy", "the SMP stands alone"),
        Ok(true) => Line::ok(
            "hierarchy",
            "the SMP is in a hierarchy: what comes from another SMP can be changed there only",
        ),
        Err(error) => {
            let (told, remedy) = meaning(error);
            Line::warn(
                "hierarchy",
                format!("it cannot be told whether the SMP is in one: {told}"),
                remedy,
            )
            .coded(error.code())
        }
    }
}

/// What the profile is good for.
pub(super) fn profile(kept: &Kept<'_>) -> Line {
    let file = kept.profile_file;
    let Some(profile) = kept.profile else {
        return Line::warn(
            "profile",
            format!("`{file}` does not exist"),
            "`sitewright profile discover` begins one",
        );
    };
    let reads = lacking(profile, &READS);
    if !reads.is_empty() {
        return Line::warn(
            "profile",
            format!("reading lacks {}", shortened(&reads)),
            "`sitewright profile discover` finds what can be found; docs/profile.md says the rest",
        );
    }
    let writes = lacking(profile, &WRITES);
    if writes.is_empty() {
        Line::ok("profile", "it knows what reading and writing need")
    } else {
        Line::warn(
            "profile",
            format!("good for reading; writing lacks {}", shortened(&writes)),
            "`sitewright profile verify` proves it, or write `standing: operator` at what you have compared with the console",
        )
    }
}

fn lacking(profile: &Profile, abilities: &[Ability]) -> Vec<String> {
    let mut entries: Vec<String> = abilities
        .iter()
        .filter_map(|ability| profile.can(*ability).err())
        .flat_map(|missing| missing.entries)
        .map(|entry| format!("`{}` ({})", entry.path, entry.found))
        .collect();
    entries.sort();
    entries.dedup();
    entries
}

fn shortened(entries: &[String]) -> String {
    let mut shown: Vec<String> = entries.iter().take(3).cloned().collect();
    if entries.len() > shown.len() {
        shown.push(format!("{} more", entries.len() - shown.len()));
    }
    shown.join(", ")
}

fn reports(known: Option<&KnownServer>, profile: Option<&Profile>, unread: &str) -> Line {
    let (Some(known), Some(profile)) = (known, profile) else {
        return Line::skipped("reports", unread);
    };
    let named = ReportKind::ALL
        .into_iter()
        .filter(|kind| profile.reports.known(*kind).is_some())
        .count();
    let install = "`sitewright profile install-reports` makes a refresh a few requests";
    match &known.lost_reports {
        _ if named == 0 => Line::warn(
            "reports",
            "none are installed: a refresh asks for each site and service",
            install,
        ),
        Ok(lost) if lost.is_empty() => Line::ok("reports", format!("{named} are installed")),
        Ok(lost) => Line::warn(
            "reports",
            format!(
                "the server has lost {} of {named}: {}",
                lost.len(),
                lost.join(", ")
            ),
            install,
        ),
        Err(error) => {
            let (told, remedy) = meaning(error);
            Line::warn(
                "reports",
                format!("they cannot be looked for: {told}"),
                remedy,
            )
            .coded(error.code())
        }
    }
}
