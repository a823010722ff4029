//! How one world speaks: namespaces, element names, quirks, all read from its names once at the start.
//!
//! Pure.

use std::collections::BTreeSet;

use crate::server::Delivery;
use crate::wire::operations::{Service, ServiceId};
use crate::wire::{Shapes, StructureId, Style};
use crate::world::{Quirk, StructureNames, Switch, World};

/// The manner of speaking of one world.
#[derive(Debug, Clone)]
pub struct Manner {
    shapes: Shapes,
    namespaces: std::collections::BTreeMap<&'static str, String>,
    row: &'static str,
    quirks: BTreeSet<Quirk>,
    void_with_body: bool,
    deployment_solution: bool,
}

impl Manner {
    /// Reads the manner of a world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let names = world.names();
        let mut shapes = Shapes::default();
        rename(
            &mut shapes,
            StructureId::ResourceDataInfo,
            &names.resource_info,
            "resourceType",
        );
        rename(
            &mut shapes,
            StructureId::ResourceData,
            &names.resource_data,
            "resourceType",
        );
        rename(
            &mut shapes,
            StructureId::ResourceStructureInfo,
            &names.resource_structure,
            "base",
        );
        rename(
            &mut shapes,
            StructureId::ResourceRelationshipStructure,
            &names.relationship,
            "",
        );
        if world.has_quirk(Quirk::OtherElements) {
            for (id, key, element) in OTHER_ELEMENTS {
                shapes.rename(*id, key, element);
            }
        }
        Self {
            shapes,
            namespaces: names.namespaces.clone(),
            row: names.table_row,
            quirks: Quirk::ALL
                .iter()
                .copied()
                .filter(|quirk| world.has_quirk(*quirk))
                .collect(),
            void_with_body: world.has(Switch::VoidWithBody),
            deployment_solution: world.has_deployment_solution(),
        }
    }

    /// The structures under this world's element names.
    #[must_use]
    pub fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// How the answers of a service are written.
    #[must_use]
    pub fn style(&self, service: &Service) -> Style {
        let namespace = self
            .namespaces
            .get(service.name)
            .map_or("http://tempuri.org/", String::as_str);
        let prefixed = self.has(Quirk::Prefixed);
        Style {
            prefix: prefixed.then(|| "q1".to_owned()),
            envelope: if prefixed { "SOAP-ENV" } else { "soap" }.to_owned(),
            row: if self.has(Quirk::Table1) {
                "Table1"
            } else {
                self.row
            }
            .to_owned(),
            shuffle: self.has(Quirk::ShuffledElements),
            void_with_body: self.void_with_body,
            nil_nulls: self.has(Quirk::NilNulls),
            unknown: self.has(Quirk::UnknownElements),
            braced: self.has(Quirk::BracedGuids),
            ..Style::plain(namespace)
        }
    }

    /// Says whether the service is there at all.
    #[must_use]
    pub fn offers(&self, service: ServiceId) -> bool {
        match service {
            ServiceId::DsTaskManagement => {
                self.deployment_solution && !self.has(Quirk::NoDeploymentSolution)
            }
            ServiceId::SoftwarePackageManagement => !self.has(Quirk::NoSoftwarePackageService),
            _ => true,
        }
    }

    /// Every answer takes a second.
    #[must_use]
    pub fn slow(&self) -> bool {
        self.has(Quirk::Slow)
    }

    /// Every fifth read is answered with 503.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.has(Quirk::Busy)
    }

    /// Every fourth answer to a read is cut.
    #[must_use]
    pub fn resets(&self) -> bool {
        self.has(Quirk::Resets)
    }

    /// Every other answer to a write is cut.
    #[must_use]
    pub fn resets_after_write(&self) -> bool {
        self.has(Quirk::ResetAfterWrite)
    }

    /// How answers travel.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        Delivery {
            gzip: self.has(Quirk::Gzip),
            chunked: self.has(Quirk::Chunked),
            clock_ahead: self.has(Quirk::ClockAhead),
        }
    }

    /// The account may not write.
    #[must_use]
    pub fn read_only(&self) -> bool {
        self.has(Quirk::ReadOnlyAccount)
    }

    /// Form errors are a generic page.
    #[must_use]
    pub fn html_errors(&self) -> bool {
        self.has(Quirk::HtmlErrors)
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}

/// What the undocumented structures that no seed names call their elements under the quirk.
const OTHER_ELEMENTS: &[(StructureId, &str, &str)] = &[
    (StructureId::ResourceData, "attributes", "Token"),
    (StructureId::DataClassStructure, "guid", "Key"),
    (StructureId::DataClassStructure, "name", "Caption"),
    (StructureId::DataClassStructure, "table", "Storage"),
    (StructureId::DataClassStructure, "fields", "Columns"),
    (StructureId::DataClassFieldStructure, "name", "Caption"),
    (StructureId::DataClassFieldStructure, "type", "Shape"),
    (StructureId::DataClassFieldStructure, "key", "Identifies"),
    (StructureId::ItemInfo, "guid", "Key"),
    (StructureId::ItemInfo, "name", "Caption"),
    (StructureId::ItemInfo, "description", "Remark"),
    (StructureId::ItemInfo, "type", "Kind"),
    (StructureId::ItemAction, "guid", "Key"),
    (StructureId::ItemAction, "name", "Caption"),
];

/// Gives a structure the names that the seed chose; an empty name stands for an element that it does not have.
fn rename(shapes: &mut Shapes, id: StructureId, names: &StructureNames, resource_type: &str) {
    let StructureNames {
        type_name,
        guid,
        name,
        resource_type: type_element,
        description,
        data_classes,
        parent_type,
        child_type,
    } = names;
    shapes.rename_type(id, type_name);
    for (key, element) in [
        ("guid", guid),
        ("name", name),
        (resource_type, type_element),
        ("description", description),
        ("dataClasses", data_classes),
        ("parentType", parent_type),
        ("childType", child_type),
    ] {
        if !element.is_empty() && !key.is_empty() {
            shapes.rename(id, key, element);
        }
    }
}
