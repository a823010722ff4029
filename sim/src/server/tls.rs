//! Certificates: those that a server shows, and those that it wants to see.
//!
//! Makes an authority of its own where none is given. Reads PEM from memory; files are the command line's business.

use std::fmt;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use crate::sign_in::{Binding, server_end_point};

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// Certificates could not be made.
    #[error("cannot make a certificate")]
    Make(#[from] rcgen::Error),
    /// A text is no PEM of what it should be.
    #[error("expected {expected} in PEM")]
    Pem {
        /// What it should hold.
        expected: &'static str,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// No certificate in it.
    #[error("expected {expected} in PEM, found none")]
    Empty {
        /// What it should hold.
        expected: &'static str,
    },
    /// The certificate's signature is of a kind for which no channel binding is defined.
    #[error("expected a certificate signed by RSA (PKCS #1) or ECDSA")]
    Signature,
    /// Certificate and key do not fit, or are of no use.
    #[error("the certificate cannot be used")]
    Unusable(#[from] rustls::Error),
    /// The authority of clients is of no use.
    #[error("the authority of client certificates cannot be used")]
    Verifier(#[from] VerifierBuilderError),
}

/// An authority that was made for a simulator, and signs for it.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, both in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

/// The key is not shown.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity {
            certificate,
            key: _,
        } = self;
        f.debug_struct("Identity")
            .field("certificate", certificate)
            .finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes one.
    pub fn new() -> Result<Self, TlsError> {
        let mut parameters = CertificateParams::default();
        let name = &mut parameters.distinguished_name;
        name.push(DnType::CommonName, "Sitewright simulator CA");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// The authority's own certificate in PEM, for whoever is to trust it.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs for a server of these names and addresses.
    pub fn server(&self, names: &[&str]) -> Result<Tls, TlsError> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let identity = self.sign(names, "simulator", ExtendedKeyUsagePurpose::ServerAuth)?;
        Tls::from_pem(identity.certificate.as_bytes(), identity.key.as_bytes())
    }

    /// Signs for a client.
    pub fn client(&self, name: &str) -> Result<Identity, TlsError> {
        self.sign(Vec::new(), name, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        names: Vec<String>,
        name: &str,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Identity, TlsError> {
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![usage];
        parameters.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// What a server shows, and wants to see.
#[derive(Debug)]
pub struct Tls {
    certificates: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    client_authority: Option<Arc<RootCertStore>>,
    binding: Binding,
}

impl Tls {
    /// Takes a certificate, with those between it and its authority, and its key.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let certificates = read_certificates(certificates, "a certificate")?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|source| TlsError::Pem {
            expected: "a private key",
            source,
        })?;
        let binding = certificates
            .first()
            .and_then(|own| server_end_point(own))
            .ok_or(TlsError::Signature)?;
        Ok(Self {
            certificates,
            key,
            client_authority: None,
            binding,
        })
    }

    /// The same, and callers of services must show a certificate of this authority.
    pub fn with_client_authority(mut self, pem: &[u8]) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in read_certificates(pem, "the authority of clients")? {
            roots.add(certificate)?;
        }
        self.client_authority = Some(Arc::new(roots));
        Ok(self)
    }

    /// Says whether callers must show a certificate.
    pub(super) fn wants_certificate(&self) -> bool {
        self.client_authority.is_some()
    }

    pub(super) fn binding(&self) -> Binding {
        self.binding
    }

    /// What the handshake needs. A client without a certificate is refused later, by HTTP, as IIS does; so the
    /// administrator's paths need none.
    pub(super) fn config(&self) -> Result<ServerConfig, TlsError> {
        let provider: Arc<CryptoProvider> = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &self.client_authority {
            None => builder.with_no_client_auth(),
            Some(roots) => builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), provider)
                    .allow_unauthenticated()
                    .build()?,
            ),
        };
        Ok(builder.with_single_cert(self.certificates.clone(), self.key.clone_key())?)
    }
}

impl Clone for Tls {
    fn clone(&self) -> Self {
        let Tls {
            certificates,
            key,
            client_authority,
            binding,
        } = self;
        Self {
            certificates: certificates.clone(),
            key: key.clone_key(),
            client_authority: client_authority.clone(),
            binding: *binding,
        }
    }
}

fn read_certificates(
    pem: &[u8],
    expected: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::Pem { expected, source })?;
    if all.is_empty() {
        return Err(TlsError::Empty { expected });
    }
    Ok(all)
}
