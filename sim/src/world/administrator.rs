//! What an administrator does in the console, by name, as the console does it.
//!
//! I/O: the world's database. The console is not bound by the switches that cripple single calls of the services: where
//! an association alone is not enough, the console writes what else is needed.

use super::console::ConsoleAction;
use super::guid::Guid;
use super::names::Role;
use super::options::Switch;
use super::records::Assignment;
use super::scenario::DirectorySite;
use super::store::{self, NewItem};
use super::writes::{self, Write};
use super::{Store, World, WorldError, effects, life, origin, packages, select, tasks};
use rusqlite::{Connection, params};

impl std::str::FromStr for Role {
    type Err = WorldError;

    fn from_str(text: &str) -> Result<Role, WorldError> {
        let wanted = text.replace(['-', '_'], "").to_lowercase();
        Role::ALL
            .into_iter()
            .find(|role| role.name().to_lowercase() == wanted)
            .ok_or_else(|| WorldError::Argument {
                expected: "a role of package, task, networkBoot, monitor".to_owned(),
                found: text.to_owned(),
            })
    }
}

impl World {
    /// Does what an administrator would do, and answers one line that says what was done.
    pub fn console(&self, action: ConsoleAction) -> Result<String, WorldError> {
        let mut store = self.lock();
        store.flush(self.rules());
        let now = store.clock.text();
        life::before_a_change(&mut store, self.rules())?;
        let answer = self.act(&mut store, action, &now)?;
        store::touch(&store.db, &now)?;
        life::live(&mut store, self.rules())?;
        store.save_clock();
        Ok(answer)
    }

    fn act(
        &self,
        store: &mut Store,
        action: ConsoleAction,
        now: &str,
    ) -> Result<String, WorldError> {
        let rules = self.rules();
        let names = self.names();
        match action {
            ConsoleAction::NewSite { name, description } => {
                self.make(store, "site", names.site.guid, &name, &description, now)?;
                Ok(format!("made the site {name}"))
            }
            ConsoleAction::DeleteSite { name } => {
                let site = self.site(&store.db, &name)?;
                origin::ours(&store.db, site)?;
                effects::delete(&store.db, rules, site)?;
                Ok(format!("deleted the site {name}"))
            }
            ConsoleAction::DescribeSite { name, description } => {
                let guid = self.site(&store.db, &name)?;
                self.save(store, guid, None, Some(description), now)?;
                Ok(format!("described the site {name}"))
            }
            ConsoleAction::RenameSite { name, to } => {
                let guid = self.site(&store.db, &name)?;
                self.save(store, guid, Some(to.clone()), None, now)?;
                Ok(format!("renamed the site {name} to {to}"))
            }
            ConsoleAction::AddSubnet { site, subnet } => {
                let guid = self.site(&store.db, &site)?;
                let known = store::by_name(&store.db, names.subnet.guid, &subnet)?;
                let one = match known {
                    Some(one) => one,
                    None => self.make(store, "subnet", names.subnet.guid, &subnet, "", now)?,
                };
                self.place(&store.db, one, guid, now)?;
                Ok(format!("put {subnet} into {site}"))
            }
            ConsoleAction::RemoveSubnet { site, subnet } => {
                let (guid, one) = (
                    self.site(&store.db, &site)?,
                    self.subnet(&store.db, &subnet)?,
                );
                let (parent, child) = names.subnet_to_site.ordered(one, guid);
                self.part(store, names.subnet_to_site.guid, parent, child, now)?;
                effects::forget_row(&store.db, rules, one, guid)?;
                Ok(format!("took {subnet} out of {site}"))
            }
            ConsoleAction::NewSubnet {
                subnet,
                description,
            } => {
                self.make(
                    store,
                    "subnet",
                    names.subnet.guid,
                    &subnet,
                    &description,
                    now,
                )?;
                Ok(format!("made the subnet {subnet}"))
            }
            ConsoleAction::DeleteSubnet { subnet } => {
                let one = self.subnet(&store.db, &subnet)?;
                origin::ours(&store.db, one)?;
                effects::delete(&store.db, rules, one)?;
                Ok(format!("deleted the subnet {subnet}"))
            }
            ConsoleAction::AssignServer { server, site } => {
                let (one, guid) = (
                    self.server(&store.db, &server)?,
                    self.site(&store.db, &site)?,
                );
                origin::ours(&store.db, guid)?;
                effects::join(&store.db, rules, &names.server_to_site, one, guid, now)?;
                Ok(format!("assigned {server} to {site}"))
            }
            ConsoleAction::UnassignServer { server, site } => {
                let (one, guid) = (
                    self.server(&store.db, &server)?,
                    self.site(&store.db, &site)?,
                );
                let (parent, child) = names.server_to_site.ordered(one, guid);
                self.part(store, names.server_to_site.guid, parent, child, now)?;
                effects::forget_row(&store.db, rules, one, guid)?;
                Ok(format!("un-assigned {server} from {site}"))
            }
            ConsoleAction::Constrain { site, state } => {
                let on = on(&state)?;
                let guid = self.site(&store.db, &site)?;
                self.judged(store, &Write::Constrain { site: guid, on }, now)?;
                Ok(format!("Constrain to Site is {state} for {site}"))
            }
            ConsoleAction::ImportActiveDirectory => self.import_directory(store, now),
            ConsoleAction::Resynchronise => {
                let made = life::resynchronise(store, rules, None)?;
                Ok(format!("made {made} subnets that clients report"))
            }
            other => self.act_on_servers(store, other, now),
        }
    }

