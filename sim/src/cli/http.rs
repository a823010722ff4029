//! The few requests to a running simulator's administrator paths.
//!
//! I/O: HTTP to the address that was given. Blocking, since the command line runs outside of an asynchronous runtime.

use std::time::Duration;

use reqwest::Method;
use reqwest::blocking::Client;

/// Why a running simulator did not answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not of the form `http://HOST:PORT`.
    #[error("expected an address such as http://127.0.0.1:8089, found `{0}`")]
    Address(String),
    /// There is no connection, or it broke.
    #[error("cannot talk to `{address}`")]
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

/// Reads one of the administrator's paths.
pub(super) fn get(url: &str, path: &str) -> Result<String, HttpError> {
    call(Method::GET, url, path, String::new())
}

/// Acts on one of the administrator's paths.
pub(super) fn post(url: &str, path: &str, body: &str) -> Result<String, HttpError> {
    call(Method::POST, url, path, body.to_owned())
}

fn call(method: Method, url: &str, path: &str, body: String) -> Result<String, HttpError> {
    let base = url.trim_end_matches('/');
    if !base.starts_with("http://") || base.matches('/').count() != 2 {
        return Err(HttpError::Address(url.to_owned()));
    }
    let failed = |source: reqwest::Error| HttpError::Connection {
        address: base.to_owned(),
        source: source.without_url(),
    };
    // The simulator stands on this machine: no proxy leads to it. A large world takes its time.
    let answer = Client::builder()
        .no_proxy()
        .timeout(Duration::from_mins(5))
        .build()
        .and_then(|client| {
            client
                .request(method, format!("{base}/sim/{path}"))
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
