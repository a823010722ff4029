//! The sign-in of one connection: what each `Authorization` does to it, and what is answered.
//!
//! Pure. NTLM and Negotiate sign in the connection, and requests after that need no header; Basic and Bearer sign in a
//! request. A header on a connection that is signed in begins anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::account::Host;
use super::binding::Binding;
use super::keys::Side;
use super::message;
use super::ntlm::Pending;
use super::refusal::Refusal;
use super::spnego::{self, State, Token};
use super::{Account, Demand, Scheme};

/// Who may come in, and how.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The ways that are offered, in this order.
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) token: Option<String>,
    pub(crate) channel_binding: Demand,
    pub(crate) mic: Demand,
    pub(crate) host: Host,
    /// After so many requests a connection is forgotten once.
    pub(crate) expires_after: Option<u32>,
}

/// What is different each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// In units of 100 ns since 1601.
    pub(crate) time: u64,
    /// Bytes that nobody can foresee, for a challenge.
    pub(crate) nonce: [u8; 8],
}

/// Whether a request is carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open {
        user: String,
        /// The last token of a sign-in, for `WWW-Authenticate`.
        token: Option<String>,
    },
    /// Values of `WWW-Authenticate`: the next token of a sign-in, or what is offered.
    Closed {
        challenges: Vec<String>,
        /// None where a sign-in only takes its course, or nobody tried.
        refusal: Option<Refusal>,
    },
}

/// The sign-in of one connection.
#[derive(Debug)]
pub(crate) struct Gate {
    binding: Option<Binding>,
    stage: Stage,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nobody,
    /// NTLM without a wrapping, under one of its two names.
    Bare {
        scheme: Scheme,
        pending: Pending,
    },
    Wrapped(Negotiation),
    SignedIn {
        user: String,
        requests: u32,
    },
}

/// A negotiation of SPNEGO.
#[derive(Debug)]
struct Negotiation {
    mechanisms: Vec<u8>,
    /// The client would have liked another mechanism better: somebody may have changed the list.
    must_be_signed: bool,
    pending: Option<Pending>,
}

/// What came of one header.
enum Step {
    /// The sign-in goes on.
    On(Stage, Vec<u8>),
    /// The connection is signed in.
    Done {
        user: String,
        token: Option<Vec<u8>>,
    },
    /// This request is.
    Once { user: String },
}

impl Gate {
    /// Makes the gate of a new connection; `binding` is what TLS gives.
    pub(crate) fn new(binding: Option<Binding>) -> Self {
        Self {
            binding,
            stage: Stage::Nobody,
        }
    }

