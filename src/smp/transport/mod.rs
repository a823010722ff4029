//! The only place of the client that sends: requests out, bodies back as streams.
//!
//! I/O: HTTP and HTTPS, the files of certificates, proxies of the environment (not for loopback). Everything else of the
//! client sees [`Transport::send`] and [`WritingTransport::send`] only. A [`Transport`] sends nothing that may write, and
//! nothing makes a [`WritingTransport`] of one: a command that does not set up the latter cannot write. Behind them lie
//! `pace` (how fast, how often again) and two ways: `pooled`, where any connection does for any request, and
//! `held`, where a sign-in belongs to the connection and connections are therefore ours. Reading order: this file,
//! `pace`, `pooled`, `held` with `sign_in` and `kerberos`, `route` and `tls` (how a connection comes about), `body`, `fetch`.
//! A redirect is never followed: credentials stay with the host that they were given for. `send` tries once;
//! `fetch` is for reads and tries again; `timing` counts.

#![expect(clippy::disallowed_methods, reason = "measures how long answers take")]

mod body;
mod certificate;
mod fetch;
mod held;
#[cfg(test)]
mod held_tests;
mod kerberos;
mod keytab;
mod pace;
mod pooled;
mod probe;
mod route;
mod sign_in;
#[cfg(test)]
mod tests;
mod timing;
mod tls;

use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderMap;
use secrecy::SecretString;
use tokio::sync::{Mutex, MutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

use super::effect::Effect;
use super::request::Request;
use super::transport_error::{Refusal, TransportError};
use crate::model::RunId;
use body::Source;
pub use body::{Body, Response};
pub use certificate::{Certificate, CertificateFault, Untrusted};
use pace::{Pace, Retries};
pub use probe::{Answered, Probe, TlsSeen};
use route::Route;
pub use sign_in::{WindowsAuth, WindowsMethod};
use timing::Timed;
pub use timing::Timing;
pub use tls::{ClientCertificate, tls_settings};

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
    /// A token, in front of a proxy that takes one.
    Bearer {
        /// The token.
        token: SecretString,
    },
    /// As Windows does.
    Windows(WindowsAuth),
}

impl Auth {
    /// Its name, for people.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Basic { .. } => "Basic",
            Self::Bearer { .. } => "Bearer",
            Self::Windows(auth) => match auth.method {
                WindowsMethod::Negotiate => "Negotiate",
                WindowsMethod::Ntlm => "NTLM",
                WindowsMethod::Kerberos => "Kerberos",
            },
        }
    }
}

/// Where the SMP is and how to talk to it.
#[derive(Debug, Clone)]
pub struct Connection {
    /// `https://smp.corp.example`, without `/Altiris`.
    pub url: Url,
    /// How to sign in.
    pub auth: Auth,
    /// The certificate that the client shows, beside any way to sign in.
    pub client_certificate: Option<ClientCertificate>,
    /// Whether a sign-in may travel over plain HTTP; over loopback it always may.
    pub allow_insecure: bool,
    /// A PEM file with certificates of authorities to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the server may be silent: before its answer and within it.
    pub answer_timeout: Duration,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// How many requests may go out a second; `None`: as many as there are.
    pub rate_limit: Option<NonZeroU32>,
    /// How often something may be tried again, over all requests; `None`: each request by itself decides.
    pub retry_budget: Option<u32>,
    /// What the pauses before another try are drawn from.
    pub seed: u64,
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
            client_certificate: None,
            allow_insecure: false,
            ca: None,
            connect_timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(100),
            concurrency: 8,
            rate_limit: None,
            retry_budget: None,
            seed: 0,
            answer_limit: 512 * 1024 * 1024,
            run,
        }
    }
}

/// How much was sent and received so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests, each try counted; the messages of a sign-in are not.
    pub requests: u64,
    /// Bytes of answers, unpacked.
    pub bytes: u64,
}

/// Which of the two ways requests go.
enum Way {
    Pooled(Box<pooled::Pooled>),
    Held(Arc<held::Held>),
}

/// What is known of the sign-in. Several wrong passwords at once would lock an account: until one sign-in has worked only
/// one is tried at a time, and what was refused is never tried again.
#[derive(Default)]
struct Door {
    first: Mutex<()>,
    open: AtomicBool,
    refused: OnceLock<TransportError>,
}

impl Door {
    /// Waits for its turn while nobody is in yet.
    async fn turn(&self) -> Result<Option<MutexGuard<'_, ()>>, TransportError> {
        let mut turn = None;
        if !self.open.load(Ordering::Acquire) {
            let guard = self.first.lock().await;
            if !self.open.load(Ordering::Acquire) {
                turn = Some(guard);
            }
        }
        match self.refused.get() {
            Some(error) => Err(error.clone()),
            None => Ok(turn),
        }
    }

    /// Remembers what became of a request.
    fn learn(&self, error: Option<&TransportError>) {
        match error {
            None => self.open.store(true, Ordering::Release),
            Some(error) if error.is_refused_proof() => {
                // The first refusal is as good as any.
                let _ = self.refused.set(error.clone());
            }
            Some(_) => {}
        }
    }
}

