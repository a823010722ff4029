//! `ASDK.NS/ReportManagementService`: reports are created from SQL and run.
//!
//! Pure: builds calls and parses answers.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::request::{MethodCall, RequestError};
use super::resource_management::Inventory;
use super::table;
use super::xml::AnswerError;
use crate::model::Guid;
use crate::profile::{Profile, ServiceName};

const SERVICE: ServiceName = ServiceName::ReportManagement;

pub(crate) fn create_report(name: &str, description: &str, folder: Guid, sql: &str) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "CreateReportUsingRawSqlQuery",
        vec![
            ("reportName", name.into()),
            ("reportDescription", description.into()),
            // Empty: the SMP's own database.
            ("dataSourceName", "".into()),
            ("folderGuid", folder.into()),
            ("sqlQuery", sql.into()),
        ],
    )
}

pub(crate) fn run_report(report: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "RunReport",
        vec![("reportItemGuid", report.into())],
    )
}

/// Runs a report with parameters, which the server splits at commas and puts into the SQL as they are.
pub(crate) fn run_report_with_parameters(
    report: Guid,
    parameters: &[(String, String)],
    profile: &Profile,
) -> Result<MethodCall, RequestError> {
    let mut joined = Vec::new();
    for (name, value) in parameters {
        let parameter = format!("{name}={value}");
        if value.contains([',', '\'', '=', '%']) || name.contains([',', '=', '%']) {
            return Err(RequestError::Parameter(parameter));
        }
        joined.push(parameter);
    }
    Ok(MethodCall {
        service: SERVICE,
        method: "RunReportWithParameters",
        arguments: vec![
            ("reportItemGuid".into(), report.into()),
            (
                profile.report_parameters().to_owned().into(),
                joined.join(", ").as_str().into(),
            ),
        ],
    })
}

fn guid(cell: Option<&str>, column: &str) -> Result<Option<Guid>, AnswerError> {
    match cell.map(str::trim).filter(|cell| !cell.is_empty()) {
        None => Ok(None),
        Some(cell) => cell
            .parse()
            .map(|guid: Guid| Some(guid).filter(|guid| !guid.is_nil()))
            .map_err(|error| AnswerError::value(column, &error)),
    }
}

/// Reads the associations report: parent and child of each.
pub(crate) fn associations(body: &mut dyn BufRead) -> Result<Vec<(Guid, Guid)>, AnswerError> {
    let mut found = Vec::new();
    table::read(body, &["ParentGuid", "ChildGuid"], &[], |row| {
        if let (Some(parent), Some(child)) = (
            guid(row.get(0), "ParentGuid")?,
            guid(row.get(1), "ChildGuid")?,
        ) {
            found.push((parent, child));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads the servers report: the inventory of each computer.
pub(crate) fn servers(body: &mut dyn BufRead) -> Result<BTreeMap<Guid, Inventory>, AnswerError> {
    let mut found: BTreeMap<Guid, Inventory> = BTreeMap::new();
    let columns = ["ComputerGuid", "HostName", "Domain", "Address", "Mask"];
    table::read(body, &columns, &[], |row| {
        if let Some(computer) = guid(row.get(0), "ComputerGuid")? {
            found
                .entry(computer)
                .or_default()
                .add(row.get(1), row.get(2), row.get(3), row.get(4));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads the holders report: package and server of each row whose state is `ready`, or of every row without one.
pub(crate) fn holders(
    body: &mut dyn BufRead,
    ready: Option<&str>,
) -> Result<Vec<(Guid, Guid)>, AnswerError> {
    let mut found = Vec::new();
    let optional: &[&str] = if ready.is_some() { &[] } else { &["State"] };
    table::read(
        body,
        &["PackageGuid", "ServerGuid", "State"],
        optional,
        |row| {
            let holds = ready.is_none_or(|ready| {
                row.get(2)
                    .is_some_and(|state| state.trim().eq_ignore_ascii_case(ready.trim()))
            });
            if let (true, Some(package), Some(server)) = (
                holds,
                guid(row.get(0), "PackageGuid")?,
                guid(row.get(1), "ServerGuid")?,
            ) {
                found.push((package, server));
            }
            Ok(())
        },
    )?;
    Ok(found)
}
