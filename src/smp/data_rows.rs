//! Rows of data classes: as `GetResources` gives them inside each resource, and as `GetDataClassData` gives a table.
//!
//! Pure: parses answers. `DataClassData{DataClassGUID, DataRows}`, `DataClassRowData{DataElements}` and
//! `DataClassFieldData{FieldName, Value}` are documented; which element of a resource holds them comes from the
//! profile. A row without a field is told from one in which the field is empty.

use std::io::BufRead;

use super::answer;
use super::table;
use super::xml::{AnswerError, Xml};
use crate::model::Guid;

/// One row of a data class: its fields by name, `None` where a field is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DataRow {
    fields: Vec<(String, Option<String>)>,
}

impl DataRow {
    #[cfg(test)]
    pub(crate) fn new(fields: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), Some((*value).to_owned()));
        Self {
            fields: fields.iter().map(owned).collect(),
        }
    }

    /// Whether the row has a field of this name, empty or not.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields
            .iter()
            .any(|(field, _)| field.eq_ignore_ascii_case(name))
    }

    /// The value of a field without blanks around it; `None` where it is empty or not there.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .and_then(|(_, value)| value.as_deref())
            .map(str::trim)
            .filter(|value| !value.is_empty())
    }
}

/// A resource with rows of data classes, each with the GUID of its class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    pub(crate) guid: Guid,
    pub(crate) name: Option<String>,
    pub(crate) rows: Vec<(Guid, DataRow)>,
}

/// Names of the elements of a resource that are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ElementNames {
    pub(crate) guid: String,
    pub(crate) name: Option<String>,
    pub(crate) data_classes: String,
}

/// Reads a list of resources with their rows. A resource that is nil or empty is left out.
pub(crate) fn resources(
    body: &mut dyn BufRead,
    method: &str,
    names: &ElementNames,
) -> Result<Vec<Fetched>, AnswerError> {
    let mut xml = Xml::new(body);
    let mut found = Vec::new();
    if !answer::enter(&mut xml, method)? {
        return Ok(found);
    }
    let depth = xml.depth();
    while xml.child(depth)? {
        if xml.nil() {
            xml.skip()?;
        } else {
            found.extend(resource(&mut xml, names)?);
        }
    }
    xml.finish()?;
    Ok(found)
}

fn resource<R: BufRead>(
    xml: &mut Xml<R>,
    names: &ElementNames,
) -> Result<Option<Fetched>, AnswerError> {
    let (mut guid, mut name, mut rows) = (None, None, Vec::new());
    let depth = xml.depth();
    let mut children = 0_usize;
    let mut content = String::new();
    while xml.child(depth)? {
        children += 1;
        if xml.nil() {
            xml.skip()?;
        } else if xml.name().eq_ignore_ascii_case(&names.guid) {
            xml.content(&mut content)?;
            let parsed: Guid = content
                .parse()
                .map_err(|error| AnswerError::value(&names.guid, &error))?;
            guid = Some(parsed);
        } else if xml.name().eq_ignore_ascii_case(&names.data_classes) {
            let depth = xml.depth();
            while xml.child(depth)? {
                data_class(xml, &mut rows)?;
            }
        } else if let Some(wanted) = &names.name
            && xml.name().eq_ignore_ascii_case(wanted)
        {
            xml.content(&mut content)?;
            name = Some(content.clone());
        } else {
            xml.skip()?;
        }
    }
    match guid {
        Some(guid) if guid.is_nil() => Ok(None),
        Some(guid) => Ok(Some(Fetched { guid, name, rows })),
        None if children == 0 => Ok(None),
        None => Err(AnswerError::shape(
            format!("the element `{}` in every resource", names.guid),
            "a resource without it",
        )),
    }
}

