//! What was read last, kept for a plan that is made without reading: [`Snapshot`] with its time and scope ⇄ bytes.
//!
//! Pure. The first line is a header in JSON, what follows is the snapshot, gzip over JSON. It is a cache: a format that is
//! not this one, or bytes that are damaged, are as good as none. *Unseen is not absent* holds here too: what a
//! declaration needs and the refresh was not asked for is unavailable ([`Kept::for_scope`]).

use std::io::{self, BufWriter, Read as _, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Scope;
use crate::model::{Guid, Name, Observed, Snapshot};

/// A snapshot that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// When it was read, RFC 3339.
    pub taken_at: String,
    /// The number of the last journal record that was known then: what runs did since is not in it.
    pub journal_sequence: u64,
    /// What the refresh was asked for.
    pub scope: Scope,
    /// What it found.
    pub snapshot: Snapshot,
}

/// Why bytes are no snapshot that can be used.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// It has no header, or an unknown one.
    #[error("expected a snapshot, found something else")]
    Header,
    /// Another version of the program wrote it.
    #[error(
        "expected a snapshot of format version {}, found {found}",
        Header::FORMAT_VERSION
    )]
    Version {
        /// The version found.
        found: u32,
    },
    /// It is not what was written.
    #[error("the checksum of the snapshot is another one")]
    Checksum,
    /// It cannot be unpacked.
    #[error("the snapshot cannot be unpacked")]
    Unpack(#[source] io::Error),
    /// It is not of the right shape.
    #[error("the snapshot holds something unexpected")]
    Shape(#[source] serde_json::Error),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    format_version: u32,
    taken_at: String,
    journal_sequence: u64,
    /// SHA-256 of the body as it is unpacked, in hexadecimal.
    checksum: String,
}

impl Header {
    const FORMAT_VERSION: u32 = 1;
}

/// What is read before anything else: another version may hold anything.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    format_version: u32,
}

impl Kept {
    /// The bytes of a snapshot with what belongs to it.
    ///
    /// # Guarantees
    /// The same arguments give the same bytes.
    ///
    /// # Errors
    /// None but of a lack of memory.
    pub fn encode(
        taken_at: &str,
        journal_sequence: u64,
        scope: &Scope,
        snapshot: &Snapshot,
    ) -> io::Result<Vec<u8>> {
        // A large one is packed while somebody waits: fast is small enough. It is never there as a whole, unpacked.
        let packer = Summed {
            sum: Sha256::new(),
            to: GzEncoder::new(Vec::new(), Compression::fast()),
        };
        let mut body = BufWriter::with_capacity(1 << 16, packer);
        serde_json::to_writer(&mut body, &(scope, snapshot))?;
        let Summed { sum, to } = body.into_inner().map_err(io::IntoInnerError::into_error)?;
        let header = Header {
            format_version: Header::FORMAT_VERSION,
            taken_at: taken_at.to_owned(),
            journal_sequence,
            checksum: hex::encode(sum.finalize()),
        };
        let mut bytes = serde_json::to_vec(&header)?;
        bytes.push(b'\n');
        bytes.append(&mut to.finish()?);
        Ok(bytes)
    }

    /// Reads them again.
    ///
    /// # Errors
    /// [`KeptError`]: they are of no use then.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeptError> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (header, packed) = bytes.split_at(end.ok_or(KeptError::Header)?);
        let Version { format_version } =
            serde_json::from_slice(header).map_err(|_| KeptError::Header)?;
        if format_version != Header::FORMAT_VERSION {
            return Err(KeptError::Version {
                found: format_version,
            });
        }
        let header: Header = serde_json::from_slice(header).map_err(|_| KeptError::Header)?;
        let mut body = Vec::new();
        GzDecoder::new(packed.get(1..).unwrap_or_default())
            .read_to_end(&mut body)
            .map_err(KeptError::Unpack)?;
        if hex::encode(Sha256::digest(&body)) != header.checksum {
            return Err(KeptError::Checksum);
        }
        let (scope, snapshot) = serde_json::from_slice(&body).map_err(KeptError::Shape)?;
        Ok(Self {
            taken_at: header.taken_at,
            journal_sequence: header.journal_sequence,
            scope,
            snapshot,
        })
    }

    /// What it says for a scope: parts that the refresh was not asked for are unavailable, never absent.
    #[must_use]
    pub fn for_scope(self, needed: &Scope) -> Snapshot {
        let Self {
            taken_at,
            journal_sequence: _, // of the state
            scope: asked,
            mut snapshot,
        } = self;
        if asked.everything {
            return snapshot;
        }
        let reason = format!("it was not asked for at the last refresh, on {taken_at}");
        let unasked = |name: &&Name| !asked.servers.contains(*name);
        snapshot.unasked = needed.servers.iter().filter(unasked).cloned().collect();
        // Of what of ours no list shows, the refresh asked for each by itself.
        let own_sites = needed.own_sites.keys();
        let own_sites = own_sites.filter(|guid| !asked.own_sites.contains_key(guid));
        let own_subnets = needed.own_subnets.keys();
        let own_subnets = own_subnets.filter(|guid| !asked.own_subnets.contains_key(guid));
        let unknown: Vec<Guid> = own_sites.chain(own_subnets).copied().collect();
        for guid in unknown {
            let untold = Observed::Unavailable(reason.clone());
            snapshot.unlisted.entry(guid).or_insert(untold);
        }
        // What is asked of each declared object is known of no other.
        if !(needed.sites.is_subset(&asked.sites) && needed.subnets.is_subset(&asked.subnets)) {
            snapshot.surroundings.hierarchy = Observed::Unavailable(reason.clone());
            snapshot.surroundings.imported = Observed::Unavailable(reason.clone());
        }
        if needed.capture_target && !asked.capture_target {
            snapshot.capture_target = Observed::Unavailable(reason);
        }
        // Descriptions, Constrain to Site, assignments, holders and tasks say by themselves that nobody asked.
        snapshot
    }
}

