//! What an administrator does about the server itself: what the account may see, what belongs to another SMP, upgrades.
//!
//! I/O: the world's database.

use super::administrator::on;
use super::console::ConsoleAction;
use super::guid::Guid;
use super::origin::Origin;
use super::writes::Write;
use super::{Store, World, WorldError, scope, store};
use crate::level::Level;
use rusqlite::{Connection, params};

impl World {
    pub(super) fn act_on_platform(
        &self,
        store: &mut Store,
        action: ConsoleAction,
        now: &str,
    ) -> Result<String, WorldError> {
        match action {
            ConsoleAction::PreventDownloads { from, state } => {
                let on = on(&state)?;
                let (platform, outside) = match from.as_str() {
                    "smp" => (Some(on), None),
                    "outside" => (None, Some(on)),
                    _ => {
                        return Err(WorldError::Argument {
                            expected: "smp or outside".to_owned(),
                            found: from,
                        });
                    }
                };
                let write = Write::Prevent {
                    targets: None,
                    from_platform: platform,
                    from_outside: outside,
                };
                self.judged(store, &write, now)?;
                Ok(format!("downloads from {from} are prevented: {state}"))
            }
            ConsoleAction::DownloadTargets { targets } => {
                let guids = targets
                    .iter()
                    .map(|name| {
                        self.site(&store.db, name)
                            .or_else(|_| self.server(&store.db, name))
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                let write = Write::Prevent {
                    targets: Some(guids),
                    from_platform: None,
                    from_outside: None,
                };
                self.judged(store, &write, now)?;
                Ok(format!(
                    "the targeted site settings are aimed at {} names",
                    targets.len()
                ))
            }
            ConsoleAction::Scope { kind, hidden } => {
                let count = scope::hide(&store.db, self.rules(), kind.parse()?, hidden.parse()?)?;
                Ok(format!("the account does not see {count} {kind}"))
            }
            ConsoleAction::Replicate { name, from } => self.replicate_from(&store.db, &name, &from),
            ConsoleAction::Upgrade { level } => self.upgrade(&store.db, level.as_deref(), now),
            other => self.act_on_computers(store, other),
        }
    }

    fn replicate_from(
        &self,
        db: &Connection,
        name: &str,
        from: &str,
    ) -> Result<String, WorldError> {
        let guid = self.place_named(db, name)?;
        let owner = Some(from.to_owned()).filter(|from| from != "none");
        let mut origin = Origin::read(db, guid)?;
        origin.replicated_from.clone_from(&owner);
        db.execute("DELETE FROM sim_origin WHERE Guid = ?1", params![guid])?;
        origin.insert(db, guid)?;
        if owner.is_none() {
            return Ok(format!("{name} belongs to this server"));
        }
        // Something comes from it, so it is one of the hierarchy.
        if store::meta(db, "parent")?.is_none() {
            store::set_meta(db, "parent", owner.as_deref())?;
        }
        Ok(format!("{name} is replicated from {from}"))
    }

    /// Finds a site, or else a subnet, by name.
    fn place_named(&self, db: &Connection, name: &str) -> Result<Guid, WorldError> {
        for type_guid in [self.names().site.guid, self.names().subnet.guid] {
            if let Some(guid) = store::by_name(db, type_guid, name)? {
                return Ok(guid);
            }
        }
        Err(WorldError::Missing {
            kind: "site or subnet",
            name: name.to_owned(),
        })
    }

    fn upgrade(
        &self,
        db: &Connection,
        level: Option<&str>,
        now: &str,
    ) -> Result<String, WorldError> {
        let mut current = self.level_lock();
        let next = match level {
            Some(text) => text
                .parse::<Level>()
                .map_err(|error| WorldError::Refused(error.to_string()))?,
            None => current.next(),
        };
        if next < *current {
            return Err(WorldError::Refused(format!(
                "an upgrade leads to a later level than {current}, found `{next}`"
            )));
        }
        // The products that came after the newest level all look alike: then only the structures change.
        store::set_meta(db, "structure changed", Some(now))?;
        store::set_meta(db, "level", Some(next.name()))?;
        if let Some(version) = next.product() {
            store::set_meta(db, "version", Some(version))?;
        }
        *current = next;
        Ok(format!("the server is at {next}"))
    }
}
