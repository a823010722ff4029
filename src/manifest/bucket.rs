//! `state` of a workspace that is kept in a bucket of an S3-compatible server.
//!
//! Pure. A secret written into it is refused and not shown.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;

use super::decode::{At, Faults, Fields, Written, boolean, number, one, short};
use super::location::{PathText, Url as Address};
use super::secret::{self, SecretFrom};

/// How long a lease lasts, in seconds, where nothing is said.
const LEASE: u32 = 60;

/// Objects in a bucket of an S3-compatible server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Store {
    /// The bucket.
    pub bucket: String,
    /// What the names of all objects begin with, without a `/` at either end; may be empty.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// The server; `None` for AWS.
    pub endpoint: Option<String>,
    /// Where the keys come from; `None` where the machine has its own.
    pub keys_from: Option<S3KeysFrom>,
    /// A file of certificates that are trusted in addition, relative to the workspace.
    pub ca: Option<PathBuf>,
    /// Whether what is sent may be read on the way.
    pub allow_insecure: bool,
    /// How long the lock outlives a holder that died.
    pub lease: Duration,
}

/// Where the keys of an S3-compatible server come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3KeysFrom {
    /// The access key.
    pub access: SecretFrom,
    /// The secret key.
    pub secret: SecretFrom,
    /// The token of a session, where the keys are of one.
    pub session: Option<SecretFrom>,
}

/// The name of a bucket, or of a region.
#[derive(Debug, Clone)]
pub(super) struct Label(String);

impl JsonSchema for Label {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Label".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$" })
    }
}
impl Written for Label {
    const EXPECTED: &'static str = "a name in small letters, digits, `.` and `-`";
    const CODE: &'static str = "SW0145";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let plain =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let right = (3..=63).contains(&text.len())
            && text.chars().all(plain)
            && text.starts_with(edge)
            && text.ends_with(edge);
        if right {
            Ok(Self(text.into()))
        } else {
            Err((
                format!(
                    "expected 3 to 63 small letters, digits, `.` and `-`, found `{}`",
                    short(text)
                ),
                None,
            ))
        }
    }
}

/// What the names of objects begin with.
#[derive(Debug, Clone)]
pub(super) struct Prefix(String);

impl JsonSchema for Prefix {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Prefix".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "maxLength": 500,
            "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?$"
        })
    }
}
impl Written for Prefix {
    const EXPECTED: &'static str = "a prefix";
    const CODE: &'static str = "SW0145";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let whole = text.strip_suffix('/').unwrap_or(text);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let right = whole.len() <= 500
            && whole
                .split('/')
                .all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(plain));
        if right {
            Ok(Self(whole.into()))
        } else {
            Err((
                format!(
                    "expected names of letters, digits, `.`, `_` and `-` with `/` in between, found `{}`",
                    short(text)
                ),
                None,
            ))
        }
    }
}

/// The address of an S3-compatible server.
#[derive(Debug, Clone)]
pub(super) struct Endpoint(Address);

impl JsonSchema for Endpoint {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Endpoint".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^https?://[^@?#]+$" })
    }
}
impl Written for Endpoint {
    const EXPECTED: &'static str = "the address of an S3-compatible server";
    const CODE: &'static str = "SW0145";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let expected = "expected `https://HOST` or `http://HOST`";
        match url::Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                Err((format!("{expected}, found another scheme"), None))
            }
            Ok(url) if url.password().is_some() || !url.username().is_empty() => Err((
                format!("{expected}, found a user in it"),
                Some("say the keys under `accessKeyFrom` and `secretKeyFrom`".into()),
            )),
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                Err((format!("{expected}, found parameters"), None))
            }
            Ok(_) => Ok(Self(Address(text.into()))),
            Err(error) => Err((format!("{expected}, found none: {error}"), None)),
        }
    }
}

