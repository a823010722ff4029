//! A real S3-compatible server, and ways to it that fail as networks do.
//!
//! The server is `s3s-fs`, which keeps objects as files and so outlives being killed. It checks `If-Match` and
//! `If-None-Match` of a PUT, but looks first and writes then: of two at once both may pass. A way hands it one request at
//! a time, which makes it what S3 is. It checks signatures; it does not check conditions of a DELETE, which is why
//! nothing here relies on them.
#![expect(clippy::disallowed_types, reason = "stands between two sockets")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sitewright::state::{S3Credentials, S3Options};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{Authority, Running};

pub(crate) const ACCESS: &str = "AKIA-sitewright";
pub(crate) const SECRET: &str = "s3cr3t-hunter2-of-the-bucket";
const BUCKET: &str = "sitewright-state";

/// An S3-compatible server with one bucket.
pub(crate) struct Bucket {
    folder: tempfile::TempDir,
    port: u16,
    server: Mutex<Option<Running>>,
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until somebody listens on a port.
pub(crate) fn wait_for(port: u16) {
    let end = Instant::now() + Duration::from_secs(30);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nobody listens on port {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Where `make setup` puts the server, else whichever there is.
fn program() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/bin/s3s-fs");
    if own.is_file() { own } else { "s3s-fs".into() }
}

impl Bucket {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let bucket = Self {
            folder,
            port: free_port(),
            server: Mutex::new(None),
        };
        bucket.restart();
        bucket
    }

    /// Starts the server again, on the same objects and port.
    pub(crate) fn restart(&self) {
        let child = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--access-key", ACCESS, "--secret-key", SECRET])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the tests need `s3s-fs`: run `make setup`");
        *self.server.lock().unwrap() = Some(Running(child));
        wait_for(self.port);
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&self) {
        *self.server.lock().unwrap() = None;
    }

    /// Where it is, without anything between.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The file that an object is kept in.
    pub(crate) fn file(&self, key: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(key)
    }

    /// The objects of a folder, by name.
    pub(crate) fn objects(&self, folder: &str) -> Vec<PathBuf> {
        let folder = self.file(folder);
        let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        found.sort();
        found
    }
}

/// How to reach what is below a prefix of a bucket at an address.
pub(crate) fn options(url: &str, prefix: &str, lease: Duration) -> S3Options {
    S3Options {
        bucket: BUCKET.into(),
        prefix: prefix.into(),
        region: None,
        endpoint: Some(url.parse().unwrap()),
        credentials: S3Credentials::Keys {
            access: ACCESS.into(),
            secret: SECRET.into(),
            session: None,
        },
        authorities: None,
        allow_http: true,
        lease,
    }
}

/// `state` of a workspace that reaches a bucket at an address by variables of the environment.
pub(crate) fn declared(url: &str, prefix: &str, lease: u32) -> String {
    format!(
        "  state:\n    backend: s3\n    bucket: {BUCKET}\n    prefix: {prefix}\n    endpoint: {url}\n    \
         accessKeyFrom: {{ env: BUCKET_ACCESS }}\n    secretKeyFrom: {{ env: BUCKET_SECRET }}\n    lease: {lease}\n"
    )
}

/// What becomes of a request on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It arrives, and so does its answer.
    Arrives,
    /// The same, a while later.
    Late,
    /// It arrives, and its answer does not.
    AnswerLost,
    /// It does not arrive.
    Lost,
}

type Judge = Box<dyn FnMut(&str, &str) -> Fate + Send>;

/// A way to a bucket.
pub(crate) struct Way {
    pub(crate) url: String,
    judge: Arc<Mutex<Judge>>,
    end: CancellationToken,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Way {
    /// Opens a way, of which everything arrives.
    pub(crate) async fn to(bucket: &Bucket) -> Self {
        let far = bucket.port;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let judge: Arc<Mutex<Judge>> = Arc::new(Mutex::new(Box::new(|_, _| Fate::Arrives)));
        let end = CancellationToken::new();
        let (shared, ended) = (Arc::clone(&judge), end.clone());
        let turn = turn(far);
        tokio::spawn(async move {
            let accept = async {
                loop {
                    let (near, _) = listener.accept().await.unwrap();
                    let (judge, turn) = (Arc::clone(&shared), Arc::clone(&turn));
                    tokio::spawn(async move {
                        // A connection that broke is what some of the tests are about.
                        let _ = serve(near, far, &judge, &turn).await;
                    });
                }
            };
            tokio::select! {
                () = ended.cancelled() => {}
                () = accept => {}
            }
        });
        Self { url, judge, end }
    }

    /// Decides from now on what becomes of a request, by its method and path.
    pub(crate) fn judged(&self, judge: impl FnMut(&str, &str) -> Fate + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }
}

/// A way to a bucket that speaks TLS.
pub(crate) struct Secured {
    pub(crate) url: String,
    end: CancellationToken,
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Secured {
    /// Opens one, with a certificate of an authority.
    pub(crate) async fn to(bucket: &Bucket, authority: &Authority) -> Self {
        let far = bucket.port;
        let (certificate, key) = authority.server();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let end = CancellationToken::new();
        let ended = end.clone();
        tokio::spawn(async move {
            let accept = async {
                loop {
                    let (near, _) = listener.accept().await.unwrap();
                    let acceptor = acceptor.clone();
                    tokio::spawn(async move {
                        // Whoever does not trust the certificate ends it here.
                        let Ok(mut near) = acceptor.accept(near).await else {
                            return;
                        };
                        let mut far = TcpStream::connect(("127.0.0.1", far)).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    });
                }
            };
            tokio::select! {
                () = ended.cancelled() => {}
                () = accept => {}
            }
        });
        Self { url, end }
    }
}

type Turn = Arc<tokio::sync::Mutex<()>>;

/// What makes the requests of all ways to one server wait for each other.
fn turn(port: u16) -> Turn {
    static TURNS: Mutex<Vec<(u16, Turn)>> = Mutex::new(Vec::new());
    let mut turns = TURNS.lock().unwrap();
    if let Some((_, turn)) = turns.iter().find(|(other, _)| *other == port) {
        return Arc::clone(turn);
    }
    let turn = Turn::default();
    turns.push((port, Arc::clone(&turn)));
    turn
}

/// Hands one request over and its answer back.
async fn serve(
    mut near: TcpStream,
    far: u16,
    judge: &Mutex<Judge>,
    turn: &tokio::sync::Mutex<()>,
) -> std::io::Result<()> {
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
    let length: usize = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.trim().parse().unwrap());
    while request.len() < head + 4 + length {
        if near.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let mut words = text.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let fate = (judge.lock().unwrap())(method, path);
    if fate == Fate::Lost {
        return Ok(());
    }
    if fate == Fate::Late {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let mut answer = Vec::new();
    {
        let _turn = turn.lock().await;
        let mut stream = TcpStream::connect(("127.0.0.1", far)).await?;
        stream.write_all(&request[..head]).await?;
        stream.write_all(b"\r\nConnection: close").await?;
        stream.write_all(&request[head..]).await?;
        stream.read_to_end(&mut answer).await?;
    }
    if fate != Fate::AnswerLost {
        near.write_all(&answer).await?;
        near.shutdown().await?;
    }
    Ok(())
}
