//! The entries of a profile one by one: each standing under its path.
//!
//! Pure. Whoever adds an entry with a standing adds it here: what this list leaves out is never lowered.

use super::format::{
    Association, Associations, DataClasses, Profile, ResourceType, Roles, Standing, Types,
};
use super::{Evidence, Reports, Settings, Structures};

/// Entries as they are collected.
struct Entries<'a>(Vec<(String, &'a mut Standing)>);

impl<'a> Entries<'a> {
    fn add(&mut self, group: &str, name: &str, standing: Option<&'a mut Standing>) {
        if let Some(standing) = standing {
            self.0.push((format!("{group}.{name}"), standing));
        }
    }

    fn types(&mut self, types: &'a mut Types) {
        let Types {
            computer,
            site,
            subnet,
            site_service,
            package,
        } = types;
        for (name, entry) in [
            ("computer", computer),
            ("site", site),
            ("subnet", subnet),
            ("siteService", site_service),
            ("package", package),
        ] {
            let standing = |entry: &'a mut ResourceType| &mut entry.standing;
            self.add("types", name, entry.as_mut().map(standing));
        }
    }

    fn associations(&mut self, associations: &'a mut Associations) {
        let Associations {
            subnet_to_site,
            server_to_site,
            service_to_computer,
        } = associations;
        for (name, entry) in [
            ("subnetToSite", subnet_to_site),
            ("serverToSite", server_to_site),
            ("serviceToComputer", service_to_computer),
        ] {
            let standing = |entry: &'a mut Association| &mut entry.standing;
            self.add("associations", name, entry.as_mut().map(standing));
        }
    }

    fn roles(&mut self, roles: &'a mut Roles) {
        let Roles {
            package,
            task,
            network_boot,
            monitor,
        } = roles;
        for (name, entry) in [
            ("package", package),
            ("task", task),
            ("networkBoot", network_boot),
            ("monitor", monitor),
        ] {
            let standing = entry.as_mut().map(|entry| &mut entry.standing);
            self.add("roles", name, standing);
        }
    }

    fn structures(&mut self, structures: &'a mut Structures) {
        let Structures {
            resource_info,
            resource,
            resource_structure,
            relationship,
        } = structures;
        for (name, standing) in [
            (
                "resourceInfo",
                resource_info.as_mut().map(|entry| &mut entry.standing),
            ),
            (
                "resource",
                resource.as_mut().map(|entry| &mut entry.standing),
            ),
            (
                "resourceStructure",
                resource_structure.as_mut().map(|entry| &mut entry.standing),
            ),
            (
                "relationship",
                relationship.as_mut().map(|entry| &mut entry.standing),
            ),
        ] {
            self.add("structures", name, standing);
        }
    }

    fn settings(&mut self, settings: &'a mut Settings) {
        let Settings {
            constrain_to_site,
            capture_target,
            task_packages,
            prevent_downloads,
        } = settings;
        for (name, entry) in [
            ("constrainToSite", constrain_to_site),
            ("captureTarget", capture_target),
            ("taskPackages", task_packages),
        ] {
            let standing = entry.as_mut().map(|entry| &mut entry.standing);
            self.add("settings", name, standing);
        }
        let prevent = prevent_downloads.as_mut();
        let standing = prevent.map(|entry| &mut entry.standing);
        self.add("settings", "preventDownloads", standing);
    }

    fn evidence(&mut self, evidence: &'a mut Evidence) {
        let Evidence {
            package_holders,
            task_registrations,
            package_sources,
            server_load,
            images,
            facts,
        } = evidence;
        for (name, standing) in [
            (
                "packageHolders",
                package_holders.as_mut().map(|entry| &mut entry.standing),
            ),
            (
                "taskRegistrations",
                task_registrations.as_mut().map(|entry| &mut entry.standing),
            ),
            (
                "packageSources",
                package_sources.as_mut().map(|entry| &mut entry.standing),
            ),
            (
                "serverLoad",
                server_load.as_mut().map(|entry| &mut entry.standing),
            ),
            ("images", images.as_mut().map(|entry| &mut entry.standing)),
        ] {
            self.add("evidence", name, standing);
        }
        for (kind, fact) in facts {
            self.add("evidence.facts", kind.as_str(), Some(&mut fact.standing));
        }
    }

    fn reports(&mut self, reports: &'a mut Reports) {
        let Reports {
            associations,
            servers,
            computers,
            registrations,
            facts,
            plug_ins,
            holders,
        } = reports;
        for (name, entry) in [
            ("associations", associations),
            ("servers", servers),
            ("computers", computers),
            ("registrations", registrations),
            ("facts", facts),
            ("plugIns", plug_ins),
            ("holders", holders),
        ] {
            let standing = entry.as_mut().map(|entry| &mut entry.standing);
            self.add("reports", name, standing);
        }
    }
}

