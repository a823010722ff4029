//! Signing in as Windows does: an account → the messages of NTLM, Kerberos and SPNEGO, one dialogue a connection.
//!
//! I/O: through [`kerberos`](super::kerberos), to the KDC. The cryptography is that of the crate `sspi`; its log is
//! never shown, since it names keys. Which way is tried is decided here: the crate would decide it unseen.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use sspi::ntlm::NtlmConfig;
use sspi::{
    AuthIdentity, BufferType, ClientRequestFlags, CredentialsBuffers, DataRepresentation,
    Negotiate, NegotiateConfig, SecurityBuffer, Sspi as _, SspiImpl as _, Username,
};
use url::Url;

use super::super::transport_error::{Refusal, TransportError};
use super::kerberos::{self, Kerberos};

/// The name by which logs on the other side know this client.
pub(super) const WORKSTATION: &str = "SITEWRIGHT";

/// How to sign in as Windows does.
#[derive(Debug, Clone)]
pub struct WindowsAuth {
    /// By which way.
    pub method: WindowsMethod,
    /// `DOMAIN\user`, `user@REALM` or `user`.
    pub username: String,
    /// The password; may be missing where there is a keytab.
    pub password: Option<SecretString>,
    /// A file with the account's Kerberos keys, instead of a password.
    pub keytab: Option<PathBuf>,
    /// The Kerberos realm; left out, from the user name.
    pub realm: Option<String>,
    /// `tcp://HOST:PORT` of the KDC; left out, from `krb5.conf`.
    pub kdc: Option<Url>,
    /// The service principal; left out, `HTTP/` and the host of the URL.
    pub service_principal: Option<String>,
}

/// A way to sign in that belongs to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowsMethod {
    /// Kerberos where a realm, a KDC and a key or password are at hand, else NTLM.
    Negotiate,
    /// NTLM.
    Ntlm,
    /// Kerberos.
    Kerberos,
}

/// What a sign-in is proved with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Package {
    Kerberos,
    Ntlm,
}

impl Package {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kerberos => "Kerberos",
            Self::Ntlm => "NTLM",
        }
    }
}

/// The scheme of the HTTP header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Negotiate,
    Ntlm,
}

impl Scheme {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Negotiate => "Negotiate",
            Self::Ntlm => "NTLM",
        }
    }

    /// The scheme that also carries a package, where the server does not offer this one.
    pub(super) fn instead(self, package: Package) -> Option<Self> {
        match (package, self) {
            (Package::Kerberos, _) => None,
            (Package::Ntlm, Self::Negotiate) => Some(Self::Ntlm),
            (Package::Ntlm, Self::Ntlm) => Some(Self::Negotiate),
        }
    }

    /// The header that carries a message.
    pub(super) fn header(self, message: &[u8]) -> Option<HeaderValue> {
        let text = format!("{} {}", self.name(), BASE64.encode(message));
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// What an answer with status 401 offers, and says.
pub(super) struct Offer {
    /// The names of the schemes.
    pub(super) schemes: Vec<String>,
    messages: Vec<(String, Vec<u8>)>,
}

impl Offer {
    /// Reads the `WWW-Authenticate` headers. Several offers may stand in one, parted by commas.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut offer = Self {
            schemes: Vec::new(),
            messages: Vec::new(),
        };
        for value in headers.get_all(http::header::WWW_AUTHENTICATE) {
            let Ok(value) = value.to_str() else { continue };
            let mut quoted = false;
            let commas = |c: char| {
                quoted ^= c == '"';
                c == ',' && !quoted
            };
            for part in value.split(commas) {
                let mut words = part.split_whitespace();
                // What has an equals sign before any blank is a parameter of the scheme before it.
                let Some(scheme) = words.next().filter(|word| !word.contains(['=', '"'])) else {
                    continue;
                };
                if !scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-')
                {
                    continue;
                }
                if !offer.has(scheme) {
                    offer.schemes.push(scheme.to_owned());
                }
                if let Some(message) = words.next().and_then(|word| BASE64.decode(word).ok()) {
                    offer.messages.push((scheme.to_owned(), message));
                }
            }
        }
        offer
    }

    /// Whether a scheme is offered.
    pub(super) fn has(&self, scheme: &str) -> bool {
        self.schemes
            .iter()
            .any(|offered| offered.eq_ignore_ascii_case(scheme))
    }

    /// The message for us, where a dialogue goes on.
    pub(super) fn message(&self, scheme: Scheme) -> Option<&[u8]> {
        self.messages
            .iter()
            .find(|(name, message)| name.eq_ignore_ascii_case(scheme.name()) && !message.is_empty())
            .map(|(_, message)| message.as_slice())
    }
}

