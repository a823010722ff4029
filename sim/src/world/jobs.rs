//! Jobs: what a run of a task does to each computer, and how much that asks of the site servers.
//!
//! I/O: the world's database. Like everything that time brings it happens when somebody looks, with the times at which it
//! would have happened: it does not matter how often anybody looks.

use super::guid::Guid;
use super::names::Role;
use super::options::Switch;
use super::records::{AsdkError, Assignment};
use super::select::{ServerInfo, Topology};
use super::{Rules, Store, clock, life, store, tasks};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::HashMap;

/// How long a job takes on a computer.
const JOB: i64 = 60 * 1000;
/// How far back the load of a server looks.
const HOUR: i64 = 60 * 60 * 1000;
/// How often an agent asks its task server in that time, whatever happens.
const BACKGROUND: i64 = 2;
/// How often a computer asks its task server at the beginning of a job, and again at its end.
const JOB_REQUESTS: i64 = 2;

/// A computer of a run that is not done.
struct Waiting {
    instance: Guid,
    computer: Guid,
    task: Guid,
    started: i64,
    state: String,
}

/// Lets runs of tasks go on: a computer takes a minute, deploying needs a server that holds the image, capturing makes one.
pub(crate) fn run(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    let waiting: Vec<Waiting> = {
        let mut statement = store.db.prepare_cached(
            "SELECT c.Instance, c.Computer, r.Task, r.Started, c.State FROM sim_run_computer c JOIN sim_run r ON r.Instance = c.Instance
             WHERE c.State IN ('notStarted', 'started') ORDER BY r.Started, c.Instance, c.Computer",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(Waiting {
                instance: row.get(0)?,
                computer: row.get(1)?,
                task: row.get(2)?,
                started: row.get(3)?,
                state: row.get(4)?,
            })
        })?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    if waiting.is_empty() {
        return Ok(());
    }
    let all = tasks::read(&store.db)?;
    for one in waiting {
        let topology = store.topology(rules)?;
        let addresses = life::addresses(&store.db, one.computer)?;
        let passed = store.clock.milliseconds() - one.started;
        let (offered, _) = topology.candidates(Role::Task, &addresses, None);
        let (next, note, server) = if offered.is_empty() {
            (
                "notStarted",
                "no task server takes the computer".to_owned(),
                None,
            )
        } else if passed < JOB {
            ("started", String::new(), None)
        } else {
            match all.iter().find(|task| task.guid == one.task) {
                Some(task) if task.kind == "deployImage" => {
                    deploy(store, rules, &topology, task, &one, &addresses)?
                }
                Some(task) if task.kind == "createImage" => {
                    capture(store, rules, &task.name, one.computer)?
                }
                _ => ("completed", String::new(), None),
            }
        };
        if next != one.state {
            ask_task_server(store, rules, &one, next)?;
            store.db.execute(
                "UPDATE sim_run_computer SET State = ?3, Note = ?4, Server = ?5 WHERE Instance = ?1 AND Computer = ?2",
                params![one.instance, one.computer, next, note, server],
            )?;
        }
    }
    Ok(())
}

/// Picks the server that a computer fetches a package from: random among those it may use that hold it.
pub(crate) fn fetch<'a>(
    db: &Connection,
    rules: &Rules,
    topology: &'a Topology,
    package: Guid,
    client: Guid,
    addresses: &[(u32, u8)],
) -> Result<Option<&'a ServerInfo>, AsdkError> {
    let holders = life::ready_holders(db, rules, package)?;
    let (mut servers, basis) = topology.candidates(Role::Package, addresses, Some(client));
    if basis == super::Basis::OwnComputer
        && !servers
            .iter()
            .any(|index| holders.contains(&topology.servers[*index].guid))
    {
        (servers, _) = topology.other_candidates(addresses, client);
    }
    servers.retain(|index| holders.contains(&topology.servers[*index].guid));
    let count = u64::try_from(servers.len()).unwrap_or(0);
    if count == 0 {
        return Ok(None);
    }
    let drawn = rules
        .seed
        .number("fetch", &format!("{client} {package}"), 0)
        % count;
    let index = usize::try_from(drawn).unwrap_or(0);
    Ok(servers.get(index).map(|server| &topology.servers[*server]))
}