    /// Judges a request by its `Authorization`.
    pub(crate) fn judge(
        &mut self,
        rules: &Rules,
        authorization: Option<&str>,
        moment: &Moment,
    ) -> Verdict {
        let stage = std::mem::take(&mut self.stage);
        let Some(authorization) = authorization else {
            return self.judge_bare(rules, stage);
        };
        let (name, value) = authorization
            .trim()
            .split_once(' ')
            .unwrap_or((authorization, ""));
        let scheme = rules
            .schemes
            .iter()
            .copied()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(name));
        let step = match scheme {
            None => Err(Refusal::NotOffered),
            Some(Scheme::Basic) => basic(rules, value),
            Some(Scheme::Bearer) => bearer(rules, value),
            Some(scheme @ (Scheme::Ntlm | Scheme::Negotiate)) => STANDARD
                .decode(value.trim())
                .map_err(|_| Refusal::Malformed("it is no base64"))
                .and_then(|token| self.message(rules, scheme, stage, &token, moment)),
        };
        let told = |token: &[u8]| {
            format!(
                "{} {}",
                scheme.map_or("", Scheme::name),
                STANDARD.encode(token)
            )
        };
        match step {
            Ok(Step::On(stage, token)) => {
                self.stage = stage;
                Verdict::Closed {
                    challenges: vec![told(&token)],
                    refusal: None,
                }
            }
            Ok(Step::Done { user, token }) => {
                self.stage = Stage::SignedIn {
                    user: user.clone(),
                    requests: 1,
                };
                Verdict::Open {
                    user,
                    token: token.as_deref().map(told),
                }
            }
            Ok(Step::Once { user }) => Verdict::Open { user, token: None },
            Err(Refusal::Mechanism) => Verdict::Closed {
                challenges: vec![told(&spnego::write(State::Rejected, false, None, None))],
                refusal: Some(Refusal::Mechanism),
            },
            Err(refusal) => closed(rules, Some(refusal)),
        }
    }

    /// A request without a header: it passes on a connection that is signed in.
    fn judge_bare(&mut self, rules: &Rules, stage: Stage) -> Verdict {
        match stage {
            Stage::SignedIn { requests, .. }
                if rules.expires_after.is_some_and(|after| requests >= after) =>
            {
                closed(rules, Some(Refusal::Expired))
            }
            Stage::SignedIn { user, requests } => {
                self.stage = Stage::SignedIn {
                    user: user.clone(),
                    requests: requests.saturating_add(1),
                };
                Verdict::Open { user, token: None }
            }
            // Whoever breaks off a sign-in begins again.
            Stage::Nobody | Stage::Bare { .. } | Stage::Wrapped(_) => closed(rules, None),
        }
    }

    /// A message of NTLM or SPNEGO.
    fn message(
        &self,
        rules: &Rules,
        scheme: Scheme,
        stage: Stage,
        token: &[u8],
        moment: &Moment,
    ) -> Result<Step, Refusal> {
        match (message::kind(token), stage) {
            (Some(1), _) => {
                let pending = Pending::open(token, &rules.host, moment)?;
                let challenge = pending.challenge().to_vec();
                Ok(Step::On(Stage::Bare { scheme, pending }, challenge))
            }
            (
                Some(3),
                Stage::Bare {
                    scheme: begun,
                    pending,
                },
            ) if begun == scheme => {
                let (account, _) = pending.verify(token, rules, self.binding, moment)?;
                Ok(Step::Done {
                    user: account.to_string(),
                    token: None,
                })
            }
            (Some(3), _) => Err(Refusal::OutOfTurn),
            (Some(_), _) => Err(Refusal::Malformed("it is no message of a client")),
            (None, stage) if scheme == Scheme::Negotiate => match (spnego::read(token), stage) {
                (Some(Token::Init(init)), _) => begin(rules, &init, moment),
                (Some(Token::Next(next)), Stage::Wrapped(negotiation)) => {
                    self.go_on(rules, negotiation, &next, moment)
                }
                (Some(Token::Next(_)), _) => Err(Refusal::OutOfTurn),
                (None, _) => Err(Refusal::Malformed("it is no token of SPNEGO or NTLM")),
            },
            (None, _) => Err(Refusal::Malformed("it is no message of NTLM")),
        }
    }

    fn go_on(
        &self,
        rules: &Rules,
        negotiation: Negotiation,
        next: &spnego::Next,
        moment: &Moment,
    ) -> Result<Step, Refusal> {
        let token = next
            .token
            .ok_or(Refusal::Malformed("the token carries no message"))?;
        let Negotiation {
            mechanisms,
            must_be_signed,
            pending,
        } = negotiation;
        let Some(pending) = pending else {
            if message::kind(token) != Some(1) {
                return Err(Refusal::OutOfTurn);
            }
            let pending = Pending::open(token, &rules.host, moment)?;
            let answer = spnego::write(State::Incomplete, false, Some(pending.challenge()), None);
            let negotiation = Negotiation {
                mechanisms,
                must_be_signed,
                pending: Some(pending),
            };
            return Ok(Step::On(Stage::Wrapped(negotiation), answer));
        };
        if message::kind(token) != Some(3) {
            return Err(Refusal::OutOfTurn);
        }
        let (account, session) = pending.verify(token, rules, self.binding, moment)?;
        match next.mic {
            Some(mic) if !session.is_signed(&mechanisms, mic) => {
                return Err(Refusal::MechanismsSignature);
            }
            None if must_be_signed => return Err(Refusal::MechanismsUnsigned),
            Some(_) | None => {}
        }
        let ours = session.signature(Side::Server, &mechanisms);
        let mic = next.mic.map(|_| &ours[..]);
        Ok(Step::Done {
            user: account.to_string(),
            token: Some(spnego::write(State::Completed, false, None, mic)),
        })
    }
}

/// A negotiation begins, with NTLM's first message where the client likes NTLM best.
fn begin(rules: &Rules, init: &spnego::Init, moment: &Moment) -> Result<Step, Refusal> {
    let place = init.ntlm.ok_or(Refusal::Mechanism)?;
    let negotiation = |pending| {
        Stage::Wrapped(Negotiation {
            mechanisms: init.mechanisms.clone(),
            must_be_signed: place > 0,
            pending,
        })
    };
    match init.token.filter(|_| place == 0) {
        Some(token) if message::kind(token) == Some(1) => {
            let pending = Pending::open(token, &rules.host, moment)?;
            let answer = spnego::write(State::Incomplete, true, Some(pending.challenge()), None);
            Ok(Step::On(negotiation(Some(pending)), answer))
        }
        Some(_) => Err(Refusal::OutOfTurn),
        None => {
            let state = if place > 0 {
                State::RequestMic
            } else {
                State::Incomplete
            };
            let answer = spnego::write(state, true, None, None);
            Ok(Step::On(negotiation(None), answer))
        }
    }
}

fn closed(rules: &Rules, refusal: Option<Refusal>) -> Verdict {
    let offer = |scheme: &Scheme| match scheme {
        Scheme::Basic => "Basic realm=\"Altiris\"".to_owned(),
        Scheme::Bearer if refusal == Some(Refusal::Token) => {
            "Bearer error=\"invalid_token\"".to_owned()
        }
        Scheme::Negotiate | Scheme::Ntlm | Scheme::Bearer => scheme.name().to_owned(),
    };
    Verdict::Closed {
        challenges: rules.schemes.iter().map(offer).collect(),
        refusal,
    }
}

fn basic(rules: &Rules, value: &str) -> Result<Step, Refusal> {
    let text = STANDARD
        .decode(value.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(Refusal::Malformed("it is no base64 of UTF-8"))?;
    let (user, password) = text
        .split_once(':')
        .ok_or(Refusal::Malformed("it has no colon"))?;
    let account = rules
        .accounts
        .iter()
        .find(|account| account.is_named(&rules.host, user))
        .ok_or(Refusal::UnknownUser)?;
    if account.password() != password {
        return Err(Refusal::Password);
    }
    Ok(Step::Once {
        user: account.to_string(),
    })
}

fn bearer(rules: &Rules, value: &str) -> Result<Step, Refusal> {
    if rules.token.as_deref() == Some(value.trim()) {
        Ok(Step::Once {
            user: "token".to_owned(),
        })
    } else {
        Err(Refusal::Token)
    }
}