    fn act_on_servers(
        &self,
        store: &mut Store,
        action: ConsoleAction,
        now: &str,
    ) -> Result<String, WorldError> {
        match action {
            ConsoleAction::InstallRole { server, role } => {
                self.install_role(store, &server, role.parse()?, now)
            }
            ConsoleAction::RemoveRole { server, role } => {
                self.remove_role(store, &server, role.parse()?)
            }
            ConsoleAction::CaptureTarget { server } => {
                let target = if server == "none" || server.is_empty() {
                    None
                } else {
                    let guid = self.server(&store.db, &server)?;
                    if !store
                        .topology(self.rules())?
                        .roles(guid)
                        .contains(&Role::Package)
                    {
                        return Err(WorldError::Refused(format!(
                            "`{server}` is no package server"
                        )));
                    }
                    Some(guid)
                };
                self.judged(store, &Write::CaptureTarget { server: target }, now)?;
                Ok(format!("captured images go to {server}"))
            }
            ConsoleAction::InvalidSubnets { pattern } => {
                regex::Regex::new(&pattern).map_err(|_| WorldError::Argument {
                    expected: "a regular expression".to_owned(),
                    found: pattern.clone(),
                })?;
                let value = Some(pattern.as_str()).filter(|pattern| !pattern.is_empty());
                store::set_meta(&store.db, "invalid subnets", value)?;
                Ok(format!("InvalidSubnets is {pattern}"))
            }
            ConsoleAction::PinPackage { package, servers } => {
                let targets = servers
                    .iter()
                    .map(|one| self.server(&store.db, one))
                    .collect::<Result<Vec<_>, _>>()?;
                let assignment = if targets.is_empty() {
                    Assignment::All
                } else {
                    Assignment::Individually
                };
                self.assign_package(store, &package, assignment, false, targets, now)
            }
            ConsoleAction::PackageSites {
                package,
                sites,
                automatic,
            } => {
                let targets = sites
                    .iter()
                    .map(|one| self.site(&store.db, one))
                    .collect::<Result<Vec<_>, _>>()?;
                self.assign_package(store, &package, Assignment::Site, automatic, targets, now)
            }
            ConsoleAction::TaskPackages { task, packages } => {
                let guid = World::task(&store.db, &task)?.guid;
                let packages = packages
                    .iter()
                    .map(|one| self.package_named(&store.db, one))
                    .collect::<Result<Vec<_>, _>>()?;
                self.judged(
                    store,
                    &Write::TaskPackages {
                        task: guid,
                        packages,
                    },
                    now,
                )?;
                Ok(format!("set the packages of {task}"))
            }
            ConsoleAction::RunTask { task, computers } => {
                let found = World::task(&store.db, &task)?;
                let computers = computers
                    .iter()
                    .map(|one| self.server(&store.db, one))
                    .collect::<Result<Vec<_>, _>>()?;
                let instance = self.start(store, &found, &task, &computers)?;
                Ok(format!("{instance}"))
            }
            ConsoleAction::ServerDown { server } => self.power(&store.db, &server, true),
            ConsoleAction::ServerUp { server } => self.power(&store.db, &server, false),
            other => self.act_on_platform(store, other, now),
        }
    }

