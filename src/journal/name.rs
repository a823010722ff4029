//! The name of a platform as part of a file name.
//!
//! Pure. Two names that the program takes for the same give the same file, also where the file system tells case
//! apart; two that differ never share one. What comes out is allowed on Windows too.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::model::NameKey;

/// Longer ones are cut and told apart by a digest: file systems take 255 bytes, and endings are added.
const LONGEST: usize = 180;

/// Names that Windows keeps for devices, whatever stands after the first dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Turns the name of a platform into the first part of its files' names: letters, digits, `-`, `_` and `.` stay,
/// everything else is percent-encoded, case is folded.
#[must_use]
pub fn file_stem(platform: &str) -> String {
    let key = NameKey::new(platform);
    let device = is_device(key.as_str().split('.').next().unwrap_or_default());
    let mut stem = String::with_capacity(key.as_str().len());
    for (position, byte) in key.as_str().bytes().enumerate() {
        // A first dot would hide the file, a first letter encoded makes a device name an ordinary one.
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_')
            || (byte == b'.' && position > 0);
        if plain && !(device && position == 0) {
            stem.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(stem, "%{byte:02X}");
        }
    }
    if stem.is_empty() {
        // No other name gives a lone percent sign.
        return "%".into();
    }
    if stem.len() > LONGEST {
        let digest = Sha256::digest(key.as_str().as_bytes());
        stem.truncate(LONGEST - 33);
        stem.push('%');
        stem.extend(hex::encode(digest).chars().take(32));
    }
    stem
}

fn is_device(base: &str) -> bool {
    let numbered = ["com", "lpt"].iter().any(|device| {
        base.strip_prefix(device)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit()))
    });
    numbered || DEVICES.contains(&base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_everywhere() {
        for (platform, expected) in [
            ("hq", "hq"),
            ("HQ", "hq"),
            ("smp-1_a.b", "smp-1_a.b"),
            ("sim:flat-lan", "sim%3Aflat-lan"),
            ("a/b\\c", "a%2Fb%5Cc"),
            ("..", "%2E."),
            (".hidden", "%2Ehidden"),
            ("50%", "50%25"),
            ("Zürich", "z%C3%BCrich"),
            ("CON", "%63on"),
            ("com1.x", "%63om1.x"),
            ("com10", "com10"),
            ("", "%"),
        ] {
            assert_eq!(file_stem(platform), expected, "{platform}");
        }
    }

    #[test]
    fn long_names_stay_apart() {
        let one = file_stem(&"ü".repeat(250));
        let other = file_stem(&format!("{}x", "ü".repeat(249)));
        assert!(one.len() <= LONGEST && other.len() <= LONGEST);
        assert_ne!(one, other);
    }
}
