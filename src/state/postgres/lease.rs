//! The lock of a state in the database: a row with a token and an end by the database's own clock, renewed while it is
//! held.
//!
//! I/O: statements, and a thread that renews. The thread has a connection and a runtime of its own, so that nothing that
//! the program waits for or works on keeps the lease from being renewed; it ends with the process, and so does the
//! lease. Whoever adds records or saves the state asks in the same transaction whether the row is still theirs.

#![expect(clippy::disallowed_methods, reason = "renews in time")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use super::super::lock::Until;
use super::error::DatabaseError;
use super::link::{Broken, Link, Need, Postgres, attempted};
use crate::model::Holder;

/// How long before a lost renewal is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The token of the lease that this process holds, if it holds one.
#[derive(Debug, Clone, Default)]
pub(in crate::state) struct Token(Arc<Mutex<Option<String>>>);

impl Token {
    pub(super) fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, token: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// What became of an attempt to take the lease.
pub(super) enum Taken {
    /// It is ours; from whom it was taken over, where they let it run out.
    Ours(Option<Holder>),
    /// Somebody else has it.
    Theirs(Option<Holder>),
}

/// A lease that is renewed until this is released or dropped.
#[derive(Debug)]
pub(in crate::state) struct Renewed {
    token: Token,
    release: Option<oneshot::Sender<oneshot::Sender<()>>>,
}

impl Renewed {
    /// Begins to renew a lease that was taken by a request sent at `asked`.
    pub(super) fn begin(
        database: &Postgres,
        platform: &str,
        token: String,
        held: &Token,
        asked: Instant,
    ) -> std::io::Result<(Self, watch::Receiver<Until>)> {
        let (until, known) = watch::channel(Until {
            deadline: asked + database.lease,
            lost: None,
        });
        let (release, released) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (link, platform, row) = (Link::new(database), platform.to_owned(), token.clone());
        std::thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || runtime.block_on(renew(&link, &platform, &row, &until, released)))?;
        held.set(Some(token));
        let renewed = Self {
            token: held.clone(),
            release: Some(release),
        };
        Ok((renewed, known))
    }

    /// Deletes the row, if it is still ours.
    pub(in crate::state) async fn release(mut self) {
        let (done, told) = oneshot::channel();
        if let Some(release) = self.release.take()
            && release.send(done).is_ok()
        {
            // The thread may have ended; then the lease runs out.
            let _ = told.await;
        }
    }
}

impl Drop for Renewed {
    fn drop(&mut self) {
        self.token.set(None);
    }
}

/// Renews until told to release, or until nobody is there to tell.
async fn renew(
    link: &Link,
    platform: &str,
    token: &str,
    until: &watch::Sender<Until>,
    mut released: oneshot::Receiver<oneshot::Sender<()>>,
) {
    let lease = link.database.lease;
    let mut next = until.borrow().deadline - lease + lease / 3;
    loop {
        tokio::select! {
            told = &mut released => {
                let Ok(done) = told else { return };
                if let Err(error) = release(link, platform, token).await {
                    tracing::warn!(%error, "the lock of the state was not given back; it is free once its lease has run out");
                }
                // Nobody waits any more where the program ends.
                let _ = done.send(());
                return;
            }
            () = tokio::time::sleep_until(next) => {
                let asked = Instant::now();
                match tokio::time::timeout(lease / 3, extend(link, platform, token)).await {
                    Ok(Ok(true)) => {
                        until.send_modify(|until| until.deadline = asked + lease);
                        next = asked + lease / 3;
                    }
                    Ok(Ok(false)) => {
                        until.send_modify(|until| {
                            until.lost = Some("another process took it over".to_owned());
                        });
                        next = asked + lease;
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "the lease of the state was not renewed");
                        next = Instant::now() + AGAIN;
                    }
                    Err(_) => {
                        tracing::warn!("the lease of the state was not renewed in time");
                        next = Instant::now() + AGAIN;
                    }
                }
            }
        }
    }
}

