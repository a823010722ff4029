//! Reports: created from SQL, and run as real SQL that can only read.
//!
//! I/O: the world's database, behind an authorizer that lets a statement read the tables a report may read and nothing
//! else, and a progress handler that ends it after a time.

use super::data_classes::catch_up;
use super::fact_tables::MEMBERSHIP;
use super::guid::Guid;
use super::options::Switch;
use super::records::{AsdkError, ColumnKind, ItemDetails, Table};
use super::scope;
use super::store::{self, NewItem};
use super::{Store, World, life};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};
use std::time::{Duration, Instant};

/// How long a report may run.
const LIMIT: Duration = Duration::from_mins(1);

/// Views that show only what the account may see; they stand before the tables of the same names while a report runs.
const SCOPED: &str = "
    CREATE TEMP VIEW Item AS SELECT * FROM main.Item WHERE Guid NOT IN (SELECT Guid FROM main.sim_hidden);
    CREATE TEMP VIEW vItem AS SELECT * FROM main.vItem WHERE Guid NOT IN (SELECT Guid FROM main.sim_hidden);
    CREATE TEMP VIEW vResource AS SELECT * FROM main.vResource WHERE Guid NOT IN (SELECT Guid FROM main.sim_hidden);
    CREATE TEMP VIEW ResourceAssociation AS SELECT * FROM main.ResourceAssociation
        WHERE ParentResourceGuid NOT IN (SELECT Guid FROM main.sim_hidden) AND ChildResourceGuid NOT IN (SELECT Guid FROM main.sim_hidden);";
const UNSCOPED: &str = "DROP VIEW temp.Item; DROP VIEW temp.vItem; DROP VIEW temp.vResource; DROP VIEW temp.ResourceAssociation;";

impl World {
    /// `CreateReportUsingRawSqlQuery`.
    pub fn create_report(
        &self,
        name: &str,
        description: &str,
        source: &str,
        folder: Guid,
        sql: &str,
    ) -> Result<ItemDetails, AsdkError> {
        if self.has(Switch::ReportsRefused) {
            return Err(AsdkError::InsufficientPermission(
                "reports may not be created".to_owned(),
            ));
        }
        if name.trim().is_empty() || sql.trim().is_empty() {
            return Err(AsdkError::InvalidParameter(
                "expected a name and a query".to_owned(),
            ));
        }
        let guid = {
            let store = self.lock();
            let folder = if folder.is_empty() {
                self.names().reports_folder
            } else {
                folder
            };
            let is_folder: Option<String> = store
                .db
                .query_row(
                    "SELECT c.Type FROM Item i JOIN ItemClass c ON c.Guid = i.ClassGuid WHERE i.Guid = ?1",
                    params![folder],
                    |row| row.get(0),
                )
                .optional()?;
            if is_folder.as_deref() != Some("PresentationFolder") {
                return Err(AsdkError::DoesNotExist(format!("folder {folder}")));
            }
            let guid = store::draw(&store.db, self.rules().seed, "report", name)?;
            let now = store.clock.text();
            let item = NewItem {
                guid,
                class: "report",
                name,
                description,
                folder: Some(folder),
                ..NewItem::default()
            };
            item.insert(&store.db, self.rules().seed, &now)?;
            store.db.execute(
                "INSERT INTO sim_report VALUES (?1, ?2, ?3)",
                params![guid, sql, source],
            )?;
            guid
        };
        self.item(guid)
    }

    /// The SQL of a report, parameters not yet replaced.
    pub fn report_sql(&self, guid: Guid) -> Result<String, AsdkError> {
        self.read(|store, _| {
            store
                .db
                .query_row(
                    "SELECT Sql FROM sim_report WHERE Guid = ?1",
                    params![guid],
                    |row| row.get(0),
                )
                .optional()?
                .ok_or_else(|| AsdkError::DoesNotExist(format!("report {guid}")))
        })
    }

    /// Runs SQL as a report does: read-only, in the subset that T-SQL and `SQLite` share, for at most a minute.
    pub fn run_sql(&self, sql: &str) -> Result<Table, AsdkError> {
        if self.has(Switch::ReportsRefused) {
            return Err(AsdkError::InsufficientPermission(
                "reports may not be run".to_owned(),
            ));
        }
        self.read(|store, rules| {
            let scoped = scope::narrows(&store.db)?;
            let lower = sql.to_lowercase();
            if lower.contains("swdpackage") {
                life::live(store, rules)?;
            }
            for class in &rules.data_classes {
                if !lower.contains(&class.table.to_lowercase()) {
                    continue;
                }
                if rules.has(Switch::FactsNotReadable) && rules.is_of_facts(class) {
                    return Err(AsdkError::InsufficientPermission(format!(
                        "the table {} may not be read",
                        class.table
                    )));
                }
                catch_up(store, rules, class)?;
            }
            let views = rules.names.facts.iter().map(|one| one.table.clone());
            let views: Vec<String> = views.chain([MEMBERSHIP.to_owned()]).collect();
            if scoped {
                store.db.execute_batch(SCOPED)?;
            }
            let answer = run(store, views, &translate(sql));
            if scoped {
                store.db.execute_batch(UNSCOPED)?;
            }
            answer
        })
    }
}

/// Turns what T-SQL says differently into `SQLite`: the schema `dbo` and GUIDs in any form, which are values of a type of their own there.
fn translate(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for (index, part) in sql.split('\'').enumerate() {
        if index > 0 {
            out.push('\'');
        }
        if index % 2 == 1 {
            match part.parse::<Guid>() {
                Ok(guid) => out.push_str(&guid.to_string()),
                Err(_) => out.push_str(part),
            }
        } else {
            out.push_str(&part.replace("[dbo].", "").replace("dbo.", ""));
        }
    }
    out
}

