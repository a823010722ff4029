//! What inventory says of servers, and which sites and subnets a directory import brought.
//!
//! I/O, through the reader: one report for all, else rows of data classes. A fact that the profile names no evidence
//! for, and one without a row, is unavailable: "cannot tell", never "no".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Facts, Guid, Name, Observed, Snapshot};
use crate::profile::{Ability, FactKind, Profile, ReportKind};
use crate::smp::{ReadError, Reader};

use super::refresh::observed;
use super::rows::{self, Got, LIMIT, Wanted};

/// Facts as they were read.
pub(super) struct Read {
    pub(super) facts: BTreeMap<Guid, Facts>,
    pub(super) imported: Observed<BTreeSet<Guid>>,
    /// Whether an installed report could not be read.
    pub(super) report_failed: bool,
}

type Values = BTreeMap<(Guid, FactKind), Vec<String>>;

/// Judges the values of every fact of one computer.
fn judge(profile: &Profile, values: &dyn Fn(FactKind) -> Observed<Vec<String>>) -> Facts {
    let known = |kind: FactKind| -> Result<Vec<String>, String> {
        profile
            .can(Ability::ReadFact(kind))
            .map_err(|missing| missing.to_string())?;
        match values(kind) {
            Observed::Known(values) if values.is_empty() => Err(format!(
                "inventory says nothing of it: no row by `evidence.facts.{kind}`"
            )),
            Observed::Known(mut values) => {
                values.sort_unstable();
                values.dedup();
                Ok(values)
            }
            Observed::Unavailable(reason) => Err(reason),
        }
    };
    let text = |kind: FactKind| match known(kind).as_deref() {
        Ok([value]) => Observed::Known(value.clone()),
        Ok(several) => Observed::Unavailable(format!(
            "expected one value by `evidence.facts.{kind}`, found `{}`",
            several.join("`, `")
        )),
        Err(reason) => Observed::Unavailable(reason.clone()),
    };
    let switch = |kind: FactKind| match (known(kind), profile.evidence.fact(kind)) {
        (Ok(values), Some(evidence)) => {
            Observed::Known(values.iter().any(|value| evidence.means_yes(value)))
        }
        (Ok(_), None) => Observed::Unavailable(format!("`evidence.facts.{kind}` is not known")),
        (Err(reason), _) => Observed::Unavailable(reason),
    };
    Facts {
        operating_system: text(FactKind::OperatingSystem),
        managed: switch(FactKind::Managed),
        local: switch(FactKind::Local),
        asset_active: switch(FactKind::AssetActive),
        agent_version: text(FactKind::AgentVersion),
        cem_mode: switch(FactKind::CemMode),
        iis: switch(FactKind::Iis),
        http_server: switch(FactKind::HttpServer),
        dotnet: text(FactKind::Dotnet),
        plug_ins: match known(FactKind::PlugIns) {
            Ok(names) => {
                Observed::Known(Arc::new(names.iter().map(|name| Name::new(name)).collect()))
            }
            Err(reason) => Observed::Unavailable(reason),
        },
        inventoried: text(FactKind::Inventoried),
        answering: switch(FactKind::Answering),
    }
}

/// Judges what was fetched of one computer.
fn judge_rows(profile: &Profile, got: &Got) -> Facts {
    judge(profile, &|kind| {
        let evidence = profile.evidence.fact(kind);
        match evidence.map(|evidence| (evidence.data_class, &evidence.value)) {
            Some((Some(class), field)) => got.values(class, field),
            Some((None, _)) | None => Observed::Unavailable(format!(
                "the server profile lacks `evidence.facts.{kind}.dataClass` (unknown), and the report of facts does not hold this computer"
            )),
        }
    })
}

