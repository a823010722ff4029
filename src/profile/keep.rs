//! What a profile that is discovered anew takes over from the one before.
//!
//! Pure. What the server cannot tell (settings, evidence, the operator's own lists, installed reports) is taken over as
//! it stands; of the rest single entries, by their paths.

use super::format::{Profile, TypeRole};
use super::{Provenance, ServiceName};
use crate::model::Role;

impl Profile {
    /// Takes over everything that no discovery tells.
    pub fn carry_over(&mut self, known: &Self) {
        let Self {
            format_version: _, // of this program
            server: _,         // told by the server
            types: _,          // entry by entry
            associations: _,
            calls,
            roles: _,
            data_classes: _,
            services: _,
            structures: _,
            settings,
            tasks,
            product,
            evidence,
            reports,
            provenance,
        } = known;
        self.calls = calls.clone();
        self.settings = settings.clone();
        self.tasks = tasks.clone();
        self.product = product.clone();
        self.evidence = evidence.clone();
        self.reports = reports.clone();
        let kept = provenance.iter().filter(|(path, _)| {
            ["settings.", "evidence.", "reports."]
                .iter()
                .any(|group| path.starts_with(group))
        });
        self.provenance
            .extend(kept.map(|(path, note)| (path.clone(), note.clone())));
    }

    /// Takes over one entry, with its provenance; without one in `known` it is left out here, too.
    pub fn take_over(&mut self, known: &Self, path: &str) {
        let note: Option<Provenance> = known.provenance.get(path).cloned();
        match note {
            Some(note) => {
                self.provenance.insert(path.to_owned(), note);
            }
            None => {
                self.provenance.remove(path);
            }
        }
        let (group, name) = path.split_once('.').unwrap_or((path, ""));
        match group {
            "types" => {
                for role in TypeRole::ALL {
                    if role.as_str() == name {
                        *self.types.slot(role) = known.types.of(role).cloned();
                    }
                }
            }
            "associations" => {
                let (mine, theirs) = (&mut self.associations, &known.associations);
                match name {
                    "subnetToSite" => mine.subnet_to_site.clone_from(&theirs.subnet_to_site),
                    "serverToSite" => mine.server_to_site.clone_from(&theirs.server_to_site),
                    "serviceToComputer" => mine
                        .service_to_computer
                        .clone_from(&theirs.service_to_computer),
                    _ => {}
                }
            }
            "roles" => {
                for role in Role::ALL {
                    if role.to_string() == name {
                        let mut theirs = known.roles.clone();
                        *self.roles.slot(role) = theirs.slot(role).take();
                    }
                }
            }
            "dataClasses" => self.data_classes.clone_from(&known.data_classes),
            "services" => {
                for service in ServiceName::ALL {
                    if service.as_str() == name {
                        match known.services.get(&service) {
                            Some(entry) => self.services.insert(service, entry.clone()),
                            None => self.services.remove(&service),
                        };
                    }
                }
            }
            "structures" => {
                let (mine, theirs) = (&mut self.structures, &known.structures);
                match name {
                    "resourceInfo" => mine.resource_info.clone_from(&theirs.resource_info),
                    "resource" => mine.resource.clone_from(&theirs.resource),
                    "resourceStructure" => mine
                        .resource_structure
                        .clone_from(&theirs.resource_structure),
                    "relationship" => mine.relationship.clone_from(&theirs.relationship),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::profile::{Standing, from_yaml};

    /// Whatever has a standing is taken over by one of the two.
    #[test]
    fn nothing_is_lost() {
        let mut known = from_yaml("full.yaml", include_str!("../smp/testing.yaml")).unwrap();
        let paths: Vec<String> = known
            .entries_mut()
            .into_iter()
            .map(|(path, standing)| {
                *standing = Standing::Learned;
                path
            })
            .collect();
        for path in &paths {
            known.note(path, "2026-03-02T08:00:00Z", format!("told of {path}"));
        }
        let mut fresh = Profile::empty(known.server.clone());
        fresh.carry_over(&known);
        for path in &paths {
            fresh.take_over(&known, path);
        }
        assert_eq!(fresh, known);
        let nothing = Profile::empty(known.server.clone());
        for path in &paths {
            fresh.take_over(&nothing, path);
        }
        assert_eq!(fresh.types, nothing.types);
        assert_eq!(fresh.services, nothing.services);
        assert_eq!(fresh.structures, nothing.structures);
    }
}
