//! Clients with addresses and plug-ins, and the task servers that computers are registered with.
//!
//! I/O, through the reader: one report each, read while it arrives. Without reports by calls, a hundred computers a
//! request, and not where there are more than a few thousand. A client is a managed computer that is no site server;
//! where nothing says which computers are managed, each with an address in inventory counts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::model::{Client, Guid, Name, Observed, Snapshot};
use crate::profile::{Ability, FactKind, Profile, ReportKind, TypeRole};
use crate::smp::clients::{Computers, PlugIns};
use crate::smp::resource_management::Inventory;
use crate::smp::{ReadError, Reader};

use super::facts::too_many;
use super::refresh::{observed, required};
use super::rows::{self, Got, LIMIT, Wanted};

/// Clients and registrations as they were read.
pub(super) struct Read {
    pub(super) clients: Observed<Vec<Client>>,
    pub(super) registrations: Observed<BTreeMap<Guid, Guid>>,
    /// Whether an installed report could not be read.
    pub(super) report_failed: bool,
}

type Sets = HashMap<Guid, Arc<BTreeSet<Name>>>;
type Pairs = Vec<(Guid, Guid)>;

/// What reports say; `None` where there is no report.
struct Reports {
    computers: Option<Observed<Vec<Client>>>,
    registrations: Option<Observed<Pairs>>,
    plug_ins: Option<Observed<Sets>>,
}

async fn by_reports(reader: &Reader) -> Result<Reports, ReadError> {
    let reports = &reader.profile().reports;
    let computers = async {
        match reports.known(ReportKind::Computers) {
            Some(report) => {
                let found = reader.computer_report(report).await;
                observed(found.map(Computers::finish)).map(Some)
            }
            None => Ok(None),
        }
    };
    let registrations = async {
        match reports.known(ReportKind::Registrations) {
            Some(report) => observed(reader.registration_report(report).await).map(Some),
            None => Ok(None),
        }
    };
    let plug_ins = async {
        match reports.known(ReportKind::PlugIns) {
            Some(report) => {
                let found = reader.plug_in_report(report).await;
                observed(found.map(PlugIns::finish)).map(Some)
            }
            None => Ok(None),
        }
    };
    let (computers, registrations, plug_ins) =
        futures::try_join!(computers, registrations, plug_ins)?;
    Ok(Reports {
        computers,
        registrations,
        plug_ins,
    })
}

/// Reads clients and registrations.
pub(super) async fn read(reader: &Reader, snapshot: &Snapshot) -> Result<Read, ReadError> {
    let Reports {
        computers,
        registrations,
        plug_ins,
    } = by_reports(reader).await?;
    let report_failed = matches!(computers, Some(Observed::Unavailable(_)))
        || matches!(registrations, Some(Observed::Unavailable(_)))
        || matches!(plug_ins, Some(Observed::Unavailable(_)));
    let ask = Ask {
        computers: computers.is_none(),
        registrations: registrations.is_none(),
        plug_ins: plug_ins.is_none(),
    };
    let called = by_calls(reader, &ask, computers.as_ref()).await?;
    let registrations = registrations.unwrap_or(called.registrations);
    let clients = match computers.unwrap_or(called.computers) {
        Observed::Unavailable(reason) => Observed::Unavailable(reason),
        Observed::Known(computers) => {
            let sets = match plug_ins {
                Some(Observed::Known(sets)) => sets,
                Some(Observed::Unavailable(_)) | None => called.plug_ins,
            };
            without_servers(computers, &sets, snapshot)
        }
    };
    Ok(Read {
        clients,
        registrations: match registrations {
            Observed::Known(pairs) => Observed::Known(one_server_each(pairs)),
            Observed::Unavailable(reason) => Observed::Unavailable(reason),
        },
        report_failed,
    })
}

