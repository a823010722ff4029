//! What a sign-in by Kerberos stands on: the realm, the KDC, the key of the account; and the way to the KDC.
//!
//! I/O: reads the keytab and, through the library, `krb5.conf` (on Windows the registry and DNS); talks to the KDC by
//! TCP. The library makes the messages and waits for answers; it has no network of its own here.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "reads the keytab, talks to the KDC"
)]

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use sspi::NetworkRequest;
use sspi::{
    AuthIdentityBuffers, CredentialsBuffers, KeytabIdentity, NetworkProtocol, Secret, Username,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::Url;

use super::super::transport_error::TransportError;
use super::keytab;
use super::sign_in::WindowsAuth;

/// No answer of a KDC is larger.
const ANSWER: u32 = 4 * 1024 * 1024;

/// What tickets are asked for with.
pub(super) struct Kerberos {
    pub(super) credentials: CredentialsBuffers,
    pub(super) kdc: Url,
}

/// `CORP\svc`, `svc@CORP.EXAMPLE` or `svc`, with `realm` where it is given: the account, and its realm if that is told.
///
/// A domain without a dot is a `NetBIOS` name, which is no realm. A name whose suffix is another than the realm goes as
/// it is: an enterprise name, which the KDC looks up.
pub(super) fn principal(username: &str, realm: Option<&str>) -> (String, Option<String>) {
    let realm = realm.map(str::to_uppercase);
    if let Some((domain, account)) = username.split_once('\\') {
        let told = realm.or_else(|| domain.contains('.').then(|| domain.to_uppercase()));
        return (account.to_owned(), told);
    }
    match username.rsplit_once('@') {
        Some((account, suffix)) => match realm {
            Some(realm) if !suffix.eq_ignore_ascii_case(&realm) => {
                (username.to_owned(), Some(realm))
            }
            Some(_) | None => (account.to_owned(), Some(suffix.to_uppercase())),
        },
        None => (username.to_owned(), realm),
    }
}

impl Kerberos {
    /// Finds out what is needed; `None` where a sign-in that may do without Kerberos has no realm or no KDC.
    pub(super) fn find(
        auth: &WindowsAuth,
        base: &str,
        needed: bool,
    ) -> Result<Option<Self>, TransportError> {
        let (account, realm) = principal(&auth.username, auth.realm.as_deref());
        let Some(realm) = realm else {
            return if needed {
                Err(TransportError::Setup {
                    url: base.to_owned(),
                    message: "expected the Kerberos realm of the account: `username` as `user@REALM`, or `auth.realm`".into(),
                })
            } else {
                Ok(None)
            };
        };
        let told = auth.kdc.clone().or_else(|| sspi::detect_kdc_url(&realm));
        let kdc =
            match told {
                Some(kdc) => kdc,
                // In Active Directory the name of the domain is that of its controllers.
                None if needed => Url::parse(&format!("tcp://{}:88", realm.to_lowercase()))
                    .map_err(|error| TransportError::Setup {
                        url: base.to_owned(),
                        message: format!("the realm `{realm}` is no host name: {error}"),
                    })?,
                None => return Ok(None),
            };
        let credentials = match (&auth.keytab, &auth.password) {
            (Some(path), _) => {
                let wrong = |message: String| TransportError::Keytab {
                    path: path.clone(),
                    message,
                };
                let file = zeroize::Zeroizing::new(
                    std::fs::read(path).map_err(|error| wrong(error.to_string()))?,
                );
                let key = keytab::find(&file, &account, &realm).map_err(wrong)?;
                let principal = Username::new(&account, Some(&realm))
                    .map_err(|error| wrong(error.to_string()))?;
                CredentialsBuffers::Keytab(KeytabIdentity {
                    principal,
                    key: Secret::new(key.bytes.to_vec()),
                    key_enctype: usize::from(key.encryption)
                        .try_into()
                        .map_err(|_| wrong("the encryption type is not supported".into()))?,
                })
            }
            (None, Some(password)) => with_password(&account, &realm, password),
            (None, None) => return Ok(None),
        };
        Ok(Some(Self { credentials, kdc }))
    }
}

fn with_password(account: &str, realm: &str, password: &SecretString) -> CredentialsBuffers {
    CredentialsBuffers::AuthIdentity(AuthIdentityBuffers::from_utf8(
        account,
        realm,
        password.expose_secret(),
    ))
}

/// Asks the KDC. The message begins with its length, and so does the answer.
pub(super) async fn ask(request: &NetworkRequest, timeout: Duration) -> Result<Vec<u8>, String> {
    let shown = &request.url;
    if request.protocol != NetworkProtocol::Tcp {
        return Err(format!("the KDC `{shown}` is not reached by tcp"));
    }
    let host = shown
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    let port = shown.port().unwrap_or(88);
    let talk = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&request.data).await?;
        let length = stream.read_u32().await?;
        if length > ANSWER {
            return Err(std::io::Error::other("its answer has no end"));
        }
        let mut answer = length.to_be_bytes().to_vec();
        (&mut stream)
            .take(length.into())
            .read_to_end(&mut answer)
            .await?;
        Ok(answer)
    };
    match tokio::time::timeout(timeout, talk).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(format!("the KDC `{shown}` does not answer: {error}")),
        Err(_) => Err(format!(
            "the KDC `{shown}` does not answer within {} s",
            timeout.as_secs()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_told_from_realms() {
        for (username, realm, account, told) in [
            (r"CORP\svc", None, "svc", None),
            (
                r"CORP\svc",
                Some("corp.example"),
                "svc",
                Some("CORP.EXAMPLE"),
            ),
            (r"corp.example\svc", None, "svc", Some("CORP.EXAMPLE")),
            ("svc@corp.example", None, "svc", Some("CORP.EXAMPLE")),
            (
                "svc@corp.example",
                Some("CORP.EXAMPLE"),
                "svc",
                Some("CORP.EXAMPLE"),
            ),
            (
                "svc@mail.example",
                Some("CORP.EXAMPLE"),
                "svc@mail.example",
                Some("CORP.EXAMPLE"),
            ),
            ("svc", None, "svc", None),
            ("svc", Some("CORP.EXAMPLE"), "svc", Some("CORP.EXAMPLE")),
        ] {
            assert_eq!(
                principal(username, realm),
                (account.to_owned(), told.map(ToOwned::to_owned)),
                "{username} {realm:?}"
            );
        }
    }
}
