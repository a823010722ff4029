//! The lock as an object: who holds it, renewed by replacing it on its entity tag.
//!
//! I/O. A holder that dies leaves the object behind. It counts as abandoned once it has been watched for as long as its
//! lease lasts and its entity tag stayed the same all the while, on the monotonic clock of whoever waits. That trusts
//! no clock of another machine and no setting of our own: the times of an answer are those of whichever machine of the
//! server wrote it, and a server whose clock was set forward would give away the lock of somebody who is at work. It
//! costs whoever comes after a crash the time of one lease.
//!
//! The holder's own deadline counts from before the request that renewed it, and whoever waits counts from after the
//! answer that showed it: the holder gives up first. An object is never removed, so that every change of hands is a
//! replacement of what was read.

#![expect(
    clippy::disallowed_methods,
    reason = "renews a lease in time, watches that of another, makes up a token"
)]

use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::objects::{Condition, Object, Objects, Put};
use super::{PATIENCE, S3Backend};
use crate::model::Holder;
use crate::state::error::LockError;
use crate::state::lock::{Kind, Lease, Lock, Until};

/// What stands in the object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    format_version: u32,
    /// Made up by the holder: tells it from every other.
    token: String,
    /// `None` once it is free.
    pub(super) holder: Option<Holder>,
    /// How long the lease lasts after each renewal, in milliseconds.
    lease_milliseconds: u64,
    /// Counts the renewals: each writes other bytes, and gets another entity tag.
    renewal: u64,
}

impl Note {
    const FORMAT_VERSION: u32 = 1;

    pub(super) fn encode(&self) -> io::Result<Bytes> {
        Ok(serde_json::to_vec(self)?.into())
    }

    pub(super) fn decode(object: &Object) -> io::Result<Self> {
        let note: Self = serde_json::from_slice(&object.bytes)?;
        if note.format_version == Self::FORMAT_VERSION {
            Ok(note)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "expected formatVersion {}, found {}",
                    Self::FORMAT_VERSION,
                    note.format_version
                ),
            ))
        }
    }

    /// The same, in nobody's hands.
    pub(super) fn freed(self) -> Self {
        Self {
            holder: None,
            ..self
        }
    }

    fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_milliseconds)
    }
}

/// The lock in the hands of another, as it was seen first.
#[derive(Debug)]
pub(super) struct Watched {
    tag: String,
    since: Instant,
}

impl S3Backend {
    pub(super) fn lock_key(&self) -> String {
        format!("{}/lock.json", self.stem)
    }

    /// Takes the lock, or tells who has it: at once where its lease seems to be under way, else as soon as it was
    /// watched for long enough to know.
    pub(in crate::state) async fn try_lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        self.checks
            .get_or_try_init(|| self.check_conditions())
            .await?;
        let mut watched = self.watched.lock().await;
        let mut first = true;
        loop {
            let failed = |source| self.lock_failed(source);
            let found = self.objects.get(&self.lock_key()).await.map_err(failed)?;
            let Some(object) = found else {
                match self.take(holder, None, None).await? {
                    Some(lock) => return Ok(lock),
                    None => continue,
                }
            };
            let note = Note::decode(&object).map_err(failed)?;
            let Some(other) = note.holder.clone() else {
                match self.take(holder, Some(&object), None).await? {
                    Some(lock) => return Ok(lock),
                    None => continue,
                }
            };
            let now = Instant::now();
            let held = LockError::Held {
                platform: self.platform.clone(),
                holder: Some(Box::new(other.clone())),
            };
            let since = match &*watched {
                Some(seen) if seen.tag == object.tag => seen.since,
                // It was renewed, or changed hands: its holder lives.
                Some(_) if !first => return Err(held),
                _ => {
                    *watched = Some(Watched {
                        tag: object.tag.clone(),
                        since: now,
                    });
                    now
                }
            };
            if now.duration_since(since) >= note.lease() {
                match self.take(holder, Some(&object), Some(other)).await? {
                    Some(lock) => {
                        *watched = None;
                        return Ok(lock);
                    }
                    None => continue,
                }
            }
            // A guess by two clocks, which decides whether it is worth while to watch it now, and nothing else.
            let quiet = object.modified.is_none_or(|modified| {
                jiff::Timestamp::now()
                    .duration_since(modified)
                    .unsigned_abs()
                    > note.lease()
            });
            let pause =
                (note.lease() / 30).clamp(Duration::from_millis(50), Duration::from_secs(2));
            if !quiet {
                // Whoever waits for it asks again at once.
                tokio::time::sleep(pause).await;
                return Err(held);
            }
            if first {
                tracing::warn!(
                    "the lock of the state is held by {other}, which has not renewed its lease of {} seconds; it is \
                     watched for that long before it is taken over",
                    note.lease().as_secs()
                );
            }
            first = false;
            tokio::time::sleep(pause).await;
        }
    }

    /// Writes itself down as the holder instead of what was read; `None` where somebody else was quicker.
    async fn take(
        &self,
        holder: &Holder,
        instead_of: Option<&Object>,
        taken_over: Option<Holder>,
    ) -> Result<Option<Lock>, LockError> {
        let failed = |source| self.lock_failed(source);
        let note = Note {
            format_version: Note::FORMAT_VERSION,
            token: uuid::Uuid::new_v4().to_string(),
            holder: Some(holder.clone()),
            lease_milliseconds: u64::try_from(self.lease.as_millis()).unwrap_or(u64::MAX),
            renewal: 0,
        };
        let condition =
            instead_of.map_or(Condition::Absent, |object| Condition::Tagged(&object.tag));
        let begun = Instant::now();
        let bytes = note.encode().map_err(failed)?;
        let put = self
            .objects
            .put_if(&self.lock_key(), bytes, condition, PATIENCE)
            .await
            .map_err(failed)?;
        let Put::Done(tag) = put else {
            return Ok(None);
        };
        let (until, lease) = watch::channel(Until {
            deadline: begun + self.lease,
            lost: None,
        });
        let end = CancellationToken::new();
        let keeper = Keeper {
            objects: self.objects.clone(),
            key: self.lock_key(),
            note,
            tag,
            until,
        };
        let held = S3Lease {
            objects: self.objects.clone(),
            key: self.lock_key(),
            token: keeper.note.token.clone(),
            keeping: tokio::spawn(keeper.keep(begun, end.clone())),
            end: end.drop_guard(),
        };
        Ok(Some(Lock {
            kind: Kind::S3(held),
            lease: Lease::renewed(lease),
            taken_over,
        }))
    }
}

