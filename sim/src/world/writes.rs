//! Writes of the services as data: first judged as the SMP would judge them, then applied, at once or late.
//!
//! I/O: the world's database. A judged write does not fail when it is applied.

use super::Rules;
use super::Store;
use super::guid::Guid;
use super::names::AssociationName;
use super::options::Switch;
use super::origin::ours;
use super::records::{AsdkError, Assignment, DataRow, RowAction};
use super::store::{self, NewItem};
use rusqlite::{Connection, OptionalExtension, params};

/// A write.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Create {
        guid: Guid,
        type_guid: Guid,
        name: String,
        description: String,
    },
    Save {
        guid: Guid,
        name: Option<String>,
        description: Option<String>,
    },
    Delete {
        guid: Guid,
    },
    Form {
        association: Guid,
        parent: Guid,
        children: Vec<Guid>,
    },
    Break {
        association: Guid,
        parent: Guid,
        children: Vec<Guid>,
    },
    Rows {
        class: Guid,
        resource: Guid,
        rows: Vec<DataRow>,
        action: RowAction,
    },
    Constrain {
        site: Guid,
        on: bool,
    },
    CaptureTarget {
        server: Option<Guid>,
    },
    TaskPackages {
        task: Guid,
        packages: Vec<Guid>,
    },
    PackageServers {
        package: Guid,
        assignment: Assignment,
        automatic: bool,
        targets: Vec<Guid>,
        location: String,
    },
    Enable {
        guid: Guid,
        on: bool,
    },
    Several(Vec<Write>),
}

/// Reads the resource type of a resource.
pub(crate) fn type_of(db: &Connection, guid: Guid) -> Result<Option<Guid>, AsdkError> {
    Ok(db
        .prepare_cached("SELECT ResourceTypeGuid FROM Item WHERE Guid = ?1")?
        .query_row(params![guid], |row| row.get(0))
        .optional()?
        .flatten())
}

fn association(rules: &Rules, guid: Guid) -> Result<&AssociationName, AsdkError> {
    rules
        .names
        .associations()
        .into_iter()
        .find(|one| one.guid == guid)
        .ok_or_else(|| AsdkError::DoesNotExist(format!("association type {guid}")))
}

fn check_name(rules: &Rules, type_guid: Guid, name: &str) -> Result<(), AsdkError> {
    if name.is_empty() || name.chars().count() > 250 || name.chars().any(char::is_control) {
        return Err(AsdkError::InvalidParameter(format!(
            "expected a name of 1 to 250 characters, found `{name}`"
        )));
    }
    if type_guid == rules.names.subnet.guid && super::select::network(name).is_none() {
        return Err(AsdkError::InvalidParameter(format!(
            "expected a subnet such as 192.168.0.0/24, found `{name}`"
        )));
    }
    Ok(())
}

/// Says whether `InvalidSubnets` matches a subnet.
pub(crate) fn invalid_subnet(db: &Connection, name: &str) -> Result<bool, AsdkError> {
    let Some(pattern) = store::meta(db, "invalid subnets")? else {
        return Ok(false);
    };
    let pattern =
        regex::Regex::new(&pattern).map_err(|error| AsdkError::Internal(error.to_string()))?;
    Ok(pattern.is_match(name))
}

/// Judges a write of the account that calls the services: what the SMP would refuse, and why.
pub(crate) fn judge(store: &Store, rules: &Rules, write: &Write) -> Result<(), AsdkError> {
    judge_for(store, rules, write, rules.has(Switch::ScopedRights))
}

/// Judges a write of an administrator, who sees everything.
pub(crate) fn judge_as_administrator(
    store: &Store,
    rules: &Rules,
    write: &Write,
) -> Result<(), AsdkError> {
    judge_for(store, rules, write, false)
}

