//! The HTTP listener of the simulator: one thread with its own runtime, the services below `/Altiris/`, and the
//! administrator's paths below `/sim/`.
//!
//! I/O: a TCP socket. Turns HTTP requests into calls of `services` and writes their answers; keeps a log of requests.
//! Paths are taken without regard to case, as IIS does. The work itself runs on blocking threads, since the CMDB is
//! a database.

mod admin;
mod delivery;
mod route;

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

pub use delivery::Delivery;

use crate::services::Manner;
use crate::world::World;

/// A running simulator. It stops when dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every request needs.
struct Shared {
    world: World,
    manner: Manner,
    authorization: Option<String>,
    log: Mutex<Vec<RequestRecord>>,
    /// Counts reads, for the quirk that answers some of them with 503.
    reads: AtomicU64,
    /// Counts the answers to reads, for the quirk that cuts some of them.
    whole: AtomicU64,
    /// Counts writes, for the quirk that cuts the answers of some.
    writes: AtomicU64,
}

/// One request that reached a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// The service, such as `ResourceModel`.
    pub service: String,
    /// The operation as called; `?WSDL` and the service page are logged as `?WSDL` and an empty text.
    pub operation: String,
    /// `soap11`, `soap12`, `form`, `get`, or `page`.
    pub protocol: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Says whether the operation changes the server.
    pub writes: bool,
    /// The size of the answer before compression.
    pub bytes: u64,
}

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Access {
    /// Everyone.
    #[default]
    Anonymous,
    /// Whoever signs in with Basic authentication.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The runtime or its thread could not be made.
    #[error("cannot start the server's thread")]
    Thread(#[source] std::io::Error),
}

impl Server {
    /// Serves a world to everyone; port 0 takes a free port.
    pub fn start(world: World, listen: SocketAddr) -> Result<Self, StartError> {
        Self::start_with(world, listen, &Access::Anonymous)
    }

    /// Serves a world to those who have access.
    pub fn start_with(
        world: World,
        listen: SocketAddr,
        access: &Access,
    ) -> Result<Self, StartError> {
        let at = |source| StartError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).map_err(at)?;
        listener.set_nonblocking(true).map_err(at)?;
        let address = listener.local_addr().map_err(at)?;
        let authorization = match access {
            Access::Anonymous => None,
            Access::Basic { user, password } => Some(format!(
                "Basic {}",
                base64(format!("{user}:{password}").as_bytes())
            )),
        };
        let manner = Manner::of(&world);
        let shared = Arc::new(Shared {
            world,
            manner,
            authorization,
            log: Mutex::new(Vec::new()),
            reads: AtomicU64::new(0),
            whole: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sim-http")
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("sim-server".to_owned())
            .spawn(move || {
                runtime.block_on(serve(listener, state, stopped));
                // Connections that a client keeps open must not hold up the end.
                runtime.shutdown_timeout(Duration::from_millis(200));
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            shared,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens, such as `http://127.0.0.1:8089`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The world that it serves.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.shared.world
    }

    /// The requests that have been answered, in the order of their answers.
    #[must_use]
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.shared.log().clone()
    }

    /// Forgets the requests answered so far.
    pub fn clear_requests(&self) {
        self.shared.log().clear();
    }

    /// Blocks until the server's thread ends, which it does not by itself.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The receiver is gone when the thread has ended already.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Vec<RequestRecord>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the listener cannot be used");
            return;
        }
    };
    let listener = listener.tap_io(|stream| {
        // Without this, small answers wait for acknowledgements.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::trace!(%error, "cannot set TCP_NODELAY");
        }
    });
    let router = axum::Router::new()
        .fallback(route::handle)
        .with_state(shared)
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .quality(CompressionLevel::Fastest),
        );
    tokio::select! {
        served = std::future::IntoFuture::into_future(axum::serve(listener, router)) => {
            if let Err(error) = served {
                tracing::error!(%error, "the listener ended");
            }
        }
        _ = stopped => {}
    }
}

/// Encodes for the Basic scheme; the standard alphabet with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4_u32 {
            let index = usize::try_from((group >> (18 - 6 * place)) & 63).unwrap_or(0);
            let wanted = usize::try_from(place).unwrap_or(0) <= chunk.len();
            out.push(if wanted {
                char::from(ALPHABET[index])
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn base64_pads() {
        assert_eq!(
            base64(b"Aladdin:open sesame"),
            "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert_eq!(base64(b"abc"), "YWJj");
        assert_eq!(base64(b""), "");
    }
}
