//! A scratch site gets another name, and its own again.
//!
//! I/O, through the bench. The other name is one of a scratch site too and is in the journal before it is given, so that
//! a trial that dies in between leaves a site that is cleared away by its GUID, by the journal and by its name.

use futures::future::LocalBoxFuture;

use super::bench::{Bench, Setting};
use super::member::{Member, members};
use super::probe::{Probe, TrialError};
use crate::journal::Fact;
use crate::model::{Guid, Name};
use crate::profile::TypeRole;
use crate::smp::{ReadError, Reader, Scratch, chain};

/// A scratch site that is renamed.
#[derive(Debug)]
pub struct Renames;

impl Probe for Renames {
    fn shows(&self, setting: &Setting) -> Vec<String> {
        let tag = &setting.tag;
        vec![format!(
            "rename sitewright-verify-{tag}-a to sitewright-verify-{tag}-c while {} is in it, and back",
            setting.subnets[0]
        )]
    }

    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        Box::pin(run(bench))
    }
}

async fn run(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let (Some(site), Some(kind)) = (
        bench.sites.first().copied(),
        bench.profile.type_guid(TypeRole::Site),
    ) else {
        return Ok(());
    };
    let subnet = joined(bench, site).await?;
    let (first, other) = (bench.site_name("a")?, bench.site_name("c")?);
    bench
        .note(Fact::ScratchIntended {
            name: Name::new(&other.to_string()),
        })
        .await?;
    let renamed = is_renamed(bench, (kind, site), subnet, &first, &other).await?
        && is_renamed(bench, (kind, site), subnet, &other, &first).await?;
    if renamed {
        let held = if subnet.is_some() {
            ", with the subnet that was in it"
        } else {
            ""
        };
        bench.report.proves(
            "A36",
            format!("a scratch site was renamed and renamed back, and was the same by list and by name each time{held}"),
        );
        // It has its own name, and nothing has the other one.
        bench
            .note(Fact::ScratchGone {
                name: Name::new(&other.to_string()),
            })
            .await?;
    }
    if let Some(subnet) = subnet {
        bench.going_on()?;
        bench
            .writer
            .part(subnet, site)
            .await
            .map_err(|error| TrialError::Write {
                what: "taking a scratch subnet out of a renamed site".into(),
                error,
            })?;
    }
    Ok(())
}

/// The scratch subnet that was put into the site, where that can be done and read.
async fn joined(bench: &mut Bench<'_>, site: Guid) -> Result<Option<Guid>, TrialError> {
    let Some(subnet) = bench.subnet else {
        return Ok(None);
    };
    bench.going_on()?;
    if let Err(error) = bench.writer.join(subnet, site).await {
        tracing::debug!(%error, "a scratch site is renamed with nothing in it");
        return Ok(None);
    }
    let seen = bench
        .until(
            "a subnet in the site that is to be renamed",
            async |reader| {
                Ok(members(reader, Member::Subnet, site)
                    .await?
                    .contains(&subnet))
            },
        )
        .await?;
    Ok(seen.at_all().then_some(subnet))
}

/// Renames the site and reads it back in every way in which the client looks for one; says of A36 what is not so.
async fn is_renamed(
    bench: &mut Bench<'_>,
    (kind, site): (Guid, Guid),
    subnet: Option<Guid>,
    from: &Scratch,
    to: &Scratch,
) -> Result<bool, TrialError> {
    bench.going_on()?;
    if let Err(error) = bench.writer.rename(site, to).await {
        let why = chain(&error);
        if error.refused() {
            refuted(bench, format!("a scratch site could not be renamed: {why}"));
        } else {
            bench.report.leaves("A36", why);
        }
        return Ok(false);
    }
    let (before, after) = (from.to_string(), to.to_string());
    let seen = bench
        .until("a site by its new name", async |reader| {
            // Where names are not unique, an earlier probe has made another site of its first name.
            let read = reader.resource(site).await?.and_then(|read| read.name);
            Ok(read.is_some_and(|name| name.trim() == after)
                && reader.resource_named(&after, kind).await?.is_some()
                && reader.resource_named(&before, kind).await? != Some(site)
                && is_listed(reader, (kind, site), &after).await?)
        })
        .await?;
    if !seen.at_all() {
        refuted(bench, "a scratch site was renamed, the server took it, and it is not to be read by its new name alone".into());
        return Ok(false);
    }
    if let Some(subnet) = subnet {
        let held = bench
            .until("the subnet of a renamed site", async |reader| {
                Ok(members(reader, Member::Subnet, site)
                    .await?
                    .contains(&subnet))
            })
            .await?;
        if !held.at_all() {
            refuted(
                bench,
                "a scratch site was renamed, and the subnet that was in it is in it no more".into(),
            );
            return Ok(false);
        }
    }
    Ok(true)
}

fn refuted(bench: &mut Bench<'_>, why: String) {
    bench.report.refutes("A36", why);
    bench.report.remarks.push(
        "`metadata.formerly` will not do on this server: rename a site in the console, and the next plan finds it".into(),
    );
}

/// Whether the list of sites shows this one, by this name.
async fn is_listed(
    reader: &Reader,
    (kind, site): (Guid, Guid),
    name: &str,
) -> Result<bool, ReadError> {
    let all = reader
        .resources_of_type(kind, |guid, passing| {
            Ok((guid, passing.name().map(|shown| shown.trim().to_owned())))
        })
        .await?;
    Ok(all
        .iter()
        .any(|(guid, shown)| *guid == site && shown.as_ref().is_none_or(|shown| shown == name)))
}
