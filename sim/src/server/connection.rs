//! Connections: each has a number, a gate of its own, and is served by one task until it ends.
//!
//! I/O: TCP and TLS. `axum::serve` hides the connection from its handlers, and NTLM signs in a connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use crate::sign_in::{Binding, Gate, Moment};

/// A client that does not finish its handshake is given up.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// What requests of one connection share.
pub(super) struct Connection {
    /// The place among the connections of this server, from 1.
    pub(super) number: u64,
    /// Says that the client has shown a certificate of the authority asked for.
    pub(super) certified: bool,
    gate: Mutex<Gate>,
}

impl Connection {
    /// The sign-in. Requests of a connection come one after another, so nobody waits here.
    pub(super) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How connections are taken.
pub(super) struct Door {
    pub(super) router: Router,
    pub(super) tls: Option<(TlsAcceptor, Binding)>,
}

impl Door {
    /// Takes connections until the task is dropped.
    pub(super) async fn keep(self, listener: TcpListener) {
        let door = Arc::new(self);
        let numbers = AtomicU64::new(1);
        loop {
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // A client that went away, or no free descriptors: the next one may have more luck.
                    tracing::debug!(%error, "cannot take a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // Without this, small answers wait for acknowledgements.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::trace!(%error, "cannot set TCP_NODELAY");
            }
            let number = numbers.fetch_add(1, Ordering::Relaxed);
            let door = Arc::clone(&door);
            tokio::spawn(async move { door.take(stream, number).await });
        }
    }

    async fn take(&self, stream: TcpStream, number: u64) {
        let Some((acceptor, binding)) = &self.tls else {
            return self.serve(stream, number, None, false).await;
        };
        match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => {
                let certified = stream.get_ref().1.peer_certificates().is_some();
                self.serve(stream, number, Some(*binding), certified).await;
            }
            Ok(Err(error)) => tracing::debug!(number, %error, "the TLS handshake failed"),
            Err(_) => tracing::debug!(number, "the TLS handshake took too long"),
        }
    }

    async fn serve<S>(&self, stream: S, number: u64, binding: Option<Binding>, certified: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connection = Arc::new(Connection {
            number,
            certified,
            gate: Mutex::new(Gate::new(binding)),
        });
        let router = self.router.clone().layer(Extension(connection));
        let served = http1::Builder::new()
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
            .await;
        if let Err(error) = served {
            // Clients break off as they like.
            tracing::debug!(number, %error, "the connection ended");
        }
    }
}

/// The time, and bytes that nobody can foresee; none where the system gives no such bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "an answer of NTLM tells the real time, and is judged by it; no world shows it"
)]
pub(super) fn moment() -> Option<Moment> {
    // From 1601 to 1970.
    const EPOCH: Duration = Duration::from_hours(3_234_576);
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default()
        + EPOCH;
    let mut nonce = [0; 8];
    aws_lc_rs::default_provider()
        .secure_random
        .fill(&mut nonce)
        .ok()?;
    Some(Moment {
        time: u64::try_from(since.as_nanos() / 100).unwrap_or(u64::MAX),
        nonce,
    })
}
