//! A way to a server that is cut off at a chosen write: before its answer comes back, or right after it.
//!
//! Plain HTTP/1.1, one request a connection on the far side, so that the end of an answer is the end of the connection.
#![expect(clippy::disallowed_types, reason = "stands between two sockets")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Operations that change the server.
const WRITES: [&str; 8] = [
    "CreateNewResource",
    "RenameItem",
    "SaveResource",
    "DeleteResource",
    "FormAssociation",
    "BreakAssociation",
    "SetPackageServerSettings",
    "UpdateDistributionPoints",
];

/// What somebody else does meanwhile.
type Happens = Box<dyn FnOnce() + Send>;

struct State {
    writes: AtomicUsize,
    /// The write to cut off at; 0 for none.
    at: AtomicUsize,
    answered: AtomicBool,
    /// The write whose answer is held back; 0 for none.
    held: AtomicUsize,
    /// Told when it is there, and when it may go on.
    there: Notify,
    on: Notify,
    end: CancellationToken,
    /// What happens right before a write gets there.
    first: Mutex<Option<(usize, Happens)>>,
}

/// The way, and what went over it.
pub(crate) struct Cut {
    pub(crate) url: String,
    state: Arc<State>,
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.state.end.cancel();
    }
}

impl Cut {
    /// Opens a way to the server with a URL.
    pub(crate) async fn before(url: &str) -> Self {
        let far = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            writes: AtomicUsize::new(0),
            at: AtomicUsize::new(0),
            answered: AtomicBool::new(false),
            held: AtomicUsize::new(0),
            there: Notify::new(),
            on: Notify::new(),
            end: CancellationToken::new(),
            first: Mutex::new(None),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            let end = shared.end.clone();
            let accept = async {
                loop {
                    let (near, _) = listener.accept().await.unwrap();
                    let (shared, far) = (Arc::clone(&shared), far.clone());
                    tokio::spawn(async move {
                        let end = shared.end.clone();
                        tokio::select! {
                            () = end.cancelled() => {}
                            _ = serve(near, &far, &shared) => {}
                        }
                    });
                }
            };
            tokio::select! {
                () = end.cancelled() => {}
                () = accept => {}
            }
        });
        Self { url, state }
    }

    /// Cuts the way off at a write, counted from 1: once its answer went back, or instead of it.
    pub(crate) fn after_write(&self, write: usize, answered: bool) {
        self.state.answered.store(answered, Ordering::Relaxed);
        self.state.at.store(write, Ordering::Relaxed);
    }

    /// Has something happen right before a write gets there, counted from 1.
    pub(crate) fn first(&self, write: usize, happens: impl FnOnce() + Send + 'static) {
        *self.state.first.lock().unwrap() = Some((write, Box::new(happens)));
    }

    /// Holds the answer to a write back, counted from 1, until [`Cut::go_on`]; 0 for none.
    pub(crate) fn hold(&self, write: usize) {
        self.state.held.store(write, Ordering::Relaxed);
    }

    /// Waits until the write whose answer is held back has been carried out.
    pub(crate) async fn holds(&self) {
        let there = self.state.there.notified();
        tokio::time::timeout(Duration::from_mins(2), there)
            .await
            .expect("the write does not come");
    }

    /// Lets the answer go.
    pub(crate) fn go_on(&self) {
        self.state.on.notify_one();
    }

    /// How many writes went over it.
    pub(crate) fn writes(&self) -> usize {
        self.state.writes.load(Ordering::Relaxed)
    }
}

/// Hands one request over and its answer back.
async fn serve(mut near: TcpStream, far: &str, state: &State) -> std::io::Result<()> {
    let mut request = Vec::new();
    let head = loop {
        if near.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        if let Some(at) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
    };
    let text = String::from_utf8_lossy(&request[..head]).to_string();
    let value = |wanted: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted)
                .then(|| value.trim().to_owned())
        })
    };
    let length: usize = value("content-length").map_or(0, |length| length.parse().unwrap());
    while request.len() < head + 4 + length {
        if near.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let action = value("soapaction").unwrap_or_default();
    let writes = WRITES
        .iter()
        .any(|name| action.trim_matches('"').ends_with(name));
    let number = if writes {
        state.writes.fetch_add(1, Ordering::Relaxed) + 1
    } else {
        0
    };
    let last = writes && number == state.at.load(Ordering::Relaxed);
    let first = state.first.lock().unwrap().take_if(|(at, _)| *at == number);
    if let Some((_, happens)) = first {
        happens();
    }
    let mut stream = TcpStream::connect(far).await?;
    stream.write_all(&request[..head]).await?;
    stream.write_all(b"\r\nConnection: close").await?;
    stream.write_all(&request[head..]).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    if last && !state.answered.load(Ordering::Relaxed) {
        state.end.cancel();
        return Ok(());
    }
    if writes && number == state.held.load(Ordering::Relaxed) {
        state.there.notify_one();
        state.on.notified().await;
    }
    near.write_all(&answer).await?;
    near.shutdown().await?;
    if last {
        state.end.cancel();
    }
    Ok(())
}
