//! What is remembered, entry by entry: the address of each, and how it is found.
//!
//! Pure. An address is what people type: `Site/HQ`, `Subnet/10.0.0.0/24`, `Attestation/constrain:HQ`. Two entries of
//! one name are told apart by their GUIDs, which may stand in the place of the name at any time.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Attestation, CountedKind, Guid, Name, Owned, Ownership, StepId};

/// One thing that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "remembered",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Remembered {
    /// That a site is ours.
    Site {
        /// Which.
        guid: Guid,
        /// Its name.
        name: Name,
    },
    /// That a subnet is ours.
    Subnet {
        /// Which.
        guid: Guid,
        /// Its name, `a.b.c.d/nn`.
        name: Name,
    },
    /// Somebody's word.
    Attestation {
        /// For which step.
        step: StepId,
    },
    /// That the distribution points of a package are still the old ones.
    Undistributed {
        /// Which.
        guid: Guid,
        /// Its name.
        name: Name,
    },
    /// How many of a kind there were.
    Count {
        /// Which kind.
        of: CountedKind,
    },
    /// Which subnets were in no site.
    Unassigned,
}

/// An entry that is found at another place from now on, with what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(
    tag = "remembered",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Relocation {
    /// A site, under another name or as another resource.
    Site {
        /// Which resource it was.
        from: Guid,
        /// Which one it is.
        to: Guid,
        /// How it is ours, with its name.
        owned: Owned,
    },
    /// A subnet, as another resource.
    Subnet {
        /// Which resource it was.
        from: Guid,
        /// Which one it is.
        to: Guid,
        /// How it is ours, with its name.
        owned: Owned,
    },
    /// Somebody's word, for another step.
    Attestation {
        /// For which it was given.
        from: StepId,
        /// For which it counts.
        to: StepId,
        /// The word.
        attestation: Attestation,
    },
}

/// Why an address names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin with a kind.
    #[error(
        "expected `Site/`, `Subnet/`, `Attestation/`, `Undistributed/`, `Count/` or `Unassigned`, found `{0}`"
    )]
    Kind(String),
    /// Nothing of the sort is remembered.
    #[error("nothing is remembered under `{0}`")]
    Unknown(String),
    /// Several are.
    #[error("`{address}` names {}", guids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and "))]
    Ambiguous {
        /// What was typed.
        address: String,
        /// Those of the name.
        guids: Vec<Guid>,
    },
}

impl fmt::Display for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Site { guid: _, name } => write!(f, "Site/{name}"),
            Self::Subnet { guid: _, name } => write!(f, "Subnet/{name}"),
            Self::Attestation { step } => write!(f, "Attestation/{step}"),
            Self::Undistributed { guid: _, name } => write!(f, "Undistributed/{name}"),
            Self::Count { of } => write!(f, "Count/{of}"),
            Self::Unassigned => f.write_str("Unassigned"),
        }
    }
}

impl Ownership {
    /// Everything that is remembered, with the address that finds it and nothing else.
    #[must_use]
    pub fn remembered(&self) -> Vec<(String, Remembered)> {
        let sites = self.sites.iter().map(|(guid, owned)| Remembered::Site {
            guid: *guid,
            name: owned.name.clone(),
        });
        let mut subnets: Vec<(&Guid, &Owned)> = self.subnets.iter().collect();
        subnets.sort_by_key(|(guid, owned)| {
            (owned.name.as_str().parse::<super::Subnet>().ok(), **guid)
        });
        let subnets = subnets.into_iter().map(|(guid, owned)| Remembered::Subnet {
            guid: *guid,
            name: owned.name.clone(),
        });
        let mut sites: Vec<Remembered> = sites.collect();
        sites.sort_by_key(|site| site.to_string().to_lowercase());
        let packages = self.undistributed.iter();
        let packages = packages.map(|(guid, name)| Remembered::Undistributed {
            guid: *guid,
            name: name.clone(),
        });
        let words = self
            .attestations
            .keys()
            .map(|step| Remembered::Attestation {
                step: StepId(step.clone()),
            });
        let counts = self.counted.keys().map(|of| Remembered::Count { of: *of });
        let unassigned = self.unassigned.iter().map(|_| Remembered::Unassigned);
        let all: Vec<Remembered> = sites
            .into_iter()
            .chain(subnets)
            .chain(words)
            .chain(packages)
            .chain(counts)
            .chain(unassigned)
            .collect();
        all.into_iter()
            .map(|one| (self.address(&one), one))
            .collect()
    }

