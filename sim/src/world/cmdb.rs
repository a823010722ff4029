//! The CMDB as the services see it: types, resources, associations.
//!
//! I/O: the world's database. Reads are scoped to what the account may see; writes are judged as the SMP would and then
//! kept, or not, as the switches say. Data classes, items, packages, tasks and reports are in files of their own.

use super::guid::Guid;
use super::names::Role;
use super::options::Switch;
use super::records::{AsdkError, Relationship, Resource, ResourceType, Side};
use super::scope;
use super::store;
use super::writes::Write;
use super::{Store, World};
use rusqlite::{OptionalExtension, Row, ToSql, params};

/// The columns of [`resource`], from a table `i`.
const RESOURCE: &str =
    "i.Guid, i.Name, i.Description, i.ResourceTypeGuid, i.CreatedDate, i.ModifiedDate";

fn resource(row: &Row<'_>) -> rusqlite::Result<Resource> {
    Ok(Resource {
        guid: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        type_guid: row.get(3)?,
        created: row.get(4)?,
        modified: row.get(5)?,
    })
}

fn resources(store: &Store, rest: &str, values: &[&dyn ToSql]) -> Result<Vec<Resource>, AsdkError> {
    let mut statement = store.db.prepare_cached(&format!(
        "SELECT {RESOURCE} FROM {rest}{}",
        scope::seen("i.Guid")
    ))?;
    let rows = statement.query_map(values, resource)?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
}

impl World {
    /// `GetLastStuctureChangeTimestamp`: when types last changed, as `xs:dateTime`.
    #[must_use]
    pub fn structure_changed(&self) -> String {
        store::meta(&self.lock().db, "structure changed")
            .ok()
            .flatten()
            .unwrap_or_default()
    }

    /// `GetResourceStructureList`: all resource types.
    #[must_use]
    pub fn resource_types(&self) -> Vec<ResourceType> {
        self.names()
            .types()
            .into_iter()
            .map(|one| ResourceType {
                guid: one.guid,
                name: one.name.clone(),
                base: one.base,
            })
            .collect()
    }

    /// `GetResourceStructure`: one resource type.
    pub fn resource_type(&self, guid: Guid) -> Result<ResourceType, AsdkError> {
        self.resource_types()
            .into_iter()
            .find(|one| one.guid == guid)
            .ok_or_else(|| AsdkError::DoesNotExist(format!("resource type {guid}")))
    }

    /// Finds a resource type by its GUID in text, or by its name without regard to case.
    #[must_use]
    pub fn find_type(&self, name_or_guid: &str) -> Option<Guid> {
        if let Ok(guid) = name_or_guid.parse::<Guid>() {
            return self.resource_type(guid).ok().map(|one| one.guid);
        }
        let wanted = name_or_guid.trim().to_lowercase();
        self.resource_types()
            .into_iter()
            .find(|one| one.name.to_lowercase() == wanted)
            .map(|one| one.guid)
    }

    /// `GetRelationshipsForResourceType`: the association types that have this type as parent (or as child); those of its bases too.
    pub fn relationships(
        &self,
        type_guid: Guid,
        as_parent: bool,
    ) -> Result<Vec<Relationship>, AsdkError> {
        self.resource_type(type_guid)?;
        let names = self.names();
        Ok(names
            .associations()
            .into_iter()
            .filter(|one| {
                names.derives(
                    type_guid,
                    if as_parent {
                        one.parent_type
                    } else {
                        one.child_type
                    },
                )
            })
            .map(|one| Relationship {
                guid: one.guid,
                name: one.name.clone(),
                parent_type: one.parent_type,
                child_type: one.child_type,
            })
            .collect())
    }

