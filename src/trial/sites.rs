//! Scratch sites: created, found, read, described; names that are taken.
//!
//! I/O, through the bench.

use futures::future::LocalBoxFuture;

use super::bench::{Bench, Setting};
use super::probe::{Probe, TrialError};
use crate::model::Guid;
use crate::profile::TypeRole;
use crate::smp::chain;
use crate::smp::{Scratch, ScratchError, SendError};

/// Two scratch sites, for everything that follows.
#[derive(Debug)]
pub struct Sites;

impl Probe for Sites {
    fn shows(&self, setting: &Setting) -> Vec<String> {
        let tag = &setting.tag;
        vec![
            format!("create the site sitewright-verify-{tag}-a, read it, describe it anew"),
            format!("try to create it a second time, which the server should refuse"),
            format!("create the site sitewright-verify-{tag}-b with a GUID of our choice"),
        ]
    }

    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        Box::pin(run(bench))
    }
}

async fn run(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let first = bench.site_name("a")?;
    let created = bench.create(&first, None).await?;
    let site = created.guid;
    bench.sites.push(site);
    found(bench, &first, site, created.answered).await?;
    bench.report.verifies(
        "types.site",
        "a scratch site was created, listed, found by its name and read",
    );
    bench.report.verifies(
        "structures.resourceInfo",
        "a scratch site was created with these elements and listed by them",
    );
    bench.report.verifies(
        "services.ResourceModel",
        "scratch objects were created, read and written through it",
    );
    described(bench, site).await?;
    named(bench, &first, site).await?;

    // A GUID of our own makes an answer that is lost harmless, where it is kept.
    let second = bench.site_name("b")?;
    let supplied = bench.setting.supplied;
    let other = match bench.create(&second, Some(supplied)).await {
        Ok(created) => {
            let kept = if created.guid == supplied {
                "a GUID that is supplied is kept"
            } else {
                "a GUID that is supplied is not taken"
            };
            bench.report.adds("A06", kept);
            created.guid
        }
        Err(TrialError::Write { error, .. }) if error.refused() => {
            bench
                .report
                .adds("A06", "a GUID that is supplied is refused");
            bench.create(&second, None).await?.guid
        }
        Err(error) => return Err(error),
    };
    bench.sites.push(other);
    let kind = bench.profile.type_guid(TypeRole::Site);
    bench
        .must("the second scratch site", async |reader| {
            listed(reader, kind, other).await
        })
        .await
}

async fn listed(
    reader: &crate::smp::Reader,
    kind: Option<Guid>,
    site: Guid,
) -> Result<bool, crate::smp::ReadError> {
    let Some(kind) = kind else { return Ok(false) };
    let all = reader.resources_of_type(kind, |guid, _| Ok(guid)).await?;
    Ok(all.contains(&site))
}

/// Finds the site in every way in which the client looks for one.
async fn found(
    bench: &mut Bench<'_>,
    scratch: &Scratch,
    site: Guid,
    answered: Option<Guid>,
) -> Result<(), TrialError> {
    let name = scratch.to_string();
    let kind = bench.profile.type_guid(TypeRole::Site);
    bench
        .must("the scratch site, by its name", async |reader| match kind {
            Some(kind) => Ok(reader.resource_named(&name, kind).await? == Some(site)),
            None => Ok(false),
        })
        .await?;
    match answered {
        Some(guid) if guid == site => bench.report.proves(
            "A06",
            "a created site was found by its name with the GUID of the answer",
        ),
        Some(guid) => bench.report.refutes(
            "A06",
            format!("the answer said {guid}, by its name the site is {site}"),
        ),
        None => bench.report.refutes(
            "A06",
            "the answer of a creation says no GUID; the site was found by its name",
        ),
    }
    bench
        .must("the scratch site, in the list of sites", async |reader| {
            listed(reader, kind, site).await
        })
        .await?;
    bench
        .must("the scratch site itself", async |reader| {
            let read = reader.resource(site).await?;
            Ok(read.is_some_and(|read| {
                read.name.as_deref().map(str::trim) == Some(name.as_str())
                    && (read.resource_type.is_none() || read.resource_type == kind)
            }))
        })
        .await
}

