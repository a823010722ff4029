//! What time brings: packages reach their servers, agents settle, inventory brings subnets back; what jobs do is in `jobs`.
//!
//! I/O: the world's database. Everything happens lazily, when somebody looks or time is let pass, and draws from the
//! seed, so that it does not matter how often anybody looks.

use super::guid::Guid;
use super::names::Role;
use super::options::Switch;
use super::records::{AsdkError, Assignment};
use super::select::{self, Topology};
use super::store::{self, NewItem};
use super::{Rules, Store, clock, jobs, packages, writes};
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::Ipv4Addr;

/// How long a package takes to reach a server.
const REPLICATION: i64 = 2 * 60 * 1000;
/// How often agents report.
const REPORT: i64 = 30 * 60 * 1000;
/// How many registrations a task server takes, where no setting says otherwise.
pub(crate) const REGISTRATIONS: usize = 5000;

/// Lets replication, jobs and inventory catch up with the clock.
pub(crate) fn live(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    report(store, rules)?;
    replicate(store, rules)?;
    jobs::run(store, rules)?;
    // A job may have made an image that sets out now.
    replicate(store, rules)
}

/// Lets agents report when it is time to.
pub(crate) fn report(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    let now = store.clock.milliseconds();
    let last: i64 = store::meta(&store.db, "inventory")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(now);
    if now - last >= REPORT {
        resynchronise(store, rules, None)?;
        store::set_meta(&store.db, "inventory", Some(&now.to_string()))?;
    }
    Ok(())
}

/// Where registrations lag, what they are before a change is settled before it.
pub(crate) fn before_a_change(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    if rules.has(Switch::RegistrationsLag) {
        settle_agents(store, rules)?;
    }
    Ok(())
}

/// How many registrations a task server takes.
pub(crate) fn registrations(db: &Connection) -> rusqlite::Result<usize> {
    Ok(store::meta(db, "registrations")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(REGISTRATIONS))
}

/// A computer of the world: its GUID, full name, and addresses with prefixes.
pub(crate) type ComputerRow = (Guid, String, Vec<(u32, u8)>);

/// Reads all computers, in the order of their GUIDs.
pub(crate) fn computers(db: &Connection) -> rusqlite::Result<Vec<ComputerRow>> {
    let mut statement = db.prepare_cached(
        "SELECT _ResourceGuid, [Host Name], [Primary DNS Suffix], [IP Address], [Subnet Mask] FROM Inv_AeX_AC_TCPIP ORDER BY _ResourceGuid, _id",
    )?;
    let mut all: Vec<ComputerRow> = Vec::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let guid: Guid = row.get(0)?;
        let address = row
            .get_ref(3)?
            .as_str()
            .unwrap_or_default()
            .parse::<Ipv4Addr>()
            .map_or(0, u32::from);
        let prefix = select::prefix_of(row.get_ref(4)?.as_str().unwrap_or_default());
        match all.last_mut() {
            Some((last, _, addresses)) if *last == guid => addresses.push((address, prefix)),
            _ => {
                let name = select::full_name(&row.get::<_, String>(1)?, &row.get::<_, String>(2)?);
                all.push((guid, name, vec![(address, prefix)]));
            }
        }
    }
    Ok(all)
}

/// What stands in the state column for a package that is on its way.
fn pending(rules: &Rules) -> &'static str {
    if rules.names.evidence.ready == "Ready" {
        "Pending"
    } else {
        "0"
    }
}

/// The servers that a package goes to.
pub(crate) fn wanted(
    package: &super::PackageDetails,
    topology: &Topology,
    all_sites: &[Guid],
) -> BTreeSet<Guid> {
    match package.assignment {
        Assignment::All => topology.package_servers().into_iter().collect(),
        Assignment::Individually => package
            .servers
            .iter()
            .copied()
            .filter(|server| topology.roles(*server).contains(&Role::Package))
            .collect(),
        Assignment::Site => {
            let sites = if package.auto_assign {
                all_sites
            } else {
                &package.servers
            };
            sites
                .iter()
                .flat_map(|site| topology.package_servers_of(*site))
                .collect()
        }
    }
}

