//! The pair "prevent downloads" of the targeted site settings: who may not fetch packages from where.
//!
//! I/O: the world's database. The computers and sites that it is aimed at do not fetch from the SMP, or not from site
//! servers outside of their own sites, the SMP not counted; a package server among them is bound like anybody else, so
//! that what is cut off from every source waits for packages that never come.

use super::guid::Guid;
use super::store;
use rusqlite::{Connection, Result};
use std::collections::BTreeSet;

/// The setting as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prevention {
    /// Computers and sites.
    pub(crate) targets: BTreeSet<Guid>,
    /// Nothing from the SMP.
    pub(crate) from_platform: bool,
    /// Nothing from site servers outside of the own sites.
    pub(crate) from_outside: bool,
}

impl Prevention {
    /// Reads it.
    pub(crate) fn read(db: &Connection) -> Result<Prevention> {
        let mut statement = db.prepare_cached("SELECT Guid FROM sim_targeted")?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(Prevention {
            targets: rows.collect::<Result<_>>()?,
            from_platform: store::meta(db, "prevent from platform")?.is_some(),
            from_outside: store::meta(db, "prevent from outside")?.is_some(),
        })
    }

    /// Says whether it keeps anybody from anything.
    pub(crate) fn holds(&self) -> bool {
        !self.targets.is_empty() && (self.from_platform || self.from_outside)
    }
}
