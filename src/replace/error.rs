//! Why a server is not replaced, and what to do.
//!
//! Pure.

use crate::model::{Name, NameError, Origin};

/// Why nothing changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceError {
    /// One server, spelt in two ways or not.
    #[error("expected two servers, found `{old}` and `{new}`, which name the same one")]
    Same {
        /// As asked for.
        old: Name,
        /// As asked for.
        new: Name,
    },
    /// A name that is none.
    #[error("expected the name of a server: {0}")]
    Name(NameError),
    /// The old server is declared nowhere.
    #[error("expected `{old}` in the manifests, found it nowhere")]
    Nowhere {
        /// The old server.
        old: Name,
        /// Where the new one stands already, if it does.
        new: Option<Origin>,
    },
    /// A host name stands for several servers.
    #[error("expected one server for `{name}`, found {}", listed(.found))]
    Ambiguous {
        /// As asked for.
        name: Name,
        /// As declared.
        found: Vec<Name>,
    },
    /// The new server is declared where the old one is not.
    #[error("expected `{new}` without duties of its own, found it declared at {}", listed(.places))]
    Busy {
        /// The new server.
        new: Name,
        /// Where.
        places: Vec<Origin>,
    },
    /// The old server is to be taken out before the new one is in.
    #[error("expected `{new}` beside `{old}` everywhere, found it missing at {}", listed(.places))]
    NotBeside {
        /// The old server.
        old: Name,
        /// The new server.
        new: Name,
        /// Where it is missing.
        places: Vec<Origin>,
    },
    /// A place is written in a way that cannot be changed.
    #[error("expected a place that can be rewritten, found another one at {place}")]
    Unfit {
        /// The place.
        place: Origin,
    },
    /// The files would not mean what they have to.
    #[error("expected the changed manifests to replace `{old}` and nothing else, found that {why}")]
    Unsafe {
        /// The old server.
        old: Name,
        /// What differs.
        why: String,
    },
}

impl ReplaceError {
    /// Its code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Same { .. } | Self::Name(_) => "SW0920",
            Self::Nowhere { .. } | Self::Ambiguous { .. } => "SW0921",
            Self::Busy { .. } => "SW0922",
            Self::NotBeside { .. } => "SW0923",
            Self::Unfit { .. } | Self::Unsafe { .. } => "SW0924",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Same { .. } | Self::Name(_) => None,
            Self::Nowhere { new: Some(new), .. } => Some(format!(
                "the new server stands at {new}: perhaps it has been replaced already"
            )),
            Self::Nowhere { new: None, .. } => {
                Some("check the spelling, and that -f names all manifests".into())
            }
            Self::Ambiguous { .. } => Some("write the fully qualified name".into()),
            Self::Busy { .. } => Some(
                "a replacement takes over what the old server does: take the other duties away first"
                    .into(),
            ),
            Self::NotBeside { .. } => Some("run it without --finish first, then plan and apply".into()),
            Self::Unfit { .. } | Self::Unsafe { .. } => {
                Some("nothing was changed: write these places by hand".into())
            }
        }
    }
}

fn listed<T: std::fmt::Display>(items: &[T]) -> String {
    let mut shown: Vec<String> = items
        .iter()
        .take(5)
        .map(|item| format!("`{item}`"))
        .collect();
    if items.len() > shown.len() {
        shown.push(format!("{} more", items.len() - shown.len()));
    }
    shown.join(", ")
}