/// Reads the description that the site was created with, and changes it.
async fn described(bench: &mut Bench<'_>, site: Guid) -> Result<(), TrialError> {
    let elements = (
        bench.profile.structures.resource_info.as_ref(),
        bench.profile.structures.resource.as_ref(),
    );
    let (Some(info), Some(resource)) = elements else {
        return Ok(());
    };
    if resource.description.is_none() {
        bench.report.leaves(
            "A14",
            "`structures.resource.description` is not known, so that descriptions cannot be read",
        );
        return Ok(());
    }
    let wanted = bench.description();
    let mut kept = true;
    if info.description.is_some() {
        kept = bench
            .until("the description of a new site", async |reader| {
                let read = reader.resource(site).await?;
                Ok(read.and_then(|read| read.description).as_deref() == Some(wanted.as_str()))
            })
            .await?
            .at_all();
        if !kept {
            bench.report.refutes(
                "A14",
                "a site was created with a description, and reads back without it",
            );
        }
    }
    bench.going_on()?;
    let other = format!("{wanted}, described anew");
    match bench.writer.describe(site, &other).await {
        Ok(()) => {}
        Err(error) => {
            let why = format!("a description could not be written: {}", chain(&error));
            bench.report.refutes("A14", why.clone());
            bench.report.lowers("structures.resource", why);
            return Ok(());
        }
    }
    let seen = bench
        .until("a description that was changed", async |reader| {
            let read = reader.resource(site).await?;
            Ok(read.and_then(|read| read.description).as_deref() == Some(other.as_str()))
        })
        .await?;
    if seen.at_all() {
        if kept {
            bench.report.proves(
                "A14",
                "a site was created with a description and described anew, and read back",
            );
        }
        bench.report.verifies(
            "structures.resource",
            "a scratch site was read by these elements, and its description written back",
        );
    } else {
        let why = "a description was written, the server took it, and it reads back as before";
        bench.report.refutes("A14", why);
        bench.report.lowers("structures.resource", why);
    }
    Ok(())
}

/// Looks for the site in another case, and tries to have its name a second time.
async fn named(bench: &mut Bench<'_>, scratch: &Scratch, site: Guid) -> Result<(), TrialError> {
    let shouted = scratch.to_string().to_uppercase();
    if let Some(kind) = bench.profile.type_guid(TypeRole::Site) {
        let found = bench
            .reader()
            .resource_named(&shouted, kind)
            .await
            .map_err(TrialError::Read)?;
        if found == Some(site) {
            bench
                .report
                .proves("A15", "a site was found by its name in capitals");
        } else {
            bench
                .report
                .refutes("A15", "a site was not found by its name in capitals");
        }
    }
    bench.going_on()?;
    // Whatever comes of it, the name is in the journal already.
    let description = bench.description();
    match bench.writer.create(scratch, &description, None).await {
        Ok(Some(twin)) if twin != site => {
            let name = crate::model::Name::new(&scratch.to_string());
            bench
                .note(crate::journal::Fact::ScratchCreated { guid: twin, name })
                .await?;
            bench.report.refutes(
                "A16",
                "a second site of the same name was created; both are cleared away",
            );
        }
        Ok(_) => bench
            .report
            .proves("A16", "creating a site of the same name made no second one"),
        Err(error) if error.refused() => bench
            .report
            .proves("A16", "a second site of the same name was refused"),
        Err(ScratchError::Send(error @ SendError::Unknown(_))) => {
            bench.lost.insert(scratch.clone());
            bench.report.leaves("A16", chain(&error));
        }
        Err(error) => bench.report.leaves("A16", chain(&error)),
    }
    Ok(())
}
