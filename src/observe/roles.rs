//! What a service of each role is told by: its type, or how its name begins.
//!
//! I/O, through the reader: one list of services. In a language that is known words tell roles; in any other the
//! services that there are stand as candidates, each with what speaks for it.

use std::collections::{BTreeMap, BTreeSet};

use super::candidates::Named;
use super::choose::Candidate;
use super::decide::{Entry, Run};
use super::servers::{self, ListedService};
use super::world::named;
use crate::model::{Guid, Role};
use crate::profile::{RoleRule, Standing, TypeRole};
use crate::smp::{ReadError, Reader};

/// The words by which a role is known.
type Words = fn(Role) -> &'static [&'static str];

fn rule(candidate: &Candidate) -> RoleRule {
    RoleRule {
        resource_type: candidate.guid,
        // A rule by type needs no name; one by name has nothing else.
        name: candidate.guid.is_none().then(|| candidate.name.clone()),
        standing: Standing::Discovered,
    }
}

/// Types whose names are those of a role: with them all services can be listed, whichever way lists work.
pub(super) fn provisional(run: &mut Run<'_, '_>, types: &[Named], words: Words) {
    for role in Role::ALL {
        let exact: Vec<&Named> = types
            .iter()
            .filter(|(_, name)| words(role).contains(&name.trim().to_lowercase().as_str()))
            .collect();
        if let [(guid, name)] = exact.as_slice() {
            let candidate = Candidate::named(name.clone(), Some(*guid));
            *run.profile.roles.slot(role) = Some(rule(&candidate));
        }
    }
}

/// Cuts off what is no letter or digit at the end.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_alphanumeric())
}

/// How names of services begin before they say where they run: up to the SMP's own name, else as far as another begins
/// likewise.
fn beginnings(names: &[&str], host: &str) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let host = host.to_lowercase();
    for name in names {
        let folded = name.to_lowercase();
        // Folding may change lengths: then nothing can be cut.
        if let Some(at) = folded.find(&host).filter(|_| folded.len() == name.len())
            && let Some(cut) = name.get(..at).map(trimmed).filter(|cut| !cut.is_empty())
        {
            found.insert(cut.to_owned());
        }
    }
    let known = found.clone();
    let begins = |name: &str| known.iter().any(|known| name.starts_with(known.as_str()));
    for name in names.iter().filter(|name| !begins(name)) {
        let shared = names
            .iter()
            .filter(|other| *other != name)
            .map(|other| {
                let same = name.chars().zip(other.chars()).take_while(|(a, b)| a == b);
                let shared: String = same.map(|(a, _)| a).collect();
                // Back to the end of a word, unless that is where they part.
                let whole = name[shared.len()..].starts_with(|c: char| !c.is_alphanumeric());
                let end = if whole {
                    shared.len()
                } else {
                    shared.rfind(|c: char| !c.is_alphanumeric()).unwrap_or(0)
                };
                trimmed(&shared[..end]).to_owned()
            })
            .max_by_key(String::len)
            .filter(|shared| !shared.is_empty());
        found.insert(shared.unwrap_or_else(|| trimmed(name).to_owned()));
    }
    found
}

/// Has the rules of roles decided that are not known yet.
pub(super) async fn find(
    reader: &Reader,
    run: &mut Run<'_, '_>,
    types: &[Named],
    words: Words,
) -> Result<(), ReadError> {
    let services = match servers::list_services(reader).await {
        Ok(services) => services,
        Err(error) if error.fatal() => return Err(error),
        // Then types are told by their names alone.
        Err(_) => Vec::new(),
    };
    let base = run.profile.type_guid(TypeRole::SiteService);
    let host = run.profile.server.name.host().to_owned();
    for role in Role::ALL {
        if run.profile.roles.of(role).is_some() {
            continue;
        }
        let (candidates, fits) = candidates(types, &services, base, &host, words(role));
        let resolve = |text: &str| {
            if let Some((guid, name)) = named(types, text) {
                return Some(Candidate::named(name.clone(), Some(*guid)));
            }
            // The beginning of a name: some service must have it.
            let wanted = text.trim().to_lowercase();
            let has = |service: &ListedService| service.name.to_lowercase().starts_with(&wanted);
            (!wanted.is_empty() && services.iter().any(has))
                .then(|| Candidate::named(text.trim(), None))
        };
        let chosen = run.decide(Entry {
            path: format!("roles.{role}"),
            wanted: format!("what tells a service of the role `{role}`"),
            kind: "service",
            otherwise: format!(
                "no one type or name of services is known as this role, {} may be",
                candidates.len()
            ),
            candidates,
            fits,
            resolve: &resolve,
        });
        if let Some(chosen) = chosen {
            *run.profile.roles.slot(role) = Some(rule(&chosen));
        }
    }
    Ok(())
}

