//! Tables as the data-set serialiser writes them: an inline schema first, then one element a row.
//!
//! Pure. Column names are XML-encoded, a NULL cell is left out, the row element is `Table` or `Table1`.

use super::xml::{XSD, Xml, encode_name};

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A GUID.
    Guid,
    /// A whole number.
    Int,
    /// A number.
    Real,
    /// `true` or `false`.
    Boolean,
    /// A time.
    DateTime,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name as the query gives it.
    pub name: String,
    /// Its type.
    pub kind: ColumnKind,
}

/// Columns and rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// The element names of the columns: unnamed ones are numbered, repeated ones get a number behind.
    fn element_names(&self) -> Vec<String> {
        let mut used: Vec<String> = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            let base = if column.name.is_empty() {
                format!("Column{}", at + 1)
            } else {
                column.name.clone()
            };
            let mut name = base.clone();
            let mut number = 1;
            // .NET compares column names without regard to case.
            while used.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                name = format!("{base}{number}");
                number += 1;
            }
            used.push(name);
        }
        used.iter().map(|name| encode_name(name)).collect()
    }

    /// Writes `<NewDataSet>` with the schema and the rows.
    pub fn write(&self, xml: &mut Xml, row: &str) {
        let names = self.element_names();
        xml.start_with("NewDataSet", &[("xmlns", "")]);
        self.write_schema(xml, row, &names);
        for cells in &self.rows {
            xml.start(row);
            for (name, cell) in names.iter().zip(cells) {
                if let Some(text) = cell {
                    xml.leaf(name, text);
                }
            }
            xml.end(row);
        }
        xml.end("NewDataSet");
    }

    fn write_schema(&self, xml: &mut Xml, row: &str, names: &[String]) {
        xml.start_with(
            "xs:schema",
            &[
                ("id", "NewDataSet"),
                ("xmlns", ""),
                ("xmlns:xs", XSD),
                ("xmlns:msdata", "urn:schemas-microsoft-com:xml-msdata"),
            ],
        );
        xml.start_with(
            "xs:element",
            &[("name", "NewDataSet"), ("msdata:IsDataSet", "true")],
        );
        xml.start("xs:complexType");
        xml.start_with(
            "xs:choice",
            &[("minOccurs", "0"), ("maxOccurs", "unbounded")],
        );
        xml.start_with("xs:element", &[("name", row)]);
        xml.start("xs:complexType");
        xml.start("xs:sequence");
        for (name, column) in names.iter().zip(&self.columns) {
            let kind = match column.kind {
                ColumnKind::Text | ColumnKind::Guid => "xs:string",
                ColumnKind::Int => "xs:int",
                ColumnKind::Real => "xs:double",
                ColumnKind::Boolean => "xs:boolean",
                ColumnKind::DateTime => "xs:dateTime",
            };
            let mut attributes = vec![("name", name.as_str())];
            if column.kind == ColumnKind::Guid {
                attributes.push(("msdata:DataType", "System.Guid"));
            }
            attributes.extend([("type", kind), ("minOccurs", "0")]);
            xml.empty("xs:element", &attributes);
        }
        for name in [
            "xs:sequence",
            "xs:complexType",
            "xs:element",
            "xs:choice",
            "xs:complexType",
            "xs:element",
            "xs:schema",
        ] {
            xml.end(name);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn column(name: &str, kind: ColumnKind) -> Column {
        Column {
            name: name.to_owned(),
            kind,
        }
    }

    #[test]
    fn schema_first_nulls_absent_names_encoded() {
        let table = Table {
            columns: vec![
                column("Guid", ColumnKind::Guid),
                column("Host Name", ColumnKind::Text),
                column("guid", ColumnKind::Text),
            ],
            rows: vec![vec![Some("a".to_owned()), None, Some("<b>".to_owned())]],
        };
        let mut xml = Xml::new();
        table.write(&mut xml, "Table1");
        let text = String::from_utf8(xml.into_bytes()).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let children: Vec<_> = document
            .root_element()
            .children()
            .map(|child| child.tag_name().name())
            .collect();
        assert_eq!(children, ["schema", "Table1"]);
        assert!(
            text.ends_with("<Table1><Guid>a</Guid><guid1>&lt;b&gt;</guid1></Table1></NewDataSet>"),
            "{text}"
        );
        assert!(
            text.contains(r#"<xs:element name="Host_x0020_Name" type="xs:string" minOccurs="0"/>"#),
            "{text}"
        );
    }
}
