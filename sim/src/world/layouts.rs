//! What the seed decides about transfer structures, namespaces, evidence tables and the layouts of settings.
//!
//! Pure. Each function draws one part of [`Names`](super::Names) from the seed.

use super::names::{ASDK_NS, EvidenceNames, PreventLayout, SettingLayout, StructureNames};
use super::seed::Seed;
use std::collections::BTreeMap;

/// Draws `targetNamespace` by service.
pub(crate) fn namespaces(seed: Seed) -> BTreeMap<&'static str, String> {
    let style = seed.choose("namespaces", "style", &[0_u8, 1, 2]);
    let make = |folder: &str, service: &str| match style {
        0 => format!("http://Altiris.{folder}.com"),
        1 => format!("http://www.altiris.com/{folder}/{service}"),
        _ => format!(
            "urn:altiris:{}:{}",
            folder.to_lowercase(),
            service.to_lowercase()
        ),
    };
    let mut all = BTreeMap::new();
    for service in [
        "ItemManagementService",
        "ResourceManagementService",
        "ReportManagementService",
        "HierarchyManagementService",
    ] {
        all.insert(service, ASDK_NS.to_owned());
    }
    for (folder, service) in [
        ("ASDK.SMF", "SoftwarePackageManagementService"),
        (
            "ASDK.NS.SoftwareDelivery",
            "SWDSolnPackageManagementService",
        ),
        ("ASDK.Task", "TaskManagementService"),
        ("ASDK.DeploymentSolution", "DSTaskManagementService"),
        ("NSWebService", "ResourceModel"),
        ("NSWebService", "ItemModel"),
    ] {
        all.insert(service, make(folder, service));
    }
    all
}

/// Draws the element names of `ResourceDataInfo` or `ResourceData`.
pub(crate) fn structure(
    seed: Seed,
    type_name: &'static str,
    data: bool,
    unusual: bool,
) -> StructureNames {
    let choose = |key: &str, usual: &[&'static str], other: &[&'static str]| {
        seed.choose(type_name, key, if unusual { other } else { usual })
    };
    StructureNames {
        type_name,
        guid: choose(
            "guid",
            &["Guid", "ResourceGuid", "ResourceGUID"],
            &["Key", "Identity", "ObjectRef"],
        ),
        name: choose("name", &["Name", "ResourceName"], &["Caption", "Label"]),
        resource_type: choose(
            "type",
            &["ResourceTypeGuid", "ResourceType", "TypeGUID"],
            &["Kind", "Category", "ClassRef"],
        ),
        description: choose(
            "description",
            &["Description", "ResourceDescription"],
            &["Remark", "Notes"],
        ),
        data_classes: if data {
            choose(
                "data classes",
                &["DataClasses", "DataClassData", "Data"],
                &["Inventory", "Facets", "Parts"],
            )
        } else {
            ""
        },
        parent_type: "",
        child_type: "",
    }
}

/// Draws the element names of `ResourceStructureInfo`.
pub(crate) fn type_structure(seed: Seed, unusual: bool) -> StructureNames {
    let type_name = "ResourceStructureInfo";
    let choose = |key: &str, usual: &[&'static str], other: &[&'static str]| {
        seed.choose(type_name, key, if unusual { other } else { usual })
    };
    StructureNames {
        type_name,
        guid: choose(
            "guid",
            &["Guid", "ResourceTypeGuid", "TypeGUID"],
            &["Key", "ClassRef", "Identity"],
        ),
        name: choose(
            "name",
            &["Name", "ResourceTypeName", "DisplayName"],
            &["Caption", "Label", "Title"],
        ),
        resource_type: choose(
            "base",
            &["BaseTypeGuid", "BaseResourceType", "ParentTypeGUID"],
            &["Above", "Super", "DerivedFrom"],
        ),
        description: if unusual { "Remark" } else { "Description" },
        data_classes: "",
        parent_type: "",
        child_type: "",
    }
}

/// Draws the element names of `ResourceRelationshipStructure`.
pub(crate) fn relationship(seed: Seed, unusual: bool) -> StructureNames {
    let type_name = "ResourceRelationshipStructure";
    let choose = |key: &str, usual: &[&'static str], other: &[&'static str]| {
        seed.choose(type_name, key, if unusual { other } else { usual })
    };
    let pairs: &[(&'static str, &'static str)] = if unusual {
        &[("From", "To"), ("Upper", "Lower"), ("EndA", "EndB")]
    } else {
        &[
            ("ParentTypeGuid", "ChildTypeGuid"),
            ("ParentResourceType", "ChildResourceType"),
            ("ParentGUID", "ChildGUID"),
        ]
    };
    let (parent_type, child_type) = seed.choose(type_name, "partners", pairs);
    StructureNames {
        type_name,
        guid: choose(
            "guid",
            &["Guid", "RelationshipTypeGuid", "AssociationTypeGuid"],
            &["Key", "Identity", "LinkRef"],
        ),
        name: choose("name", &["Name", "RelationshipName"], &["Caption", "Label"]),
        resource_type: "",
        description: if unusual { "Remark" } else { "Description" },
        data_classes: "",
        parent_type,
        child_type,
    }
}

