//! A client's side of NTLM and SPNEGO, built byte by byte from [MS-NLMP] and RFC 4178 for these tests alone: each part can
//! be left out or falsified.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::{Digest as _, Md4};
use md5::Md5;

const UNICODE: u32 = 0x1;
const KEY_EXCHANGE: u32 = 0x4000_0000;
/// Unicode, request target, sign, NTLM, always sign, extended session security, target info, 128 bits.
const FLAGS: u32 = UNICODE | 0x4 | 0x10 | 0x200 | 0x8000 | 0x8_0000 | 0x80_0000 | 0x2000_0000;

/// Who signs in, and how truthfully.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) domain: &'static str,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
    pub(crate) integrity: Integrity,
    /// How many hours its clock is behind.
    pub(crate) hours_late: u64,
    pub(crate) binding: Option<[u8; 16]>,
    pub(crate) answer: Answer,
    pub(crate) exchanges_key: bool,
}

/// What becomes of the integrity code, and of what it protects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integrity {
    Whole,
    /// The client knows of none.
    Unknown,
    /// The pairs say that there is one, and there are zeros.
    Zeros,
    /// The client made one; somebody took it away, and cleared the flag that tells of it.
    Stripped,
    /// The client made one; somebody cleared the flag that asks for signatures.
    FlagsChanged,
}

/// Which answer to the challenge is given.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Version2,
    /// 24 bytes each, made with DES in earnest; zeros will do, since nobody should look.
    Version1,
    LmOnly,
    Anonymous,
}

pub(crate) const HONEST: Client = Client {
    domain: "CORP",
    user: "svc",
    password: "correct horse",
    integrity: Integrity::Whole,
    hours_late: 0,
    binding: None,
    answer: Answer::Version2,
    exchanges_key: true,
};

/// A finished answer and the session's key.
pub(crate) struct Finished {
    pub(crate) message: Vec<u8>,
    pub(crate) key: [u8; 16],
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let mut code = Hmac::<Md5>::new_from_slice(key).unwrap();
    for part in parts {
        code.update(part);
    }
    code.finalize().into_bytes().into()
}

pub(crate) fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn rc4(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut s: Vec<usize> = (0..256).collect();
    let mut j = 0;
    for i in 0..256 {
        j = (j + s[i] + usize::from(key[i % key.len()])) % 256;
        s.swap(i, j);
    }
    let (mut i, mut j) = (0, 0);
    let mut out = Vec::new();
    for byte in data {
        i = (i + 1) % 256;
        j = (j + s[i]) % 256;
        s.swap(i, j);
        out.push(byte ^ u8::try_from(s[(s[i] + s[j]) % 256]).unwrap());
    }
    out
}

fn pair(id: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    [&id.to_le_bytes(), &length.to_le_bytes(), value].concat()
}

/// The target information of a challenge, without the pair that ends it.
fn target_info(challenge: &[u8]) -> &[u8] {
    let length = usize::from(u16::from_le_bytes(challenge[40..42].try_into().unwrap()));
    let place = u32::from_le_bytes(challenge[44..48].try_into().unwrap());
    let place = usize::try_from(place).unwrap();
    &challenge[place..place + length - 4]
}

/// The value of a pair of the target information.
pub(crate) fn value_of(challenge: &[u8], id: u16) -> Option<&[u8]> {
    let mut rest = target_info(challenge);
    while let Some(head) = rest.first_chunk::<4>() {
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        if u16::from_le_bytes([head[0], head[1]]) == id {
            return rest.get(4..4 + length);
        }
        rest = &rest[4 + length..];
    }
    None
}

impl Client {
    fn flags(&self) -> u32 {
        let exchange = if self.exchanges_key { KEY_EXCHANGE } else { 0 };
        FLAGS | exchange
    }

    pub(crate) fn negotiate(&self) -> Vec<u8> {
        let flags = self.flags().to_le_bytes();
        [b"NTLMSSP\0", &1_u32.to_le_bytes()[..], &flags, &[0; 16]].concat()
    }