#[expect(clippy::too_many_lines, reason = "one arm a kind of write")]
fn judge_for(store: &Store, rules: &Rules, write: &Write, scoped: bool) -> Result<(), AsdkError> {
    let db = &store.db;
    let exists = |guid: Guid| -> Result<Guid, AsdkError> {
        let found = type_of(db, guid)?
            .ok_or_else(|| AsdkError::DoesNotExist(format!("resource {guid}")))?;
        if scoped && hidden(db, guid)? {
            return Err(AsdkError::InsufficientPermission(format!(
                "resource {guid}"
            )));
        }
        Ok(found)
    };
    match write {
        Write::Create {
            guid,
            type_guid,
            name,
            description,
        } => {
            check_name(rules, *type_guid, name)?;
            check_description(description)?;
            if type_of(db, *guid)?.is_some() {
                return Err(AsdkError::InvalidParameter(format!(
                    "a resource {guid} exists already"
                )));
            }
            if !rules.has(Switch::NamesNotUnique) && store::by_name(db, *type_guid, name)?.is_some()
            {
                return Err(AsdkError::InvalidParameter(format!(
                    "a resource named `{name}` exists already"
                )));
            }
            if *type_guid == rules.names.subnet.guid && invalid_subnet(db, name)? {
                return Err(AsdkError::InvalidParameter(format!(
                    "the subnet `{name}` is not allowed by InvalidSubnets"
                )));
            }
            Ok(())
        }
        Write::Save {
            guid,
            name,
            description,
        } => {
            let type_guid = exists(*guid)?;
            ours(db, *guid)?;
            if let Some(name) = name {
                check_name(rules, type_guid, name)?;
                let other = store::by_name(db, type_guid, name)?;
                if !rules.has(Switch::NamesNotUnique) && other.is_some_and(|other| other != *guid) {
                    return Err(AsdkError::InvalidParameter(format!(
                        "a resource named `{name}` exists already"
                    )));
                }
            }
            check_description(description.as_deref().unwrap_or_default())
        }
        Write::Delete { guid } => {
            let type_guid = exists(*guid)?;
            ours(db, *guid)?;
            if rules
                .names
                .derives(type_guid, rules.names.site_service.guid)
                || rules.names.derives(type_guid, rules.names.computer.guid)
            {
                return Err(AsdkError::InsufficientPermission(
                    "computers and site services are not deleted this way".to_owned(),
                ));
            }
            Ok(())
        }
        Write::Form {
            association: guid,
            parent,
            children,
        }
        | Write::Break {
            association: guid,
            parent,
            children,
        } => {
            let of = association(rules, *guid)?;
            let check = |guid: Guid, wanted: Guid| -> Result<(), AsdkError> {
                let found = exists(guid)?;
                ours(db, guid)?;
                if rules.names.derives(found, wanted)
                    || rules.has(Switch::AssociationTypesUnchecked)
                {
                    Ok(())
                } else {
                    Err(AsdkError::InvalidType(format!(
                        "expected a resource of type {wanted}, found {guid} of type {found}"
                    )))
                }
            };
            if children.is_empty() {
                return Err(AsdkError::InvalidParameter("no children given".to_owned()));
            }
            check(*parent, of.parent_type)?;
            for child in children {
                check(*child, of.child_type)?;
                if matches!(write, Write::Break { .. })
                    && rules.has(Switch::BreakAnswersMissing)
                    && !kept(db, *guid, *parent, *child)?
                {
                    return Err(AsdkError::DoesNotExist(format!(
                        "association of {parent} and {child}"
                    )));
                }
            }
            if *guid == rules.names.service_to_computer.guid {
                return Err(AsdkError::InsufficientPermission(
                    "site services are installed by their policies".to_owned(),
                ));
            }
            Ok(())
        }
        Write::Rows {
            class, resource, ..
        } => {
            exists(*resource)?;
            ours(db, *resource)?;
            if *class != rules.names.site_membership {
                return Err(AsdkError::InsufficientPermission(
                    "inventory is written by agents".to_owned(),
                ));
            }
            Ok(())
        }
        Write::Constrain { site, .. } => {
            if store::meta(db, "constrain unavailable")?.is_some() {
                return Err(AsdkError::InvalidParameter(
                    "Constrain to Site is not available here".to_owned(),
                ));
            }
            ours(db, *site)?;
            expect_type(rules, exists(*site)?, rules.names.site.guid)
        }
        Write::CaptureTarget { server } => match server {
            Some(server) => expect_type(rules, exists(*server)?, rules.names.computer.guid),
            None => Ok(()),
        },
        Write::TaskPackages { packages, .. } => packages
            .iter()
            .try_for_each(|one| expect_type(rules, exists(*one)?, rules.names.package.guid)),
        Write::PackageServers {
            package,
            assignment,
            automatic,
            targets,
            ..
        } => {
            expect_type(rules, exists(*package)?, rules.names.package.guid)?;
            ours(db, *package)?;
            if *automatic && *assignment != Assignment::Site {
                return Err(AsdkError::InvalidParameter(
                    "AutomaticSiteAssignment is valid with AssignmentType 2 only".to_owned(),
                ));
            }
            let wanted = match assignment {
                Assignment::Site => rules.names.site.guid,
                Assignment::Individually => rules.names.computer.guid,
                Assignment::All => return Ok(()),
            };
            targets
                .iter()
                .try_for_each(|one| expect_type(rules, exists(*one)?, wanted))
        }
        Write::Enable { guid, .. } => {
            let found: Option<Guid> = db
                .query_row(
                    "SELECT Guid FROM Item WHERE Guid = ?1",
                    params![guid],
                    |row| row.get(0),
                )
                .optional()?;
            found
                .map(|_| ())
                .ok_or_else(|| AsdkError::DoesNotExist(format!("item {guid}")))
        }
        Write::Several(all) => all
            .iter()
            .try_for_each(|one| judge_for(store, rules, one, scoped)),
    }
}

