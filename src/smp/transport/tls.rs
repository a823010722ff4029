//! How TLS is spoken: what the system trusts, the authorities of `ca`, and a client certificate.
//!
//! I/O: reads the certificate files. Both ways to send, the pooled and the held connections, take their settings from
//! here, so that one certificate is trusted by both or by neither. A certificate that is refused says why, which
//! travels inside the error of the TLS library and is found again by [`untrusted`].

#![expect(clippy::disallowed_methods, reason = "reads the files of certificates")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use secrecy::{ExposeSecret as _, SecretString};

use super::super::transport_error::TransportError;
use super::cause;
use super::certificate::{Certificate, CertificateFault, Untrusted};

/// A certificate that the client shows.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// A PEM file: the certificate, then those of the authorities below the root.
    pub certificate: PathBuf,
    /// Its private key, as PEM text without a password.
    pub key: SecretString,
}

/// The settings for a server that is no SMP: the same are trusted, and one that is refused is told of in the same words.
///
/// # Errors
/// Where `ca` cannot be read.
pub fn tls_settings(server: &str, ca: Option<&Path>) -> Result<ClientConfig, TransportError> {
    settings(server, ca, None)
}

/// The settings of a client that trusts what the system trusts, and `ca`.
pub(super) fn settings(
    base: &str,
    ca: Option<&Path>,
    identity: Option<&ClientCertificate>,
) -> Result<ClientConfig, TransportError> {
    let failed = |error: &dyn Error| TransportError::Setup {
        url: base.to_owned(),
        message: cause(error),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let extra = ca.map(authorities).transpose()?.unwrap_or_default();
    let inner = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider.clone())
        .map_err(|error| match ca {
        Some(path) => TransportError::Authority {
            path: path.to_owned(),
            message: error.to_string(),
        },
        None => failed(&error),
    })?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Telling(inner)));
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some(identity) => {
            let wrong = |message: String| TransportError::ClientCertificate {
                path: identity.certificate.clone(),
                message,
            };
            let chain = certificates(&identity.certificate).map_err(wrong)?;
            let key = PrivateKeyDer::from_pem_slice(identity.key.expose_secret().as_bytes())
                .map_err(|_| {
                    wrong(
                        "expected its private key as PEM without a password, found none".to_owned(),
                    )
                })?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| wrong(error.to_string()))
        }
    }
}

fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    certificates(path).map_err(|message| TransportError::Authority {
        path: path.to_owned(),
        message,
    })
}

/// The certificates of a PEM file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let pem = std::fs::read(path).map_err(|error| error.to_string())?;
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    if certificates.is_empty() {
        return Err("expected PEM certificates, found none".to_owned());
    }
    Ok(certificates)
}

/// Verifies as the system does, and tells of a refused certificate what it is.
#[derive(Debug)]
struct Telling(rustls_platform_verifier::Verifier);

impl ServerCertVerifier for Telling {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.0
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| match error {
                rustls::Error::InvalidCertificate(error) => {
                    let told = tell(error, end_entity, server_name);
                    CertificateError::Other(OtherError(Arc::new(told))).into()
                }
                other => other,
            })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn tell(error: CertificateError, der: &[u8], name: &ServerName<'_>) -> Untrusted {
    let certificate = Certificate::read(der);
    let own = certificate
        .as_ref()
        .is_some_and(Certificate::is_self_signed);
    let fault = match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            CertificateFault::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongName
        }
        // What the library says of a certificate that is its own authority has several names.
        _ if own => CertificateFault::SelfSigned,
        // An authority of the same name with another key has signed it, mostly an older or a newer one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            CertificateFault::UnknownIssuer
        }
        other => CertificateFault::Other(other.to_string()),
    };
    Untrusted {
        host: name.to_str().into_owned(),
        fault,
        certificate,
    }
}

/// What was wrong with a certificate, where that is what an error goes back to.
pub(super) fn untrusted(error: &(dyn Error + 'static)) -> Option<Untrusted> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))) =
            error.downcast_ref::<rustls::Error>()
        {
            return inner.downcast_ref::<Untrusted>().cloned();
        }
        // An I/O error hides the error that it holds from `source`.
        next = match error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
