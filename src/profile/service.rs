//! The web services of an SMP: paths, documented namespaces, protocols.
//!
//! Pure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The web services of an SMP.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum ServiceName {
    /// Items.
    ItemManagement,
    /// Resources and data classes.
    ResourceManagement,
    /// Reports.
    ReportManagement,
    /// Hierarchy and replication.
    HierarchyManagement,
    /// Package-server assignment of software packages.
    SoftwarePackageManagement,
    /// The same for classic software-delivery packages.
    SWDSolnPackageManagement,
    /// Tasks.
    TaskManagement,
    /// Deployment Solution.
    DSTaskManagement,
    /// Resource types, resources, associations.
    ResourceModel,
    /// Item information and actions.
    ItemModel,
}

impl ServiceName {
    /// Every service.
    pub const ALL: [Self; 10] = [
        Self::ItemManagement,
        Self::ResourceManagement,
        Self::ReportManagement,
        Self::HierarchyManagement,
        Self::SoftwarePackageManagement,
        Self::SWDSolnPackageManagement,
        Self::TaskManagement,
        Self::DSTaskManagement,
        Self::ResourceModel,
        Self::ItemModel,
    ];

    /// The path below `https://<smp>/Altiris/`.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::ItemManagement => "ASDK.NS/ItemManagementService.asmx",
            Self::ResourceManagement => "ASDK.NS/ResourceManagementService.asmx",
            Self::ReportManagement => "ASDK.NS/ReportManagementService.asmx",
            Self::HierarchyManagement => "ASDK.NS/HierarchyManagementService.asmx",
            Self::SoftwarePackageManagement => "ASDK.SMF/SoftwarePackageManagementService.asmx",
            Self::SWDSolnPackageManagement => {
                "ASDK.NS.SoftwareDelivery/SWDSolnPackageManagementService.asmx"
            }
            Self::TaskManagement => "ASDK.Task/TaskManagementService.asmx",
            Self::DSTaskManagement => "ASDK.DeploymentSolution/DSTaskManagementService.asmx",
            Self::ResourceModel => "NSWebService/ResourceModel.asmx",
            Self::ItemModel => "NSWebService/ItemModel.asmx",
        }
    }

    /// The spelling in the profile.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ItemManagement => "ItemManagement",
            Self::ResourceManagement => "ResourceManagement",
            Self::ReportManagement => "ReportManagement",
            Self::HierarchyManagement => "HierarchyManagement",
            Self::SoftwarePackageManagement => "SoftwarePackageManagement",
            Self::SWDSolnPackageManagement => "SWDSolnPackageManagement",
            Self::TaskManagement => "TaskManagement",
            Self::DSTaskManagement => "DSTaskManagement",
            Self::ResourceModel => "ResourceModel",
            Self::ItemModel => "ItemModel",
        }
    }

    /// The namespace that the vendor documents, where it documents one.
    #[must_use]
    pub const fn documented_namespace(self) -> Option<&'static str> {
        match self {
            Self::ItemManagement
            | Self::ResourceManagement
            | Self::ReportManagement
            | Self::HierarchyManagement => Some("http://Altiris.ASDK.NS.com"),
            Self::SoftwarePackageManagement
            | Self::SWDSolnPackageManagement
            | Self::TaskManagement
            | Self::DSTaskManagement
            | Self::ResourceModel
            | Self::ItemModel => None,
        }
    }

    /// Whether the service takes form posts; those below `NSWebService` take SOAP only.
    #[must_use]
    pub const fn takes_forms(self) -> bool {
        !matches!(self, Self::ResourceModel | Self::ItemModel)
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
