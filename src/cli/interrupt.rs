//! Ctrl-C and SIGTERM: the first ends a run after what is under way, the second at once.
//!
//! I/O: signals of the operating system.

#![expect(clippy::print_stderr, reason = "says what the signal will do")]

use tokio_util::sync::CancellationToken;

/// Waits for signals: the first cancels `softly`, the second `at_once`, and a third, should even that hang, ends the
/// process where it stands.
pub(super) async fn interrupted(softly: CancellationToken, at_once: CancellationToken) {
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    // First, so that nothing is begun any more once that is said.
    softly.cancel();
    eprintln!("stopping after what is under way; press Ctrl-C again to stop at once");
    signals.next().await;
    at_once.cancel();
    signals.next().await;
    std::process::exit(STOPPED);
}

/// The same where nothing is left to be done once it is to stop at once.
pub(super) async fn interrupted_or_gone(softly: CancellationToken) {
    let at_once = CancellationToken::new();
    tokio::select! {
        () = interrupted(softly, at_once.clone()) => {}
        () = at_once.cancelled() => std::process::exit(STOPPED),
    }
}

/// The exit code of a process that stopped at once, as a shell gives it for Ctrl-C.
pub(super) const STOPPED: i32 = 130;

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
