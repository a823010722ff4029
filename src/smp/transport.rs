//! The only place of the client that sends: requests out, bodies back as streams.
//!
//! I/O: HTTP and HTTPS, the extra CA file, proxies of the environment (not for loopback). Everything else of the
//! client sees [`Transport::send`] only, so that a sign-in that belongs to a connection fits behind the same call.
//! A redirect is never followed: credentials stay with the host that they were given for. `send` tries once;
//! [`Transport::fetch`] is for reads and tries again.

#![expect(
    clippy::disallowed_methods,
    reason = "talks to the server, reads the CA file, waits between tries"
)]

use std::fmt;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::BackoffBuilder as _;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tracing::Instrument as _;
use url::Url;

use super::chunks::Chunks;
use super::fault::Fault;
use super::read_error::ReadError;
use super::request::{Protocol, Request};
use super::transport_error::TransportError;
use super::xml::AnswerError;
use crate::model::RunId;

/// Bodies up to this size are parsed where they are received; larger ones on a thread of their own.
const INLINE: usize = 256 * 1024;
/// Of an error page no more than this is read.
const ERROR_BODY: usize = 256 * 1024;
/// How often a read is tried again.
const RETRIES: usize = 3;

/// How to sign in.
#[derive(Debug, Clone)]
pub enum Auth {
    /// Not at all.
    None,
    /// HTTP Basic.
    Basic {
        /// The account.
        username: String,
        /// Its password.
        password: SecretString,
    },
}

/// Where the SMP is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `https://smp.corp.example`, without `/Altiris`.
    pub url: Url,
    /// How to sign in.
    pub auth: Auth,
    /// A PEM file with certificates of authorities to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the server may be silent: before its answer and within it.
    pub answer_timeout: Duration,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// How many bytes an answer may have once it is unpacked.
    pub answer_limit: u64,
    /// The run that the requests belong to, for traces.
    pub run: RunId,
}

impl Connection {
    /// A connection with the ordinary limits and no sign-in.
    #[must_use]
    pub fn new(url: Url, run: RunId) -> Self {
        Self {
            url,
            auth: Auth::None,
            ca: None,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(100),
            concurrency: 8,
            answer_limit: 512 * 1024 * 1024,
            run,
        }
    }
}

/// How much was sent and received so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, each try counted.
    pub requests: u64,
    /// Bytes of answers, unpacked.
    pub bytes: u64,
}

struct Inner {
    client: reqwest::Client,
    base: String,
    auth: Auth,
    answer_timeout: Duration,
    answer_limit: u64,
    run: RunId,
    slots: Arc<Semaphore>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// Sends requests. Cheap to clone; clones share connections, bounds and counts.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("base", &self.0.base)
            .finish_non_exhaustive()
    }
}

