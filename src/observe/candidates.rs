//! What a type may be: by its name in the languages that are known, and by its shape in every other.
//!
//! I/O, through the reader: relationships of the types around computers, a few resources of each, one package. The
//! judgements are pure. A shape is what a thing cannot be without: subnets are named `a.b.c.d/nn`, a site is joined
//! with subnets and with computers, the SMP runs site services, a package is one to the package service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choose::Candidate;
use super::prove::SERVICE_TO_COMPUTER;
use super::reason;
use super::world::COMPUTER;
use crate::model::{Guid, Subnet};
use crate::profile::{AssociatedTypeArgument, Association, Profile, Standing, TypeRole};
use crate::smp::{ReadError, Reader, resource_model};

/// A thing by its GUID and name.
pub(super) type Named = (Guid, String);

/// How many types are looked at closely: an SMP has hundreds, and those around sites come first.
const MOST_TYPES: usize = 80;
/// How many resources of a type show what it holds.
const SAMPLE: usize = 20;

/// A type of association: between which types.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Relation {
    pub(super) guid: Guid,
    pub(super) name: String,
    pub(super) parent: Guid,
    pub(super) child: Guid,
}

impl Relation {
    /// The type at the other end.
    fn partner(&self, of: Guid) -> Option<Guid> {
        match (self.parent == of, self.child == of) {
            (true, _) => Some(self.child),
            (_, true) => Some(self.parent),
            _ => None,
        }
    }

    /// Whether it is the one whose name the vendor documents.
    pub(super) fn is_documented(&self) -> bool {
        self.name.trim().eq_ignore_ascii_case(SERVICE_TO_COMPUTER)
    }
}

/// The relationships of one type, on both sides; none where the profile does not know how to read them.
pub(super) async fn relations(reader: &Reader, of: Guid) -> Result<Vec<Relation>, ReadError> {
    let Some(names) = &reader.profile().structures.relationship else {
        return Ok(Vec::new());
    };
    let (Some(guid), Some(parent), Some(child)) =
        (&names.guid, &names.parent_type, &names.child_type)
    else {
        return Ok(Vec::new());
    };
    let name = names.name.clone().unwrap_or_else(|| "Name".into());
    let wanted = [guid.clone(), name, parent.clone(), child.clone()];
    let mut found: Vec<Relation> = Vec::new();
    for as_parent in [true, false] {
        let call = resource_model::get_relationships_for_resource_type(of, as_parent);
        for [guid, name, parent, child] in reader.structures(&call, wanted.clone()).await? {
            let parsed = |text: Option<String>| text?.parse::<Guid>().ok();
            let (Some(guid), Some(parent), Some(child)) =
                (parsed(guid), parsed(parent), parsed(child))
            else {
                continue;
            };
            if !found.iter().any(|known| known.guid == guid) {
                found.push(Relation {
                    guid,
                    name: name.unwrap_or_default(),
                    parent,
                    child,
                });
            }
        }
    }
    Ok(found)
}

/// What was seen of the types around computers.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    /// The relationships of computers, and of the types at their other ends.
    relations: BTreeMap<Guid, Vec<Relation>>,
    /// Types whose resources are all named like subnets, with one of the names.
    subnets: BTreeMap<Guid, String>,
    /// Types of which the SMP's own computer has resources, with their names.
    services: BTreeMap<Guid, Vec<String>>,
}

/// A read that proves something where it can be made, and nothing where it cannot.
fn tried<T: Default>(result: Result<T, ReadError>) -> Result<T, ReadError> {
    match result {
        Ok(found) => Ok(found),
        Err(error) if error.fatal() => Err(error),
        Err(error) => {
            tracing::debug!(reason = reason(&error), "passed over");
            Ok(T::default())
        }
    }
}

impl Shapes {
    /// Looks at the types around computers.
    pub(super) async fn look(reader: &Reader) -> Result<Self, ReadError> {
        let mut shapes = Self::default();
        let of_computers = tried(relations(reader, COMPUTER).await)?;
        let partners: BTreeSet<Guid> = of_computers
            .iter()
            .filter_map(|relation| relation.partner(COMPUTER))
            .filter(|partner| *partner != COMPUTER)
            .take(MOST_TYPES)
            .collect();
        let mut near = partners.clone();
        for partner in &partners {
            let found = tried(relations(reader, *partner).await)?;
            near.extend(
                found
                    .iter()
                    .filter_map(|relation| relation.partner(*partner)),
            );
            shapes.relations.insert(*partner, found);
        }
        near.remove(&COMPUTER);
        for kind in near.into_iter().take(MOST_TYPES) {
            let sample = tried(reader.some_resources(kind, SAMPLE).await)?;
            let names: Vec<&str> = sample
                .iter()
                .filter_map(|resource| resource.name.as_deref())
                .collect();
            if let Some(first) = names.first()
                && names.iter().all(|name| name.parse::<Subnet>().is_ok())
            {
                shapes.subnets.insert(kind, (*first).to_owned());
            }
        }
        for relation in &of_computers {
            if let Some(partner) = relation.partner(COMPUTER)
                && partner != COMPUTER
            {
                let names = services_of_smp(reader, relation, partner).await?;
                if !names.is_empty() {
                    shapes.services.entry(partner).or_default().extend(names);
                }
            }
        }
        shapes.relations.insert(COMPUTER, of_computers);
        Ok(shapes)
    }

