//! Items as the services see them: find, export and import as XML, rename, delete, folders, hierarchy.
//!
//! I/O: the world's database. Sites, subnets, computers and packages are items too, with the GUID of their resource.

use super::World;
use super::guid::Guid;
use super::item_xml;
use super::languages::say;
use super::options::Switch;
use super::records::{AsdkError, ItemDetails};
use super::scope;
use super::store::{self, NewItem};
use super::writes::Write;
use rusqlite::{Connection, Row, ToSql, params};

fn details(row: &Row<'_>) -> rusqlite::Result<ItemDetails> {
    let type_name: String = row.get(3)?;
    Ok(ItemDetails {
        guid: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        schedulable: type_name == "DeploymentTask" || type_name == "AgentInstallPolicy",
        type_name,
        long_type_name: row.get(4)?,
        type_guid: row.get(5)?,
        folder: row.get::<_, Option<Guid>>(6)?.unwrap_or_default(),
        folder_name: row.get::<_, Option<String>>(7)?.unwrap_or_default(),
        attributes: row.get(8)?,
        enabled: row.get(9)?,
    })
}

pub(super) fn items(
    db: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<ItemDetails>, AsdkError> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT i.Guid, i.Name, i.Description, c.Type, c.LongType, c.Guid, i.ParentFolderGuid, f.Name, i.Attributes, i.Enabled
         FROM Item i JOIN ItemClass c ON c.Guid = i.ClassGuid LEFT JOIN Item f ON f.Guid = i.ParentFolderGuid
         WHERE {condition}{} ORDER BY i.Name, i.Guid",
        scope::seen("i.Guid")
    ))?;
    let rows = statement.query_map(values, details)?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
}

impl World {
    /// `ItemExists`.
    pub fn item_exists(&self, guid: Guid) -> Result<bool, AsdkError> {
        self.read(|store, _| Ok(!items(&store.db, "i.Guid = ?1", &[&guid])?.is_empty()))
    }

    /// `GetItemByGuid`.
    pub fn item(&self, guid: Guid) -> Result<ItemDetails, AsdkError> {
        self.read(|store, _| {
            items(&store.db, "i.Guid = ?1", &[&guid])?
                .into_iter()
                .next()
                .ok_or_else(|| AsdkError::DoesNotExist(format!("item {guid}")))
        })
    }

    /// `GetItemsByName`: the exact name, without regard to case unless a switch says otherwise.
    pub fn items_by_name(&self, name: &str) -> Result<Vec<ItemDetails>, AsdkError> {
        self.read(|store, rules| {
            let mut found = items(&store.db, "i.Name = ?1", &[&name])?;
            if rules.has(Switch::NameCaseSensitive) {
                found.retain(|one| one.name == name);
            }
            Ok(found)
        })
    }

    /// `GetItemsByType`: the exact short type name.
    pub fn items_by_type(&self, type_name: &str) -> Result<Vec<ItemDetails>, AsdkError> {
        self.read(|store, _| items(&store.db, "c.Type = ?1", &[&type_name]))
    }

    /// `GetItemsByNameAndType`: LIKE with %; the type fully qualified unless wildcarded.
    pub fn items_by_name_and_type(
        &self,
        name: &str,
        type_name: &str,
    ) -> Result<Vec<Guid>, AsdkError> {
        let name = if name.is_empty() { "%" } else { name };
        let type_name = if type_name.is_empty() { "%" } else { type_name };
        self.read(|store, _| {
            let found = items(
                &store.db,
                "i.Name LIKE ?1 AND c.LongType LIKE ?2",
                &[&name, &type_name],
            )?;
            Ok(found.into_iter().map(|one| one.guid).collect())
        })
    }

    /// `ExportItemXmlString`.
    pub fn export_item_xml(&self, guid: Guid) -> Result<String, AsdkError> {
        let details = self.item(guid)?;
        self.read(|store, rules| item_xml::export(&store.db, rules, &details))
    }