fn run(store: &mut Store, views: Vec<String>, sql: &str) -> Result<Table, AsdkError> {
    guarded(&mut store.db, views, |db| {
        let mut statement = db.prepare(sql)?;
        if !statement.readonly() {
            return Err(rusqlite::Error::InvalidQuery);
        }
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut kinds: Vec<Option<ColumnKind>> = vec![None; names.len()];
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let mut cells = Vec::with_capacity(names.len());
            for (index, kind) in kinds.iter_mut().enumerate() {
                let (cell, found) = value(row.get_ref(index)?);
                if cell.is_some() && *kind != Some(found) {
                    *kind = Some(if kind.is_none() {
                        found
                    } else {
                        ColumnKind::Text
                    });
                }
                cells.push(cell);
            }
            all.push(cells);
        }
        let columns = names
            .into_iter()
            .zip(kinds)
            .map(|(name, kind)| (name, kind.unwrap_or(ColumnKind::Text)))
            .collect();
        Ok(Table { columns, rows: all })
    })
    .map_err(|error| AsdkError::InvalidParameter(format!("the query failed: {error}")))
}

fn value(value: ValueRef<'_>) -> (Option<String>, ColumnKind) {
    match value {
        ValueRef::Null => (None, ColumnKind::Text),
        ValueRef::Integer(number) => (Some(number.to_string()), ColumnKind::Integer),
        ValueRef::Real(number) => (Some(number.to_string()), ColumnKind::Real),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let kind = if text.len() == 36 && text.parse::<Guid>().is_ok() {
                ColumnKind::Guid
            } else if is_time(bytes) {
                ColumnKind::DateTime
            } else {
                ColumnKind::Text
            };
            (Some(text), kind)
        }
    }
}

fn is_time(text: &[u8]) -> bool {
    text.len() == 19
        && text[10] == b'T'
        && text[4] == b'-'
        && text[13] == b':'
        && text[0].is_ascii_digit()
}

/// Runs a closure during which the connection can only read tables that are open to reports, for a limited time; `views`
/// are ours beside those that every server has.
fn guarded<T>(
    db: &mut Connection,
    views: Vec<String>,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let end = Instant::now() + LIMIT;
    db.authorizer(Some(move |context: AuthContext<'_>| {
        allow(&context, &views)
    }))?;
    db.progress_handler(10_000, Some(move || Instant::now() > end))?;
    let answer = work(db);
    db.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    db.progress_handler(0, None::<fn() -> bool>)?;
    answer
}

fn allow(context: &AuthContext<'_>, views: &[String]) -> Authorization {
    match context.action {
        AuthAction::Select | AuthAction::Recursive => Authorization::Allow,
        AuthAction::Function { function_name }
            if !function_name.eq_ignore_ascii_case("load_extension") =>
        {
            Authorization::Allow
        }
        // A view of ours may look behind the curtain, a report may not.
        AuthAction::Read { table_name, .. }
            if context
                .accessor
                .is_some_and(|view| ours(view) || views.iter().any(|one| one == view))
                || !closed(table_name) =>
        {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

fn ours(view: &str) -> bool {
    [
        "Item",
        "vItem",
        "vResource",
        "ResourceAssociation",
        "vComputer",
        "vSiteServices",
    ]
    .contains(&view)
}

fn closed(table: &str) -> bool {
    let lower = table.to_lowercase();
    lower.starts_with("sim_") || lower.starts_with("sqlite_")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::super::{Options, World};
    use super::*;

    fn world() -> World {
        World::open(Options::builtin("flat-lan").unwrap()).unwrap()
    }

    #[test]
    fn a_report_reads_by_real_sql_and_guids_compare_in_any_form() {
        let world = world();
        let upper = world.names().subnet.guid.to_string().to_uppercase();
        let table = world
            .run_sql(&format!("SELECT i.Guid AS [The Guid], i.Name FROM [dbo].[vResource] i WHERE i.ResourceTypeGuid = '{{{upper}}}' ORDER BY i.Name"))
            .unwrap();
        assert_eq!(
            table.columns,
            [
                ("The Guid".to_owned(), ColumnKind::Guid),
                ("Name".to_owned(), ColumnKind::Text)
            ]
        );
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[0][1].as_deref(), Some("192.168.0.0/24"));
    }

    #[test]
    fn a_report_changes_nothing_and_sees_nothing_of_the_simulator() {
        let world = world();
        for sql in [
            "DELETE FROM Item",
            "UPDATE Item SET Name = 'x'",
            "SELECT * FROM sim_meta",
            "PRAGMA user_version = 3",
            "ATTACH 'x' AS y",
            "CREATE TABLE x (y)",
            "SELECT 1; DROP TABLE Item",
            "SELECT * FROM sqlite_master",
            "WITH x AS (SELECT * FROM sim_meta) SELECT * FROM x",
            "SELECT * FROM (SELECT * FROM sim_meta) y",
        ] {
            assert!(world.run_sql(sql).is_err(), "{sql}");
        }
        assert_eq!(
            world
                .run_sql("SELECT Name FROM vComputer WHERE Name = 'smp01'")
                .unwrap()
                .rows
                .len(),
            1
        );
    }

    #[test]
    fn a_report_without_rows_still_has_columns() {
        let table = world()
            .run_sql("SELECT Guid, Name FROM vResource WHERE 1 = 0")
            .unwrap();
        assert_eq!(table.columns.len(), 2);
    }
}
