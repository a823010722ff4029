//! What the account that calls the services may see: what is hidden from it is silently absent from every answer.
//!
//! I/O: the world's database. The hidden objects stand in `sim_hidden`, which is empty for an account that sees all. An
//! administrator may change that while the world runs, as somebody who narrows a security role does.

use super::guid::Guid;
use super::select;
use super::store;
use super::{Rules, WorldError};
use rusqlite::{Connection, Result, params};
use std::str::FromStr;

/// A condition, begun with AND, that leaves out what is hidden.
pub(crate) fn seen(column: &str) -> String {
    format!(" AND {column} NOT IN (SELECT Guid FROM sim_hidden)")
}

/// Says whether anything is hidden at all.
pub(crate) fn narrows(db: &Connection) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM sim_hidden")?.exists([])
}

/// Says whether an object is hidden.
pub(crate) fn hides(db: &Connection, guid: Guid) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM sim_hidden WHERE Guid = ?1")?
        .exists(params![guid])
}

/// What an administrator hides the objects of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scoped {
    Sites,
    Subnets,
}

/// How many of them are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    All,
    Half,
    None,
}

impl FromStr for Scoped {
    type Err = WorldError;

    fn from_str(text: &str) -> std::result::Result<Scoped, WorldError> {
        match text {
            "sites" => Ok(Scoped::Sites),
            "subnets" => Ok(Scoped::Subnets),
            _ => Err(WorldError::Argument {
                expected: "sites or subnets".to_owned(),
                found: text.to_owned(),
            }),
        }
    }
}

impl FromStr for Share {
    type Err = WorldError;

    fn from_str(text: &str) -> std::result::Result<Share, WorldError> {
        match text {
            "all" => Ok(Share::All),
            "half" => Ok(Share::Half),
            "none" => Ok(Share::None),
            _ => Err(WorldError::Argument {
                expected: "all, half or none".to_owned(),
                found: text.to_owned(),
            }),
        }
    }
}

/// Hides a share of the sites or subnets that there are now, and shows the rest of them; says how many are hidden.
///
/// Half is rounded up and drawn from the seed by name, so that it is the same half whenever it is asked for.
pub(crate) fn hide(db: &Connection, rules: &Rules, what: Scoped, share: Share) -> Result<usize> {
    let type_guid = match what {
        Scoped::Sites => rules.names.site.guid,
        Scoped::Subnets => rules.names.subnet.guid,
    };
    db.execute(
        "DELETE FROM sim_hidden WHERE Guid IN (SELECT Guid FROM Item WHERE ResourceTypeGuid = ?1)",
        params![type_guid],
    )?;
    let mut all = named(db, &[type_guid])?;
    all.sort_by_cached_key(|(_, name)| rules.seed.number("scope", name, 0));
    let count = match share {
        Share::All => all.len(),
        Share::Half => all.len().div_ceil(2),
        Share::None => 0,
    };
    for (guid, _) in all.iter().take(count) {
        db.execute("INSERT INTO sim_hidden VALUES (?1)", params![guid])?;
    }
    Ok(count)
}

/// Hides some sites and subnets from the beginning, for the switch: one in four, and at least one subnet.
pub(crate) fn hide_some(db: &Connection, rules: &Rules) -> Result<()> {
    let names = &rules.names;
    let all = named(db, &[names.site.guid, names.subnet.guid])?;
    let mut hidden = 0;
    for (guid, name) in &all {
        if rules.seed.number("hidden", name, 0).is_multiple_of(4) {
            db.execute("INSERT INTO sim_hidden VALUES (?1)", params![guid])?;
            hidden += 1;
        }
    }
    let subnet = all.iter().find(|(_, name)| select::network(name).is_some());
    if let (0, Some((guid, _))) = (hidden, subnet) {
        db.execute("INSERT INTO sim_hidden VALUES (?1)", params![guid])?;
    }
    Ok(())
}

/// The resources of these types, the last name first.
fn named(db: &Connection, types: &[Guid]) -> Result<Vec<(Guid, String)>> {
    let mut all = Vec::new();
    for type_guid in types {
        all.extend(store::named(db, *type_guid)?);
    }
    all.sort_by(|(one, a), (other, b)| {
        b.to_lowercase().cmp(&a.to_lowercase()).then(one.cmp(other))
    });
    Ok(all)
}
