//! Tickets: an account, a realm and a KDC → the message that signs in by Kerberos.
//!
//! I/O: reads the keytab and, through the library, `krb5.conf` (on Windows the registry and DNS); talks to the KDC by
//! TCP. The library makes the messages and waits for answers; it has no network of its own here. A ticket is asked for
//! once and used for every connection, and every request where the server wants that.
//!
//! The last message is put together here, from the library's parts: its own would tell the server of the channel binding
//! in two bytes where [MS-KILE] has four, which MIT Kerberos refuses.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "reads the keytab, talks to the KDC"
)]

use std::time::Duration;

use md5::{Digest as _, Md5};
use picky_krb::messages::{AsRep, KrbError, TgsRep};
use secrecy::{ExposeSecret as _, SecretString};
use sspi::generator::GeneratorState;
use sspi::kerberos::EncryptionParams;
use sspi::kerberos::client::extractors;
use sspi::kerberos::client::generators::{
    self, ChecksumOptions, ChecksumValues, GenerateAuthenticatorOptions,
};
use sspi::kerberos::flags::ApOptions;
use sspi::{
    AuthIdentityBuffers, BufferType, ClientRequestFlags, CredentialsBuffers, DataRepresentation,
    ErrorKind, KdcResolution, KerberosConfig, KeytabIdentity, NetworkProtocol, NetworkRequest,
    Secret, SecurityBuffer, Sspi as _, SspiImpl as _, Username,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::super::transport_error::TransportError;
use super::keytab;
use super::sign_in::{WORKSTATION, WindowsAuth};

/// No answer of a KDC is larger.
const ANSWER: u32 = 4 * 1024 * 1024;
/// A ticket is asked for anew after this time; no KDC gives shorter ones.
const FRESH: Duration = Duration::from_mins(4);
/// How the library words that the KDC refused the proof of the account (`KDC_ERR_PREAUTH_FAILED`).
const PROOF_REFUSED: &str = "pre-authentication information was invalid";

/// `1.3.6.1.5.5.2`, SPNEGO.
const SPNEGO: &[u8] = &[6, 6, 0x2b, 6, 1, 5, 5, 2];
/// `1.2.840.113554.1.2.2`, Kerberos.
const KERBEROS: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];

/// An account that tickets are asked for with, and the ticket that is at hand.
pub(super) struct Kerberos {
    credentials: CredentialsBuffers,
    /// What passwords of the account are salted with, where the KDC does not say.
    salt: String,
    kdc: Url,
    ticket: Mutex<Option<Ticket>>,
}

/// A ticket for the server, with the key that goes with it.
struct Ticket {
    reply: TgsRep,
    key: Secret<Vec<u8>>,
    parameters: EncryptionParams,
    since: Instant,
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
        Ok(Some(Self {
            credentials,
            salt: format!("{realm}{account}"),
            kdc,
            ticket: Mutex::default(),
        }))
    }

    /// The message that signs in at a service, in SPNEGO; bound to the server's certificate where there is one.
    pub(super) async fn message(
        &self,
        service: &str,
        end_point: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Vec<u8>, TransportError> {
        let mut held = self.ticket.lock().await;
        let ticket = match held.take() {
            Some(ticket) if ticket.since.elapsed() < FRESH => held.insert(ticket),
            _ => held.insert(self.fetch(service, timeout).await?),
        };
        request(ticket, end_point).map_err(|error| failed(service, &error))
    }

    /// Asks the KDC for a ticket.
    async fn fetch(&self, service: &str, timeout: Duration) -> Result<Ticket, TransportError> {
        let mut replies = Vec::new();
        let mut unreachable = None;
        let mut credentials = Some(self.credentials.clone());
        let mut input = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
        let mut kerberos = sspi::Kerberos::new_client_from_config(KerberosConfig {
            kdc_resolution: KdcResolution::KdcUrl(Some(self.kdc.clone())),
            client_computer_name: WORKSTATION.into(),
        })
        .map_err(|error| failed(service, &error))?;
        let mut builder = kerberos
            .initialize_security_context()
            .with_credentials_handle(&mut credentials)
            .with_context_requirements(ClientRequestFlags::empty())
            .with_target_data_representation(DataRepresentation::Native)
            .with_target_name(service)
            .with_input(&mut input)
            .with_output(&mut output);
        let mut generator = kerberos
            .initialize_security_context_impl(&mut builder)
            .map_err(|error| failed(service, &error))?;
        let mut state = generator.start();
        let ended = loop {
            match state {
                GeneratorState::Completed(ended) => break ended,
                GeneratorState::Suspended(request) => {
                    let answer = ask(&request, timeout).await;
                    if let Ok(answer) = &answer {
                        replies.push(answer.clone());
                    }
                    state = generator.resume(answer.map_err(|message| {
                        unreachable = Some(message.clone());
                        sspi::Error::new(ErrorKind::NoAuthenticatingAuthority, message)
                    }));
                }
            }
        };
        match (ended, unreachable) {
            (Ok(_), _) => self
                .understand(&replies)
                .map_err(|error| failed(service, &error)),
            (Err(_), Some(message)) => Err(TransportError::Kerberos {
                service: service.to_owned(),
                message,
                proof_refused: false,
            }),
            (Err(error), None) => Err(failed(service, &error)),
        }
    }

    /// Takes ticket and key out of what the KDC said, through as many realms as it led.
    fn understand(&self, replies: &[Vec<u8>]) -> sspi::Result<Ticket> {
        let wrong = |what: &str| sspi::Error::new(ErrorKind::InvalidToken, what);
        // Each begins with its length, then the tag that says what it is.
        let of_kind = |tag: u8| {
            replies
                .iter()
                .filter_map(|reply| reply.get(4..))
                .filter(move |reply| reply.first() == Some(&tag))
        };
        let first = of_kind(0x6b)
            .next()
            .ok_or_else(|| wrong("the KDC gave no ticket to begin with"))?;
        let first: AsRep = picky_asn1_der::from_bytes(first)?;
        let mut parameters = EncryptionParams::default_for_client();
        let mut key = match &self.credentials {
            CredentialsBuffers::Keytab(keytab) => {
                parameters.encryption_type = Some(keytab.key_enctype.clone());
                extractors::extract_session_key_from_as_rep_with_key(
                    &first,
                    keytab.key.as_ref(),
                    &parameters,
                )?
            }
            CredentialsBuffers::AuthIdentity(_) => {
                let (encryption, salt) = extractors::extract_encryption_params_from_as_rep(&first)?;
                parameters.encryption_type = Some(usize::from(encryption).try_into()?);
                let told = of_kind(0x7e).find_map(|error| {
                    let error: KrbError = picky_asn1_der::from_bytes(error).ok()?;
                    extractors::extract_salt_from_krb_error(&error).ok()?
                });
                let salt = Some(salt).filter(|salt| !salt.is_empty()).or(told);
                extractors::extract_session_key_from_as_rep(
                    &first,
                    salt.as_ref().unwrap_or(&self.salt),
                    self.credentials.extract_password().as_ref(),
                    &parameters,
                )?
            }
        };
        let mut last = None;
        for reply in of_kind(0x6d) {
            let reply: TgsRep = picky_asn1_der::from_bytes(reply)?;
            key = extractors::extract_session_key_from_tgs_rep(&reply, &key, &parameters)?;
            last = Some(reply);
        }
        Ok(Ticket {
            reply: last.ok_or_else(|| wrong("the KDC gave no ticket for the service"))?,
            key,
            parameters,
            since: Instant::now(),
        })
    }
}