/// An account, ready to sign in.
pub(super) struct SignIn {
    method: WindowsMethod,
    ntlm: Option<AuthIdentity>,
    kerberos: Option<Arc<Kerberos>>,
    service: String,
    timeout: Duration,
}

impl SignIn {
    /// Gets everything ready; nothing is sent.
    pub(super) fn new(
        auth: &WindowsAuth,
        base: &str,
        host: &str,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        let wrong = |message: &str| TransportError::Setup {
            url: base.to_owned(),
            message: message.to_owned(),
        };
        let username = Username::parse(&auth.username)
            .map_err(|_| wrong("expected `username` as `DOMAIN\\user` or `user@REALM`"))?;
        let service = auth
            .service_principal
            .clone()
            .unwrap_or_else(|| format!("HTTP/{}", host.to_lowercase()));
        if !service.contains('/') {
            return Err(wrong(
                "expected `servicePrincipal` as `HTTP/smp.corp.example`",
            ));
        }
        let needed = auth.method == WindowsMethod::Kerberos;
        let kerberos = match auth.method {
            WindowsMethod::Ntlm => None,
            // There are no tickets for addresses.
            WindowsMethod::Negotiate
                if auth.service_principal.is_none() && host.parse::<std::net::IpAddr>().is_ok() =>
            {
                None
            }
            WindowsMethod::Negotiate | WindowsMethod::Kerberos => {
                Kerberos::find(auth, base, needed)?.map(Arc::new)
            }
        };
        let ntlm = match (&auth.method, &auth.password) {
            (WindowsMethod::Negotiate | WindowsMethod::Ntlm, Some(password)) => {
                Some(AuthIdentity {
                    username,
                    password: password.expose_secret().to_owned().into(),
                })
            }
            (WindowsMethod::Kerberos, _) | (_, None) => None,
        };
        if ntlm.is_none() && kerberos.is_none() {
            return Err(wrong(match auth.method {
                WindowsMethod::Negotiate => {
                    "expected a password, or for the keytab the name of the KDC (`auth.kdc`) and a host name in `url`"
                }
                WindowsMethod::Ntlm => "expected a password",
                WindowsMethod::Kerberos => "expected a password or a keytab",
            }));
        }
        Ok(Self {
            method: auth.method,
            ntlm,
            kerberos,
            service,
            timeout,
        })
    }

    /// The packages to try, in their order.
    pub(super) fn packages(&self) -> impl Iterator<Item = Package> + use<> {
        let kerberos = self.kerberos.as_ref().map(|_| Package::Kerberos);
        let ntlm = self.ntlm.as_ref().map(|_| Package::Ntlm);
        kerberos.into_iter().chain(ntlm)
    }

    /// The scheme to begin with, as long as the server has not shown what it offers.
    pub(super) fn scheme(&self, package: Package) -> Scheme {
        match (self.method, package) {
            (WindowsMethod::Ntlm, Package::Ntlm) => Scheme::Ntlm,
            (_, Package::Kerberos | Package::Ntlm) => Scheme::Negotiate,
        }
    }

