//! `/healthz`, `/readyz` and `/metrics` over HTTP.
//!
//! I/O: a socket. Nothing is changed by what is asked, nothing is read of it but method and path, and nobody holds a
//! connection for long.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "listens, and measures time"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::figures::{MEDIA_TYPE, exposition};
use super::report::Trouble;
use super::status::{Answer, Status};

/// How many may ask at once.
const CONNECTIONS: usize = 32;
/// How long somebody may take to ask.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection may be kept.
const LONGEST: Duration = Duration::from_mins(2);

/// What the loop says of itself, for whoever asks.
#[derive(Debug, Clone)]
pub struct Board {
    status: Arc<Mutex<Status>>,
    started: Instant,
}

impl Board {
    /// A board of a loop that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            status: Arc::default(),
            started: Instant::now(),
        }
    }

    /// The time since the loop began.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says how things stand.
    pub fn publish(&self, status: &Status) {
        let mut known = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(status);
    }

    fn read(&self) -> Status {
        let known = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

/// A server that listens, and does not answer yet.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
}

/// Begins to listen; port 0 takes a free one.
///
/// # Errors
/// Where the address cannot be had.
pub async fn listen(address: SocketAddr) -> Result<Listening, Trouble> {
    let failed = |error: std::io::Error| {
        Trouble::of("SW0988", &error, None)
            .about(&format!("cannot listen on `{address}`"))
            .hint("name another address with `--listen`, or `--listen none`")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok(Listening { listener, address })
}

impl Listening {
    /// Answers until it is told to stop.
    pub async fn serve(self, board: Board, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = stop.cancelled() => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    // Out of files, it would be tried again at once, and for ever.
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            };
            let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
                continue; // whoever comes when all are taken is hung up on
            };
            let board = board.clone();
            connections.spawn(async move {
                // What becomes of a connection is the business of whoever asks.
                let _ = tokio::time::timeout(LONGEST, talk(stream, board)).await;
                drop(slot);
            });
        }
        connections.shutdown().await;
    }
}

async fn talk(stream: TcpStream, board: Board) -> Result<(), hyper::Error> {
    let answer = service_fn(move |request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), &board);
        async move { Ok::<_, Infallible>(response) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), answer)
        .await
}

fn respond(method: &Method, path: &str, board: &Board) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let text = |status: StatusCode, text: String| respond_with(status, TEXT, text);
    let told = |answer: Answer| {
        let status = if answer.yes {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        text(status, answer.text)
    };
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".into());
        let allowed = http::HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    let now = board.now();
    match path {
        "/healthz" => told(board.read().alive(now)),
        "/readyz" => told(board.read().ready(now)),
        "/metrics" => {
            let metrics = exposition(&board.read(), now);
            respond_with(StatusCode::OK, MEDIA_TYPE, metrics)
        }
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /healthz, /readyz and /metrics\n".into(),
        ),
    }
}

fn respond_with(
    status: StatusCode,
    media_type: &'static str,
    text: String,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let value = http::HeaderValue::from_static;
    headers.insert(CONTENT_TYPE, value(media_type));
    headers.insert(CACHE_CONTROL, value("no-store"));
    response
}