/// Takes site servers and the SMP out, and gives each client its plug-ins.
fn without_servers(
    mut computers: Vec<Client>,
    plug_ins: &Sets,
    snapshot: &Snapshot,
) -> Observed<Vec<Client>> {
    let services = match &snapshot.services {
        Observed::Known(services) => services,
        Observed::Unavailable(reason) => {
            return Observed::Unavailable(format!(
                "which computers are site servers is not readable: {reason}"
            ));
        }
    };
    let platform = &snapshot.platform;
    // The SMP has an agent itself. Where not even it is seen, nobody being there proves nothing.
    if !computers
        .iter()
        .any(|computer| computer.guid == platform.server)
    {
        return Observed::Unavailable(format!(
            "the SMP itself ({}) is not among the managed computers that were read: `evidence.facts.managed` or \
             `dataClasses.tcpip` in the server profile is wrong, or the account may not see them",
            platform.name
        ));
    }
    let mut servers: BTreeSet<Guid> = services.iter().map(|service| service.computer).collect();
    servers.insert(platform.server);
    computers.retain(|computer| !servers.contains(&computer.guid));
    for client in &mut computers {
        client.plug_ins = plug_ins.get(&client.guid).map(Arc::clone);
    }
    Observed::Known(computers)
}

/// A computer is registered with one task server; of one with rows for several nobody can tell which holds.
fn one_server_each(mut pairs: Pairs) -> BTreeMap<Guid, Guid> {
    pairs.sort_unstable();
    pairs.dedup();
    pairs
        .chunk_by(|a, b| a.0 == b.0)
        .filter_map(|rows| match rows {
            [one] => Some(*one),
            _ => None,
        })
        .collect()
}

/// What no report says.
struct Ask {
    computers: bool,
    registrations: bool,
    plug_ins: bool,
}

struct Called {
    computers: Observed<Vec<Client>>,
    registrations: Observed<Pairs>,
    plug_ins: Sets,
}

