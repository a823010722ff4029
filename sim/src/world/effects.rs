//! What a judged write does to the database: the second half of a write, without a way to refuse it.
//!
//! I/O: the world's database, in the transaction of the caller.

use super::guid::Guid;
use super::names::AssociationName;
use super::options::Switch;
use super::records::{AsdkError, DataRow, RowAction};
use super::store::{self, NewItem};
use super::writes::{Write, association};
use super::{Rules, item_saves, item_xml};
use rusqlite::{Connection, params};

/// Applies a write that was judged, and notes which items were saved by it.
pub(crate) fn apply(
    db: &Connection,
    rules: &Rules,
    write: &Write,
    now: &str,
) -> Result<(), AsdkError> {
    carry_out(db, rules, write, now)?;
    for item in item_saves::saved_by(rules, write) {
        item_saves::note(db, item, now)?;
    }
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one arm a kind of write")]
fn carry_out(db: &Connection, rules: &Rules, write: &Write, now: &str) -> Result<(), AsdkError> {
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
        Write::Prevent {
            targets,
            from_platform,
            from_outside,
        } => {
            if let Some(targets) = targets {
                db.execute("DELETE FROM sim_targeted", [])?;
                for target in targets {
                    db.execute(
                        "INSERT OR IGNORE INTO sim_targeted VALUES (?1)",
                        params![target],
                    )?;
                }
            }
            for (name, value) in [
                ("prevent from platform", from_platform),
                ("prevent from outside", from_outside),
            ] {
                if let Some(on) = value {
                    store::set_meta(db, name, on.then_some("1"))?;
                }
            }
        }
        Write::Imported { guid, xml } => item_xml::keep(db, rules, *guid, xml)?,
        Write::Several(all) => {
            for one in all {
                carry_out(db, rules, one, now)?;
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
    if not_enough(rules, of)
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

/// Says whether a switch wants a row of a data class beside an association of this type.
fn not_enough(rules: &Rules, of: &AssociationName) -> bool {
    let names = &rules.names;
    (of.guid == names.subnet_to_site.guid && rules.has(Switch::AssociationNotEnough))
        || (of.guid == names.server_to_site.guid && rules.has(Switch::ServerAssociationNotEnough))
}

/// Keeps an association as the console does: with the row that it needs beside it, where it needs one.
pub(crate) fn join(
    db: &Connection,
    rules: &Rules,
    of: &AssociationName,
    first: Guid,
    site: Guid,
    now: &str,
) -> Result<(), AsdkError> {
    if not_enough(rules, of) {
        let class = rules.names.site_membership;
        let row = membership(site);
        write_rows(
            db,
            class,
            first,
            std::slice::from_ref(&row),
            RowAction::Delete,
        )?;
        write_rows(db, class, first, &[row], RowAction::Add)?;
    }
    store::associate(db, of, first, site, now)?;
    Ok(())
}

/// Takes away the row that the console has written beside an association.
pub(crate) fn forget_row(
    db: &Connection,
    rules: &Rules,
    first: Guid,
    site: Guid,
) -> Result<(), AsdkError> {
    let class = rules.names.site_membership;
    write_rows(db, class, first, &[membership(site)], RowAction::Delete)
}

fn membership(site: Guid) -> DataRow {
    vec![
        ("Site".to_owned(), Some(site.to_string())),
        ("Source".to_owned(), Some("Console".to_owned())),
    ]
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
        "DELETE FROM sim_hidden WHERE Guid = ?1",
        "DELETE FROM sim_targeted WHERE Guid = ?1",
        "DELETE FROM sim_item_save WHERE Guid = ?1",
        "DELETE FROM sim_item_xml WHERE Guid = ?1",
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