    fn of(&self, kind: Guid) -> &[Relation] {
        self.relations.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Why a type has the shape of a role, where it has.
    fn evidence(&self, role: TypeRole, kind: Guid) -> Option<String> {
        match role {
            TypeRole::Subnet => self
                .subnets
                .get(&kind)
                .map(|name| format!("its resources are named like `{name}`")),
            TypeRole::Site => {
                let with_computers = self
                    .of(COMPUTER)
                    .iter()
                    .any(|relation| relation.partner(COMPUTER) == Some(kind));
                let with_subnets = self.of(kind).iter().find(|relation| {
                    relation
                        .partner(kind)
                        .is_some_and(|partner| self.subnets.contains_key(&partner))
                })?;
                with_computers.then(|| {
                    format!(
                        "joined with computers, and by `{}` with what is named like subnets",
                        with_subnets.name
                    )
                })
            }
            TypeRole::SiteService => {
                // The name that the vendor documents says all; without it, what the SMP has and is no site.
                let mut documented = self.of(COMPUTER).iter().filter(|r| r.is_documented());
                if let Some(relation) = documented.next() {
                    return (relation.partner(COMPUTER) == Some(kind))
                        .then(|| format!("at the end of `{SERVICE_TO_COMPUTER}`"));
                }
                let names = self.services.get(&kind)?;
                self.evidence(TypeRole::Site, kind)
                    .is_none()
                    .then(|| format!("the SMP has {}", listed(names)))
            }
            TypeRole::Computer | TypeRole::Package => None,
        }
    }
}

/// A few names for people.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(3)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = names.len().saturating_sub(shown.len());
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

/// Names of the resources that a relationship joins with the SMP's own computer, whichever type the call takes.
async fn services_of_smp(
    start: &Reader,
    relation: &Relation,
    partner: Guid,
) -> Result<Vec<String>, ReadError> {
    for argument in [
        AssociatedTypeArgument::Return,
        AssociatedTypeArgument::Given,
    ] {
        let mut trial = Profile::clone(start.profile());
        trial.calls.associated_type_argument = Some(argument);
        let reader = start.with_profile(Arc::new(trial));
        let association = Association {
            guid: Some(relation.guid),
            name: None,
            parent: if relation.parent == COMPUTER {
                TypeRole::Computer
            } else {
                TypeRole::SiteService
            },
            replaces: None,
            standing: Standing::Discovered,
        };
        let server = reader.profile().server.guid;
        let found = reader
            .joined(
                &association,
                (COMPUTER, server),
                partner,
                TypeRole::SiteService,
            )
            .await;
        let names: Vec<String> = tried(found)?
            .into_iter()
            .filter_map(|resource| resource.name)
            .collect();
        if !names.is_empty() {
            return Ok(names);
        }
    }
    Ok(Vec::new())
}

/// Candidates for one role, and the one that fits alone.
pub(super) fn of_type(
    types: &[Named],
    shapes: &Shapes,
    role: TypeRole,
    words: &[&str],
) -> (Vec<Candidate>, Option<usize>) {
    let mut found: Vec<(u8, Candidate)> = types
        .iter()
        .filter_map(|(guid, name)| {
            let folded = name.trim().to_lowercase();
            let exact = words.contains(&folded.as_str());
            let near = words.iter().any(|word| folded.contains(word));
            let shape = shapes.evidence(role, *guid);
            let rank = match (exact, &shape, near) {
                (true, Some(_), _) => 0,
                (true, None, _) => 1,
                (false, Some(_), _) => 2,
                (false, None, true) => 3,
                (false, None, false) => return None,
            };
            let candidate = Candidate {
                name: name.clone(),
                guid: Some(*guid),
                evidence: shape.unwrap_or_default(),
            };
            Some((rank, candidate))
        })
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    let with = |rank: u8| found.iter().filter(|(found, _)| *found == rank).count();
    // A name and a shape that contradict each other settle nothing.
    let fits = match (with(0), with(1), with(2)) {
        (1, 0, _) | (0, 1, 0) | (0, 0, 1) => Some(0),
        _ => None,
    };
    (
        found.into_iter().map(|(_, candidate)| candidate).collect(),
        fits,
    )
}

/// Types whose first resource is a package to the package service, and the one that the others derive from; for servers
/// whose types have unknown names.
pub(super) async fn packages(
    reader: &Reader,
    types: &[Named],
    taken: &BTreeSet<Guid>,
) -> Result<(Vec<Candidate>, Option<usize>), ReadError> {
    let mut found = Vec::new();
    let mut examples = Vec::new();
    for (guid, name) in types.iter().filter(|(guid, _)| !taken.contains(guid)) {
        let sample = tried(reader.some_resources(*guid, 1).await)?;
        let Some(first) = sample.first() else {
            continue;
        };
        if tried(reader.package(first.guid).await)?.is_some() {
            found.push(Candidate {
                name: name.clone(),
                guid: Some(*guid),
                evidence: format!(
                    "`GetPackage` knows its resource `{}`",
                    first.name.as_deref().unwrap_or("without a name")
                ),
            });
            examples.push((*guid, first.guid));
        }
    }
    if found.len() < 2 {
        let fits = (!found.is_empty()).then_some(0);
        return Ok((found, fits));
    }
    let mut lists = Vec::new();
    for (guid, _) in &examples {
        let all = tried(reader.resources_of_type(*guid, |guid, _| Ok(guid)).await)?;
        lists.push(all.into_iter().collect::<BTreeSet<Guid>>());
    }
    // The base type lists them all; each of the others only its own.
    let holds_all: Vec<usize> = (0..lists.len())
        .filter(|index| {
            examples
                .iter()
                .all(|(_, first)| lists[*index].contains(first))
        })
        .collect();
    let [base] = holds_all.as_slice() else {
        return Ok((found, None));
    };
    found[*base]
        .evidence
        .push_str(", and those of the other types are listed by it");
    Ok((found, Some(*base)))
}

/// The associations between two types, and which of them is the only one.
pub(super) async fn between(
    reader: &Reader,
    (whole, whole_type): (TypeRole, Guid),
    (member, member_type): (TypeRole, Guid),
) -> Result<Vec<(Relation, TypeRole)>, ReadError> {
    Ok(relations(reader, whole_type)
        .await?
        .into_iter()
        .filter_map(|relation| {
            let ends = (relation.parent, relation.child);
            if ends == (whole_type, member_type) {
                Some((relation, whole))
            } else if ends == (member_type, whole_type) {
                Some((relation, member))
            } else {
                None
            }
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guid(number: u128) -> Guid {
        Guid::from_u128(number)
    }

    fn relation(name: &str, parent: Guid, child: Guid) -> Relation {
        Relation {
            guid: guid(0xbb),
            name: name.to_owned(),
            parent,
            child,
        }
    }

    /// Types 1 (joined with computers and 2), 2 (named like subnets), 3 (services of the SMP), 4 (nothing).
    fn shapes(documented: &str) -> Shapes {
        let in_site = relation("属する", guid(1), guid(2));
        let assigned = relation("担当", COMPUTER, guid(1));
        let runs = relation(documented, guid(3), COMPUTER);
        Shapes {
            relations: [(COMPUTER, vec![assigned, runs]), (guid(1), vec![in_site])].into(),
            subnets: [(guid(2), "10.0.0.0/24".to_owned())].into(),
            services: [(guid(3), vec!["a".to_owned(), "b".to_owned()])].into(),
        }
    }

    fn check(role: TypeRole, names: [&str; 4], documented: &str) -> (Vec<u128>, Option<usize>) {
        let types: Vec<Named> = (1..=4)
            .zip(names)
            .map(|(number, name)| (guid(number), name.to_owned()))
            .collect();
        let words: &[&str] = match role {
            TypeRole::Site => &["site"],
            TypeRole::Subnet => &["subnet"],
            _ => &["site service"],
        };
        let (candidates, fits) = of_type(&types, &shapes(documented), role, words);
        let guids = candidates.iter().filter_map(|found| found.guid);
        (guids.map(Guid::as_u128).collect(), fits)
    }

    #[test]
    fn shapes_tell_types_in_any_language() {
        let names = ["サイト", "サブネット", "サービス", "場所"];
        for (role, found) in [
            (TypeRole::Site, 1),
            (TypeRole::Subnet, 2),
            (TypeRole::SiteService, 3),
        ] {
            assert_eq!(check(role, names, "x"), (vec![found], Some(0)), "{role:?}");
        }
        assert_eq!(
            check(TypeRole::SiteService, names, "site service TO computer"),
            (vec![3], Some(0))
        );
    }

    #[test]
    fn a_name_and_a_shape_that_agree_beat_names() {
        let names = ["Site", "Subnet", "Site Service", "Subnet Group"];
        assert_eq!(check(TypeRole::Subnet, names, "x"), (vec![2, 4], Some(0)));
        assert_eq!(check(TypeRole::Site, names, "x"), (vec![1, 3], Some(0)));
    }

    #[test]
    fn a_name_and_a_shape_that_contradict_each_other_settle_nothing() {
        let names = ["Place", "Net", "Thing", "Subnet"];
        assert_eq!(check(TypeRole::Subnet, names, "x"), (vec![4, 2], None));
        let twice = ["Site", "Net", "Thing", "Site"];
        assert_eq!(check(TypeRole::Site, twice, "x"), (vec![1, 4], None));
    }
}
