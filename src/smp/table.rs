//! Tables: an inline schema first, then one element per row; a cell that is NULL is absent.
//!
//! Pure. The row element is `Table`, `Table1` or whatever the schema declares; column names are decoded
//! (`Count_x0020_of`). The schema lists the columns even where there are no rows: so an empty table and a table with
//! other columns are told apart.

use std::io::BufRead;

use super::xml::{AnswerError, Xml};

/// One row: the cells of the columns that were asked for, in that order.
#[derive(Debug, Default)]
pub(crate) struct Row {
    cells: Vec<(bool, String)>,
}

impl Row {
    /// The cell of the column at `index` in the list of columns asked for; `None` where it is NULL.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        self.cells
            .get(index)
            .filter(|(present, _)| *present)
            .map(|(_, text)| text.as_str())
    }
}

/// Decodes `_x0020_` and its like.
pub(crate) fn decode_name(name: &str) -> String {
    let mut decoded = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find("_x") {
        let code = rest
            .get(at + 2..at + 6)
            .filter(|_| rest.as_bytes().get(at + 6) == Some(&b'_'));
        let character = code
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        decoded.push_str(&rest[..at]);
        if let Some(character) = character {
            decoded.push(character);
            rest = &rest[at + 7..];
        } else {
            decoded.push_str("_x");
            rest = &rest[at + 2..];
        }
    }
    decoded.push_str(rest);
    decoded
}

/// What a schema declares.
#[derive(Debug, Default)]
struct Schema {
    rows: Vec<String>,
    columns: Vec<String>,
}

/// Reads the schema that began last: an element in an element in an element is a column, what holds it a row.
fn schema<R: BufRead>(xml: &mut Xml<R>) -> Result<Schema, AnswerError> {
    let outside = xml.depth() - 1;
    let mut found = Schema::default();
    // Open `xs:element`s with the depth at which each began.
    let mut open: Vec<(usize, String)> = Vec::new();
    while xml.depth() > outside {
        match xml.next()? {
            super::xml::Token::Start => {
                if xml.name() != "element" {
                    continue;
                }
                let name = xml.named().unwrap_or_default().to_owned();
                match open.len() {
                    0 => {}
                    1 => found.rows.push(name.clone()),
                    _ => {
                        let column = decode_name(&name);
                        if !found.columns.contains(&column) {
                            found.columns.push(column);
                        }
                    }
                }
                open.push((xml.depth(), name));
            }
            super::xml::Token::End => {
                while open.last().is_some_and(|(depth, _)| *depth > xml.depth()) {
                    open.pop();
                }
            }
            super::xml::Token::Text | super::xml::Token::Done => {}
        }
    }
    Ok(found)
}

/// Reads a whole table and hands over each row; gives the columns that the schema declares.
///
/// `wanted` are names of columns without regard to case; every one must be declared, unless `optional` says that it
/// may be missing.
pub(crate) fn read<R: BufRead>(
    body: R,
    wanted: &[&str],
    optional: &[&str],
    mut each: impl FnMut(&Row) -> Result<(), AnswerError>,
) -> Result<Vec<String>, AnswerError> {
    let mut xml = Xml::new(body);
    let mut declared: Option<Schema> = None;
    let mut rows = 0_u64;
    let mut seen: Vec<bool> = vec![false; wanted.len()];
    let mut row = Row {
        cells: vec![(false, String::new()); wanted.len()],
    };
    // The element names of the columns, as the rows spell them.
    let mut names: Vec<(String, Option<usize>)> = Vec::new();
    loop {
        match xml.next()? {
            super::xml::Token::Start => {}
            super::xml::Token::Done => break,
            super::xml::Token::End | super::xml::Token::Text => continue,
        }
        if xml.name().eq_ignore_ascii_case("Fault") {
            return Err(AnswerError::shape("a table", "a fault"));
        }
        if xml.name() == "schema" {
            let found = schema(&mut xml)?;
            declared = Some(found);
            if let Some(declared) = &declared {
                check_columns(declared, wanted, optional)?;
            }
            continue;
        }
        let is_row = match &declared {
            Some(schema) if !schema.rows.is_empty() => {
                schema.rows.iter().any(|name| name == xml.name())
            }
            _ => matches!(xml.name(), "Table" | "Table1"),
        };
        if !is_row {
            continue;
        }
        rows += 1;
        for (present, text) in &mut row.cells {
            *present = false;
            text.clear();
        }
        let depth = xml.depth();
        while xml.child(depth)? {
            let position = names.iter().position(|(name, _)| name == xml.name());
            let column = if let Some(position) = position {
                names[position].1
            } else {
                let decoded = decode_name(xml.name()).to_lowercase();
                let column = wanted
                    .iter()
                    .position(|wanted| wanted.to_lowercase() == decoded);
                names.push((xml.name().to_owned(), column));
                column
            };
            match column {
                Some(index) if !xml.nil() => {
                    let (present, text) = &mut row.cells[index];
                    xml.content(text)?;
                    *present = true;
                    seen[index] = true;
                }
                _ => xml.skip()?,
            }
        }
        each(&row)?;
    }
    let Some(declared) = declared else {
        // Without a schema nothing but a row can prove that this is the table that was asked for.
        if rows == 0 {
            return Err(AnswerError::shape(
                "a table with a schema",
                "neither schema nor rows",
            ));
        }
        for (index, name) in wanted.iter().enumerate() {
            if !seen[index] && !optional.contains(name) {
                return Err(AnswerError::Columns {
                    expected: (*name).to_owned(),
                    found: format!(
                        "`{}`",
                        names
                            .iter()
                            .map(|(name, _)| decode_name(name))
                            .collect::<Vec<_>>()
                            .join("`, `")
                    ),
                });
            }
        }
        return Ok(names.iter().map(|(name, _)| decode_name(name)).collect());
    };
    Ok(declared.columns)
}

