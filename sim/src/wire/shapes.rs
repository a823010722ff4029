//! The transfer structures: which fields they have, of which type, under which element names.
//!
//! Pure. Documented structures (`ItemDetails`, `SoftwarePackageDetails`, `DataClassData` …) have their documented
//! names. The others differ from server to server: [`Shapes::rename`] and [`Shapes::rename_type`] give them the names
//! that the world's seed chose, and encoder, decoder and WSDL all read them from here.

use std::collections::BTreeMap;

use super::tree::Node;

/// The structures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StructureId {
    /// An item.
    ItemDetails,
    /// A software package and its package servers.
    SoftwarePackageDetails,
    /// A classic software-delivery package.
    PackageEx,
    /// An answer of Deployment Solution.
    DsDetails,
    /// A resource type.
    ResourceStructureInfo,
    /// An association type, seen from a resource type.
    ResourceRelationshipStructure,
    /// A data class.
    DataClassStructure,
    /// A field of a data class.
    DataClassFieldStructure,
    /// A resource in short.
    ResourceDataInfo,
    /// A resource with data classes.
    ResourceData,
    /// The rows of a data class.
    DataClassData,
    /// A row.
    DataClassRowData,
    /// A field of a row.
    DataClassFieldData,
    /// An item in short.
    ItemInfo,
    /// An action that an item offers.
    ItemAction,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A typed GUID.
    Guid,
    /// `true` or `false`.
    Boolean,
    /// A 32-bit number.
    Int,
    /// A list of texts, `<string>` each.
    Texts,
    /// A list of structures.
    Many(StructureId),
}

/// One field.
#[derive(Debug, Clone)]
pub struct Field {
    /// How the code calls it.
    pub key: &'static str,
    /// The element name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

/// One structure.
#[derive(Debug, Clone)]
pub struct Structure {
    /// The name of its type, which is also its element name in lists and form answers.
    pub name: String,
    /// The fields in the order of the sequence.
    pub fields: Vec<Field>,
}

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// No element at all.
    Absent,
    /// `xsi:nil="true"`.
    Null,
    /// Text, GUIDs and times.
    Text(String),
    /// A truth value.
    Boolean(bool),
    /// A number.
    Int(i64),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of structures.
    Many(Vec<Record>),
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// The values of a structure, in the order of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record(pub Vec<Cell>);

/// All structures of one server.
#[derive(Debug, Clone)]
pub struct Shapes(BTreeMap<StructureId, Structure>);

impl Default for Shapes {
    fn default() -> Self {
        Self(
            DEFAULTS
                .iter()
                .map(|(id, name, fields)| (*id, structure(name, fields)))
                .collect(),
        )
    }
}

fn structure(name: &str, fields: &[(&'static str, &'static str, Kind)]) -> Structure {
    Structure {
        name: name.to_owned(),
        fields: fields
            .iter()
            .map(|&(key, name, kind)| Field {
                key,
                name: if name.is_empty() {
                    key.to_owned()
                } else {
                    name.to_owned()
                },
                kind,
            })
            .collect(),
    }
}

impl Shapes {
    /// The structure of an id.
    ///
    /// # Panics
    /// Never: every id has an entry.
    #[must_use]
    pub fn get(&self, id: StructureId) -> &Structure {
        &self.0[&id]
    }

    /// All structures, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (StructureId, &Structure)> {
        self.0.iter().map(|(id, structure)| (*id, structure))
    }

    /// Gives a field another element name.
    pub fn rename(&mut self, id: StructureId, key: &str, name: &str) {
        if let Some(structure) = self.0.get_mut(&id) {
            for field in structure.fields.iter_mut().filter(|field| field.key == key) {
                name.clone_into(&mut field.name);
            }
        }
    }

    /// Gives a structure another type name.
    pub fn rename_type(&mut self, id: StructureId, name: &str) {
        if let Some(structure) = self.0.get_mut(&id) {
            name.clone_into(&mut structure.name);
        }
    }

    /// The element name of a field.
    #[must_use]
    pub fn name(&self, id: StructureId, key: &str) -> &str {
        self.get(id)
            .fields
            .iter()
            .find(|field| field.key == key)
            .map_or("", |field| field.name.as_str())
    }

    /// Reads the text of a field out of a structure that a caller sent.
    #[must_use]
    pub fn read<'a>(&self, id: StructureId, key: &str, node: &'a Node) -> Option<&'a str> {
        node.child_text(self.name(id, key))
    }

    /// Reads the children of a list field out of a structure that a caller sent; `None` when the field is absent.
    #[must_use]
    pub fn read_many<'a>(&self, id: StructureId, key: &str, node: &'a Node) -> Option<&'a [Node]> {
        node.child(self.name(id, key))
            .filter(|child| !child.nil)
            .map(|child| child.children.as_slice())
    }
}

type Definition = (
    StructureId,
    &'static str,
    &'static [(&'static str, &'static str, Kind)],
);

