//! Requests over the connections of reqwest, any connection for any request: no sign-in, Basic, a bearer token.
//!
//! I/O: HTTP and HTTPS.

#![expect(clippy::disallowed_methods, reason = "talks to the server")]

use std::error::Error as _;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::ExposeSecret as _;
use url::Url;

use super::super::request::{Protocol, Request};
use super::super::transport_error::TransportError;
use super::{Auth, cause, is_loopback};

/// What a request is told apart by on its way, the same on both ways.
pub(super) const USER_AGENT: &str = concat!("sitewright/", env!("CARGO_PKG_VERSION"));

/// Says what our log calls a request, for logs on the way and at the other end.
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// How long, and how many.
pub(super) struct Limits {
    pub(super) connect_timeout: Duration,
    pub(super) answer_timeout: Duration,
    pub(super) concurrency: usize,
}

/// The client of reqwest, and what it signs in with.
pub(super) struct Pooled {
    client: reqwest::Client,
    auth: Auth,
}

impl Pooled {
    pub(super) fn new(
        url: &Url,
        auth: Auth,
        mut settings: ClientConfig,
        limits: &Limits,
    ) -> Result<Self, TransportError> {
        settings.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(settings)
            .connect_timeout(limits.connect_timeout)
            .read_timeout(limits.answer_timeout)
            .pool_max_idle_per_host(limits.concurrency.max(1))
            .tcp_nodelay(true)
            .gzip(true);
        if is_loopback(url) {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| TransportError::Setup {
            url: super::shown(url),
            message: error.source().map_or_else(|| error.to_string(), cause),
        })?;
        Ok(Self { client, auth })
    }

    pub(super) async fn send(
        &self,
        url: &str,
        request: Request,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let mut builder = match request.protocol {
            Protocol::Get => self.client.get(url),
            Protocol::Soap | Protocol::Form => self.client.post(url),
        };
        if let Some(content_type) = request.content_type() {
            builder = builder.header(http::header::CONTENT_TYPE, content_type);
        }
        builder = builder.header(REQUEST_ID, &request.id);
        if let Some(action) = &request.soap_action {
            builder = builder.header("SOAPAction", action);
        }
        builder = match &self.auth {
            Auth::Basic { username, password } => {
                builder.basic_auth(username, Some(password.expose_secret()))
            }
            Auth::Bearer { token } => builder.bearer_auth(token.expose_secret()),
            Auth::None | Auth::Windows(_) => builder,
        };
        if request.protocol != Protocol::Get {
            builder = builder.body(request.body);
        }
        builder.send().await
    }
}
