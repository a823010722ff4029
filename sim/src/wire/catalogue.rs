//! The operations of each service, one function a service, written to read like the reference.
//!
//! Pure; see `operations`, which adds the typed twins.

use super::operations::{Operation, Type, op};
use super::shapes::StructureId;
use crate::level::Level;

pub(super) fn item_management() -> Vec<Operation> {
    let item = ("itemGuid", Type::GuidText);
    let details = Type::One(StructureId::ItemDetails);
    let list = Type::Many(StructureId::ItemDetails);
    vec![
        op("ItemExists", &[item], Type::Boolean).since(Level::V80),
        op("GetItemByGuid", &[item], details),
        op("GetItemsByName", &[("itemName", Type::Text)], list),
        op("GetItemsByType", &[("typeName", Type::Text)], list),
        op(
            "GetItemsByNameAndType",
            &[("name", Type::Text), ("type", Type::Text)],
            Type::Guids,
        ),
        op("ExportItemXmlString", &[item], Type::Text),
        op("ImportItemXmlString", &[("xml", Type::Text)], Type::Void).write(),
        op("DeleteItem", &[item], Type::Void).write(),
        op("RenameItem", &[item, ("newName", Type::Text)], Type::Void).write(),
        op(
            "EnablePolicyItem",
            &[("policyItemGuid", Type::GuidText)],
            Type::Void,
        )
        .write(),
        op(
            "DisablePolicyItem",
            &[("policyItemGuid", Type::GuidText)],
            Type::Void,
        )
        .write(),
        op(
            "CreateFolder",
            &[
                ("folderName", Type::Text),
                ("parentFolderGuid", Type::GuidText),
            ],
            details,
        )
        .write(),
        op("ExecuteSchedulableItem", &[item], Type::Void).write(),
        op(
            "PushPolicy",
            &[
                ("policyItemGuid", Type::GuidText),
                ("resourceGuids", Type::Text),
            ],
            Type::Void,
        )
        .since(Level::V85)
        .write()
        .only_fault(),
    ]
}

pub(super) fn resource_management() -> Vec<Operation> {
    vec![
        op(
            "GetResourceByName",
            &[("name", Type::Text), ("resourceType", Type::Text)],
            Type::Guid,
        ),
        op(
            "GetComputerByNameAndDomain",
            &[("name", Type::Text), ("domain", Type::Text)],
            Type::Guid,
        ),
        op(
            "GetResourceByContext",
            &[("parameters", Type::Text)],
            Type::Guids,
        ),
        op(
            "GetDataClassData",
            &[("dataClass", Type::Text), ("resourceGuid", Type::GuidText)],
            Type::Table,
        ),
        op(
            "CreateResourceAssociation",
            &[
                ("resourceAssociationTypeGuid", Type::GuidText),
                ("parentResourceGuid", Type::GuidText),
                ("childResourceGuid", Type::GuidText),
            ],
            Type::Void,
        )
        .write(),
        op(
            "InvalidateTargetMembership",
            &[("resourceTargetGuid", Type::GuidText)],
            Type::Void,
        )
        .since(Level::V81)
        .write()
        .only_fault(),
    ]
}

pub(super) fn report_management() -> Vec<Operation> {
    let report = ("reportItemGuid", Type::GuidText);
    vec![
        op(
            "CreateReportUsingRawSqlQuery",
            &[
                ("reportName", Type::Text),
                ("reportDescription", Type::Text),
                ("dataSourceName", Type::Text),
                ("folderGuid", Type::GuidText),
                ("sqlQuery", Type::Text),
            ],
            Type::One(StructureId::ItemDetails),
        )
        .write(),
        op("RunReport", &[report], Type::Table),
        op(
            "RunReportWithParameters",
            &[report, ("nameValuePairs", Type::Text)],
            Type::Table,
        ),
        op("GetReportParameters", &[report], Type::Table),
    ]
}

pub(super) fn hierarchy_management() -> Vec<Operation> {
    let item = ("itemGuid", Type::GuidText);
    let node = ("nodeGuid", Type::GuidText);
    vec![
        op("IsHierarchyMember", &[], Type::Boolean),
        op("IsHierarchyManaged", &[item], Type::Boolean),
        op("IsHierarchyPublished", &[item], Type::Boolean),
        op("RunDifferentialReplication", &[node], Type::Void).write(),
        op("RunCompleteReplication", &[node], Type::Void).write(),
    ]
}

pub(super) fn software_package_management() -> Vec<Operation> {
    let details = Type::One(StructureId::SoftwarePackageDetails);
    vec![
        op("GetPackage", &[("packageGuid", Type::GuidText)], details),
        op(
            "SetPackageServerSettings",
            &[
                ("PackageGuid", Type::GuidText),
                ("AssignmentType", Type::Int),
                ("AutomaticSiteAssignment", Type::Text),
                ("PackageServers", Type::Text),
                ("PackageServerLocation", Type::Text),
            ],
            details,
        )
        .write(),
        op(
            "UpdateDistributionPoints",
            &[("PackageGuid", Type::GuidText)],
            Type::Void,
        )
        .write(),
    ]
}

