//! The HTTP listener of the simulator: one thread with its own runtime, the services below `/Altiris/`, and the
//! administrator's paths below `/sim/`.
//!
//! I/O: TCP sockets, with TLS where it is wanted. Turns HTTP requests into calls of `services` and writes their answers; keeps a log of requests.
//! Paths are taken without regard to case, as IIS does. The work itself runs on blocking threads, since the CMDB is
//! a database.

mod access;
mod admin;
mod admit;
mod connection;
mod delivery;
mod route;
mod tls;

pub use access::Access;
pub use tls::{Authority, Identity, Tls, TlsError};

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

pub use delivery::Delivery;

use crate::services::Manner;
use crate::sign_in::Rules;
use crate::world::World;
use connection::Door;

/// A running simulator. It stops when dropped.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    scheme: &'static str,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What every request needs.
struct Shared {
    world: World,
    manner: Manner,
    /// What the gate of each connection judges by; none where everyone may call.
    rules: Option<Rules>,
    /// Says that callers must show a certificate.
    wants_certificate: bool,
    /// `http` or `https`.
    scheme: &'static str,
    log: Mutex<Vec<RequestRecord>>,
    /// Counts reads, for the quirk that answers some of them with 503.
    reads: AtomicU64,
    /// Counts the answers to reads, for the quirk that cuts some of them.
    whole: AtomicU64,
    /// Counts writes, for the quirk that cuts the answers of some.
    writes: AtomicU64,
}

/// One request below `/Altiris/`, carried out or refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRecord {
    /// What the client calls it: its `X-Request-Id`.
    pub id: Option<String>,
    /// The connection that it came by, counted from 1.
    pub connection: u64,
    /// Who is signed in, as the account is spelled here.
    pub user: Option<String>,
    /// Says that it carried a part of a sign-in: an `Authorization`.
    pub sign_in: bool,
    /// Why it was refused for want of a sign-in, where one was tried. No client is told.
    pub refused: Option<String>,
    /// The service, such as `ResourceModel`; empty where there is none at the path.
    pub service: String,
    /// The operation as called; `?WSDL` and the service page are logged as `?WSDL` and an empty text. A SOAP call that
    /// was refused has not been read: its operation is empty.
    pub operation: String,
    /// `soap11`, `soap12`, `form`, `get`, or `page`.
    pub protocol: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Says whether the operation changes the server; never so where it was refused for want of a sign-in.
    pub writes: bool,
    /// The size of the answer before compression.
    pub bytes: u64,
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
    /// The certificates are of no use.
    #[error("cannot listen with TLS")]
    Tls(#[from] TlsError),
}

impl Server {
    /// Serves a world to everyone; port 0 takes a free port.
    pub fn start(world: World, listen: SocketAddr) -> Result<Self, StartError> {
        Self::start_with(world, listen, &Access::anonymous())
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
        let tls = match &access.tls {
            None => None,
            Some(tls) => Some((TlsAcceptor::from(Arc::new(tls.config()?)), tls.binding())),
        };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let manner = Manner::of(&world);
        let rules = (!access.schemes.is_empty())
            .then(|| access.rules(&world.platform_server(), manner.sign_in_expires()));
        let shared = Arc::new(Shared {
            world,
            manner,
            rules,
            wants_certificate: access.tls.as_ref().is_some_and(Tls::wants_certificate),
            scheme,
            log: Mutex::new(Vec::new()),
            reads: AtomicU64::new(0),
            whole: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        });
        let door = Door {
            router: router(Arc::clone(&shared)),
            tls,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sim-http")
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("sim-server".to_owned())
            .spawn(move || {
                runtime.block_on(serve(listener, door, stopped));
                // Connections that a client keeps open must not hold up the end.
                runtime.shutdown_timeout(Duration::from_millis(200));
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            shared,
            address,
            scheme,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens, such as `http://127.0.0.1:8089`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
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

fn router(shared: Arc<Shared>) -> axum::Router {
    axum::Router::new()
        .fallback(route::handle)
        .with_state(shared)
        .layer(
            CompressionLayer::new()
                .gzip(true)
                .quality(CompressionLevel::Fastest),
        )
}

async fn serve(listener: TcpListener, door: Door, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the listener cannot be used");
            return;
        }
    };
    tokio::select! {
        () = door.keep(listener) => {}
        _ = stopped => {}
    }
}
