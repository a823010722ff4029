//! Why the database of the state cannot be used: codes SW0740 to SW0742, each with what to do.
//!
//! Pure. What the client library says is kept as text: its errors hold no secret, and a program that is built without
//! it knows the same errors.

/// Why the database of the state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// There is no way to it, or it lets us not in.
    #[error("cannot reach the database `{place}`")]
    Reach {
        /// Which one.
        place: String,
        /// Why.
        source: Cause,
    },
    /// It was asked, and did not do it.
    #[error("the database `{place}` did not do what it was asked for")]
    Refused {
        /// Which one.
        place: String,
        /// Why.
        source: Cause,
    },
    /// A newer program made or changed the tables.
    #[error("expected the tables of `{place}` in version {expected} or older, found {found}")]
    Newer {
        /// Which ones.
        place: String,
        /// The newest version that this program knows.
        expected: i32,
        /// The version of the tables.
        found: i32,
    },
}

/// What the database or the way to it says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(pub(super) String);

impl DatabaseError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Reach { .. } => "SW0740",
            Self::Refused { .. } => "SW0741",
            Self::Newer { .. } => "SW0742",
        }
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Reach { .. } => {
                "check `state` in sitewright.yaml (address, user, password, `ca`), and that the server runs"
            }
            Self::Refused { .. } => {
                "check what the database user may do (docs/state.md lists it) and the server's log; then run again: \
                 every step looks first"
            }
            Self::Newer { .. } => {
                "use the version of sitewright that changed the tables, or a newer one"
            }
        }
        .to_owned()
    }
}
