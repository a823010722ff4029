//! Finds out what a request wants and has it answered: a page, a description, a call, or an administrator's path.
//!
//! I/O only through the request at hand. Error texts follow ASP.NET's.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;

use super::delivery::{Delivery, Fate};
use super::{RequestRecord, Shared, admin};
use crate::services;
use crate::wire::encode::Answer;
use crate::wire::operations::{self, Service};
use crate::wire::{Call, Fault, Protocol, decode, encode, page, wsdl};

/// A larger body is refused: nothing a client of this system sends comes near.
const MAX_BODY: usize = 64 << 20;

/// Answers one request.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return plain(
            StatusCode::PAYLOAD_TOO_LARGE,
            "Maximum request length exceeded.",
        );
    };
    let lower = path.to_ascii_lowercase();
    if let Some(rest) = lower.strip_prefix("/sim/") {
        return admin::handle(shared, &parts.method, rest, query, body).await;
    }
    if let Some(expected) = &shared.authorization {
        let given = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if given != Some(expected.as_str()) {
            let mut answer = plain(
                StatusCode::UNAUTHORIZED,
                "401 - Unauthorized: Access is denied due to invalid credentials.",
            );
            answer.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                header::HeaderValue::from_static("Basic realm=\"Altiris\""),
            );
            return answer;
        }
    }
    let found = path
        .get(..9)
        .filter(|head| head.eq_ignore_ascii_case("/altiris/"))
        .and_then(|_| path.get(9..))
        .and_then(|rest| operations::by_path(shared.world.level(), rest))
        .filter(|(service, _)| shared.manner.offers(service.id));
    let Some((service, method)) = found else {
        return html(
            StatusCode::NOT_FOUND,
            "<!DOCTYPE html><html><body><h2>404 - File or directory not found.</h2></body></html>"
                .to_owned(),
        );
    };
    if parts.method == Method::GET && method.is_empty() {
        return described(&shared, service, &path, &query, &parts.headers);
    }
    if parts.method != Method::GET && parts.method != Method::POST {
        return plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "The HTTP verb used to access this page is not allowed.",
        );
    }
    let input = Input {
        service,
        method: method.to_owned(),
        query,
        headers: parts.headers,
        body,
        get: parts.method == Method::GET,
    };
    called(shared, input).await
}

/// A request that wants an operation.
struct Input {
    service: &'static Service,
    method: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
    get: bool,
}

impl Input {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// How the call came in; `None` when no protocol fits.
    fn protocol(&self) -> Option<Protocol> {
        let content = self.header("content-type").to_ascii_lowercase();
        let kind = content.split(';').next().unwrap_or_default().trim();
        match (self.get, self.method.is_empty(), kind) {
            (true, _, _) => Some(Protocol::Get),
            (false, false, "application/x-www-form-urlencoded") => Some(Protocol::Form),
            (false, true, "text/xml") => Some(Protocol::Soap11),
            (false, true, "application/soap+xml") => Some(Protocol::Soap12),
            _ => None,
        }
    }

    /// The SOAP action, without its quotes.
    fn action(&self, protocol: Protocol) -> Option<String> {
        let text = if protocol == Protocol::Soap11 {
            self.headers.get("soapaction")?.to_str().ok()?.trim()
        } else {
            let content = self.header("content-type");
            let at = content.to_ascii_lowercase().find("action=")?;
            content.get(at + 7..)?.split(';').next()?.trim()
        };
        Some(text.trim_matches('"').to_owned()).filter(|action| !action.is_empty())
    }

    fn decode(&self, namespace: &str, protocol: Protocol) -> Result<Call, Fault> {
        match protocol {
            Protocol::Get => {
                decode::form(self.service, protocol, &self.method, self.query.as_bytes())
            }
            Protocol::Form => decode::form(self.service, protocol, &self.method, &self.body),
            Protocol::Soap11 | Protocol::Soap12 => decode::soap(
                self.service,
                namespace,
                protocol,
                self.action(protocol).as_deref(),
                &self.body,
            ),
        }
    }
}