/// Computers that the report of facts holds: site servers, servers of sites, and the SMP.
fn reported(snapshot: &Snapshot) -> BTreeSet<Guid> {
    let mut found: BTreeSet<Guid> = [snapshot.platform.server].into();
    if let Observed::Known(services) = &snapshot.services {
        found.extend(services.iter().map(|service| service.computer));
    }
    if let Observed::Known(sites) = &snapshot.sites {
        found.extend(sites.iter().flat_map(|site| &site.servers));
    }
    found
}

/// Sites and subnets.
fn places(snapshot: &Snapshot) -> Result<Vec<Guid>, String> {
    let unreadable = |what: &str, reason: &str| format!("{what} are not readable: {reason}");
    match (&snapshot.sites, &snapshot.subnets) {
        (Observed::Known(sites), Observed::Known(subnets)) => Ok(sites
            .iter()
            .map(|site| site.guid)
            .chain(subnets.iter().map(|subnet| subnet.guid))
            .collect()),
        (Observed::Unavailable(reason), _) => Err(unreadable("sites", reason)),
        (_, Observed::Unavailable(reason)) => Err(unreadable("subnets", reason)),
    }
}

/// Reads facts of every computer of the snapshot, and which of its sites and subnets were imported.
pub(super) async fn read(reader: &Reader, snapshot: &Snapshot) -> Result<Read, ReadError> {
    let profile = reader.profile();
    let known = FactKind::ALL
        .into_iter()
        .any(|kind| profile.evidence.fact(kind).is_some());
    let report = profile.reports.known(ReportKind::Facts).filter(|_| known);
    let Some(report) = report else {
        let computers: Vec<Guid> = snapshot.computers.keys().copied().collect();
        let (facts, imported) = futures::join!(
            by_calls(reader, &computers),
            imported_by_calls(reader, snapshot)
        );
        return Ok(Read {
            facts: facts?,
            imported: imported?,
            report_failed: false,
        });
    };
    let covered = reported(snapshot);
    let others: Vec<Guid> = snapshot
        .computers
        .keys()
        .copied()
        .filter(|computer| !covered.contains(computer))
        .collect();
    let (rows, others) = futures::join!(reader.fact_report(report), by_calls(reader, &others));
    let rows = observed(rows)?;
    let mut facts = others?;
    let places = places(snapshot);
    let report_failed = rows.known().is_none();
    let mut values = Values::new();
    let mut imported = BTreeSet::new();
    let reason = match rows {
        Observed::Known(rows) => {
            let evidence = profile.evidence.fact(FactKind::DirectoryImport);
            for (resource, kind, value) in rows {
                if kind.of_computers() {
                    values.entry((resource, kind)).or_default().push(value);
                } else if evidence.is_some_and(|evidence| evidence.means_yes(&value)) {
                    imported.insert(resource);
                }
            }
            None
        }
        Observed::Unavailable(reason) => Some(reason),
    };
    for computer in snapshot
        .computers
        .keys()
        .filter(|known| covered.contains(known))
    {
        let found = judge(profile, &|kind| match &reason {
            Some(reason) => Observed::Unavailable(reason.clone()),
            None => Observed::Known(values.get(&(*computer, kind)).cloned().unwrap_or_default()),
        });
        facts.insert(*computer, found);
    }
    let imported = match (importable(profile), reason, places) {
        (Err(reason), _, _) | (Ok(()), Some(reason), _) | (Ok(()), None, Err(reason)) => {
            Observed::Unavailable(reason)
        }
        (Ok(()), None, Ok(places)) => Observed::Known(
            places
                .into_iter()
                .filter(|place| imported.contains(place))
                .collect(),
        ),
    };
    Ok(Read {
        facts,
        imported,
        report_failed,
    })
}

