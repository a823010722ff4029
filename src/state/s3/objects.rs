//! Objects below a prefix: read, listed, written on a condition.
//!
//! I/O: the one place that talks to the server. Nothing is sent twice without a look in between: after an answer that was
//! lost, a write is done if the object holds these very bytes, is sent again if the object is what the condition asks
//! for, and is refused in every other case. What is told of a failure holds neither keys nor signatures: of the server's
//! answer its status and code, of a connection the innermost cause.

#![expect(
    clippy::disallowed_methods,
    reason = "waits before a request is sent again"
)]

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use backon::BackoffBuilder as _;
use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::client::{HttpError, HttpErrorKind};
use object_store::path::Path;
use object_store::{
    Certificate, ClientOptions, ObjectStore as _, ObjectStoreExt as _, PutMode, RetryConfig,
    UpdateVersion,
};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::PATIENCE;
use super::options::{S3Credentials, S3Error, S3Options};

/// How long a connection may take to come about, and an answer to come back.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);

/// The objects below a prefix of a bucket.
#[derive(Clone)]
pub(super) struct Objects {
    // Its own `Debug` would show the keys.
    store: Arc<AmazonS3>,
    prefix: String,
    /// The bucket, and the server where it is not AWS.
    place: Arc<str>,
    server: Arc<str>,
}

/// An object as it was read.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    /// Its entity tag.
    pub(super) tag: String,
    /// When it was written, by the server's clock.
    pub(super) modified: Option<jiff::Timestamp>,
}

/// An object in a list.
#[derive(Debug)]
pub(super) struct Listed {
    /// The last part of its name.
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) modified: Option<jiff::Timestamp>,
}

/// What must hold for a write to be done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Condition<'a> {
    /// There is no such object.
    Absent,
    /// It has this entity tag.
    Tagged(&'a str),
}

/// What came of one request to write.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is written; its entity tag.
    Done(String),
    /// The condition does not hold.
    Refused,
    /// Perhaps it is written, perhaps not.
    Unknown(io::Error),
}

/// What came of a write.
#[derive(Debug)]
pub(super) enum Put {
    /// It is written; its entity tag.
    Done(String),
    /// The condition does not hold; what is there instead, where it could be read.
    Refused(Option<Object>),
}

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Objects").field(&self.place("")).finish()
    }
}

impl Condition<'_> {
    fn holds(self, found: Option<&Object>) -> bool {
        match self {
            Self::Absent => found.is_none(),
            Self::Tagged(tag) => found.is_some_and(|object| object.tag == tag),
        }
    }
}