pub(super) fn swd_package_management() -> Vec<Operation> {
    let package = ("sPackageGuid", Type::GuidText);
    vec![
        op(
            "GetPackageExByGuid",
            &[package],
            Type::One(StructureId::PackageEx),
        ),
        op(
            "SetPackageExPackageServerOptions",
            &[
                package,
                ("bAllOrSpecificPackageServers", Type::Text),
                ("sPackageServerGuids", Type::Text),
                ("sLocationOnPackageServer", Type::Text),
            ],
            Type::Boolean,
        )
        .write(),
        op("UpdateDistributionPoints", &[package], Type::Void).write(),
    ]
}

pub(super) fn task_management() -> Vec<Operation> {
    vec![
        op(
            "ExecuteTask",
            &[
                ("taskGuid", Type::GuidText),
                ("executionName", Type::Text),
                ("inputParameters", Type::Text),
            ],
            Type::Guid,
        )
        .write(),
        op("GetTaskStatus", &[("taskGuid", Type::GuidText)], Type::Int),
        op(
            "GetTaskResourceStatus",
            &[
                ("taskInstanceGuid", Type::GuidText),
                ("resourceGuid", Type::GuidText),
            ],
            Type::Int,
        ),
        op(
            "CreateClientJob",
            &[("jobName", Type::Text), ("folderGuid", Type::GuidText)],
            Type::Guid,
        )
        .since(Level::V85Ru3)
        .write()
        .only_fault(),
    ]
}

pub(super) fn resource_model() -> Vec<Operation> {
    let typed = ("resourceTypeGUID", Type::Guid);
    let resource = ("resourceGUID", Type::Guid);
    let data = StructureId::ResourceData;
    let mut operations = vec![
        op("GetLastStuctureChangeTimestamp", &[], Type::DateTime),
        op(
            "GetResourceStructureList",
            &[],
            Type::Many(StructureId::ResourceStructureInfo),
        ),
        op(
            "GetResourceStructure",
            &[typed],
            Type::One(StructureId::ResourceStructureInfo),
        ),
        op(
            "GetRelationshipsForResourceType",
            &[typed, ("asParent", Type::Boolean)],
            Type::Many(StructureId::ResourceRelationshipStructure),
        ),
        op(
            "GetDataClassesForResourceType",
            &[typed],
            Type::Many(StructureId::DataClassStructure),
        ),
        op(
            "GetResourcesOfType",
            &[typed],
            Type::Many(StructureId::ResourceDataInfo),
        ),
        op(
            "GetResource",
            &[resource, ("dataClassTypesToFetchGUID", Type::Guids)],
            Type::One(data),
        ),
        op(
            "GetResources",
            &[
                ("resourceGUIDs", Type::Guids),
                ("dataClassTypesToFetchGUIDs", Type::Guids),
            ],
            Type::Many(data),
        ),
        op(
            "GetAssociatedParentResources",
            &[typed, resource, ("associationType", Type::Guid)],
            Type::Many(data),
        ),
        op(
            "GetAssociatedChildResources",
            &[typed, resource, ("associationType", Type::Guid)],
            Type::Many(data),
        ),
    ];
    operations.extend(resource_model_writes());
    operations
}

fn resource_model_writes() -> Vec<Operation> {
    let typed = ("resourceTypeGUID", Type::Guid);
    let resource = ("resourceGUID", Type::Guid);
    let relation = [
        ("relationshipTypeGUID", Type::Guid),
        ("relationshipParentGUID", Type::Guid),
        ("relationshipChildGUIDs", Type::Guids),
    ];
    let data = StructureId::ResourceData;
    vec![
        op(
            "CreateNewResource",
            &[typed, ("info", Type::One(StructureId::ResourceDataInfo))],
            Type::One(data),
        )
        .write(),
        op("SaveResource", &[("resource", Type::One(data))], Type::Void).write(),
        op(
            "SaveOrCreateResource",
            &[("resource", Type::One(data))],
            Type::Void,
        )
        .since(Level::V85Ru4)
        .write(),
        op(
            "DeleteResource",
            &[("resourceGuid", Type::Guid)],
            Type::Void,
        )
        .write(),
        op("FormAssociation", &relation, Type::Void).write(),
        op("BreakAssociation", &relation, Type::Void).write(),
        op(
            "GetDataClassRows",
            &[resource, ("dataClass", Type::Guid)],
            Type::Many(StructureId::DataClassRowData),
        )
        .since(Level::V85Ru2),
        op(
            "SaveDataClass",
            &[
                resource,
                ("dataClasses", Type::Many(StructureId::DataClassData)),
            ],
            Type::Void,
        )
        .write(),
        op(
            "SaveDataClassRows",
            &[
                resource,
                ("dataClassGuid", Type::Guid),
                ("dataRows", Type::Many(StructureId::DataClassRowData)),
                ("action", Type::Text),
                ("partialUpdate", Type::Boolean),
            ],
            Type::Void,
        )
        .since(Level::V85Ru2)
        .write(),
    ]
}

pub(super) fn item_model() -> Vec<Operation> {
    let item = ("itemGuid", Type::Guid);
    vec![
        op("GetItemInfo", &[item], Type::One(StructureId::ItemInfo)),
        op(
            "GetActionsForItem",
            &[item],
            Type::Many(StructureId::ItemAction),
        ),
        op(
            "ExecuteCallbackActionForItem",
            &[
                ("itemActionGuid", Type::Guid),
                item,
                ("strData", Type::Text),
            ],
            Type::Text,
        )
        .write()
        .only_fault(),
    ]
}
