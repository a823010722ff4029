//! What is asked about an entry, and what comes of the answer.
//!
//! Pure: whoever discovers hands over a function that decides. Nothing is taken that nobody confirmed: in a run that
//! only lists, discovery goes on with what fits alone, so that everything that depends on it is listed too, and takes it
//! out again at the end.

use crate::model::Guid;

/// Something that an entry may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name or element name.
    pub name: String,
    /// Its GUID, where it has one.
    pub guid: Option<Guid>,
    /// What speaks for it beside its name; empty where nothing does.
    pub evidence: String,
}

impl Candidate {
    /// A candidate by its name alone.
    #[must_use]
    pub fn named(name: impl Into<String>, guid: Option<Guid>) -> Self {
        Self {
            name: name.into(),
            guid,
            evidence: String::new(),
        }
    }

    /// How it is written where somebody chooses it: its GUID, else its name.
    #[must_use]
    pub fn value(&self) -> String {
        self.guid
            .map_or_else(|| self.name.clone(), |guid| guid.to_string())
    }
}

/// How much is known about one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It was filled in.
    Found,
    /// It was known before, and stays.
    Kept,
    /// One candidate fits alone, and nobody confirmed it.
    Unconfirmed,
    /// It stays unknown.
    Unknown,
}

/// What was found out about one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The path of the entry: `types.site`.
    pub entry: String,
    /// How much is known.
    pub told: Told,
    /// What it rests on, or why it stays unknown.
    pub evidence: String,
    /// What it may be, where that could not be told.
    pub candidates: Vec<Candidate>,
}

impl Finding {
    /// Whether the profile has the entry.
    #[must_use]
    pub fn found(&self) -> bool {
        matches!(self.told, Told::Found | Told::Kept)
    }
}

/// One entry that somebody has to decide.
#[derive(Debug)]
pub struct Question<'a> {
    /// Its path: `types.site`.
    pub entry: &'a str,
    /// What is looked for, in words.
    pub wanted: &'a str,
    /// What it may be, likely ones first.
    pub candidates: &'a [Candidate],
    /// The one that fits and is the only one to.
    pub fits: Option<usize>,
}

/// What somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This candidate.
    Take(usize),
    /// Something else, by its GUID or name: it must be there on the server.
    Given(String),
    /// None of these.
    Leave,
    /// Nothing yet: what fits alone is listed and not taken.
    Later,
}

/// Who decides.
pub type Choose<'a> = dyn FnMut(&Question<'_>) -> Decision + Send + 'a;

/// Takes what fits and is the only one to; everything else stays unknown.
pub fn accept_exact(question: &Question<'_>) -> Decision {
    question.fits.map_or(Decision::Leave, Decision::Take)
}