    pub(super) fn judged(
        &self,
        store: &mut Store,
        write: &Write,
        now: &str,
    ) -> Result<(), WorldError> {
        // The console acts for an administrator who sees everything, so the scope of the account does not matter here.
        writes::judge_as_administrator(store, self.rules(), write)?;
        effects::apply(&store.db, self.rules(), write, now)?;
        Ok(())
    }

    fn make(
        &self,
        store: &mut Store,
        kind: &str,
        type_guid: Guid,
        name: &str,
        description: &str,
        now: &str,
    ) -> Result<Guid, WorldError> {
        if store::by_name(&store.db, type_guid, name)?.is_some() {
            return Err(WorldError::Refused(format!(
                "the {kind} `{name}` exists already"
            )));
        }
        let guid = store::peek(&store.db, self.rules().seed, kind, name)?;
        let write = Write::Create {
            guid,
            type_guid,
            name: name.to_owned(),
            description: description.to_owned(),
        };
        self.judged(store, &write, now)?;
        Ok(guid)
    }

    fn save(
        &self,
        store: &mut Store,
        guid: Guid,
        name: Option<String>,
        description: Option<String>,
        now: &str,
    ) -> Result<(), WorldError> {
        self.judged(
            store,
            &Write::Save {
                guid,
                name,
                description,
            },
            now,
        )
    }

    fn part(
        &self,
        store: &mut Store,
        association: Guid,
        parent: Guid,
        child: Guid,
        now: &str,
    ) -> Result<(), WorldError> {
        for end in [parent, child] {
            origin::ours(&store.db, end)?;
        }
        let write = Write::Break {
            association,
            parent,
            children: vec![child],
        };
        Ok(effects::apply(&store.db, self.rules(), &write, now)?)
    }

    /// Puts a subnet into a site; unless a subnet may be in two, out of the others.
    fn place(
        &self,
        db: &Connection,
        subnet: Guid,
        site: Guid,
        now: &str,
    ) -> Result<(), WorldError> {
        let of = &self.names().subnet_to_site;
        for end in [subnet, site] {
            origin::ours(db, end)?;
        }
        if !self.has(Switch::SubnetInTwoSites) {
            let column = if of.target_is_parent {
                "ChildResourceGuid"
            } else {
                "ParentResourceGuid"
            };
            db.execute(
                &format!("DELETE FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = ?1 AND {column} = ?2"),
                params![of.guid, subnet],
            )?;
            db.execute("DELETE FROM sim_row WHERE Resource = ?1", params![subnet])?;
        }
        effects::join(db, self.rules(), of, subnet, site, now)?;
        Ok(())
    }

    fn install_role(
        &self,
        store: &mut Store,
        server: &str,
        role: Role,
        now: &str,
    ) -> Result<String, WorldError> {
        let guid = self.server(&store.db, server)?;
        let topology = store.topology(self.rules())?;
        if topology.roles(guid).contains(&role) {
            return Err(WorldError::Refused(format!(
                "`{server}` has the {} service already",
                role.name()
            )));
        }
        let host = server.split('.').next().unwrap_or(server).to_uppercase();
        store::install(
            &store.db,
            self.names(),
            self.rules().seed,
            guid,
            &host,
            role,
            now,
        )?;
        World::follow_role(store, guid, role, true)?;
        let mut answer = format!("installed the {} service on {server}", role.name());
        if role == Role::NetworkBoot {
            let addresses = life::addresses(&store.db, guid)?;
            let (others, _) = topology.candidates(role, &addresses, None);
            if !others.is_empty() {
                answer.push_str(
                    "; another server on its subnet answers to network boot too, only one should",
                );
            }
        }
        Ok(answer)
    }