fn check_description(description: &str) -> Result<(), AsdkError> {
    if description.chars().count() > 4000 {
        return Err(AsdkError::InvalidParameter(
            "expected a description of up to 4000 characters".to_owned(),
        ));
    }
    Ok(())
}

fn expect_type(rules: &Rules, found: Guid, wanted: Guid) -> Result<(), AsdkError> {
    if rules.names.derives(found, wanted) {
        Ok(())
    } else {
        Err(AsdkError::InvalidType(format!(
            "expected a resource of type {wanted}, found one of type {found}"
        )))
    }
}

fn hidden(db: &Connection, guid: Guid) -> Result<bool, AsdkError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM sim_hidden WHERE Guid = ?1")?
        .exists(params![guid])?)
}

fn kept(db: &Connection, association: Guid, parent: Guid, child: Guid) -> Result<bool, AsdkError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = ?1 AND ParentResourceGuid = ?2 AND ChildResourceGuid = ?3",
        )?
        .exists(params![association, parent, child])?)
}

/// Applies a write that was judged.
#[expect(clippy::too_many_lines, reason = "one arm a kind of write")]
pub(crate) fn apply(
    db: &Connection,
    rules: &Rules,
    write: &Write,
    now: &str,
) -> Result<(), AsdkError> {
    match write {
        Write::Create {
            guid,
            type_guid,
            name,
            description,
        } => {
            let item = NewItem {
                guid: *guid,
                class: "resource",
                name,
                description,
                resource_type: Some(*type_guid),
                ..NewItem::default()
            };
            item.insert(db, rules.seed, now)?;
            store::count(db, store::kind_of(&rules.names, *type_guid), name)?;
            if *type_guid == rules.names.site.guid {
                db.execute("INSERT INTO sim_site VALUES (?1, 0)", params![guid])?;
            }
        }
        Write::Save {
            guid,
            name,
            description,
        } => {
            db.prepare_cached("UPDATE Item SET Name = COALESCE(?2, Name), Description = COALESCE(?3, Description), ModifiedDate = ?4 WHERE Guid = ?1")?
                .execute(params![guid, name, description, now])?;
        }
        Write::Delete { guid } => delete(db, rules, *guid)?,
        Write::Form {
            association: of,
            parent,
            children,
        } => {
            let of = association(rules, *of)?;
            for child in children {
                form(db, rules, of, *parent, *child, now)?;
            }
        }
        Write::Break {
            association: of,
            parent,
            children,
        } => {
            for child in children {
                db.prepare_cached(
                    "DELETE FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = ?1 AND ParentResourceGuid = ?2 AND ChildResourceGuid = ?3",
                )?
                .execute(params![of, parent, child])?;
            }
        }
        Write::Rows {
            class,
            resource,
            rows,
            action,
        } => write_rows(db, *class, *resource, rows, *action)?,
        Write::Constrain { site, on } => {
            db.execute(
                "INSERT OR REPLACE INTO sim_site VALUES (?1, ?2)",
                params![site, on],
            )?;
        }
        Write::CaptureTarget { server } => {
            store::set_meta(
                db,
                "capture target",
                server.map(|one| one.to_string()).as_deref(),
            )?;
        }
        Write::TaskPackages { task, packages } => {
            db.execute(
                "DELETE FROM sim_task_package WHERE Task = ?1",
                params![task],
            )?;
            for (position, package) in packages.iter().enumerate() {
                db.execute(
                    "INSERT INTO sim_task_package VALUES (?1, ?2, ?3)",
                    params![task, i64::try_from(position).unwrap_or(0), package],
                )?;
            }
        }
        Write::PackageServers {
            package,
            assignment,
            automatic,
            targets,
            location,
        } => {
            db.execute(
                "UPDATE sim_package SET Assignment = ?2, Automatic = ?3, ServerLocation = ?4 WHERE Guid = ?1",
                params![package, assignment.word(), automatic, location],
            )?;
            db.execute(
                "DELETE FROM sim_package_target WHERE Package = ?1",
                params![package],
            )?;
            for target in targets {
                db.execute(
                    "INSERT OR IGNORE INTO sim_package_target VALUES (?1, ?2)",
                    params![package, target],
                )?;
            }
        }
        Write::Enable { guid, on } => {
            db.execute(
                "UPDATE Item SET Enabled = ?2, ModifiedDate = ?3 WHERE Guid = ?1",
                params![guid, on, now],
            )?;
        }
        Write::Several(all) => {
            for one in all {
                apply(db, rules, one, now)?;
            }
        }
    }
    Ok(())
}