/// Key, element name (empty: the same), type.
const DEFAULTS: &[Definition] = &[
    (
        StructureId::ItemDetails,
        "ItemDetails",
        &[
            ("AppliedToResourceTargets", "", Kind::Texts),
            ("Attributes", "", Kind::Text),
            ("Enabled", "", Kind::Boolean),
            ("Guid", "", Kind::Guid),
            ("IsSchedulableItem", "", Kind::Boolean),
            ("LongTypeName", "", Kind::Text),
            ("Name", "", Kind::Text),
            ("ParentFolderGuid", "", Kind::Guid),
            ("ParentFolderName", "", Kind::Text),
            ("ScheduleEnabled", "", Kind::Boolean),
            ("ScheduleXml", "", Kind::Text),
            ("SharedScheduleGuid", "", Kind::Guid),
            ("TypeGuid", "", Kind::Guid),
            ("TypeName", "", Kind::Text),
        ],
    ),
    (
        StructureId::SoftwarePackageDetails,
        "SoftwarePackageDetails",
        &[
            ("Guid", "", Kind::Guid),
            ("Name", "", Kind::Text),
            ("Description", "", Kind::Text),
            ("SourceType", "", Kind::Text),
            ("PackageLocation", "", Kind::Text),
            ("PackageServerAssigments", "", Kind::Text),
            ("PackageServerAutoAssign", "", Kind::Boolean),
            ("PackageServerLocation", "", Kind::Text),
            ("PackageServers", "", Kind::Text),
            ("SoftwareComponent", "", Kind::Text),
            ("CommandLines", "", Kind::Texts),
        ],
    ),
    (
        StructureId::PackageEx,
        "PackageExDetails",
        &[
            ("PackageGuid", "", Kind::Guid),
            ("PackageName", "", Kind::Text),
            ("PackageDescription", "", Kind::Text),
            ("PackageLocation", "", Kind::Text),
            ("AllOrSpecificPackageServers", "", Kind::Boolean),
            ("PackageServerGuids", "", Kind::Text),
            ("LocationOnPackageServer", "", Kind::Text),
        ],
    ),
    (
        StructureId::DsDetails,
        "DSDetails",
        &[
            ("Success", "", Kind::Boolean),
            ("ErrorMessage", "", Kind::Text),
            ("ReturnXML", "", Kind::Text),
        ],
    ),
    (
        StructureId::ResourceStructureInfo,
        "ResourceStructureInfo",
        &[
            ("guid", "Guid", Kind::Guid),
            ("name", "Name", Kind::Text),
            ("description", "Description", Kind::Text),
            ("base", "BaseTypeGuid", Kind::Guid),
        ],
    ),
    (
        StructureId::ResourceRelationshipStructure,
        "ResourceRelationshipStructure",
        &[
            ("guid", "Guid", Kind::Guid),
            ("name", "Name", Kind::Text),
            ("parentType", "ParentTypeGuid", Kind::Guid),
            ("childType", "ChildTypeGuid", Kind::Guid),
        ],
    ),
    (
        StructureId::DataClassStructure,
        "DataClassStructure",
        &[
            ("guid", "Guid", Kind::Guid),
            ("name", "Name", Kind::Text),
            ("table", "TableName", Kind::Text),
            (
                "fields",
                "Fields",
                Kind::Many(StructureId::DataClassFieldStructure),
            ),
        ],
    ),
    (
        StructureId::DataClassFieldStructure,
        "DataClassFieldStructure",
        &[
            ("name", "Name", Kind::Text),
            ("type", "DataType", Kind::Text),
            ("key", "IsKey", Kind::Boolean),
        ],
    ),
    (
        StructureId::ResourceDataInfo,
        "ResourceDataInfo",
        &[
            ("guid", "Guid", Kind::Guid),
            ("name", "Name", Kind::Text),
            ("resourceType", "ResourceTypeGuid", Kind::Guid),
            ("description", "Description", Kind::Text),
        ],
    ),
    (
        StructureId::ResourceData,
        "ResourceData",
        &[
            ("guid", "Guid", Kind::Guid),
            ("name", "Name", Kind::Text),
            ("resourceType", "ResourceTypeGuid", Kind::Guid),
            ("description", "Description", Kind::Text),
            ("attributes", "ItemAttributes", Kind::Text),
            (
                "dataClasses",
                "DataClasses",
                Kind::Many(StructureId::DataClassData),
            ),
        ],
    ),
    (
        StructureId::DataClassData,
        "DataClassData",
        &[
            ("DataClassGUID", "", Kind::Guid),
            ("DataRows", "", Kind::Many(StructureId::DataClassRowData)),
        ],
    ),
    (
        StructureId::DataClassRowData,
        "DataClassRowData",
        &[(
            "DataElements",
            "",
            Kind::Many(StructureId::DataClassFieldData),
        )],
    ),
    (
        StructureId::DataClassFieldData,
        "DataClassFieldData",
        &[("FieldName", "", Kind::Text), ("Value", "", Kind::Text)],
    ),
    (
        StructureId::ItemInfo,
        "ItemInfo",
        &[
            ("guid", "Guid", Kind::Guid),
            ("name", "Name", Kind::Text),
            ("description", "Description", Kind::Text),
            ("type", "TypeName", Kind::Text),
        ],
    ),
    (
        StructureId::ItemAction,
        "ItemAction",
        &[("guid", "Guid", Kind::Guid), ("name", "Name", Kind::Text)],
    ),
];
