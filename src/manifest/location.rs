//! Values of `sitewright.yaml` that say where something is: text → a path, the address of an SMP.
//!
//! Pure. Nothing is looked up; an address that holds a password is refused, since addresses are shown.

use schemars::JsonSchema;

use super::decode::{Written, short};

/// A path or another text that is not empty.
#[derive(Debug, Clone)]
pub(super) struct PathText(pub(super) String);

impl JsonSchema for PathText {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "minLength": 1, "maxLength": 4000 })
    }
}
impl Written for PathText {
    const EXPECTED: &'static str = "text";
    const CODE: &'static str = "SW0203";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        if text.trim().is_empty() {
            Err(("expected text, found only blanks".into(), None))
        } else if text.len() > 4000 || text.chars().any(char::is_control) {
            Err((
                "expected text of at most 4,000 bytes without control characters".into(),
                None,
            ))
        } else {
            Ok(Self(text.into()))
        }
    }
}

/// The address of an SMP.
#[derive(Debug, Clone)]
pub(super) struct Url(pub(super) String);

impl Url {
    /// Whether what travels to it can be read on the way.
    pub(super) fn is_plain(&self) -> bool {
        self.0
            .get(..5)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"))
    }

    /// Whether it leads to this computer.
    pub(super) fn is_loopback(&self) -> bool {
        url::Url::parse(&self.0).is_ok_and(|url| match url.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        })
    }
}

impl JsonSchema for Url {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Url".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^(https?://|sim:).+$" })
    }
}
impl Written for Url {
    const EXPECTED: &'static str = "the address of an SMP";
    const CODE: &'static str = "SW0204";
    fn written(text: &str) -> Result<Self, (String, Option<String>)> {
        let expected = "expected `https://HOST`, `http://HOST` or `sim:NAME`";
        if let Some(name) = text.strip_prefix("sim:") {
            let plain = |c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '\\' | ':')
            };
            return if !name.is_empty() && name.chars().all(plain) {
                Ok(Self(text.into()))
            } else {
                Err((format!("{expected}, found `{}`", short(text)), None))
            };
        }
        match url::Url::parse(text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") || url.host().is_none() => {
                Err((format!("{expected}, found another scheme"), None))
            }
            // The address is shown in plans and logs, so that a password in it would be too.
            Ok(url) if url.password().is_some() || !url.username().is_empty() => Err((
                "expected an address without user and password, found one with them".into(),
                Some("say them under `auth`".into()),
            )),
            Ok(_) => Ok(Self(text.into())),
            Err(error) => Err((format!("{expected}, found none: {error}"), None)),
        }
    }
}
