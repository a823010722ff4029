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
    /// Targeted Site Settings, "Prevent downloads": from whom which computers may not fetch. Read, never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prevent_downloads: Option<PreventDownloads>,
}

/// One setting: in which item, where in its XML, and what its values mean.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// What stands in the XML where nothing at the path means off: the element as the console puts it there, as the
    /// last one of its parent; `{site}` stands for the GUID of the site. Not needed for an attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insert: Option<String>,
    /// How GUIDs are spelled in the XML, where one has to be written that is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spelling: Option<Spelling>,
    /// What else in the item changes by itself whenever it is saved, such as dates and counters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub noise: Vec<ItemPath>,
    /// The operator's word that it may be written by API, as item XML; a person does it in the console otherwise.
    #[serde(default, skip_serializing_if = "is_false")]
    pub write: bool,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Targeted Site Settings, "Prevent downloads": who it is aimed at, and from whom nothing may be fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreventDownloads {
    /// The item that holds all of it; may be left out only where the standing is `unknown` or `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Guid>,
    /// Where the GUIDs of the computers stand that it is aimed at: a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub targets: Option<ItemPath>,
    /// "From the SMP".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_server: Option<ItemSwitch>,
    /// "From servers outside the site".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_outside: Option<ItemSwitch>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

impl PreventDownloads {
    /// The item, the list and both switches, as far as they may be read.
    #[must_use]
    pub fn place(&self) -> Option<(Guid, &ItemPath, &ItemSwitch, &ItemSwitch)> {
        if !self.standing.reads() {
            return None;
        }
        Some((
            self.item?,
            self.targets.as_ref()?,
            self.from_server.as_ref()?,
            self.from_outside.as_ref()?,
        ))
    }
}

/// A switch in an item that is named elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ItemSwitch {
    /// Where in the XML.
    #[schemars(with = "String")]
    pub path: ItemPath,
    /// The value that means on.
    pub on: String,
    /// The value that means off; left out: nothing at the path, and any other value, mean off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off: Option<String>,
}

/// How a server spells the GUIDs in its item XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Spelling {
    /// `8f2c…`
    Lower,
    /// `8F2C…`
    Upper,
    /// `{8f2c…}`
    LowerInBraces,
    /// `{8F2C…}`
    UpperInBraces,
}

impl Spelling {
    /// How `text` spells a GUID; `None` where it is none, or mixes cases.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let text = text.trim();
        let guid: Guid = text.parse().ok()?;
        [
            Self::Lower,
            Self::Upper,
            Self::LowerInBraces,
            Self::UpperInBraces,
        ]
        .into_iter()
        .find(|spelling| spelling.spell(guid) == text)
    }

    /// Spells a GUID.
    #[must_use]
    pub fn spell(self, guid: Guid) -> String {
        let text = guid.to_string();
        match self {
            Self::Lower => text,
            Self::Upper => text.to_uppercase(),
            Self::LowerInBraces => format!("{{{text}}}"),
            Self::UpperInBraces => format!("{{{}}}", text.to_uppercase()),
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands it over by reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

impl Setting {
    /// The values at its path in the XML of an item; `site` is the one in question.
    ///
    /// # Errors
    /// Where it is no XML, or the profile does not say where: the reason, for people.
    pub fn values(&self, xml: &str, site: Option<Guid>) -> Result<Vec<String>, String> {
        let path = self
            .path
            .as_ref()
            .ok_or("the server profile does not say where")?;
        let document = roxmltree::Document::parse(xml.trim_start_matches('\u{feff}').trim_start())
            .map_err(|error| error.to_string())?;
        Ok(path.find(&document, site).values)
    }

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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn spellings_are_told_and_kept() {
        for (text, expected) in [
            (
                "8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11",
                Some(Spelling::Lower),
            ),
            (
                "8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B11",
                Some(Spelling::Upper),
            ),
            (
                "{8f2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11}",
                Some(Spelling::LowerInBraces),
            ),
            (
                " {8F2C6B0E-5B1F-4C39-9D0C-3F6F0E6A7B11} ",
                Some(Spelling::UpperInBraces),
            ),
            ("8F2c6b0e-5b1f-4c39-9d0c-3f6f0e6a7b11", None),
            ("Yes", None),
        ] {
            assert_eq!(Spelling::of(text), expected, "{text}");
            if let Some(spelling) = expected {
                let guid: Guid = text.trim().parse().unwrap();
                assert_eq!(spelling.spell(guid), text.trim());
            }
        }
    }
}
