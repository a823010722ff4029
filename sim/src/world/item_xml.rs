//! Items as XML, and back: the only way to a few settings, in a layout that the seed decides.
//!
//! I/O: the world's database. Turns an item into the XML that `ExportItemXmlString` answers, and the XML given to
//! `ImportItemXmlString` into the writes that it amounts to. What was imported goes out again byte for byte, until
//! something else changes what the item says.

use super::Rules;
use super::guid::Guid;
use super::item_saves::{Saves, show};
use super::names::SettingLayout;
use super::prevention::Prevention;
use super::records::{AsdkError, ItemDetails};
use super::scope;
use super::store;
use super::writes::Write;
use quick_xml::escape::escape;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A guid as item XML writes it, which the seed decides.
fn guid_text(rules: &Rules, guid: Guid) -> String {
    if rules.seed.flip("item xml", "braces") {
        format!("{{{}}}", guid.to_string().to_uppercase())
    } else {
        guid.to_string()
    }
}

/// Writes an item as XML: as it was imported, where it still says the same.
pub(crate) fn export(
    db: &Connection,
    rules: &Rules,
    item: &ItemDetails,
) -> Result<String, AsdkError> {
    let said = content(db, rules, item)?;
    let kept: Option<String> = db
        .prepare_cached("SELECT Xml FROM sim_item_xml WHERE Guid = ?1 AND Content = ?2")?
        .query_row(params![item.guid, said], |row| row.get(0))
        .optional()?;
    let saves = Saves::read(db, item.guid)?;
    Ok(show(rules, kept.unwrap_or(said), &saves))
}

/// Keeps XML as it was imported, beside what the item says after that.
pub(crate) fn keep(db: &Connection, rules: &Rules, guid: Guid, xml: &str) -> Result<(), AsdkError> {
    let found = super::items::items(db, "i.Guid = ?1", &[&guid])?;
    if let Some(item) = found.first() {
        let said = content(db, rules, item)?;
        db.execute(
            "INSERT OR REPLACE INTO sim_item_xml VALUES (?1, ?2, ?3)",
            params![guid, said, xml],
        )?;
    }
    Ok(())
}

