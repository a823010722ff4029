//! Memberships tried on scratch sites: joined, read from both ends, moved, parted.
//!
//! I/O, through the bench. What the server shows to be otherwise is corrected at once, so that the rest of the trial
//! goes on with what is right.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::LocalBoxFuture;

use super::bench::{Bench, Setting};
use super::compare;
use super::member::{Member, members};
use super::probe::{Probe, TrialError};
use super::report::Correction;
use crate::journal::Fact;
use crate::model::{Guid, Name};
use crate::profile::{AssociatedTypeArgument, ReportKind, TypeRole};
use crate::smp::chain;
use crate::smp::{ReadError, Scratch, ScratchError};

/// A scratch subnet in scratch sites.
#[derive(Debug)]
pub struct Subnets;

/// A server, assigned by hand to a scratch site for a moment.
#[derive(Debug)]
pub struct Servers;

impl Probe for Subnets {
    fn shows(&self, setting: &Setting) -> Vec<String> {
        let [first, second] = setting.subnets;
        vec![
            format!("create the subnets {first} and {second}, which nobody uses (RFC 5737)"),
            format!("put {first} into one scratch site, then into the other, and take it out"),
            format!("delete {second} while it is in a scratch site"),
            "try to put a site into a site, which the server should refuse".into(),
        ]
    }

    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        Box::pin(subnets(bench))
    }
}

impl Probe for Servers {
    fn shows(&self, setting: &Setting) -> Vec<String> {
        let Some(guest) = &setting.guest else {
            return Vec::new();
        };
        vec![format!(
            "assign {} to the scratch sites by hand for a moment; no client is in them, and what the server serves \
             already it goes on serving",
            guest.name
        )]
    }

    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        Box::pin(servers(bench))
    }
}

async fn subnets(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let [site, other] = bench.sites[..] else {
        return Ok(());
    };
    let [first, second] = bench.setting.subnets.map(Scratch::Subnet);
    let subnet = bench.create(&first, None).await?.guid;
    let kind = bench.profile.type_guid(TypeRole::Subnet);
    let name = first.to_string();
    bench
        .must(
            "the scratch subnet, by its name",
            async |reader| match kind {
                Some(kind) => Ok(reader.resource_named(&name, kind).await? == Some(subnet)),
                None => Ok(false),
            },
        )
        .await?;
    bench.report.verifies(
        "types.subnet",
        "a scratch subnet was created and found by its name",
    );
    wrong_types(bench, site, other).await?;
    if !membership(bench, Member::Subnet, subnet, [site, other]).await? {
        return Ok(());
    }
    bench.subnet = Some(subnet);
    // Deleted while it is joined.
    let joined = bench.create(&second, None).await?.guid;
    form(bench, Member::Subnet, joined, site).await?;
    bench
        .must("the second scratch subnet in its site", async |reader| {
            Ok(members(reader, Member::Subnet, site)
                .await?
                .contains(&joined))
        })
        .await?;
    bench.going_on()?;
    bench
        .writer
        .delete(joined)
        .await
        .map_err(|error| refusal("deleting a scratch subnet", error))?;
    let gone = bench
        .until("that a deleted subnet is in no site", async |reader| {
            Ok(!members(reader, Member::Subnet, site)
                .await?
                .contains(&joined))
        })
        .await?;
    let deleted = bench
        .until("that a subnet is deleted", async |reader| {
            Ok(reader.resource(joined).await?.is_none())
        })
        .await?;
    if deleted.at_all() {
        // Nobody needs to look for it again.
        let name = Name::new(&second.to_string());
        bench.note(Fact::ScratchGone { name }).await?;
    }
    if gone.at_all() {
        bench
            .report
            .proves("A24", "a subnet that was deleted in a site is in none");
    } else {
        bench.report.refutes(
            "A24",
            "a subnet that was deleted in a site is still shown in it",
        );
    }
    Ok(())
}

async fn servers(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let ([site, other], Some(guest)) = (&bench.sites[..], &bench.setting.guest) else {
        return Ok(());
    };
    let (sites, guest) = ([*site, *other], guest.guid);
    membership(bench, Member::Server, guest, sites).await?;
    Ok(())
}

fn refusal(what: &str, error: ScratchError) -> TrialError {
    TrialError::Write {
        what: what.to_owned(),
        error,
    }
}

/// Forms an association; for a server its name and site are in the journal before.
async fn form(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    site: Guid,
) -> Result<(), TrialError> {
    bench.going_on()?;
    if member == Member::Server {
        bench
            .note(Fact::ScratchAssigned { server: guid, site })
            .await?;
    }
    let sent = match member {
        Member::Subnet => bench.writer.join(guid, site).await,
        Member::Server => bench.writer.assign(site).await,
    };
    sent.map_err(|error| refusal(member.path(), error))
}

async fn part(
    bench: &Bench<'_>,
    member: Member,
    guid: Guid,
    site: Guid,
) -> Result<(), ScratchError> {
    match member {
        Member::Subnet => bench.writer.part(guid, site).await,
        Member::Server => bench.writer.release(guid, site).await,
    }
}