    /// The address that finds an entry and nothing else: by name, by GUID where its name would not do.
    fn address(&self, one: &Remembered) -> String {
        let by_name = one.to_string();
        if self.find(&by_name).as_ref() == Ok(one) {
            return by_name;
        }
        match one {
            Remembered::Site { guid, name: _ } => format!("Site/{guid}"),
            Remembered::Subnet { guid, name: _ } => format!("Subnet/{guid}"),
            Remembered::Undistributed { guid, name: _ } => format!("Undistributed/{guid}"),
            Remembered::Attestation { step: _ }
            | Remembered::Count { of: _ }
            | Remembered::Unassigned => by_name,
        }
    }

    /// Finds what an address names.
    ///
    /// # Errors
    /// Where it names nothing, or more than one.
    pub fn find(&self, address: &str) -> Result<Remembered, AddressError> {
        if address.eq_ignore_ascii_case("unassigned") {
            return match self.unassigned {
                Some(_) => Ok(Remembered::Unassigned),
                None => Err(AddressError::Unknown(address.to_owned())),
            };
        }
        let (kind, rest) = address
            .split_once('/')
            .ok_or_else(|| AddressError::Kind(address.to_owned()))?;
        let unknown = || AddressError::Unknown(address.to_owned());
        let named = |of: &mut dyn Iterator<Item = (Guid, &Name)>| one_of(address, rest, of);
        let owned = |(guid, owned): (&Guid, &'_ Owned)| (*guid, owned.name.clone());
        match kind.to_ascii_lowercase().as_str() {
            "site" => {
                let all: Vec<(Guid, Name)> = self.sites.iter().map(owned).collect();
                let (guid, name) = named(&mut all.iter().map(|(guid, name)| (*guid, name)))?;
                Ok(Remembered::Site { guid, name })
            }
            "subnet" => {
                let all: Vec<(Guid, Name)> = self.subnets.iter().map(owned).collect();
                let (guid, name) = named(&mut all.iter().map(|(guid, name)| (*guid, name)))?;
                Ok(Remembered::Subnet { guid, name })
            }
            "undistributed" => {
                let all = &mut self.undistributed.iter().map(|(guid, name)| (*guid, name));
                let (guid, name) = named(all)?;
                Ok(Remembered::Undistributed { guid, name })
            }
            "attestation" => self
                .attestations
                .keys()
                .find(|step| *step == rest)
                .or_else(|| {
                    self.attestations
                        .keys()
                        .find(|step| step.eq_ignore_ascii_case(rest))
                })
                .map(|step| Remembered::Attestation {
                    step: StepId(step.clone()),
                })
                .ok_or_else(unknown),
            "count" => rest
                .parse()
                .ok()
                .filter(|of| self.counted.contains_key(of))
                .map(|of| Remembered::Count { of })
                .ok_or_else(unknown),
            _ => Err(AddressError::Kind(address.to_owned())),
        }
    }

    /// Forgets an entry; says whether there was one.
    pub fn forget(&mut self, one: &Remembered) -> bool {
        match one {
            Remembered::Site { guid, name: _ } => {
                self.unfinished.remove(guid);
                self.sites.remove(guid).is_some()
            }
            Remembered::Subnet { guid, name: _ } => self.subnets.remove(guid).is_some(),
            Remembered::Attestation { step } => self.attestations.remove(&step.0).is_some(),
            Remembered::Undistributed { guid, name: _ } => {
                self.undistributed.remove(guid).is_some()
            }
            Remembered::Count { of } => self.counted.remove(of).is_some(),
            Remembered::Unassigned => self.unassigned.take().is_some(),
        }
    }

    /// Finds an entry at another place from now on. The same again changes nothing.
    pub fn relocate(&mut self, change: Relocation) {
        match change {
            Relocation::Site { from, to, owned } => {
                self.sites.remove(&from);
                self.sites.insert(to, owned);
                if let Some(fields) = self.unfinished.remove(&from) {
                    self.unfinished.insert(to, fields);
                }
            }
            Relocation::Subnet { from, to, owned } => {
                self.subnets.remove(&from);
                self.subnets.insert(to, owned);
            }
            Relocation::Attestation {
                from,
                to,
                attestation,
            } => {
                self.attestations.remove(&from.0);
                self.attestations.insert(to.0, attestation);
            }
        }
    }
}

/// The one that a GUID or a name is of.
fn one_of(
    address: &str,
    wanted: &str,
    all: &mut dyn Iterator<Item = (Guid, &Name)>,
) -> Result<(Guid, Name), AddressError> {
    let guid: Option<Guid> = wanted.parse().ok();
    let name = Name::new(wanted);
    let mut named = Vec::new();
    for (found, of) in all {
        if guid == Some(found) {
            return Ok((found, of.clone()));
        }
        if *of == name {
            named.push((found, of.clone()));
        }
    }
    match named.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(AddressError::Unknown(address.to_owned())),
        several => Err(AddressError::Ambiguous {
            address: address.to_owned(),
            guids: several.iter().map(|(guid, _)| *guid).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::model::{Count, Held};

    fn owned(name: &str) -> Owned {
        Owned {
            name: Name::new(name),
            how: Held::Created,
            protected: false,
        }
    }

    fn sample() -> Ownership {
        let mut all = Ownership::default();
        let guid = Guid::from_u128;
        let looks_like = guid(1).to_string();
        for (number, name) in [
            (1, "HQ"),
            (2, "Branch"),
            (3, "branch"),
            (4, looks_like.as_str()),
        ] {
            all.sites.insert(guid(number), owned(name));
        }
        for (number, name) in [(7, "10.0.10.0/24"), (8, "10.0.9.0/24"), (9, "odd")] {
            all.subnets.insert(guid(number), owned(name));
        }
        let word = Attestation {
            value: "on".into(),
            reason: "seen".into(),
            by: "jdoe".into(),
            at: "2026-11-23T08:00:00Z".into(),
        };
        all.attestations.insert("constrain:HQ".into(), word);
        all.undistributed.insert(guid(5), Name::new("Win/11"));
        all.counted.insert(CountedKind::Sites, Count::of(3));
        all.unassigned = Some([].into());
        all
    }

    #[test]
    fn every_entry_has_an_address_of_its_own() {
        let all = sample();
        let listed = all.remembered();
        assert_eq!(listed.len(), 11);
        for (address, one) in &listed {
            assert_eq!(all.find(address).as_ref(), Ok(one), "{address}");
        }
        let subnets: Vec<&str> = listed
            .iter()
            .map(|(address, _)| address.as_str())
            .filter(|address| address.starts_with("Subnet/"))
            .collect();
        // As networks, not as texts.
        assert_eq!(
            subnets,
            ["Subnet/odd", "Subnet/10.0.9.0/24", "Subnet/10.0.10.0/24"]
        );
    }

    #[test]
    fn addresses_are_forgiving_and_never_guess() {
        let all = sample();
        let hq = all.find("site/hq").unwrap();
        assert_eq!(hq.to_string(), "Site/HQ");
        assert_eq!(all.find(&format!("Site/{}", Guid::from_u128(1))), Ok(hq));
        assert!(matches!(
            all.find("Site/Branch"),
            Err(AddressError::Ambiguous { .. })
        ));
        for (address, error) in [
            ("Site/Nowhere", AddressError::Unknown("Site/Nowhere".into())),
            (
                "Count/packages",
                AddressError::Unknown("Count/packages".into()),
            ),
            ("Count/cows", AddressError::Unknown("Count/cows".into())),
            ("HQ", AddressError::Kind("HQ".into())),
            ("Server/S1", AddressError::Kind("Server/S1".into())),
        ] {
            assert_eq!(all.find(address), Err(error));
        }
        assert_eq!(
            Ownership::default().find("Unassigned"),
            Err(AddressError::Unknown("Unassigned".into()))
        );
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut all = sample();
        for (_, one) in all.remembered() {
            assert!(all.forget(&one), "{one}");
            assert!(!all.forget(&one), "{one}");
        }
        assert_eq!(all, Ownership::default());
    }
}
