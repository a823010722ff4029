//! The few requests to a running simulator's administrator paths: plain HTTP/1.1, a connection each.
//!
//! I/O: loopback TCP. Written out, because the command line may run inside or outside of an asynchronous runtime.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

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
        /// What the system says.
        #[source]
        source: std::io::Error,
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
    call("GET", url, path, "")
}

/// Acts on one of the administrator's paths.
pub(super) fn post(url: &str, path: &str, body: &str) -> Result<String, HttpError> {
    call("POST", url, path, body)
}

fn call(method: &str, url: &str, path: &str, body: &str) -> Result<String, HttpError> {
    let host = url
        .strip_prefix("http://")
        .map(|rest| rest.trim_end_matches('/'))
        .filter(|rest| !rest.is_empty() && !rest.contains('/'))
        .ok_or_else(|| HttpError::Address(url.to_owned()))?;
    let address = if host.contains(':') {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let failed = |source| HttpError::Connection {
        address: address.clone(),
        source,
    };
    let mut stream = TcpStream::connect(&address).map_err(failed)?;
    stream
        .set_read_timeout(Some(Duration::from_mins(5)))
        .map_err(failed)?;
    let request = format!(
        "{method} /sim/{path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, text) = answer
        .split_once("\r\n\r\n")
        .unwrap_or((answer.as_str(), ""));
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .unwrap_or(0);
    if status == 200 {
        Ok(text.to_owned())
    } else {
        Err(HttpError::Answer {
            status,
            text: text.to_owned(),
        })
    }
}
