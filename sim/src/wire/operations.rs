//! The table of services and operations: names, parameters with types, result types, who writes.
//!
//! Pure. The signatures are those of 8.5 RU4 as far as they are documented. The typed-GUID twins (`FooX`, in the
//! Task service `Foo2`) are derived from the plain operations, so a twin cannot drift from its original.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::catalogue::{
    hierarchy_management, item_management, item_model, report_management, resource_management,
    resource_model, software_package_management, swd_package_management, task_management,
};
use super::shapes::StructureId;
use crate::level::Level;

/// The ten services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceId {
    /// `ASDK.NS/ItemManagementService.asmx`
    ItemManagement,
    /// `ASDK.NS/ResourceManagementService.asmx`
    ResourceManagement,
    /// `ASDK.NS/ReportManagementService.asmx`
    ReportManagement,
    /// `ASDK.NS/HierarchyManagementService.asmx`
    HierarchyManagement,
    /// `ASDK.SMF/SoftwarePackageManagementService.asmx`
    SoftwarePackageManagement,
    /// `ASDK.NS.SoftwareDelivery/SWDSolnPackageManagementService.asmx`
    SwdPackageManagement,
    /// `ASDK.Task/TaskManagementService.asmx`
    TaskManagement,
    /// `ASDK.DeploymentSolution/DSTaskManagementService.asmx`
    DsTaskManagement,
    /// `NSWebService/ResourceModel.asmx`
    ResourceModel,
    /// `NSWebService/ItemModel.asmx`
    ItemModel,
}

/// The type of a parameter or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// Nothing (results only).
    Void,
    /// Any text.
    Text,
    /// A GUID sent as text: braces, any case and the empty string are taken.
    GuidText,
    /// A typed GUID: 32 digits with four dashes, nothing else.
    Guid,
    /// `true`, `false`, `1`, `0`.
    Boolean,
    /// A 32-bit number.
    Int,
    /// A time.
    DateTime,
    /// A list of typed GUIDs.
    Guids,
    /// A list of texts.
    Texts,
    /// A `NewDataSet` (results only).
    Table,
    /// One structure.
    One(StructureId),
    /// A list of structures.
    Many(StructureId),
}

impl Type {
    /// Says whether form POST and GET can carry the type as a parameter.
    #[must_use]
    pub fn is_simple(self) -> bool {
        match self {
            Self::Text
            | Self::GuidText
            | Self::Guid
            | Self::Boolean
            | Self::Int
            | Self::DateTime => true,
            Self::Void | Self::Guids | Self::Texts | Self::Table | Self::One(_) | Self::Many(_) => {
                false
            }
        }
    }
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, as the WSDL spells it.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The name on the wire.
    pub name: String,
    /// The name of the plain operation; the same as `name` unless this is a typed twin.
    pub base: &'static str,
    /// The parameters, all of them needed.
    pub parameters: Vec<Parameter>,
    /// What it returns.
    pub result: Type,
    /// Says whether it changes the server.
    pub writes: bool,
    /// The first level that has it.
    pub since: Level,
    /// What it does here instead of its work, when it does nothing: the message of a documented fault.
    pub fault: Option<&'static str>,
}

/// One service.
#[derive(Debug)]
pub struct Service {
    /// Which one.
    pub id: ServiceId,
    /// The name in the WSDL, such as `ItemManagementService`.
    pub name: &'static str,
    /// The path below `/Altiris/`, as documented.
    pub path: &'static str,
    /// The key of the service in a server profile.
    pub key: &'static str,
    /// Says whether form POST and GET are answered besides SOAP.
    pub forms: bool,
    /// The operations in the order of the reference, twins after the plain ones.
    pub operations: Vec<Operation>,
}

impl Service {
    /// Finds an operation by its exact name: method names are taken as the WSDL spells them.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.name == name)
    }
}

/// All ten services, with all operations.
#[must_use]
pub fn services() -> &'static [Service] {
    services_at(Level::default())
}

/// All ten services, with the operations that a level has.
#[must_use]
pub fn services_at(level: Level) -> &'static [Service] {
    SERVICES.get(&level).map_or(&[], Vec::as_slice)
}

