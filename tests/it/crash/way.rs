//! A way to a simulated SMP with one fault in it, at a chosen write: what breaks there, and what went over it.
//!
//! Plain HTTP/1.1, one request a connection. Every write is kept with what the server answered to it, also where the
//! client never got to see that. The fault strikes once: whoever comes by that way again finds it whole.
#![expect(clippy::disallowed_types, reason = "stands between two sockets")]

use std::io;
use std::process::Child;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// Operations that change the server.
pub(super) const WRITES: [&str; 9] = [
    "CreateNewResource",
    "RenameItem",
    "SaveResource",
    "DeleteResource",
    "FormAssociation",
    "BreakAssociation",
    "SetPackageServerSettings",
    "UpdateDistributionPoints",
    "ImportItemXmlString",
];

/// When a program is killed, seen from a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// It was sent, and does not come to the server.
    Before,
    /// The server has carried it out, and the program does not know.
    Between,
    /// The program has the answer.
    After,
}

/// What happens at a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The program gets SIGKILL.
    Kill(Moment),
    /// The server carries it out, and the connection ends before the answer.
    Lost,
    /// The server carries it out, and the connection ends in the middle of the answer.
    CutAnswer,
    /// The connections end in the middle of the request.
    CutRequest,
    /// The server gets it twice, and the program the first answer.
    Twice,
    /// The server gets it twice, and the program the second answer.
    TwiceLast,
    /// The program gets the answer twice.
    AnswerTwice,
    /// The way answers with a status instead of the server, which hears nothing of it.
    Instead(u16),
    /// The server carries it out, and the way answers with a status of its own.
    DoneBut(u16),
    /// From here on every request of this program is answered with 401.
    ShutOut,
    /// It stays here until [`Way::release`].
    Held,
}

/// A write that came to the server.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) operation: String,
    pub(super) body: String,
    /// What the server said, whether or not it came back.
    pub(super) status: u16,
    pub(super) answer: String,
}

#[derive(Default)]
struct Shared {
    far: String,
    fault: Option<(usize, Fault)>,
    writes: AtomicUsize,
    under_way: AtomicUsize,
    shut: AtomicBool,
    held: AtomicBool,
    out_of_step: AtomicBool,
    go_on: Notify,
    sent: Mutex<Vec<Sent>>,
    child: Mutex<Option<Child>>,
}

/// The way; it is closed when dropped.
pub(super) struct Way {
    pub(super) url: String,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for Way {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever copies the world next finds nobody at it.
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

impl Way {
    /// Opens a way to the server with a URL. The fault, where there is one, is at the write of that number, from 1.
    ///
    /// `done` is told each operation that the server has carried out.
    pub(super) fn to(
        url: &str,
        fault: Option<(usize, Fault)>,
        done: impl Fn(&str) + Send + Sync + 'static,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let shared = Arc::new(Shared {
            far: url.strip_prefix("http://").unwrap().to_owned(),
            fault,
            ..Shared::default()
        });
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accepting = Arc::clone(&shared);
        let done: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(done);
        runtime.spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let (shared, done) = (Arc::clone(&accepting), Arc::clone(&done));
                tokio::spawn(async move {
                    // A connection that ends is what this is about.
                    let _ = shared.serve(near, &*done).await;
                });
            }
        });
        Self {
            url,
            shared,
            runtime: Some(runtime),
        }
    }

    /// The writes that came to the server so far.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.shared.sent.lock().unwrap().clone()
    }

    /// Whether the write that the fault is at was come to.
    pub(super) fn struck(&self) -> bool {
        let at = self.shared.fault.map_or(0, |(at, _)| at);
        self.shared.writes.load(Ordering::SeqCst) >= at
    }

    /// Whether the program sent a request where the answer to another one was left.
    pub(super) fn out_of_step(&self) -> bool {
        self.shared.out_of_step.load(Ordering::SeqCst)
    }

    /// The program that comes by this way; whoever holds this may start, ask and end it.
    pub(super) fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.shared.child.lock().unwrap()
    }

    /// Waits until nothing is between the two sides, and lets the next program in.
    pub(super) fn quiet(&self) {
        until("the way to be quiet", || {
            self.shared.under_way.load(Ordering::SeqCst) == 0
        });
        self.shared.shut.store(false, Ordering::SeqCst);
    }

    /// Waits until a write stands at [`Fault::Held`].
    pub(super) fn held(&self) {
        until("a write to come to where it is held", || {
            self.shared.held.load(Ordering::SeqCst)
        });
    }

    /// Waits until a write stands at [`Fault::Held`], or the program is over without; says whether one does.
    pub(super) fn held_or_ended(&self) -> bool {
        until("a write to be held, or the program to end", || {
            let over = self.child().as_mut().unwrap().try_wait().unwrap();
            self.shared.held.load(Ordering::SeqCst) || over.is_some()
        });
        self.shared.held.load(Ordering::SeqCst)
    }

    /// Lets a held write go on.
    pub(super) fn release(&self) {
        self.shared.go_on.notify_one();
    }
}