impl Profile {
    /// Every entry that has a standing, by its path, in the order of the file.
    pub fn entries_mut(&mut self) -> Vec<(String, &mut Standing)> {
        let Self {
            format_version: _, // no entries
            server: _,
            types,
            associations,
            calls: _, // proven or left out: no standing of their own
            roles,
            data_classes: DataClasses { tcpip },
            services,
            structures,
            settings,
            tasks: _, // the operator's own words
            product: _,
            evidence,
            reports,
            provenance: _,
        } = self;
        let mut entries = Entries(Vec::new());
        entries.types(types);
        entries.associations(associations);
        entries.roles(roles);
        let class = tcpip.as_mut().map(|entry| &mut entry.standing);
        entries.add("dataClasses", "tcpip", class);
        for (service, entry) in services {
            entries.add("services", service.as_str(), Some(&mut entry.standing));
        }
        entries.structures(structures);
        entries.settings(settings);
        entries.evidence(evidence);
        entries.reports(reports);
        entries.0
    }

    /// The standing of the entry at `path`; `unknown` where there is none.
    #[must_use]
    pub fn standing(&self, path: &str) -> Standing {
        let mut copy = self.clone();
        copy.entries_mut()
            .into_iter()
            .find(|(found, _)| found == path)
            .map_or(Standing::Unknown, |(_, standing)| *standing)
    }

    /// Gives the entry at `path` another standing; `false` where there is no entry.
    pub fn stand(&mut self, path: &str, standing: Standing) -> bool {
        let mut entries = self.entries_mut();
        let found = entries.iter_mut().find(|(found, _)| found == path);
        found.map(|(_, entry)| **entry = standing).is_some()
    }

    /// The same with everything that may be read good for writing, and cardinalities that nobody knows taken as adding:
    /// for the scratch writer alone, which finds out what is true.
    pub(crate) fn lifted(&self) -> Self {
        let mut lifted = self.clone();
        for (_, standing) in lifted.entries_mut() {
            if standing.reads() && !standing.writes() {
                *standing = Standing::Verified;
            }
        }
        let associations = &mut lifted.associations;
        for association in [
            &mut associations.subnet_to_site,
            &mut associations.server_to_site,
        ]
        .into_iter()
        .flatten()
        {
            association.replaces.get_or_insert(false);
        }
        lifted
    }

    /// Lowers what is `verified` to `discovered`, since it was proven on another build; gives the paths.
    ///
    /// What the operator gave by hand stays: it never rested on a build.
    pub fn distrust(&mut self) -> Vec<String> {
        let mut lowered = Vec::new();
        for (path, standing) in self.entries_mut() {
            if *standing == Standing::Verified {
                *standing = Standing::Discovered;
                lowered.push(path);
            }
        }
        lowered
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;
    use crate::profile::from_yaml;

    const FULL: &str = include_str!("../smp/testing.yaml");

    /// The paths of all objects that may hold a standing: those that do once every standing is written out.
    fn standings(path: &str, value: &serde_json::Value, found: &mut BTreeSet<String>) {
        if let serde_json::Value::Object(fields) = value {
            if fields.contains_key("standing") {
                found.insert(path.to_owned());
            }
            for (name, field) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                standings(&path, field, found);
            }
        }
    }

    #[test]
    fn no_entry_with_a_standing_is_left_out() {
        let mut profile = from_yaml("full.yaml", FULL).unwrap();
        let mut paths = BTreeSet::new();
        for (path, standing) in profile.entries_mut() {
            *standing = Standing::Verified;
            assert!(paths.insert(path));
        }
        let mut written = BTreeSet::new();
        standings("", &serde_json::to_value(&profile).unwrap(), &mut written);
        assert_eq!(paths, written);
        // All kinds of entries there are, but for reports, which the file has none of.
        assert!(paths.len() > 30, "{paths:?}");
        assert_eq!(
            profile.distrust().into_iter().collect::<BTreeSet<_>>(),
            paths
        );
        assert_eq!(profile.distrust(), [""; 0]);
        assert_eq!(profile.standing("types.site"), Standing::Discovered);
        assert_eq!(profile.standing("reports.facts"), Standing::Unknown);
        assert!(profile.stand("types.site", Standing::Operator));
        assert!(!profile.stand("reports.facts", Standing::Operator));
        assert_eq!(profile.distrust(), [""; 0]);
        assert_eq!(profile.standing("types.site"), Standing::Operator);
    }
}
