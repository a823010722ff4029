//! How an answer travels: compressed, in chunks, with a clock that is wrong, or cut off on the way.
//!
//! I/O only through the answer at hand; reads the clock for the date. A body that fails makes the HTTP library close the
//! connection at once, which is how a reset looks to a client.

use std::collections::VecDeque;
use std::io::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Bytes, Frame, SizeHint};
use jiff::{Timestamp, ToSpan as _};

use crate::wire::encode::Answer;

/// How far ahead the clock of a server with the quirk is, in minutes.
const AHEAD: i64 = 7;

/// How many bytes a chunk has: an odd number, so that it ends in the middle of whatever there is.
const CHUNK: usize = 61;

/// How the answers of a server travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Compressed, small ones too, whether or not the caller takes it.
    pub gzip: bool,
    /// In chunks of a few bytes, without a length.
    pub chunked: bool,
    /// With a date that is to come.
    pub clock_ahead: bool,
}

/// What becomes of the connection of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of it arrives.
    Arrives,
    /// It breaks in the middle of the body.
    BreaksInTheMiddle,
    /// It breaks before anything was sent.
    BreaksAtOnce,
}

impl Delivery {
    /// Makes the response of an answer.
    pub(super) fn response(self, answer: Answer, fate: Fate) -> Response {
        let Answer {
            status,
            content_type,
            mut body,
        } = answer;
        let compressed = self.gzip && !body.is_empty();
        if compressed {
            body = gzip(&body);
        }
        let mut response = Response::new(self.body(body, fate));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        if let Some(kind) = content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if self.clock_ahead
            && let Some(date) = date()
        {
            headers.insert(header::DATE, date);
        }
        response
    }

    fn body(self, bytes: Vec<u8>, fate: Fate) -> Body {
        let length = bytes.len();
        if fate == Fate::Arrives && !self.chunked {
            return Body::from(bytes);
        }
        let mut bytes = Bytes::from(bytes);
        match fate {
            Fate::Arrives => {}
            Fate::BreaksInTheMiddle => bytes.truncate(length / 2),
            Fate::BreaksAtOnce => bytes.clear(),
        }
        let mut waiting = VecDeque::new();
        while !bytes.is_empty() {
            let piece = if self.chunked {
                bytes.split_to(CHUNK.min(bytes.len()))
            } else {
                bytes.split_to(bytes.len())
            };
            waiting.push_back(piece);
        }
        Body::new(Pieces {
            waiting,
            breaks: fate != Fate::Arrives,
            length: (!self.chunked).then(|| u64::try_from(length).unwrap_or(u64::MAX)),
        })
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the Date of an answer is the clock of the host, not the world's"
)]
fn date() -> Option<HeaderValue> {
    let ahead = Timestamp::now().checked_add(AHEAD.minutes()).ok()?;
    let text = jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&ahead)
        .ok()?;
    HeaderValue::from_str(&text).ok()
}

/// A body in pieces, that may break after the last one.
struct Pieces {
    waiting: VecDeque<Bytes>,
    breaks: bool,
    /// The length that was promised.
    length: Option<u64>,
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let next = match self.waiting.pop_front() {
            Some(piece) => Some(Ok(Frame::data(piece))),
            None if std::mem::take(&mut self.breaks) => Some(Err(std::io::Error::new(
                std::io::ErrorKind::ConnectionReset,
                "the connection is cut",
            ))),
            None => None,
        };
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.waiting.is_empty() && !self.breaks
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
