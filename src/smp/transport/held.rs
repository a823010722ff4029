//! Requests over connections of our own, each signed in once: NTLM, Kerberos, SPNEGO.
//!
//! I/O: HTTP/1.1. A sign-in of NTLM belongs to the connection that its three messages travelled on, so connections are
//! kept here, at most as many as there are slots. Guarantees:
//!
//! * The body of a request is sent only with a message that may complete the sign-in, or on a connection that is signed
//!   in. A failure before that is said as one that the server saw nothing of.
//! * A connection that was closed while it was idle is replaced; one that breaks once a request was sent is not.
//! * A 401 on a connection that is signed in signs in once more, on the same connection where it lasts.

#![expect(clippy::disallowed_methods, reason = "waits for the server")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use url::Url;

use super::super::request::{Protocol, Request};
use super::super::transport_error::{Refusal, TransportError};
use super::body::{self, Source};
use super::cause;
use super::pooled::{REQUEST_ID, USER_AGENT};
use super::route::Route;
use super::sign_in::{Offer, Package, Scheme, SignIn, may_go_on, rejects};

/// No dialogue has more messages of ours: three is usual, SPNEGO may add one.
const MESSAGES: usize = 5;
/// A connection that was idle for longer is not used again: servers close theirs after about two minutes.
const IDLE: Duration = Duration::from_mins(1);
/// The page that comes with a 401 is read up to here, to use the connection again.
const REFUSAL_PAGE: usize = 256 * 1024;

/// A connection.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// What binds a sign-in to the certificate of the server.
    end_point: Option<Vec<u8>>,
    /// Whether anything was asked on it yet.
    used: bool,
    since: Instant,
}

/// What the first sign-ins have shown.
#[derive(Default)]
struct Learned {
    scheme: Option<(Package, Scheme)>,
    signed_in_by: Option<Package>,
    /// Kerberos came to nothing, and NTLM did.
    without_kerberos: bool,
    /// The server forgets a sign-in by Kerberos after each request.
    every_request: bool,
}

/// Connections to one server that are signed in.
pub(super) struct Held {
    route: Route,
    host: HeaderValue,
    sign_in: SignIn,
    timeout: Duration,
    idle: Mutex<Vec<Line>>,
    learned: Mutex<Learned>,
}

/// A connection that an answer still arrives on.
pub(super) struct Lease {
    held: Arc<Held>,
    line: Line,
}

impl Lease {
    /// Gives the connection back, for the next request.
    pub(super) fn give_back(self) {
        let Self { held, line } = self;
        held.keep(line);
    }
}

/// What became of a request on one connection.
enum Exchange {
    Answered(http::Response<Incoming>),
    /// The connection was closed before anything was sent.
    Unsent,
    Failed(TransportError),
}

/// How much of a request goes out.
#[derive(Clone, Copy)]
enum Part {
    /// The head alone, with no body.
    Head,
    Whole,
}

