//! `ASDK.NS/ItemManagementService`: items by name, item XML, folders.
//!
//! Pure: builds calls and parses answers.

use std::io::BufRead;

use super::answer;
use super::request::MethodCall;
use super::xml::{AnswerError, Xml};
use crate::model::Guid;
use crate::profile::ServiceName;

const SERVICE: ServiceName = ServiceName::ItemManagement;

/// What is read of `ItemDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) guid: Guid,
    pub(crate) name: String,
}

pub(crate) fn get_items_by_name(name: &str) -> MethodCall {
    MethodCall::new(SERVICE, "GetItemsByName", vec![("itemName", name.into())])
}

pub(crate) fn get_item_by_guid(item: Guid) -> MethodCall {
    MethodCall::new(SERVICE, "GetItemByGuid", vec![("itemGuid", item.into())])
}

pub(crate) fn export_item_xml_string(item: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "ExportItemXmlString",
        vec![("itemGuid", item.into())],
    )
}

pub(crate) fn rename_item(item: Guid, name: &str) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "RenameItem",
        vec![("itemGuid", item.into()), ("newName", name.into())],
    )
}

/// Takes over the XML of an item that is there.
pub(crate) fn import_item_xml_string(xml: &str) -> MethodCall {
    MethodCall::new(SERVICE, "ImportItemXmlString", vec![("xml", xml.into())])
}

pub(crate) fn create_folder(name: &str, parent: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "CreateFolder",
        vec![
            ("folderName", name.into()),
            ("parentFolderGuid", parent.into()),
        ],
    )
}

fn item([guid, name]: [Option<String>; 2]) -> Result<Option<Item>, AnswerError> {
    let Some(guid) = guid.filter(|guid| !guid.trim().is_empty()) else {
        return Ok(None);
    };
    let guid: Guid = guid
        .parse()
        .map_err(|error| AnswerError::value("Guid", &error))?;
    Ok((!guid.is_nil()).then(|| Item {
        guid,
        name: name.unwrap_or_default(),
    }))
}

/// Reads one `ItemDetails`; `None` where the structure is empty.
pub(crate) fn item_details(
    body: &mut dyn BufRead,
    method: &str,
) -> Result<Option<Item>, AnswerError> {
    let mut xml = Xml::new(body);
    if !answer::enter(&mut xml, method)? {
        return Ok(None);
    }
    let found = answer::fields(&mut xml, ["Guid", "Name"])?;
    xml.finish()?;
    item(found)
}

/// Reads a list of `ItemDetails`.
pub(crate) fn items(body: &mut dyn BufRead, method: &str) -> Result<Vec<Item>, AnswerError> {
    let mut xml = Xml::new(body);
    let mut found = Vec::new();
    if !answer::enter(&mut xml, method)? {
        return Ok(found);
    }
    let depth = xml.depth();
    while xml.child(depth)? {
        if xml.nil() {
            xml.skip()?;
            continue;
        }
        found.extend(item(answer::fields(&mut xml, ["Guid", "Name"])?)?);
    }
    xml.finish()?;
    Ok(found)
}

/// Reads the string of an export as it came, every byte of it; an empty one is `None`.
pub(crate) fn exact_string(
    body: &mut dyn BufRead,
    method: &str,
) -> Result<Option<String>, AnswerError> {
    Ok(answer::scalar(body, method)?.filter(|text| !text.trim().is_empty()))
}

/// Reads the XML that is escaped inside a string; an empty one is `None`.
pub(crate) fn xml_string(
    body: &mut dyn BufRead,
    method: &str,
) -> Result<Option<String>, AnswerError> {
    Ok(answer::scalar(body, method)?
        .map(|text| text.trim_start_matches('\u{feff}').trim().to_owned())
        .filter(|text| !text.is_empty()))
}
