//! GUIDs as the simulator keeps them: 128 bits, printed in one canonical form.
//!
//! Pure. Turns text in any of the forms that callers use (braces, any case) into [`Guid`] and back into the lower-case
//! form without braces, which is also how every GUID stands in the database, so that joins in reports work.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use std::fmt;
use std::str::FromStr;

/// A GUID. Its `Display` form is lower case, with hyphens, without braces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(u128);

/// Text that is no GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a GUID, found `{0}`")]
pub struct GuidError(pub String);

impl Guid {
    /// The empty GUID, which services use for "none".
    pub const EMPTY: Guid = Guid(0);

    /// Builds a GUID from 16 bytes and marks it as a random one (version 4), as the SMP's own are.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Guid {
        let raw = u128::from_be_bytes(bytes);
        let version = (raw & !(0xf_u128 << 76)) | (4_u128 << 76);
        Guid((version & !(0x3_u128 << 62)) | (0x2_u128 << 62))
    }

    /// Says whether this is the empty GUID.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Gives the number behind the GUID, for choices that hang on it.
    #[must_use]
    pub fn number(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut at = 0;
        for (index, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                at += 1;
            }
            text[at] = DIGITS[usize::from(byte >> 4)];
            text[at + 1] = DIGITS[usize::from(byte & 15)];
            at += 2;
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Guid, GuidError> {
        let error = || GuidError(text.to_owned());
        let trimmed = text.trim();
        let inner = match trimmed.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}').ok_or_else(error)?,
            None => trimmed,
        };
        let bytes = inner.as_bytes();
        if bytes.len() != 36 {
            return Err(error());
        }
        let mut raw: u128 = 0;
        for (index, byte) in bytes.iter().enumerate() {
            let digit = match byte {
                b'-' if matches!(index, 8 | 13 | 18 | 23) => continue,
                _ if matches!(index, 8 | 13 | 18 | 23) => return Err(error()),
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                _ => return Err(error()),
            };
            raw = (raw << 4) | u128::from(digit);
        }
        Ok(Guid(raw))
    }
}

impl ToSql for Guid {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.to_string()))
    }
}

impl FromSql for Guid {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Guid> {
        value
            .as_str()?
            .parse()
            .map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn reads_braces_and_any_case_and_prints_one_form() {
        let guid: Guid = "{493435F7-3b17-4c4c-B07F-c23e7ab7781f}".parse().unwrap();
        assert_eq!(guid.to_string(), "493435f7-3b17-4c4c-b07f-c23e7ab7781f");
        assert_eq!(
            Guid::EMPTY.to_string(),
            "00000000-0000-0000-0000-000000000000"
        );
        for bad in [
            "",
            "{493435f7-3b17-4c4c-b07f-c23e7ab7781f",
            "493435f73b174c4cb07fc23e7ab7781f",
            "x93435f7-3b17-4c4c-b07f-c23e7ab7781f",
        ] {
            assert!(bad.parse::<Guid>().is_err(), "{bad}");
        }
    }
}
