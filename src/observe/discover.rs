//! A first profile: what can be told about a server by name and by shape, and what cannot.
//!
//! I/O, through the reader; the judgements are pure. Nothing is guessed: what is not proven by a value or documented is
//! confirmed by whoever decides ([`Choose`]), and what was known before stays. Everything found has the standing
//! `discovered`, which is good for reading only.
//!
//! The order follows what depends on what: descriptions, element names, then what `world` finds.

use std::sync::Arc;

use super::RefreshError;
use super::build::{self, Descriptions};
use super::choose::{Candidate, Choose, Finding, Told};
use super::decide::{Entry, Run};
use super::shape::{self, structures};
use super::{prove, world};
use crate::model::Name;
use crate::profile::{Build, Profile, ServerEntry, ServiceEntry, ServiceName, Standing};
use crate::smp::wsdl::Wsdl;
use crate::smp::{ReadError, Reader};

/// A first profile and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The profile.
    pub profile: Profile,
    /// One finding an entry.
    pub findings: Vec<Finding>,
    /// The version that the operations prove at least.
    pub version: Option<&'static str>,
}

/// What is asked of a discovery.
pub struct Wanted<'a> {
    /// The SMP's own computer.
    pub server: &'a Name,
    /// The profile so far: what it knows stays, and what it lacks is looked for.
    pub known: Option<&'a Profile>,
    /// When it is, RFC 3339.
    pub at: &'a str,
}

/// Finds out what can be found out about a server.
///
/// # Guarantees
/// Nothing is written to the server. What is not proven or documented is in the profile only where `choose` said so.
/// Of the profile so far everything that may be read stays, but what was discovered and is no longer there; where the
/// server is another build, what was `verified` is `discovered` again.
///
/// # Errors
/// Where nothing at all can be read, or the SMP's own computer is not there.
pub async fn discover(
    reader: &Reader,
    wanted: &Wanted<'_>,
    choose: &mut Choose<'_>,
) -> Result<Discovery, RefreshError> {
    let Wanted { server, known, at } = *wanted;
    let url = reader.transport().url().to_owned();
    let read = |source: ReadError| RefreshError::Read {
        url: url.clone(),
        source,
    };
    let guid = reader
        .computer(server)
        .await
        .map_err(read)?
        .ok_or_else(|| RefreshError::UnknownServer {
            name: server.clone(),
        })?;
    if let Some(known) = known
        && known.server.guid != guid
    {
        return Err(RefreshError::WrongServer {
            name: server.clone(),
            expected: known.server.guid,
            found: guid,
        });
    }
    let empty = Profile::empty(ServerEntry {
        name: server.clone(),
        guid,
        build: None,
    });
    let mut run = Run::new(empty, known.cloned(), choose);
    run.notes.found("server.guid", "GetComputerByNameAndDomain");
    let descriptions = build::descriptions(reader).await.map_err(read)?;
    services(&mut run, &descriptions);
    // The names of services are known from here on, so that the build can be asked for.
    let asking = reader.with_profile(Arc::new(run.profile.clone()));
    let found = build::build(&asking, &descriptions).await.map_err(read)?;
    another_build(&mut run, &found);
    run.profile.server.build = Some(found);
    if let Some(Ok(model)) = descriptions.get(&ServiceName::ResourceModel) {
        elements(reader, &mut run, model).await.map_err(read)?;
        world::find(reader, &mut run, model).await.map_err(read)?;
    }
    run.strip();
    run.note_provenance(at);
    Ok(Discovery {
        profile: run.profile,
        findings: run.notes.0,
        version: build::version(&descriptions),
    })
}

/// Takes over what no discovery tells, and lowers what was verified on another build.
fn another_build(run: &mut Run<'_, '_>, found: &Build) {
    let Some(known) = &mut run.known else { return };
    let change = known
        .server
        .build
        .as_ref()
        .and_then(|build| build.compare(found));
    if let Some(change) = change {
        for path in known.distrust() {
            known.provenance.remove(&path);
        }
        run.notes.push(Finding {
            entry: "server.build".into(),
            told: Told::Found,
            evidence: format!("{change}; what was verified before is discovered again"),
            candidates: Vec::new(),
        });
    }
    let proven = run.profile.calls.report_parameters.take();
    run.profile.carry_over(known);
    if proven.is_some() {
        run.profile.calls.report_parameters = proven;
    }
}

