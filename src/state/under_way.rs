//! Writes to a store that were begun are run to their end, whoever stops waiting for them.
//!
//! I/O: a task each. Whoever waits for a write may be dropped at any moment: a second Ctrl-C drops the whole run. A write
//! that was dropped half-way would leave it open what the store holds, and one that is still on its way when the lock is
//! given back could come in between somebody else's. So a write is a task of its own, and the lock waits for it.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::RwLock;
use tokio::task::JoinError;

/// The writes to a store that are under way.
#[derive(Debug, Clone, Default)]
pub(super) struct UnderWay(Arc<RwLock<()>>);

impl UnderWay {
    /// Runs a write to its end. Where this is dropped nothing was begun, or it goes on by itself.
    ///
    /// # Errors
    /// Where the write panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        write: BoxFuture<'static, T>,
    ) -> Result<T, JoinError> {
        let counted = Arc::clone(&self.0).read_owned().await;
        tokio::spawn(async move {
            let done = write.await;
            drop(counted);
            done
        })
        .await
    }

    /// Waits until none is under way.
    pub(super) async fn ended(&self) {
        drop(self.0.write().await);
    }
}