/// Lets packages travel: a server that a package goes to holds it two minutes later; one it no longer goes to drops it.
pub(crate) fn replicate(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    let evidence = &rules.names.evidence;
    let version = store::meta(&store.db, "version of topology")?;
    let mut changed = false;
    if store::meta(&store.db, "replicated version")? != version {
        let topology = store.topology(rules)?;
        let now = store.clock.text();
        let sites: Vec<Guid> = sites(&store.db, rules)?;
        let transaction = store.db.unchecked_transaction()?;
        for (package, _) in packages::read(&store.db, None)? {
            let wanted = wanted(&package, &topology, &sites);
            let held = holders(&transaction, rules, package.guid)?;
            for server in wanted.difference(&held) {
                transaction
                    .prepare_cached("INSERT INTO SWDPackageServer VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![package.guid, server, pending(rules), now])?;
            }
            for server in held.difference(&wanted) {
                transaction
                    .prepare_cached(&format!(
                        "DELETE FROM SWDPackageServer WHERE {} = ?1 AND {} = ?2",
                        evidence.package, evidence.server
                    ))?
                    .execute(params![package.guid, server])?;
            }
        }
        store::set_meta(&transaction, "replicated version", version.as_deref())?;
        transaction.commit()?;
        changed = true;
    }
    if !rules.has(Switch::ReplicationStalls) {
        changed |= arrive(store, rules)?;
    }
    if changed {
        store.db.execute_batch(&format!(
            "DELETE FROM SWDPackageCodebase;
             INSERT INTO SWDPackageCodebase SELECT s.{package}, s.{server}, 'http://' || i.Name || '/Altiris/PS/Service/Package/' || s.{package}
             FROM SWDPackageServer s JOIN Item i ON i.Guid = s.{server} WHERE s.{state} = '{ready}'",
            package = evidence.package,
            server = evidence.server,
            state = evidence.state,
            ready = evidence.ready,
        ))?;
    }
    Ok(())
}

/// Lets the packages arrive that have been on their way for long enough, but where a server is kept from every source.
fn arrive(store: &mut Store, rules: &Rules) -> Result<bool, AsdkError> {
    let evidence = &rules.names.evidence;
    let before = clock::text(store.clock.milliseconds() - REPLICATION);
    let topology = store.topology(rules)?;
    let due = format!(
        "{state} = '{pending}' AND LastRequest <= '{before}'",
        state = evidence.state,
        pending = pending(rules),
    );
    let arrive = format!(
        "UPDATE SWDPackageServer SET {} = ?1 WHERE {due}",
        evidence.state
    );
    if topology.keeps_nobody_away() {
        return Ok(store.db.execute(&arrive, params![evidence.ready])? > 0);
    }
    let waiting: Vec<(Guid, Guid)> = {
        let mut statement = store.db.prepare(&format!(
            "SELECT {}, {} FROM SWDPackageServer WHERE {due}",
            evidence.package, evidence.server
        ))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    let mut arrived = false;
    for (package, server) in waiting {
        if topology.reaches(server, &ready_holders(&store.db, rules, package)?) {
            store.db.execute(
                &format!(
                    "{arrive} AND {} = ?2 AND {} = ?3",
                    evidence.package, evidence.server
                ),
                params![evidence.ready, package, server],
            )?;
            arrived = true;
        }
    }
    Ok(arrived)
}

fn sites(db: &Connection, rules: &Rules) -> rusqlite::Result<Vec<Guid>> {
    let mut statement = db.prepare_cached("SELECT Guid FROM Item WHERE ResourceTypeGuid = ?1")?;
    let rows = statement.query_map([rules.names.site.guid], |row| row.get(0))?;
    rows.collect()
}

fn holders(db: &Connection, rules: &Rules, package: Guid) -> rusqlite::Result<BTreeSet<Guid>> {
    let evidence = &rules.names.evidence;
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM SWDPackageServer WHERE {} = ?1",
        evidence.server, evidence.package
    ))?;
    let rows = statement.query_map([package], |row| row.get(0))?;
    rows.collect()
}

/// The servers that hold a package now.
pub(crate) fn ready_holders(
    db: &Connection,
    rules: &Rules,
    package: Guid,
) -> rusqlite::Result<BTreeSet<Guid>> {
    let evidence = &rules.names.evidence;
    let mut statement = db.prepare_cached(&format!(
        "SELECT {} FROM SWDPackageServer WHERE {} = ?1 AND {} = ?2",
        evidence.server, evidence.package, evidence.state
    ))?;
    let rows = statement.query_map(params![package, evidence.ready], |row| row.get(0))?;
    rows.collect()
}

