//! Where sites, subnets and packages come from: made here, imported from Active Directory, or replicated from another SMP.
//!
//! I/O: the world's database. What is replicated belongs to the SMP that it came from and is not changed here.

use super::World;
use super::guid::Guid;
use super::options::Switch;
use super::records::AsdkError;
use rusqlite::{Connection, OptionalExtension, Result, params};

/// Where one object comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) directory: bool,
    pub(crate) replicated_from: Option<String>,
}

impl Origin {
    /// Writes it; what was made here needs no row.
    pub(crate) fn insert(&self, db: &Connection, guid: Guid) -> Result<()> {
        if *self != Origin::default() {
            db.prepare_cached("INSERT OR REPLACE INTO sim_origin VALUES (?1, ?2, ?3)")?
                .execute(params![guid, self.directory, self.replicated_from])?;
        }
        Ok(())
    }

    /// Reads it.
    pub(crate) fn read(db: &Connection, guid: Guid) -> Result<Origin> {
        let found = db
            .prepare_cached("SELECT Directory, ReplicatedFrom FROM sim_origin WHERE Guid = ?1")?
            .query_row([guid], |row| {
                Ok(Origin {
                    directory: row.get(0)?,
                    replicated_from: row.get(1)?,
                })
            })
            .optional()?;
        Ok(found.unwrap_or_default())
    }
}

/// Notes that an object came from Active Directory.
pub(crate) fn import(db: &Connection, guid: Guid) -> Result<()> {
    let origin = Origin {
        directory: true,
        ..Origin::read(db, guid)?
    };
    origin.insert(db, guid)
}

/// Refuses to change what belongs to another SMP.
pub(crate) fn ours(db: &Connection, guid: Guid) -> std::result::Result<(), AsdkError> {
    match Origin::read(db, guid)?.replicated_from {
        None => Ok(()),
        Some(owner) => Err(AsdkError::InsufficientPermission(format!(
            "{guid} is replicated from {owner} and may not be changed here"
        ))),
    }
}

impl World {
    /// `IsHierarchyManaged`: whether an item is replicated from another SMP.
    pub fn is_hierarchy_managed(&self, item: Guid) -> std::result::Result<bool, AsdkError> {
        self.item(item)?;
        self.read(|store, rules| {
            Ok(!rules.has(Switch::HierarchyManagedUnknown)
                && Origin::read(&store.db, item)?.replicated_from.is_some())
        })
    }
}