type Outcome = (&'static str, String, Option<String>);

fn deploy(
    store: &Store,
    rules: &Rules,
    topology: &Topology,
    task: &super::TaskDetails,
    run: &Waiting,
    addresses: &[(u32, u8)],
) -> Result<Outcome, AsdkError> {
    let mut server = None;
    for package in &task.packages {
        if let Some(found) = fetch(
            &store.db,
            rules,
            topology,
            *package,
            run.computer,
            addresses,
        )? {
            fetched(&store.db, rules, run, *package, found.guid)?;
            server = Some(found.name.clone());
        } else {
            let note = format!("no package server in reach holds the package {package}");
            return Ok(("failed", note, None));
        }
    }
    let note = server
        .as_ref()
        .map_or_else(String::new, |name| format!("fetched from {name}"));
    Ok(("completed", note, server))
}

/// Notes that a computer has fetched a package: from where it did so last, and a request at that server.
fn fetched(
    db: &Connection,
    rules: &Rules,
    run: &Waiting,
    package: Guid,
    server: Guid,
) -> Result<(), AsdkError> {
    let at = run.started + JOB;
    if !rules.has(Switch::PackageSourcesStale) {
        db.prepare_cached(&format!(
            "INSERT OR REPLACE INTO [{}] VALUES (?1, ?2, ?3, ?4)",
            rules.names.sources.table
        ))?
        .execute(params![run.computer, package, server, clock::text(at)])?;
    }
    request(db, at, server, 1, 0)
}

fn request(
    db: &Connection,
    at: i64,
    server: Guid,
    packages: i64,
    tasks: i64,
) -> Result<(), AsdkError> {
    db.prepare_cached("INSERT INTO sim_request VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![at, server, packages, tasks])?;
    Ok(())
}

/// Lets a computer of a run ask the task server that it is registered with: for the job, and to say how it ended.
fn ask_task_server(
    store: &mut Store,
    rules: &Rules,
    run: &Waiting,
    next: &str,
) -> Result<(), AsdkError> {
    life::settle_agents(store, rules)?;
    let server: Option<Guid> = store
        .db
        .prepare_cached(&format!(
            "SELECT {} FROM Inv_Client_Task_Resources WHERE _ResourceGuid = ?1",
            rules.names.evidence.task_server
        ))?
        .query_row([run.computer], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(server) = server else {
        return Ok(());
    };
    if run.state == "notStarted" {
        request(&store.db, run.started, server, 0, JOB_REQUESTS)?;
    }
    if next != "started" {
        request(&store.db, run.started + JOB, server, 0, JOB_REQUESTS)?;
    }
    Ok(())
}

fn capture(
    store: &mut Store,
    rules: &Rules,
    task: &str,
    computer: Guid,
) -> Result<Outcome, AsdkError> {
    let topology = store.topology(rules)?;
    let target: Option<Guid> = if let Some(text) = store::meta(&store.db, "capture target")? {
        text.parse().ok()
    } else {
        let platform = store::meta(&store.db, "platform")?.unwrap_or_default();
        store::computer(&store.db, &rules.names, &platform)?
    };
    let Some(server) = target
        .and_then(|target| topology.server(target))
        .filter(|one| one.roles.contains(&Role::Package))
    else {
        return Ok((
            "failed",
            "the default target is no package server".to_owned(),
            None,
        ));
    };
    if server.down {
        return Ok(("failed", format!("{} does not answer", server.name), None));
    }
    let host: Option<String> = store
        .db
        .query_row(
            "SELECT Name FROM Item WHERE Guid = ?1",
            params![computer],
            |row| row.get(0),
        )
        .optional()?;
    let name = format!("{task} {}", host.unwrap_or_default());
    let now = store.clock.text();
    let guid = store::draw(&store.db, rules.seed, "package", &name)?;
    super::packages::NewPackage {
        guid,
        name: &name,
        description: "",
        kind: "image",
        assignment: Assignment::All,
        automatic: false,
        captured_to: Some(server.guid),
    }
    .insert(&store.db, rules, &now)?;
    store.db.execute(
        "INSERT INTO SWDPackageServer VALUES (?1, ?2, ?3, ?4)",
        params![guid, server.guid, rules.names.evidence.ready, now],
    )?;
    store::touch(&store.db, &now)?;
    Ok((
        "completed",
        format!("captured to {}", server.name),
        Some(server.name.clone()),
    ))
}

/// Writes anew how much each site server was asked in the last hour: its agents as ever, and what jobs have caused.
/// Once a minute is enough, unless something was asked or agents have settled elsewhere since: a caller may look at
/// each server by itself.
pub(crate) fn measure(store: &mut Store, rules: &Rules) -> Result<(), AsdkError> {
    const MINUTE: i64 = 60 * 1000;
    life::live(store, rules)?;
    life::settle_agents(store, rules)?;
    let now = store.clock.milliseconds();
    let asked: i64 = store
        .db
        .prepare_cached("SELECT COALESCE(MAX(rowid), 0) FROM sim_request")?
        .query_row([], |row| row.get(0))?;
    let settled = store::meta(&store.db, "settled")?.unwrap_or_default();
    let version = store::meta(&store.db, "version of topology")?.unwrap_or_default();
    let state = format!("{} {asked} {settled} {version}", now / MINUTE);
    if store::meta(&store.db, "measured")?.as_deref() == Some(state.as_str()) {
        return Ok(());
    }
    let topology = store.topology(rules)?;
    let load = &rules.names.load;
    let mut agents: HashMap<Guid, i64> = HashMap::new();
    {
        let mut statement = store.db.prepare_cached(&format!(
            "SELECT {column}, COUNT(*) FROM Inv_Client_Task_Resources WHERE {column} IS NOT NULL GROUP BY {column}",
            column = rules.names.evidence.task_server
        ))?;
        for row in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))? {
            let (server, count) = row?;
            agents.insert(server, count);
        }
    }
    let transaction = store.db.unchecked_transaction()?;
    transaction.execute("DELETE FROM sim_request WHERE At <= ?1", [now - HOUR])?;
    transaction.execute(&format!("DELETE FROM [{}]", load.table), [])?;
    let mut statement = transaction.prepare_cached(&format!(
        "INSERT INTO [{}] SELECT ?1, COALESCE(SUM(Packages), 0), COALESCE(SUM(Tasks), 0) + ?2
         FROM sim_request WHERE Server = ?1",
        load.table
    ))?;
    for server in &topology.servers {
        let background = agents.get(&server.guid).copied().unwrap_or(0) * BACKGROUND;
        statement.execute(params![server.guid, background])?;
    }
    drop(statement);
    store::set_meta(&transaction, "measured", Some(&state))?;
    transaction.commit()?;
    Ok(())
}