impl Objects {
    pub(super) fn new(options: &S3Options) -> Result<Self, S3Error> {
        let failed = |error: &dyn std::error::Error| S3Error {
            place: options.to_string(),
            message: innermost(error),
        };
        let S3Options {
            bucket,
            prefix,
            region,
            endpoint,
            credentials,
            authorities,
            allow_http,
            lease: _, // of the lock
        } = options;
        let mut client = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_timeout(ANSWER)
            .with_allow_http(*allow_http);
        if let Some(pem) = authorities {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|e| failed(&e))?;
            if certificates.is_empty() {
                return Err(S3Error {
                    place: options.to_string(),
                    message: "the file of `ca` holds no certificate".into(),
                });
            }
            client = certificates
                .into_iter()
                .fold(client, ClientOptions::with_root_certificate);
        }
        // What is sent again is for us to decide: a conditional write that was done and lost its answer would be
        // refused the second time, by its own doing.
        let never = RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_client_options(client)
            .with_retry(never)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_disable_bulk_delete(true);
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint.as_str().trim_end_matches('/'));
        }
        match credentials {
            S3Credentials::Keys {
                access,
                secret,
                session,
            } => {
                builder = builder
                    .with_access_key_id(access.expose_secret())
                    .with_secret_access_key(secret.expose_secret());
                if let Some(session) = session {
                    builder = builder.with_token(session.expose_secret());
                }
            }
            S3Credentials::Machine(variables) => {
                for (name, value) in variables {
                    // All of them are known; one that is not would be one that AWS's tools know and we do not.
                    if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
                        builder = builder.with_config(key, value.expose_secret());
                    }
                }
            }
        }
        let store = builder.build().map_err(|error| failed(&error))?;
        let server = endpoint.as_ref().and_then(|url| {
            let host = url.host_str()?;
            Some(match url.port() {
                Some(port) => format!(" at {host}:{port}"),
                None => format!(" at {host}"),
            })
        });
        Ok(Self {
            store: Arc::new(store),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            place: format!("s3://{bucket}/").into(),
            server: server.unwrap_or_default().into(),
        })
    }

    /// Where an object is, for people.
    pub(super) fn place(&self, key: &str) -> String {
        let Self {
            store: _,
            prefix,
            place,
            server,
        } = self;
        format!("{place}{prefix}{key}{server}")
    }

    fn path(&self, key: &str) -> io::Result<Path> {
        let whole = format!("{}{}", self.prefix, key.trim_end_matches('/'));
        Path::parse(whole).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
    }

    /// Reads an object; `None` where there is none.
    pub(super) async fn get(&self, key: &str) -> io::Result<Option<Object>> {
        let path = self.path(key)?;
        let mut pauses = Pauses::within(PATIENCE);
        loop {
            let tried = self.get_once(&path).await;
            if let Some(found) = pauses.after(tried).await? {
                return Ok(found);
            }
        }
    }

    async fn get_once(&self, path: &Path) -> Result<Option<Object>, Failure> {
        let read = match self.store.get(path).await {
            Ok(read) => read,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Failure::of(&error)),
        };
        let tag = read.meta.e_tag.clone().ok_or_else(untagged)?;
        let modified = timestamp(&read.meta);
        let bytes = read.bytes().await.map_err(|error| Failure::of(&error))?;
        Ok(Some(Object {
            bytes,
            tag,
            modified,
        }))
    }

    /// The objects right in a folder, by name.
    pub(super) async fn list(&self, folder: &str) -> io::Result<Vec<Listed>> {
        let path = self.path(folder)?;
        let mut pauses = Pauses::within(PATIENCE);
        let metas = loop {
            let listed = self.store.list(Some(&path)).try_collect::<Vec<_>>().await;
            let tried = listed.map_err(|error| Failure::of(&error));
            if let Some(metas) = pauses.after(tried).await? {
                break metas;
            }
        };
        let mut listed: Vec<Listed> = metas
            .iter()
            .filter_map(|meta| {
                Some(Listed {
                    name: meta.location.filename()?.to_owned(),
                    bytes: meta.size,
                    modified: timestamp(meta),
                })
            })
            .collect();
        listed.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(listed)
    }

    /// Writes an object, whatever there was.
    pub(super) async fn put(&self, key: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(key)?;
        let bytes = Bytes::copy_from_slice(bytes);
        let mut pauses = Pauses::within(PATIENCE);
        loop {
            let put = self.store.put(&path, bytes.clone().into()).await;
            let tried = put.map_err(|error| Failure::of(&error));
            if pauses.after(tried).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Removes an object. One that is not there is removed already.
    pub(super) async fn delete(&self, key: &str) -> io::Result<()> {
        let path = self.path(key)?;
        let mut pauses = Pauses::within(PATIENCE);
        loop {
            let tried = match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(Failure::of(&error)),
            };
            if pauses.after(tried).await?.is_some() {
                return Ok(());
            }
        }
    }

    /// Sends one request to write an object where a condition holds.
    ///
    /// # Errors
    /// Where it is certain that nothing was written, and that another request would not be of use. `Unsupported` where
    /// the server says that it does not know such conditions.
    pub(super) async fn attempt(
        &self,
        key: &str,
        bytes: &Bytes,
        condition: Condition<'_>,
    ) -> io::Result<Attempt> {
        let path = self.path(key)?;
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Tagged(tag) => PutMode::Update(UpdateVersion {
                e_tag: Some(tag.to_owned()),
                version: None,
            }),
        };
        let put = self
            .store
            .put_opts(&path, bytes.clone().into(), mode.into())
            .await;
        match put {
            Ok(put) => match put.e_tag {
                Some(tag) => Ok(Attempt::Done(tag)),
                None => Err(untagged().error),
            },
            Err(error) => {
                let Failure { kind, error } = Failure::of(&error);
                match kind {
                    Kind::Refused => Ok(Attempt::Refused),
                    Kind::Unknown => Ok(Attempt::Unknown(error)),
                    Kind::Certain => Err(error),
                }
            }
        }
    }

    /// Writes an object where a condition holds, and finds out whether it is written where an answer was lost.
    ///
    /// # Errors
    /// Where it is not, and where that could not be found out within `patience`: then it may be written yet.
    pub(super) async fn put_if(
        &self,
        key: &str,
        bytes: Bytes,
        condition: Condition<'_>,
        patience: Duration,
    ) -> io::Result<Put> {
        let path = self.path(key)?;
        let mut pauses = Pauses::within(patience);
        let mut unsure = false;
        loop {
            let lost = match self.attempt(key, &bytes, condition).await? {
                Attempt::Done(tag) => return Ok(Put::Done(tag)),
                Attempt::Refused => None,
                Attempt::Unknown(error) => Some(error),
            };
            unsure |= lost.is_some();
            match (self.get_once(&path).await, lost) {
                // Of an answer that was lost: these bytes can be nobody else's.
                (Ok(Some(object)), _) if unsure && object.bytes == bytes => {
                    return Ok(Put::Done(object.tag));
                }
                (Ok(found), None) => return Ok(Put::Refused(found)),
                (Err(_), None) if !unsure => return Ok(Put::Refused(None)),
                (Ok(found), Some(_)) if !condition.holds(found.as_ref()) => {
                    return Ok(Put::Refused(found));
                }
                (Ok(_), Some(error)) | (Err(Failure { kind: _, error }), _) => {
                    pauses.rest(error).await?;
                }
            }
        }
    }

    /// Sends a request to write until its outcome is known, without a look in between.
    pub(super) async fn settled(
        &self,
        key: &str,
        bytes: &Bytes,
        condition: Condition<'_>,
    ) -> io::Result<Attempt> {
        let mut pauses = Pauses::within(PATIENCE);
        loop {
            match self.attempt(key, bytes, condition).await? {
                Attempt::Unknown(error) => pauses.rest(error).await?,
                known @ (Attempt::Done(_) | Attempt::Refused) => return Ok(known),
            }
        }
    }
}