struct Inner {
    way: Way,
    route: Route,
    base: String,
    method: &'static str,
    answer_timeout: Duration,
    answer_limit: u64,
    run: RunId,
    slots: Arc<Semaphore>,
    pace: Pace,
    retries: Retries,
    door: Door,
    requests: AtomicU64,
    bytes: AtomicU64,
    timed: Timed,
}

/// Sends requests that change nothing. Cheap to clone; clones share connections, bounds and counts.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

/// Sends any request. It is set up as such: none can be made of a [`Transport`].
#[derive(Debug, Clone)]
pub struct WritingTransport(Transport);

impl WritingTransport {
    /// Sets up a connection; nothing is sent yet.
    pub fn new(connection: Connection) -> Result<Self, TransportError> {
        Transport::new(connection).map(Self)
    }

    /// The same connections, for what changes nothing.
    #[must_use]
    pub fn reading(&self) -> &Transport {
        &self.0
    }

    /// Sends one request once, as [`Transport::send`] does, whatever it does on the server.
    pub(super) async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.0.dispatch(request).await
    }
}

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
        let base = shown(&connection.url);
        let Connection {
            mut url,
            auth,
            client_certificate,
            allow_insecure,
            ca,
            connect_timeout,
            answer_timeout,
            concurrency,
            rate_limit,
            retry_budget,
            seed,
            answer_limit,
            run,
        } = connection;
        let setup = |message: &str| TransportError::Setup {
            url: base.clone(),
            message: message.to_owned(),
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(setup("expected http or https and a host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(setup(
                "expected no account in the URL: `auth` has a place for it",
            ));
        }
        url.set_query(None);
        url.set_fragment(None);
        let method = auth.method();
        let secret = !matches!(auth, Auth::None);
        if secret && url.scheme() == "http" && !allow_insecure && !is_loopback(&url) {
            return Err(TransportError::Insecure { url: base, method });
        }
        let settings = tls::settings(&base, ca.as_deref(), client_certificate.as_ref())?;
        let route = Route::new(&url, &settings, connect_timeout)?;
        let base = url.as_str().trim_end_matches('/').to_owned();
        let way = match auth {
            Auth::Windows(auth) => {
                let sign_in = sign_in::SignIn::new(&auth, &base, route.host(), connect_timeout)?;
                Way::Held(held::Held::new(
                    &url,
                    route.clone(),
                    sign_in,
                    answer_timeout,
                ))
            }
            Auth::None | Auth::Basic { .. } | Auth::Bearer { .. } => {
                Way::Pooled(Box::new(pooled::Pooled::new(
                    &url,
                    auth,
                    settings,
                    &pooled::Limits {
                        connect_timeout,
                        answer_timeout,
                        concurrency,
                    },
                )?))
            }
        };
        Ok(Self(Arc::new(Inner {
            way,
            route,
            base,
            method,
            answer_timeout,
            answer_limit,
            run,
            slots: Arc::new(Semaphore::new(concurrency.max(1))),
            pace: Pace::new(rate_limit),
            retries: Retries::new(retry_budget, seed),
            door: Door::default(),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            timed: Timed::default(),
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

    /// How long answers took so far, and how often something was tried again.
    #[must_use]
    pub fn timing(&self) -> Timing {
        self.0.timed.read()
    }

    /// Lets one request in by itself before all others, as at the beginning: a password that was good may be good no
    /// more, and several refusals at once would lock the account.
    pub fn ask_at_the_door(&self) {
        self.0.door.open.store(false, Ordering::Release);
    }

    /// Whether the sign-in was refused. It is for as long as there is this transport, and nothing more is sent.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.0.door.refused.get().is_some()
    }

    /// By which way the last sign-in was made; none before the first, and without one.
    #[must_use]
    pub fn signed_in_by(&self) -> Option<&'static str> {
        match &self.0.way {
            Way::Pooled(_) => (self.0.method != "none").then_some(self.0.method),
            Way::Held(held) => held.signed_in_by(),
        }
    }

    /// How long to wait before try number `attempt`, from 1 on; `None` where nothing more may be tried again, since too
    /// much was.
    #[must_use]
    pub fn pause_before(&self, attempt: u32) -> Option<Duration> {
        let pause = self.0.retries.pause_before(attempt);
        if pause.is_some() {
            self.0.timed.again();
        }
        pause
    }

    /// The number of tries that all requests together might make again, once they are used up.
    #[must_use]
    pub fn retries_spent(&self) -> Option<u32> {
        self.0.retries.spent()
    }

    /// Sends one request once and gives the answer's status and its body as a stream.
    ///
    /// Waits for a free slot first; the slot is held until the body is read or dropped.
    ///
    /// # Errors
    /// [`TransportError::ReadOnly`] for a request that may change something: nothing is sent of it.
    pub async fn send(&self, request: Request) -> Result<Response, TransportError> {
        match request.effect {
            Effect::Reads => self.dispatch(request).await,
            Effect::Writes => Err(TransportError::ReadOnly {
                service: request.service,
                method: request.method,
            }),
        }
    }

    async fn dispatch(&self, mut request: Request) -> Result<Response, TransportError> {
        let inner = &self.0;
        let slot = Arc::clone(&inner.slots)
            .acquire_owned()
            .await
            .map_err(|error| TransportError::Setup {
                url: inner.base.clone(),
                message: error.to_string(),
            })?;
        inner.pace.turn().await;
        let number = inner.requests.fetch_add(1, Ordering::Relaxed) + 1;
        request.id = format!("{}/{number}", inner.run);
        // Whatever is logged of a request names it, warnings too: hence no span that a filter of levels leaves out.
        let span = tracing::error_span!(
            "request",
            id = request.id,
            service = %request.service,
            method = request.method
        );
        let tried = async {
            let answered = self.attempt(request, slot).await;
            if let Err(error) = &answered {
                tracing::debug!(%error, "not answered");
            }
            answered
        };
        // The many ways that a sign-in may go would make every future that sends a large one.
        Box::pin(tried.instrument(span)).await
    }

    async fn attempt(
        &self,
        request: Request,
        slot: OwnedSemaphorePermit,
    ) -> Result<Response, TransportError> {
        let inner = &self.0;
        let url = format!("{}/Altiris/{}", inner.base, request.path);
        let turn = match inner.method {
            "none" => None,
            _ => inner.door.turn().await?,
        };
        let begun = Instant::now();
        let answered = self.ask_once(&url, request).await;
        inner.timed.took(begun.elapsed());
        inner.door.learn(answered.as_ref().err());
        drop(turn);
        let (status, date, source) = answered?;
        Ok(Response {
            status,
            date,
            body: Body {
                transport: self.clone(),
                url,
                source,
                received: 0,
                _slot: slot,
            },
        })
    }

    async fn ask_once(
        &self,
        url: &str,
        request: Request,
    ) -> Result<(u16, Option<jiff::Timestamp>, Source), TransportError> {
        let inner = &self.0;
        let (status, headers, source) = match &inner.way {
            Way::Pooled(pooled) => {
                let response = pooled
                    .send(url, request)
                    .await
                    .map_err(|error| self.failed(url, &error))?;
                let status = response.status().as_u16();
                (status, response.headers().clone(), Source::Pooled(response))
            }
            Way::Held(held) => held.send(url, &request).await?,
        };
        tracing::debug!(status, "answered");
        match status {
            429 | 503 => inner.pace.told_to_wait(&headers),
            200..=299 => inner.retries.went_well(),
            _ => {}
        }
        self.judge(url, status, &headers)?;
        Ok((status, date(&headers), source))
    }

    /// Makes errors of the statuses that are none of the caller's business.
    fn judge(&self, url: &str, status: u16, headers: &HeaderMap) -> Result<(), TransportError> {
        match status {
            401 => {
                let offered = sign_in::Offer::read(headers).schemes;
                let method = self.0.method;
                let has = |name: &str| offered.iter().any(|known| known.eq_ignore_ascii_case(name));
                let refusal = if method == "none" {
                    Refusal::Unconfigured
                } else if has(method) {
                    Refusal::Refused(method)
                } else {
                    Refusal::NotOffered(method)
                };
                Err(TransportError::SignIn { refusal, offered })
            }
            407 => Err(TransportError::ProxySignIn),
            300..=399 => {
                let to = headers
                    .get(http::header::LOCATION)
                    .and_then(|value| value.to_str().ok())
                    .unwrap_or("nowhere")
                    .chars()
                    .take(200)
                    .collect();
                Err(TransportError::Redirect {
                    url: url.to_owned(),
                    to,
                })
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, url: &str, error: &reqwest::Error) -> TransportError {
        let url = url.to_owned();
        let message = cause(error);
        if let Some(untrusted) = tls::untrusted(error) {
            TransportError::Untrusted {
                url,
                untrusted: Box::new(untrusted),
            }
        } else if error.is_connect() {
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
}

/// When the server says it is.
fn date(headers: &HeaderMap) -> Option<jiff::Timestamp> {
    let text = headers.get(http::header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
}