/// Waits for something that must come soon.
pub(super) fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One request, as it came.
struct Request {
    head: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    async fn read(near: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        let end = loop {
            if near.read_buf(&mut bytes).await? == 0 {
                return Ok(None);
            }
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at;
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        let head: Vec<String> = head.split("\r\n").map(ToOwned::to_owned).collect();
        let mut request = Self {
            head,
            body: bytes.split_off(end + 4),
        };
        let length = request
            .header("content-length")
            .map_or(0, |length| length.parse().unwrap());
        while request.body.len() < length {
            if near.read_buf(&mut request.body).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(request))
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    }

    /// The operation, where it is one that writes.
    fn write(&self) -> Option<String> {
        let action = self.header("soapaction")?.trim_matches('"');
        let found = WRITES.iter().find(|name| action.ends_with(*name))?;
        Some((*found).to_owned())
    }

    /// The bytes for the server: one request a connection, and an answer that can be read here.
    fn bytes(&self) -> Vec<u8> {
        let passed = self.head.iter().filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            !["accept-encoding", "connection"]
                .iter()
                .any(|left_out| name.eq_ignore_ascii_case(left_out))
        });
        let mut bytes = Vec::new();
        for line in passed {
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Counts what is between the two sides.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    /// Hands one request over and its answer back, or what becomes of it.
    async fn serve(
        &self,
        mut near: TcpStream,
        done: &(dyn Fn(&str) + Send + Sync),
    ) -> io::Result<()> {
        let Some(request) = Request::read(&mut near).await? else {
            return Ok(());
        };
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.under_way);
        let write = request.write();
        let fault = write.as_ref().and_then(|_| {
            let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
            self.fault
                .filter(|(at, _)| *at == number)
                .map(|(_, fault)| fault)
        });
        if fault == Some(Fault::ShutOut) {
            self.shut.store(true, Ordering::SeqCst);
        }
        if self.shut.load(Ordering::SeqCst) {
            return near.write_all(&status(401)).await;
        }
        match fault {
            Some(Fault::Kill(Moment::Before)) => {
                self.kill();
                return Ok(());
            }
            Some(Fault::Instead(code)) => return near.write_all(&status(code)).await,
            Some(Fault::CutRequest) => {
                let bytes = request.bytes();
                let half = bytes.len() - request.body.len() / 2;
                let mut far = TcpStream::connect(&self.far).await?;
                far.write_all(&bytes[..half]).await?;
                far.flush().await?;
                return reset(&near).and_then(|()| reset(&far));
            }
            Some(Fault::Held) => {
                self.held.store(true, Ordering::SeqCst);
                self.go_on.notified().await;
            }
            _ => {}
        }
        let mut answer = self.forward(&request, write.as_deref(), done).await?;
        match fault {
            Some(Fault::Kill(Moment::Between)) => {
                self.kill();
                return Ok(());
            }
            Some(Fault::Lost) => return reset(&near),
            Some(Fault::CutAnswer) => {
                near.write_all(&answer[..answer.len() - 40]).await?;
                near.flush().await?;
                return reset(&near);
            }
            Some(Fault::Twice) => {
                self.forward(&request, write.as_deref(), done).await?;
            }
            Some(Fault::TwiceLast) => {
                answer = self.forward(&request, write.as_deref(), done).await?;
            }
            Some(Fault::AnswerTwice) => {
                // On a connection that goes on, or the second would come to nobody.
                let kept =
                    String::from_utf8_lossy(&answer).replacen("connection: close", "x: y", 1);
                answer = [kept.as_bytes(), kept.as_bytes()].concat();
                near.write_all(&answer).await?;
                // Whoever keeps the connection for the next request finds the second answer on it.
                let mut rest = Vec::new();
                let waited = Duration::from_millis(500);
                let _ = tokio::time::timeout(waited, near.read_to_end(&mut rest)).await;
                if !rest.is_empty() {
                    self.out_of_step.store(true, Ordering::SeqCst);
                }
                return Ok(());
            }
            Some(Fault::DoneBut(code)) => answer = status(code),
            _ => {}
        }
        near.write_all(&answer).await?;
        near.shutdown().await?;
        if fault == Some(Fault::Kill(Moment::After)) {
            // It closes the connection once it has read the answer.
            let mut rest = Vec::new();
            let waited = Duration::from_millis(500);
            let _ = tokio::time::timeout(waited, near.read_to_end(&mut rest)).await;
            self.kill();
        }
        Ok(())
    }

    async fn forward(
        &self,
        request: &Request,
        write: Option<&str>,
        done: &(dyn Fn(&str) + Send + Sync),
    ) -> io::Result<Vec<u8>> {
        let mut far = TcpStream::connect(&self.far).await?;
        far.write_all(&request.bytes()).await?;
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await?;
        if let Some(operation) = write {
            let text = String::from_utf8_lossy(&answer).to_string();
            let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
            let status = status.expect("an answer begins with its status");
            self.sent.lock().unwrap().push(Sent {
                operation: operation.to_owned(),
                body: String::from_utf8_lossy(&request.body).to_string(),
                status,
                answer: text,
            });
            if status == 200 {
                done(operation);
            }
        }
        Ok(answer)
    }

    fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        let child = child.as_mut().expect("a program that sends");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// Ends a connection at once, which the other side is told.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

fn status(code: u16) -> Vec<u8> {
    let page = "<html><head><title>the way</title></head></html>";
    format!(
        "HTTP/1.1 {code} Way\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    )
    .into_bytes()
}
