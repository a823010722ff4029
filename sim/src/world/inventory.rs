//! What an administrator does about single computers: plug-ins, facts, and sending inventory.
//!
//! I/O: the world's database.

use super::administrator::on;
use super::console::ConsoleAction;
use super::facts::{self, Inventoried, Kept};
use super::guid::Guid;
use super::names::Role;
use super::{Store, World, WorldError, life};

impl World {
    pub(super) fn act_on_computers(
        &self,
        store: &mut Store,
        action: ConsoleAction,
    ) -> Result<String, WorldError> {
        let now = store.clock.milliseconds();
        match action {
            ConsoleAction::PlugIn {
                server,
                plug_in,
                state,
            } => {
                let guid = self.server(&store.db, &server)?;
                let mut kept = Kept::read(&store.db, guid)?;
                let changed = kept.plug_in(&plug_in, on(&state)?);
                kept.insert(&store.db, guid)?;
                let already = if changed { "" } else { ", as before" };
                Ok(format!("{plug_in} is {state} on {server}{already}"))
            }
            ConsoleAction::Fact {
                computer,
                key,
                value,
            } => {
                let guid = self.server(&store.db, &computer)?;
                let mut kept = Kept::read(&store.db, guid)?;
                kept.set(&key, &value, now)?;
                kept.insert(&store.db, guid)?;
                Ok(format!("{key} of {computer} is {value}"))
            }
            ConsoleAction::SendInventory { computer } => {
                let guid = self.server(&store.db, &computer)?;
                let mut kept = Kept::read(&store.db, guid)?;
                kept.inventoried = Inventoried::Regularly(now);
                kept.insert(&store.db, guid)?;
                let made = life::resynchronise(store, self.rules(), Some(guid))?;
                Ok(format!(
                    "{computer} has sent inventory, which made {made} subnets"
                ))
            }
            _ => Err(WorldError::Refused(
                "not an action of this part of the console".to_owned(),
            )),
        }
    }

    /// Puts on a computer what comes with a site service, or takes off what goes with it.
    pub(super) fn follow_role(
        store: &Store,
        computer: Guid,
        role: Role,
        installed: bool,
    ) -> Result<(), WorldError> {
        let mut kept = Kept::read(&store.db, computer)?;
        if kept.plug_ins.is_none() {
            // Nobody knows what is on it, and nobody learns it this way.
            return Ok(());
        }
        let names = if installed {
            facts::brought_by(role)
        } else {
            facts::taken_by(role)
        };
        for name in names {
            kept.plug_in(name, installed);
        }
        Ok(kept.insert(&store.db, computer)?)
    }
}