/// The packages that Deploy Image tasks use.
pub(crate) fn used_packages(store: &Store) -> Result<Vec<(Guid, String)>, AsdkError> {
    let mut statement = store.db.prepare_cached(
        "SELECT DISTINCT i.Guid, i.Name FROM sim_task_package p CROSS JOIN sim_task t ON t.Guid = p.Task CROSS JOIN Item i ON i.Guid = p.Package
         WHERE t.Kind = 'deployImage' ORDER BY i.Name, i.Guid",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Lets every agent register with one task server of those it is offered; it stays with the one it has as long as that is among them.
pub(crate) fn settle_agents(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    let now = store.clock.milliseconds();
    let version = store::meta(&store.db, "version of topology")?;
    let settled: i64 = store::meta(&store.db, "settled")?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    if store::meta(&store.db, "settled version")? == version && now - settled < REPORT {
        return Ok(());
    }
    if rules.has(Switch::RegistrationsLag) && settled > 0 {
        let changed = store::meta(&store.db, "changed")?;
        let changed = changed.as_deref().and_then(clock::milliseconds);
        if changed.is_some_and(|changed| now - changed < REPORT) {
            return Ok(());
        }
    }
    let limit = registrations(&store.db)?;
    let topology = store.topology(rules)?;
    let column = rules.names.evidence.task_server;
    let mut current: HashMap<Guid, Guid> = HashMap::new();
    {
        let mut statement = store.db.prepare_cached(&format!(
            "SELECT _ResourceGuid, {column} FROM Inv_Client_Task_Resources WHERE {column} IS NOT NULL"
        ))?;
        for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (client, server) = row?;
            current.insert(client, server);
        }
    }
    let mut count: BTreeMap<usize, usize> = BTreeMap::new();
    let mut homeless = Vec::new();
    for (client, _, addresses) in computers(&store.db)? {
        let (offered, _) = topology.candidates(Role::Task, &addresses, None);
        let stays = current.get(&client).and_then(|server| {
            offered
                .iter()
                .find(|index| topology.servers[**index].guid == *server)
        });
        match stays {
            Some(index) => *count.entry(*index).or_default() += 1,
            None => homeless.push((client, offered)),
        }
    }
    let transaction = store.db.unchecked_transaction()?;
    let text = store.clock.text();
    transaction.execute(
        "UPDATE Inv_Client_Task_Resources SET LastRegistered = ?1",
        params![text],
    )?;
    let mut statement = transaction.prepare_cached(
        "INSERT OR REPLACE INTO Inv_Client_Task_Resources VALUES (?1, ?2, 1, ?3)",
    )?;
    for (client, offered) in homeless {
        let chosen = offered
            .into_iter()
            .filter(|index| count.get(index).copied().unwrap_or(0) < limit)
            .min_by_key(|index| {
                let drawn = client.number() ^ topology.servers[*index].guid.number();
                (count.get(index).copied().unwrap_or(0), drawn)
            });
        if let Some(index) = chosen {
            *count.entry(index).or_default() += 1;
        }
        statement.execute(params![
            client,
            text,
            chosen.map(|index| topology.servers[index].guid)
        ])?;
    }
    drop(statement);
    store::set_meta(&transaction, "settled", Some(&now.to_string()))?;
    store::set_meta(&transaction, "settled version", version.as_deref())?;
    transaction.commit()?;
    Ok(())
}

/// Makes a subnet that computers, or one of them, report and nobody knows, unless `InvalidSubnets` forbids it.
pub(crate) fn resynchronise(
    store: &mut Store,
    rules: &Rules,
    only: Option<Guid>,
) -> Result<usize, AsdkError> {
    let mut reported: BTreeSet<(u32, u8)> = BTreeSet::new();
    let all: Vec<Vec<(u32, u8)>> = match only {
        Some(computer) => vec![addresses(&store.db, computer)?],
        None => computers(&store.db)?
            .into_iter()
            .map(|(_, _, addresses)| addresses)
            .collect(),
    };
    for addresses in all {
        reported.extend(
            addresses
                .into_iter()
                .map(|(address, prefix)| (address & select::mask(prefix), prefix)),
        );
    }
    let mut made = 0;
    let now = store.clock.text();
    for (address, prefix) in reported {
        let name = format!("{}/{prefix}", Ipv4Addr::from(address));
        if store::by_name(&store.db, rules.names.subnet.guid, &name)?.is_some()
            || writes::invalid_subnet(&store.db, &name)?
        {
            continue;
        }
        let item = NewItem {
            guid: store::draw(&store.db, rules.seed, "subnet", &name)?,
            class: "resource",
            name: &name,
            resource_type: Some(rules.names.subnet.guid),
            ..NewItem::default()
        };
        item.insert(&store.db, rules.seed, &now)?;
        made += 1;
    }
    Ok(made)
}

/// Reads the addresses of a computer.
pub(crate) fn addresses(db: &Connection, computer: Guid) -> rusqlite::Result<Vec<(u32, u8)>> {
    let mut statement = db.prepare_cached("SELECT [IP Address], [Subnet Mask] FROM Inv_AeX_AC_TCPIP WHERE _ResourceGuid = ?1 ORDER BY _id")?;
    let rows = statement.query_map([computer], |row| {
        let address = row
            .get::<_, String>(0)?
            .parse::<Ipv4Addr>()
            .map_or(0, u32::from);
        Ok((address, select::prefix_of(&row.get::<_, String>(1)?)))
    })?;
    rows.collect()
}

impl super::World {
    /// How many registrations a task server takes.
    #[must_use]
    pub fn registrations_per_task_server(&self) -> usize {
        registrations(&self.lock().db).unwrap_or(REGISTRATIONS)
    }
}
