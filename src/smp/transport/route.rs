//! The way to the server: name, addresses, proxy, TCP, TLS, each a step that can be taken by itself.
//!
//! I/O: resolves names, connects. Held connections are opened here, and `platform check` walks the same steps. The
//! proxies of the environment are taken as reqwest takes them, always as a tunnel: what goes through one is a connection
//! to the server itself, and a sign-in that belongs to the connection stays on it.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "resolves and connects"
)]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::super::transport_error::TransportError;
use super::certificate::{self, Certificate};
use super::{cause, is_loopback, tls};

/// A connection of bytes.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open way to the server.
pub(super) struct Link {
    pub(super) stream: Box<dyn Stream>,
    /// What TLS settled; none over plain HTTP.
    pub(super) tls: Option<Secured>,
}

/// What a TLS handshake settled.
#[derive(Debug, Clone)]
pub(super) struct Secured {
    /// Such as `TLS 1.3`.
    pub(super) version: String,
    /// What the server's certificate says, where it can be read.
    pub(super) certificate: Option<Certificate>,
    /// What binds a sign-in to this certificate.
    pub(super) end_point: Vec<u8>,
}

/// A proxy of the environment.
#[derive(Clone)]
struct Proxy {
    host: String,
    port: u16,
    tls: bool,
    authorization: Option<HeaderValue>,
}

/// The way to one server.
#[derive(Clone)]
pub(super) struct Route {
    shown: String,
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    proxy: Option<Proxy>,
    timeout: Duration,
}

