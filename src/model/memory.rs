//! What a plan remembers by: the state, the journal, or nothing.
//!
//! Pure. Whoever loads the state says it, and the plan tells people what they would not see otherwise.

/// What there was to remember by when the state was loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// A state that was saved, or that a first run could not save yet: nothing is missing.
    Known,
    /// A state that holds records which are missing at the end of the journal.
    Ahead {
        /// The last record that the state holds.
        state: u64,
        /// The last record that is there; 0 where there is none.
        journal: u64,
    },
    /// No state any more: it was made of the journal.
    Journal {
        /// The first record, where those before it are missing; `None` where it is whole.
        from: Option<u64>,
    },
    /// Neither state nor journal, of which versions are kept.
    Lost {
        /// How many.
        versions: usize,
    },
    /// Nothing was ever kept, as far as anybody can tell.
    Nothing,
}
