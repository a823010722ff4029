//! Items as XML, and back: the only way to a few settings, in a layout that the seed decides.
//!
//! Reads the world's database. Turns an item into the XML that `ExportItemXmlString` answers, and the XML given to
//! `ImportItemXmlString` into the writes that it amounts to. What it does not know it leaves alone.

use super::guid::Guid;
use super::names::SettingLayout;
use super::records::{AsdkError, ItemDetails};
use super::store;
use super::writes::Write;
use super::{Rules, Store};
use quick_xml::escape::escape;
use rusqlite::params;
use std::fmt::Write as _;

/// A guid as item XML writes it, which the seed decides.
fn guid_text(rules: &Rules, guid: Guid) -> String {
    if rules.seed.flip("item xml", "braces") {
        format!("{{{}}}", guid.to_string().to_uppercase())
    } else {
        guid.to_string()
    }
}

/// Writes an item as XML.
pub(crate) fn export(
    store: &Store,
    rules: &Rules,
    item: &ItemDetails,
) -> Result<String, AsdkError> {
    let names = &rules.names;
    let mut xml = String::new();
    let _ = write!(
        xml,
        "<{root} guid=\"{guid}\" classGuid=\"{class}\" typeName=\"{long}\"><name>{name}</name><description>{description}</description><attributes>{attributes}</attributes>",
        root = names.item_root,
        guid = guid_text(rules, item.guid),
        class = guid_text(rules, item.type_guid),
        long = escape(item.long_type_name.as_str()),
        name = escape(item.name.as_str()),
        description = escape(item.description.as_str()),
        attributes = escape(item.attributes.as_str()),
    );
    let type_guid = super::writes::type_of(&store.db, item.guid)?;
    let available = store::meta(&store.db, "constrain unavailable")?.is_none();
    if type_guid == Some(names.site.guid) && names.constrain.item.is_none() && available {
        let on = constrained(store, item.guid)?;
        xml.push_str(&nested(
            &names.constrain,
            &[(None, switch(&names.constrain, on).to_owned())],
        ));
    }
    if names.constrain.item == Some(item.guid) && available {
        let mut entries = Vec::new();
        let mut statement = store
            .db
            .prepare_cached("SELECT s.Guid, s.Constrained FROM sim_site s CROSS JOIN Item i ON i.Guid = s.Guid ORDER BY i.Name, s.Guid")?;
        for row in statement.query_map([], |row| {
            Ok((row.get::<_, Guid>(0)?, row.get::<_, bool>(1)?))
        })? {
            let (site, on) = row?;
            entries.push((
                Some(guid_text(rules, site)),
                switch(&names.constrain, on).to_owned(),
            ));
        }
        xml.push_str(&nested(&names.constrain, &entries));
    }
    if names.capture_target.item == Some(item.guid) {
        let target = store::meta(&store.db, "capture target")?.and_then(|text| text.parse().ok());
        let value = target.map_or_else(String::new, |target| guid_text(rules, target));
        xml.push_str(&nested(&names.capture_target, &[(None, value)]));
    }
    if item.type_name == "DeploymentTask" {
        let mut statement = store.db.prepare_cached(
            "SELECT Package FROM sim_task_package WHERE Task = ?1 ORDER BY Position",
        )?;
        let mut entries = Vec::new();
        for package in statement.query_map(params![item.guid], |row| row.get::<_, Guid>(0))? {
            entries.push((None, guid_text(rules, package?)));
        }
        xml.push_str(&nested(&names.task_packages, &entries));
    }
    if item.type_name == "NSDataSrcBasedReport" {
        let sql: String = store.db.query_row(
            "SELECT Sql FROM sim_report WHERE Guid = ?1",
            params![item.guid],
            |row| row.get(0),
        )?;
        let _ = write!(xml, "<query>{}</query>", escape(sql.as_str()));
    }
    let _ = write!(xml, "</{}>", names.item_root);
    Ok(xml)
}

fn switch(layout: &SettingLayout, on: bool) -> &'static str {
    if on { layout.on } else { layout.off }
}

fn constrained(store: &Store, site: Guid) -> Result<bool, AsdkError> {
    Ok(store
        .db
        .prepare_cached("SELECT 1 FROM sim_site WHERE Guid = ?1 AND Constrained = 1")?
        .exists(params![site])?)
}