/// Writes what an item says, always the same for the same.
fn content(db: &Connection, rules: &Rules, item: &ItemDetails) -> Result<String, AsdkError> {
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
    let type_guid = super::writes::type_of(db, item.guid)?;
    let available = store::meta(db, "constrain unavailable")?.is_none();
    if type_guid == Some(names.site.guid) && names.constrain.item.is_none() && available {
        let on = constrained(db, item.guid)?;
        xml.push_str(&nested(
            &names.constrain,
            &[(None, switch(&names.constrain, on).to_owned())],
        ));
    }
    if names.constrain.item == Some(item.guid) && available {
        let mut entries = Vec::new();
        let mut statement = db
            .prepare_cached(&format!(
                "SELECT s.Guid, s.Constrained FROM sim_site s CROSS JOIN Item i ON i.Guid = s.Guid WHERE 1 = 1{} ORDER BY i.Name, s.Guid",
                scope::seen("s.Guid")
            ))?;
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
        let target = store::meta(db, "capture target")?.and_then(|text| text.parse().ok());
        let value = target.map_or_else(String::new, |target| guid_text(rules, target));
        xml.push_str(&nested(&names.capture_target, &[(None, value)]));
    }
    if names.prevent.item == item.guid {
        let state = Prevention::read(db)?;
        let targets: Vec<_> = state
            .targets
            .iter()
            .map(|target| (None, guid_text(rules, *target)))
            .collect();
        xml.push_str(&nested(&names.prevent.targets, &targets));
        xml.push_str(&pair([
            (&names.prevent.from_platform, state.from_platform),
            (&names.prevent.from_outside, state.from_outside),
        ]));
    }
    if item.type_name == "DeploymentTask" {
        let mut statement = db.prepare_cached(
            "SELECT Package FROM sim_task_package WHERE Task = ?1 ORDER BY Position",
        )?;
        let mut entries = Vec::new();
        for package in statement.query_map(params![item.guid], |row| row.get::<_, Guid>(0))? {
            entries.push((None, guid_text(rules, package?)));
        }
        xml.push_str(&nested(&names.task_packages, &entries));
    }
    if item.type_name == "NSDataSrcBasedReport" {
        let sql: String = db.query_row(
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

fn constrained(db: &Connection, site: Guid) -> Result<bool, AsdkError> {
    Ok(db
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

/// Writes two switches that stand in one container, as its attributes or as elements in it.
fn pair(both: [(&SettingLayout, bool); 2]) -> String {
    let container = both[0].0.path.get(1).copied().unwrap_or_default();
    let mut xml = format!("<{container}");
    for (layout, on) in both {
        if let Some(attribute) = layout.attribute {
            let _ = write!(xml, " {attribute}=\"{}\"", switch(layout, on));
        }
    }
    xml.push('>');
    for (layout, on) in both {
        if let (None, Some(element)) = (layout.attribute, layout.path.get(2)) {
            let _ = write!(xml, "<{element}>{}</{element}>", switch(layout, on));
        }
    }
    let _ = write!(xml, "</{container}>");
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

/// Reads a switch.
fn parse(layout: &SettingLayout, value: &str) -> Result<bool, AsdkError> {
    match value {
        _ if value.eq_ignore_ascii_case(layout.on) => Ok(true),
        _ if value.eq_ignore_ascii_case(layout.off) => Ok(false),
        _ => Err(AsdkError::InvalidParameter(format!(
            "expected `{}` or `{}`, found `{value}`",
            layout.on, layout.off
        ))),
    }
}

fn guid_of(value: &str) -> Result<Guid, AsdkError> {
    value
        .parse()
        .map_err(|_| AsdkError::InvalidParameter(format!("expected a GUID, found `{value}`")))
}

/// Reads the XML of an item that is there, and says what it changes.
pub(crate) fn import(db: &Connection, rules: &Rules, xml: &str) -> Result<Write, AsdkError> {
    let invalid = |text: String| AsdkError::InvalidParameter(text);
    let document = roxmltree::Document::parse(xml)
        .map_err(|error| invalid(format!("the XML does not read: {error}")))?;
    let root = document.root_element();
    if root.tag_name().name() != rules.names.item_root {
        return Err(invalid(format!(
            "expected `{}`, found `{}`",
            rules.names.item_root,
            root.tag_name().name()
        )));
    }
    let guid: Guid = root
        .attribute("guid")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("the item has no guid".to_owned()))?;
    let item = super::items::items(db, "i.Guid = ?1", &[&guid])?
        .into_iter()
        .next()
        .ok_or_else(|| AsdkError::DoesNotExist(format!("item {guid}")))?;
    let is_resource = super::writes::type_of(db, guid)?.is_some();
    let child = |name: &str| {
        root.children()
            .find(|node| node.tag_name().name() == name)
            .map(|node| node.text().unwrap_or_default().to_owned())
    };
    let (name, description) = (child("name"), child("description"));
    let mut writes = Vec::new();
    if name.as_ref().is_some_and(|name| *name != item.name)
        || description
            .as_ref()
            .is_some_and(|text| *text != item.description)
    {
        if !is_resource {
            return Err(invalid(format!(
                "`{}` is neither renamed nor described this way",
                item.name
            )));
        }
        writes.push(Write::Save {
            guid,
            name,
            description,
        });
    }
    constrain(db, rules, guid, root, &mut writes)?;
    settings(db, rules, guid, root, &mut writes)?;
    if item.type_name == "DeploymentTask" {
        let packages = values(&rules.names.task_packages, root)
            .into_iter()
            .map(|(_, value)| guid_of(&value))
            .collect::<Result<Vec<Guid>, _>>()?;
        writes.push(Write::TaskPackages {
            task: guid,
            packages,
        });
    }
    writes.push(Write::Imported {
        guid,
        xml: xml.to_owned(),
    });
    Ok(Write::Several(writes))
}

/// Constrain to Site, of one site or of all. What stays as it is is not written: it may belong to another SMP.
fn constrain(
    db: &Connection,
    rules: &Rules,
    guid: Guid,
    root: roxmltree::Node<'_, '_>,
    writes: &mut Vec<Write>,
) -> Result<(), AsdkError> {
    let names = &rules.names;
    let is_site = super::writes::type_of(db, guid)? == Some(names.site.guid);
    let carries_own = is_site && names.constrain.item.is_none();
    if !carries_own && names.constrain.item != Some(guid) {
        return Ok(());
    }
    for (site, value) in values(&names.constrain, root) {
        let on = parse(&names.constrain, &value)?;
        let site = if carries_own { Some(guid) } else { site };
        if let Some(site) = site
            && constrained(db, site)? != on
        {
            writes.push(Write::Constrain { site, on });
        }
    }
    Ok(())
}

/// The default target, and the targeted pair.
fn settings(
    db: &Connection,
    rules: &Rules,
    guid: Guid,
    root: roxmltree::Node<'_, '_>,
    writes: &mut Vec<Write>,
) -> Result<(), AsdkError> {
    let names = &rules.names;
    if names.capture_target.item == Some(guid) {
        for (_, value) in values(&names.capture_target, root) {
            let server = match value.as_str() {
                "" => None,
                text => Some(guid_of(text)?),
            };
            writes.push(Write::CaptureTarget { server });
        }
    }
    if names.prevent.item == guid {
        let state = Prevention::read(db)?;
        let layout = &names.prevent;
        let list = layout.targets.path.get(1);
        let listed = root
            .children()
            .any(|node| Some(&node.tag_name().name()) == list);
        let targets = values(&layout.targets, root)
            .into_iter()
            .map(|(_, value)| guid_of(&value))
            .collect::<Result<BTreeSet<Guid>, _>>()?;
        let one = |layout: &SettingLayout, now: bool| -> Result<Option<bool>, AsdkError> {
            let found = values(layout, root).into_iter().next();
            let on = found.map(|(_, value)| parse(layout, &value)).transpose()?;
            Ok(on.filter(|on| *on != now))
        };
        writes.push(Write::Prevent {
            from_platform: one(&layout.from_platform, state.from_platform)?,
            from_outside: one(&layout.from_outside, state.from_outside)?,
            targets: (listed && targets != state.targets).then(|| targets.into_iter().collect()),
        });
    }
    Ok(())
}
