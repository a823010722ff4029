//! One platform's rows: what is asked of the database for each thing that a store does.
//!
//! I/O. A transaction that adds records or replaces the state locks the row of the lease first and goes on only where it
//! is ours: a process that was stopped, overtaken and woken up again adds nothing, however late it wakes.

#![expect(
    clippy::disallowed_methods,
    reason = "draws a token, looks at the clock"
)]

use std::io::{self, Cursor};

use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use super::super::backend::{Found, Version};
use super::super::error::{LockError, StateError};
use super::super::file_log::at_place;
use super::super::lock::{Kind, Lock};
use super::super::renewal::{Renewed, Token};
use super::super::under_way::UnderWay;
use super::error::DatabaseError;
use super::lease::{self, Row, Taken};
use super::link::{Broken, Link, Need, Postgres, attempted};
use crate::journal::{Entry, JournalError, Scan, ScanError, file_stem, scan, sha256};
use crate::model::Holder;

/// How many replaced states are kept.
const KEPT_VERSIONS: i64 = 20;

/// Why nothing more is written.
pub(super) const TAKEN_OVER: &str = "another process took it over";

/// One platform's rows in a database.
#[derive(Debug)]
pub(in crate::state) struct PostgresBackend {
    pub(super) link: Link,
    platform: String,
    pub(super) stem: String,
    pub(super) token: Token,
}

/// What became of a transaction that only whoever holds the lease may make.
enum Done {
    /// It is there.
    Written,
    /// The lease is somebody else's.
    Lost,
    /// Something else is there than what was to be followed; its number.
    Moved(u64),
}