/// The data classes and fields that calls read.
struct Classes<'a> {
    profile: &'a Profile,
    registrations: Option<(Guid, &'a str)>,
    plug_ins: Option<(Guid, &'a str)>,
}

impl<'a> Classes<'a> {
    fn of(profile: &'a Profile, ask: &Ask) -> Self {
        let evidence = &profile.evidence;
        let registrations = evidence.task_registrations.as_ref().and_then(|found| {
            let known = profile.can(Ability::ReadRegistrations).is_ok();
            Some((found.data_class.filter(|_| known)?, found.server.as_str()))
        });
        let plug_ins = evidence
            .fact(FactKind::PlugIns)
            .and_then(|found| Some((found.data_class?, found.value.as_str())));
        Self {
            profile,
            registrations: registrations.filter(|_| ask.registrations),
            plug_ins: plug_ins.filter(|_| ask.plug_ins),
        }
    }

    fn wanted(&self, ask: &Ask) -> Wanted {
        let mut wanted = Wanted::default();
        for (class, field) in [self.registrations, self.plug_ins].into_iter().flatten() {
            wanted.add(class, [field]);
        }
        if ask.computers {
            if let Some(class) = &self.profile.data_classes.tcpip {
                let fields = [&class.host_name, &class.domain, &class.address, &class.mask];
                wanted.add(class.guid, fields.map(String::as_str));
            }
            if let Some((class, field)) = self.managed() {
                wanted.add(class, [field]);
            }
        }
        wanted
    }

    fn managed(&self) -> Option<(Guid, &'a str)> {
        let evidence = self.profile.evidence.fact(FactKind::Managed)?;
        Some((evidence.data_class?, evidence.value.as_str()))
    }

    /// Takes a computer in where it is managed; a reason where that could not be read.
    fn computer(&self, guid: Guid, got: &Got, into: &mut Computers) -> Result<(), String> {
        if let (Some((class, field)), Some(evidence)) = (
            self.managed(),
            self.profile.evidence.fact(FactKind::Managed),
        ) {
            match got.values(class, field) {
                Observed::Known(values) if values.iter().any(|value| evidence.means_yes(value)) => {
                }
                Observed::Known(_) => return Ok(()),
                Observed::Unavailable(reason) => return Err(reason),
            }
        }
        let Some(class) = &self.profile.data_classes.tcpip else {
            return Ok(());
        };
        let mut inventory = Inventory::default();
        for row in got.rows(class.guid)? {
            if !row.has(&class.address) || !row.has(&class.mask) {
                return Err(format!(
                    "expected fields `{}` and `{}` in the rows of data class {}, found others",
                    class.address, class.mask, class.guid
                ));
            }
            inventory.add(
                row.get(&class.host_name),
                row.get(&class.domain),
                row.get(&class.address),
                row.get(&class.mask),
            );
        }
        if inventory.host.is_none()
            && let Got::Rows(Some(name), _) = got
        {
            inventory.host = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        }
        into.add(guid, &inventory);
        Ok(())
    }
}

/// Reads by calls what no report says; `computers` are those of the report, where there is one.
async fn by_calls(
    reader: &Reader,
    ask: &Ask,
    computers: Option<&Observed<Vec<Client>>>,
) -> Result<Called, ReadError> {
    let profile = reader.profile();
    let classes = Classes::of(profile, ask);
    let no_registrations = profile
        .can(Ability::ReadRegistrations)
        .err()
        .map(|missing| missing.to_string());
    let nothing = |reason: String| Called {
        computers: Observed::Unavailable(reason.clone()),
        registrations: Observed::Unavailable(no_registrations.clone().unwrap_or(reason)),
        plug_ins: Sets::new(),
    };
    let wanted = classes.wanted(ask);
    if !ask.computers && wanted.is_empty() {
        return Ok(nothing("it was not asked for".into()));
    }
    let listed = match computers {
        Some(Observed::Known(clients)) => clients.iter().map(|client| client.guid).collect(),
        Some(Observed::Unavailable(reason)) => return Ok(nothing(reason.clone())),
        None => match observed(list(reader).await)? {
            Observed::Known(listed) => listed,
            Observed::Unavailable(reason) => return Ok(nothing(reason)),
        },
    };
    if listed.len() > LIMIT {
        return Ok(nothing(too_many(listed.len(), "computers")));
    }
    let mut found = Computers::default();
    let mut pairs = Pairs::new();
    let mut plug_ins = PlugIns::default();
    let (mut no_computers, mut no_pairs) = (None, no_registrations);
    rows::fetch(reader, &listed, &wanted, |computer, got| {
        if matches!(got, Got::Absent) {
            return; // deleted meanwhile
        }
        if ask.computers
            && let Err(reason) = classes.computer(computer, &got, &mut found)
        {
            no_computers = Some(reason);
        }
        if let Some((class, field)) = classes.registrations {
            match servers(&got, class, field) {
                Ok(servers) => pairs.extend(servers.into_iter().map(|server| (computer, server))),
                Err(reason) => no_pairs = Some(reason),
            }
        }
        if let Some((class, field)) = classes.plug_ins
            && let Observed::Known(names) = got.values(class, field)
        {
            for name in names {
                plug_ins.add(computer, &name);
            }
        }
    })
    .await?;
    Ok(Called {
        computers: match no_computers {
            Some(reason) => Observed::Unavailable(reason),
            None => Observed::Known(found.finish()),
        },
        registrations: match no_pairs {
            Some(reason) => Observed::Unavailable(reason),
            None => Observed::Known(pairs),
        },
        plug_ins: plug_ins.finish(),
    })
}

/// The servers that one computer is registered with.
fn servers(got: &Got, class: Guid, field: &str) -> Result<Vec<Guid>, String> {
    match got.values(class, field) {
        Observed::Known(values) => values
            .iter()
            .map(|value| {
                value
                    .parse::<Guid>()
                    .map_err(|error| format!("`{field}`: {error}"))
            })
            .filter(|server| server.as_ref().map_or(true, |server| !server.is_nil()))
            .collect(),
        Observed::Unavailable(reason) => Err(reason),
    }
}

/// Every computer, managed or not.
async fn list(reader: &Reader) -> Result<Vec<Guid>, ReadError> {
    let computer = required(reader, Ability::ReadClients, TypeRole::Computer)?;
    let mut found = reader
        .resources_of_type(computer, |guid, _| Ok(guid))
        .await?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}
