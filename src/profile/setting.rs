//! Where settings stand in item XML, and what their values mean.
//!
//! Pure: data. Paths are those of `path`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::is_operator;
use super::{ItemPath, Standing};
use crate::model::Guid;

/// Where settings stand in item XML.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Constrain to Site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub constrain_to_site: Option<Setting>,
    /// DS Global Settings, Default Target: the GUID of the package server's computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_target: Option<Setting>,
    /// The packages that a Deploy Image task uses: package GUIDs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_packages: Option<Setting>,
}

/// One setting: in which item, where in its XML, and what its values mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Setting {
    /// Whose XML holds it: a GUID, `site` for every site's own item, `task` for the task's own item. It and `path` may
    /// be left out only where the standing is `unknown` or `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub item: Option<SettingItem>,
    /// Where in the XML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub path: Option<ItemPath>,
    /// The value that means on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// The value that means off; left out: nothing at the path means off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

impl Setting {
    /// Whose XML holds it and where, as far as that may be read.
    #[must_use]
    pub fn place(&self) -> Option<(SettingItem, &ItemPath)> {
        if !self.standing.reads() {
            return None;
        }
        Some((self.item?, self.path.as_ref()?))
    }
}

/// Whose XML holds a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingItem {
    /// The item of the site in question.
    Site,
    /// The item of the task in question.
    Task,
    /// One item for all.
    Item(Guid),
}

impl Serialize for SettingItem {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Site => serializer.serialize_str("site"),
            Self::Task => serializer.serialize_str("task"),
            Self::Item(guid) => guid.serialize(serializer),
        }
    }
}
impl<'de> Deserialize<'de> for SettingItem {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.trim() {
            "site" => Ok(Self::Site),
            "task" => Ok(Self::Task),
            other => other.parse().map(Self::Item).map_err(|_| {
                serde::de::Error::custom(format!(
                    "expected a GUID, `site` or `task`, found `{other}`"
                ))
            }),
        }
    }
}
