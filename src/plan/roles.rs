//! Roles and plug-ins: what a person installs on a server before clients are sent there.
//!
//! Pure.

use std::collections::BTreeSet;

use super::moves::KEPT;
use super::steps::{Builder, phase};
use crate::diff::{Change, Found};
use crate::model::{Action, ConsoleStep, Guid};

impl Builder<'_> {
    /// Roles, and the plug-ins that belong to them, come before whatever sends clients to the server, in the sites
    /// where it is assigned and in those where it stands.
    pub(super) fn roles(&mut self, changes: &[Found]) {
        let mut plug_ins: Vec<(Guid, Option<usize>)> = Vec::new();
        for found in changes {
            let Change::Role {
                server, readable, ..
            } = &found.change
            else {
                continue;
            };
            let step = self.push_console(
                &found.change,
                if *readable {
                    "the role is required and not installed"
                } else {
                    "the role is required, and the server's roles cannot be read"
                },
                phase::CONSOLE,
                Vec::new(),
            );
            self.roles.entry(server.guid).or_default().extend(step);
        }
        for found in changes {
            let Change::PlugIn { server, .. } = &found.change else {
                continue;
            };
            // The package server's plug-in wants the package service there first (article 180278).
            let depends_on = self.roles.get(&server.guid).cloned().unwrap_or_default();
            let step = self.push_console(
                &found.change,
                "imaging needs the plug-in, and it is not installed",
                phase::CONSOLE,
                depends_on,
            );
            plug_ins.push((server.guid, step));
        }
        for (server, step) in plug_ins {
            self.roles.entry(server).or_default().extend(step);
        }
        for (index, site) in self.context.after.sites.iter().enumerate() {
            let automatic = self.automatic_after.get(&index);
            let steps: BTreeSet<usize> = site
                .manual
                .iter()
                .chain(automatic.into_iter().flatten())
                .filter_map(|server| self.roles.get(server))
                .flatten()
                .copied()
                .collect();
            if !steps.is_empty() {
                self.equips.entry(index).or_default().extend(steps);
            }
        }
    }

    /// Steps that install a role on the SMP itself: an address whose site has no server falls back to it.
    pub(super) fn fallback(&self) -> Vec<usize> {
        let smp = self.context.before.platform;
        smp.and_then(|smp| self.roles.get(&smp))
            .into_iter()
            .flatten()
            .filter(|step| {
                self.drafts.get(**step).is_some_and(|draft| {
                    matches!(&draft.action, Action::Console(ConsoleStep::InstallRole { role, .. }) if KEPT.contains(role))
                })
            })
            .copied()
            .collect()
    }
}
