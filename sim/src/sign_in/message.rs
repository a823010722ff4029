//! The three messages of NTLM, as bytes ([MS-NLMP] 2.2.1).
//!
//! Pure. All numbers have their low byte first. What a message says of the place of its parts is not believed before it
//! is checked.

use std::collections::BTreeMap;

use super::account::Host;
use super::keys::utf16;
use super::refusal::Refusal;

/// What each message begins with.
pub(super) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// The integrity code of an answer stands here, and the code is taken over the message with zeros in its place.
pub(super) const MIC: std::ops::Range<usize> = 72..88;

/// Flags that both sides agree on ([MS-NLMP] 2.2.2.5).
pub(super) mod flag {
    pub(crate) const UNICODE: u32 = 0x1;
    pub(crate) const OEM: u32 = 0x2;
    pub(crate) const REQUEST_TARGET: u32 = 0x4;
    pub(crate) const SIGN: u32 = 0x10;
    pub(crate) const SEAL: u32 = 0x20;
    pub(crate) const NTLM: u32 = 0x200;
    pub(crate) const ANONYMOUS: u32 = 0x800;
    pub(crate) const ALWAYS_SIGN: u32 = 0x8000;
    pub(crate) const TARGET_DOMAIN: u32 = 0x1_0000;
    pub(crate) const EXTENDED_SECURITY: u32 = 0x8_0000;
    pub(crate) const TARGET_INFO: u32 = 0x80_0000;
    pub(crate) const VERSION: u32 = 0x200_0000;
    pub(crate) const BITS_128: u32 = 0x2000_0000;
    pub(crate) const KEY_EXCHANGE: u32 = 0x4000_0000;
    pub(crate) const BITS_56: u32 = 0x8000_0000;
}

/// Identifiers of the pairs that describe a server, and the client's answer to them ([MS-NLMP] 2.2.2.1).
pub(super) mod pair {
    pub(crate) const END: u16 = 0;
    pub(crate) const COMPUTER: u16 = 1;
    pub(crate) const DOMAIN: u16 = 2;
    pub(crate) const DNS_COMPUTER: u16 = 3;
    pub(crate) const DNS_DOMAIN: u16 = 4;
    pub(crate) const FLAGS: u16 = 6;
    pub(crate) const TIME: u16 = 7;
    pub(crate) const CHANNEL_BINDINGS: u16 = 10;
}

/// In the pair of flags: the answer has an integrity code.
const MIC_PROVIDED: u32 = 0x2;

/// The type of a message: 1 to 3.
pub(super) fn kind(message: &[u8]) -> Option<u32> {
    message.strip_prefix(SIGNATURE)?;
    number(message, 8)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_le_bytes(*bytes))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_le_bytes(*bytes))
}

/// The flags of a client's first message. Old clients send nothing else.
pub(super) fn negotiated(message: &[u8]) -> Result<u32, Refusal> {
    number(message, 12).ok_or(Refusal::Malformed("the first message is too short"))
}

/// The server's message: what it agrees to, its challenge, its names and its time.
pub(super) fn challenge(wanted: u32, nonce: [u8; 8], host: &Host, time: u64) -> Vec<u8> {
    const HEADER: usize = 56;
    let agreed = wanted
        & (flag::SIGN
            | flag::SEAL
            | flag::ALWAYS_SIGN
            | flag::EXTENDED_SECURITY
            | flag::REQUEST_TARGET
            | flag::VERSION
            | flag::BITS_128
            | flag::BITS_56
            | flag::KEY_EXCHANGE);
    let unicode = wanted & flag::UNICODE != 0;
    let charset = if unicode { flag::UNICODE } else { flag::OEM };
    let flags = agreed | charset | flag::NTLM | flag::TARGET_DOMAIN | flag::TARGET_INFO;
    let target = if unicode {
        utf16(&host.domain)
    } else {
        host.domain.clone().into_bytes()
    };
    let mut info = Vec::new();
    for (id, value) in [
        (pair::DOMAIN, utf16(&host.domain)),
        (pair::COMPUTER, utf16(&host.computer)),
        (pair::DNS_DOMAIN, utf16(&host.dns_domain)),
        (pair::DNS_COMPUTER, utf16(&host.dns_computer)),
        (pair::TIME, time.to_le_bytes().to_vec()),
        (pair::END, Vec::new()),
    ] {
        info.extend_from_slice(&id.to_le_bytes());
        // Names come from a scenario, and DNS bounds them far below this.
        let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        info.extend_from_slice(&length.to_le_bytes());
        info.extend_from_slice(&value);
    }
    let field = |length: usize, at: usize| {
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
        let at = u32::try_from(at).unwrap_or(u32::MAX).to_le_bytes();
        [&length[..], &length, &at].concat()
    };
    [
        &SIGNATURE[..],
        &2_u32.to_le_bytes(),
        &field(target.len(), HEADER),
        &flags.to_le_bytes(),
        &nonce,
        &[0; 8],
        &field(info.len(), HEADER + target.len()),
        // Windows Server 2022; the last byte is the revision of NTLM.
        &[10, 0, 0x7c, 0x4f, 0, 0, 0, 15],
        &target,
        &info,
    ]
    .concat()
}