/// Reads the `DataClassData` that began last.
fn data_class<R: BufRead>(
    xml: &mut Xml<R>,
    rows: &mut Vec<(Guid, DataRow)>,
) -> Result<(), AnswerError> {
    if xml.nil() {
        return xml.skip();
    }
    let first = rows.len();
    let mut class = None;
    let depth = xml.depth();
    while xml.child(depth)? {
        if xml.nil() {
            xml.skip()?;
        } else if xml.name().eq_ignore_ascii_case("DataClassGUID") {
            let mut content = String::new();
            xml.content(&mut content)?;
            let guid: Guid = content
                .parse()
                .map_err(|error| AnswerError::value("DataClassGUID", &error))?;
            class = Some(guid);
        } else if xml.name().eq_ignore_ascii_case("DataRows") {
            let depth = xml.depth();
            while xml.child(depth)? {
                if xml.nil() {
                    xml.skip()?;
                } else {
                    // Which class it is may be said after its rows.
                    rows.push((Guid::NIL, row(xml)?));
                }
            }
        } else {
            xml.skip()?;
        }
    }
    match class {
        Some(class) => {
            for (of, _) in &mut rows[first..] {
                *of = class;
            }
            Ok(())
        }
        None if rows.len() == first => Ok(()),
        None => Err(AnswerError::shape(
            "`DataClassGUID` beside the rows of a data class",
            "rows without it",
        )),
    }
}

/// Reads the `DataClassRowData` that began last.
fn row<R: BufRead>(xml: &mut Xml<R>) -> Result<DataRow, AnswerError> {
    let mut found = DataRow::default();
    let depth = xml.depth();
    while xml.child(depth)? {
        if xml.nil() || !xml.name().eq_ignore_ascii_case("DataElements") {
            xml.skip()?;
            continue;
        }
        let depth = xml.depth();
        while xml.child(depth)? {
            if xml.nil() {
                xml.skip()?;
                continue;
            }
            let [name, value] = answer::fields(xml, ["FieldName", "Value"])?;
            let name = name.ok_or_else(|| {
                AnswerError::shape("`FieldName` in every field", "a field without it")
            })?;
            found.fields.push((name.trim().to_owned(), value));
        }
    }
    Ok(found)
}