/// Sums up what it hands on.
struct Summed<W> {
    sum: Sha256,
    to: W,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::diff::diff;
    use crate::model::Desired;
    use crate::model::testing::{Seen, desired, world};

    const TIME: &str = "2026-11-25T12:00:00Z";

    fn office() -> Seen {
        world()
            .server("S1", &["10.0.0.1"], "package task")
            .site("HQ")
            .subnet("10.0.0.0/24", &["HQ"])
            .subnet("no network", &[])
            .package("Win11", "all", &["S1"])
    }

    fn kept(seen: &Seen, desired: &Desired) -> Kept {
        let scope = Scope::of(desired, None).remembering(&seen.ownership);
        let bytes = Kept::encode(TIME, 41, &scope, &seen.snapshot).unwrap();
        let kept = Kept::decode(&bytes).unwrap();
        assert_eq!(kept.scope, scope);
        assert_eq!(kept.snapshot, seen.snapshot);
        assert_eq!((kept.taken_at.as_str(), kept.journal_sequence), (TIME, 41));
        assert_eq!(
            Kept::encode(TIME, 41, &scope, &kept.snapshot).unwrap(),
            bytes
        );
        kept
    }

    #[test]
    fn is_read_as_it_was_kept() {
        let seen = office();
        kept(&seen, &desired());
        // What could not be read stays so.
        let blind = seen.but(|snapshot| {
            snapshot.subnets = Observed::Unavailable("denied".into());
            snapshot.surroundings.can_constrain = false;
        });
        kept(&blind, &desired().site("HQ").servers("HQ", &["S1"]));
    }

    #[test]
    fn what_is_damaged_is_none() {
        let scope = Scope::default();
        let good = Kept::encode(TIME, 1, &scope, &office().snapshot).unwrap();
        let failed = |bytes: &[u8]| Kept::decode(bytes).unwrap_err().to_string();
        assert!(failed(b"").contains("found something else"));
        assert!(failed(b"{}\n").contains("found something else"));
        assert!(failed(b"{\"formatVersion\":2}\n").contains("format version 1, found 2"));
        assert!(failed(&good[..good.len() - 20]).contains("cannot be unpacked"));
        let end = good.iter().position(|byte| *byte == b'\n').unwrap();
        let mut other = Kept::encode(TIME, 1, &scope, &world().snapshot).unwrap();
        let body = other.split_off(other.iter().position(|byte| *byte == b'\n').unwrap());
        let mixed = [&good[..end], &body].concat();
        assert!(failed(&mixed).contains("checksum"));
    }

    /// What blocks a declaration on a snapshot that was read for another one.
    #[track_caller]
    fn check(before: &Desired, now: &Desired, seen: &Seen, expect: &[(&str, &str)]) {
        let needed = Scope::of(now, None).remembering(&seen.ownership);
        let mut kept = kept(seen, before);
        // As a refresh with the scope of before would have left it.
        if !kept.scope.capture_target {
            kept.snapshot.capture_target = Observed::Unavailable("it was not asked for".into());
        }
        let snapshot = kept.for_scope(&needed);
        let found = diff(now, &snapshot, &seen.ownership, true);
        let blocked: Vec<(&str, &str)> = found
            .blocked
            .iter()
            .map(|one| (one.code, one.object.as_str()))
            .collect();
        assert_eq!(blocked, expect, "{:?}", found.blocked);
        for one in &found.blocked {
            assert!(one.reason.contains("not asked for"), "{}", one.reason);
        }
    }

    #[test]
    fn what_was_not_asked_for_is_blocked_and_never_absent() {
        let seen = office();
        let site = || desired().site("HQ").subnets("HQ", &["10.0.0.0/24"]);
        check(&site(), &site(), &seen, &[]);
        // The server may be there: nobody looked. One that happens to be known may not be the only one of its name.
        let with_server = |name| site().servers("HQ", &[name]);
        check(
            &site(),
            &with_server("S9"),
            &seen,
            &[("SW0506", "server `S9`")],
        );
        check(
            &site(),
            &with_server("S1"),
            &seen,
            &[("SW0506", "server `S1`")],
        );
        check(&with_server("S1"), &with_server("S1"), &seen, &[]);
    }

    #[test]
    fn what_is_ours_since_and_not_listed_is_not_gone() {
        let mut seen = office();
        let before = Scope::of(&desired(), None);
        let bytes = Kept::encode(TIME, 41, &before, &seen.snapshot).unwrap();
        let guid = Guid::from_u128(0x9999);
        seen.ownership.sites.insert(
            guid,
            crate::model::Owned {
                name: Name::new("New"),
                how: crate::model::Held::Created,
                protected: false,
            },
        );
        let needed = before.clone().remembering(&seen.ownership);
        let snapshot = Kept::decode(&bytes).unwrap().for_scope(&needed);
        assert!(snapshot.unlisted[&guid].reason().unwrap().contains(TIME));
        let found = diff(&desired(), &snapshot, &seen.ownership, true);
        assert!(found.found.is_empty(), "{:?}", found.found);
        assert_eq!(found.blocked.len(), 1);
    }
}