/// Tries to put a site into a site.
async fn wrong_types(bench: &mut Bench<'_>, site: Guid, other: Guid) -> Result<(), TrialError> {
    if Member::Subnet.association(&bench.profile).is_none() {
        return Ok(());
    }
    bench.going_on()?;
    match bench.writer.join(site, other).await {
        Ok(()) => {
            bench.report.refutes(
                "A11",
                "a site was put into a site as if it were a subnet, and taken out again",
            );
            bench
                .writer
                .part(site, other)
                .await
                .map_err(|error| refusal("taking a site out of a site", error))?;
        }
        Err(error) if error.refused() => bench
            .report
            .proves("A11", "putting a site into a site was refused"),
        Err(error) => bench.report.leaves("A11", chain(&error)),
    }
    Ok(())
}

/// The whole round trip of one membership; `false` where it cannot be made.
async fn membership(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    [site, other]: [Guid; 2],
) -> Result<bool, TrialError> {
    let path = member.path();
    if member.association(&bench.profile).is_none() {
        let why = format!("`{path}` is not known");
        bench.report.leaves(member.enough(), why);
        return Ok(false);
    }
    let unknown = bench.profile.calls.associated_type_argument.is_none();
    if unknown {
        bench.profile.calls.associated_type_argument = Some(AssociatedTypeArgument::Return);
        bench.learn();
    }
    directed(bench, member, guid, site).await?;
    if !visible(bench, member, guid, site).await? {
        return Ok(false);
    }
    if unknown && let Some(argument) = bench.profile.calls.associated_type_argument {
        let why = "so members of scratch sites are returned";
        bench.correct(Correction::TypeArgument(argument), why);
    }
    by_report(bench, member, guid, site).await?;
    if member == Member::Subnet
        && let Some(missing) = compare::beside_console(bench, guid).await?
    {
        bench.report.adds(member.enough(), &missing);
    }
    moved(bench, member, guid, [site, other]).await?;
    parted(bench, member, guid, [site, other]).await?;
    let how = match member {
        Member::Subnet => {
            "a scratch subnet was put into a scratch site, moved and taken out, read from both ends"
        }
        Member::Server => {
            "a server was assigned to scratch sites and taken out, read from both ends"
        }
    };
    bench.report.verifies(path, how);
    Ok(true)
}

/// Forms the association; where the server refuses it that way round, the other way round.
async fn directed(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    site: Guid,
) -> Result<(), TrialError> {
    let refused = match form(bench, member, guid, site).await {
        Ok(()) => return Ok(()),
        Err(TrialError::Write { what, error }) if error.refused() => {
            TrialError::Write { what, error }
        }
        Err(error) => return Err(error),
    };
    let Some(claimed) = member.association(&bench.profile).map(|found| found.parent) else {
        return Err(refused);
    };
    let reversed = if claimed == TypeRole::Site {
        member.role()
    } else {
        TypeRole::Site
    };
    let kept = bench.profile.clone();
    let associations = &mut bench.profile.associations;
    for association in [
        (member == Member::Subnet).then_some(&mut associations.subnet_to_site),
        (member == Member::Server).then_some(&mut associations.server_to_site),
    ]
    .into_iter()
    .flatten()
    .flatten()
    {
        association.parent = reversed;
    }
    bench.learn();
    if form(bench, member, guid, site).await.is_err() {
        bench.profile = kept;
        bench.learn();
        return Err(refused);
    }
    bench.profile = kept;
    let why = format!(
        "the server refuses a {} as the parent of `{}`, and takes a {}",
        claimed.as_str(),
        member.path(),
        reversed.as_str()
    );
    bench.correct(member.parent(reversed), &why);
    bench.report.refutes("A10", why);
    Ok(())
}

/// Reads the association from both ends, by the claimed type and by the other one; `false` where nothing shows it.
async fn visible(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    site: Guid,
) -> Result<bool, TrialError> {
    let seen = bench
        .until("that a member is in a site", async |reader| {
            Ok(member.sites(reader, guid).await?.contains(&site)
                && members(reader, member, site).await?.contains(&guid))
        })
        .await?;
    let what = match member {
        Member::Subnet => "a subnet that was put into a site",
        Member::Server => "a server that was assigned to a site",
    };
    if seen.at_all() {
        bench
            .report
            .proves("A09", format!("{what} was read from both ends"));
        bench
            .report
            .proves("A10", format!("{what} was read from both ends"));
        bench.report.proves(
            member.enough(),
            format!("{what} by the association alone is shown in it"),
        );
        return Ok(true);
    }
    let claimed = bench.profile.calls.associated_type_argument;
    let other = match claimed {
        Some(AssociatedTypeArgument::Given) => AssociatedTypeArgument::Return,
        _ => AssociatedTypeArgument::Given,
    };
    let mut trial = bench.profile.clone();
    trial.calls.associated_type_argument = Some(other);
    let reader = bench.reader().with_profile(Arc::new(trial));
    let by_other = member
        .sites(&reader, guid)
        .await
        .map_err(TrialError::Read)?;
    if by_other.contains(&site) {
        let why = "only with the type of the other resource is a member of a scratch site returned";
        bench.correct(Correction::TypeArgument(other), why);
        bench.report.refutes("A09", why);
        bench
            .report
            .proves(member.enough(), format!("{what} is shown in it"));
        return Ok(true);
    }
    let mut why = format!("{what} is not shown in it, although the server took it");
    if member == Member::Subnet
        && let Some(missing) = compare::beside_console(bench, guid).await?
    {
        why = format!("{why}; {missing}");
    }
    bench.report.refutes(member.enough(), why.clone());
    bench.report.lowers(member.path(), why);
    Ok(false)
}