/// What renews a lease.
struct Keeper {
    objects: Objects,
    key: String,
    note: Note,
    tag: String,
    until: watch::Sender<Until>,
}

impl Keeper {
    /// Renews it at a third of its time until it is freed or lost.
    async fn keep(self, begun: Instant, end: CancellationToken) {
        tokio::select! {
            // A request under way is given up: what became of it is looked up before the lock is freed.
            () = end.cancelled() => {}
            () = self.renewals(begun) => {}
        }
    }

    async fn renewals(mut self, begun: Instant) {
        let lease = self.note.lease();
        let mut next = begun + lease / 3;
        loop {
            tokio::time::sleep_until(next).await;
            let begun = Instant::now();
            match self.renew().await {
                Ok(None) => {
                    self.until.send_replace(Until {
                        deadline: begun + lease,
                        lost: None,
                    });
                    next = begun + lease / 3;
                }
                Ok(Some(why)) => {
                    tracing::warn!(why, "the lease of the state is lost");
                    self.until.send_modify(|until| until.lost = Some(why));
                    return;
                }
                // Until its time is over it may still be renewed, and after that as long as nobody took it over.
                Err(error) => {
                    tracing::warn!(%error, "the lease of the state could not be renewed");
                    next = Instant::now() + lease / 30;
                }
            }
        }
    }

    /// Replaces the object by one that differs in a number. Gives why it cannot, where it is no longer ours.
    async fn renew(&mut self) -> io::Result<Option<String>> {
        let patience = self.note.lease() / 4;
        loop {
            self.note.renewal += 1;
            let bytes = self.note.encode()?;
            let put = self
                .objects
                .put_if(&self.key, bytes, Condition::Tagged(&self.tag), patience)
                .await?;
            match put {
                Put::Done(tag) => {
                    self.tag = tag;
                    return Ok(None);
                }
                Put::Refused(None) => return Ok(Some("its object is gone".into())),
                Put::Refused(Some(object)) => {
                    let found = Note::decode(&object)?;
                    if found.token != self.note.token {
                        return Ok(Some(match found.holder {
                            Some(other) => format!("it was taken over by {other}"),
                            None => "it was taken over and freed again".into(),
                        }));
                    }
                    // A renewal that had been given up went through after all.
                    self.tag = object.tag;
                }
            }
        }
    }
}

/// A lock that is held by a lease. Dropped without [`S3Lease::free`] it is renewed no more.
#[derive(Debug)]
pub(in crate::state) struct S3Lease {
    objects: Objects,
    key: String,
    token: String,
    keeping: JoinHandle<()>,
    end: DropGuard,
}

impl S3Lease {
    /// Marks the lock as free, where it still is ours.
    pub(in crate::state) async fn free(self) {
        let Self {
            objects,
            key,
            token,
            keeping,
            end,
        } = self;
        drop(end);
        // It ends by itself, and what it says then is of no use.
        let _ = keeping.await;
        if let Err(error) = freed(&objects, &key, &token).await {
            tracing::warn!(%error, "the lock of the state could not be freed; it runs out by itself");
        }
    }
}

async fn freed(objects: &Objects, key: &str, token: &str) -> io::Result<()> {
    loop {
        let Some(object) = objects.get(key).await? else {
            return Ok(());
        };
        let note = Note::decode(&object)?;
        if note.token != token || note.holder.is_none() {
            return Ok(());
        }
        let free = note.freed();
        let condition = Condition::Tagged(&object.tag);
        match objects
            .put_if(key, free.encode()?, condition, PATIENCE)
            .await?
        {
            Put::Done(_) => return Ok(()),
            // A last renewal overtook it; or it is another's now, which the next look tells.
            Put::Refused(_) => {}
        }
    }
}