    fn remove_role(
        &self,
        store: &mut Store,
        server: &str,
        role: Role,
    ) -> Result<String, WorldError> {
        let guid = self.server(&store.db, server)?;
        let names = self.names();
        for (service, computer) in store::pairs(&store.db, &names.service_to_computer)? {
            let (name, type_guid): (String, Guid) = store.db.query_row(
                "SELECT Name, ResourceTypeGuid FROM Item WHERE Guid = ?1",
                params![service],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            let is_role = match names.roles_by {
                super::RolesBy::Type => type_guid == names.service_type(role),
                super::RolesBy::Name => name.starts_with(names.service_prefix(role)),
            };
            if computer == guid && is_role {
                effects::delete(&store.db, self.rules(), service)?;
                World::follow_role(store, guid, role, false)?;
                return Ok(format!("removed the {} service from {server}", role.name()));
            }
        }
        Err(WorldError::Refused(format!(
            "`{server}` has no {} service",
            role.name()
        )))
    }

    fn assign_package(
        &self,
        store: &mut Store,
        package: &str,
        assignment: Assignment,
        automatic: bool,
        targets: Vec<Guid>,
        now: &str,
    ) -> Result<String, WorldError> {
        let guid = self.package_named(&store.db, package)?;
        let location = packages::read(&store.db, Some(guid))?
            .into_iter()
            .next()
            .map_or_else(String::new, |(package, _)| package.server_location);
        let write = Write::PackageServers {
            package: guid,
            assignment,
            automatic,
            targets,
            location,
        };
        self.judged(store, &write, now)?;
        Ok(format!("assigned the package {package}"))
    }

    fn power(&self, db: &Connection, server: &str, down: bool) -> Result<String, WorldError> {
        let guid = self.server(db, server)?;
        db.execute(
            "UPDATE sim_computer SET Down = ?2 WHERE Guid = ?1",
            params![guid, down],
        )?;
        Ok(format!("{server} is {}", if down { "down" } else { "up" }))
    }

    fn import_directory(&self, store: &mut Store, now: &str) -> Result<String, WorldError> {
        let text = store::meta(&store.db, "directory")?.unwrap_or_else(|| "[]".to_owned());
        let directory: Vec<DirectorySite> =
            serde_json::from_str(&text).map_err(|error| WorldError::Scenario(error.to_string()))?;
        let names = self.names();
        let mut count = 0;
        for site in &directory {
            let guid = match store::by_name(&store.db, names.site.guid, &site.name)? {
                Some(guid) => guid,
                None => self.make(store, "site", names.site.guid, &site.name, "", now)?,
            };
            if origin::ours(&store.db, guid).is_err() {
                // What is replicated is imported where it belongs.
                continue;
            }
            origin::import(&store.db, guid)?;
            for subnet in &site.subnets {
                if select::network(subnet).is_none() || writes::invalid_subnet(&store.db, subnet)? {
                    continue;
                }
                let one = if let Some(one) = store::by_name(&store.db, names.subnet.guid, subnet)? {
                    one
                } else {
                    let one = store::draw(&store.db, self.rules().seed, "subnet", subnet)?;
                    let item = NewItem {
                        guid: one,
                        class: "resource",
                        name: subnet,
                        resource_type: Some(names.subnet.guid),
                        ..NewItem::default()
                    };
                    item.insert(&store.db, self.rules().seed, now)?;
                    one
                };
                if origin::ours(&store.db, one).is_err() {
                    continue;
                }
                origin::import(&store.db, one)?;
                self.place(&store.db, one, guid, now)?;
                count += 1;
            }
        }
        Ok(format!(
            "imported {} sites and {count} subnets",
            directory.len()
        ))
    }

    fn found(kind: &'static str, name: &str, guid: Option<Guid>) -> Result<Guid, WorldError> {
        guid.ok_or_else(|| WorldError::Missing {
            kind,
            name: name.to_owned(),
        })
    }

    pub(super) fn site(&self, db: &Connection, name: &str) -> Result<Guid, WorldError> {
        World::found(
            "site",
            name,
            store::by_name(db, self.names().site.guid, name)?,
        )
    }

    fn subnet(&self, db: &Connection, name: &str) -> Result<Guid, WorldError> {
        World::found(
            "subnet",
            name,
            store::by_name(db, self.names().subnet.guid, name)?,
        )
    }

    pub(super) fn server(&self, db: &Connection, name: &str) -> Result<Guid, WorldError> {
        World::found("computer", name, store::computer(db, self.names(), name)?)
    }

    fn package_named(&self, db: &Connection, name: &str) -> Result<Guid, WorldError> {
        if let Ok(guid) = name.parse() {
            return Ok(guid);
        }
        World::found(
            "package",
            name,
            store::by_name(db, self.names().package.guid, name)?,
        )
    }

    fn task(db: &Connection, name: &str) -> Result<super::TaskDetails, WorldError> {
        tasks::read(db)?
            .into_iter()
            .find(|one| one.name.eq_ignore_ascii_case(name))
            .ok_or_else(|| WorldError::Missing {
                kind: "task",
                name: name.to_owned(),
            })
    }
}

pub(super) fn on(text: &str) -> Result<bool, WorldError> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(WorldError::Argument {
            expected: "on or off".to_owned(),
            found: text.to_owned(),
        }),
    }
}