/// Reads the association by the installed report, where there is one.
async fn by_report(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    site: Guid,
) -> Result<(), TrialError> {
    let found = member.association(&bench.profile);
    let (Some(report), Some((kind, parent))) = (
        bench.profile.reports.known(ReportKind::Associations),
        found.and_then(|found| Some((found.guid?, found.parent))),
    ) else {
        return Ok(());
    };
    let pair = if parent == TypeRole::Site {
        (site, guid)
    } else {
        (guid, site)
    };
    match bench.reader().associations(report, kind).await {
        Ok(pairs) => {
            bench
                .report
                .proves("A19", "the report of associations was run");
            if pairs.contains(&pair) {
                bench
                    .report
                    .proves("A18", "the report of associations shows what was joined");
            } else {
                bench.report.refutes(
                    "A18",
                    "the report of associations does not show what calls do",
                );
            }
            Ok(())
        }
        Err(error) if error.fatal() => Err(TrialError::Read(error)),
        Err(error) => {
            bench.report.refutes(
                "A19",
                format!("the report of associations cannot be run: {error}"),
            );
            Ok(())
        }
    }
}

/// Puts the member into another site, and sees whether that ends the first membership.
async fn moved(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    [site, other]: [Guid; 2],
) -> Result<(), TrialError> {
    form(bench, member, guid, other).await?;
    bench
        .must("a member in the second scratch site", async |reader| {
            Ok(member.sites(reader, guid).await?.contains(&other))
        })
        .await?;
    let now = member
        .sites(bench.reader(), guid)
        .await
        .map_err(TrialError::Read)?;
    let replaces = !now.contains(&site);
    let claimed = member
        .association(&bench.profile)
        .and_then(|found| found.replaces);
    let why = if replaces {
        "put into a second scratch site, the member was in the first no more"
    } else {
        "put into a second scratch site, the member was in both"
    };
    if member == Member::Subnet {
        match (claimed, replaces) {
            (Some(true) | None, true) => bench.report.proves("A02", why),
            (Some(false), true) => bench.report.refutes("A03", why),
            (Some(true), false) => bench.report.refutes("A02", why),
            (Some(false) | None, false) => bench.report.proves("A03", why),
        }
        let (holds, not) = if replaces {
            ("A02", "A03")
        } else {
            ("A03", "A02")
        };
        bench.report.leaves(holds, why);
        bench
            .report
            .leaves(not, format!("it does not apply: {why}"));
        if replaces {
            bench.report.proves("A01", why);
        } else {
            bench.report.refutes("A01", why);
        }
    }
    if claimed != Some(replaces) {
        bench.correct(member.replaces(replaces), why);
    }
    Ok(())
}

/// Takes the member out of both sites, and once more out of one.
async fn parted(
    bench: &mut Bench<'_>,
    member: Member,
    guid: Guid,
    [site, other]: [Guid; 2],
) -> Result<(), TrialError> {
    let now: BTreeSet<Guid> = member
        .sites(bench.reader(), guid)
        .await
        .map_err(TrialError::Read)?;
    for left in [site, other] {
        if now.contains(&left) {
            bench.going_on()?;
            part(bench, member, guid, left)
                .await
                .map_err(|error| refusal("taking a member out of a scratch site", error))?;
        }
    }
    bench
        .must("that a member is in no scratch site", async |reader| {
            let sites: Result<BTreeSet<Guid>, ReadError> = member.sites(reader, guid).await;
            let sites = sites?;
            Ok(!sites.contains(&site) && !sites.contains(&other))
        })
        .await?;
    if member == Member::Subnet {
        bench.going_on()?;
        match part(bench, member, guid, other).await {
            Ok(()) => bench.report.proves(
                "A26",
                "taking a subnet out of a site that it is not in did nothing",
            ),
            Err(error) if error.refused() => bench.report.refutes(
                "A26",
                format!(
                    "taking a subnet out of a site that it is not in is refused: {}",
                    chain(&error)
                ),
            ),
            Err(error) => bench.report.leaves("A26", chain(&error)),
        }
    }
    Ok(())
}
