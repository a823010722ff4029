//! NTLM's acceptor: one challenge, and the verdict on the answer to it.
//!
//! Pure. A [`Pending`] is used up by the first answer, so a message that is sent again finds none. The order of the
//! checks is that of [MS-NLMP] 3.2.5.1.2: the proof covers the pairs, therefore what they say (time, flags, channel) is
//! believed only after the proof.

use super::Rules;
use super::account::Host;
use super::binding::Binding;
use super::gate::Moment;
use super::keys::{self, Key, Side, Strength};
use super::message::{self, Authenticate, MIC, flag};
use super::refusal::Refusal;
use super::{Account, Demand};

/// How far a client's clock may be off: 36 hours, in units of 100 ns ([MS-NLMP] 3.1.1.1).
const MAX_LIFETIME: u64 = 36 * 3600 * 10_000_000;

/// A challenge that waits for its answer.
#[derive(Debug)]
pub(super) struct Pending {
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    nonce: [u8; 8],
    unicode: bool,
}

/// What is left of a sign-in that succeeded: the key that both sides know, for signatures.
#[derive(Debug)]
pub(super) struct Session {
    key: Key,
    flags: u32,
}

impl Pending {
    /// Answers a client's first message.
    pub(super) fn open(negotiate: &[u8], host: &Host, moment: &Moment) -> Result<Self, Refusal> {
        let wanted = message::negotiated(negotiate)?;
        Ok(Self {
            negotiate: negotiate.to_vec(),
            challenge: message::challenge(wanted, moment.nonce, host, moment.time),
            nonce: moment.nonce,
            unicode: wanted & flag::UNICODE != 0,
        })
    }

    pub(super) fn challenge(&self) -> &[u8] {
        &self.challenge
    }

    /// Judges the answer: whose it is, and the session that begins.
    pub(super) fn verify<'a>(
        self,
        answer: &[u8],
        rules: &'a Rules,
        binding: Option<Binding>,
        moment: &Moment,
    ) -> Result<(&'a Account, Session), Refusal> {
        let read = Authenticate::read(answer, self.unicode)?;
        let account = rules
            .accounts
            .iter()
            .find(|account| account.is(&rules.host, &read.domain, &read.user))
            .ok_or(Refusal::UnknownUser)?;
        let key = keys::response_key(account.password(), &read.user, &read.domain);
        if !keys::is_hmac(&key, &[&self.nonce, read.response], read.proof) {
            return Err(Refusal::Proof);
        }
        if read.time.abs_diff(moment.time) > MAX_LIFETIME {
            return Err(Refusal::Time);
        }
        let session = Session::of(&keys::hmac(&key, &[read.proof]), &read)?;
        match read.mic {
            Some(mic) => {
                let (head, rest) = (&answer[..MIC.start], &answer[MIC.end..]);
                let said = [&self.negotiate, &self.challenge, head, &[0; 16], rest];
                if !keys::is_hmac(&session.key, &said, mic) {
                    return Err(Refusal::Mic);
                }
            }
            // Our challenge tells the time, and to that a client answers with a code.
            None if rules.mic == Demand::Require => return Err(Refusal::MicMissing),
            None => {}
        }
        // Without TLS there is no channel to compare with: whatever the client says is of a proxy before us.
        match (binding, read.binding) {
            (Some(Binding(ours)), Some(theirs)) if theirs != ours => Err(Refusal::Binding),
            (Some(_), None) if rules.channel_binding == Demand::Require => {
                Err(Refusal::BindingMissing)
            }
            _ => Ok((account, session)),
        }
    }
}

impl Session {
    /// Takes the session's key from the answer: that of the proof, or one that the client drew and encrypted with it.
    fn of(base: &Key, answer: &Authenticate) -> Result<Self, Refusal> {
        let flags = answer.flags;
        let exchanged = flags & flag::KEY_EXCHANGE != 0 && !answer.session_key.is_empty();
        let key = if exchanged {
            keys::rc4(base, answer.session_key)
                .try_into()
                .map_err(|_| Refusal::Malformed("the session key is not 16 bytes"))?
        } else {
            *base
        };
        Ok(Self { key, flags })
    }

    /// The first signature of a side.
    pub(super) fn signature(&self, side: Side, message: &[u8]) -> Key {
        let strength = if self.flags & flag::BITS_128 != 0 {
            Strength::Bits128
        } else if self.flags & flag::BITS_56 != 0 {
            Strength::Bits56
        } else {
            Strength::Bits40
        };
        let sealed = (self.flags & flag::KEY_EXCHANGE != 0).then_some(strength);
        keys::signature(&self.key, side, sealed, message)
    }

    /// Says whether the client signed this message; only with extended session security is that worth anything.
    pub(super) fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.flags & flag::EXTENDED_SECURITY != 0
            && self.signature(Side::Client, message) == signature
    }
}
