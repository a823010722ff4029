//! What agents do, for those who look: where each is registered and fetches from, and who serves an address.
//!
//! I/O: the world's database; looking lets agents settle.

use super::guid::Guid;
use super::names::Role;
use super::select::{self, Basis};
use super::{World, jobs, life};
use rusqlite::params;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// A managed computer and what its agent does.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Client {
    /// Its full name.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<Ipv4Addr>,
    /// The task server it is registered with.
    pub task_server: Option<String>,
    /// The package servers it last fetched from, by package, for the packages that tasks use.
    pub package_servers: BTreeMap<String, String>,
}

/// Who serves a role, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleServed {
    /// Full names of the servers, any of which may be used; empty where nobody serves.
    pub servers: Vec<String>,
    /// Why these.
    pub basis: Basis,
}

/// Who serves an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Package servers.
    pub package: RoleServed,
    /// Task servers.
    pub task: RoleServed,
    /// Network boot servers on its broadcast domain.
    pub network_boot: RoleServed,
}

impl World {
    /// Lists the managed computers, servers among them, by name, as their agents have settled now.
    #[must_use]
    pub fn clients(&self) -> Vec<Client> {
        self.read_clients().unwrap_or_else(|error| {
            tracing::error!(%error, "clients cannot be listed");
            Vec::new()
        })
    }

    fn read_clients(&self) -> Result<Vec<Client>, super::AsdkError> {
        let mut store = self.lock();
        store.flush(self.rules());
        life::live(&mut store, self.rules())?;
        life::settle_agents(&mut store, self.rules())?;
        let topology = store.topology(self.rules())?;
        let used = life::used_packages(&store)?;
        let mut registered: BTreeMap<Guid, Guid> = BTreeMap::new();
        {
            let mut statement = store.db.prepare_cached(&format!(
                "SELECT _ResourceGuid, {} FROM Inv_Client_Task_Resources",
                self.names().evidence.task_server
            ))?;
            for row in
                statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Option<Guid>>(1)?)))?
            {
                let (client, server) = row?;
                if let Some(server) = server {
                    registered.insert(client, server);
                }
            }
        }
        let mut all = Vec::new();
        for (guid, name, addresses) in life::computers(&store.db)? {
            let task_server = registered
                .get(&guid)
                .and_then(|server| topology.server(*server))
                .map(|server| server.name.clone());
            let mut package_servers = BTreeMap::new();
            for (package, package_name) in &used {
                if let Some(server) = jobs::fetch(
                    &store.db,
                    self.rules(),
                    &topology,
                    *package,
                    guid,
                    &addresses,
                )? {
                    package_servers.insert(package_name.clone(), server.name.clone());
                }
            }
            all.push(Client {
                name,
                addresses: addresses
                    .iter()
                    .map(|(address, _)| Ipv4Addr::from(*address))
                    .collect(),
                task_server,
                package_servers,
            });
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Says who serves an address now; the mask is that of the computer that has it, else /24.
    #[must_use]
    pub fn served(&self, address: Ipv4Addr) -> Served {
        let mut store = self.lock();
        store.flush(self.rules());
        let found: Option<(Guid, String)> = store
            .db
            .query_row(
                "SELECT _ResourceGuid, [Subnet Mask] FROM Inv_AeX_AC_TCPIP WHERE [IP Address] = ?1 ORDER BY _id",
                params![address.to_string()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .ok();
        let prefix = found
            .as_ref()
            .map_or(24, |(_, mask)| select::prefix_of(mask));
        let own = found.map(|(guid, _)| guid);
        let mut answer = |role: Role| match store.topology(self.rules()) {
            Ok(topology) => {
                let (servers, basis) =
                    topology.candidates(role, &[(u32::from(address), prefix)], own);
                RoleServed {
                    servers: servers
                        .into_iter()
                        .map(|index| topology.servers[index].name.clone())
                        .collect(),
                    basis,
                }
            }
            Err(error) => {
                tracing::error!(%error, "the sites cannot be read");
                RoleServed {
                    servers: Vec::new(),
                    basis: Basis::Waiting,
                }
            }
        };
        Served {
            package: answer(Role::Package),
            task: answer(Role::Task),
            network_boot: answer(Role::NetworkBoot),
        }
    }
}
