//! The way to a platform, and how it is opened anew once its sign-in was refused.
//!
//! I/O, through what it is given. A way that was opened keeps what it signs in with; who mends a password mends it where
//! it is kept, so that it is read again there: before each try that follows a refusal, and meanwhile to see whether it is
//! another one by now. Nothing is sent for that.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret as _, SecretSlice};

use super::report::Trouble;
use crate::smp::Reader;

/// What signs in, to be told from another; it is shown nowhere.
#[derive(Debug)]
pub struct Proof(SecretSlice<u8>);

impl Proof {
    /// Of everything that signs in, whatever it is made of.
    #[must_use]
    pub fn new(parts: Vec<u8>) -> Self {
        Self(parts.into())
    }
}

/// Of whoever signs in with nothing.
impl Default for Proof {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl PartialEq for Proof {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// Opens a way to a platform with what signs in as it is now; nothing is sent.
pub type Open = dyn Fn() -> Result<(Reader, Proof), Trouble> + Send + Sync;

/// The way to a platform for what changes nothing, shared by all who look at it over the same configuration of it.
#[derive(Debug)]
pub struct Way(Mutex<Opened>);

#[derive(Debug)]
struct Opened {
    reader: Reader,
    /// What it signs in with.
    proof: Proof,
    /// Whether that was refused.
    refused: bool,
}

impl Way {
    /// A way that was opened.
    #[must_use]
    pub fn new(reader: Reader, proof: Proof) -> Self {
        Self(Mutex::new(Opened {
            reader,
            proof,
            refused: false,
        }))
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        // Nothing that holds it can leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an attempt reads by: opened anew where the sign-in was refused the last time.
    pub(super) fn enter(&self, open: &Open) -> Result<Reader, Trouble> {
        if self.opened().refused {
            let (reader, proof) = open()?;
            let mut opened = self.opened();
            (opened.reader, opened.proof) = (reader, proof);
        }
        Ok(self.opened().reader.clone())
    }

    /// Takes note of whether an attempt was let in.
    pub(super) fn learn(&self, refused: bool) {
        self.opened().refused = refused;
    }

    /// Whether what would sign in now is another than what was refused. It is asked once: from here on, that is compared
    /// with.
    pub(super) fn is_another(&self, open: &Open) -> Result<bool, Trouble> {
        let (reader, proof) = open()?;
        let mut opened = self.opened();
        let another = opened.proof != proof;
        if another {
            (opened.reader, opened.proof) = (reader, proof);
        }
        Ok(another)
    }
}
