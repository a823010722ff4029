//! `state` of a workspace: where state is kept.
//!
//! Pure. Nothing is looked up; a secret written into it is refused and not shown.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use url::Url;

use super::bucket::{self, Endpoint, Label, Prefix, S3Store};
use super::decode::{
    At, Faults, Fields, Written, boolean, listed, nearest, number, one, short, text,
};
use super::location::PathText;
use super::secret::{self, SecretFrom, SecretSpec};
use super::tree::Node;

/// Where state is kept, one state a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateStore {
    /// Files in a folder.
    File {
        /// The folder, relative to the workspace.
        path: PathBuf,
    },
    /// Tables of a PostgreSQL database.
    Postgres(PostgresStore),
    /// Objects in a bucket of an S3-compatible server.
    S3(S3Store),
}

/// Tables of a PostgreSQL database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresStore {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The user that signs in.
    pub user: String,
    /// The database.
    pub database: String,
    /// Where the password comes from; `None` where the server asks for none.
    pub password_from: Option<SecretFrom>,
    /// A file of certificates that are trusted in addition, relative to the workspace.
    pub ca: Option<PathBuf>,
    /// The schema of the tables.
    pub schema: String,
    /// Whether what is sent may be read on the way.
    pub allow_insecure: bool,
    /// How long a lock outlives a holder that is gone.
    pub lease: Duration,
}

impl PostgresStore {
    /// Whether the connection is to be encrypted: always, except on this computer without a `ca`, or where the workspace
    /// accepts that others read along.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.ca.is_some() || !(self.allow_insecure || self.is_loopback())
    }

    fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self
                .host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl StateStore {
    /// The folder for what is kept in files whichever store has the state, relative to the workspace.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self {
            Self::File { path } => path,
            Self::Postgres(_) | Self::S3(_) => Path::new("state"),
        }
    }
}

impl Default for StateStore {
    fn default() -> Self {
        Self::File {
            path: "state".into(),
        }
    }
}

/// What `state` says.
#[derive(Debug, Clone)]
pub(super) struct StateSpec(pub(super) StateStore);

impl JsonSchema for StateSpec {
    fn schema_name() -> Cow<'static, str> {
        "State".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = StateSchema::json_schema(generator);
        // The derived tag of a variant has no description of its own.
        let stores = schema
            .get_mut("oneOf")
            .and_then(|stores| stores.as_array_mut());
        for store in stores.into_iter().flatten() {
            let tag = store.pointer_mut("/properties/backend");
            if let Some(tag) = tag.and_then(|tag| tag.as_object_mut()) {
                tag.insert("description".into(), "The store.".into());
            }
        }
        schema
    }
}

/// Where state is kept.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(
    tag = "backend",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[expect(dead_code, reason = "the schema is derived from it")]
enum StateSchema {
    /// Files in a folder, one a platform.
    File {
        /// The folder, relative to this file; left out, `state`.
        path: Option<PathText>,
    },
    /// Tables of a PostgreSQL database.
    Postgres {
        /// The database: `postgres://USER@HOST:PORT/DATABASE`.
        url: Database,
        /// Where the password comes from; left out, none is sent.
        password_from: Option<SecretSpec>,
        /// A file of certificates (PEM) that are trusted in addition, relative to this file.
        ca: Option<PathText>,
        /// The schema of the tables, made where it is missing; left out, `sitewright`.
        schema: Option<Schema>,
        /// Seconds that a lock outlives a holder that is gone; left out, 60.
        #[schemars(range(min = 15, max = 3600))]
        lease: Option<u32>,
        /// Whether the connection may go unencrypted to another computer; left out, it may not.
        allow_insecure: Option<bool>,
    },
    /// Objects in a bucket of an S3-compatible server.
    S3 {
        /// The bucket.
        bucket: Label,
        /// What the names of all objects begin with; left out, nothing.
        prefix: Option<Prefix>,
        /// The region that requests are signed for; for AWS, the bucket's.
        region: Option<Label>,
        /// The server, `https://HOST`; left out, that of AWS for the region.
        endpoint: Option<Endpoint>,
        /// Where the access key comes from; left out with the secret key, the machine's own sign-in with AWS is used.
        access_key_from: Option<SecretSpec>,
        /// Where the secret key comes from.
        secret_key_from: Option<SecretSpec>,
        /// Where the token of a session comes from, for keys that are of one.
        session_token_from: Option<SecretSpec>,
        /// A file of certificates (PEM) that are trusted in addition, relative to this file.
        ca: Option<PathText>,
        /// Whether the connection may go unencrypted to another computer; left out, it may not.
        allow_insecure: Option<bool>,
        /// How many seconds the lock outlives a holder that died; left out, 60.
        #[schemars(range(min = 15, max = 3600))]
        lease: Option<u32>,
    },
}

/// The address of a database.
#[derive(Debug, Clone)]
struct Database {
    host: String,
    port: u16,
    user: String,
    name: String,
}