async fn called(shared: Arc<Shared>, input: Input) -> Response {
    let Some(protocol) = input.protocol() else {
        return plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "System.InvalidOperationException : Request format is unrecognized.\r\n",
        );
    };
    let style = shared.manner.style(input.service);
    let decoded = input.decode(&style.namespace, protocol);
    let mut record = RequestRecord {
        service: input.service.name.to_owned(),
        operation: decoded
            .as_ref()
            .map_or_else(|_| input.method.clone(), |call| call.operation.name.clone()),
        protocol: protocol.name().to_owned(),
        status: 0,
        writes: decoded.as_ref().is_ok_and(services::writes),
        bytes: 0,
    };
    if shared.manner.slow() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let busy = shared.manner.busy()
        && !record.writes
        && shared.reads.fetch_add(1, Ordering::Relaxed) % 5 == 4;
    let answer = if busy {
        Answer {
            status: 503,
            content_type: Some("text/html; charset=utf-8"),
            body: b"<!DOCTYPE html><html><body><h2>503 - Service Unavailable</h2></body></html>"
                .to_vec(),
        }
    } else {
        let worker = Arc::clone(&shared);
        let work =
            tokio::task::spawn_blocking(move || answer(&worker, input.service, protocol, decoded));
        work.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a call panicked");
            Answer {
                status: 500,
                content_type: None,
                body: Vec::new(),
            }
        })
    };
    let fate = fate(&shared, record.writes);
    record.status = answer.status;
    record.bytes = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    tracing::debug!(
        service = record.service,
        operation = record.operation,
        status = record.status,
        "answered"
    );
    shared.log().push(record);
    shared.manner.delivery().response(answer, fate)
}

/// Says what becomes of the connection, under the quirks that cut some.
fn fate(shared: &Shared, writes: bool) -> Fate {
    if writes {
        let first = shared.manner.resets_after_write()
            && shared
                .writes
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(2);
        if first {
            return Fate::BreaksAtOnce;
        }
    } else if shared.manner.resets() && shared.whole.fetch_add(1, Ordering::Relaxed) % 4 == 3 {
        return Fate::BreaksInTheMiddle;
    }
    Fate::Arrives
}

fn answer(
    shared: &Shared,
    service: &'static Service,
    protocol: Protocol,
    decoded: Result<Call, Fault>,
) -> Answer {
    let style = shared.manner.style(service);
    let outcome = decoded.and_then(|call| {
        let reply = services::answer(&shared.world, &shared.manner, &call)?;
        Ok(encode::reply(
            shared.manner.shapes(),
            &style,
            protocol,
            call.operation,
            &reply,
        ))
    });
    match outcome {
        Ok(answer) => answer,
        Err(_)
            if shared.manner.html_errors()
                && matches!(protocol, Protocol::Form | Protocol::Get) =>
        {
            Answer {
                status: 500,
                content_type: Some("text/html; charset=utf-8"),
                body: page::custom_error().into_bytes(),
            }
        }
        Err(fault) => encode::fault(&style, protocol, &fault),
    }
}

/// Answers `?WSDL`, `?op=` and the plain page.
fn described(
    shared: &Shared,
    service: &'static Service,
    path: &str,
    query: &str,
    headers: &HeaderMap,
) -> Response {
    let lower = query.to_ascii_lowercase();
    let (operation, answer) = if lower == "wsdl" || lower == "singlewsdl" {
        let host = headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("localhost");
        let namespace = shared.manner.style(service).namespace;
        let bytes = wsdl::wsdl(
            service,
            shared.manner.shapes(),
            &namespace,
            &format!("http://{host}{path}"),
        );
        (
            "?WSDL",
            Answer {
                status: 200,
                content_type: Some("text/xml; charset=utf-8"),
                body: bytes,
            },
        )
    } else {
        let text = lower
            .strip_prefix("op=")
            .and_then(|name| page::operation(service, name))
            .unwrap_or_else(|| page::service(service));
        (
            "",
            Answer {
                status: 200,
                content_type: Some("text/html; charset=utf-8"),
                body: text.into_bytes(),
            },
        )
    };
    shared.log().push(RequestRecord {
        service: service.name.to_owned(),
        operation: operation.to_owned(),
        protocol: "page".to_owned(),
        status: answer.status,
        writes: false,
        bytes: u64::try_from(answer.body.len()).unwrap_or(u64::MAX),
    });
    shared.manner.delivery().response(answer, Fate::Arrives)
}

pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Response {
    typed(status, "text/plain; charset=utf-8", text.into())
}

fn html(status: StatusCode, text: String) -> Response {
    typed(status, "text/html; charset=utf-8", text)
}

pub(super) fn typed(status: StatusCode, kind: &'static str, text: String) -> Response {
    let answer = Answer {
        status: status.as_u16(),
        content_type: Some(kind),
        body: text.into_bytes(),
    };
    Delivery::default().response(answer, Fate::Arrives)
}
