//! The lock of a state in the database: a row with a token and an end by the database's own clock.
//!
//! I/O: statements. It is renewed over a connection of its own (`renewal`). Whoever adds records or saves the state asks
//! in the same transaction whether the row is still theirs.

use std::error::Error;
use std::time::Duration;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

use super::super::renewal::{Renewable, Renewal};
use super::error::DatabaseError;
use super::link::{Broken, Link, Need, attempted};
use super::store::TAKEN_OVER;
use crate::model::Holder;

/// What became of an attempt to take the lease.
pub(super) enum Taken {
    /// It is ours; from whom it was taken over, where they let it run out.
    Ours(Option<Holder>),
    /// Somebody else has it.
    Theirs(Option<Holder>),
}

/// The row of a lease that is ours.
pub(super) struct Row {
    pub(super) link: Link,
    pub(super) platform: String,
    pub(super) token: String,
}

impl Renewable for Row {
    async fn renew(&mut self) -> Result<Renewal, Box<dyn Error>> {
        if extend(&self.link, &self.platform, &self.token).await? {
            Ok(Renewal::Ours)
        } else {
            Ok(Renewal::Lost(TAKEN_OVER.to_owned()))
        }
    }

    async fn give_back(&mut self) -> Result<(), Box<dyn Error>> {
        Ok(release(&self.link, &self.platform, &self.token).await?)
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