fn check_columns(schema: &Schema, wanted: &[&str], optional: &[&str]) -> Result<(), AnswerError> {
    for name in wanted {
        let known = schema
            .columns
            .iter()
            .any(|column| column.to_lowercase() == name.to_lowercase());
        if !known && !optional.contains(name) {
            let found = if schema.columns.is_empty() {
                "none".to_owned()
            } else {
                format!("`{}`", schema.columns.join("`, `"))
            };
            return Err(AnswerError::Columns {
                expected: (*name).to_owned(),
                found,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SCHEMA: &str = "<xs:schema id='NewDataSet' xmlns:xs='http://www.w3.org/2001/XMLSchema'><xs:element name='NewDataSet'><xs:complexType>\
        <xs:choice minOccurs='0' maxOccurs='unbounded'><xs:element name='ROW'><xs:complexType><xs:sequence>\
        <xs:element name='Host_x0020_Name' type='xs:string' minOccurs='0'/><xs:element name='Guid' type='xs:string' minOccurs='0'/>\
        </xs:sequence></xs:complexType></xs:element></xs:choice></xs:complexType></xs:element></xs:schema>";

    fn check(body: &str, expect: &[&str]) {
        assert_eq!(rows(body).unwrap(), expect, "{body}");
    }

    fn rows(body: &str) -> Result<Vec<String>, AnswerError> {
        let mut rows = Vec::new();
        read(body.as_bytes(), &["guid", "Host Name"], &[], |row| {
            rows.push(format!("{:?} {:?}", row.get(0), row.get(1)));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn reads_rows_of_any_name() {
        let row = "<Guid>a</Guid><Other>x<y/></Other><Host_x0020_Name>SMP<![CDATA[01]]></Host_x0020_Name>";
        for (schema, name) in [
            (SCHEMA.replace("ROW", "Table"), "Table"),
            (SCHEMA.replace("ROW", "Table1"), "Table1"),
            (SCHEMA.replace("ROW", "Zeile"), "Zeile"),
            (String::new(), "Table"),
            (String::new(), "Table1"),
        ] {
            check(
                &format!(
                    "<NewDataSet>{schema}<{name}>{row}</{name}><{name}><Guid>b</Guid></{name}></NewDataSet>"
                ),
                &["Some(\"a\") Some(\"SMP01\")", "Some(\"b\") None"],
            );
            check(
                &format!(
                    "<s:Envelope xmlns:s='e'><s:Body><RunReportResponse xmlns='n'><RunReportResult><NewDataSet xmlns=''>{schema}\
                     <{name}>{row}</{name}></NewDataSet></RunReportResult></RunReportResponse></s:Body></s:Envelope>"
                ),
                &["Some(\"a\") Some(\"SMP01\")"],
            );
            check(
                &format!(
                    "<DataTable xmlns='n'>{schema}<d:diffgram xmlns:d='x'><NewDataSet><{name}>{row}</{name}></NewDataSet></d:diffgram></DataTable>"
                ),
                &["Some(\"a\") Some(\"SMP01\")"],
            );
        }
    }

    #[test]
    fn tells_no_rows_from_wrong_columns() {
        check(
            &format!(
                "<NewDataSet>{}</NewDataSet>",
                SCHEMA.replace("ROW", "Table")
            ),
            &[],
        );
        let other = SCHEMA.replace("Guid", "Id");
        for (body, expect) in [
            (
                format!("<NewDataSet>{other}</NewDataSet>"),
                "column `guid`, found `Host Name`, `Id`",
            ),
            ("<NewDataSet/>".to_owned(), "neither schema nor rows"),
            (
                "<NewDataSet><Table><Id>1</Id></Table></NewDataSet>".to_owned(),
                "column `guid`, found `Id`",
            ),
            (
                format!("<NewDataSet>{SCHEMA}<ROW><Guid>a"),
                "ended in the middle",
            ),
        ] {
            let error = rows(&body).unwrap_err().to_string();
            assert!(error.contains(expect), "{body}: {error}");
        }
    }

    #[test]
    fn nil_cells_are_null() {
        check(
            "<NewDataSet><Table><Guid xmlns:i='x' i:nil='true'/><Host_x0020_Name>a</Host_x0020_Name></Table><Table><Guid>b</Guid></Table></NewDataSet>",
            &["None Some(\"a\")", "Some(\"b\") None"],
        );
    }

    #[test]
    fn decodes_names() {
        for (encoded, decoded) in [
            ("Count_x0020_of_x0020_Computers", "Count of Computers"),
            ("_x0031_st", "1st"),
            ("a_x005F_x0020_b", "a_x0020_b"),
            ("_ResourceGuid", "_ResourceGuid"),
            ("_xyz_", "_xyz_"),
            ("_x00é0_", "_x00é0_"),
            ("_x", "_x"),
        ] {
            assert_eq!(decode_name(encoded), decoded);
        }
    }
}
