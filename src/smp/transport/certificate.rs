//! What a certificate says: whose it is, until when it holds, why it is not trusted, and what binds a sign-in to it.
//!
//! Pure. Certificates that cannot be read say nothing; they are never trusted for that.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::signature_algorithm::SignatureAlgorithm;

/// What a certificate says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whose it is, such as `CN=smp01.corp.example`.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The host names and addresses that it is for.
    pub names: Vec<String>,
    /// From when it holds.
    pub not_before: jiff::Timestamp,
    /// Until when it holds.
    pub not_after: jiff::Timestamp,
}

/// Why a certificate is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateFault {
    /// It is signed by its own key.
    SelfSigned,
    /// It is signed by an authority that is not among the trusted ones.
    UnknownIssuer,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for other names.
    WrongName,
    /// Something else, as the TLS library says it.
    Other(String),
}

/// A certificate that is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untrusted {
    /// The host that was asked for.
    pub host: String,
    /// Why.
    pub fault: CertificateFault,
    /// What the certificate says, where it can be read.
    pub certificate: Option<Certificate>,
}

impl Certificate {
    /// Reads a certificate in DER.
    pub(super) fn read(der: &[u8]) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let time = |time: x509_parser::time::ASN1Time| {
            jiff::Timestamp::from_second(time.timestamp()).unwrap_or_default()
        };
        let names = parsed
            .subject_alternative_name()
            .ok()
            .flatten()
            .map(|names| names.value.general_names.iter().filter_map(name).collect())
            .unwrap_or_default();
        Some(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names,
            not_before: time(parsed.validity().not_before),
            not_after: time(parsed.validity().not_after),
        })
    }

    /// Whether it names itself as its issuer.
    pub(super) fn is_self_signed(&self) -> bool {
        self.subject == self.issuer
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let address = <[u8; 4]>::try_from(*bytes)
                .map(std::net::IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            host,
            fault,
            certificate,
        } = self;
        write!(f, "the certificate of `{host}` ")?;
        match (fault, certificate) {
            (CertificateFault::SelfSigned, Some(certificate)) => {
                write!(f, "is signed by itself (`{}`)", certificate.subject)
            }
            (CertificateFault::SelfSigned, None) => f.write_str("is signed by itself"),
            (CertificateFault::UnknownIssuer, Some(certificate)) => write!(
                f,
                "is signed by an authority that is not trusted, `{}`",
                certificate.issuer
            ),
            (CertificateFault::UnknownIssuer, None) => {
                f.write_str("is signed by an authority that is not trusted")
            }
            (CertificateFault::Expired, Some(certificate)) => {
                write!(f, "expired at {}", certificate.not_after)
            }
            (CertificateFault::Expired, None) => f.write_str("has expired"),
            (CertificateFault::NotYetValid, Some(certificate)) => {
                write!(f, "does not hold before {}", certificate.not_before)
            }
            (CertificateFault::NotYetValid, None) => f.write_str("does not hold yet"),
            (CertificateFault::WrongName, Some(certificate)) if !certificate.names.is_empty() => {
                let names: Vec<String> = certificate
                    .names
                    .iter()
                    .take(8)
                    .map(|name| format!("`{name}`"))
                    .collect();
                write!(f, "is for {}", names.join(", "))
            }
            (CertificateFault::WrongName, _) => {
                f.write_str("names no host (it has no subject alternative name)")
            }
            (CertificateFault::Other(message), _) => write!(f, "is refused: {message}"),
        }
    }
}

impl std::error::Error for Untrusted {}

/// The `tls-server-end-point` binding of a certificate (RFC 5929): its hash, by the hash of its own signature, and by
/// SHA-256 where that is MD5, SHA-1 or none.
pub(super) fn end_point(der: &[u8]) -> Vec<u8> {
    match signature_hash(der).as_deref() {
        Some("2.16.840.1.101.3.4.2.2") => Sha384::digest(der).to_vec(),
        Some("2.16.840.1.101.3.4.2.3") => Sha512::digest(der).to_vec(),
        _ => Sha256::digest(der).to_vec(),
    }
}

/// The object identifier of the hash that a certificate is signed with.
fn signature_hash(der: &[u8]) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    let algorithm = &parsed.signature_algorithm;
    if let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(algorithm)
    {
        return Some(parameters.hash_algorithm_oid().to_id_string());
    }
    let hash = match algorithm.algorithm.to_id_string().as_str() {
        // sha384WithRSAEncryption, ecdsa-with-SHA384
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => "2.16.840.1.101.3.4.2.2",
        // sha512WithRSAEncryption, ecdsa-with-SHA512
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => "2.16.840.1.101.3.4.2.3",
        _ => return None,
    };
    Some(hash.to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    use super::*;

    #[test]
    fn a_binding_takes_the_hash_of_the_signature() {
        let made = |algorithm: &'static SignatureAlgorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let parameters = CertificateParams::new(vec!["smp".to_owned()]).unwrap();
            parameters.self_signed(&key).unwrap().der().to_vec()
        };
        for (algorithm, length) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, 32),
            (&rcgen::PKCS_ECDSA_P384_SHA384, 48),
            (&rcgen::PKCS_RSA_SHA256, 32),
            (&rcgen::PKCS_RSA_SHA384, 48),
            (&rcgen::PKCS_RSA_SHA512, 64),
            // It has no hash of its own.
            (&rcgen::PKCS_ED25519, 32),
        ] {
            assert_eq!(end_point(&made(algorithm)).len(), length, "{algorithm:?}");
        }
        let der = made(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(end_point(&der), Sha384::digest(&der).to_vec());
        assert_eq!(end_point(b"no certificate").len(), 32);
    }

    #[test]
    fn a_certificate_says_whose_it_is() {
        let key = KeyPair::generate().unwrap();
        let names = vec!["smp.corp.example".to_owned(), "10.0.0.1".to_owned()];
        let mut parameters = CertificateParams::new(names).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2030, 5, 6);
        let der = parameters.self_signed(&key).unwrap().der().to_vec();
        let read = Certificate::read(&der).unwrap();
        assert_eq!(read.names, ["smp.corp.example", "10.0.0.1"]);
        assert_eq!(read.not_after.to_string(), "2030-05-06T00:00:00Z");
        assert!(read.is_self_signed());
        assert_eq!(Certificate::read(b"no certificate"), None);
    }
}