    /// `GetResourcesOfType`: the resources of a type and of the types derived from it.
    pub fn resources_of_type(&self, type_guid: Guid) -> Result<Vec<Resource>, AsdkError> {
        self.resource_type(type_guid)?;
        self.read(|store, rules| {
            let names = &rules.names;
            let mut all = Vec::new();
            for one in names.types() {
                let wanted = if rules.has(Switch::DerivedTypesApart) {
                    one.guid == type_guid
                } else {
                    names.derives(one.guid, type_guid)
                };
                if wanted {
                    all.extend(resources(
                        store,
                        "Item i WHERE i.ResourceTypeGuid = ?1",
                        &[&one.guid],
                    )?);
                }
            }
            Ok(all)
        })
    }

    /// `GetResource`: one resource.
    pub fn resource(&self, guid: Guid) -> Result<Resource, AsdkError> {
        self.read(|store, _| {
            resources(
                store,
                "Item i WHERE i.Guid = ?1 AND i.ResourceTypeGuid IS NOT NULL",
                &[&guid],
            )?
            .into_iter()
            .next()
            .ok_or_else(|| AsdkError::DoesNotExist(format!("resource {guid}")))
        })
    }

    /// `GetResourceByName`: the resource of a type (derived types included) by name; the empty GUID for none.
    pub fn find_resource(&self, name: &str, type_guid: Guid) -> Result<Guid, AsdkError> {
        self.read(|store, rules| {
            let exact = rules.has(Switch::NameCaseSensitive);
            let found = resources(
                store,
                "Item i WHERE i.Name = ?1 AND i.ResourceTypeGuid IS NOT NULL",
                &[&name],
            )?;
            Ok(found
                .into_iter()
                .filter(|one| {
                    rules.names.derives(one.type_guid, type_guid) && (!exact || one.name == name)
                })
                .min_by(|a, b| a.created.cmp(&b.created).then(a.guid.cmp(&b.guid)))
                .map_or(Guid::EMPTY, |one| one.guid))
        })
    }

    /// `GetResourceByContext`: the resources of a type whose name is LIKE a pattern; `strict` leaves derived types out.
    pub fn resources_like(
        &self,
        type_guid: Guid,
        pattern: &str,
        strict: bool,
    ) -> Result<Vec<Resource>, AsdkError> {
        self.read(|store, rules| {
            let found = resources(
                store,
                "Item i WHERE i.Name LIKE ?1 AND i.ResourceTypeGuid IS NOT NULL",
                &[&pattern],
            )?;
            Ok(found
                .into_iter()
                .filter(|one| {
                    one.type_guid == type_guid
                        || (!strict && rules.names.derives(one.type_guid, type_guid))
                })
                .collect())
        })
    }

    /// `GetComputerByNameAndDomain`: a computer by host name and domain (any domain where it is empty); the empty GUID for none.
    pub fn computer(&self, name: &str, domain: &str) -> Result<Guid, AsdkError> {
        let full = if domain.is_empty() || name.contains('.') {
            name.to_owned()
        } else {
            format!("{name}.{domain}")
        };
        self.read(|store, rules| {
            Ok(store::computer(&store.db, &rules.names, &full)?.unwrap_or(Guid::EMPTY))
        })
    }

    /// `GetAssociatedParentResources`, `GetAssociatedChildResources`.
    ///
    /// `type_argument` is the type of the resources to return, or of the one given, as the seed decides; resources of
    /// derived types count. The wrong one finds nothing, as a filter does.
    pub fn associated(
        &self,
        type_argument: Guid,
        given: Guid,
        association: Guid,
        side: Side,
    ) -> Result<Vec<Resource>, AsdkError> {
        self.read(|store, rules| {
            let names = &rules.names;
            if !names.associations().into_iter().any(|one| one.guid == association) {
                return Err(AsdkError::DoesNotExist(format!("association type {association}")));
            }
            let (own, other) = match side {
                Side::Parents => ("ChildResourceGuid", "ParentResourceGuid"),
                Side::Children => ("ParentResourceGuid", "ChildResourceGuid"),
            };
            if !names.type_argument_returns {
                let of: Option<Guid> = store
                    .db
                    .prepare_cached("SELECT ResourceTypeGuid FROM Item WHERE Guid = ?1")?
                    .query_row(params![given], |row| row.get(0))
                    .optional()?
                    .flatten();
                if !of.is_some_and(|of| names.derives(of, type_argument)) {
                    return Ok(Vec::new());
                }
            }
            let mut found = resources(store, &format!("ResourceAssociation a CROSS JOIN Item i ON i.Guid = a.{other} WHERE a.{own} = ?1 AND a.ResourceAssociationTypeGuid = ?2"),
                &[&given, &association],
            )?;
            if rules.has(Switch::DeleteLeavesAssociations) {
                found.extend(ghosts(store, own, other, given, association)?);
            }
            if names.type_argument_returns {
                found.retain(|one| names.derives(one.type_guid, type_argument) || one.name.is_empty());
            }
            Ok(found)
        })
    }

