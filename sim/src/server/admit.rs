//! Whether a request may be carried out: by its connection's gate, and by the certificate that the client showed.
//!
//! No I/O of its own. What is refused is logged and answered here.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::connection::{Connection, moment};
use super::route::plain;
use super::{RequestRecord, Shared};
use crate::sign_in::{Refusal, Verdict};

/// Who sends a request.
pub(super) struct Caller {
    id: Option<String>,
    connection: u64,
    user: Option<String>,
    sign_in: bool,
}

impl Caller {
    /// The log's entry, of which the answer is still to come.
    pub(super) fn record(self, service: &str, operation: String, protocol: &str) -> RequestRecord {
        let Caller {
            id,
            connection,
            user,
            sign_in,
        } = self;
        RequestRecord {
            id,
            connection,
            user,
            sign_in,
            refused: None,
            service: service.to_owned(),
            operation,
            protocol: protocol.to_owned(),
            status: 0,
            writes: false,
            bytes: 0,
        }
    }
}

/// A request that may be carried out.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    /// The last token of its sign-in.
    pub(super) token: Option<String>,
}

/// A request that may not.
pub(super) struct Refused {
    caller: Caller,
    status: StatusCode,
    text: &'static str,
    challenges: Vec<String>,
    refusal: Option<Refusal>,
}

impl Refused {
    /// Answers, and logs a call that was not read.
    pub(super) fn answer(
        self,
        shared: &Shared,
        service: &str,
        operation: String,
        protocol: &str,
    ) -> Response {
        let Refused {
            caller,
            status,
            text,
            challenges,
            refusal,
        } = self;
        let mut record = caller.record(service, operation, protocol);
        record.refused = refusal.map(|refusal| refusal.to_string());
        record.status = status.as_u16();
        record.bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        tracing::debug!(
            connection = record.connection,
            reason = record.refused,
            "not admitted"
        );
        shared.log().push(record);
        let mut answer = plain(status, text);
        for one in &challenges {
            challenge(&mut answer, one);
        }
        answer
    }
}

/// Adds a challenge to an answer.
pub(super) fn challenge(response: &mut Response, value: &str) {
    // Schemes and base64 are what headers may hold.
    if let Ok(value) = header::HeaderValue::from_str(value) {
        response
            .headers_mut()
            .append(header::WWW_AUTHENTICATE, value);
    }
}

/// Has the connection's gate judge a request.
pub(super) fn admit(
    shared: &Shared,
    connection: &Connection,
    headers: &HeaderMap,
) -> Result<Admitted, Box<Refused>> {
    let authorization = headers.get(header::AUTHORIZATION);
    let id = headers.get("x-request-id");
    let id = id.and_then(|id| id.to_str().ok()).map(ToOwned::to_owned);
    let caller = |user| Caller {
        id: id.clone(),
        connection: connection.number,
        user,
        sign_in: authorization.is_some(),
    };
    let refused = |status, text, challenges, refusal| {
        Err(Box::new(Refused {
            caller: caller(None),
            status,
            text,
            challenges,
            refusal,
        }))
    };
    if shared.wants_certificate && !connection.certified {
        return refused(
            StatusCode::FORBIDDEN,
            "403.7 - Forbidden: The page you are attempting to access requires a client certificate.",
            Vec::new(),
            None,
        );
    }
    let Some(rules) = &shared.rules else {
        return Ok(Admitted {
            caller: caller(None),
            token: None,
        });
    };
    let Some(moment) = moment() else {
        return refused(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the system gives no random bytes",
            Vec::new(),
            None,
        );
    };
    // What is no text is no header of ours either.
    let authorization = authorization.map(|value| value.to_str().unwrap_or_default());
    match connection.gate().judge(rules, authorization, &moment) {
        Verdict::Open { user, token } => Ok(Admitted {
            caller: caller(Some(user)),
            token,
        }),
        Verdict::Closed {
            challenges,
            refusal,
        } => refused(
            StatusCode::UNAUTHORIZED,
            "401 - Unauthorized: Access is denied due to invalid credentials.",
            challenges,
            refusal,
        ),
    }
}
