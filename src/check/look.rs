//! Asks a platform what `judge` judges.
//!
//! I/O, through the transport and the reader: a connection step by step, then some thirty small reads and the lists that
//! every refresh reads. Nothing is changed on the server.

#![expect(clippy::disallowed_methods, reason = "measures how long reads take")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;

use super::findings::{Findings, KnownServer, Offered, Operations, ServerSeen};
use crate::model::{Guid, Name};
use crate::observe::{Lists, build_change, identify, lists, lost_reports};
use crate::profile::{Profile, ServiceEntry, ServiceName, Standing};
use crate::smp::wsdl::Wsdl;
use crate::smp::{Probe, ReadError, Reader};

/// How many reads are timed.
const TIMED: usize = 5;

/// On how many sites the console's actions are asked for: some may belong to another SMP and offer nothing.
const SITES: usize = 3;

/// Goes the way to a platform and asks it about itself.
///
/// `reader` has the profile, or an empty one where `known` is false; `server` is the SMP's own computer by the
/// workspace.
pub async fn look(
    reader: &Reader,
    known: bool,
    server: Option<&Name>,
    now: Timestamp,
    progress: &(dyn Fn(&str) + Sync),
) -> Findings {
    progress("connecting");
    let probe = reader.transport().probe().await;
    let server = if signed_in(&probe) {
        Some(ask(reader, known, server, progress).await)
    } else {
        None
    };
    Findings {
        url: reader.transport().url().to_owned(),
        now,
        probe,
        server,
    }
}

/// Whether the server answered anything at all: 403, 404 and 500 are answers.
fn signed_in(probe: &Probe) -> bool {
    matches!(&probe.answered, Some(Ok(_)))
}

async fn ask(
    reader: &Reader,
    known: bool,
    server: Option<&Name>,
    progress: &(dyn Fn(&str) + Sync),
) -> ServerSeen {
    progress("reading the service descriptions");
    let described: Vec<(ServiceName, Result<Wsdl, ReadError>)> = stream::iter(ServiceName::ALL)
        .map(|service| async move { (service, reader.wsdl(service).await) })
        .buffered(ServiceName::ALL.len())
        .collect()
        .await;
    let reader = &told(reader, &described);
    let services: BTreeMap<ServiceName, Result<Operations, ReadError>> = described
        .into_iter()
        .map(|(service, described)| (service, described.map(|wsdl| wsdl.operations)))
        .collect();
    progress("timing small reads");
    let hierarchy = reader.hierarchy_member().await;
    let mut latency = Vec::new();
    if hierarchy.is_ok() {
        for _ in 0..TIMED {
            let begun = Instant::now();
            if reader.hierarchy_member().await.is_ok() {
                latency.push(begun.elapsed());
            }
        }
    }
    // Where no service answers, the lists fail the same way, each after some tries.
    let readable = services.values().any(Result::is_ok);
    let known = if known && readable {
        progress("reading what the account is shown");
        Some(with_profile(reader, server).await)
    } else {
        None
    };
    ServerSeen {
        services,
        hierarchy,
        latency: sorted(latency),
        known,
    }
}

/// A reader that knows the namespaces which the descriptions tell and the profile does not: good enough for asking.
fn told(reader: &Reader, described: &[(ServiceName, Result<Wsdl, ReadError>)]) -> Reader {
    let mut profile = Profile::clone(reader.profile());
    for (service, described) in described {
        if let Ok(wsdl) = described {
            let entry = profile.services.entry(*service);
            entry.or_insert_with(|| ServiceEntry {
                namespace: wsdl.namespace.clone(),
                standing: Standing::Discovered,
            });
        }
    }
    reader.with_profile(Arc::new(profile))
}

fn sorted(mut latency: Vec<Duration>) -> Vec<Duration> {
    latency.sort_unstable();
    latency
}

async fn with_profile(reader: &Reader, server: Option<&Name>) -> KnownServer {
    let identity = identify(reader, server).await;
    let Lists { counts, sites } = lists(reader).await;
    let asked: Vec<Guid> = sites.into_iter().take(SITES).collect();
    let mut profile = Profile::clone(reader.profile());
    KnownServer {
        build: build_change(reader).await,
        lost_reports: lost_reports(reader, &mut profile).await,
        offered: offered(reader, &asked, identity.as_ref().ok().map(|smp| smp.server)).await,
        identity,
        lists: counts,
    }
}

/// The most actions that one of some sites offers; without sites, the SMP's own computer is asked.
async fn offered(reader: &Reader, sites: &[Guid], smp: Option<Guid>) -> Option<Offered> {
    let on_sites = !sites.is_empty();
    let asked: Vec<Guid> = if on_sites {
        sites.to_vec()
    } else {
        smp.into_iter().collect()
    };
    let mut most: Option<Result<usize, ReadError>> = None;
    for item in asked {
        match (reader.actions(item).await, &most) {
            (Ok(count), Some(Ok(before))) if count <= *before => {}
            (Ok(count), _) => most = Some(Ok(count)),
            (Err(_), Some(Ok(_))) => {}
            (Err(error), _) => most = Some(Err(error)),
        }
    }
    most.map(|actions| Offered { on_sites, actions })
}
