//! What is tried beside sites: a package whose assignment is written back, and lists of derived types.
//!
//! I/O, through the bench.

use std::collections::BTreeSet;

use futures::future::LocalBoxFuture;

use super::bench::{Bench, Setting};
use super::probe::{Probe, TrialError};
use crate::model::{Guid, Role};
use crate::profile::TypeRole;

/// A package that somebody named: its assignment is written back as it is.
#[derive(Debug)]
pub struct Packages;

/// Whether a list of a base type holds resources of derived types. Reads only.
#[derive(Debug)]
pub struct Lists;

impl Probe for Packages {
    fn shows(&self, setting: &Setting) -> Vec<String> {
        let Some((_, name)) = &setting.package else {
            return Vec::new();
        };
        vec![format!(
            "write the package-server assignment of `{name}` back as it is, and read it unchanged"
        )]
    }

    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        Box::pin(packages(bench))
    }
}

impl Probe for Lists {
    fn shows(&self, _: &Setting) -> Vec<String> {
        Vec::new()
    }

    fn run<'b>(&'b self, bench: &'b mut Bench<'_>) -> LocalBoxFuture<'b, Result<(), TrialError>> {
        Box::pin(lists(bench))
    }
}

async fn packages(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let path = "services.SoftwarePackageManagement";
    let Some((package, name)) = bench.setting.package.clone() else {
        bench.report.remarks.push(format!(
            "`{path}` was not tried: name a package with --package to have its assignment written back"
        ));
        return Ok(());
    };
    bench.going_on()?;
    let written = bench
        .writer
        .write_back(package)
        .await
        .map_err(|error| TrialError::Write {
            what: format!("the assignment of {name}"),
            error,
        })?;
    let Some(before) = written else {
        return Err(TrialError::Unfit(format!("the package `{name}`")));
    };
    // Read at once: nothing of it may have changed at any time.
    let after = bench
        .reader()
        .package(package)
        .await
        .map_err(TrialError::Read)?;
    let unchanged = after.is_some_and(|after| after.assignment == before);
    if unchanged {
        bench.report.verifies(
            path,
            format!("the assignment of `{name}` was written back and read unchanged"),
        );
        bench.report.leaves(
            "A20",
            format!("the assignment of `{name}` was written back and read unchanged; that another one is kept is not shown by that"),
        );
    } else {
        let why = format!(
            "the assignment of `{name}` was written back and reads otherwise: look at it in the console"
        );
        bench.report.refutes("A20", why.clone());
        bench.report.lowers(path, why.clone());
        bench.report.remarks.push(why);
    }
    Ok(())
}

async fn lists(bench: &mut Bench<'_>) -> Result<(), TrialError> {
    let profile = &bench.profile;
    let derived: BTreeSet<Guid> = Role::ALL
        .into_iter()
        .filter_map(|role| profile.roles.of(role)?.resource_type)
        .collect();
    let Some(base) = profile.type_guid(TypeRole::SiteService) else {
        return Ok(());
    };
    let mut services: BTreeSet<Guid> = BTreeSet::new();
    for kind in derived.into_iter().filter(|kind| *kind != base) {
        let found = bench
            .reader()
            .resources_of_type(kind, |guid, _| Ok(guid))
            .await;
        services.extend(found.map_err(TrialError::Read)?);
    }
    if services.is_empty() {
        return Ok(());
    }
    let listed: BTreeSet<Guid> = bench
        .reader()
        .resources_of_type(base, |guid, _| Ok(guid))
        .await
        .map_err(TrialError::Read)?
        .into_iter()
        .collect();
    if services.is_subset(&listed) {
        bench.report.proves(
            "A12",
            format!(
                "the list of the base type holds all {} services of the types of roles",
                services.len()
            ),
        );
    } else {
        bench.report.refutes(
            "A12",
            "the list of the base type does not hold services of the types of roles",
        );
    }
    Ok(())
}