/// The service of an id, with all operations.
#[must_use]
pub fn service(id: ServiceId) -> Option<&'static Service> {
    services().iter().find(|service| service.id == id)
}

/// Finds a service of a level by the part of the path below `/Altiris/`, without regard to case, and returns what
/// follows it.
#[must_use]
pub fn by_path(level: Level, path: &str) -> Option<(&'static Service, &str)> {
    services_at(level).iter().find_map(|service| {
        let head = path.get(..service.path.len())?;
        if !head.eq_ignore_ascii_case(service.path) {
            return None;
        }
        let rest = path.get(service.path.len()..)?;
        if rest.is_empty() {
            return Some((service, rest));
        }
        rest.strip_prefix('/').map(|rest| (service, rest))
    })
}

const NOT_SIMULATED: &str = "the simulator does not carry out this operation";

/// Builds one operation; parameters are written `name:type` so that the table reads like the reference.
pub(super) fn op(
    name: &'static str,
    parameters: &[(&'static str, Type)],
    result: Type,
) -> Operation {
    Operation {
        name: name.to_owned(),
        base: name,
        parameters: parameters
            .iter()
            .map(|&(name, kind)| Parameter { name, kind })
            .collect(),
        result,
        writes: false,
        since: Level::V71,
        fault: None,
    }
}

impl Operation {
    pub(super) fn write(mut self) -> Self {
        self.writes = true;
        self
    }

    pub(super) fn since(mut self, level: Level) -> Self {
        self.since = level;
        self
    }

    pub(super) fn only_fault(mut self) -> Self {
        self.fault = Some(NOT_SIMULATED);
        self
    }

    /// The typed twin, when a parameter is a GUID as text.
    fn twin(&self, suffix: &str) -> Option<Self> {
        if self
            .parameters
            .iter()
            .all(|parameter| parameter.kind != Type::GuidText)
        {
            return None;
        }
        let mut twin = self.clone();
        twin.name = format!("{}{suffix}", self.base);
        for parameter in &mut twin.parameters {
            if parameter.kind == Type::GuidText {
                parameter.kind = Type::Guid;
            }
        }
        Some(twin)
    }
}

fn with_twins(plain: Vec<Operation>, suffix: &str) -> Vec<Operation> {
    let twins: Vec<Operation> = plain
        .iter()
        .filter_map(|operation| operation.twin(suffix))
        .collect();
    plain.into_iter().chain(twins).collect()
}

/// The tables of all levels: an operation that a level does not have is not there for anybody who looks.
static SERVICES: LazyLock<BTreeMap<Level, Vec<Service>>> = LazyLock::new(|| {
    let at = |level: Level| {
        let mut all = newest();
        for service in &mut all {
            service
                .operations
                .retain(|operation| operation.since <= level);
        }
        (level, all)
    };
    Level::ALL.into_iter().map(at).collect()
});

fn newest() -> Vec<Service> {
    vec![
        Service {
            id: ServiceId::ItemManagement,
            name: "ItemManagementService",
            path: "ASDK.NS/ItemManagementService.asmx",
            key: "ItemManagement",
            forms: true,
            operations: with_twins(item_management(), "X"),
        },
        Service {
            id: ServiceId::ResourceManagement,
            name: "ResourceManagementService",
            path: "ASDK.NS/ResourceManagementService.asmx",
            key: "ResourceManagement",
            forms: true,
            operations: with_twins(resource_management(), "X"),
        },
        Service {
            id: ServiceId::ReportManagement,
            name: "ReportManagementService",
            path: "ASDK.NS/ReportManagementService.asmx",
            key: "ReportManagement",
            forms: true,
            operations: with_twins(report_management(), "X"),
        },
        Service {
            id: ServiceId::HierarchyManagement,
            name: "HierarchyManagementService",
            path: "ASDK.NS/HierarchyManagementService.asmx",
            key: "HierarchyManagement",
            forms: true,
            operations: with_twins(hierarchy_management(), "X"),
        },
        Service {
            id: ServiceId::SoftwarePackageManagement,
            name: "SoftwarePackageManagementService",
            path: "ASDK.SMF/SoftwarePackageManagementService.asmx",
            key: "SoftwarePackageManagement",
            forms: true,
            operations: with_twins(software_package_management(), "X"),
        },
        Service {
            id: ServiceId::SwdPackageManagement,
            name: "SWDSolnPackageManagementService",
            path: "ASDK.NS.SoftwareDelivery/SWDSolnPackageManagementService.asmx",
            key: "SWDSolnPackageManagement",
            forms: true,
            operations: with_twins(swd_package_management(), "X"),
        },
        Service {
            id: ServiceId::TaskManagement,
            name: "TaskManagementService",
            path: "ASDK.Task/TaskManagementService.asmx",
            key: "TaskManagement",
            forms: true,
            operations: with_twins(task_management(), "2"),
        },
        Service {
            id: ServiceId::DsTaskManagement,
            name: "DSTaskManagementService",
            path: "ASDK.DeploymentSolution/DSTaskManagementService.asmx",
            key: "DSTaskManagement",
            forms: true,
            operations: vec![op(
                "RunDeploymentSolutionTask",
                &[("xml", Type::Text)],
                Type::One(StructureId::DsDetails),
            )],
        },
        Service {
            id: ServiceId::ResourceModel,
            name: "ResourceModel",
            path: "NSWebService/ResourceModel.asmx",
            key: "ResourceModel",
            forms: false,
            operations: resource_model(),
        },
        Service {
            id: ServiceId::ItemModel,
            name: "ItemModel",
            path: "NSWebService/ItemModel.asmx",
            key: "ItemModel",
            forms: false,
            operations: item_model(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_follow_their_plain_operation() {
        let names = |id| -> Vec<&str> {
            services()
                .iter()
                .filter(|service| service.id == id)
                .flat_map(|service| {
                    service
                        .operations
                        .iter()
                        .map(|operation| operation.name.as_str())
                })
                .collect()
        };
        assert!(names(ServiceId::ItemManagement).contains(&"ItemExistsX"));
        assert!(!names(ServiceId::ItemManagement).contains(&"GetItemsByNameX"));
        assert!(names(ServiceId::TaskManagement).contains(&"ExecuteTask2"));
        assert!(!names(ServiceId::ResourceModel).contains(&"GetResourceX"));
    }

    #[test]
    fn paths_are_found_without_regard_to_case() {
        let found = by_path(Level::V80, "asdk.ns/itemmanagementservice.asmx/ItemExists");
        assert_eq!(
            found.map(|(service, rest)| (service.id, rest)),
            Some((ServiceId::ItemManagement, "ItemExists"))
        );
        assert!(by_path(Level::V80, "ASDK.NS/ItemManagementService.asmxx").is_none());
    }

    #[test]
    fn each_level_has_what_tells_it_and_its_twin() {
        let told = [
            (Level::V80, ServiceId::ItemManagement, "ItemExists"),
            (Level::V80, ServiceId::ItemManagement, "ItemExistsX"),
            (
                Level::V81,
                ServiceId::ResourceManagement,
                "InvalidateTargetMembership",
            ),
            (Level::V85, ServiceId::ItemManagement, "PushPolicy"),
            (Level::V85Ru2, ServiceId::ResourceModel, "GetDataClassRows"),
            (Level::V85Ru2, ServiceId::ResourceModel, "SaveDataClassRows"),
            (Level::V85Ru3, ServiceId::TaskManagement, "CreateClientJob"),
            (
                Level::V85Ru4,
                ServiceId::ResourceModel,
                "SaveOrCreateResource",
            ),
        ];
        for level in Level::ALL {
            for (since, id, name) in told {
                let service = services_at(level).iter().find(|one| one.id == id);
                let there = service.is_some_and(|one| one.operation(name).is_some());
                assert_eq!(there, level >= since, "{name} at {level}");
            }
            assert_eq!(services_at(level).len(), 10);
        }
    }

    #[test]
    fn operations_with_forms_take_simple_parameters_only() {
        for service in services().iter().filter(|service| service.forms) {
            for operation in &service.operations {
                assert!(
                    operation
                        .parameters
                        .iter()
                        .all(|parameter| parameter.kind.is_simple()),
                    "{}",
                    operation.name
                );
            }
        }
    }
}
