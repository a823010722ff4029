//! An earlier reading to compare with: load, what was fetched, which images there were. A file, written by `verify`.
//!
//! Pure: text in, text out. Taken before a deployment job, it tells what the job added.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Fetch, Guid, Happenings, Load, Observed, Platform};

/// The version of the format that this program writes.
const FORMAT_VERSION: u32 = 1;

/// An earlier reading. What could not be read is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Baseline {
    /// Version of this format: 1.
    pub format_version: u32,
    /// The SMP that it was read from.
    pub platform: Platform,
    /// When, RFC 3339, by the clock of the computer that took it.
    pub taken_at: String,
    /// The load of site servers, by GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeMap<String, LoadSchema>>")]
    pub load: Option<BTreeMap<Guid, Load>>,
    /// What clients had fetched: client, package, server and time, joined by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetches: Option<BTreeSet<String>>,
    /// Disk images by GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeSet<String>>")]
    pub images: Option<BTreeSet<Guid>>,
}

/// The schema of [`Load`], which the model does not carry.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct LoadSchema {
    /// Requests for packages.
    package: u64,
    /// Requests for tasks.
    task: u64,
}

/// Why a text is no baseline that can be compared with. Codes `SW0540` to `SW0542`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// It is no baseline.
    #[error("line {line}, column {column}: expected a baseline in JSON: {reason}")]
    Damaged {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        reason: String,
    },
    /// Another program version wrote it in another format.
    #[error("expected format version {FORMAT_VERSION}, found {0}")]
    Version(u32),
    /// It was read from another SMP.
    #[error("expected a baseline of `{expected}`, found one of `{found}`")]
    Platform {
        /// The SMP at hand.
        expected: String,
        /// The SMP of the baseline.
        found: String,
    },
}

impl BaselineError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "SW0540",
            Self::Version(_) => "SW0541",
            Self::Platform { .. } => "SW0542",
        }
    }
}

fn key(fetch: &Fetch) -> String {
    let Fetch {
        client,
        package,
        server,
        time,
    } = fetch;
    let time = time.as_deref().unwrap_or("");
    format!("{client} {package} {server} {time}")
}

fn known<T>(observed: &Observed<T>) -> Option<&T> {
    observed.known()
}

impl Baseline {
    /// Takes a baseline.
    #[must_use]
    pub fn take(platform: &Platform, happenings: &Happenings, taken_at: &str) -> Self {
        let Happenings {
            fetches,
            load,
            images,
        } = happenings;
        Self {
            format_version: FORMAT_VERSION,
            platform: platform.clone(),
            taken_at: taken_at.to_owned(),
            load: known(load).cloned(),
            fetches: known(fetches).map(|fetches| fetches.iter().map(key).collect()),
            images: known(images).map(|images| images.iter().map(|image| image.guid).collect()),
        }
    }

    /// Reads a baseline of one SMP.
    pub fn read(text: &str, platform: &Platform) -> Result<Self, BaselineError> {
        let found: Self = serde_json::from_str(text).map_err(|error| BaselineError::Damaged {
            line: error.line(),
            column: error.column(),
            reason: error.to_string(),
        })?;
        if found.format_version != FORMAT_VERSION {
            return Err(BaselineError::Version(found.format_version));
        }
        if found.platform.server != platform.server {
            return Err(BaselineError::Platform {
                expected: platform.name.to_string(),
                found: found.platform.name.to_string(),
            });
        }
        Ok(found)
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether a fetch was there already. Without fetches in the baseline nothing was.
    pub(super) fn has_fetch(&self, fetch: &Fetch) -> bool {
        self.fetches
            .as_ref()
            .is_some_and(|fetches| fetches.contains(&key(fetch)))
    }
}

/// The JSON Schema of a baseline.
#[must_use]
pub fn baseline_schema() -> serde_json::Value {
    schemars::schema_for!(Baseline).to_value()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::Name;

    fn platform(guid: u128) -> Platform {
        Platform {
            server: Guid::from_u128(guid),
            name: Name::new("SMP01.corp.example"),
        }
    }

    fn happenings() -> Happenings {
        Happenings {
            fetches: Observed::Known(vec![Fetch {
                client: Guid::from_u128(1),
                package: Guid::from_u128(2),
                server: Guid::from_u128(3),
                time: Some("2026-03-01T10:00:00".into()),
            }]),
            load: Observed::Known(
                [(
                    Guid::from_u128(3),
                    Load {
                        package: 1,
                        task: 2,
                    },
                )]
                .into(),
            ),
            images: Observed::Unavailable("no Deployment Solution".into()),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let taken = Baseline::take(&platform(9), &happenings(), "2026-03-01T10:00:00Z");
        let read = Baseline::read(&taken.write(), &platform(9)).unwrap();
        assert_eq!(read, taken);
        assert_eq!(read.images, None);
        let Observed::Known(fetches) = happenings().fetches else {
            unreachable!()
        };
        assert!(read.has_fetch(&fetches[0]));
        let later = Fetch {
            time: Some("2026-03-01T11:00:00".into()),
            ..fetches[0].clone()
        };
        assert!(!read.has_fetch(&later));
    }

    #[test]
    fn what_is_none_is_refused() {
        let check = |text: &str, code: &str| {
            let error = Baseline::read(text, &platform(9)).unwrap_err();
            assert_eq!(error.code(), code, "{error}");
        };
        check("", "SW0540");
        check("{}", "SW0540");
        let other = Baseline::take(&platform(8), &happenings(), "").write();
        check(&other, "SW0542");
        check(
            &other.replace("\"formatVersion\": 1", "\"formatVersion\": 2"),
            "SW0541",
        );
        check(&other.replace("\"load\"", "\"lode\""), "SW0540");
    }
}
