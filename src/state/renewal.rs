//! Keeping the lease of a store on the network: renewed at a third of its time, on a thread of its own.
//!
//! I/O: a thread. The program runs on one thread, which a question to a person, a long calculation or a full pipe stops
//! for as long as they like. So whoever keeps a lease has a thread, a runtime and a connection of its own, and nothing
//! that the program waits for or works on keeps the lease from being renewed; the thread ends with the process, and so
//! does the lease.
//!
//! The end of a lease counts from before the request that renewed it: nobody believes to hold it for longer than the
//! store does.

#![expect(clippy::disallowed_methods, reason = "renews in time")]

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::lock::{Lease, Until};

/// What a lease is called in its store, as long as this process holds one.
#[derive(Debug, Clone, Default)]
pub(super) struct Token(Arc<Mutex<Option<String>>>);

impl Token {
    pub(super) fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, token: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }
}

/// A lease as its store keeps it. Whoever asks may stop waiting for either of these, and ask again.
pub(super) trait Renewable: Send + 'static {
    /// Moves its end on, to a whole lease from now.
    async fn renew(&mut self) -> Result<Renewal, Box<dyn Error>>;

    /// Ends it, if it is still ours.
    async fn give_back(&mut self) -> Result<(), Box<dyn Error>>;
}

/// What came of renewing a lease.
#[derive(Debug)]
pub(super) enum Renewal {
    /// It is ours for another while.
    Ours,
    /// It is not ours any more, and why.
    Lost(String),
}

/// A lease that is renewed until this is released or dropped.
#[derive(Debug)]
pub(super) struct Renewed {
    token: Token,
    release: Option<oneshot::Sender<oneshot::Sender<()>>>,
}

impl Renewed {
    /// Begins to renew a lease that lasts for `length` and was taken by a request sent at `asked`. What it is called is
    /// known by `held` from now on.
    pub(super) fn begin(
        lease: impl Renewable,
        length: Duration,
        asked: Instant,
        token: String,
        held: &Token,
    ) -> io::Result<(Self, Lease)> {
        let (until, known) = watch::channel(Until {
            deadline: asked + length,
            lost: None,
        });
        let (release, released) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || runtime.block_on(keep(lease, length, &until, released)))?;
        held.set(Some(token));
        let renewed = Self {
            token: held.clone(),
            release: Some(release),
        };
        Ok((renewed, Lease::renewed(known)))
    }

    /// Gives the lease back, if it is still ours.
    pub(super) async fn release(mut self) {
        let (done, told) = oneshot::channel();
        if let Some(release) = self.release.take()
            && release.send(done).is_ok()
        {
            // The thread may have ended; then the lease runs out.
            let _ = told.await;
        }
    }
}

impl Drop for Renewed {
    fn drop(&mut self) {
        self.token.set(None);
    }
}

/// Renews until told to release, or until nobody is there to tell.
async fn keep(
    mut lease: impl Renewable,
    length: Duration,
    until: &watch::Sender<Until>,
    mut released: oneshot::Receiver<oneshot::Sender<()>>,
) {
    let told = tokio::select! {
        told = &mut released => told,
        // A renewal under way is given up: whoever gives the lease back looks what became of it.
        never = renewals(&mut lease, length, until) => match never {},
    };
    let Ok(done) = told else { return };
    if let Err(error) = lease.give_back().await {
        tracing::warn!(
            error,
            "the lock of the state was not given back; it is free once its lease has run out"
        );
    }
    // Nobody waits any more where the program ends.
    let _ = done.send(());
}

/// Renews a lease again and again, and tells until when it holds.
async fn renewals(
    lease: &mut impl Renewable,
    length: Duration,
    until: &watch::Sender<Until>,
) -> Infallible {
    let mut next = until.borrow().deadline - length + length / 3;
    loop {
        tokio::time::sleep_until(next).await;
        let asked = Instant::now();
        match tokio::time::timeout(length / 3, lease.renew()).await {
            Ok(Ok(Renewal::Ours)) => {
                until.send_modify(|until| until.deadline = asked + length);
                next = asked + length / 3;
                continue;
            }
            Ok(Ok(Renewal::Lost(why))) => {
                tracing::warn!(why, "the lease of the state is lost");
                until.send_modify(|until| until.lost = Some(why));
                // It is nobody's to renew any more; what is left is to be told to release it.
                std::future::pending::<()>().await;
            }
            // Until its time is over it may still be renewed, and after that as long as nobody took it over.
            Ok(Err(error)) => {
                tracing::warn!(error, "the lease of the state could not be renewed");
            }
            Err(_) => tracing::warn!("the lease of the state could not be renewed in time"),
        }
        next = Instant::now() + length / 30;
    }
}