/// Keeps an association, unless a switch says that this alone is not enough.
pub(crate) fn form(
    db: &Connection,
    rules: &Rules,
    of: &AssociationName,
    parent: Guid,
    child: Guid,
    now: &str,
) -> Result<(), AsdkError> {
    let names = &rules.names;
    let (first, second) = if of.target_is_parent {
        (child, parent)
    } else {
        (parent, child)
    };
    let not_enough = (of.guid == names.subnet_to_site.guid
        && rules.has(Switch::AssociationNotEnough))
        || (of.guid == names.server_to_site.guid && rules.has(Switch::ServerAssociationNotEnough));
    if not_enough
        && !db
            .prepare_cached("SELECT 1 FROM sim_row WHERE DataClass = ?1 AND Resource = ?2")?
            .exists(params![names.site_membership, first])?
    {
        return Ok(());
    }
    if of.replaces {
        let column = if of.target_is_parent {
            "ChildResourceGuid"
        } else {
            "ParentResourceGuid"
        };
        db.prepare_cached(&format!(
            "DELETE FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = ?1 AND {column} = ?2"
        ))?
        .execute(params![of.guid, first])?;
    }
    store::associate(db, of, first, second, now)?;
    Ok(())
}

/// Deletes a resource and what hangs on it.
pub(crate) fn delete(db: &Connection, rules: &Rules, guid: Guid) -> Result<(), AsdkError> {
    if !rules.has(Switch::DeleteLeavesAssociations) {
        db.prepare_cached("DELETE FROM ResourceAssociation WHERE ParentResourceGuid = ?1")?
            .execute(params![guid])?;
        db.prepare_cached("DELETE FROM ResourceAssociation WHERE ChildResourceGuid = ?1")?
            .execute(params![guid])?;
    }
    for statement in [
        "DELETE FROM Item WHERE Guid = ?1",
        "DELETE FROM sim_site WHERE Guid = ?1",
        "DELETE FROM sim_row WHERE Resource = ?1",
        "DELETE FROM sim_package WHERE Guid = ?1",
        "DELETE FROM sim_package_target WHERE Package = ?1 OR Target = ?1",
        "DELETE FROM sim_task_package WHERE Package = ?1 OR Task = ?1",
        "DELETE FROM SWDPackage WHERE PackageId = ?1",
        "DELETE FROM SWDPackageCodebase WHERE PackageId = ?1",
        "DELETE FROM sim_report WHERE Guid = ?1",
        "DELETE FROM sim_task WHERE Guid = ?1",
        "DELETE FROM sim_origin WHERE Guid = ?1",
    ] {
        db.prepare_cached(statement)?.execute(params![guid])?;
    }
    db.prepare_cached(&format!(
        "DELETE FROM SWDPackageServer WHERE {} = ?1",
        rules.names.evidence.package
    ))?
    .execute(params![guid])?;
    let sources = &rules.names.sources;
    db.prepare_cached(&format!(
        "DELETE FROM [{}] WHERE [{}] = ?1",
        sources.table, sources.package
    ))?
    .execute(params![guid])?;
    Ok(())
}

fn write_rows(
    db: &Connection,
    class: Guid,
    resource: Guid,
    rows: &[DataRow],
    action: RowAction,
) -> Result<(), AsdkError> {
    let texts = rows
        .iter()
        .map(|row| {
            serde_json::to_string(row).map_err(|error| AsdkError::Internal(error.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if action == RowAction::Delete {
        for text in &texts {
            db.execute(
                "DELETE FROM sim_row WHERE DataClass = ?1 AND Resource = ?2 AND Fields = ?3",
                params![class, resource, text],
            )?;
        }
        return Ok(());
    }
    if action == RowAction::Replace {
        db.execute(
            "DELETE FROM sim_row WHERE DataClass = ?1 AND Resource = ?2",
            params![class, resource],
        )?;
    }
    for text in &texts {
        db.execute(
            "INSERT INTO sim_row SELECT ?1, ?2, COALESCE(MAX(Position), 0) + 1, ?3 FROM sim_row WHERE DataClass = ?1 AND Resource = ?2",
            params![class, resource, text],
        )?;
    }
    Ok(())
}