/// Puts the last message together: the ticket, and the proof of the moment.
fn request(ticket: &Ticket, end_point: Option<&[u8]>) -> sspi::Result<Vec<u8>> {
    // RFC 4121, 4.1.1: the length of the binding, the binding, and flags, of which none is needed.
    let mut checksum = [0; 24];
    checksum[0] = 16;
    if let Some(end_point) = end_point {
        checksum[4..20].copy_from_slice(&binding_hash(end_point));
    }
    let authenticator = generators::generate_authenticator(GenerateAuthenticatorOptions {
        kdc_rep: &ticket.reply.0,
        seq_num: Some(0),
        sub_key: None,
        checksum: Some(ChecksumOptions {
            checksum_type: vec![0, 0x80, 3],
            checksum_value: ChecksumValues::from(checksum),
        }),
        channel_bindings: None,
        extensions: Vec::new(),
    })?;
    let request = generators::generate_ap_req(
        ticket.reply.0.ticket.0.clone(),
        &ticket.key,
        &authenticator,
        &ticket.parameters,
        ApOptions::empty(),
    )?;
    let request = picky_asn1_der::to_vec(&request)?;
    let inner = der(0x60, &[KERBEROS, &[1, 0], &request]);
    let mechanisms = der(0xa0, &[&der(0x30, &[KERBEROS])]);
    let token = der(0xa2, &[&der(0x04, &[&inner])]);
    let offer = der(0xa0, &[&der(0x30, &[&mechanisms, &token])]);
    Ok(der(0x60, &[SPNEGO, &offer]))
}

/// The hash of `gss_channel_bindings_struct` with nothing but the data of the application (RFC 4121, 4.1.1.2).
fn binding_hash(end_point: &[u8]) -> [u8; 16] {
    let data = [b"tls-server-end-point:", end_point].concat();
    let length = u32::try_from(data.len()).unwrap_or_default();
    let mut hash = Md5::new();
    hash.update([0; 16]);
    hash.update(length.to_le_bytes());
    hash.update(&data);
    hash.finalize().into()
}

/// One element of DER.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag];
    if let Ok(short @ 0..=127) = u8::try_from(content.len()) {
        element.push(short);
    } else {
        let length = content.len().to_be_bytes();
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        let length = length.get(zeros..).unwrap_or_default();
        element.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
        element.extend_from_slice(length);
    }
    element.extend_from_slice(&content);
    element
}

fn failed(service: &str, error: &sspi::Error) -> TransportError {
    TransportError::Kerberos {
        service: service.to_owned(),
        message: explained(error),
        proof_refused: error.description.starts_with(PROOF_REFUSED),
    }
}

/// What the KDC says, without the bytes that it adds.
pub(super) fn explained(error: &sspi::Error) -> String {
    let said = error
        .description
        .split(". Additional error")
        .next()
        .unwrap_or_default();
    match said {
        PROOF_REFUSED => "the KDC refuses the password or the key of the account".into(),
        "client not found in Kerberos database" => "the KDC does not know the account".into(),
        "server not found in Kerberos database" => {
            "the KDC does not know this service principal".into()
        }
        "clock skew too great" => {
            "the clocks of this computer and of the KDC differ too much".into()
        }
        other => other.to_owned(),
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
async fn ask(request: &NetworkRequest, timeout: Duration) -> Result<Vec<u8>, String> {
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
    fn lengths_of_der_are_as_short_as_can_be() {
        assert_eq!(der(4, &[&[7; 3]]), [4, 3, 7, 7, 7]);
        assert_eq!(der(4, &[&[0; 127]])[..2], [4, 127]);
        assert_eq!(der(4, &[&[0; 128]])[..3], [4, 0x81, 128]);
        assert_eq!(der(4, &[&[0; 300]])[..4], [4, 0x82, 1, 44]);
    }

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