/// Fills in what the service descriptions say of the services.
fn services(run: &mut Run<'_, '_>, descriptions: &Descriptions) {
    for (service, description) in descriptions {
        let path = format!("services.{service}");
        let wsdl = match description {
            Ok(wsdl) => wsdl,
            Err(reason) => {
                if !run.keep(&path, |_| false) {
                    run.notes.unknown(path, reason.clone(), Vec::new());
                }
                continue;
            }
        };
        let same = |known: &Profile| {
            let entry = known.services.get(service);
            entry.is_some_and(|entry| entry.namespace == wsdl.namespace)
        };
        if !run.keep(&path, same) {
            run.profile.services.insert(
                *service,
                ServiceEntry {
                    namespace: wsdl.namespace.clone(),
                    standing: Standing::Discovered,
                },
            );
            run.notes.found(path, "targetNamespace of its WSDL");
        }
        if *service == ServiceName::ReportManagement
            && let [_, second] = wsdl.parameters("RunReportWithParameters")
        {
            run.profile.calls.report_parameters = Some(second.name.clone());
            run.notes
                .found("calls.reportParameters", "second parameter by its WSDL");
        }
    }
}

/// Fills in the names of elements: by the description, by values, by what was known, by whoever decides.
async fn elements(reader: &Reader, run: &mut Run<'_, '_>, model: &Wsdl) -> Result<(), ReadError> {
    structures(&mut run.profile, model, &mut run.notes);
    prove::structures(reader, &mut run.profile, model, &mut run.notes).await?;
    for structure in shape::STRUCTURES {
        let path = format!("structures.{structure}");
        let standing = run
            .known
            .as_ref()
            .map_or(Standing::Unknown, |known| known.standing(&path));
        // What was only discovered is read anew: the description is at hand.
        if standing.reads() && standing != Standing::Discovered {
            let below = format!("{path}.");
            run.notes.0.retain(|note| !note.entry.starts_with(&below));
            run.keep(&path, |_| true);
        }
    }
    let open: Vec<(String, Vec<Candidate>)> = run
        .notes
        .0
        .iter()
        .filter(|note| note.entry.starts_with("structures.") && !note.found())
        .map(|note| (note.entry.clone(), note.candidates.clone()))
        .collect();
    for (path, mut candidates) in open {
        let Some(element) = path.strip_prefix("structures.") else {
            continue;
        };
        let all = shape::fields_of(model, element);
        if let Some(known) = run
            .known
            .as_ref()
            .and_then(|known| shape::get(known, element))
            && all.contains(&known)
        {
            shape::set(&mut run.profile, element, Some(known.clone()));
            run.notes.amend(Finding {
                entry: path.clone(),
                told: Told::Kept,
                evidence: format!("element `{known}`, as before"),
                candidates: Vec::new(),
            });
            continue;
        }
        if candidates.is_empty() {
            candidates = all
                .iter()
                .map(|name| Candidate::named(name.clone(), None))
                .collect();
        }
        let position = run.notes.0.iter().position(|note| note.entry == path);
        let before = position.map(|position| run.notes.0.remove(position));
        let resolve = |text: &str| {
            let found = all
                .iter()
                .find(|name| name.eq_ignore_ascii_case(text.trim()))?;
            Some(Candidate::named(found.clone(), None))
        };
        let chosen = run.decide(Entry {
            path: path.clone(),
            wanted: shape::meaning(element).into(),
            kind: "element",
            candidates,
            fits: None,
            otherwise: before.map_or_else(String::new, |note| note.evidence),
            resolve: &resolve,
        });
        if let Some(chosen) = chosen {
            shape::set(&mut run.profile, element, Some(chosen.name));
        }
    }
    Ok(())
}