/// The pauses between tries.
struct Pauses {
    delays: backon::ExponentialBackoff,
    until: Instant,
}

impl Pauses {
    fn within(patience: Duration) -> Self {
        Self {
            delays: backon::ExponentialBuilder::new()
                .with_min_delay(Duration::from_millis(100))
                .with_max_delay(Duration::from_secs(2))
                .without_max_times()
                .with_jitter()
                .build(),
            until: Instant::now() + patience,
        }
    }

    /// After a try at something that may be done twice: what came of it; `None` where it is to be tried again.
    async fn after<T>(&mut self, tried: Result<T, Failure>) -> io::Result<Option<T>> {
        match tried {
            Ok(value) => Ok(Some(value)),
            Err(Failure {
                kind: Kind::Unknown,
                error,
            }) => {
                self.rest(error).await?;
                Ok(None)
            }
            Err(Failure { kind: _, error }) => Err(error),
        }
    }

    /// Waits before the next try, or gives up with why the last one failed.
    async fn rest(&mut self, error: io::Error) -> io::Result<()> {
        let Some(delay) = self.delays.next() else {
            return Err(error);
        };
        if Instant::now() + delay > self.until {
            return Err(error);
        }
        tracing::debug!(%error, "a request to the S3 server is sent again");
        tokio::time::sleep(delay).await;
        Ok(())
    }
}

/// Why a request failed.
#[derive(Debug)]
struct Failure {
    kind: Kind,
    error: io::Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The condition does not hold.
    Refused,
    /// It was not done, and will not be.
    Certain,
    /// Perhaps it was done; perhaps it will be the next time.
    Unknown,
}

impl Failure {
    fn of(error: &object_store::Error) -> Self {
        let text = error.to_string();
        // The library gives no other way to the status of an answer.
        let status = text
            .split_once("status code: ")
            .map(|(_, rest)| rest.split([':', '\n']).next().unwrap_or_default());
        let number: Option<u16> = status.and_then(|status| status.get(..3)?.parse().ok());
        let mut kind = match number {
            Some(412) => Kind::Refused,
            // 409 is said of two writes at once, of which this one was not done; 501 of what will never be known.
            Some(408 | 409 | 429) | None => Kind::Unknown,
            Some(501) => Kind::Certain,
            Some(status) if status >= 500 => Kind::Unknown,
            Some(_) => Kind::Certain,
        };
        let message = match (status, transport(error)) {
            (Some(status), _) => match between(&text, "<Code>", "</Code>") {
                Some(code) => format!("the server answered {status} ({code})"),
                None => format!("the server answered {status}"),
            },
            (None, Some(HttpErrorKind::Timeout)) => "the server did not answer in time".into(),
            (None, Some(_)) => match untrusted(error) {
                Some(why) => {
                    // Nor will it be the next time.
                    kind = Kind::Certain;
                    format!(
                        "the server's certificate is not trusted ({why}): name who signed it as `ca`"
                    )
                }
                None => innermost(error),
            },
            (None, None) => {
                // Not a matter of the way to the server: its answer makes no sense, or the request none.
                kind = Kind::Certain;
                innermost(error)
            }
        };
        let is = match number {
            Some(401 | 403) => io::ErrorKind::PermissionDenied,
            Some(404) => io::ErrorKind::NotFound,
            Some(501) => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        };
        Self {
            kind,
            error: io::Error::new(is, message),
        }
    }
}

fn untagged() -> Failure {
    Failure {
        kind: Kind::Certain,
        error: io::Error::new(
            io::ErrorKind::Unsupported,
            "the server gives objects no entity tags",
        ),
    }
}

/// How a connection failed, where that is what failed.
fn transport(error: &object_store::Error) -> Option<HttpErrorKind> {
    std::iter::successors(error.source(), |error| (*error).source())
        .find_map(|error| error.downcast_ref::<HttpError>())
        .map(HttpError::kind)
}

/// What is wrong with the server's certificate, where that is what failed.
fn untrusted(error: &object_store::Error) -> Option<String> {
    std::iter::successors(error.source(), |error| (*error).source()).find_map(|mut error| {
        // What an I/O error was made of is not its source.
        while let Some(inner) = error.downcast_ref().and_then(io::Error::get_ref) {
            error = inner;
        }
        match error.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(why)) => Some(why.to_string()),
            _ => None,
        }
    })
}

/// What is at the bottom of an error, which names no address with a query and no header.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn between<'a>(text: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(begin)?;
    rest.split_once(end).map(|(inner, _)| inner)
}

fn timestamp(meta: &object_store::ObjectMeta) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_millisecond(meta.last_modified.timestamp_millis()).ok()
}
