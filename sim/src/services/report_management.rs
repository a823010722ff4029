//! `ReportManagementService`: reports from SQL, run with and without parameters.
//!
//! I/O only through [`World`], which runs the SQL read-only. A parameter `%a%` in the SQL is replaced as text, as the
//! SMP does it; a parameter without a value keeps its default, which is empty here.

use super::{guid, item_record, table, unknown};
use crate::wire::shapes::StructureId;
use crate::wire::table::{Column, ColumnKind};
use crate::wire::{Call, Fault, Reply, Table};
use crate::world::{Switch, World};

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    let report = || guid(call, "reportItemGuid");
    Ok(match call.operation.base {
        "CreateReportUsingRawSqlQuery" => {
            let item = world.create_report(
                call.text("reportName"),
                call.text("reportDescription"),
                call.text("dataSourceName"),
                guid(call, "folderGuid"),
                call.text("sqlQuery"),
            )?;
            Reply::One(StructureId::ItemDetails, item_record(&item))
        }
        "RunReport" => run(world, &world.report_sql(report())?, &[])?,
        "RunReportWithParameters" => {
            let pairs = parse_pairs(call.text("nameValuePairs"))?;
            run(world, &world.report_sql(report())?, &pairs)?
        }
        "GetReportParameters" => Reply::Table(parameters(&world.report_sql(report())?)),
        _ => return Err(unknown(call)),
    })
}

fn run(world: &World, sql: &str, pairs: &[(String, String)]) -> Result<Reply, Fault> {
    let sql = if world.has(Switch::ReportParametersNotReplaced) {
        sql.to_owned()
    } else {
        replace(sql, pairs)
    };
    Ok(Reply::Table(table(world.run_sql(&sql)?)))
}

/// Reads `a=b, c=d`; there are no commas in names or values.
fn parse_pairs(text: &str) -> Result<Vec<(String, String)>, Fault> {
    text.split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
                .ok_or_else(|| {
                    Fault::parameter(format!("expected name=value, found `{}`", pair.trim()))
                })
        })
        .collect()
}

/// Replaces `%name%`, in one pass and without regard to case, so that a value is never read as a parameter.
fn replace(sql: &str, pairs: &[(String, String)]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(start) = rest.find('%') {
        out.push_str(rest.get(..start).unwrap_or_default());
        let tail = rest.get(start + 1..).unwrap_or_default();
        let name = tail.find('%').and_then(|end| tail.get(..end));
        let found =
            name.and_then(|name| pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)));
        if let (Some(name), Some((_, value))) = (name, found) {
            out.push_str(value);
            rest = tail.get(name.len() + 1..).unwrap_or_default();
        } else {
            out.push('%');
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

/// Lists the parameters that a report's SQL names.
fn parameters(sql: &str) -> Table {
    let mut names: Vec<&str> = Vec::new();
    let mut parts = sql.split('%');
    parts.next();
    for part in parts {
        let is_name = !part.is_empty()
            && part
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_');
        if is_name && sql.contains(&format!("%{part}%")) && !names.contains(&part) {
            names.push(part);
        }
    }
    let column = |name: &str| Column {
        name: name.to_owned(),
        kind: ColumnKind::Text,
    };
    Table {
        columns: vec![column("Name"), column("DefaultValue")],
        rows: names
            .into_iter()
            .map(|name| vec![Some(name.to_owned()), Some(String::new())])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn parameters_are_replaced_once() {
        let pairs = parse_pairs("type=%x%, x = 1").unwrap();
        assert_eq!(
            replace("a='%Type%' and b like '50%' and c=%x% %", &pairs),
            "a='%x%' and b like '50%' and c=1 %"
        );
        assert!(parse_pairs("a").is_err());
        assert!(parse_pairs("").unwrap().is_empty());
    }

    #[test]
    fn parameters_are_listed() {
        let table = parameters("select 1 where a='%type%' or b='%type%' or c like '%x y%'");
        assert_eq!(table.rows.len(), 1);
    }
}
