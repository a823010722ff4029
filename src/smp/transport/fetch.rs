//! Reads: sent again where that may help, parsed while they arrive.
//!
//! I/O: through the transport; waits between tries. A large answer is parsed on a thread of its own.

#![expect(clippy::disallowed_methods, reason = "waits between tries")]

use std::io::BufRead;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::super::chunks::Chunks;
use super::super::fault::Fault;
use super::super::read_error::ReadError;
use super::super::request::Request;
use super::super::xml::AnswerError;
use super::Transport;

/// Bodies up to this size are parsed where they are received; larger ones on a thread of their own.
const INLINE: usize = 256 * 1024;
/// How often a read is tried again.
const RETRIES: u32 = 3;

impl Transport {
    /// Sends a read and parses its answer while it arrives; tries again where that may help.
    pub(crate) async fn fetch<T, P>(&self, request: &Request, parse: P) -> Result<T, ReadError>
    where
        T: Send + 'static,
        P: Fn(&mut dyn BufRead) -> Result<T, AnswerError> + Clone + Send + 'static,
    {
        let mut attempt = 0;
        loop {
            let error = match self.fetch_once(request.clone(), parse.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if !error.transient() || attempt >= RETRIES {
                return Err(error);
            }
            attempt += 1;
            let Some(delay) = self.pause_before(attempt) else {
                return Err(error);
            };
            tracing::debug!(%error, milliseconds = delay.as_millis(), "trying again");
            tokio::time::sleep(delay).await;
        }
    }

    async fn fetch_once<T, P>(&self, request: Request, parse: P) -> Result<T, ReadError>
    where
        T: Send + 'static,
        P: Fn(&mut dyn BufRead) -> Result<T, AnswerError> + Send + 'static,
    {
        let mut response = self.send(request).await?;
        if response.status != 200 {
            let body = response.body.beginning().await;
            return Err(Fault::read(response.status, &body).into());
        }
        let mut chunks = std::collections::VecDeque::new();
        let mut size = 0;
        loop {
            match response.body.chunk().await? {
                None => {
                    let parsed = parse(&mut Chunks {
                        ready: chunks.clone(),
                        more: None,
                    });
                    return parsed.map_err(|error| explain(error, chunks.iter()));
                }
                Some(chunk) => {
                    size += chunk.len();
                    chunks.push_back(chunk);
                }
            }
            if size > INLINE {
                break;
            }
        }
        let (sender, receiver) = mpsc::channel(16);
        let parser = tokio::task::spawn_blocking(move || {
            parse(&mut Chunks {
                ready: chunks,
                more: Some(receiver),
            })
        });
        let mut broken = None;
        loop {
            match response.body.chunk().await {
                Ok(Some(chunk)) => {
                    // The parser hangs up as soon as it knows that the answer is wrong.
                    if sender.send(Ok(chunk)).await.is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let _ = sender
                        .send(Err(std::io::Error::other(error.to_string())))
                        .await;
                    broken = Some(error);
                    break;
                }
            }
        }
        drop(sender);
        let parsed = parser
            .await
            .map_err(|error| ReadError::Answer(AnswerError::Body(error.to_string())))?;
        match broken {
            Some(error) => Err(error.into()),
            None => parsed.map_err(ReadError::Answer),
        }
    }
}

/// A small answer with status 200 that is not understood may be a fault after all.
fn explain<'a>(error: AnswerError, chunks: impl Iterator<Item = &'a Bytes>) -> ReadError {
    let body: Vec<u8> = chunks.flat_map(|chunk| chunk.iter().copied()).collect();
    let fault = Fault::read(200, &body);
    if fault.exception.is_some() && matches!(error, AnswerError::Shape { .. }) {
        fault.into()
    } else {
        error.into()
    }
}