/// Reads the fields beside `backend: s3`.
pub(super) fn read(mut fields: Fields<'_, '_>, faults: &mut Faults) -> Option<S3Store> {
    let what = "`state` with backend `s3`";
    for (name, right) in [
        ("accessKey", "accessKeyFrom"),
        ("secretKey", "secretKeyFrom"),
        ("sessionToken", "sessionTokenFrom"),
    ] {
        if let Some((_, value)) = fields.stray(name) {
            let fault = faults
                .make(
                    "SW0207",
                    value.span,
                    format!("expected `{right}`, found a `{name}`"),
                )
                .hint("a workspace holds no secret, only where to get it")
                .secret();
            faults.push(fault);
            // Other faults would show their lines, and it with them.
            return None;
        }
    }
    let bucket = fields.need("bucket", what, faults);
    let bucket: Option<At<Label>> = bucket.and_then(|node| one(node, faults));
    let prefix: Option<At<Prefix>> = fields.take("prefix").and_then(|node| one(node, faults));
    let region_node = fields.take("region");
    let region: Option<At<Label>> = region_node.and_then(|node| one(node, faults));
    let endpoint_node = fields.take("endpoint");
    let told = faults.list.len();
    let endpoint: Option<At<Endpoint>> = endpoint_node.and_then(|node| one(node, faults));
    if let Some(fault) = faults.list.get_mut(told) {
        // An address that is refused may hold a secret.
        *fault = fault.clone().secret();
        return None;
    }
    let [access_node, secret_node, session_node] =
        ["accessKeyFrom", "secretKeyFrom", "sessionTokenFrom"].map(|name| fields.take(name));
    let mut from = |node, name| secret::read(node, name, faults);
    let access = access_node.and_then(|node| from(node, "`accessKeyFrom`"));
    let secret = secret_node.and_then(|node| from(node, "`secretKeyFrom`"));
    let session = session_node.and_then(|node| from(node, "`sessionTokenFrom`"));
    let ca: Option<At<PathText>> = fields.take("ca").and_then(|node| one(node, faults));
    let insecure = fields
        .take("allowInsecure")
        .and_then(|node| boolean(node, faults))
        .is_some_and(|insecure| insecure.value);
    let lease = fields
        .take("lease")
        .map(|node| number(node, 15..=3600, faults));
    if let Some(stray) = [access_node, secret_node, session_node]
        .into_iter()
        .flatten()
        .next()
        && (access_node.is_none() || secret_node.is_none())
    {
        faults.tell(
            "SW0147",
            stray.span,
            "expected both `accessKeyFrom` and `secretKeyFrom`, or none of the keys, found some of them",
        );
    }
    if let Some(endpoint) = &endpoint {
        let Endpoint(address) = &endpoint.value;
        if address.is_plain() && !address.is_loopback() && !insecure {
            let fault = faults
                .make(
                    "SW0146",
                    endpoint.span,
                    "expected an https address, found one over which the state can be read on the way"
                        .into(),
                )
                .hint("write https://…, or accept it by `allowInsecure: true`");
            faults.push(fault);
        }
    }
    if let (Some(bucket), None, None) = (&bucket, region_node, endpoint_node) {
        faults.tell(
            "SW0148",
            bucket.span,
            "expected a `region` of AWS or the `endpoint` of another server, found neither",
        );
    }
    fields.finish(what, faults);
    let lease = lease.map_or(Some(LEASE), |lease| lease.map(|lease| lease.value))?;
    Some(S3Store {
        bucket: bucket?.value.0,
        prefix: prefix.map_or_else(String::new, |prefix| prefix.value.0),
        region: region.map(|region| region.value.0),
        endpoint: endpoint.map(|endpoint| endpoint.value.0.0),
        keys_from: access.zip(secret).map(|(access, secret)| S3KeysFrom {
            access,
            secret,
            session,
        }),
        ca: ca.map(|path| path.value.0.into()),
        allow_insecure: insecure,
        lease: Duration::from_secs(lease.into()),
    })
}
