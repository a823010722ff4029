//! The lock as an object: who holds it, renewed by replacing it on its entity tag.
//!
//! I/O. It is renewed over connections of its own (`renewal`). A holder that dies leaves the object behind. It counts
//! as abandoned once it has been watched for as long as its lease lasts and its entity tag stayed the same all the
//! while, on the monotonic clock of whoever waits. That trusts no clock of another machine and no setting of our own:
//! the times of an answer are those of whichever machine of the server wrote it, and a server whose clock was set
//! forward would give away the lock of somebody who is at work. It costs whoever comes after a crash the time of one
//! lease.
//!
//! The holder's own deadline counts from before the request that renewed it, and whoever waits counts from after the
//! answer that showed it: the holder gives up first. An object is never removed, so that every change of hands is a
//! replacement of what was read.

#![expect(
    clippy::disallowed_methods,
    reason = "watches the lease of another, makes up a token"
)]

use std::error::Error;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::objects::{Condition, Object, Objects, Put};
use super::{PATIENCE, S3Backend};
use crate::model::Holder;
use crate::state::error::LockError;
use crate::state::lock::{Kind, Lock};
use crate::state::renewal::{Renewable, Renewal, Renewed};
use crate::state::under_way::UnderWay;

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
        // Connections are driven by the runtime that opened them, and this one may be stopped by what the program does.
        let objects =
            Objects::new(&self.options).map_err(|error| failed(io::Error::other(error)))?;
        let note = Note {
            format_version: Note::FORMAT_VERSION,
            token: uuid::Uuid::new_v4().to_string(),
            holder: Some(holder.clone()),
            lease_milliseconds: u64::try_from(self.options.lease.as_millis()).unwrap_or(u64::MAX),
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
        let token = note.token.clone();
        let kept = Kept {
            objects,
            key: self.lock_key(),
            note,
            tag,
        };
        let (renewed, lease) =
            Renewed::begin(kept, self.options.lease, begun, token, &self.token).map_err(failed)?;
        Ok(Some(Lock {
            kind: Kind::Leased(renewed),
            lease,
            taken_over,
            under_way: UnderWay::default(),
        }))
    }

    /// Whether the lock is still ours, where this process holds it. What is found may be over a moment later: writes are
    /// kept apart by their conditions, and this tells a holder that slept of its loss before it tries.
    pub(super) async fn is_ours(&self) -> io::Result<bool> {
        let Some(token) = self.token.get() else {
            return Ok(true);
        };
        let Some(object) = self.objects.get(&self.lock_key()).await? else {
            return Ok(false);
        };
        let note = Note::decode(&object)?;
        Ok(note.token == token && note.holder.is_some())
    }
}

/// The object of a lock that is ours.
struct Kept {
    objects: Objects,
    key: String,
    note: Note,
    tag: String,
}

impl Renewable for Kept {
    /// Replaces the object by one that differs in a number.
    async fn renew(&mut self) -> Result<Renewal, Box<dyn Error>> {
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
                    return Ok(Renewal::Ours);
                }
                Put::Refused(None) => return Ok(Renewal::Lost("its object is gone".into())),
                Put::Refused(Some(object)) => {
                    let found = Note::decode(&object)?;
                    let ours = found.token == self.note.token;
                    match found.holder {
                        // A renewal that had been given up went through after all.
                        Some(_) if ours => self.tag = object.tag,
                        Some(other) => {
                            return Ok(Renewal::Lost(format!("it was taken over by {other}")));
                        }
                        None if ours => {
                            return Ok(Renewal::Lost("somebody ended it by hand".into()));
                        }
                        None => {
                            let why = "it was taken over and freed again";
                            return Ok(Renewal::Lost(why.into()));
                        }
                    }
                }
            }
        }
    }

    /// Marks the lock as free, where it still is ours.
    async fn give_back(&mut self) -> Result<(), Box<dyn Error>> {
        loop {
            let Some(object) = self.objects.get(&self.key).await? else {
                return Ok(());
            };
            let note = Note::decode(&object)?;
            if note.token != self.note.token || note.holder.is_none() {
                return Ok(());
            }
            let free = note.freed();
            let condition = Condition::Tagged(&object.tag);
            let put = self
                .objects
                .put_if(&self.key, free.encode()?, condition, PATIENCE)
                .await?;
            match put {
                Put::Done(_) => return Ok(()),
                // A last renewal overtook it; or it is another's now, which the next look tells.
                Put::Refused(_) => {}
            }
        }
    }
}
