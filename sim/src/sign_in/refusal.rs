//! Why somebody is not let in. A client is told none of it, as with Windows: it is for the log and for tests.

/// Why a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the scheme is not offered")]
    NotOffered,
    #[error("the header cannot be read: {0}")]
    Malformed(&'static str),
    #[error("no challenge of this connection is open")]
    OutOfTurn,
    #[error("anonymous")]
    Anonymous,
    #[error("no such user")]
    UnknownUser,
    #[error("wrong password")]
    Password,
    #[error("wrong token")]
    Token,
    #[error("the answer is NTLM version 1 or LM")]
    VersionOne,
    #[error("the proof is wrong")]
    Proof,
    #[error("the time of the answer is too far from the server's")]
    Time,
    #[error("the answer has no integrity code")]
    MicMissing,
    #[error("the integrity code is wrong")]
    Mic,
    #[error("the answer is bound to no channel")]
    BindingMissing,
    #[error("the answer is bound to another channel")]
    Binding,
    #[error("none of the mechanisms is known")]
    Mechanism,
    #[error("the list of mechanisms is not signed")]
    MechanismsUnsigned,
    #[error("the signature of the list of mechanisms is wrong")]
    MechanismsSignature,
    #[error("the sign-in has expired")]
    Expired,
}