/// A number as the database keeps it. None of ours comes near the end.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl PostgresBackend {
    /// The rows of a platform, by its name in the workspace. Nothing is asked yet.
    pub(in crate::state) fn new(database: &Postgres, platform: &str) -> Self {
        Self {
            link: Link::new(database),
            platform: platform.to_owned(),
            stem: file_stem(platform),
            token: Token::default(),
        }
    }

    pub(in crate::state) fn place(&self) -> String {
        format!("{}/{}", self.link.place(), self.stem)
    }

    pub(in crate::state) fn stem(&self) -> &str {
        &self.stem
    }

    pub(in crate::state) async fn read(&self) -> Result<Option<Found>, StateError> {
        let select = format!(
            "SELECT bytes FROM {}.state WHERE platform = $1",
            self.link.schema
        );
        let bytes = self.one(&select, &[(&self.stem, Type::TEXT)]).await?;
        Ok(bytes.map(|bytes| Found {
            tag: sha256(&bytes),
            bytes,
        }))
    }

    /// The bytes of one row.
    async fn one(
        &self,
        select: &str,
        parameters: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)],
    ) -> Result<Option<Vec<u8>>, DatabaseError> {
        attempted!(&self.link, Need::Nothing, |open, _again| {
            if open.version == 0 {
                return Ok(None);
            }
            let row = open.client.query_typed_opt(select, parameters).await?;
            row.map(|row| row.try_get(0))
                .transpose()
                .map_err(Broken::from)
        })
    }

    pub(in crate::state) async fn replace(
        &self,
        bytes: &[u8],
        serial: u64,
        instead_of: Option<&Found>,
    ) -> Result<(), StateError> {
        let token = self.token.get();
        let new = Replacement {
            schema: &self.link.schema,
            platform: &self.stem,
            token: token.as_deref(),
            bytes,
            digest: sha256(bytes),
            serial: signed(serial),
            instead_of: instead_of.map(|found| found.tag.as_str()),
        };
        let done: Result<Done, DatabaseError> =
            attempted!(&self.link, Need::Tables, |open, _again| {
                new.write(&mut open.client).await
            });
        match done? {
            Done::Written => Ok(()),
            Done::Lost => Err(StateError::Journal(JournalError::LeaseLost {
                why: TAKEN_OVER.to_owned(),
            })),
            Done::Moved(found) => Err(StateError::Moved {
                place: self.place(),
                expected: serial.saturating_sub(1),
                found,
            }),
        }
    }

    pub(in crate::state) async fn versions(&self) -> Result<Vec<Version>, StateError> {
        let select = format!(
            "SELECT serial, (extract(epoch FROM saved_at) * 1000000)::bigint, length(bytes)::bigint
             FROM {}.version WHERE platform = $1 ORDER BY serial DESC",
            self.link.schema
        );
        let versions: Result<Vec<Version>, DatabaseError> =
            attempted!(&self.link, Need::Nothing, |open, _again| {
                if open.version == 0 {
                    return Ok(Vec::new());
                }
                let rows = open
                    .client
                    .query_typed(&select, &[(&self.stem, Type::TEXT)])
                    .await?;
                rows.iter()
                    .map(|row| {
                        Ok(Version {
                            serial: unsigned(row.try_get(0)?),
                            saved_at: jiff::Timestamp::from_microsecond(row.try_get(1)?).ok(),
                            bytes: unsigned(row.try_get(2)?),
                        })
                    })
                    .collect()
            });
        Ok(versions?)
    }

    pub(in crate::state) async fn version(
        &self,
        serial: u64,
    ) -> Result<Option<Vec<u8>>, StateError> {
        let select = format!(
            "SELECT bytes FROM {}.version WHERE platform = $1 AND serial = $2",
            self.link.schema
        );
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&self.stem, Type::TEXT), (&signed(serial), Type::INT8)];
        Ok(self.one(&select, &parameters).await?)
    }

    pub(in crate::state) async fn try_lock(&self, holder: &Holder) -> Result<Lock, LockError> {
        let failed = |source| LockError::Io {
            place: self.place(),
            source,
        };
        let who = serde_json::to_vec(holder).map_err(|error| failed(error.into()))?;
        let token = uuid::Uuid::new_v4().to_string();
        let database = &self.link.database;
        let mut asked = Instant::now();
        let attempt: Result<Taken, DatabaseError> =
            attempted!(&self.link, Need::Tables, |open, again| {
                if !again {
                    asked = Instant::now();
                }
                let (schema, lease) = (&self.link.schema, database.lease);
                lease::take(&mut open.client, schema, &self.stem, &token, &who, lease).await
            });
        match attempt? {
            Taken::Theirs(holder) => Err(LockError::Held {
                platform: self.platform.clone(),
                holder: holder.map(Box::new),
            }),
            Taken::Ours(taken_over) => {
                let row = Row {
                    link: self.link.beside(),
                    platform: self.stem.clone(),
                    token: token.clone(),
                };
                let (renewed, lease) =
                    Renewed::begin(row, database.lease, asked, token, &self.token)
                        .map_err(failed)?;
                Ok(Lock {
                    kind: Kind::Leased(renewed),
                    lease,
                    taken_over,
                    under_way: UnderWay::default(),
                })
            }
        }
    }

    /// Hands every record after number `after` on. Of those before it only the last is read: the others are summed up.
    pub(in crate::state) async fn records(
        &self,
        after: u64,
        each: &mut (dyn FnMut(Entry) + Send),
    ) -> Result<Scan, JournalError> {
        let select = format!(
            "SELECT sequence, line FROM {0}.journal
             WHERE platform = $1 AND sequence >=
                 least($2, (SELECT max(sequence) FROM {0}.journal WHERE platform = $1))
             ORDER BY sequence",
            self.link.schema
        );
        let lines: Result<Vec<(i64, Vec<u8>)>, DatabaseError> =
            attempted!(&self.link, Need::Nothing, |open, _again| {
                if open.version == 0 {
                    return Ok(Vec::new());
                }
                let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
                    [(&self.stem, Type::TEXT), (&signed(after), Type::INT8)];
                let rows = open.client.query_typed(&select, &parameters).await?;
                rows.iter()
                    .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
                    .collect()
            });
        let place = self.place();
        let lines = lines.map_err(|error| JournalError::Read {
            place: place.clone(),
            source: io::Error::other(error),
        })?;
        let mut text = Vec::new();
        for (_, line) in &lines {
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        scan(Cursor::new(text), after, each).map_err(|error| match error {
            // In a table the number of a line is that of its record.
            ScanError::Line { line, source } => {
                let at = usize::try_from(line).unwrap_or_default().saturating_sub(1);
                let line = lines.get(at).map_or(line, |(number, _)| unsigned(*number));
                at_place(place, ScanError::Line { line, source })
            }
            error @ ScanError::Read(_) => at_place(place, error),
        })
    }

    pub(in crate::state) async fn put_new(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let insert = format!(
            "INSERT INTO {}.kept (platform, name, bytes) VALUES ($1, $2, $3)
             ON CONFLICT (platform, name) DO NOTHING RETURNING true",
            self.link.schema
        );
        let select = format!(
            "SELECT bytes = $3 FROM {}.kept WHERE platform = $1 AND name = $2",
            self.link.schema
        );
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] = [
            (&self.stem, Type::TEXT),
            (&name, Type::TEXT),
            (&bytes, Type::BYTEA),
        ];
        let new: Result<bool, DatabaseError> =
            attempted!(&self.link, Need::Tables, |open, again| {
                let client = &open.client;
                if !client.query_typed(&insert, &parameters).await?.is_empty() {
                    return Ok(true);
                }
                // After a lost answer it may be ours that is there.
                if again && let Some(row) = client.query_typed_opt(&select, &parameters).await? {
                    return Ok(row.try_get(0)?);
                }
                Ok(false)
            });
        new.map_err(io::Error::other)
    }

    pub(in crate::state) async fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let upsert = format!(
            "INSERT INTO {}.kept (platform, name, bytes) VALUES ($1, $2, $3)
             ON CONFLICT (platform, name) DO UPDATE SET bytes = excluded.bytes",
            self.link.schema
        );
        let done: Result<(), DatabaseError> =
            attempted!(&self.link, Need::Tables, |open, _again| {
                open.client
                    .query_typed(
                        &upsert,
                        &[
                            (&self.stem, Type::TEXT),
                            (&name, Type::TEXT),
                            (&bytes, Type::BYTEA),
                        ],
                    )
                    .await?;
                Ok(())
            });
        done.map_err(io::Error::other)
    }

    pub(in crate::state) async fn get(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let select = format!(
            "SELECT bytes FROM {}.kept WHERE platform = $1 AND name = $2",
            self.link.schema
        );
        let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&self.stem, Type::TEXT), (&name, Type::TEXT)];
        self.one(&select, &parameters)
            .await
            .map_err(io::Error::other)
    }
}

