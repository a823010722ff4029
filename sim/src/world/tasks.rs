//! Tasks: what there is, running them, and how the runs fare.
//!
//! I/O: the world's database. What a run does to a computer is in `life`.

use super::guid::Guid;
use super::records::{AsdkError, RunState, TaskDetails, TaskRun};
use super::{Store, World, clock, jobs, life, store};
use rusqlite::{Connection, params};

/// Reads all tasks.
pub(super) fn read(db: &Connection) -> Result<Vec<TaskDetails>, AsdkError> {
    let mut statement = db
        .prepare_cached("SELECT t.Guid, i.Name, t.Kind FROM sim_task t CROSS JOIN Item i ON i.Guid = t.Guid ORDER BY i.Name, i.Guid")?;
    let rows = statement.query_map([], |row| {
        Ok(TaskDetails {
            guid: row.get(0)?,
            name: row.get(1)?,
            kind: row.get(2)?,
            packages: Vec::new(),
        })
    })?;
    let mut all: Vec<TaskDetails> = rows.collect::<rusqlite::Result<_>>()?;
    let mut packages = db
        .prepare_cached("SELECT Package FROM sim_task_package WHERE Task = ?1 ORDER BY Position")?;
    for task in &mut all {
        let rows = packages.query_map(params![task.guid], |row| row.get(0))?;
        task.packages = rows.collect::<rusqlite::Result<_>>()?;
    }
    Ok(all)
}

impl World {
    /// The tasks of Deployment Solution.
    pub fn tasks(&self) -> Result<Vec<TaskDetails>, AsdkError> {
        self.read(|store, _| read(&store.db))
    }

    /// `ExecuteTask`: starts a task and answers the run. Computers are those whose GUID or name stands in
    /// `input_parameters`; with none, the first client of the world that is no server.
    pub fn execute_task(
        &self,
        task: Guid,
        name: &str,
        input_parameters: &str,
    ) -> Result<Guid, AsdkError> {
        let mut store = self.lock();
        let found = read(&store.db)?
            .into_iter()
            .find(|one| one.guid == task)
            .ok_or_else(|| AsdkError::DoesNotExist(format!("task {task}")))?;
        let computers = self.targets(&mut store, input_parameters)?;
        self.start(&mut store, &found, name, &computers)
    }

    /// Starts a run on computers.
    pub(super) fn start(
        &self,
        store: &mut Store,
        task: &TaskDetails,
        name: &str,
        computers: &[Guid],
    ) -> Result<Guid, AsdkError> {
        let instance = store::draw(&store.db, self.rules().seed, "run", &task.name)?;
        store.db.execute(
            "INSERT INTO sim_run VALUES (?1, ?2, ?3, ?4)",
            params![instance, task.guid, name, store.clock.milliseconds()],
        )?;
        for computer in computers {
            store.db.execute(
                "INSERT OR IGNORE INTO sim_run_computer VALUES (?1, ?2, 'notStarted', '', NULL)",
                params![instance, computer],
            )?;
        }
        jobs::run(store, self.rules())?;
        Ok(instance)
    }

    fn targets(&self, store: &mut Store, text: &str) -> Result<Vec<Guid>, AsdkError> {
        let topology = store.topology(self.rules())?;
        let mut found = Vec::new();
        for word in text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '.' | '_'))) {
            if let Ok(guid) = word.parse::<Guid>() {
                if super::writes::type_of(&store.db, guid)? == Some(self.names().computer.guid) {
                    found.push(guid);
                }
            } else if !word.is_empty()
                && let Some(guid) = store::computer(&store.db, self.names(), word)?
            {
                found.push(guid);
            }
        }
        if found.is_empty() {
            let first = life::computers(&store.db)?
                .into_iter()
                .filter(|(guid, _, _)| topology.server(*guid).is_none())
                .min_by(|(_, a, _), (_, b, _)| a.cmp(b));
            found.extend(first.map(|(guid, _, _)| guid));
        }
        Ok(found)
    }

    /// `GetTaskStatus`: a run and how it fares on each computer.
    pub fn task_run(&self, instance: Guid) -> Result<TaskRun, AsdkError> {
        self.read(|store, rules| {
            life::live(store, rules)?;
            let (task, name, started): (Guid, String, i64) = store
                .db
                .query_row("SELECT Task, Name, Started FROM sim_run WHERE Instance = ?1", params![instance], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .map_err(|_| AsdkError::DoesNotExist(format!("task instance {instance}")))?;
            let mut statement = store
                .db
                .prepare_cached("SELECT Computer, State, Note FROM sim_run_computer WHERE Instance = ?1 ORDER BY Computer")?;
            let rows = statement.query_map(params![instance], |row| {
                let state: String = row.get(1)?;
                Ok((row.get(0)?, parse_state(&state), row.get(2)?))
            })?;
            Ok(TaskRun {
                instance,
                task,
                name,
                started: clock::text(started),
                computers: rows.collect::<rusqlite::Result<_>>()?,
            })
        })
    }

    /// `GetTaskResourceStatus`: -1 not started, 0 failed, 1 completed, else started.
    pub fn task_resource_status(&self, instance: Guid, computer: Guid) -> Result<i32, AsdkError> {
        Ok(self
            .task_run(instance)?
            .computers
            .into_iter()
            .find(|(one, _, _)| *one == computer)
            .map_or(-1, |(_, state, _)| state.code()))
    }
}

fn parse_state(text: &str) -> RunState {
    match text {
        "started" => RunState::Started,
        "completed" => RunState::Completed,
        "failed" => RunState::Failed,
        _ => RunState::NotStarted,
    }
}
