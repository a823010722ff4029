//! The tables of the state, and how they came to be: one migration after another, each with its number.
//!
//! Pure text, and the one transaction that brings tables up to date.

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::link::Broken;

/// What made the tables what they are, the first first. One that was released is never changed.
///
/// Bytes are kept as `bytea`: what comes out is what went in, whatever the encoding of the database.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE {schema}.state (
        platform text PRIMARY KEY,
        serial   bigint NOT NULL,
        saved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        bytes    bytea NOT NULL
    );
    CREATE TABLE {schema}.version (
        platform text NOT NULL,
        serial   bigint NOT NULL,
        saved_at timestamptz NOT NULL,
        bytes    bytea NOT NULL,
        PRIMARY KEY (platform, serial)
    );
    CREATE TABLE {schema}.journal (
        platform text NOT NULL,
        sequence bigint NOT NULL,
        line     bytea NOT NULL,
        PRIMARY KEY (platform, sequence)
    );
    CREATE TABLE {schema}.lease (
        platform   text PRIMARY KEY,
        token      text NOT NULL,
        holder     bytea NOT NULL,
        expires_at timestamptz NOT NULL
    );
    CREATE TABLE {schema}.kept (
        platform text NOT NULL,
        name     text NOT NULL,
        bytes    bytea NOT NULL,
        PRIMARY KEY (platform, name)
    );
"];

/// Serialises whoever makes or changes tables of this program in a database; the number means nothing.
const TURN: i64 = 0x5157_5352_4754_0001;

/// The newest version of the tables that this program knows.
pub(super) fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// A schema's name as it stands in a statement.
pub(super) fn quoted(schema: &str) -> String {
    format!("\"{}\"", schema.replace('"', "\"\""))
}

/// The version of the tables; 0 where there are none.
pub(super) async fn version(client: &Client, schema: &str) -> Result<i32, Broken> {
    // Asked of the table of tables: `to_regclass` may answer from before somebody else's transaction, even under a lock.
    let name = schema.trim_matches('"');
    let there = client
        .query_typed_one(
            "SELECT EXISTS (
                 SELECT FROM pg_catalog.pg_class AS c
                 JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname = $1 AND c.relname = 'migration')",
            &[(&name, Type::TEXT)],
        )
        .await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let select = format!("SELECT coalesce(max(version), 0) FROM {schema}.migration");
    let row = client.query_typed_one(&select, &[]).await?;
    Ok(row.try_get(0)?)
}

/// Makes the tables, or brings older ones up to date: all of it, or nothing. Gives the version that they are of then.
pub(super) async fn migrate(client: &mut Client, schema: &str) -> Result<i32, Broken> {
    let transaction = client.transaction().await?;
    transaction
        .query_typed("SELECT pg_advisory_xact_lock($1)", &[(&TURN, Type::INT8)])
        .await?;
    // Somebody else may have done it in the meantime.
    let found = version(transaction.client(), schema).await?;
    if found == 0 {
        // A schema that an administrator made needs no right to make others.
        let name = schema.trim_matches('"');
        let there = transaction
            .query_typed(
                "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1",
                &[(&name, Type::TEXT)],
            )
            .await?;
        let schema_first = if there.is_empty() {
            format!("CREATE SCHEMA {schema};")
        } else {
            String::new()
        };
        let first = format!(
            "{schema_first} CREATE TABLE {schema}.migration (
                version    integer PRIMARY KEY,
                applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
            );"
        );
        transaction.batch_execute(&first).await?;
    }
    for (version, migration) in (1..).zip(MIGRATIONS) {
        if version > found {
            let statements = migration.replace("{schema}", schema);
            transaction.batch_execute(&statements).await?;
            let insert = format!("INSERT INTO {schema}.migration (version) VALUES ($1)");
            transaction
                .query_typed(&insert, &[(&version, Type::INT4)])
                .await?;
        }
    }
    transaction.commit().await?;
    Ok(found.max(newest()))
}
