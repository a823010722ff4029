//! Packages: their list, the assignments and holders of those asked for, and the packages of Deploy Image tasks.
//!
//! I/O, through the reader: one request per package for its assignment, one per 50 packages for the holders.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::model::{
    Assignment, Guid, Listed, Name, Observed, PackageSelector, Product, imaging_packages,
};
use crate::profile::{Ability, HOLDERS_BATCH, Setting, SettingItem, TypeRole};
use crate::smp::{ReadError, Reader};

use super::memberships::AHEAD;
use super::refresh::{observed, required};
use super::{Scope, reason, settings};

/// Lists all packages.
pub(super) async fn list(reader: &Reader) -> Result<Vec<Listed>, ReadError> {
    let package = required(reader, Ability::ReadPackages, TypeRole::Package)?;
    reader
        .resources_of_type(package, |guid, passing| {
            Ok(Listed {
                guid,
                name: Name::new(passing.name().unwrap_or_default()),
            })
        })
        .await
}

/// Whether a name fits a pattern with `*` and `?`, without regard to case.
fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on after the last `*` took one character more.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((star, taken)) => {
                    retry = Some((star, taken + 1));
                    p = star + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// The packages that the scope asks for.
fn wanted(
    scope: &Scope,
    product: &Product,
    listed: &[Listed],
    tasks: &BTreeMap<Name, Observed<BTreeSet<Guid>>>,
) -> BTreeSet<Guid> {
    if scope.everything {
        return listed.iter().map(|package| package.guid).collect();
    }
    let mut wanted = BTreeSet::new();
    let mut names = BTreeSet::new();
    for selector in &scope.packages {
        match selector {
            PackageSelector::Guid(guid) => {
                wanted.insert(*guid);
            }
            PackageSelector::Name(name) => {
                names.insert(name.clone());
            }
            PackageSelector::Match(pattern) => wanted.extend(
                listed
                    .iter()
                    .filter(|package| fits(pattern.as_str(), package.name.as_str()))
                    .map(|package| package.guid),
            ),
            PackageSelector::Task(task) => {
                if let Some(Observed::Known(packages)) = tasks.get(task) {
                    wanted.extend(packages);
                }
            }
        }
    }
    wanted.extend(
        listed
            .iter()
            .filter(|package| names.contains(&package.name))
            .map(|package| package.guid),
    );
    if scope.imaging_tools {
        wanted.extend(imaging_packages(listed, product).into_values().flatten());
    }
    for task in &scope.tasks {
        if let Some(Observed::Known(packages)) = tasks.get(task) {
            wanted.extend(packages);
        }
    }
    wanted
}

/// The assignment of one package, or why it is not readable.
pub(super) async fn assignment(
    reader: &Reader,
    package: Guid,
) -> Result<Observed<Assignment>, ReadError> {
    Ok(match observed(reader.package(package).await)? {
        Observed::Known(Some(found)) => Observed::Known(found.assignment),
        Observed::Known(None) => Observed::Unavailable(format!(
            "the server says that package {package} does not exist, or the account may not see it"
        )),
        Observed::Unavailable(reason) => Observed::Unavailable(reason),
    })
}

/// Who holds the packages given.
pub(super) async fn holders(
    reader: &Reader,
    packages: &[Guid],
) -> Result<BTreeMap<Guid, Observed<BTreeSet<Guid>>>, ReadError> {
    let parts: Vec<Vec<(Guid, Observed<BTreeSet<Guid>>)>> =
        stream::iter(packages.chunks(HOLDERS_BATCH))
            .map(|part| async move {
                let mut found: BTreeMap<Guid, BTreeSet<Guid>> = part
                    .iter()
                    .map(|package| (*package, BTreeSet::new()))
                    .collect();
                Ok(match observed(reader.holders(part).await)? {
                    Observed::Known(rows) => {
                        for (package, server) in rows {
                            if let Some(servers) = found.get_mut(&package) {
                                servers.insert(server);
                            }
                        }
                        found
                            .into_iter()
                            .map(|(package, servers)| (package, Observed::Known(servers)))
                            .collect()
                    }
                    Observed::Unavailable(reason) => part
                        .iter()
                        .map(|package| (*package, Observed::Unavailable(reason.clone())))
                        .collect(),
                })
            })
            .buffered(AHEAD)
            .try_collect::<Vec<_>>()
            .await
            .map_err(|error: ReadError| error)?;
    Ok(parts.into_iter().flatten().collect())
}

type Read = (
    BTreeMap<Guid, Observed<Assignment>>,
    BTreeMap<Guid, Observed<BTreeSet<Guid>>>,
);

/// Reads assignments and holders of the packages that the scope asks for.
pub(super) async fn read(
    reader: &Reader,
    scope: &Scope,
    listed: &[Listed],
    tasks: &BTreeMap<Name, Observed<BTreeSet<Guid>>>,
) -> Result<Read, ReadError> {
    let product = reader.profile().product.product();
    let wanted: Vec<Guid> = wanted(scope, &product, listed, tasks).into_iter().collect();
    let assignments = stream::iter(wanted.iter().copied())
        .map(|package| async move { Ok((package, assignment(reader, package).await?)) })
        .buffered(AHEAD)
        .try_collect();
    let (assignments, holders) = futures::try_join!(assignments, holders(reader, &wanted))?;
    Ok((assignments, holders))
}

/// Reads the packages of the tasks that the scope asks for.
pub(super) async fn tasks(
    reader: &Reader,
    scope: &Scope,
) -> Result<BTreeMap<Name, Observed<BTreeSet<Guid>>>, ReadError> {
    let mut wanted = scope.tasks.clone();
    wanted.extend(scope.packages.iter().filter_map(|selector| match selector {
        PackageSelector::Task(task) => Some(task.clone()),
        PackageSelector::Name(_) | PackageSelector::Guid(_) | PackageSelector::Match(_) => None,
    }));
    if scope.everything {
        wanted.extend(reader.profile().tasks.keys().cloned());
    }
    stream::iter(wanted)
        .map(|task| async move {
            let packages = task_packages(reader, &task).await?;
            Ok((task, packages))
        })
        .buffered(AHEAD)
        .try_collect()
        .await
}

/// The packages of one task: what its item says and what the operator listed, united.
async fn task_packages(
    reader: &Reader,
    task: &Name,
) -> Result<Observed<BTreeSet<Guid>>, ReadError> {
    let listed: Option<BTreeSet<Guid>> = reader
        .profile()
        .listed_task(task)
        .map(|packages| packages.iter().copied().collect());
    let read = match learned_packages(reader, task).await {
        Ok(found) => found,
        Err(error) if error.fatal() => return Err(error),
        Err(error) => Err(reason(&error)),
    };
    Ok(match (read, listed) {
        (Ok(mut found), listed) => {
            found.extend(listed.into_iter().flatten());
            Observed::Known(found)
        }
        (Err(_), Some(listed)) => Observed::Known(listed),
        (Err(reason), None) => Observed::Unavailable(reason),
    })
}

/// What the item of a task says about its packages, or why it says nothing.
async fn learned_packages(
    reader: &Reader,
    task: &Name,
) -> Result<Result<BTreeSet<Guid>, String>, ReadError> {
    let profile = reader.profile();
    if let Err(missing) = profile.can(Ability::ReadTaskPackages) {
        return Ok(Err(format!(
            "{missing}, and `tasks` there does not list `{task}`"
        )));
    }
    let setting = profile.settings.task_packages.as_ref();
    let Some((item, path)) = setting.and_then(Setting::place) else {
        return Ok(Err("`settings.taskPackages` is not known".into()));
    };
    let items = match item {
        SettingItem::Item(guid) => vec![guid],
        SettingItem::Site => {
            return Ok(Err(
                "`settings.taskPackages.item` in the server profile is `site`, which no task has"
                    .into(),
            ));
        }
        SettingItem::Task => reader
            .items_named(task.as_str())
            .await?
            .into_iter()
            .map(|item| item.guid)
            .collect(),
    };
    if items.is_empty() {
        return Ok(Err(format!("expected a task `{task}`, found none")));
    }
    let mut found: Vec<BTreeSet<Guid>> = Vec::new();
    for item in items {
        let Some(xml) = reader.item_xml(item).await? else {
            continue;
        };
        let matches = settings::find(&xml, path, None)?;
        if matches.values.is_empty() && !matches.parent {
            // Another item of the same name, or a layout that was not learned.
            continue;
        }
        let mut packages = BTreeSet::new();
        for value in matches.values.iter().filter(|value| !value.is_empty()) {
            match value.parse::<Guid>() {
                Ok(guid) if !guid.is_nil() => {
                    packages.insert(guid);
                }
                Ok(_) => {}
                Err(error) => {
                    return Ok(Err(format!("`{path}` of task `{task}`: {error}")));
                }
            }
        }
        found.push(packages);
    }
    Ok(match found.len() {
        0 => Err(format!(
            "`settings.taskPackages.path` in the server profile leads to nothing in the item of task `{task}`"
        )),
        1 => Ok(found.swap_remove(0)),
        several => Err(format!(
            "expected one task `{task}`, found {several}: list its packages in `tasks` of the server profile"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit() {
        for (pattern, name, expect) in [
            ("Win11-*", "win11-24H2 golden", true),
            ("*golden", "Win11-24H2 Golden", true),
            ("*1?-24*", "Win11-24H2", true),
            ("Win1?", "Win10", true),
            ("Win1?", "Win1", false),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b", "ac", false),
            ("[a]", "a", false),
        ] {
            assert_eq!(fits(pattern, name), expect, "{pattern} {name}");
        }
    }
}