impl Route {
    /// The way to a URL; nothing is asked yet.
    pub(super) fn new(
        url: &Url,
        settings: &ClientConfig,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        let shown = url.as_str().trim_end_matches('/').to_owned();
        let wrong = |message: String| TransportError::Setup {
            url: shown.clone(),
            message,
        };
        let host = url.host_str().unwrap_or_default();
        let tls = (url.scheme() == "https").then(|| {
            let mut settings = settings.clone();
            // A sign-in belongs to a connection of HTTP/1.1; in HTTP/2 there is no such thing.
            settings.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(settings)
        });
        let proxy = if is_loopback(url) {
            None
        } else {
            let target = url
                .as_str()
                .parse()
                .map_err(|_| wrong("the URL is too odd for HTTP".into()))?;
            Matcher::from_system()
                .intercept(&target)
                .map(|found| {
                    let proxy = found.uri();
                    let tls = match proxy.scheme_str() {
                        Some("http") => false,
                        Some("https") => true,
                        other => {
                            return Err(wrong(format!(
                                "the environment names a proxy of the kind `{}`, and only http and https proxies are supported",
                                other.unwrap_or_default()
                            )));
                        }
                    };
                    Ok(Proxy {
                        host: proxy.host().unwrap_or_default().to_owned(),
                        port: proxy.port_u16().unwrap_or(if tls { 443 } else { 80 }),
                        tls,
                        authorization: found.basic_auth().cloned(),
                    })
                })
                .transpose()?
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            shown,
            tls,
            proxy,
            timeout,
        })
    }

    /// The URL, for messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// The host of the URL.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The port of the URL.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The proxy, as `host:port`.
    pub(super) fn proxy(&self) -> Option<String> {
        let proxy = self.proxy.as_ref()?;
        Some(format!("{}:{}", proxy.host, proxy.port))
    }

    /// Whether the way ends in TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    fn failed(&self, message: String) -> TransportError {
        TransportError::Connect {
            url: self.shown.clone(),
            message,
        }
    }

    async fn in_time<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T, TransportError>>,
    ) -> Result<T, TransportError> {
        tokio::time::timeout(self.timeout, work)
            .await
            .unwrap_or_else(|_| {
                Err(self.failed(format!(
                    "{what} took longer than {} s",
                    self.timeout.as_secs()
                )))
            })
    }

    /// Opens a connection, all steps within the time that connecting may take.
    pub(super) async fn open(&self) -> Result<Link, TransportError> {
        self.in_time("connecting", async {
            let addresses = self.look_up().await?;
            let stream = self.dial(&addresses).await?;
            let stream = self.tunnel(stream).await?;
            self.secure(stream).await
        })
        .await
    }

    /// The addresses of the server, or of the proxy before it.
    pub(super) async fn resolve(&self) -> Result<Vec<IpAddr>, TransportError> {
        let found = self.in_time("resolving the name", self.look_up()).await?;
        Ok(found.iter().map(SocketAddr::ip).collect())
    }

    /// Connects to one of the addresses, through the proxy if there is one.
    pub(super) async fn connect(
        &self,
        addresses: &[IpAddr],
    ) -> Result<Box<dyn Stream>, TransportError> {
        let port = self.proxy.as_ref().map_or(self.port, |proxy| proxy.port);
        let addresses: Vec<SocketAddr> = addresses
            .iter()
            .map(|address| SocketAddr::new(*address, port))
            .collect();
        self.in_time("connecting", async {
            let stream = self.dial(&addresses).await?;
            self.tunnel(stream).await
        })
        .await
    }

    /// Agrees on TLS over an open connection.
    pub(super) async fn handshake(&self, stream: Box<dyn Stream>) -> Result<Link, TransportError> {
        self.in_time("agreeing on TLS", self.secure(stream)).await
    }

    async fn look_up(&self) -> Result<Vec<SocketAddr>, TransportError> {
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (self.host.as_str(), self.port),
        };
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
            .await
            .map_err(|error| self.failed(format!("the name `{host}` does not resolve: {error}")))?
            .collect();
        if found.is_empty() {
            return Err(self.failed(format!("the name `{host}` has no address")));
        }
        Ok(found)
    }

    /// Tries the addresses in turn; each has its share of the time, so that one that is dead does not use it up.
    async fn dial(&self, addresses: &[SocketAddr]) -> Result<Box<dyn Stream>, TransportError> {
        let shares = u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
        let share = self.timeout / shares;
        let mut last = String::from("no address");
        for address in addresses {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    // Small requests must not wait for more to send; where the system refuses, they do.
                    let _ = stream.set_nodelay(true);
                    return Ok(Box::new(stream));
                }
                Ok(Err(error)) => last = error.to_string(),
                Err(_) => last = format!("{address} does not answer"),
            }
        }
        Err(self.failed(last))
    }

    /// Asks the proxy for a tunnel to the server.
    async fn tunnel(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, TransportError> {
        let Some(proxy) = &self.proxy else {
            return Ok(stream);
        };
        let named = format!("the proxy `{}:{}`", proxy.host, proxy.port);
        let stream = match (&self.tls, proxy.tls) {
            (_, false) => stream,
            (Some(settings), true) => self.agree(stream, settings, &proxy.host).await?.stream,
            (None, true) => {
                return Err(self.failed(format!(
                    "{named} is reached by https, which a plain http URL cannot use"
                )));
            }
        };
        let broken = |error: hyper::Error| self.failed(format!("{named}: {}", cause(&error)));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        // It ends with the tunnel; what goes wrong on it is seen by who uses the tunnel.
        tokio::spawn(async move {
            let _ = connection.with_upgrades().await;
        });
        let target = if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        };
        let mut request = Request::builder()
            .method(Method::CONNECT)
            .uri(&target)
            .header(http::header::HOST, &target);
        if let Some(authorization) = &proxy.authorization {
            let mut authorization = authorization.clone();
            authorization.set_sensitive(true);
            request = request.header(http::header::PROXY_AUTHORIZATION, authorization);
        }
        let request =
            request
                .body(Empty::<Bytes>::new())
                .map_err(|error| TransportError::Setup {
                    url: self.shown.clone(),
                    message: error.to_string(),
                })?;
        let response = sender.send_request(request).await.map_err(broken)?;
        match response.status() {
            status if status.is_success() => {
                let upgraded = hyper::upgrade::on(response).await.map_err(broken)?;
                Ok(Box::new(TokioIo::new(upgraded)))
            }
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(TransportError::ProxySignIn),
            status => Err(self.failed(format!(
                "{named} refuses a tunnel to `{target}` with status {}",
                status.as_u16()
            ))),
        }
    }

    async fn secure(&self, stream: Box<dyn Stream>) -> Result<Link, TransportError> {
        match &self.tls {
            None => Ok(Link { stream, tls: None }),
            Some(settings) => self.agree(stream, settings, &self.host).await,
        }
    }

    async fn agree(
        &self,
        stream: Box<dyn Stream>,
        settings: &Arc<ClientConfig>,
        host: &str,
    ) -> Result<Link, TransportError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| self.failed(error.to_string()))?;
        let stream = TlsConnector::from(Arc::clone(settings))
            .connect(name, stream)
            .await
            .map_err(|error| self.refused(&error))?;
        let session = stream.get_ref().1;
        let peer = session.peer_certificates().and_then(<[_]>::first);
        let secured = Secured {
            version: session
                .protocol_version()
                .map(|version| format!("{version:?}").replace("TLSv1_", "TLS 1."))
                .unwrap_or_default(),
            certificate: peer.and_then(|peer| Certificate::read(peer)),
            end_point: peer
                .map(|peer| certificate::end_point(peer))
                .unwrap_or_default(),
        };
        Ok(Link {
            stream: Box::new(stream),
            tls: Some(secured),
        })
    }

    fn refused(&self, error: &io::Error) -> TransportError {
        match tls::untrusted(error) {
            Some(untrusted) => TransportError::Untrusted {
                url: self.shown.clone(),
                untrusted: Box::new(untrusted),
            },
            None => self.failed(format!("TLS: {}", cause(error))),
        }
    }
}