/// Reads the plug-ins of one computer: by its rows, or by the report where that is all that the profile knows.
pub(super) async fn plug_ins(
    reader: &Reader,
    computer: Guid,
) -> Result<Observed<Arc<BTreeSet<Name>>>, ReadError> {
    let profile = reader.profile();
    let evidence = profile.evidence.fact(FactKind::PlugIns);
    let by_rows = evidence.is_some_and(|evidence| evidence.data_class.is_some());
    let report = profile.reports.known(ReportKind::Facts);
    let facts = if let Some(report) = report.filter(|_| evidence.is_some() && !by_rows) {
        let rows = observed(reader.fact_report(report).await)?;
        judge(profile, &|kind| match &rows {
            Observed::Unavailable(reason) => Observed::Unavailable(reason.clone()),
            Observed::Known(rows) => Observed::Known(
                rows.iter()
                    .filter(|(of, fact, _)| *of == computer && *fact == kind)
                    .map(|(_, _, value)| value.clone())
                    .collect(),
            ),
        })
    } else {
        let mut found = by_calls(reader, &[computer]).await?;
        found
            .remove(&computer)
            .unwrap_or_else(|| judge_rows(profile, &Got::Absent))
    };
    Ok(facts.plug_ins)
}

/// Whether it can be read what was imported.
fn importable(profile: &Profile) -> Result<(), String> {
    profile
        .can(Ability::ReadFact(FactKind::DirectoryImport))
        .map_err(|missing| missing.to_string())
}

async fn by_calls(reader: &Reader, computers: &[Guid]) -> Result<BTreeMap<Guid, Facts>, ReadError> {
    let profile = reader.profile();
    let mut wanted = Wanted::default();
    for kind in FactKind::ALL.into_iter().filter(|kind| kind.of_computers()) {
        if let Some(evidence) = profile.evidence.fact(kind)
            && let Some(class) = evidence.data_class
        {
            wanted.add(class, [evidence.value.as_str()]);
        }
    }
    let mut facts = BTreeMap::new();
    if wanted.is_empty() {
        // No fact can be read: each says what the profile lacks for it.
        facts.extend(
            computers
                .iter()
                .map(|computer| (*computer, judge_rows(profile, &Got::Absent))),
        );
    }
    rows::fetch(reader, computers, &wanted, |computer, got| {
        facts.insert(computer, judge_rows(profile, &got));
    })
    .await?;
    Ok(facts)
}

async fn imported_by_calls(
    reader: &Reader,
    snapshot: &Snapshot,
) -> Result<Observed<BTreeSet<Guid>>, ReadError> {
    let profile = reader.profile();
    let places = match importable(profile).and_then(|()| places(snapshot)) {
        Ok(places) => places,
        Err(reason) => return Ok(Observed::Unavailable(reason)),
    };
    let Some((evidence, class)) = profile
        .evidence
        .fact(FactKind::DirectoryImport)
        .and_then(|evidence| Some((evidence, evidence.data_class?)))
    else {
        return Ok(Observed::Unavailable(
            "`evidence.facts.directoryImport` is not known".into(),
        ));
    };
    if places.len() > LIMIT {
        return Ok(Observed::Unavailable(too_many(
            places.len(),
            "sites and subnets",
        )));
    }
    let mut wanted = Wanted::default();
    wanted.add(class, [evidence.value.as_str()]);
    let mut imported = BTreeSet::new();
    let mut failure = None;
    rows::fetch(reader, &places, &wanted, |place, got| {
        if matches!(got, Got::Absent) {
            return; // deleted meanwhile
        }
        match got.values(class, &evidence.value) {
            Observed::Known(values) => {
                if values.iter().any(|value| evidence.means_yes(value)) {
                    imported.insert(place);
                }
            }
            Observed::Unavailable(reason) => failure = Some(reason),
        }
    })
    .await?;
    Ok(match failure {
        Some(reason) => Observed::Unavailable(reason),
        None => Observed::Known(imported),
    })
}

/// Why a part is not read by call, and what helps.
pub(super) fn too_many(count: usize, what: &str) -> String {
    format!(
        "{count} {what} are more than the {LIMIT} that are read without reports: run `sitewright profile install-reports`"
    )
}
