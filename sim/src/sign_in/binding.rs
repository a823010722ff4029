//! Channel bindings: what ties a sign-in to the TLS connection that carries it (RFC 5929, [MS-NLMP] 2.2.2.1).
//!
//! Pure.

use sha2::Digest as _;

use super::der;
use super::keys::{Key, md5};

/// What a client that saw our certificate puts into its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Binding(pub(super) Key);

/// `tls-server-end-point` of a certificate: its hash by the function of its own signature, SHA-256 in the place of the
/// weaker ones. None where RFC 5929 defines none, such as for Ed25519.
pub(crate) fn server_end_point(certificate: &[u8]) -> Option<Binding> {
    // Object identifiers of signatures: RSA with PKCS #1 (1.2.840.113549.1.1), ECDSA (1.2.840.10045.4).
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04];
    let mut parts = der::Reader::new(der::Reader::new(certificate).expect(der::SEQUENCE)?);
    parts.expect(der::SEQUENCE)?;
    let algorithm = der::Reader::new(parts.expect(der::SEQUENCE)?).expect(der::OBJECT)?;
    let (rsa, ecdsa) = (algorithm.strip_prefix(RSA), algorithm.strip_prefix(ECDSA));
    let hash = match (rsa, ecdsa) {
        // MD5, SHA-1, SHA-256; and ECDSA with SHA-1, SHA-256.
        (Some([4 | 5 | 11]), _) | (_, Some([1] | [3, 2])) => {
            sha2::Sha256::digest(certificate).to_vec()
        }
        (Some([12]), _) | (_, Some([3, 3])) => sha2::Sha384::digest(certificate).to_vec(),
        (Some([13]), _) | (_, Some([3, 4])) => sha2::Sha512::digest(certificate).to_vec(),
        _ => return None,
    };
    let data = [b"tls-server-end-point:", &hash[..]].concat();
    let length = u32::try_from(data.len()).ok()?.to_le_bytes();
    // gss_channel_bindings_struct: two addresses that are not used, each a type and a length, then the data.
    Some(Binding(md5(&[&[0; 16], &length, &data])))
}