    /// Begins a dialogue; `end_point` is that of the server's certificate.
    pub(super) fn dialogue(
        &self,
        package: Package,
        scheme: Scheme,
        end_point: Option<&[u8]>,
    ) -> Result<Dialogue, TransportError> {
        let nonsense = |error: sspi::Error| refused(package, &error);
        let context = match (package, scheme, &self.ntlm, &self.kerberos) {
            (Package::Ntlm, Scheme::Ntlm, Some(identity), _) => Context::Ntlm {
                ntlm: Box::new(sspi::Ntlm::new()),
                credentials: Some(identity.clone().into()),
            },
            (Package::Ntlm, Scheme::Negotiate, Some(identity), _) => Context::Negotiate {
                negotiate: Box::new(
                    Negotiate::new_client(NegotiateConfig::new(
                        Box::new(NtlmConfig::default()),
                        Some("ntlm".into()),
                        WORKSTATION.into(),
                    ))
                    .map_err(nonsense)?,
                ),
                credentials: Some(CredentialsBuffers::AuthIdentity(identity.clone().into())),
            },
            (Package::Kerberos, _, _, Some(kerberos)) => Context::Kerberos(Arc::clone(kerberos)),
            (Package::Ntlm, _, None, _) | (Package::Kerberos, _, _, None) => {
                return Err(TransportError::SignIn {
                    refusal: Refusal::NotOffered(package.name()),
                    offered: Vec::new(),
                });
            }
        };
        Ok(Dialogue {
            package,
            context,
            service: self.service.clone(),
            end_point: end_point.map(<[u8]>::to_vec),
            timeout: self.timeout,
        })
    }
}

/// `SEC_CHANNEL_BINDINGS` with nothing but the data of the application: the binding to the server's certificate.
fn channel_bindings(end_point: &[u8]) -> Vec<u8> {
    const HEADER: u32 = 32;
    let data = [b"tls-server-end-point:", end_point].concat();
    let length = u32::try_from(data.len()).unwrap_or_default();
    let mut bytes = vec![0; 24];
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&HEADER.to_le_bytes());
    bytes.extend_from_slice(&data);
    bytes
}

enum Context {
    Kerberos(Arc<Kerberos>),
    Ntlm {
        ntlm: Box<sspi::Ntlm>,
        credentials: Option<sspi::AuthIdentityBuffers>,
    },
    Negotiate {
        negotiate: Box<Negotiate>,
        credentials: Option<CredentialsBuffers>,
    },
}

/// The messages of one sign-in on one connection.
pub(super) struct Dialogue {
    package: Package,
    context: Context,
    service: String,
    end_point: Option<Vec<u8>>,
    timeout: Duration,
}

impl Dialogue {
    /// The next message to the server, after what it said; nothing before the first.
    pub(super) async fn next(&mut self, said: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut input = vec![SecurityBuffer::new(said.to_vec(), BufferType::Token)];
        if let Some(end_point) = &self.end_point {
            input.push(SecurityBuffer::new(
                channel_bindings(end_point),
                BufferType::ChannelBindings,
            ));
        }
        let mut output = vec![SecurityBuffer::new(Vec::new(), BufferType::Token)];
        // SPNEGO protects its list of mechanisms by a signature of NTLM, which has to be agreed on.
        let wanted = ClientRequestFlags::INTEGRITY;
        let package = self.package;
        match &mut self.context {
            Context::Kerberos(kerberos) if said.is_empty() => {
                let end_point = self.end_point.as_deref();
                return kerberos
                    .message(&self.service, end_point, self.timeout)
                    .await;
            }
            // One message is all that Kerberos has: what the server says to it is a refusal.
            Context::Kerberos(_) => {
                return Err(TransportError::SignIn {
                    refusal: Refusal::Refused(package.name()),
                    offered: vec![Scheme::Negotiate.name().to_owned()],
                });
            }
            Context::Ntlm { ntlm, credentials } => {
                let mut builder = ntlm
                    .initialize_security_context()
                    .with_credentials_handle(credentials)
                    .with_context_requirements(wanted)
                    .with_target_data_representation(DataRepresentation::Native)
                    .with_target_name(&self.service)
                    .with_input(&mut input)
                    .with_output(&mut output);
                ntlm.initialize_security_context_impl(&mut builder)
                    .and_then(|mut generator| generator.resolve_to_result())
                    .map_err(|error| refused(package, &error))?;
            }
            Context::Negotiate {
                negotiate,
                credentials,
            } => {
                let mut builder = negotiate
                    .initialize_security_context()
                    .with_credentials_handle(credentials)
                    .with_context_requirements(wanted)
                    .with_target_data_representation(DataRepresentation::Native)
                    .with_target_name(&self.service)
                    .with_input(&mut input)
                    .with_output(&mut output);
                negotiate
                    .initialize_security_context_impl(&mut builder)
                    .and_then(|mut generator| generator.resolve_to_result())
                    .map_err(|error| refused(package, &error))?;
            }
        }
        Ok(output.swap_remove(0).buffer)
    }
}

