//! Writes of the services as data, judged as the SMP would judge them; what they do, at once or late, is in `effects`.
//!
//! I/O: the world's database. A judged write does not fail when it is applied.

use super::Rules;
use super::Store;
use super::guid::Guid;
use super::names::AssociationName;
use super::options::Switch;
use super::origin::ours;
use super::records::{AsdkError, Assignment, DataRow, RowAction};
use super::scope;
use super::store;
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
    /// The targeted pair "prevent downloads"; what is `None` stays.
    Prevent {
        targets: Option<Vec<Guid>>,
        from_platform: Option<bool>,
        from_outside: Option<bool>,
    },
    /// Keeps the XML of an item as it was imported, after what it changes.
    Imported {
        guid: Guid,
        xml: String,
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

pub(super) fn association(rules: &Rules, guid: Guid) -> Result<&AssociationName, AsdkError> {
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
    judge_for(store, rules, write, true)
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
        if scoped && scope::hides(db, guid)? {
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
        Write::Prevent { targets, .. } => {
            targets
                .iter()
                .flatten()
                .try_for_each(|one| match exists(*one)? {
                    found if rules.names.derives(found, rules.names.site.guid) => Ok(()),
                    found => expect_type(rules, found, rules.names.computer.guid),
                })
        }
        Write::Imported { .. } => Ok(()),
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

fn kept(db: &Connection, association: Guid, parent: Guid, child: Guid) -> Result<bool, AsdkError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM ResourceAssociation WHERE ResourceAssociationTypeGuid = ?1 AND ParentResourceGuid = ?2 AND ChildResourceGuid = ?3",
        )?
        .exists(params![association, parent, child])?)
}