/// A state that is to take the place of another.
struct Replacement<'a> {
    schema: &'a str,
    platform: &'a str,
    /// That of the lease; `None` where this process holds none.
    token: Option<&'a str>,
    bytes: &'a [u8],
    digest: String,
    serial: i64,
    /// The digest of the one that was found.
    instead_of: Option<&'a str>,
}

impl Replacement<'_> {
    async fn write(&self, client: &mut Client) -> Result<Done, Broken> {
        let transaction = client.transaction().await?;
        let schema = self.schema;
        if let Some(token) = self.token
            && !lease::is_ours(&transaction, schema, self.platform, token).await?
        {
            return Ok(Done::Lost);
        }
        let select = format!(
            "SELECT serial, encode(sha256(bytes), 'hex') FROM {schema}.state WHERE platform = $1 FOR UPDATE"
        );
        let row = transaction
            .query_typed_opt(&select, &[(&self.platform, Type::TEXT)])
            .await?;
        let before: Option<(i64, String)> = match row {
            Some(row) => Some((row.try_get(0)?, row.try_get(1)?)),
            None => None,
        };
        match &before {
            // An attempt whose answer was lost did it.
            Some((serial, digest)) if *serial == self.serial && *digest == self.digest => {
                return Ok(Done::Written);
            }
            Some((serial, digest)) if self.instead_of != Some(digest) => {
                return Ok(Done::Moved(unsigned(*serial)));
            }
            None if self.instead_of.is_some() => return Ok(Done::Moved(0)),
            Some(_) => self.keep_version(&transaction).await?,
            None => {}
        }
        let insert = format!(
            "INSERT INTO {schema}.state (platform, serial, bytes) VALUES ($1, $2, $3)
             ON CONFLICT (platform) DO UPDATE
             SET serial = excluded.serial, bytes = excluded.bytes, saved_at = excluded.saved_at
             WHERE $4 RETURNING true"
        );
        let rows = transaction
            .query_typed(
                &insert,
                &[
                    (&self.platform, Type::TEXT),
                    (&self.serial, Type::INT8),
                    (&self.bytes, Type::BYTEA),
                    // Without a lease somebody else's first state may have come in between.
                    (&before.is_some(), Type::BOOL),
                ],
            )
            .await?;
        if rows.is_empty() {
            return Ok(Done::Moved(0));
        }
        transaction.commit().await?;
        Ok(Done::Written)
    }

    /// Keeps the state that is about to be replaced, and the ones before it up to a number.
    async fn keep_version(&self, transaction: &Transaction<'_>) -> Result<(), Broken> {
        let schema = self.schema;
        let keep = format!(
            "INSERT INTO {schema}.version (platform, serial, saved_at, bytes)
             SELECT platform, serial, saved_at, bytes FROM {schema}.state WHERE platform = $1
             ON CONFLICT (platform, serial) DO UPDATE
             SET bytes = excluded.bytes, saved_at = excluded.saved_at"
        );
        let prune = format!(
            "DELETE FROM {schema}.version WHERE platform = $1 AND serial NOT IN (
                 SELECT serial FROM {schema}.version WHERE platform = $1
                 ORDER BY serial DESC LIMIT $2)"
        );
        transaction
            .query_typed(&keep, &[(&self.platform, Type::TEXT)])
            .await?;
        transaction
            .query_typed(
                &prune,
                &[(&self.platform, Type::TEXT), (&KEPT_VERSIONS, Type::INT8)],
            )
            .await?;
        Ok(())
    }
}