/// What may tell a role, and the one that fits alone.
fn candidates(
    types: &[Named],
    services: &[ListedService],
    base: Option<Guid>,
    host: &str,
    words: &[&str],
) -> (Vec<Candidate>, Option<usize>) {
    let folded = |name: &str| name.trim().to_lowercase();
    let is_word = |name: &str| words.contains(&folded(name).as_str());
    let mut by_type: BTreeMap<Guid, Vec<&str>> = BTreeMap::new();
    let mut names = Vec::new();
    for service in services {
        let own: BTreeSet<Guid> = service
            .types
            .iter()
            .copied()
            .filter(|kind| Some(*kind) != base)
            .collect();
        for kind in &own {
            by_type.entry(*kind).or_default().push(&service.name);
        }
        if own.is_empty() {
            names.push(service.name.trim());
        }
    }
    let mut by_name: BTreeSet<String> = BTreeSet::new();
    let mut others = Vec::new();
    for name in names {
        let begins = words.iter().find(|word| folded(name).starts_with(**word));
        match begins.and_then(|word| name.get(..word.len())) {
            Some(word) => {
                by_name.insert(word.to_owned());
            }
            None => others.push(name),
        }
    }
    by_name.extend(beginnings(&others, host));
    let mut found: Vec<(u8, Candidate)> = types
        .iter()
        .filter_map(|(guid, name)| {
            let examples = by_type.get(guid);
            let near = words.iter().any(|word| folded(name).contains(word));
            let rank = match (is_word(name), examples, near) {
                (true, _, _) => 0,
                (false, Some(_), _) => 2,
                (false, None, true) => 3,
                (false, None, false) => return None,
            };
            let evidence = examples
                .and_then(|examples| examples.first())
                .map_or_else(String::new, |name| format!("the type of `{name}`"));
            let candidate = Candidate {
                name: name.clone(),
                guid: Some(*guid),
                evidence,
            };
            Some((rank, candidate))
        })
        .collect();
    found.extend(
        by_name
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(|name| {
                let rank = if is_word(&name) { 1 } else { 2 };
                let mut candidate = Candidate::named(name, None);
                candidate.evidence = "how the name of a service begins".into();
                (rank, candidate)
            }),
    );
    found.sort_by_key(|(rank, _)| *rank);
    let with = |rank: u8| found.iter().filter(|(found, _)| *found == rank).count();
    let fits = matches!((with(0), with(1)), (1, _) | (0, 1)).then_some(0);
    (
        found.into_iter().map(|(_, candidate)| candidate).collect(),
        fits,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guid(number: u128) -> Guid {
        Guid::from_u128(number)
    }

    fn check(types: &[(u128, &str)], services: &[(&str, u128)]) -> (Vec<String>, Option<usize>) {
        let types: Vec<Named> = types
            .iter()
            .map(|(number, name)| (guid(*number), (*name).to_owned()))
            .collect();
        let services: Vec<ListedService> = services
            .iter()
            .map(|(name, kind)| ListedService {
                guid: guid(9),
                name: (*name).to_owned(),
                types: vec![guid(1), guid(*kind)],
            })
            .collect();
        let words = ["task service"];
        let (found, fits) = candidates(&types, &services, Some(guid(1)), "SMP01", &words);
        (found.iter().map(|one| one.name.clone()).collect(), fits)
    }

    #[test]
    fn roles_are_told_by_type_or_by_name() {
        // By the name of a type.
        let types = [
            (1, "Site Service"),
            (2, "Task Service"),
            (3, "Package Service"),
        ];
        let services = [
            ("Task Service on SMP01", 2),
            ("Package Service on SMP01", 3),
        ];
        let found = check(&types, &services);
        assert_eq!(found.0, ["Task Service", "Package Service"]);
        assert_eq!(found.1, Some(0));
        // By how names of services begin.
        let services = [
            ("Task Service on SMP01", 1),
            ("Package Service on SMP01", 1),
        ];
        let found = check(&types[..1], &services);
        assert_eq!(found.0, ["Task Service", "Package Service on"]);
        assert_eq!(found.1, Some(0));
        // In another language somebody has to say which is which.
        let types = [(1, "サイト"), (2, "タスク"), (3, "パッケージ")];
        let services = [("タスク - SMP01", 2), ("パッケージ - SMP01", 3)];
        let found = check(&types, &services);
        assert_eq!(found, (vec!["タスク".into(), "パッケージ".into()], None));
        let services = [("タスク - SMP01", 1), ("パッケージ - SMP01", 1)];
        let found = check(&types[..1], &services);
        assert_eq!(found, (vec!["タスク".into(), "パッケージ".into()], None));
    }

    #[test]
    fn names_begin_before_they_say_where() {
        let check = |names: &[&str], expect: &[&str]| {
            let found: Vec<String> = beginnings(names, "SMP01").into_iter().collect();
            assert_eq!(found, expect, "{names:?}");
        };
        check(
            &[
                "Distribution de paquets (SMP01)",
                "Distribution de paquets (DEPLOY01)",
                "Exécution des tâches (SITE01)",
                "Exécution des tâches (SITE02)",
            ],
            &["Distribution de paquets", "Exécution des tâches"],
        );
        check(&["タスク - SITE01", "タスク - SITE02"], &["タスク"]);
        check(&["SMP01"], &["SMP01"]);
        check(&["Alone"], &["Alone"]);
        check(&[], &[]);
    }
}
