//! The connection to the database: opened when it is first needed, and again when it is lost.
//!
//! I/O: connects, waits. What was asked is asked again over a new connection for as long as [`PATIENCE`]; whoever asks is
//! told that it is asked again, and looks first whether it was done already. A database that never answered in this
//! process is not waited for: there the fault is more likely ours.

#![expect(clippy::disallowed_methods, reason = "waits between attempts")]

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{Cause, DatabaseError};
use super::schema;

/// How long a database that answered before is waited for: a restart or a fail-over takes about as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(10);

/// How long the database may take for what it is asked at once.
pub(super) const ANSWER: Duration = Duration::from_secs(30);

/// Waits for an answer no longer than that.
#[expect(
    clippy::disallowed_methods,
    reason = "gives up on a database that does not answer"
)]
pub(super) async fn in_time<T>(work: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
    tokio::time::timeout(ANSWER, work)
        .await
        .unwrap_or(Err(Broken::Slow))
}

/// What every session is told first. `synchronous_commit`: what is committed is to be there for good, whatever the server
/// is set to. The others keep a process that was stopped in the middle of a transaction from keeping rows locked.
const SESSION: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off';
    SET idle_in_transaction_session_timeout = '10s';
    SET lock_timeout = '20s';
";

/// A PostgreSQL database, and how to get into it.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user that signs in.
    pub user: String,
    /// The database.
    pub database: String,
    /// The user's password, where the server asks for one.
    pub password: Option<SecretString>,
    /// How TLS is spoken; `None` where the connection is not encrypted.
    pub tls: Option<Arc<ClientConfig>>,
    /// The schema of the tables.
    pub schema: String,
    /// How long a lock outlives a holder that is gone.
    pub lease: Duration,
}

/// Why something could not be done over a connection.
#[derive(Debug)]
pub(super) enum Broken {
    /// As the database or the way to it says.
    Sql(tokio_postgres::Error),
    /// The tables are a newer program's.
    Newer(i32),
    /// No answer in time.
    Slow,
    /// No connection in the first place.
    Unreached(Box<Broken>),
}

impl From<tokio_postgres::Error> for Broken {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

/// What must be there for something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Nothing: where there are no tables, nothing is kept.
    Nothing,
    /// The tables, made or brought up to date.
    Tables,
}

/// An open connection, and what is known of the tables.
pub(super) struct Open {
    pub(super) client: Client,
    /// 0 where there are none.
    pub(super) version: i32,
}

/// The connection to a database.
pub(super) struct Link {
    pub(super) database: Postgres,
    /// The schema as it stands in a statement.
    pub(super) schema: String,
    place: String,
    open: Mutex<Option<Open>>,
    /// Whether the database ever answered; known to every connection of this process to it.
    answered: Arc<AtomicBool>,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// The attempts at one thing.
pub(super) struct Attempts {
    begun: Instant,
    number: u32,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            number: 0,
        }
    }

    /// Whether it was tried before, so that it may be done already.
    pub(super) fn again(&self) -> bool {
        self.number > 0
    }
}

/// Does something over the connection, and again over a new one where that was lost: `again` says so.
macro_rules! attempted {
    ($link:expr, $need:expr, |$open:ident, $again:ident| $work:expr) => {{
        let link: &$crate::state::postgres::link::Link = $link;
        let mut attempts = $crate::state::postgres::link::Attempts::new();
        loop {
            let done = match link.open($need).await {
                Ok(mut held) => {
                    let $again = attempts.again();
                    // It was opened just now, and is held.
                    match held.as_mut() {
                        Some($open) => {
                            let work = async { $work };
                            $crate::state::postgres::link::in_time(work).await
                        }
                        None => continue,
                    }
                }
                Err(broken) => Err(broken),
            };
            match done {
                Ok(done) => break Ok(done),
                Err(broken) => {
                    if let Err(error) = link.after(broken, &mut attempts).await {
                        break Err(error);
                    }
                }
            }
        }
    }};
}
pub(super) use attempted;

impl Link {
    pub(super) fn new(database: &Postgres) -> Self {
        let host = if database.host.contains(':') {
            format!("[{}]", database.host)
        } else {
            database.host.clone()
        };
        Self {
            place: format!(
                "postgres://{host}:{}/{}/{}",
                database.port, database.database, database.schema
            ),
            schema: schema::quoted(&database.schema),
            database: database.clone(),
            open: Mutex::new(None),
            answered: Arc::default(),
        }
    }

    /// Another connection to the same database, which waits for it as patiently.
    pub(super) fn beside(&self) -> Self {
        Self {
            answered: Arc::clone(&self.answered),
            ..Self::new(&self.database)
        }
    }