fn refused(package: Package, error: &sspi::Error) -> TransportError {
    TransportError::SignIn {
        refusal: Refusal::Nonsense {
            method: package.name(),
            message: kerberos::explained(error),
        },
        offered: Vec::new(),
    }
}

/// Whether a message is the refusal of SPNEGO: a `NegTokenResp` that begins with `negState` *reject* (RFC 4178, 4.2.2).
pub(super) fn rejects(said: &[u8]) -> bool {
    const REJECT: &[u8] = &[0xa0, 3, 0x0a, 1, 2];
    said.first() == Some(&0xa1)
        && said
            .windows(REJECT.len())
            .take(8)
            .any(|window| window == REJECT)
}

/// Whether another package may do where there was no ticket. Where the KDC refused the password it would not: the
/// second try would only count against the account.
pub(super) fn may_go_on(error: &TransportError) -> bool {
    matches!(
        error,
        TransportError::Kerberos {
            proof_refused: false,
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(headers: &[&str]) -> Offer {
        let mut map = HeaderMap::new();
        for header in headers {
            if let Ok(value) = HeaderValue::from_str(header) {
                map.append(http::header::WWW_AUTHENTICATE, value);
            }
        }
        Offer::read(&map)
    }

    #[test]
    fn offers_are_read_however_they_are_written() {
        for (headers, schemes) in [
            (vec!["Negotiate", "NTLM"], vec!["Negotiate", "NTLM"]),
            (
                vec!["Negotiate, NTLM, Basic realm=\"a b\""],
                vec!["Negotiate", "NTLM", "Basic"],
            ),
            (vec!["Basic realm=\"x\", charset=\"UTF-8\""], vec!["Basic"]),
            (vec!["Basic realm=\"x, y, z\""], vec!["Basic"]),
            (
                vec!["Bearer error=\"invalid_token\", error_description=\"no\""],
                vec!["Bearer"],
            ),
            (vec!["negotiate YWJj", "Negotiate"], vec!["negotiate"]),
            (vec![], vec![]),
        ] {
            assert_eq!(offer(&headers).schemes, schemes, "{headers:?}");
        }
    }

    #[test]
    fn a_refusal_of_spnego_is_told_from_its_other_answers() {
        assert!(rejects(&[0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 2]));
        assert!(!rejects(&[0xa1, 7, 0x30, 5, 0xa0, 3, 0x0a, 1, 1]));
        assert!(!rejects(b"NTLMSSP\0"));
        assert!(!rejects(&[]));
    }

    #[test]
    fn a_message_is_that_of_our_scheme() {
        let said = offer(&["NTLM YWJj", "Negotiate ZGVm"]);
        assert_eq!(said.message(Scheme::Ntlm), Some(&b"abc"[..]));
        assert_eq!(said.message(Scheme::Negotiate), Some(&b"def"[..]));
        assert_eq!(offer(&["NTLM"]).message(Scheme::Ntlm), None);
        assert_eq!(offer(&["NTLM !"]).message(Scheme::Ntlm), None);
    }
}
