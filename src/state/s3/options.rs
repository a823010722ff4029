//! Which bucket, and how to sign in there.
//!
//! Pure. No secret is shown, whichever way these are printed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// A place in a bucket.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// The bucket.
    pub bucket: String,
    /// What the names of all objects begin with, without a `/` at either end; may be empty.
    pub prefix: String,
    /// The region that requests are signed for.
    pub region: Option<String>,
    /// Where the server is; left out, AWS by the region.
    pub endpoint: Option<Url>,
    /// How to sign in.
    pub credentials: S3Credentials,
    /// Certificates of authorities that are trusted beside the system's, as PEM text.
    pub authorities: Option<Vec<u8>>,
    /// Whether requests may travel without TLS.
    pub allow_http: bool,
    /// How long a lease lasts that is not renewed.
    pub lease: Duration,
}

/// How to sign in at an S3-compatible server.
#[derive(Debug, Clone)]
pub enum S3Credentials {
    /// By keys.
    Keys {
        /// The access key.
        access: SecretString,
        /// The secret key.
        secret: SecretString,
        /// The token of a session, where the keys are of one.
        session: Option<SecretString>,
    },
    /// As the machine does that this runs on: by the variables of AWS's own tools that are set, else by the role of the
    /// instance.
    Machine(BTreeMap<&'static str, SecretString>),
}

impl S3Credentials {
    /// The variables that [`S3Credentials::Machine`] knows.
    pub const VARIABLES: [&'static str; 9] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ];
}

impl fmt::Display for S3Options {
    /// Where it is: `s3://bucket/prefix`, and the server where it is not AWS.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bucket,
            prefix,
            region: _,
            endpoint,
            credentials: _, // secret
            authorities: _,
            allow_http: _,
            lease: _,
        } = self;
        write!(f, "s3://{bucket}")?;
        if !prefix.is_empty() {
            write!(f, "/{prefix}")?;
        }
        match endpoint.as_ref().and_then(Url::host_str) {
            Some(host) => write!(f, " at {host}"),
            None => Ok(()),
        }
    }
}

/// Why a bucket cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the bucket `{place}`: {message}")]
pub struct S3Error {
    /// Which one.
    pub(super) place: String,
    /// Why.
    pub(super) message: String,
}

impl S3Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "SW0753"
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some("change `state` in the workspace".into())
    }
}
