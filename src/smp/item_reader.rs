//! Reads of items: by name, by GUID, and their XML.
//!
//! I/O, through the transport.

use super::item_management::{self, Item};
use super::read_error::ReadError;
use super::reader::Reader;
use crate::model::Guid;

impl Reader {
    /// Items with a name.
    pub(crate) async fn items_named(&self, name: &str) -> Result<Vec<Item>, ReadError> {
        let call = item_management::get_items_by_name(name);
        let found = self
            .call(&call, |body| item_management::items(body, "GetItemsByName"))
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(Vec::new()),
            other => other,
        }
    }

    /// The one item with a name; `None` where there is none, or several.
    pub async fn item_named(&self, name: &str) -> Result<Option<Guid>, ReadError> {
        let found = self.items_named(name).await?;
        Ok(match found.as_slice() {
            [one] => Some(one.guid),
            _ => None,
        })
    }

    /// Whether an item exists, as far as the account may see.
    pub(crate) async fn item_exists(&self, item: Guid) -> Result<bool, ReadError> {
        Ok(self.item(item).await?.is_some())
    }

    /// The XML of an item; `None` where the item does not exist.
    pub(crate) async fn item_xml(&self, item: Guid) -> Result<Option<String>, ReadError> {
        let call = item_management::export_item_xml_string(item);
        let found = self
            .call(&call, |body| {
                item_management::xml_string(body, "ExportItemXmlString")
            })
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(None),
            other => other,
        }
    }

    /// The XML of an item, every byte as the server gave it; `None` where the item does not exist.
    pub async fn item_export(&self, item: Guid) -> Result<Option<String>, ReadError> {
        let call = item_management::export_item_xml_string(item);
        let found = self
            .call(&call, |body| {
                item_management::exact_string(body, "ExportItemXmlString")
            })
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(None),
            other => other,
        }
    }

    /// Name and GUID of an item; `None` where it does not exist.
    pub(crate) async fn item(&self, item: Guid) -> Result<Option<Item>, ReadError> {
        let call = item_management::get_item_by_guid(item);
        let found = self
            .call(&call, |body| {
                item_management::item_details(body, "GetItemByGuid")
            })
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(None),
            other => other,
        }
    }
}