/// Draws the columns of the evidence tables.
pub(crate) fn evidence(seed: Seed) -> EvidenceNames {
    let (state, ready) = seed.choose(
        "evidence",
        "state",
        &[("Status", "2"), ("State", "1"), ("PkgStatus", "Ready")],
    );
    EvidenceNames {
        package: seed.choose(
            "evidence",
            "package",
            &["PackageId", "PackageGuid", "_PackageGuid"],
        ),
        server: seed.choose(
            "evidence",
            "server",
            &["PkgSvrId", "PackageServerGuid", "ServerGuid"],
        ),
        state,
        ready,
        task_server: seed.choose(
            "evidence",
            "task server",
            &["RegisteredServer", "ServerGuid", "CurrentTaskServer"],
        ),
    }
}

/// Draws where Constrain to Site stands.
pub(crate) fn constrain_layout(seed: Seed) -> SettingLayout {
    let attribute = seed.choose(
        "constrain",
        "attribute",
        &["constrained", "constrainToSite", "restrict"],
    );
    let (on, off) = seed.choose(
        "constrain",
        "values",
        &[("true", "false"), ("1", "0"), ("True", "False")],
    );
    let container = seed.choose(
        "constrain",
        "container",
        &["siteSettings", "configuration", "siteServerSettings"],
    );
    match seed.choose("constrain", "layout", &[0_u8, 1, 2]) {
        0 => SettingLayout {
            item: None,
            path: vec!["item", container],
            attribute: Some(attribute),
            by_site: false,
            on,
            off,
        },
        1 => SettingLayout {
            item: None,
            path: vec!["item", container, attribute],
            attribute: None,
            by_site: false,
            on,
            off,
        },
        _ => SettingLayout {
            item: Some(seed.guid("item", "Site Server Settings", 0)),
            path: vec!["item", container, "site"],
            attribute: Some(attribute),
            by_site: true,
            on,
            off,
        },
    }
}

/// Draws where the default target stands.
pub(crate) fn capture_layout(seed: Seed) -> SettingLayout {
    let container = seed.choose(
        "capture",
        "container",
        &["settings", "globalSettings", "configuration"],
    );
    let leaf = seed.choose(
        "capture",
        "leaf",
        &["defaultTarget", "captureServer", "defaultPackageServer"],
    );
    let attribute = seed.choose("capture", "attribute", &[None, Some("guid"), Some("value")]);
    SettingLayout {
        item: Some(seed.guid("item", "DS Global Settings", 0)),
        path: vec!["item", container, leaf],
        attribute,
        by_site: false,
        on: "",
        off: "",
    }
}

/// Draws where a task keeps its packages.
pub(crate) fn task_layout(seed: Seed) -> SettingLayout {
    let step = seed.choose("task", "step", &["step", "package", "image"]);
    let (path, attribute) = if seed.flip("task", "layout") {
        (vec!["item", step], Some("package"))
    } else {
        (vec!["item", "packages", step], None)
    };
    SettingLayout {
        item: None,
        path,
        attribute,
        by_site: false,
        on: "",
        off: "",
    }
}

/// Draws where the targeted pair "prevent downloads" stands.
pub(crate) fn prevent_layout(seed: Seed) -> PreventLayout {
    let item = seed.guid("item", "Targeted Site Settings", 0);
    let container = seed.choose(
        "prevent",
        "container",
        &["downloads", "packageDownloads", "configuration"],
    );
    let (on, off) = seed.choose(
        "prevent",
        "values",
        &[("true", "false"), ("1", "0"), ("True", "False")],
    );
    let (platform, outside) = seed.choose(
        "prevent",
        "switches",
        &[
            ("preventFromServer", "preventFromOutside"),
            ("blockNS", "blockRemote"),
            ("noServerDownloads", "noForeignDownloads"),
        ],
    );
    let attributes = seed.flip("prevent", "layout");
    let one = |name: &'static str| SettingLayout {
        item: Some(item),
        path: if attributes {
            vec!["item", container]
        } else {
            vec!["item", container, name]
        },
        attribute: attributes.then_some(name),
        by_site: false,
        on,
        off,
    };
    let list = seed.choose("prevent", "list", &["targets", "appliesTo", "audience"]);
    let entry = seed.choose("prevent", "entry", &["target", "resource", "member"]);
    PreventLayout {
        item,
        targets: SettingLayout {
            item: Some(item),
            path: vec!["item", list, entry],
            attribute: seed.choose("prevent", "target", &[None, Some("guid"), Some("ref")]),
            by_site: false,
            on: "",
            off: "",
        },
        from_platform: one(platform),
        from_outside: one(outside),
    }
}