/// A poisoned lock guards plain values that are right at any time.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    pub(super) fn new(url: &Url, route: Route, sign_in: SignIn, timeout: Duration) -> Arc<Self> {
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        Arc::new(Self {
            route,
            host: HeaderValue::from_str(&host).unwrap_or(HeaderValue::from_static("")),
            sign_in,
            timeout,
            idle: Mutex::default(),
            learned: Mutex::default(),
        })
    }

    /// By which way the last sign-in was made.
    pub(super) fn signed_in_by(&self) -> Option<&'static str> {
        locked(&self.learned).signed_in_by.map(Package::name)
    }

    /// Sends a request, signing in where that is needed.
    pub(super) async fn send(
        self: &Arc<Self>,
        url: &str,
        request: &Request,
    ) -> Result<(u16, HeaderMap, Source), TransportError> {
        let (response, line) = self.over_idle(url, request).await?;
        let (head, body) = response.into_parts();
        let packed = head
            .headers
            .get(header::CONTENT_ENCODING)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let lease = Lease {
            held: Arc::clone(self),
            line,
        };
        let body = body::Held::new(body, packed, self.timeout, lease);
        Ok((head.status.as_u16(), head.headers, Source::Held(body)))
    }

    async fn over_idle(
        &self,
        url: &str,
        request: &Request,
    ) -> Result<(http::Response<Incoming>, Line), TransportError> {
        while let Some(mut line) = self.take() {
            if locked(&self.learned).every_request {
                return self.signing_in(Some(line), url, request).await;
            }
            match self
                .exchange(&mut line, url, request, None, Part::Whole)
                .await?
            {
                Exchange::Unsent => {}
                Exchange::Failed(error) => return Err(error),
                Exchange::Answered(response) if response.status() == StatusCode::UNAUTHORIZED => {
                    tracing::debug!("the server forgot the sign-in; signing in again");
                    let before = locked(&self.learned).signed_in_by;
                    let lasts = drain(response, self.timeout).await;
                    let answered = self.signing_in(lasts.then_some(line), url, request).await?;
                    if before == Some(Package::Kerberos) {
                        locked(&self.learned).every_request = true;
                    }
                    return Ok(answered);
                }
                Exchange::Answered(response) => return Ok((response, line)),
            }
        }
        self.signing_in(None, url, request).await
    }

    /// Signs in with a request, by the packages in turn, and remembers what came of it.
    async fn signing_in(
        &self,
        mut line: Option<Line>,
        url: &str,
        request: &Request,
    ) -> Result<(http::Response<Incoming>, Line), TransportError> {
        let mut before: Option<TransportError> = None;
        for package in self.sign_in.packages() {
            if package == Package::Kerberos && locked(&self.learned).without_kerberos {
                continue;
            }
            match self.converse(&mut line, package, url, request).await {
                Ok((response, line)) => {
                    let mut learned = locked(&self.learned);
                    learned.signed_in_by = Some(package);
                    // It would come to nothing again, on every connection.
                    learned.without_kerberos |= before.is_some();
                    return Ok((response, line));
                }
                Err(error) => {
                    let open = match &error {
                        TransportError::SignIn { refusal, .. } => {
                            package == Package::Kerberos && !matches!(refusal, Refusal::CutOff(_))
                        }
                        other => may_go_on(other),
                    };
                    if !open {
                        before = Some(error);
                        break;
                    }
                    if self.sign_in.packages().last() != Some(package) {
                        tracing::warn!(%error, "trying NTLM instead");
                    }
                    before = Some(error);
                }
            }
        }
        Err(before.unwrap_or(TransportError::SignIn {
            refusal: Refusal::NotOffered(Scheme::Negotiate.name()),
            offered: Vec::new(),
        }))
    }

    /// Signs in by one package: message by message, the request itself with the last.
    async fn converse(
        &self,
        line: &mut Option<Line>,
        package: Package,
        url: &str,
        request: &Request,
    ) -> Result<(http::Response<Incoming>, Line), TransportError> {
        let learned = locked(&self.learned).scheme;
        let mut scheme = match learned {
            Some((known, scheme)) if known == package => scheme,
            _ => self.sign_in.scheme(package),
        };
        let mut switched = false;
        'dialogue: loop {
            let mut current = match line.take() {
                Some(line) if !line.sender.is_closed() => line,
                _ => self.open().await?,
            };
            let mut dialogue =
                self.sign_in
                    .dialogue(package, scheme, current.end_point.as_deref())?;
            let mut message = dialogue.next(&[]).await?;
            // The first message of NTLM proves nothing; that of Kerberos is all there is.
            let mut part = match package {
                Package::Kerberos => Part::Whole,
                Package::Ntlm => Part::Head,
            };
            for round in 0..MESSAGES {
                let authorization = scheme.header(&message);
                let again = current.used && round == 0;
                let response = match self
                    .exchange(&mut current, url, request, authorization, part)
                    .await?
                {
                    Exchange::Answered(response) => response,
                    Exchange::Unsent if again => continue 'dialogue,
                    Exchange::Unsent => return Err(cut_off(package)),
                    Exchange::Failed(error) => {
                        return Err(match (part, error) {
                            (Part::Head, TransportError::Broken { .. }) => cut_off(package),
                            (Part::Head, TransportError::Timeout { url, after }) => {
                                TransportError::Connect {
                                    url,
                                    message: format!(
                                        "no answer to the sign-in within {} s",
                                        after.as_secs()
                                    ),
                                }
                            }
                            (Part::Head | Part::Whole, error) => error,
                        });
                    }
                };
                if response.status() != StatusCode::UNAUTHORIZED {
                    locked(&self.learned).scheme = Some((package, scheme));
                    return match part {
                        Part::Whole => Ok((response, current)),
                        Part::Head => self.unasked(response, current, url, request).await,
                    };
                }
                let offer = Offer::read(response.headers());
                let lasts = drain(response, self.timeout).await;
                if let Some(said) = offer.message(scheme).filter(|said| !rejects(said)) {
                    if !lasts {
                        return Err(cut_off(package));
                    }
                    message = dialogue.next(said).await?;
                    part = Part::Whole;
                    continue;
                }
                if lasts {
                    *line = Some(current);
                }
                if !offer.has(scheme.name()) {
                    if let Some(other) = scheme.instead(package)
                        && !switched
                        && offer.has(other.name())
                    {
                        scheme = other;
                        switched = true;
                        continue 'dialogue;
                    }
                    return Err(TransportError::SignIn {
                        refusal: Refusal::NotOffered(package.name()),
                        offered: offer.schemes,
                    });
                }
                return Err(TransportError::SignIn {
                    refusal: Refusal::Refused(package.name()),
                    offered: offer.schemes,
                });
            }
            return Err(TransportError::SignIn {
                refusal: Refusal::Nonsense {
                    method: package.name(),
                    message: format!("it did not end after {MESSAGES} messages"),
                },
                offered: Vec::new(),
            });
        }
    }

    /// The server answered the head of a request as if no sign-in were needed. A refusal stands as it is; otherwise it
    /// is asked properly.
    async fn unasked(
        &self,
        response: http::Response<Incoming>,
        mut line: Line,
        url: &str,
        request: &Request,
    ) -> Result<(http::Response<Incoming>, Line), TransportError> {
        let status = response.status();
        let about_the_body = status.is_success()
            || matches!(
                status,
                StatusCode::BAD_REQUEST
                    | StatusCode::LENGTH_REQUIRED
                    | StatusCode::UNSUPPORTED_MEDIA_TYPE
                    | StatusCode::INTERNAL_SERVER_ERROR
            );
        if !about_the_body {
            return Ok((response, line));
        }
        if !drain(response, self.timeout).await {
            line = self.open().await?;
        }
        match self
            .exchange(&mut line, url, request, None, Part::Whole)
            .await?
        {
            Exchange::Answered(response) => Ok((response, line)),
            Exchange::Unsent => Err(TransportError::Connect {
                url: url.to_owned(),
                message: "the server closed the connection".to_owned(),
            }),
            Exchange::Failed(error) => Err(error),
        }
    }

    async fn open(&self) -> Result<Line, TransportError> {
        let link = self.route.open().await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(link.stream))
                .await
                .map_err(|error| TransportError::Connect {
                    url: self.route.shown().to_owned(),
                    message: cause(&error),
                })?;
        // What goes wrong on it is told to whoever waits for an answer.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Line {
            sender,
            end_point: link.tls.map(|tls| tls.end_point),
            used: false,
            since: Instant::now(),
        })
    }

    async fn exchange(
        &self,
        line: &mut Line,
        url: &str,
        request: &Request,
        authorization: Option<HeaderValue>,
        part: Part,
    ) -> Result<Exchange, TransportError> {
        let request = self.build(url, request, authorization, part)?;
        let work = async {
            if line.sender.ready().await.is_err() {
                return Exchange::Unsent;
            }
            match line.sender.try_send_request(request).await {
                Ok(response) => Exchange::Answered(response),
                Err(mut error) => {
                    if error.take_message().is_some() {
                        Exchange::Unsent
                    } else {
                        Exchange::Failed(TransportError::Broken {
                            url: url.to_owned(),
                            message: cause(error.error()),
                        })
                    }
                }
            }
        };
        let ended = tokio::time::timeout(self.timeout, work).await;
        line.used = true;
        Ok(ended.unwrap_or_else(|_| {
            Exchange::Failed(TransportError::Timeout {
                url: url.to_owned(),
                after: self.timeout,
            })
        }))
    }

    fn build(
        &self,
        url: &str,
        request: &Request,
        authorization: Option<HeaderValue>,
        part: Part,
    ) -> Result<http::Request<Full<Bytes>>, TransportError> {
        let wrong = |message: String| TransportError::Setup {
            url: url.to_owned(),
            message,
        };
        let whole: Uri = url
            .parse()
            .map_err(|error: http::uri::InvalidUri| wrong(error.to_string()))?;
        let target = whole
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        let mut builder = http::Request::builder()
            .method(match request.protocol {
                Protocol::Get => Method::GET,
                Protocol::Soap | Protocol::Form => Method::POST,
            })
            .uri(target)
            .header(header::HOST, &self.host)
            .header(header::USER_AGENT, USER_AGENT)
            .header(REQUEST_ID, &request.id)
            .header(header::ACCEPT, "*/*")
            .header(header::ACCEPT_ENCODING, "gzip");
        if let Some(content_type) = request.content_type() {
            builder = builder.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(action) = &request.soap_action {
            builder = builder.header("SOAPAction", action);
        }
        if let Some(authorization) = authorization {
            builder = builder.header(header::AUTHORIZATION, authorization);
        }
        let body = match (part, request.protocol) {
            (_, Protocol::Get) => Bytes::new(),
            (Part::Whole, Protocol::Soap | Protocol::Form) => request.body.clone(),
            (Part::Head, Protocol::Soap | Protocol::Form) => {
                builder = builder.header(header::CONTENT_LENGTH, 0);
                Bytes::new()
            }
        };
        builder
            .body(Full::new(body))
            .map_err(|error| wrong(error.to_string()))
    }

    /// A connection that is signed in and has nothing to do.
    fn take(&self) -> Option<Line> {
        let mut idle = locked(&self.idle);
        while let Some(line) = idle.pop() {
            if !line.sender.is_closed() && line.since.elapsed() < IDLE {
                return Some(line);
            }
        }
        None
    }

    fn keep(&self, mut line: Line) {
        if !line.sender.is_closed() {
            line.since = Instant::now();
            locked(&self.idle).push(line);
        }
    }
}

fn cut_off(package: Package) -> TransportError {
    TransportError::SignIn {
        refusal: Refusal::CutOff(package.name()),
        offered: Vec::new(),
    }
}

/// Reads the rest of an answer that is of no interest; whether the connection lasts.
async fn drain(response: http::Response<Incoming>, timeout: Duration) -> bool {
    let closes = response
        .headers()
        .get_all(header::CONNECTION)
        .iter()
        .any(|value| {
            value
                .to_str()
                .is_ok_and(|value| value.to_ascii_lowercase().contains("close"))
        });
    let mut body = response.into_body();
    let read = async {
        let mut size = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            size += frame.data_ref().map_or(0, Bytes::len);
            if size > REFUSAL_PAGE {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(timeout, read).await.unwrap_or(false) && !closes
}