/// Moves the end of our lease on; says whether it is still ours.
///
/// One that ran out and that nobody took over is ours: nobody else wrote in the meantime.
async fn extend(link: &Link, platform: &str, token: &str) -> Result<bool, DatabaseError> {
    let update = format!(
        "UPDATE {}.lease SET expires_at = clock_timestamp() + make_interval(secs => $3)
         WHERE platform = $1 AND token = $2 RETURNING true",
        link.schema
    );
    let seconds = link.database.lease.as_secs_f64();
    attempted!(link, Need::Nothing, |open, _again| {
        let rows = open
            .client
            .query_typed(
                &update,
                &[
                    (&platform, Type::TEXT),
                    (&token, Type::TEXT),
                    (&seconds, Type::FLOAT8),
                ],
            )
            .await?;
        Ok::<_, Broken>(!rows.is_empty())
    })
}

async fn release(link: &Link, platform: &str, token: &str) -> Result<(), DatabaseError> {
    let delete = format!(
        "DELETE FROM {}.lease WHERE platform = $1 AND token = $2",
        link.schema
    );
    attempted!(link, Need::Nothing, |open, _again| {
        open.client
            .query_typed(&delete, &[(&platform, Type::TEXT), (&token, Type::TEXT)])
            .await?;
        Ok::<_, Broken>(())
    })
}

/// Takes the lease where nobody has it, or whoever had it let it run out.
pub(super) async fn take(
    client: &mut Client,
    schema: &str,
    platform: &str,
    token: &str,
    holder: &[u8],
    lease: Duration,
) -> Result<Taken, Broken> {
    let transaction = client.transaction().await?;
    let seconds = lease.as_secs_f64();
    let insert = format!(
        "INSERT INTO {schema}.lease (platform, token, holder, expires_at)
         VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
         ON CONFLICT (platform) DO NOTHING RETURNING true"
    );
    let ours = transaction
        .query_typed(
            &insert,
            &[
                (&platform, Type::TEXT),
                (&token, Type::TEXT),
                (&holder, Type::BYTEA),
                (&seconds, Type::FLOAT8),
            ],
        )
        .await?;
    if !ours.is_empty() {
        transaction.commit().await?;
        return Ok(Taken::Ours(None));
    }
    // The clock is read once the row is locked: however long that took, the answer is of now.
    let select = format!(
        "SELECT token, holder, expires_at <= clock_timestamp()
         FROM (SELECT * FROM {schema}.lease WHERE platform = $1 FOR UPDATE) AS locked"
    );
    let row = transaction
        .query_typed_opt(&select, &[(&platform, Type::TEXT)])
        .await?;
    let Some(row) = row else {
        // It was released between the two; the next attempt takes it.
        return Ok(Taken::Theirs(None));
    };
    let who: Option<Holder> = serde_json::from_slice(row.try_get(1)?).ok();
    if row.try_get::<_, &str>(0)? == token {
        // Of an attempt whose answer was lost.
        return Ok(Taken::Ours(None));
    }
    if !row.try_get::<_, bool>(2)? {
        return Ok(Taken::Theirs(who));
    }
    let update = format!(
        "UPDATE {schema}.lease
         SET token = $2, holder = $3, expires_at = clock_timestamp() + make_interval(secs => $4)
         WHERE platform = $1"
    );
    transaction
        .query_typed(
            &update,
            &[
                (&platform, Type::TEXT),
                (&token, Type::TEXT),
                (&holder, Type::BYTEA),
                (&seconds, Type::FLOAT8),
            ],
        )
        .await?;
    transaction.commit().await?;
    Ok(Taken::Ours(who))
}

/// Whether the lease is ours, and stays so until the transaction ends: whoever wants to take it over waits for that.
pub(super) async fn is_ours(
    transaction: &Transaction<'_>,
    schema: &str,
    platform: &str,
    token: &str,
) -> Result<bool, Broken> {
    let select = format!("SELECT FROM {schema}.lease WHERE platform = $1 AND token = $2 FOR SHARE");
    let rows = transaction
        .query_typed(&select, &[(&platform, Type::TEXT), (&token, Type::TEXT)])
        .await?;
    Ok(!rows.is_empty())
}
