//! The few requests to a running simulator's administrator paths.
//!
//! I/O: HTTP to the address that was given. Blocking, since the command line runs outside of an asynchronous runtime.

use std::path::Path;
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::{Certificate, Method};

/// Why a running simulator did not answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not of the form `http://HOST:PORT`.
    #[error(
        "expected an address such as http://127.0.0.1:8089 or https://127.0.0.1:8089, found `{0}`"
    )]
    Address(String),
    /// The CA cannot be read.
    #[error("cannot read the CA in `{path}`")]
    AuthorityFile {
        /// Its path.
        path: String,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The CA is none.
    #[error("expected a CA certificate in PEM in `{path}`")]
    Authority {
        /// Its path.
        path: String,
    },
    /// There is no connection, or it broke.
    #[error("cannot talk to `{address}`; one with --tls also needs --ca FILE")]
    Connection {
        /// The address.
        address: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// It answered with an error.
    #[error("it answered {status}: {text}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// What it said.
        text: String,
    },
}

/// A running simulator.
pub(super) struct Remote {
    base: String,
    /// Whom to trust, and in which file that stood.
    authority: Option<(Vec<u8>, String)>,
}

impl Remote {
    /// Takes an address and the file of its CA.
    pub(super) fn new(url: &str, authority: Option<&Path>) -> Result<Self, HttpError> {
        let base = url.trim_end_matches('/');
        let known = base.starts_with("http://") || base.starts_with("https://");
        if !known || base.matches('/').count() != 2 {
            return Err(HttpError::Address(url.to_owned()));
        }
        let authority = authority
            .map(|path| {
                let shown = path.display().to_string();
                match std::fs::read(path) {
                    Ok(pem) => Ok((pem, shown)),
                    Err(source) => Err(HttpError::AuthorityFile {
                        path: shown,
                        source,
                    }),
                }
            })
            .transpose()?;
        Ok(Self {
            base: base.to_owned(),
            authority,
        })
    }

    /// Reads one of the administrator's paths.
    pub(super) fn get(&self, path: &str) -> Result<String, HttpError> {
        self.call(Method::GET, path, String::new())
    }

    /// Acts on one of the administrator's paths.
    pub(super) fn post(&self, path: &str, body: &str) -> Result<String, HttpError> {
        self.call(Method::POST, path, body.to_owned())
    }

    fn call(&self, method: Method, path: &str, body: String) -> Result<String, HttpError> {
        let failed = |source: reqwest::Error| HttpError::Connection {
            address: self.base.clone(),
            source: source.without_url(),
        };
        // The simulator stands on this machine: no proxy leads to it. A large world takes its time.
        let mut builder = Client::builder().no_proxy().timeout(Duration::from_mins(5));
        if let Some((pem, path)) = &self.authority {
            let certificates = Certificate::from_pem_bundle(pem)
                .ok()
                .filter(|all| !all.is_empty())
                .ok_or_else(|| HttpError::Authority { path: path.clone() })?;
            builder = builder.tls_certs_only(certificates);
        }
        let answer = builder
            .build()
            .and_then(|client| {
                client
                    .request(method, format!("{}/sim/{path}", self.base))
                    .header("Content-Type", "application/json")
                    .body(body)
                    .send()
            })
            .map_err(failed)?;
        let status = answer.status();
        let text = answer.text().map_err(failed)?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(HttpError::Answer {
                status: status.as_u16(),
                text,
            })
        }
    }
}