    /// Where it is, for people: host, port, database, schema.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The connection, opened where it is not.
    pub(super) async fn open(&self, need: Need) -> Result<MutexGuard<'_, Option<Open>>, Broken> {
        let mut held = self.open.lock().await;
        if held.as_ref().is_none_or(|open| open.client.is_closed()) {
            *held = None;
            let opened = tokio::time::timeout(ANSWER, self.connect())
                .await
                .unwrap_or(Err(Broken::Slow))
                .map_err(|broken| Broken::Unreached(Box::new(broken)))?;
            self.answered.store(true, Ordering::Relaxed);
            *held = Some(opened);
        }
        if let Some(open) = held.as_mut() {
            if open.version > schema::newest() {
                return Err(Broken::Newer(open.version));
            }
            if open.version < schema::newest() && (need == Need::Tables || open.version > 0) {
                open.version = schema::migrate(&mut open.client, &self.schema).await?;
            } else if open.version == 0 && need == Need::Nothing {
                // Somebody may have made them since.
                open.version = schema::version(&open.client, &self.schema).await?;
            }
            if open.version > schema::newest() {
                return Err(Broken::Newer(open.version));
            }
        }
        Ok(held)
    }

    async fn connect(&self) -> Result<Open, Broken> {
        let Postgres {
            host,
            port,
            user,
            database,
            password,
            tls,
            schema: _, // in every statement
            lease: _,  // of the lock
        } = &self.database;
        let mut config = Config::new();
        config
            .host(host.as_str())
            .port(*port)
            .user(user.as_str())
            .dbname(database.as_str())
            .application_name("sitewright")
            .connect_timeout(CONNECT)
            .tcp_user_timeout(ANSWER)
            .keepalives_idle(ANSWER);
        if let Some(password) = password {
            config.password(password.expose_secret());
        }
        let client = if let Some(settings) = tls {
            config.ssl_mode(SslMode::Require);
            let tls = MakeRustlsConnect::new(ClientConfig::clone(settings));
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(ended(connection));
            client
        } else {
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(ended(connection));
            client
        };
        client.batch_execute(SESSION).await?;
        let version = schema::version(&client, &self.schema).await?;
        Ok(Open { client, version })
    }

    /// After something failed: waits for the next attempt, or says that there is none.
    pub(super) async fn after(
        &self,
        broken: Broken,
        attempts: &mut Attempts,
    ) -> Result<(), DatabaseError> {
        // Half a transaction may be left of it.
        *self.open.lock().await = None;
        let patience = if self.answered.load(Ordering::Relaxed) {
            PATIENCE
        } else {
            Duration::ZERO
        };
        if !broken.passes() || attempts.begun.elapsed() >= patience {
            return Err(self.told(broken));
        }
        tracing::debug!(place = %self.place, ?broken, "asks the database again");
        let pause = Duration::from_millis(100).saturating_mul(1 << attempts.number.min(4));
        attempts.number += 1;
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn told(&self, broken: Broken) -> DatabaseError {
        let place = self.place.clone();
        match broken {
            Broken::Unreached(broken) => DatabaseError::Reach {
                place,
                source: broken.cause(),
            },
            Broken::Newer(found) => DatabaseError::Newer {
                place,
                expected: schema::newest(),
                found,
            },
            broken @ (Broken::Sql(_) | Broken::Slow) => {
                let source = broken.cause();
                if broken.passes() {
                    DatabaseError::Reach { place, source }
                } else {
                    DatabaseError::Refused { place, source }
                }
            }
        }
    }
}

/// Drives a connection until it ends.
async fn ended(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(cause = %told(&error), "the connection to the database ended");
    }
}

impl Broken {
    /// Whether it may pass by itself: a lost connection, a server that starts or stops, rows that others had.
    fn passes(&self) -> bool {
        match self {
            Self::Sql(error) => passes(error),
            Self::Newer(_) => false,
            Self::Slow => true,
            Self::Unreached(broken) => broken.passes(),
        }
    }

    fn cause(&self) -> Cause {
        match self {
            Self::Sql(error) => Cause(told(error)),
            Self::Newer(version) => Cause(format!("its tables are of version {version}")),
            Self::Slow => Cause(format!("it did not answer within {} s", ANSWER.as_secs())),
            Self::Unreached(broken) => broken.cause(),
        }
    }
}

fn passes(error: &tokio_postgres::Error) -> bool {
    if let Some(code) = error.code() {
        let class = code.code().get(..2).unwrap_or_default();
        return class == "08"
            || [
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::LOCK_NOT_AVAILABLE,
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            ]
            .contains(code);
    }
    if error.is_closed() {
        return true;
    }
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::NotConnected
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::TimedOut
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable
            );
        }
        next = error.source();
    }
    false
}

/// What an error says, with everything that it goes back to.
fn told(error: &tokio_postgres::Error) -> String {
    if let Some(error) = error.as_db_error() {
        let detail = error.detail().map(|detail| format!(" ({detail})"));
        return format!("{}{}", error.message(), detail.unwrap_or_default());
    }
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