/// Reads the table of one data class of one resource.
pub(crate) fn of_table(
    body: &mut dyn BufRead,
    fields: &[String],
) -> Result<Vec<DataRow>, AnswerError> {
    let wanted: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    table::read(body, &wanted, &[], |row| {
        let field =
            |(index, name): (usize, &String)| (name.clone(), row.get(index).map(ToOwned::to_owned));
        rows.push(DataRow {
            fields: fields.iter().enumerate().map(field).collect(),
        });
        Ok(())
    })?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ONE: &str = "00000000-0000-0000-0000-000000000001";
    const CLASS: &str = "00000000-0000-0000-0000-00000000dd05";

    fn read(body: &str) -> Result<Vec<Fetched>, AnswerError> {
        let names = ElementNames {
            guid: "Guid".into(),
            name: Some("Name".into()),
            data_classes: "DataClasses".into(),
        };
        resources(&mut body.as_bytes(), "GetResources", &names)
    }

    #[test]
    fn rows_are_read_in_any_shape() {
        for body in [
            // The vendor's stack.
            format!(
                "<soap:Envelope xmlns:soap='e'><soap:Body><GetResourcesResponse xmlns='urn:rm'><GetResourcesResult><ResourceData><Guid>{ONE}</Guid><Name>PC1</Name>\
                 <DataClasses><DataClassData><DataClassGUID>{CLASS}</DataClassGUID><DataRows><DataClassRowData><DataElements>\
                 <DataClassFieldData><FieldName>OS Name</FieldName><Value>Windows &amp; co</Value></DataClassFieldData>\
                 <DataClassFieldData><FieldName>Empty</FieldName></DataClassFieldData></DataElements></DataClassRowData></DataRows></DataClassData></DataClasses>\
                 </ResourceData></GetResourcesResult></GetResourcesResponse></soap:Body></soap:Envelope>"
            ),
            // Another order, other prefixes and names of list elements, what is unknown, braces, nil, no rows.
            format!(
                "<e:Envelope xmlns:e='e' xmlns:i='xsi'><e:Body><q:GetResourcesResponse xmlns:q='q'><q:GetResourcesResult><q:x i:nil='true'/><q:R>\
                 <q:DataClasses><q:d><q:Extra><q:FieldName>no</q:FieldName></q:Extra><q:DataRows><q:r i:nil='true'/><q:r><q:RowId>7</q:RowId><q:DataElements><q:f i:nil='true'/>\
                 <q:f><q:Value><![CDATA[Windows & co]]></q:Value><q:FieldName> os name </q:FieldName></q:f>\
                 <q:f><q:FieldName>Empty</q:FieldName><q:Value i:nil='true'/></q:f></q:DataElements></q:r></q:DataRows><q:dataclassguid>{{{CLASS}}}</q:dataclassguid></q:d>\
                 <q:d><q:DataClassGUID>{ONE}</q:DataClassGUID><q:DataRows/></q:d></q:DataClasses>\
                 <q:Name>PC1</q:Name><q:Guid>{{{ONE}}}</q:Guid></q:R><q:R/></q:GetResourcesResult></q:GetResourcesResponse></e:Body></e:Envelope>"
            ),
        ] {
            let found = read(&body).unwrap();
            assert_eq!(found.len(), 1, "{body}");
            assert_eq!(found[0].guid, ONE.parse().unwrap());
            assert_eq!(found[0].name.as_deref(), Some("PC1"));
            let [(class, row)] = found[0].rows.as_slice() else {
                unreachable!("{found:?}");
            };
            assert_eq!(*class, CLASS.parse().unwrap());
            assert_eq!(row.get("OS name"), Some("Windows & co"));
            assert!(row.has("empty") && row.get("Empty").is_none());
            assert!(!row.has("Other"));
        }
        let bare = format!("<ArrayOfX><X><Guid>{ONE}</Guid><DataClasses/></X></ArrayOfX>");
        assert_eq!(read(&bare).unwrap()[0].rows, []);
    }

    #[test]
    fn rows_that_are_not_understood_are_errors() {
        let inside = |classes: &str| {
            format!("<L><R><Guid>{ONE}</Guid><DataClasses>{classes}</DataClasses></R></L>")
        };
        let row = "<DataRows><R><DataElements><F><FieldName>a</FieldName></F></DataElements></R></DataRows>";
        for (body, expect) in [
            (inside(&format!("<D>{row}</D>")), "rows without it"),
            (
                inside(&format!("<D><DataClassGUID>x</DataClassGUID>{row}</D>")),
                "expected a GUID",
            ),
            (
                inside(
                    "<D><DataRows><R><DataElements><F><Value>1</Value></F></DataElements></R></DataRows></D>",
                ),
                "a field without it",
            ),
            (
                "<L><R><Name>x</Name></R></L>".to_owned(),
                "`Guid` in every resource",
            ),
            ("<L><R><Guid>".to_owned(), "ended in the middle"),
        ] {
            let error = read(&body).unwrap_err().to_string();
            assert!(error.contains(expect), "{body}: {error}");
        }
    }

    #[test]
    fn a_table_has_the_same_rows() {
        let body = "<NewDataSet><Table><OS_x0020_Name>Windows</OS_x0020_Name></Table><Table><x/></Table></NewDataSet>";
        let rows = of_table(&mut body.as_bytes(), &["OS Name".into()]).unwrap();
        assert_eq!(rows[0], DataRow::new(&[("OS Name", "Windows")]));
        assert!(rows[1].has("OS Name") && rows[1].get("OS Name").is_none());
        assert!(of_table(&mut body.as_bytes(), &["Other".into()]).is_err());
    }
}
