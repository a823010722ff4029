//! The content of a state file: [`State`] ⇄ bytes.
//!
//! Pure. The same state gives the same bytes. The checksum is the SHA-256, in hexadecimal, of those bytes with
//! `"checksum": ""`; it finds damage, it keeps nobody from changing the file on purpose.

use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Head, sha256};
use crate::model::{Ownership, Platform};

/// What is remembered about one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct State {
    /// The version of the format, [`State::FORMAT_VERSION`].
    pub format_version: u32,
    /// Which SMP it is about.
    pub platform: Platform,
    /// Told apart by it are states that do not go back to the same first one.
    pub lineage: String,
    /// Goes up by one each time the state is saved.
    pub serial: u64,
    /// The number of the last journal record that `ownership` holds.
    pub journal_sequence: u64,
    /// The digest of that record, which the next one follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_digest: Option<String>,
    /// What is ours, and what people attested.
    pub ownership: Ownership,
    /// The SHA-256 of the file with an empty checksum; set when the state is saved.
    pub checksum: String,
}

/// Why bytes are no state.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// There is nothing in it, or nothing but blanks and zeros.
    #[error("expected a state, found an empty file")]
    Empty,
    /// It is no JSON, or not of the right shape.
    #[error("expected a state in JSON")]
    Shape(#[from] serde_json::Error),
    /// The checksum is another one.
    #[error("expected the checksum {expected}, found {found}")]
    Checksum {
        /// That of the content.
        expected: String,
        /// That in the file.
        found: String,
    },
    /// It is the note that the state was moved to another store.
    #[error("expected a state, found a note that it was moved to `{to}`")]
    Moved {
        /// Where it is.
        to: String,
        /// How a workspace declares that.
        declare: Option<String>,
    },
    /// A newer program wrote it.
    #[error(
        "expected formatVersion {} or older, found {found}",
        State::FORMAT_VERSION
    )]
    Newer {
        /// The version found.
        found: u32,
    },
    /// No program ever wrote this version.
    #[error("expected formatVersion {}, found {found}", State::FORMAT_VERSION)]
    Unknown {
        /// The version found.
        found: u32,
    },
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "formatVersion")]
    format_version: u32,
    #[serde(rename = "movedTo")]
    moved_to: Option<String>,
    declare: Option<String>,
}

/// What stands in the place of a state that lives elsewhere now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct MovedAway {
    /// Higher than any that a program knows which does not know of moving: that one refuses it, too.
    pub(super) format_version: u32,
    /// Where the state is.
    pub(super) moved_to: String,
    /// How a workspace declares that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) declare: Option<String>,
    /// When it was moved, RFC 3339.
    pub(super) at: String,
    /// Who did it.
    pub(super) by: String,
}

impl MovedAway {
    pub(super) const FORMAT_VERSION: u32 = 1000;

    pub(super) fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Where a state was moved to and how that is declared, where these bytes say that it was.
    pub(super) fn to(bytes: &[u8]) -> Option<(String, Option<String>)> {
        let header: Header = serde_json::from_slice(bytes).ok()?;
        Some((header.moved_to?, header.declare))
    }
}

impl State {
    /// The version of the format that this program writes, and the newest it reads.
    pub const FORMAT_VERSION: u32 = 1;

    /// A state that was never saved: its serial is 0.
    #[must_use]
    pub fn new(platform: Platform, lineage: String, ownership: Ownership) -> Self {
        Self {
            format_version: Self::FORMAT_VERSION,
            platform,
            lineage,
            serial: 0,
            journal_sequence: 0,
            journal_digest: None,
            ownership,
            checksum: String::new(),
        }
    }

    /// The state that a run of a plan goes on from: the one that was there, else a new one of this lineage.
    #[must_use]
    pub fn following(before: Option<Self>, platform: &Platform, lineage: String) -> Self {
        let mut base = before
            .unwrap_or_else(|| Self::new(platform.clone(), lineage.clone(), Ownership::default()));
        // A first run that was cut off left facts in the journal, and no lineage yet.
        if base.lineage.is_empty() {
            base.lineage = lineage;
        }
        base
    }

    /// What the state holds of the journal.
    #[must_use]
    pub fn head(&self) -> Head {
        Head {
            sequence: self.journal_sequence,
            digest: self.journal_digest.clone(),
        }
    }

    /// The bytes of the file, with the checksum of the content.
    ///
    /// # Errors
    /// None in practice: a state is made of texts and numbers.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        let sealed = Self {
            checksum: self.digest()?,
            ..self.clone()
        };
        sealed.bytes()
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// Where they are no state, or damaged, or a newer program's.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        // A file of zeros is what some file systems leave of a write that a power cut stopped.
        if bytes
            .iter()
            .all(|byte| *byte == 0 || byte.is_ascii_whitespace())
        {
            return Err(FormatError::Empty);
        }
        let Header {
            format_version,
            moved_to,
            declare,
        } = serde_json::from_slice(bytes)?;
        if let Some(to) = moved_to {
            return Err(FormatError::Moved { to, declare });
        }
        if format_version > Self::FORMAT_VERSION {
            return Err(FormatError::Newer {
                found: format_version,
            });
        }
        if format_version != Self::FORMAT_VERSION {
            return Err(FormatError::Unknown {
                found: format_version,
            });
        }
        let state: Self = serde_json::from_slice(bytes)?;
        let expected = state.digest()?;
        if state.checksum == expected {
            Ok(state)
        } else {
            Err(FormatError::Checksum {
                expected,
                found: state.checksum,
            })
        }
    }

    fn digest(&self) -> Result<String, serde_json::Error> {
        let open = Self {
            checksum: String::new(),
            ..self.clone()
        };
        Ok(sha256(&open.bytes()?))
    }

    fn bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The JSON Schema (draft 2020-12) of a state file.
#[must_use]
pub fn schema() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<State>()
        .to_value()
}