impl PostgresBackend {
    /// Adds whole lines, the first of which is the record `first`.
    pub(in crate::state) async fn append(
        &self,
        first: u64,
        lines: &[u8],
    ) -> Result<(), JournalError> {
        let lines: Vec<&[u8]> = lines
            .strip_suffix(b"\n")
            .unwrap_or(lines)
            .split(|byte| *byte == b'\n')
            .collect();
        let token = self.token.get().unwrap_or_default();
        let done: Result<Done, DatabaseError> =
            attempted!(&self.link, Need::Tables, |open, _again| {
                let (schema, platform) = (&self.link.schema, &self.stem);
                add(
                    &mut open.client,
                    schema,
                    platform,
                    &token,
                    signed(first),
                    &lines,
                )
                .await
            });
        let failed = |source| JournalError::Append {
            place: self.place(),
            source,
        };
        match done.map_err(|error| failed(io::Error::other(error)))? {
            Done::Written => Ok(()),
            Done::Lost => Err(JournalError::LeaseLost {
                why: TAKEN_OVER.to_owned(),
            }),
            Done::Moved(last) => Err(failed(io::Error::other(format!(
                "expected record {first} to be the next, found record {last} there"
            )))),
        }
    }
}

/// Adds lines after the last one, if the lease is ours and they are not there yet.
async fn add(
    client: &mut Client,
    schema: &str,
    platform: &str,
    token: &str,
    first: i64,
    lines: &[&[u8]],
) -> Result<Done, Broken> {
    let transaction = client.transaction().await?;
    if !lease::is_ours(&transaction, schema, platform, token).await? {
        return Ok(Done::Lost);
    }
    let select = format!(
        "SELECT sequence, line FROM {schema}.journal
         WHERE platform = $1 AND sequence >= $2 ORDER BY sequence"
    );
    let rows = transaction
        .query_typed(&select, &[(&platform, Type::TEXT), (&first, Type::INT8)])
        .await?;
    if let Some(last) = rows.last() {
        let mut same = rows.len() == lines.len();
        for ((row, line), number) in rows.iter().zip(lines).zip(first..) {
            same &= row.try_get::<_, i64>(0)? == number && row.try_get::<_, &[u8]>(1)? == *line;
        }
        // An attempt whose answer was lost added them.
        return Ok(if same {
            Done::Written
        } else {
            Done::Moved(unsigned(last.try_get(0)?))
        });
    }
    let insert = format!(
        "INSERT INTO {schema}.journal (platform, sequence, line)
         SELECT $1, $2 + number - 1, line
         FROM unnest($3) WITH ORDINALITY AS added (line, number)"
    );
    transaction
        .query_typed(
            &insert,
            &[
                (&platform, Type::TEXT),
                (&first, Type::INT8),
                (&lines, Type::BYTEA_ARRAY),
            ],
        )
        .await?;
    transaction.commit().await?;
    Ok(Done::Written)
}