/// The client's answer.
#[derive(Debug)]
pub(super) struct Authenticate<'a> {
    pub(super) flags: u32,
    pub(super) domain: String,
    pub(super) user: String,
    /// The answer to the challenge, without the proof before it.
    pub(super) response: &'a [u8],
    pub(super) session_key: &'a [u8],
    /// The integrity code, if the answer says that it has one.
    pub(super) mic: Option<&'a [u8]>,
    pub(super) binding: Option<&'a [u8]>,
    /// When it was made, in units of 100 ns since 1601.
    pub(super) time: u64,
    pub(super) proof: &'a [u8],
}

impl<'a> Authenticate<'a> {
    pub(super) fn read(message: &'a [u8], unicode: bool) -> Result<Self, Refusal> {
        let cut = Refusal::Malformed("the answer is cut off");
        let flags = number(message, 60).ok_or(cut)?;
        let field = |at: usize| part(message, at).ok_or(cut);
        let (lm, nt) = (field(12)?, field(20)?);
        let (domain, user) = (field(28)?, field(36)?);
        let session_key = field(52)?;
        let text = |bytes: &[u8]| text(bytes, unicode);
        let user = text(user)?;
        if flags & flag::ANONYMOUS != 0 || user.is_empty() || nt.is_empty() && lm.len() < 2 {
            return Err(Refusal::Anonymous);
        }
        // Version 1 answers in 24 bytes; version 2 has a header of 28 and pairs after its proof.
        let (proof, response) = nt.split_at_checked(16).ok_or(Refusal::VersionOne)?;
        if response.len() < 32 || response[..2] != [1, 1] {
            return Err(Refusal::VersionOne);
        }
        let time = response[8..]
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let pairs = pairs(&response[28..])?;
        let claimed = pairs
            .get(&pair::FLAGS)
            .and_then(|value| number(value, 0))
            .is_some_and(|flags| flags & MIC_PROVIDED != 0);
        let mic = if claimed {
            if !parts_begin_after(message, MIC.end) {
                return Err(Refusal::Malformed("the integrity code has no room"));
            }
            Some(message.get(MIC).ok_or(cut)?)
        } else {
            None
        };
        let binding = pairs
            .get(&pair::CHANNEL_BINDINGS)
            .copied()
            // Zeros say that there is none.
            .filter(|value| value.iter().any(|byte| *byte != 0));
        Ok(Self {
            flags,
            domain: text(domain)?,
            user,
            response,
            session_key,
            mic,
            binding,
            time,
            proof,
        })
    }
}

/// A part of a message: its length and place stand at `at`.
fn part(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(short(message, at)?);
    if length == 0 {
        return Some(&[]);
    }
    let place = usize::try_from(number(message, at + 4)?).ok()?;
    message.get(place..place.checked_add(length)?)
}

/// Says whether all parts of an answer lie behind its head.
fn parts_begin_after(message: &[u8], end: usize) -> bool {
    [12, 20, 28, 36, 44, 52].into_iter().all(|at| {
        short(message, at) == Some(0)
            || number(message, at + 4)
                .and_then(|place| usize::try_from(place).ok())
                .is_some_and(|place| place >= end)
    })
}

fn text(bytes: &[u8], unicode: bool) -> Result<String, Refusal> {
    if !unicode {
        // The client's own charset; beyond ASCII nobody can tell which.
        return Ok(bytes.iter().copied().map(char::from).collect());
    }
    let units: Vec<u16> = bytes
        .chunks(2)
        .map(|unit| u16::from_le_bytes([unit[0], unit.get(1).copied().unwrap_or_default()]))
        .collect();
    String::from_utf16(&units).map_err(|_| Refusal::Malformed("a name is no UTF-16"))
}

fn pairs(mut bytes: &[u8]) -> Result<BTreeMap<u16, &[u8]>, Refusal> {
    let mut all = BTreeMap::new();
    loop {
        let cut = Refusal::Malformed("the pairs are cut off");
        let id = short(bytes, 0).ok_or(cut)?;
        let length = usize::from(short(bytes, 2).ok_or(cut)?);
        if id == pair::END {
            return Ok(all);
        }
        let value = bytes.get(4..4 + length).ok_or(cut)?;
        if all.insert(id, value).is_some() {
            return Err(Refusal::Malformed("a pair is there twice"));
        }
        bytes = &bytes[4 + length..];
    }
}
