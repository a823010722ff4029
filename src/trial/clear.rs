//! Clears scratch objects away and reads that nothing is left.
//!
//! I/O, through the scratch writer and the journal. Goes on over faults: what cannot be cleared is named at the end and
//! stays in the journal for the next time. A server may show late what was written, so that one look that finds nothing
//! is no proof for something whose creation may have gone through.

#![expect(clippy::disallowed_methods, reason = "waits for the server")]

use std::collections::BTreeSet;
use std::time::Duration;

use super::bench::Outside;
use super::member::{Member, members};
use super::remains::Remains;
use crate::journal::{Fact, JournalError};
use crate::model::{Guid, Name};
use crate::smp::{Claim, ReadError, Scratch, ScratchError, ScratchWriter, SendError, chain};

/// How often something is looked for that an answer did not tell of, and the pause before the next look.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(150);
/// How often a deletion is tried again after a fault that may pass.
const ATTEMPTS: u32 = 4;

/// What was cleared away, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Objects that are gone now, and were there.
    pub deleted: Vec<String>,
    /// Objects that are left, each with why.
    pub left: Vec<(String, String)>,
}

/// Clears away what remains.
///
/// # Guarantees
/// Nothing is deleted that is not scratch: names are looked at again before anything that was not born in this run is
/// touched. What is gone is noted in the journal.
///
/// # Errors
/// Where the journal cannot be kept.
pub async fn clear(
    writer: &mut ScratchWriter,
    outside: &mut Outside<'_>,
    remains: &Remains,
    born: &BTreeSet<Guid>,
) -> Result<Cleared, JournalError> {
    let mut cleared = Cleared::default();
    let sites = remains.sites();
    for (scratch, guids) in remains.objects() {
        let name = scratch.to_string();
        match object(
            writer,
            outside.settle,
            remains,
            &sites,
            born,
            &scratch,
            guids,
        )
        .await
        {
            Ok(deleted) => {
                if deleted {
                    cleared.deleted.push(name.clone());
                }
                let fact = Fact::ScratchGone {
                    name: Name::new(&name),
                };
                outside
                    .journal
                    .append(outside.run, (outside.clock)(), fact)
                    .await?;
            }
            Err(why) => cleared.left.push((name, why)),
        }
    }
    Ok(cleared)
}

/// Clears one object away, and whatever else has its name; says whether there was anything.
async fn object(
    writer: &mut ScratchWriter,
    settle: Duration,
    remains: &Remains,
    sites: &BTreeSet<Guid>,
    born: &BTreeSet<Guid>,
    scratch: &Scratch,
    guids: BTreeSet<Guid>,
) -> Result<bool, String> {
    let mut gone: BTreeSet<Guid> = BTreeSet::new();
    for guid in guids {
        let ours = born.contains(&guid) || claimed(writer, guid).await?;
        if ours {
            remove(writer, remains, sites, scratch, guid).await?;
            gone.insert(guid);
        }
    }
    // By name: what an answer did not tell of, and doubles. What this run created it knows.
    let most = if !gone.is_empty() && gone.is_subset(born) {
        1
    } else {
        LOOKS
    };
    let mut looks = 0;
    loop {
        match writer.find(scratch).await.map_err(|error| told(&error))? {
            Some(guid) if !gone.contains(&guid) => {
                remove(writer, remains, sites, scratch, guid).await?;
                gone.insert(guid);
                looks = 0;
            }
            // A late read shows what is deleted already.
            Some(_) | None => {
                looks += 1;
                if looks >= most {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    let begun = tokio::time::Instant::now();
    for guid in &gone {
        while let Some(found) = writer
            .reader()
            .resource(*guid)
            .await
            .map_err(|error| told(&error))?
        {
            if begun.elapsed() > settle.max(PAUSE * LOOKS) {
                return Err(format!("{} is still there", found.guid));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(!gone.is_empty())
}

fn told(error: &ReadError) -> String {
    error.to_string()
}

/// Whether a resource of an earlier run is there and is scratch.
async fn claimed(writer: &mut ScratchWriter, guid: Guid) -> Result<bool, String> {
    for look in 1..=LOOKS {
        match writer.claim(guid).await.map_err(|error| told(&error))? {
            Claim::Ours => return Ok(true),
            Claim::Foreign(why) => return Err(format!("{guid} is not touched: {why}")),
            Claim::Gone if look < LOOKS => tokio::time::sleep(PAUSE).await,
            Claim::Gone => {}
        }
    }
    Ok(false)
}

/// Parts a scratch object from everything and deletes it; one that is gone already is as good.
async fn remove(
    writer: &ScratchWriter,
    remains: &Remains,
    sites: &BTreeSet<Guid>,
    scratch: &Scratch,
    guid: Guid,
) -> Result<(), String> {
    match scratch {
        Scratch::Subnet(_) => {
            // Only its own sites, which a deletion would leave joined with nothing on some servers.
            let seen = Member::Subnet.sites(writer.reader(), guid).await;
            for site in seen.unwrap_or_default().intersection(sites) {
                if let Err(error) = writer.part(guid, *site).await {
                    tracing::debug!(%error, "a scratch subnet could not be parted");
                }
            }
        }
        Scratch::Site(_) => {
            let mut servers = remains.servers_of(guid);
            // Where reads of servers are not possible the journal knows them.
            if let Ok(seen) = members(writer.reader(), Member::Server, guid).await {
                servers.extend(seen);
            }
            for server in servers {
                match writer.release(server, guid).await {
                    Ok(()) => {}
                    Err(error) if error.does_not_exist() || error.refused() => {
                        tracing::debug!(%error, "a server was not assigned to a scratch site any more");
                    }
                    Err(error) => return Err(format!("a server is still assigned to it: {error}")),
                }
            }
        }
    }
    let mut attempt = 1;
    loop {
        match writer.delete(guid).await {
            Ok(()) => return Ok(()),
            Err(error) if error.does_not_exist() => return Ok(()),
            Err(ScratchError::Send(
                error @ (SendError::Transient(_) | SendError::Unknown(_) | SendError::Read(_)),
            )) if attempt < ATTEMPTS => {
                tracing::warn!(%error, attempt, "a scratch object was not deleted; trying again");
                attempt += 1;
                tokio::time::sleep(PAUSE * attempt).await;
            }
            Err(error) => return Err(chain(&error)),
        }
    }
}
