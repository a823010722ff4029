//! Keys: names, GUIDs and roles, normalised when they are read.
//!
//! Pure. Two names are equal when the SMP takes them for the same: without regard to case.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A name folded to the form in which the SMP compares names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(Arc<str>);

impl NameKey {
    /// Folds the case of `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_lowercase().into())
    }

    /// The folded text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name as somebody spelt it; equality, order and hash go by its [`NameKey`].
#[derive(Debug, Clone)]
pub struct Name {
    text: Arc<str>,
    key: NameKey,
}

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is no character in it, or only blanks.
    #[error("expected a name, found nothing")]
    Empty,
    /// More characters than the SMP takes.
    #[error("expected a name of at most 250 characters, found {0}")]
    TooLong(usize),
    /// A character that no console shows.
    #[error("expected a name without control characters, found U+{:04X}", u32::from(*.0))]
    Control(char),
    /// Blanks at either end, which the console would cut off.
    #[error("expected a name without blanks at its ends")]
    Blank,
}

impl Name {
    /// Takes a name that is already known to the server, as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            key: NameKey::new(text),
        }
    }

    /// Takes a name that somebody declares: 1 to 250 characters without control characters.
    pub fn declared(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if text.trim().is_empty() {
            return Err(NameError::Empty);
        }
        if let Some(found) = text.chars().find(|c| c.is_control()) {
            return Err(NameError::Control(found));
        }
        if length > 250 {
            return Err(NameError::TooLong(length));
        }
        if text.trim() != text {
            return Err(NameError::Blank);
        }
        Ok(Self::new(text))
    }

    /// The spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What is compared.
    #[must_use]
    pub fn key(&self) -> &NameKey {
        &self.key
    }

    /// The part before the first dot: the host name of a fully qualified one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text.split('.').next().unwrap_or(&self.text)
    }

    /// The part after the first dot, where there is one.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.text.split_once('.').map(|(_, domain)| domain)
    }

    /// Whether both may name one computer: they are equal, or one is the other's host name.
    #[must_use]
    pub fn names_same(&self, other: &Self) -> bool {
        self == other
            || ((self.domain().is_none() || other.domain().is_none())
                && NameKey::new(self.host()) == NameKey::new(other.host()))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for Name {}
impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}
impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

impl schemars::JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A name of 1 to 250 characters, compared without regard to case",
            "minLength": 1,
            "maxLength": 250
        })
    }
}

/// A GUID; braces and case are gone once it is read. Displayed in lower case without braces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(u128);

/// A text that is no GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a GUID such as `493435f7-3b17-4c4c-b07f-c23e7ab7781f`, found `{0}`")]
pub struct GuidError(String);

impl Guid {
    /// The empty GUID, with which the SMP says "none".
    pub const NIL: Self = Self(0);

    /// Makes a GUID of 128 bits.
    #[must_use]
    pub const fn from_u128(value: u128) -> Self {
        Self(value)
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// Whether this is the empty GUID.
    #[must_use]
    pub fn is_nil(self) -> bool {
        self.0 == 0
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, GuidError> {
        let wrong = || GuidError(text.chars().take(80).collect());
        let bare = text.trim();
        let bare = match (bare.strip_prefix('{'), bare.strip_suffix('}')) {
            (Some(_), Some(_)) => &bare[1..bare.len() - 1],
            (None, None) => bare,
            _ => return Err(wrong()),
        };
        if bare.len() != 36 {
            return Err(wrong());
        }
        let mut value = 0_u128;
        for (position, byte) in bare.bytes().enumerate() {
            if matches!(position, 8 | 13 | 18 | 23) {
                if byte != b'-' {
                    return Err(wrong());
                }
            } else {
                let digit = char::from(byte).to_digit(16).ok_or_else(wrong)?;
                value = value << 4 | u128::from(digit);
            }
        }
        Ok(Self(value))
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (first, rest) = hex.split_at(8);
        let (second, rest) = rest.split_at(4);
        let (third, rest) = rest.split_at(4);
        let (fourth, last) = rest.split_at(4);
        write!(f, "{first}-{second}-{third}-{fourth}-{last}")
    }
}
impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
impl schemars::JsonSchema for Guid {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Guid".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A GUID, with or without braces, in any case",
            "pattern": r"^\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?$"
        })
    }
}

/// What a site server can do; a server's roles are its installed site services (article 001).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Package service: holds packages and images.
    Package,
    /// Task service: hands tasks to agents.
    Task,
    /// Network boot service (PXE).
    NetworkBoot,
    /// Monitor service.
    Monitor,
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of `package`, `task`, `networkBoot`, `monitor`, found `{0}`")]
pub struct RoleError(pub String);

impl Role {
    /// Every role, in the order in which they are listed to people.
    pub const ALL: [Self; 4] = [Self::Package, Self::Task, Self::NetworkBoot, Self::Monitor];

    /// The spelling in manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Task => "task",
            Self::NetworkBoot => "networkBoot",
            Self::Monitor => "monitor",
        }
    }

    /// The name of the service in the console.
    #[must_use]
    pub const fn service(self) -> &'static str {
        match self {
            Self::Package => "Package Service",
            Self::Task => "Task Service",
            Self::NetworkBoot => "Network Boot Service",
            Self::Monitor => "Monitor Service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| RoleError(text.into()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_are_equal_without_regard_to_case() {
        assert_eq!(Name::new("Deployment_Site"), Name::new("deployment_SITE"));
        assert_eq!(Name::new("ÄRZTE"), Name::new("ärzte"));
        assert_eq!(Name::new("HQ").to_string(), "HQ");
    }

    #[test]
    fn declared_names_have_limits() {
        assert_eq!(Name::declared(""), Err(NameError::Empty));
        assert_eq!(Name::declared(" a"), Err(NameError::Blank));
        assert_eq!(Name::declared("a\u{7}"), Err(NameError::Control('\u{7}')));
        assert_eq!(
            Name::declared(&"é".repeat(251)),
            Err(NameError::TooLong(251))
        );
        assert!(Name::declared(&"é".repeat(250)).is_ok());
    }

    #[test]
    fn guids_lose_braces_and_case() {
        let plain: Guid = "493435f7-3b17-4c4c-b07f-c23e7ab7781f".parse().unwrap();
        let braced: Guid = "{493435F7-3B17-4C4C-B07F-C23E7AB7781F}".parse().unwrap();
        assert_eq!(plain, braced);
        assert_eq!(braced.to_string(), "493435f7-3b17-4c4c-b07f-c23e7ab7781f");
        for wrong in [
            "",
            "{}",
            "493435f7",
            "{493435f7-3b17-4c4c-b07f-c23e7ab7781f",
            "493435f7-3b17-4c4c-b07f-c23e7ab7781é",
        ] {
            assert!(wrong.parse::<Guid>().is_err(), "{wrong}");
        }
    }
}
