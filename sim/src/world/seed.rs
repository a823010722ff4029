//! The seed: where everything comes from that no public document says about an SMP.
//!
//! Pure. A GUID or a choice is a hash of (seed, kind, name, round), so a world does not depend on the order in which
//! its objects were made. `round` counts how often an object of that kind and name existed before.

use super::guid::Guid;
use sha2::{Digest, Sha256};

/// A seed from which GUIDs and choices are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    fn digest(self, kind: &str, name: &str, round: u64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0.to_be_bytes());
        hash.update(kind.as_bytes());
        hash.update([0]);
        hash.update(name.to_lowercase().as_bytes());
        hash.update([0]);
        hash.update(round.to_be_bytes());
        hash.finalize().into()
    }

    /// Draws the GUID of the object of this kind and name.
    #[must_use]
    pub fn guid(self, kind: &str, name: &str, round: u64) -> Guid {
        let digest = self.digest(kind, name, round);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Guid::from_bytes(bytes)
    }

    /// Draws a number for this kind and name.
    #[must_use]
    pub fn number(self, kind: &str, name: &str, round: u64) -> u64 {
        let digest = self.digest(kind, name, round);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[..8]);
        u64::from_be_bytes(bytes)
    }

    /// Draws one of several things; `options` must not be empty.
    #[must_use]
    pub fn choose<T: Copy>(self, kind: &str, name: &str, options: &[T]) -> T {
        let count = u64::try_from(options.len()).unwrap_or(1).max(1);
        let index = usize::try_from(self.number(kind, name, 0) % count).unwrap_or(0);
        options[index]
    }

    /// Draws yes or no.
    #[must_use]
    pub fn flip(self, kind: &str, name: &str) -> bool {
        self.number(kind, name, 0).is_multiple_of(2)
    }
}
