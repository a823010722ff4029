//! A keytab: the long-term keys of accounts, as `ktpass` and `ktutil` write them, → the key of one account.
//!
//! Pure. Reads version 2 of the format, which every program writes. Keys are zeroed when they are dropped.

use zeroize::Zeroizing;

/// The key of an account.
pub(super) struct Key {
    /// The number of the encryption type: 17 and 18 are AES with 128 and 256 bits.
    pub(super) encryption: u16,
    /// The key itself.
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// What is understood of the encryption types, the best first.
const ENCRYPTIONS: [u16; 2] = [18, 17];

struct Entry {
    principal: String,
    realm: String,
    version: u32,
    key: Key,
}

/// Finds the newest and strongest key of `account@realm`. The error says what was found instead.
pub(super) fn find(file: &[u8], account: &str, realm: &str) -> Result<Key, String> {
    let entries =
        entries(file).ok_or("expected a keytab of version 2, found none or half of one")?;
    let mut owners: Vec<String> = entries
        .iter()
        .map(|entry| format!("`{}@{}`", entry.principal, entry.realm))
        .collect();
    owners.dedup();
    let mut own: Vec<Entry> = entries
        .into_iter()
        .filter(|entry| {
            entry.principal.eq_ignore_ascii_case(account) && entry.realm.eq_ignore_ascii_case(realm)
        })
        .collect();
    if own.is_empty() {
        let found = if owners.is_empty() {
            "no keys".to_owned()
        } else {
            owners.truncate(5);
            owners.join(", ")
        };
        return Err(format!(
            "expected a key of `{account}@{realm}`, found {found}"
        ));
    }
    let newest = own.iter().map(|entry| entry.version).max();
    own.retain(|entry| Some(entry.version) == newest);
    let rank = |entry: &Entry| {
        ENCRYPTIONS
            .iter()
            .position(|known| *known == entry.key.encryption)
    };
    own.into_iter()
        .filter(|entry| rank(entry).is_some())
        .min_by_key(rank)
        .map(|entry| entry.key)
        .ok_or_else(|| {
            format!("expected an AES key of `{account}@{realm}`, found only weaker ones")
        })
}

fn entries(file: &[u8]) -> Option<Vec<Entry>> {
    let mut rest = file.strip_prefix(&[5, 2])?;
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let size = i32::from_be_bytes(take(&mut rest)?);
        let length = usize::try_from(size.unsigned_abs()).ok()?;
        let (record, after) = rest.split_at_checked(length)?;
        rest = after;
        // A negative size marks a hole that a deleted entry left.
        if size > 0 {
            entries.push(entry(record)?);
        }
    }
    Some(entries)
}

fn entry(mut record: &[u8]) -> Option<Entry> {
    let rest = &mut record;
    let components = u16::from_be_bytes(take(rest)?);
    let realm = text(rest)?;
    let names: Vec<String> = (0..components).map(|_| text(rest)).collect::<Option<_>>()?;
    let _name_type: [u8; 4] = take(rest)?;
    let _written: [u8; 4] = take(rest)?;
    let [short_version] = take(rest)?;
    let encryption = u16::from_be_bytes(take(rest)?);
    let bytes = Zeroizing::new(counted(rest)?.to_vec());
    // The version with 32 bits came later; where it is missing or 0, the one with 8 counts.
    let version = take(rest)
        .map(u32::from_be_bytes)
        .filter(|version| *version != 0)
        .unwrap_or_else(|| short_version.into());
    Some(Entry {
        principal: names.join("/"),
        realm,
        version,
        key: Key { encryption, bytes },
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u16::from_be_bytes(take(rest)?);
    let (taken, after) = rest.split_at_checked(length.into())?;
    *rest = after;
    Some(taken)
}

fn text(rest: &mut &[u8]) -> Option<String> {
    String::from_utf8(counted(rest)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn counted(bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len()).unwrap();
        [&length.to_be_bytes()[..], bytes].concat()
    }

    fn record(account: &str, version: u32, encryption: u16, key: &[u8]) -> Vec<u8> {
        let mut record = 1_u16.to_be_bytes().to_vec();
        record.extend(counted(b"CORP.EXAMPLE"));
        record.extend(counted(account.as_bytes()));
        record.extend([0, 0, 0, 1, 0, 0, 0, 0, version.to_be_bytes()[3]]);
        record.extend(encryption.to_be_bytes());
        record.extend(counted(key));
        record.extend(version.to_be_bytes());
        let size = i32::try_from(record.len()).unwrap();
        [&size.to_be_bytes()[..], &record].concat()
    }

    fn hole() -> Vec<u8> {
        [&(-3_i32).to_be_bytes()[..], b"xyz"].concat()
    }

    #[test]
    fn the_newest_and_strongest_key_of_the_account_is_taken() {
        let file = [
            &[5, 2][..],
            &record("svc", 3, 18, b"old"),
            &hole(),
            &record("svc", 300, 17, b"weaker"),
            &record("svc", 300, 18, b"right"),
            &record("svc", 300, 23, b"rc4"),
            &record("other", 301, 18, b"other"),
        ]
        .concat();
        let key = find(&file, "SVC", "corp.example").unwrap();
        assert_eq!((key.encryption, key.bytes.as_slice()), (18, &b"right"[..]));
    }

    #[test]
    fn what_is_no_keytab_or_has_no_key_says_so() {
        let said = |file: &[u8]| find(file, "svc", "CORP.EXAMPLE").err().unwrap();
        let whole = [&[5, 2][..], &record("other", 1, 18, b"key")].concat();
        assert!(said(&whole).ends_with("found `other@CORP.EXAMPLE`"));
        assert!(said(&whole[..whole.len() - 1]).contains("half of one"));
        assert!(said(b"\x05\x01").contains("version 2"));
        let weak = [&[5, 2][..], &record("svc", 1, 23, b"key")].concat();
        assert!(said(&weak).contains("weaker"), "{}", said(&weak));
        assert!(said(&[5, 2]).ends_with("found no keys"));
    }
}