    pub(crate) fn authenticate(&self, challenge: &[u8]) -> Finished {
        let nonce = &challenge[24..32];
        let nt_hash = Md4::digest(utf16(self.password));
        let names = [utf16(&self.user.to_uppercase()), utf16(self.domain)].concat();
        let key = hmac(&nt_hash, &[&names]);
        let time = u64::from_le_bytes(value_of(challenge, 7).unwrap().try_into().unwrap());
        let time = time - self.hours_late * 3600 * 10_000_000;
        let mut info = target_info(challenge).to_vec();
        let claim = pair(6, &2_u32.to_le_bytes());
        if self.integrity != Integrity::Unknown {
            info.extend(&claim);
        }
        if let Some(binding) = self.binding {
            info.extend(pair(10, &binding));
        }
        info.extend(pair(0, &[]));
        let head = [
            &[1, 1, 0, 0, 0, 0, 0, 0][..],
            &time.to_le_bytes(),
            &[0xaa; 8],
            &[0; 4],
        ];
        let mut blob = [&head.concat()[..], &info, &[0; 4]].concat();
        let proof = hmac(&key, &[nonce, &blob]);
        if self.integrity == Integrity::Stripped {
            let at = blob.windows(8).position(|part| part == claim).unwrap();
            blob[at + 4] = 0;
        }
        let base = hmac(&key, &[&proof]);
        let (session, sealed) = if self.exchanges_key {
            ([0x5a; 16], rc4(&base, &[0x5a; 16]))
        } else {
            (base, Vec::new())
        };
        let (lm, nt) = match self.answer {
            Answer::Version2 => (vec![0; 24], [&proof[..], &blob].concat()),
            Answer::Version1 => (vec![0; 24], vec![0; 24]),
            Answer::LmOnly => (vec![0; 24], Vec::new()),
            Answer::Anonymous => (vec![0], Vec::new()),
        };
        let user = match self.answer {
            Answer::Anonymous => "",
            _ => self.user,
        };
        let parts = [
            lm,
            nt,
            utf16(self.domain),
            utf16(user),
            utf16("HERE"),
            sealed,
        ];
        let mut message = [b"NTLMSSP\0", &3_u32.to_le_bytes()[..]].concat();
        let mut at = 88;
        for part in &parts {
            let length = u16::try_from(part.len()).unwrap().to_le_bytes();
            message.extend([&length[..], &length, &u32::to_le_bytes(at)].concat());
            at += u32::try_from(part.len()).unwrap();
        }
        message.extend(self.flags().to_le_bytes());
        message.extend([10, 0, 0, 0, 0, 0, 0, 15]);
        message.extend([0; 16]);
        message.extend(parts.concat());
        if matches!(self.integrity, Integrity::Whole | Integrity::FlagsChanged) {
            let mic = hmac(&session, &[&self.negotiate(), challenge, &message]);
            message[72..88].copy_from_slice(&mic);
        }
        if self.integrity == Integrity::FlagsChanged {
            // No signing, please.
            message[60] &= !0x10;
        }
        Finished {
            message,
            key: session,
        }
    }
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let head = if content.len() < 128 {
        vec![tag, length[1]]
    } else {
        vec![tag, 0x82, length[0], length[1]]
    };
    [head, content.to_vec()].concat()
}

const NTLM: [u8; 12] = [6, 10, 0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 2, 10];
const KERBEROS: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 1, 2, 2];

/// Lists of mechanisms, as they are signed.
pub(crate) fn mechanisms(kerberos: bool, ntlm: bool) -> Vec<u8> {
    let kerberos = if kerberos { &KERBEROS[..] } else { &[] };
    let ntlm = if ntlm { &NTLM[..] } else { &[] };
    der(0x30, &[kerberos, ntlm].concat())
}

/// A first token of SPNEGO.
pub(crate) fn init(mechanisms: &[u8], message: &[u8]) -> Vec<u8> {
    let token = der(0xa2, &der(4, message));
    let fields = der(0x30, &[der(0xa0, mechanisms), token].concat());
    let spnego = [6, 6, 0x2b, 6, 1, 5, 5, 2];
    der(0x60, &[&spnego[..], &der(0xa0, &fields)].concat())
}

/// A later token.
pub(crate) fn next(message: &[u8], mic: Option<&[u8]>) -> Vec<u8> {
    let mut fields = der(0xa2, &der(4, message));
    fields.extend(mic.map_or(Vec::new(), |mic| der(0xa3, &der(4, mic))));
    der(0xa1, &der(0x30, &fields))
}

/// The message of NTLM that a token of the server carries.
pub(crate) fn carried(token: &[u8]) -> &[u8] {
    let at = token.windows(8).position(|part| part == b"NTLMSSP\0");
    &token[at.expect("the token carries no message")..]
}

/// What a side signs a list of mechanisms with: sealed, since a key was exchanged.
pub(crate) fn signed(key: &[u8; 16], way: &str, mechanisms: &[u8]) -> Vec<u8> {
    let derived = |purpose: &str| {
        let constant = format!("session key to {way} {purpose} key magic constant\0");
        md5(&[key, constant.as_bytes()])
    };
    let checksum = &hmac(&derived("signing"), &[&[0; 4], mechanisms])[..8];
    let sealed = rc4(&derived("sealing"), checksum);
    [&[1, 0, 0, 0][..], &sealed, &[0; 4]].concat()
}