/// The URL without what must not be shown.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // A URL that cannot have them has none.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string().trim_end_matches('/').to_owned()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// The innermost reason of an error, which is the one that helps.
fn cause(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl Transport {
    /// Sets up a connection; nothing is sent yet.
    pub fn new(connection: Connection) -> Result<Self, TransportError> {
        let Connection {
            mut url,
            auth,
            ca,
            connect_timeout,
            answer_timeout,
            concurrency,
            answer_limit,
            run,
        } = connection;
        let base = shown(&url);
        let setup = |message: String| TransportError::Setup {
            url: base.clone(),
            message,
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(setup("expected http or https and a host".into()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(setup(
                "expected no account in the URL: `auth` has a place for it".into(),
            ));
        }
        url.set_query(None);
        url.set_fragment(None);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("sitewright/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(connect_timeout)
            .read_timeout(answer_timeout)
            .pool_max_idle_per_host(concurrency.max(1))
            .tcp_nodelay(true)
            .gzip(true);
        if is_loopback(&url) {
            builder = builder.no_proxy();
        }
        if let Some(path) = ca {
            let wrong = |message: String| TransportError::Authority {
                path: path.clone(),
                message,
            };
            let pem = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| wrong(cause(&error)))?;
            if certificates.is_empty() {
                return Err(wrong("expected PEM certificates, found none".into()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| setup(cause(&error)))?;
        Ok(Self(Arc::new(Inner {
            client,
            base: url.as_str().trim_end_matches('/').to_owned(),
            auth,
            answer_timeout,
            answer_limit,
            run,
            slots: Arc::new(Semaphore::new(concurrency.max(1))),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })))
    }

    /// The URL of the SMP.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.0.base
    }

    /// How much was sent and received so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.0.requests.load(Ordering::Relaxed),
            bytes: self.0.bytes.load(Ordering::Relaxed),
        }
    }

    /// Sends one request once and gives the answer's status and its body as a stream.
    ///
    /// Waits for a free slot first; the slot is held until the body is read or dropped.
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let inner = &self.0;
        let slot = Arc::clone(&inner.slots)
            .acquire_owned()
            .await
            .map_err(|error| TransportError::Setup {
                url: inner.base.clone(),
                message: error.to_string(),
            })?;
        let id = inner.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let span = tracing::debug_span!(
            "request",
            run = %inner.run,
            id,
            service = %request.service,
            method = request.method
        );
        self.attempt(request, slot).instrument(span).await
    }

    async fn attempt(
        &self,
        request: Request,
        slot: OwnedSemaphorePermit,
    ) -> Result<Response, TransportError> {
        let inner = &self.0;
        let url = format!("{}/Altiris/{}", inner.base, request.path);
        let mut builder = match request.protocol {
            Protocol::Get => inner.client.get(&url),
            Protocol::Soap | Protocol::Form => inner.client.post(&url),
        };
        if let Some(content_type) = request.content_type() {
            builder = builder.header(http::header::CONTENT_TYPE, content_type);
        }
        if let Some(action) = &request.soap_action {
            builder = builder.header("SOAPAction", action);
        }
        if let Auth::Basic { username, password } = &inner.auth {
            builder = builder.basic_auth(username, Some(password.expose_secret()));
        }
        if request.protocol != Protocol::Get {
            builder = builder.body(request.body);
        }
        let response = builder
            .send()
            .await
            .map_err(|error| self.failed(&url, &error))?;
        let status = response.status().as_u16();
        tracing::debug!(status, "answered");
        match status {
            401 => {
                return Err(TransportError::SignIn {
                    offered: response
                        .headers()
                        .get_all(http::header::WWW_AUTHENTICATE)
                        .iter()
                        .filter_map(|value| value.to_str().ok())
                        .filter_map(|value| value.split([' ', ',']).next())
                        .map(ToOwned::to_owned)
                        .collect(),
                });
            }
            407 => return Err(TransportError::ProxySignIn),
            300..=399 => {
                let to = response
                    .headers()
                    .get(http::header::LOCATION)
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or("nowhere")
                    .chars()
                    .take(200)
                    .collect();
                return Err(TransportError::Redirect { url, to });
            }
            _ => {}
        }
        Ok(Response {
            status,
            body: Body {
                transport: self.clone(),
                url,
                response,
                received: 0,
                _slot: slot,
            },
        })
    }

    fn failed(&self, url: &str, error: &reqwest::Error) -> TransportError {
        let url = url.to_owned();
        let message = cause(error);
        if error.is_connect() {
            TransportError::Connect { url, message }
        } else if error.is_timeout() {
            TransportError::Timeout {
                url,
                after: self.0.answer_timeout,
            }
        } else if error.is_builder() {
            TransportError::Setup { url, message }
        } else {
            TransportError::Broken { url, message }
        }
    }

    /// Sends a read and parses its answer while it arrives; tries again where that may help.
    pub(crate) async fn fetch<T, P>(&self, request: &Request, parse: P) -> Result<T, ReadError>
    where
        T: Send + 'static,
        P: Fn(&mut dyn BufRead) -> Result<T, AnswerError> + Clone + Send + 'static,
    {
        let mut delays = backon::ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(RETRIES)
            .with_jitter()
            .build();
        loop {
            let error = match self.fetch_once(request.clone(), parse.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.transient() {
                return Err(error);
            }
            let Some(delay) = delays.next() else {
                return Err(error);
            };
            tracing::debug!(%error, milliseconds = delay.as_millis(), "trying again");
            tokio::time::sleep(delay).await;
        }
    }

    async fn fetch_once<T, P>(&self, request: Request, parse: P) -> Result<T, ReadError>
    where
        T: Send + 'static,
        P: Fn(&mut dyn BufRead) -> Result<T, AnswerError> + Send + 'static,
    {
        let mut response = self.send(request).await?;
        if response.status != 200 {
            let body = response.body.beginning().await;
            return Err(Fault::read(response.status, &body).into());
        }
        let mut chunks = std::collections::VecDeque::new();
        let mut size = 0;
        loop {
            match response.body.chunk().await? {
                None => {
                    let parsed = parse(&mut Chunks {
                        ready: chunks.clone(),
                        more: None,
                    });
                    return parsed.map_err(|error| explain(error, chunks.iter()));
                }
                Some(chunk) => {
                    size += chunk.len();
                    chunks.push_back(chunk);
                }
            }
            if size > INLINE {
                break;
            }
        }
        let (sender, receiver) = mpsc::channel(16);
        let parser = tokio::task::spawn_blocking(move || {
            parse(&mut Chunks {
                ready: chunks,
                more: Some(receiver),
            })
        });
        let mut broken = None;
        loop {
            match response.body.chunk().await {
                Ok(Some(chunk)) => {
                    // The parser hangs up as soon as it knows that the answer is wrong.
                    if sender.send(Ok(chunk)).await.is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let _ = sender
                        .send(Err(std::io::Error::other(error.to_string())))
                        .await;
                    broken = Some(error);
                    break;
                }
            }
        }
        drop(sender);
        let parsed = parser
            .await
            .map_err(|error| ReadError::Answer(AnswerError::Body(error.to_string())))?;
        match broken {
            Some(error) => Err(error.into()),
            None => parsed.map_err(ReadError::Answer),
        }
    }
}

/// A small answer with status 200 that is not understood may be a fault after all.
fn explain<'a>(error: AnswerError, chunks: impl Iterator<Item = &'a Bytes>) -> ReadError {
    let body: Vec<u8> = chunks.flat_map(|chunk| chunk.iter().copied()).collect();
    let fault = Fault::read(200, &body);
    if fault.exception.is_some() && matches!(error, AnswerError::Shape { .. }) {
        fault.into()
    } else {
        error.into()
    }
}

/// An answer: status and body.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status; 401, 407 and redirects are errors already.
    pub status: u16,
    /// The body.
    pub body: Body,
}

/// A body that arrives piece by piece, unpacked, counted and limited.
pub struct Body {
    transport: Transport,
    url: String,
    response: reqwest::Response,
    received: u64,
    _slot: OwnedSemaphorePermit,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("url", &self.url)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl Body {
    /// The next piece; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = match self.response.chunk().await {
            Ok(chunk) => chunk,
            Err(error) => return Err(self.transport.failed(&self.url, &error)),
        };
        if let Some(chunk) = &chunk {
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.received = self.received.saturating_add(length);
            self.transport.0.bytes.fetch_add(length, Ordering::Relaxed);
            let limit = self.transport.0.answer_limit;
            if self.received > limit {
                return Err(TransportError::TooLarge { limit });
            }
        }
        Ok(chunk)
    }

    /// The whole body.
    pub async fn bytes(mut self) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// As much of an error page as helps; an error in it is no news.
    pub(crate) async fn beginning(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < ERROR_BODY {
            match self.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::atomic::AtomicUsize;

    use super::super::testing::{self, answer, serve, soap};
    use super::super::{AnswerError, FaultKind, SendError, Write as Change, Writer};
    use super::*;
    use crate::model::{Guid, Name};
    use crate::smp::Reader;

    fn transport(url: &Url, change: impl FnOnce(&mut Connection)) -> Transport {
        let mut connection = Connection::new(url.clone(), RunId("test".into()));
        change(&mut connection);
        Transport::new(connection).unwrap()
    }

    fn reader(url: &Url, change: impl FnOnce(&mut Connection)) -> Reader {
        Reader::new(transport(url, change), Arc::new(testing::profile()))
    }

    fn name() -> Name {
        Name::new("SMP01.corp.example")
    }

    const FOUND: &str = "{00000000-0000-0000-0000-0000000000C1}";

    #[tokio::test]
    async fn reads_keep_one_connection_and_sign_in() {
        let server = serve(|_| soap("GetComputerByNameAndDomain", FOUND)).await;
        let reader = reader(&server.url, |connection| {
            connection.auth = Auth::Basic {
                username: "svc".into(),
                password: SecretString::from("p\u{e4}ss"),
            };
        });
        for _ in 0..3 {
            assert!(reader.computer(&name()).await.unwrap().is_some());
        }
        let seen = server.seen.lock().unwrap().clone();
        assert!(seen.iter().all(|got| got.connection == 1), "kept alive");
        assert!(
            seen[0].headers.contains("Basic c3ZjOnDDpHNz"),
            "{}",
            seen[0].headers
        );
        assert!(
            seen[0]
                .headers
                .to_lowercase()
                .contains("soapaction: \"http://altiris.asdk.ns.com/getcomputerbynameanddomain\"")
        );
        assert!(
            seen[0]
                .body
                .contains("<name>SMP01</name><domain>corp.example</domain>")
        );
        assert_eq!(reader.transport().traffic().requests, 3);
        assert!(!format!("{:?}", reader.transport()).contains("svc"));
    }

    #[tokio::test]
    async fn reads_are_tried_again_and_writes_are_not() {
        let tries = AtomicUsize::new(0);
        let server = serve(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
            0 => answer(503, "busy"),
            1 => None,
            _ => soap("GetComputerByNameAndDomain", FOUND),
        })
        .await;
        let found = reader(&server.url, |_| ()).computer(&name()).await.unwrap();
        assert!(found.is_some());
        assert_eq!(server.seen.lock().unwrap().len(), 3);

        for (said, transient, unknown) in [
            (answer(503, "busy"), true, false),
            (answer(504, "gave up"), true, true),
            (None, true, true),
            (
                answer(500, "ASDKInsufficientPermissionException: no"),
                false,
                false,
            ),
            (answer(500, "ASDKInternalException: oops"), true, false),
        ] {
            let server = serve(move |_| said.clone()).await;
            let writer = Writer::new(transport(&server.url, |_| ()), Arc::new(testing::profile()));
            let write = Change::DeleteResource {
                resource: Guid::from_u128(1),
            };
            let error = writer
                .send(writer.prepare(&write).await.unwrap())
                .await
                .unwrap_err();
            assert_eq!(error.transient(), transient, "{error:?}");
            assert_eq!(error.outcome_unknown(), unknown, "{error:?}");
            assert_eq!(server.seen.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn sorts_what_goes_wrong() {
        let redirect = "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n";
        let sign_in = "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
        for (said, code, message) in [
            (Some(redirect.as_bytes().to_vec()), "SW0308", "elsewhere"),
            (
                Some(sign_in.as_bytes().to_vec()),
                "SW0306",
                "it offers Negotiate, NTLM",
            ),
            (
                answer(200, "<html><body>hello</body></html>"),
                "SW0310",
                "an HTML page",
            ),
            (answer(200, "<!DOCTYPE x><x/>"), "SW0310", "document type"),
            (answer(404, "<html/>"), "SW0311", "404"),
        ] {
            let server = serve(move |_| said.clone()).await;
            let error = reader(&server.url, |_| ())
                .computer(&name())
                .await
                .unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert!(error.to_string().contains(message), "{error}");
            assert_eq!(server.seen.lock().unwrap().len(), 1, "{error}");
        }
        // Nobody listens there.
        let url = "http://127.0.0.1:1".parse().unwrap();
        let transport = transport(&url, |_| ());
        let error = transport
            .send(Request::wsdl(crate::profile::ServiceName::ItemManagement))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "SW0303");
        assert!(error.unsent());
    }

    #[tokio::test]
    async fn silence_and_size_have_limits() {
        let server = serve(|_| soap("GetComputerByNameAndDomain", &"x".repeat(2000))).await;
        let error = reader(&server.url, |connection| connection.answer_limit = 1000)
            .computer(&name())
            .await
            .unwrap_err();
        assert_eq!(error.code(), "SW0309");
        assert!(error.to_string().contains("answerLimit"), "{error}");

        // A head that promises a body which does not come.
        let server =
            serve(|_| Some(b"HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n<a".to_vec())).await;
        let transport = transport(&server.url, |connection| {
            connection.answer_timeout = Duration::from_millis(100);
        });
        let request = Request::wsdl(crate::profile::ServiceName::ItemManagement);
        let error = transport
            .send(request)
            .await
            .unwrap()
            .body
            .bytes()
            .await
            .unwrap_err();
        assert_eq!(error.code(), "SW0304", "{error}");
    }

    #[tokio::test]
    async fn large_answers_are_parsed_while_they_arrive() {
        let mut items = String::new();
        for n in 1..=20_000_u32 {
            let guid = Guid::from_u128(u128::from(n)).to_string().to_uppercase();
            let (high, low) = (n / 256, n % 256);
            items.push_str(&testing::listed(&format!("10.{high}.{low}.0/24"), &guid));
        }
        let server = serve(move |_| soap("GetResourcesOfType", &items)).await;
        let reader = reader(&server.url, |_| ());
        let subnet = reader
            .profile()
            .type_guid(crate::profile::TypeRole::Subnet)
            .unwrap();
        let found = reader
            .resources_of_type(subnet, |guid, passing| {
                Ok((guid, passing.name().map(str::len)))
            })
            .await
            .unwrap();
        assert_eq!(found.len(), 20_000);
        // A body that is cut: tried again, then given up.
        let limited = Reader::new(
            transport(&server.url, |connection| {
                connection.answer_limit = 1_000_000;
            }),
            Arc::clone(reader.profile()),
        );
        let error = limited
            .resources_of_type(subnet, |guid, _| Ok(guid))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "SW0309");
        let broken = reader
            .resources_of_type(subnet, |_, _| -> Result<(), AnswerError> {
                Err(AnswerError::Depth)
            })
            .await
            .unwrap_err();
        assert_eq!(broken, ReadError::Answer(AnswerError::Depth));
    }

    #[tokio::test]
    async fn an_empty_package_does_not_exist() {
        let server = serve(|_| soap("GetPackage", "")).await;
        let writer = Writer::new(transport(&server.url, |_| ()), Arc::new(testing::profile()));
        let write = Change::SetPackageServers {
            package: Guid::from_u128(1),
            assignment: crate::model::Assignment::All,
        };
        let error = writer
            .send(writer.prepare(&write).await.unwrap())
            .await
            .unwrap_err();
        assert!(
            matches!(&error, SendError::Refused(fault) if fault.kind == FaultKind::DoesNotExist),
            "{error:?}"
        );
        assert_eq!(server.seen.lock().unwrap().len(), 1, "nothing is written");
    }

    #[test]
    fn refuses_urls_and_files() {
        for url in ["ftp://x", "http://svc:secret@smp"] {
            let connection = Connection::new(url.parse().unwrap(), RunId("t".into()));
            let error = Transport::new(connection).unwrap_err();
            assert_eq!(error.code(), "SW0301");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let mut connection = Connection::new("https://smp".parse().unwrap(), RunId("t".into()));
        connection.ca = Some("/does/not/exist.pem".into());
        assert_eq!(Transport::new(connection).unwrap_err().code(), "SW0302");
    }
}