    /// `ImportItemXmlString`: takes the settings that it knows from the XML of an item that is there.
    pub fn import_item_xml(&self, xml: &str) -> Result<(), AsdkError> {
        let write = {
            let mut store = self.lock();
            store.flush(self.rules());
            item_xml::import(&store.db, self.rules(), xml)?
        };
        if self.has(Switch::ItemXmlImportIgnored) {
            return Ok(());
        }
        self.write(write)
    }

    /// `DeleteItem`: reports and folders, and resources as [`World::delete_resource`] does.
    pub fn delete_item(&self, guid: Guid) -> Result<(), AsdkError> {
        let details = self.item(guid)?;
        match details.type_name.as_str() {
            "Resource" => self.delete_resource(guid),
            "NSDataSrcBasedReport" | "PresentationFolder" => {
                let store = self.lock();
                let inside: i64 = store.db.query_row(
                    "SELECT COUNT(*) FROM Item WHERE ParentFolderGuid = ?1",
                    params![guid],
                    |row| row.get(0),
                )?;
                if inside > 0 {
                    return Err(AsdkError::InvalidParameter(format!(
                        "the folder {guid} holds {inside} items"
                    )));
                }
                super::effects::delete(&store.db, self.rules(), guid)
            }
            _ => Err(AsdkError::InsufficientPermission(format!(
                "item {guid} is not deleted this way"
            ))),
        }
    }

    /// `RenameItem`.
    pub fn rename_item(&self, guid: Guid, name: &str) -> Result<(), AsdkError> {
        let details = self.item(guid)?;
        if details.type_name == "Resource" {
            if self.has(Switch::RenameIgnored) {
                return Ok(());
            }
            return self.save_resource(guid, Some(name), None);
        }
        let store = self.lock();
        store.db.execute(
            "UPDATE Item SET Name = ?2 WHERE Guid = ?1",
            params![guid, name],
        )?;
        Ok(())
    }

    /// `EnablePolicyItem`, `DisablePolicyItem`.
    pub fn enable_policy(&self, guid: Guid, on: bool) -> Result<(), AsdkError> {
        self.write(Write::Enable { guid, on })
    }

    /// `CreateFolder`.
    pub fn create_folder(&self, name: &str, parent: Guid) -> Result<ItemDetails, AsdkError> {
        let guid = {
            let store = self.lock();
            let guid = store::draw(&store.db, self.rules().seed, "folder", name)?;
            let now = store.clock.text();
            let item = NewItem {
                guid,
                class: "folder",
                name,
                folder: Some(parent).filter(|parent| !parent.is_empty()),
                ..NewItem::default()
            };
            item.insert(&store.db, self.rules().seed, &now)?;
            guid
        };
        self.item(guid)
    }

    /// `GetActionsForItem`: the actions that an item offers to an account that may write it, or only read it.
    pub fn item_actions(
        &self,
        guid: Guid,
        writes: bool,
    ) -> Result<Vec<(Guid, &'static str)>, AsdkError> {
        let details = self.item(guid)?;
        let ours = super::origin::ours(&self.lock().db, guid).is_ok();
        let mut all = vec!["Open"];
        if writes && ours {
            all.extend(["Rename", "Import"]);
            if details.type_name != "CoreSettingsItem" {
                all.push("Delete");
            }
        }
        let rules = self.rules();
        Ok(all
            .into_iter()
            .map(|name| {
                (
                    rules.seed.guid("action", name, 0),
                    say(rules.language, name),
                )
            })
            .collect())
    }

    /// `IsHierarchyMember`: whether the server has a parent or children.
    pub fn is_hierarchy_member(&self) -> Result<bool, AsdkError> {
        self.read(|store, _| {
            Ok(store::meta(&store.db, "parent")?.is_some()
                || store::meta(&store.db, "children")?.is_some_and(|all| !all.is_empty()))
        })
    }
}
