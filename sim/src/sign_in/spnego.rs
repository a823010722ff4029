//! The tokens of SPNEGO that carry NTLM (RFC 4178, [MS-SPNG]).
//!
//! Pure. Fields that mean nothing here (flags, hints) are passed over.

use super::der::{self, Reader};

/// NTLM among the mechanisms: 1.3.6.1.4.1.311.2.2.10.
const NTLM: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];
/// SPNEGO itself: 1.3.6.1.5.5.2.
const SPNEGO: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x02];

/// How far a negotiation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Completed,
    Incomplete,
    Rejected,
    /// As `Incomplete`, and the list of mechanisms must be signed.
    RequestMic,
}

/// A client's first token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Init<'a> {
    /// The list of mechanisms as it was sent, which is what gets signed.
    pub(super) mechanisms: Vec<u8>,
    /// The place of NTLM in the list.
    pub(super) ntlm: Option<usize>,
    /// A message of the first mechanism.
    pub(super) token: Option<&'a [u8]>,
}

/// Any later token.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Next<'a> {
    pub(super) token: Option<&'a [u8]>,
    pub(super) mic: Option<&'a [u8]>,
}

/// A token of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Init(Init<'a>),
    Next(Next<'a>),
}

/// Reads a token; None when it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Token<'_>> {
    let mut outer = Reader::new(bytes);
    let (tag, content) = outer.next()?;
    if !outer.is_empty() {
        return None;
    }
    if tag == der::APPLICATION {
        let mut inner = Reader::new(content);
        if inner.expect(der::OBJECT)? != SPNEGO {
            return None;
        }
        init(inner.expect(der::context(0))?).map(Token::Init)
    } else if tag == der::context(1) {
        next(content).map(Token::Next)
    } else {
        None
    }
}

fn init(content: &[u8]) -> Option<Init<'_>> {
    let mut mechanisms = None;
    let mut token = None;
    let mut fields = Reader::new(Reader::new(content).expect(der::SEQUENCE)?);
    while !fields.is_empty() {
        let (tag, content) = fields.next()?;
        if tag == der::context(0) {
            mechanisms = Some(content);
        } else if tag == der::context(2) {
            token = Some(Reader::new(content).expect(der::OCTETS)?);
        }
    }
    let mechanisms = mechanisms?;
    let mut list = Reader::new(Reader::new(mechanisms).expect(der::SEQUENCE)?);
    let mut all = Vec::new();
    while !list.is_empty() {
        all.push(list.expect(der::OBJECT)?);
    }
    Some(Init {
        mechanisms: mechanisms.to_vec(),
        ntlm: all.iter().position(|one| *one == NTLM),
        token,
    })
}

fn next(content: &[u8]) -> Option<Next<'_>> {
    let mut out = Next::default();
    let mut fields = Reader::new(Reader::new(content).expect(der::SEQUENCE)?);
    while !fields.is_empty() {
        let (tag, content) = fields.next()?;
        let octets = || Reader::new(content).expect(der::OCTETS);
        if tag == der::context(2) {
            out.token = Some(octets()?);
        } else if tag == der::context(3) {
            out.mic = Some(octets()?);
        }
    }
    Some(out)
}

/// Writes a token of the server. The mechanism is named in its first one only.
pub(super) fn write(
    state: State,
    names_mechanism: bool,
    token: Option<&[u8]>,
    mic: Option<&[u8]>,
) -> Vec<u8> {
    let state = match state {
        State::Completed => 0,
        State::Incomplete => 1,
        State::Rejected => 2,
        State::RequestMic => 3,
    };
    let field =
        |number, tag, content: &[u8]| der::write(der::context(number), &der::write(tag, content));
    let mut fields = field(0, der::ENUMERATED, &[state]);
    if names_mechanism {
        fields.extend(field(1, der::OBJECT, NTLM));
    }
    if let Some(token) = token {
        fields.extend(field(2, der::OCTETS, token));
    }
    if let Some(mic) = mic {
        fields.extend(field(3, der::OCTETS, mic));
    }
    der::write(der::context(1), &der::write(der::SEQUENCE, &fields))
}
