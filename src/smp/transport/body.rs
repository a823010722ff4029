//! Bodies that arrive piece by piece, whichever way they were sent: unpacked, counted, limited, never waited for too long.
//!
//! I/O: reads from the connection. A held connection goes back to its pool once its body is read to the end.

#![expect(clippy::disallowed_methods, reason = "waits for the server")]

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::io::{ReaderStream, StreamReader};

use super::super::transport_error::TransportError;
use super::held::Lease;
use super::{Transport, cause};

/// Of an error page no more than this is read.
const ERROR_BODY: usize = 256 * 1024;
/// In pieces of this size a packed body is unpacked.
const UNPACKED: usize = 64 * 1024;

/// An answer: status and body.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status; 401, 407 and redirects are errors already.
    pub status: u16,
    /// When the server says it is, to the second.
    pub date: Option<jiff::Timestamp>,
    /// The body.
    pub body: Body,
}

/// A body that arrives piece by piece, unpacked, counted and limited.
pub struct Body {
    pub(super) transport: Transport,
    pub(super) url: String,
    pub(super) source: Source,
    pub(super) received: u64,
    pub(super) _slot: OwnedSemaphorePermit,
}

/// Where the pieces come from.
pub(super) enum Source {
    Pooled(reqwest::Response),
    Held(Held),
}

/// The body of an answer on a held connection.
pub(super) struct Held {
    pieces: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>,
    timeout: Duration,
    /// The connection, until the body is read; dropped earlier, it is closed.
    lease: Option<Lease>,
}

impl Held {
    pub(super) fn new(body: Incoming, packed: bool, timeout: Duration, lease: Lease) -> Self {
        let raw = body.into_data_stream().map_err(io::Error::other);
        let pieces: Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>> = if packed {
            let mut decoder = GzipDecoder::new(StreamReader::new(raw));
            decoder.multiple_members(true);
            Box::pin(ReaderStream::with_capacity(decoder, UNPACKED))
        } else {
            Box::pin(raw)
        };
        Self {
            pieces,
            timeout,
            lease: Some(lease),
        }
    }

    async fn chunk(&mut self, url: &str) -> Result<Option<Bytes>, TransportError> {
        match tokio::time::timeout(self.timeout, self.pieces.next()).await {
            Err(_) => Err(TransportError::Timeout {
                url: url.to_owned(),
                after: self.timeout,
            }),
            Ok(None) => {
                if let Some(lease) = self.lease.take() {
                    lease.give_back();
                }
                Ok(None)
            }
            Ok(Some(Ok(piece))) => Ok(Some(piece)),
            Ok(Some(Err(error))) => Err(TransportError::Broken {
                url: url.to_owned(),
                message: cause(&error),
            }),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("url", &self.url)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

impl Body {
    /// The next piece; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        let chunk = match &mut self.source {
            Source::Pooled(response) => match response.chunk().await {
                Ok(chunk) => chunk,
                Err(error) => return Err(self.transport.failed(&self.url, &error)),
            },
            Source::Held(held) => held.chunk(&self.url).await?,
        };
        if let Some(chunk) = &chunk {
            let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
            self.received = self.received.saturating_add(length);
            self.transport.0.bytes.fetch_add(length, Ordering::Relaxed);
            let limit = self.transport.0.answer_limit;
            if self.received > limit {
                return Err(TransportError::TooLarge { limit });
            }
        }
        Ok(chunk)
    }

    /// The whole body.
    pub async fn bytes(mut self) -> Result<Vec<u8>, TransportError> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }

    /// As much of an error page as helps; an error in it is no news.
    pub(crate) async fn beginning(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < ERROR_BODY {
            match self.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
        bytes
    }
}
