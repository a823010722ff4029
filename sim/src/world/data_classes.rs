//! Data classes as the services see them: what there are, their rows, and writing those that are not inventory.
//!
//! I/O: the world's database. Looking at what time changes lets it catch up first.

use super::fact_names::DataClassName;
use super::guid::Guid;
use super::options::Switch;
use super::records::{AsdkError, DataClass, DataRow, RowAction};
use super::writes::Write;
use super::{Rules, Store, World, jobs, life};
use rusqlite::params;

impl Rules {
    /// A data class by its GUID.
    pub(crate) fn data_class(&self, guid: Guid) -> Option<&DataClassName> {
        self.data_classes.iter().find(|one| one.guid == guid)
    }

    /// Says whether a class, or the table of one, is about facts of computers, sites and subnets.
    pub(crate) fn is_of_facts(&self, class: &DataClassName) -> bool {
        self.names.facts.iter().any(|one| one.guid == class.guid)
    }
}

/// Lets the world catch up with what the table of a class shows.
pub(crate) fn catch_up(
    store: &mut Store,
    rules: &Rules,
    class: &DataClassName,
) -> Result<(), AsdkError> {
    let names = &rules.names;
    if class.guid == names.client_task {
        life::live(store, rules)?;
        life::settle_agents(store, rules)
    } else if class.guid == names.sources.guid {
        life::live(store, rules)
    } else if class.guid == names.load.guid {
        jobs::measure(store, rules)
    } else if rules.is_of_facts(class) {
        life::report(store, rules)
    } else {
        Ok(())
    }
}

impl World {
    /// `GetDataClassesForResourceType`: the data classes of a type; those of its bases too.
    pub fn data_classes(&self, type_guid: Guid) -> Result<Vec<DataClass>, AsdkError> {
        self.resource_type(type_guid)?;
        let mut all: Vec<&DataClassName> = self.rules().data_classes.iter().collect();
        all.retain(|one| self.names().derives(type_guid, one.of));
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all.into_iter()
            .map(|one| self.data_class(one.guid))
            .collect()
    }

    /// One data class.
    pub fn data_class(&self, guid: Guid) -> Result<DataClass, AsdkError> {
        let found = self
            .rules()
            .data_class(guid)
            .ok_or_else(|| AsdkError::DoesNotExist(format!("data class {guid}")))?;
        Ok(DataClass {
            guid,
            name: found.name.clone(),
            table: found.table.clone(),
            fields: found.fields.clone(),
        })
    }

    /// Finds a data class by its GUID in text, or by its name without regard to case.
    #[must_use]
    pub fn find_data_class(&self, name_or_guid: &str) -> Option<Guid> {
        let rules = self.rules();
        if let Ok(guid) = name_or_guid.parse::<Guid>() {
            return rules.data_class(guid).map(|one| one.guid);
        }
        let wanted = name_or_guid.trim().to_lowercase();
        let mut all = rules.data_classes.iter();
        all.find(|one| one.name.to_lowercase() == wanted)
            .map(|one| one.guid)
    }

    /// `GetDataClassData`, `GetDataClassRows`: the rows of a data class for a resource.
    pub fn data_class_rows(&self, class: Guid, resource: Guid) -> Result<Vec<DataRow>, AsdkError> {
        let class = self
            .rules()
            .data_class(class)
            .ok_or_else(|| AsdkError::DoesNotExist(format!("data class {class}")))?;
        self.resource(resource)?;
        self.read(|store, rules| {
            if class.guid == rules.names.site_membership {
                return generic_rows(store, class.guid, resource);
            }
            if rules.has(Switch::FactsNotReadable) && rules.is_of_facts(class) {
                return Ok(Vec::new());
            }
            catch_up(store, rules, class)?;
            let columns = class
                .fields
                .iter()
                .map(|field| format!("CAST([{field}] AS TEXT)"))
                .collect::<Vec<_>>()
                .join(", ");
            let mut statement = store.db.prepare_cached(&format!(
                "SELECT {columns} FROM [{}] WHERE _ResourceGuid = ?1",
                class.table
            ))?;
            let rows = statement.query_map(params![resource], |row| {
                class
                    .fields
                    .iter()
                    .enumerate()
                    .map(|(index, field)| Ok((field.clone(), row.get(index)?)))
                    .collect::<rusqlite::Result<DataRow>>()
            })?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
        })
    }

    /// `SaveDataClass`, `SaveDataClassRows`: writes rows of a data class; inventory classes are not the caller's to write.
    pub fn save_data_class_rows(
        &self,
        class: Guid,
        resource: Guid,
        rows: Vec<DataRow>,
        action: RowAction,
    ) -> Result<(), AsdkError> {
        self.data_class(class)?;
        self.resource(resource)?;
        self.write(Write::Rows {
            class,
            resource,
            rows,
            action,
        })
    }
}

fn generic_rows(store: &Store, class: Guid, resource: Guid) -> Result<Vec<DataRow>, AsdkError> {
    let mut statement = store.db.prepare_cached(
        "SELECT Fields FROM sim_row WHERE DataClass = ?1 AND Resource = ?2 ORDER BY Position",
    )?;
    let rows = statement.query_map(params![class, resource], |row| row.get::<_, String>(0))?;
    let mut all = Vec::new();
    for text in rows {
        all.push(
            serde_json::from_str(&text?).map_err(|error| AsdkError::Internal(error.to_string()))?,
        );
    }
    Ok(all)
}
