//! The keys and codes of NTLM version 2 ([MS-NLMP] 3.3.2, 3.4).
//!
//! Pure. MD4, MD5 and RC4 are what the protocol is made of; for anything else they are broken.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::Digest as _;
use md5::Md5;

/// A key, or a code, of 128 bits.
pub(super) type Key = [u8; 16];

/// UTF-16, the low byte first.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// What Windows keeps of a password.
pub(super) fn nt_hash(password: &str) -> Key {
    md4::Md4::digest(utf16(password)).into()
}

pub(super) fn md5(parts: &[&[u8]]) -> Key {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn keyed(key: &Key, parts: &[&[u8]]) -> Hmac<Md5> {
    // A key shorter than a block is filled up with zeros: by doing so here, its length cannot be wrong.
    let mut block = [0; 64];
    block[..16].copy_from_slice(key);
    let mut code = Hmac::<Md5>::new(&block.into());
    for part in parts {
        code.update(part);
    }
    code
}

/// HMAC-MD5 over the parts one after another.
pub(super) fn hmac(key: &Key, parts: &[&[u8]]) -> Key {
    keyed(key, parts).finalize().into_bytes().into()
}

/// Compares a code in constant time.
pub(super) fn is_hmac(key: &Key, parts: &[&[u8]], code: &[u8]) -> bool {
    keyed(key, parts).verify_slice(code).is_ok()
}

/// `NTOWFv2`: the user in upper case and the domain as the client wrote them.
pub(super) fn response_key(password: &str, user: &str, domain: &str) -> Key {
    let names = [utf16(&user.to_uppercase()), utf16(domain)].concat();
    hmac(&nt_hash(password), &[&names])
}

/// RC4 over all of `data`, from a fresh state.
pub(super) fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut state = [0_u8; 256];
    for (place, value) in state.iter_mut().zip(0..=255) {
        *place = value;
    }
    let mut j = 0_u8;
    for (i, byte) in (0..=255_u8).zip(key.iter().cycle()) {
        j = j.wrapping_add(state[usize::from(i)]).wrapping_add(*byte);
        state.swap(usize::from(i), usize::from(j));
    }
    let (mut i, mut j) = (0_u8, 0_u8);
    data.iter()
        .map(|byte| {
            i = i.wrapping_add(1);
            j = j.wrapping_add(state[usize::from(i)]);
            state.swap(usize::from(i), usize::from(j));
            let at = state[usize::from(i)].wrapping_add(state[usize::from(j)]);
            byte ^ state[usize::from(at)]
        })
        .collect()
}

/// Whose signature it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    Client,
    Server,
}

/// How strong the key is that signatures are sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    Bits128,
    Bits56,
    Bits40,
}

/// The key of a side for one purpose, `signing` or `sealing` ([MS-NLMP] 3.4.5.2, 3.4.5.3).
fn derived(from: &[u8], side: Side, purpose: &str) -> Key {
    let way = match side {
        Side::Client => "client-to-server",
        Side::Server => "server-to-client",
    };
    let constant = format!("session key to {way} {purpose} key magic constant\0");
    md5(&[from, constant.as_bytes()])
}

fn sealing_key(session: &Key, side: Side, strength: Strength) -> Key {
    let weakened = match strength {
        Strength::Bits128 => &session[..],
        Strength::Bits56 => &session[..7],
        Strength::Bits40 => &session[..5],
    };
    derived(weakened, side, "sealing")
}

/// What a side signs its first message with, before it is sealed: eight bytes.
fn checksum(session: &Key, side: Side, message: &[u8]) -> Vec<u8> {
    let signing = derived(session, side, "signing");
    hmac(&signing, &[&FIRST, message])[..8].to_vec()
}

/// The number of the first message.
const FIRST: [u8; 4] = [0; 4];

/// The first signature that a side makes, with extended session security ([MS-NLMP] 3.4.4.2).
pub(super) fn signature(
    session: &Key,
    side: Side,
    sealed: Option<Strength>,
    message: &[u8],
) -> Key {
    let mut checksum = checksum(session, side, message);
    if let Some(strength) = sealed {
        checksum = rc4(&sealing_key(session, side, strength), &checksum);
    }
    let mut out = [0; 16];
    out[0] = 1;
    out[4..12].copy_from_slice(&checksum);
    out[12..].copy_from_slice(&FIRST);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2).unwrap_or("0"), 16);
        (0..text.len())
            .step_by(2)
            .filter_map(|at| digit(at).ok())
            .collect()
    }

    /// [MS-NLMP] 4.2.2.1.1, 4.2.4.1.1, 4.2.4.1.2, with user `User`, domain `Domain`, password `Password`.
    #[test]
    fn keys_are_those_of_the_specification() {
        assert_eq!(
            nt_hash("Password").to_vec(),
            hex("a4f49c406510bdcab6824ee7c30fd852")
        );
        let key = response_key("Password", "User", "Domain");
        assert_eq!(key.to_vec(), hex("0c868a403bfd7a93a3001ef22ef02e3f"));
    }

    /// The vectors that came with the first description of RC4.
    #[test]
    fn rc4_is_rc4() {
        assert_eq!(rc4(b"Key", b"Plaintext"), hex("bbf316e8d940af0ad3"));
        assert_eq!(rc4(b"Wiki", b"pedia"), hex("1021bf0420"));
    }

    /// [MS-NLMP] 4.2.4.4: there the text is sealed first, and its checksum with what comes next of the key stream.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let (session, text) = ([0x55; 16], utf16("Plaintext"));
        let key = sealing_key(&session, Side::Client, Strength::Bits128);
        assert_eq!(key.to_vec(), hex("59f600973cc4960a25480a7c196e4c58"));
        let signed = [&text[..], &checksum(&session, Side::Client, &text)].concat();
        let sealed = "54e50165bf1936dc996020c1811b0f06fb5f7fb38ec5c55d4976";
        assert_eq!(rc4(&key, &signed), hex(sealed));
        let whole = signature(&session, Side::Client, Some(Strength::Bits128), &text);
        assert_eq!(
            (&whole[..4], &whole[12..]),
            (&[1, 0, 0, 0][..], &[0; 4][..])
        );
        assert_eq!(rc4(&key, &whole[4..12]), signed[18..]);
    }

    #[test]
    fn codes_are_compared_wholly() {
        let code = hmac(&[7; 16], &[b"a", b"b"]);
        assert!(is_hmac(&[7; 16], &[b"ab"], &code));
        assert!(!is_hmac(&[7; 16], &[b"ab"], &code[..15]));
        assert!(!is_hmac(&[7; 16], &[b"ac"], &code));
    }
}
