//! What is done to a platform's rows by hand: read as they were written, put out of the way, freed of a lease.
//!
//! I/O.

use std::io;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::backend::{Broken as Freed, Part};
use super::super::error::LockError;
use super::error::DatabaseError;
use super::lease;
use super::link::{Broken, Need, attempted};
use super::store::{PostgresBackend, TAKEN_OVER};
use crate::journal::JournalError;
use crate::model::Holder;

impl PostgresBackend {
    /// Hands every line of the journal on as it was written, with its line feed.
    pub(in crate::state) async fn lines(
        &self,
        each: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<(), JournalError> {
        let select = format!(
            "SELECT line FROM {}.journal WHERE platform = $1 ORDER BY sequence",
            self.link.schema
        );
        let lines: Result<Vec<Vec<u8>>, DatabaseError> =
            attempted!(&self.link, Need::Nothing, |open, _again| {
                if open.version == 0 {
                    return Ok(Vec::new());
                }
                let rows = open
                    .client
                    .query_typed(&select, &[(&self.stem, Type::TEXT)])
                    .await?;
                rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
            });
        let lines = lines.map_err(|error| JournalError::Read {
            place: self.place(),
            source: io::Error::other(error),
        })?;
        for mut line in lines {
            line.push(b'\n');
            each(&line);
        }
        Ok(())
    }

    /// Frees the lock whoever has it: who has it is told so before its next record.
    pub(in crate::state) async fn break_lock(&self) -> Result<Freed, LockError> {
        let delete = format!(
            "DELETE FROM {}.lease WHERE platform = $1 RETURNING holder",
            self.link.schema
        );
        let freed: Result<Freed, DatabaseError> =
            attempted!(&self.link, Need::Nothing, |open, _again| {
                if open.version == 0 {
                    return Ok(Freed::Free);
                }
                let row = open
                    .client
                    .query_typed_opt(&delete, &[(&self.stem, Type::TEXT)])
                    .await?;
                let Some(row) = row else {
                    return Ok(Freed::Free);
                };
                let holder: Option<Holder> = serde_json::from_slice(row.try_get(0)?).ok();
                Ok(Freed::Freed(holder))
            });
        Ok(freed?)
    }

    /// Moves the state or the journal to a name of its own, in one transaction.
    pub(in crate::state) async fn set_aside(&self, what: Part, name: &str) -> io::Result<()> {
        let token = self.token.get();
        let done: Result<bool, DatabaseError> =
            attempted!(&self.link, Need::Tables, |open, _again| {
                let (schema, platform) = (&self.link.schema, &self.stem);
                move_away(
                    &mut open.client,
                    schema,
                    platform,
                    token.as_deref(),
                    what,
                    name,
                )
                .await
            });
        if done.map_err(io::Error::other)? {
            Ok(())
        } else {
            Err(io::Error::other(JournalError::LeaseLost {
                why: TAKEN_OVER.to_owned(),
            }))
        }
    }
}

/// Says whether the lease is ours, and it was done. What is moved already is there under its new name, and stays.
async fn move_away(
    client: &mut Client,
    schema: &str,
    platform: &str,
    token: Option<&str>,
    what: Part,
    name: &str,
) -> Result<bool, Broken> {
    let transaction = client.transaction().await?;
    if let Some(token) = token
        && !lease::is_ours(&transaction, schema, platform, token).await?
    {
        return Ok(false);
    }
    let (bytes, table) = match what {
        Part::State => ("bytes", "state"),
        // A line feed each, as in a file.
        Part::Journal => (
            "string_agg(line || '\\x0a'::bytea, ''::bytea ORDER BY sequence)",
            "journal",
        ),
    };
    let keep = format!(
        "INSERT INTO {schema}.kept (platform, name, bytes)
         SELECT $1, $2, moved.bytes
         FROM (SELECT {bytes} AS bytes FROM {schema}.{table} WHERE platform = $1) AS moved
         WHERE moved.bytes IS NOT NULL ON CONFLICT (platform, name) DO NOTHING"
    );
    let delete = format!("DELETE FROM {schema}.{table} WHERE platform = $1");
    transaction
        .query_typed(&keep, &[(&platform, Type::TEXT), (&name, Type::TEXT)])
        .await?;
    transaction
        .query_typed(&delete, &[(&platform, Type::TEXT)])
        .await?;
    transaction.commit().await?;
    Ok(true)
}
