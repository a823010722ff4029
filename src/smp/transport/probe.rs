//! One connection, step by step: what each step found, for `platform check`.
//!
//! I/O: opens a connection of its own for name, TCP and TLS, then asks for one service description as every request is
//! asked. Nothing is changed on the server. A step that is not reached is `None`; after a failure nothing further is.

#![expect(
    clippy::disallowed_methods,
    reason = "measures how long the steps take, and compares clocks"
)]

use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::super::request::Request;
use super::super::transport_error::TransportError;
use super::Transport;
use super::certificate::Certificate;
use crate::profile::ServiceName;

/// What the steps of one connection found.
#[derive(Debug)]
pub struct Probe {
    /// The host of the URL.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The proxy of the environment that lies before it, as `host:port`; the addresses are then the proxy's.
    pub proxy: Option<String>,
    /// The addresses that the name resolves to.
    pub addresses: Result<Vec<IpAddr>, TransportError>,
    /// How long it took to connect.
    pub connected: Option<Result<Duration, TransportError>>,
    /// What TLS agreed on; `None` over plain HTTP.
    pub tls: Option<Result<TlsSeen, TransportError>>,
    /// How the sign-in is configured: `none`, `Basic`, `Negotiate` …
    pub method: &'static str,
    /// What came of sign-in and request.
    pub answered: Option<Result<Answered, TransportError>>,
}

/// What TLS agreed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSeen {
    /// Such as `TLS 1.3`.
    pub version: String,
    /// What the server's certificate says, where it can be read.
    pub certificate: Option<Certificate>,
    /// How long it took to agree.
    pub took: Duration,
}

/// An answer to a request that was signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// By which way the sign-in was made: `Kerberos`, `NTLM`, `Basic`, `Bearer`; `None` without one.
    pub signed_in_by: Option<&'static str>,
    /// The HTTP status: 403, 404 and 500 are answers, too.
    pub status: u16,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// How far the server's clock is ahead of ours, to the second; negative where it is behind.
    pub clock_ahead: Option<jiff::SignedDuration>,
    /// How long the first request took, sign-in included.
    pub first: Duration,
    /// How long a second request took on the connection that was signed in.
    pub latency: Option<Duration>,
}

impl Transport {
    /// Goes the way to the server step by step and says what each found.
    pub async fn probe(&self) -> Probe {
        let route = &self.0.route;
        let mut probe = Probe {
            host: route.host().to_owned(),
            port: route.port(),
            proxy: route.proxy(),
            addresses: route.resolve().await,
            connected: None,
            tls: None,
            method: self.0.method,
            answered: None,
        };
        let Ok(addresses) = &probe.addresses else {
            return probe;
        };
        let begun = Instant::now();
        let stream = match route.connect(addresses).await {
            Ok(stream) => {
                probe.connected = Some(Ok(begun.elapsed()));
                stream
            }
            Err(error) => {
                probe.connected = Some(Err(error));
                return probe;
            }
        };
        if route.is_tls() {
            let begun = Instant::now();
            let seen = route.handshake(stream).await.map(|link| TlsSeen {
                version: link
                    .tls
                    .as_ref()
                    .map(|tls| tls.version.clone())
                    .unwrap_or_default(),
                certificate: link.tls.and_then(|tls| tls.certificate),
                took: begun.elapsed(),
            });
            let failed = seen.is_err();
            probe.tls = Some(seen);
            if failed {
                return probe;
            }
        }
        probe.answered = Some(self.ask().await);
        probe
    }

    async fn ask(&self) -> Result<Answered, TransportError> {
        let request = || Request::wsdl(ServiceName::ItemManagement);
        let begun = Instant::now();
        let before = jiff::Timestamp::now();
        let mut response = self.send(request()).await?;
        let first = begun.elapsed();
        // The server's clock was read somewhere between; the middle is the best guess.
        let middle = before + jiff::SignedDuration::try_from(first / 2).unwrap_or_default();
        let clock_ahead = response
            .date
            .map(|date| jiff::SignedDuration::from_secs(date.as_second() - middle.as_second()));
        let status = response.status;
        let body = response.body.beginning().await;
        drop(response);
        let begun = Instant::now();
        let latency = match self.send(request()).await {
            Ok(mut response) => {
                let took = begun.elapsed();
                response.body.beginning().await;
                Some(took)
            }
            Err(_) => None,
        };
        Ok(Answered {
            signed_in_by: self.signed_in_by(),
            status,
            body,
            clock_ahead,
            first,
            latency,
        })
    }
}