/// Writes the elements of a setting below the root: containers once, the last element once a value.
fn nested(layout: &SettingLayout, entries: &[(Option<String>, String)]) -> String {
    let mut xml = String::new();
    let Some((last, containers)) = layout.path.get(1..).and_then(<[&str]>::split_last) else {
        return xml;
    };
    for one in containers {
        let _ = write!(xml, "<{one}>");
    }
    for (guid, value) in entries {
        let _ = write!(xml, "<{last}");
        if let Some(guid) = guid {
            let _ = write!(xml, " guid=\"{guid}\"");
        }
        match layout.attribute {
            Some(attribute) => {
                let _ = write!(xml, " {attribute}=\"{}\"/>", escape(value.as_str()));
            }
            None => {
                let _ = write!(xml, ">{}</{last}>", escape(value.as_str()));
            }
        }
    }
    for one in containers.iter().rev() {
        let _ = write!(xml, "</{one}>");
    }
    xml
}

/// Reads the values of a setting: the `guid` of the last element, and the value.
fn values(layout: &SettingLayout, root: roxmltree::Node<'_, '_>) -> Vec<(Option<Guid>, String)> {
    let mut nodes = vec![root];
    for step in layout.path.iter().skip(1) {
        nodes = nodes
            .into_iter()
            .flat_map(|node| {
                node.children()
                    .filter(|child| child.is_element() && child.tag_name().name() == *step)
            })
            .collect();
    }
    nodes
        .into_iter()
        .map(|node| {
            let guid = node
                .attribute("guid")
                .and_then(|text| text.parse().ok())
                .filter(|_| layout.by_site);
            let value = match layout.attribute {
                Some(attribute) => node.attribute(attribute).unwrap_or_default().to_owned(),
                None => node.text().unwrap_or_default().trim().to_owned(),
            };
            (guid, value)
        })
        .collect()
}

/// Reads the XML of an item that is there, and says what it changes.
pub(crate) fn import(store: &Store, rules: &Rules, xml: &str) -> Result<Vec<Write>, AsdkError> {
    let names = &rules.names;
    let invalid = |text: String| AsdkError::InvalidParameter(text);
    let document = roxmltree::Document::parse(xml)
        .map_err(|error| invalid(format!("the XML does not read: {error}")))?;
    let root = document.root_element();
    if root.tag_name().name() != names.item_root {
        return Err(invalid(format!(
            "expected `{}`, found `{}`",
            names.item_root,
            root.tag_name().name()
        )));
    }
    let guid: Guid = root
        .attribute("guid")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("the item has no guid".to_owned()))?;
    let item = super::items::items(store, rules, "i.Guid = ?1", &[&guid])?
        .into_iter()
        .next()
        .ok_or_else(|| AsdkError::DoesNotExist(format!("item {guid}")))?;
    let mut writes = Vec::new();
    let type_guid = super::writes::type_of(&store.db, guid)?;
    if type_guid.is_some() {
        let child = |name: &str| {
            root.children()
                .find(|node| node.tag_name().name() == name)
                .map(|node| node.text().unwrap_or_default().to_owned())
        };
        let (name, description) = (child("name"), child("description"));
        if name.as_ref().is_some_and(|name| *name != item.name)
            || description
                .as_ref()
                .is_some_and(|text| *text != item.description)
        {
            writes.push(Write::Save {
                guid,
                name,
                description,
            });
        }
    }
    let parse = |value: &str| match value {
        _ if value.eq_ignore_ascii_case(names.constrain.on) => Ok(true),
        _ if value.eq_ignore_ascii_case(names.constrain.off) => Ok(false),
        _ => Err(AsdkError::InvalidParameter(format!(
            "expected `{}` or `{}`, found `{value}`",
            names.constrain.on, names.constrain.off
        ))),
    };
    let carries_own = type_guid == Some(names.site.guid) && names.constrain.item.is_none();
    if carries_own || names.constrain.item == Some(guid) {
        for (site, value) in values(&names.constrain, root) {
            let site = if carries_own { Some(guid) } else { site };
            if let Some(site) = site {
                writes.push(Write::Constrain {
                    site,
                    on: parse(&value)?,
                });
            }
        }
    }
    if names.capture_target.item == Some(guid) {
        for (_, value) in values(&names.capture_target, root) {
            let server = if value.is_empty() {
                None
            } else {
                Some(
                    value
                        .parse()
                        .map_err(|_| invalid(format!("expected a GUID, found `{value}`")))?,
                )
            };
            writes.push(Write::CaptureTarget { server });
        }
    }
    if item.type_name == "DeploymentTask" {
        let packages = values(&names.task_packages, root)
            .into_iter()
            .map(|(_, value)| {
                value
                    .parse()
                    .map_err(|_| invalid(format!("expected a GUID, found `{value}`")))
            })
            .collect::<Result<Vec<Guid>, _>>()?;
        writes.push(Write::TaskPackages {
            task: guid,
            packages,
        });
    }
    Ok(writes)
}