impl JsonSchema for Database {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Database".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^postgres(ql)?://[^/:@?#]+@[^/@?#]+/[^/?#]+$"
        })
    }
}
impl Written for Database {
    const EXPECTED: &'static str = "the address of a database";
    const CODE: &'static str = "SW0144";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let expected = "expected `postgres://USER@HOST:PORT/DATABASE`";
        let wrong = |found: &str| (format!("{expected}, found {found}"), None);
        let url = Url::parse(text).map_err(|error| wrong(&format!("none: {error}")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong("another scheme"));
        }
        if url.password().is_some() {
            return Err((
                format!("{expected}, found a password in it"),
                Some("say under `passwordFrom` where to get it".into()),
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err((
                format!("{expected}, found parameters"),
                Some("TLS is spoken unless the database is on this computer: see `ca`".into()),
            ));
        }
        let decoded = |text: &str| {
            percent_decode_str(text)
                .decode_utf8()
                .ok()
                .filter(|text| !text.is_empty() && !text.chars().any(char::is_control))
                .map(Cow::into_owned)
        };
        let name = url.path().strip_prefix('/').unwrap_or_default();
        let host = url.host_str().unwrap_or_default();
        Ok(Self {
            host: decoded(host.trim_matches(['[', ']'])).ok_or_else(|| wrong("no host"))?,
            port: url.port().unwrap_or(5432),
            user: decoded(url.username()).ok_or_else(|| wrong("no user"))?,
            name: Some(name)
                .filter(|name| !name.contains('/'))
                .and_then(decoded)
                .ok_or_else(|| wrong("no database"))?,
        })
    }
}

/// The name of a schema in a database.
#[derive(Debug, Clone)]
struct Schema(String);

impl JsonSchema for Schema {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Schema".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z_][a-z0-9_]{0,62}$" })
    }
}
impl Written for Schema {
    const EXPECTED: &'static str = "the name of a schema";
    const CODE: &'static str = "SW0144";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let right = text.len() <= 63
            && text.chars().all(plain)
            && text.starts_with(|c: char| !c.is_ascii_digit())
            // The database keeps these for itself.
            && !text.starts_with("pg_");
        if right {
            Ok(Self(text.into()))
        } else {
            Err((
                format!(
                    "expected the name of a schema in small letters, digits and `_`, found `{}`",
                    short(text)
                ),
                None,
            ))
        }
    }
}

/// How long a lock outlives a holder that is gone, unless the workspace says otherwise.
const LEASE: Duration = Duration::from_mins(1);

/// The stores by the name that `backend` has for them.
const BACKENDS: [&str; 3] = ["file", "postgres", "s3"];

/// Reads `state`.
pub(super) fn read(node: &Node<'_>, faults: &mut Faults) -> Option<StateSpec> {
    let mut fields = Fields::of(node, "`state`", faults)?;
    let backend = fields.need("backend", "`state`", faults)?;
    let store = match text(backend, "the name of a store", faults)? {
        "file" => Some(read_file(fields, faults)),
        "postgres" => read_postgres(fields, faults),
        "s3" => bucket::read(fields, faults).map(StateStore::S3),
        found => {
            let mut fault = faults.make(
                "SW0208",
                backend.span,
                format!(
                    "expected one of {}, found `{}`",
                    listed(&BACKENDS),
                    short(found)
                ),
            );
            fault.hint = nearest(found, &BACKENDS).map(|right| format!("did you mean `{right}`?"));
            faults.push(fault);
            // The other fields are those of another store.
            None
        }
    };
    store.map(StateSpec)
}

fn read_file(mut fields: Fields<'_, '_>, faults: &mut Faults) -> StateStore {
    let path: Option<At<PathText>> = fields.take("path").and_then(|node| one(node, faults));
    fields.finish("`state` with backend `file`", faults);
    path.map_or_else(StateStore::default, |path| StateStore::File {
        path: path.value.0.into(),
    })
}

fn read_postgres(mut fields: Fields<'_, '_>, faults: &mut Faults) -> Option<StateStore> {
    let what = "`state` with backend `postgres`";
    if let Some((_, value)) = fields.stray("password") {
        let fault = faults
            .make(
                "SW0207",
                value.span,
                "expected `passwordFrom`, found a `password`".into(),
            )
            .hint("a workspace holds no secret, only where to get it")
            .secret();
        faults.push(fault);
        // Other faults would show their lines, and it with them.
        return None;
    }
    let url = fields.need("url", what, faults);
    let told = faults.list.len();
    let url: Option<At<Database>> = url.and_then(|node| one(node, faults));
    if let Some(fault) = faults.list.get_mut(told) {
        // An address that is refused may hold a password.
        *fault = fault.clone().secret();
        return None;
    }
    let password_from = fields
        .take("passwordFrom")
        .and_then(|node| secret::read(node, "`passwordFrom`", faults));
    let ca: Option<At<PathText>> = fields.take("ca").and_then(|node| one(node, faults));
    let schema: Option<At<Schema>> = fields.take("schema").and_then(|node| one(node, faults));
    let lease = fields
        .take("lease")
        .and_then(|node| number(node, 15..=3600, faults));
    let insecure = fields
        .take("allowInsecure")
        .and_then(|node| boolean(node, faults));
    if let (Some(ca), Some(At { value: true, span })) = (&ca, &insecure) {
        let fault = faults
            .make(
                "SW0139",
                *span,
                format!("expected one of `ca` and `allowInsecure` in {what}, found both"),
            )
            .and(
                ca.span.origin(&faults.file),
                "certificates are checked against this",
            );
        faults.push(fault);
    }
    fields.finish(what, faults);
    let Database {
        host,
        port,
        user,
        name,
    } = url?.value;
    Some(StateStore::Postgres(PostgresStore {
        host,
        port,
        user,
        database: name,
        password_from,
        ca: ca.map(|path| path.value.0.into()),
        schema: schema.map_or_else(|| "sitewright".into(), |schema| schema.value.0),
        allow_insecure: insecure.is_some_and(|insecure| insecure.value),
        lease: lease.map_or(LEASE, |seconds| Duration::from_secs(seconds.value.into())),
    }))
}