    /// `CreateNewResource`: makes a resource. An empty `guid` lets the server choose one.
    pub fn create_resource(
        &self,
        type_guid: Guid,
        guid: Guid,
        name: &str,
        description: &str,
    ) -> Result<Resource, AsdkError> {
        self.resource_type(type_guid)?;
        let guid = if guid.is_empty() || self.has(Switch::SuppliedGuidIgnored) {
            let mut store = self.lock();
            store.flush(self.rules());
            let kind = store::kind_of(self.names(), type_guid);
            store::peek(&store.db, self.rules().seed, kind, name)?
        } else {
            guid
        };
        let description = if self.has(Switch::DescriptionNotKept) {
            ""
        } else {
            description
        };
        self.write(Write::Create {
            guid,
            type_guid,
            name: name.to_owned(),
            description: description.to_owned(),
        })?;
        let now = self.time();
        Ok(Resource {
            guid,
            name: name.to_owned(),
            description: description.to_owned(),
            type_guid,
            created: now.clone(),
            modified: now,
        })
    }

    /// `SaveResource`: changes name and description of a resource; `None` leaves one as it is.
    pub fn save_resource(
        &self,
        guid: Guid,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<(), AsdkError> {
        self.write(Write::Save {
            guid,
            name: name.map(str::to_owned),
            description: description
                .filter(|_| !self.has(Switch::DescriptionNotKept))
                .map(str::to_owned),
        })
    }

    /// `DeleteResource`.
    pub fn delete_resource(&self, guid: Guid) -> Result<(), AsdkError> {
        self.write(Write::Delete { guid })
    }

    /// `FormAssociation`.
    pub fn form(
        &self,
        association: Guid,
        parent: Guid,
        children: &[Guid],
    ) -> Result<(), AsdkError> {
        self.write(Write::Form {
            association,
            parent,
            children: children.to_vec(),
        })
    }

    /// `BreakAssociation`.
    pub fn break_(
        &self,
        association: Guid,
        parent: Guid,
        children: &[Guid],
    ) -> Result<(), AsdkError> {
        self.write(Write::Break {
            association,
            parent,
            children: children.to_vec(),
        })
    }

    /// The roles of the site services on a computer, as the server knows them.
    #[must_use]
    pub fn roles(&self, computer: Guid) -> Vec<Role> {
        let mut store = self.lock();
        store
            .topology(self.rules())
            .map(|topology| topology.roles(computer))
            .unwrap_or_default()
    }
}

/// Partners of associations that were deleted: what is left of them is their GUID.
fn ghosts(
    store: &Store,
    own: &str,
    other: &str,
    given: Guid,
    association: Guid,
) -> Result<Vec<Resource>, AsdkError> {
    let mut statement = store.db.prepare_cached(&format!(
        "SELECT a.{other} FROM ResourceAssociation a LEFT JOIN Item i ON i.Guid = a.{other}
         WHERE a.{own} = ?1 AND a.ResourceAssociationTypeGuid = ?2 AND i.Guid IS NULL"
    ))?;
    let rows = statement.query_map(params![given, association], |row| {
        Ok(Resource {
            guid: row.get(0)?,
            name: String::new(),
            description: String::new(),
            type_guid: Guid::EMPTY,
            created: String::new(),
            modified: String::new(),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
}
