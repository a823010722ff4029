//! Pieces of a body as a blocking reader, so that one parser serves small answers and those that still arrive.
//!
//! Pure but for waiting: with `more` it blocks, so it belongs on a thread of its own.

use std::io::{BufRead, Read};

use bytes::{Buf as _, Bytes};
use tokio::sync::mpsc;

/// Pieces of a body as a reader: those at hand, then those that still arrive.
pub(super) struct Chunks {
    pub(super) ready: std::collections::VecDeque<Bytes>,
    pub(super) more: Option<mpsc::Receiver<std::io::Result<Bytes>>>,
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(into.len());
        into[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        loop {
            while self.ready.front().is_some_and(Bytes::is_empty) {
                self.ready.pop_front();
            }
            if !self.ready.is_empty() {
                break;
            }
            match self.more.as_mut().and_then(mpsc::Receiver::blocking_recv) {
                Some(Ok(chunk)) => self.ready.push_back(chunk),
                Some(Err(error)) => return Err(error),
                None => return Ok(&[]),
            }
        }
        Ok(self.ready.front().map_or(&[], |chunk| &chunk[..]))
    }

    fn consume(&mut self, length: usize) {
        if let Some(chunk) = self.ready.front_mut() {
            chunk.advance(length);
        }
    }
}
