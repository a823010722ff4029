//! `ASDK.NS/ReportManagementService`: reports are created from SQL and run.
//!
//! Pure: builds calls and parses answers.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::clients::{Computers, PlugIns};
use super::request::{MethodCall, RequestError};
use super::resource_management::Inventory;
use super::table;
use super::xml::AnswerError;
use crate::model::Guid;
use crate::profile::{FactKind, Profile, ServiceName};

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

/// Reads the computers report: each managed computer with its addresses.
pub(crate) fn computers(body: &mut dyn BufRead) -> Result<Computers, AnswerError> {
    let mut found = Computers::default();
    let columns = ["ComputerGuid", "HostName", "Domain", "Address", "Mask"];
    table::read(body, &columns, &[], |row| {
        if let Some(computer) = guid(row.get(0), "ComputerGuid")? {
            let mut inventory = Inventory::default();
            inventory.add(row.get(1), row.get(2), row.get(3), row.get(4));
            found.add(computer, &inventory);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads the registrations report: computer and task server of each row.
pub(crate) fn registrations(body: &mut dyn BufRead) -> Result<Vec<(Guid, Guid)>, AnswerError> {
    let mut found = Vec::new();
    table::read(body, &["ComputerGuid", "ServerGuid"], &[], |row| {
        if let (Some(computer), Some(server)) = (
            guid(row.get(0), "ComputerGuid")?,
            guid(row.get(1), "ServerGuid")?,
        ) {
            found.push((computer, server));
        }
        Ok(())
    })?;
    Ok(found)
}

/// A value of the facts report: of which resource, which fact, what it is.
pub(crate) type FactRow = (Guid, FactKind, String);

/// Reads the facts report. A fact of another name is passed over, and so is an empty value.
pub(crate) fn facts(body: &mut dyn BufRead) -> Result<Vec<FactRow>, AnswerError> {
    let mut found = Vec::new();
    table::read(body, &["ResourceGuid", "Fact", "Value"], &[], |row| {
        if let (Some(resource), Some(kind), Some(value)) = (
            guid(row.get(0), "ResourceGuid")?,
            row.get(1).and_then(FactKind::by_key),
            row.get(2),
        ) {
            found.push((resource, kind, value.trim().to_owned()));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads the plug-ins report.
pub(crate) fn plug_ins(body: &mut dyn BufRead) -> Result<PlugIns, AnswerError> {
    let mut found = PlugIns::default();
    table::read(body, &["ComputerGuid", "PlugIn"], &[], |row| {
        if let (Some(computer), Some(plug_in)) = (guid(row.get(0), "ComputerGuid")?, row.get(1)) {
            found.add(computer, plug_in);
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ONE: &str = "00000000-0000-0000-0000-000000000001";
    const TWO: &str = "{00000000-0000-0000-0000-00000000000A}";

    fn rows(rows: &[&[(&str, &str)]]) -> String {
        let cells = |row: &&[(&str, &str)]| -> String {
            let cell = |(name, value): &(&str, &str)| format!("<{name}>{value}</{name}>");
            format!(
                "<Table>{}</Table>",
                row.iter().map(cell).collect::<String>()
            )
        };
        format!(
            "<NewDataSet>{}</NewDataSet>",
            rows.iter().map(cells).collect::<String>()
        )
    }

    #[test]
    fn facts_are_read_by_column_name() {
        let body = rows(&[
            &[
                ("Value", " Windows "),
                ("Fact", "OPERATINGSYSTEM"),
                ("ResourceGuid", TWO),
            ],
            &[("ResourceGuid", ONE), ("Fact", "iis"), ("Other", "x")],
            &[("ResourceGuid", ONE), ("Fact", "colour"), ("Value", "red")],
            &[("ResourceGuid", ""), ("Fact", "iis"), ("Value", "1")],
        ]);
        assert_eq!(
            facts(&mut body.as_bytes()).unwrap(),
            [(
                Guid::from_u128(10),
                FactKind::OperatingSystem,
                "Windows".to_owned()
            )]
        );
        let other = rows(&[&[("ResourceGuid", ONE), ("Fact", "iis")]]);
        assert!(facts(&mut other.as_bytes()).is_err());
        let other = rows(&[&[("ResourceGuid", "x"), ("Fact", "iis"), ("Value", "1")]]);
        assert!(facts(&mut other.as_bytes()).is_err());
    }

    #[test]
    fn clients_registrations_and_plug_ins_are_read() {
        let body = rows(&[
            &[
                ("ComputerGuid", ONE),
                ("HostName", "PC1"),
                ("Domain", "corp.example"),
                ("Address", "10.0.0.1"),
                ("Mask", "255.255.0.0"),
            ],
            &[("ComputerGuid", TWO), ("HostName", "PC2")],
        ]);
        let found = computers(&mut body.as_bytes()).unwrap().finish();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].addresses, [("10.0.0.1".parse().unwrap(), 16)]);
        let body = rows(&[
            &[("ComputerGuid", ONE), ("ServerGuid", TWO)],
            &[
                ("ComputerGuid", ONE),
                ("ServerGuid", "00000000-0000-0000-0000-000000000000"),
            ],
        ]);
        assert_eq!(
            registrations(&mut body.as_bytes()).unwrap(),
            [(Guid::from_u128(1), Guid::from_u128(10))]
        );
        let body = rows(&[
            &[("ComputerGuid", ONE), ("PlugIn", "A")],
            &[("ComputerGuid", ONE)],
        ]);
        let found = plug_ins(&mut body.as_bytes()).unwrap().finish();
        assert_eq!(found[&Guid::from_u128(1)].len(), 1);
    }
}
