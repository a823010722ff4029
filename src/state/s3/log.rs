//! The journal as objects: each holds the records of one flush and is named after the number of its first one.
//!
//! I/O. An object is created and never changed, so that no record is ever half there. Who has lost the lock without
//! knowing it tries to create an object that its successor has created already, and is refused.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};

use super::objects::{Condition, Objects, Put};
use super::{PATIENCE, S3Backend};
use crate::journal::{Entry, JournalError, Scan, scan};
use crate::state::file_log::at_place;

/// How many objects are read at a time.
const READ_AT_ONCE: usize = 16;

/// Where objects of records are added.
#[derive(Debug)]
pub(in crate::state) struct S3Log {
    objects: Objects,
    folder: String,
}

impl S3Log {
    /// Finds the end of the journal. Nothing is written before there is a record.
    pub(in crate::state) async fn open(backend: &S3Backend) -> Result<(Self, Scan), JournalError> {
        // Of the last object alone.
        let scan = backend.records(u64::MAX, &mut |_| {}).await?;
        let log = Self {
            objects: backend.objects.clone(),
            folder: backend.journal_folder(),
        };
        Ok((log, scan))
    }

    pub(in crate::state) async fn append(
        &mut self,
        first: u64,
        lines: &[u8],
    ) -> Result<(), JournalError> {
        let put = self
            .objects
            .put_if(
                &key(&self.folder, first),
                Bytes::copy_from_slice(lines),
                Condition::Absent,
                PATIENCE,
            )
            .await;
        let place = self.objects.place(&self.folder);
        match put {
            Ok(Put::Done(_)) => Ok(()),
            Ok(Put::Refused(_)) => Err(JournalError::Overtaken {
                place,
                record: first,
            }),
            Err(source) => Err(JournalError::Append { place, source }),
        }
    }
}

impl S3Backend {
    pub(in crate::state) async fn records(
        &self,
        after: u64,
        each: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Scan, JournalError> {
        let place = self.journal_place();
        let lines = match self.lines_from(after).await {
            Ok(lines) => lines,
            Err(source) => return Err(JournalError::Read { place, source }),
        };
        scan(&*lines, after, each).map_err(|error| at_place(place, error))
    }

    /// Every line from the object on that holds record number `after`, or the last one before it.
    pub(super) async fn lines_from(&self, after: u64) -> std::io::Result<Vec<u8>> {
        let folder: Arc<str> = self.journal_folder().into();
        let mut firsts: Vec<u64> = self
            .objects
            .list(&folder)
            .await?
            .iter()
            .filter_map(|listed| listed.name.strip_suffix(".jsonl")?.parse().ok())
            .collect();
        firsts.sort_unstable();
        let from = firsts
            .partition_point(|first| *first <= after)
            .saturating_sub(1);
        futures::stream::iter(firsts.split_off(from))
            .map(|first| {
                let folder = Arc::clone(&folder);
                async move { self.whole_lines(&key(&folder, first)).await }
            })
            .buffered(READ_AT_ONCE)
            .try_fold(Vec::new(), async |mut lines, object| {
                lines.extend_from_slice(&object);
                Ok(lines)
            })
            .await
    }

    /// The lines of an object. It was written as one, so that half a line at its end is damage, not a crash: it counts as
    /// a line, which says so to whoever reads it.
    async fn whole_lines(&self, key: &str) -> std::io::Result<Vec<u8>> {
        let found = self.objects.get(key).await?;
        let mut bytes = found.map_or_else(Vec::new, |object| object.bytes.to_vec());
        if !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        Ok(bytes)
    }
}

fn key(folder: &str, first: u64) -> String {
    format!("{folder}{first:020}.jsonl")
}
