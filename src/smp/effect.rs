//! Whether a request can change anything on the server: a list of the operations that cannot.
//!
//! Pure. Reads and writes travel the same way, as a POST, so nothing but the name of an operation tells them apart. What
//! is not on the list counts as a write: an operation that is added and forgotten here is refused to a reader before it
//! is sent, and the first test that uses it says so.

use crate::profile::ServiceName;

/// What a request can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It changes nothing.
    Reads,
    /// It may change something.
    Writes,
}

/// The operations that change nothing. Each is documented to give something back and to do nothing else; a report runs
/// the query that somebody stored in it, which this program only makes of `SELECT`s.
const READS: &[(ServiceName, &[&str])] = &[
    (
        ServiceName::ItemManagement,
        &["ExportItemXmlString", "GetItemByGuid", "GetItemsByName"],
    ),
    (
        ServiceName::ResourceManagement,
        &[
            "GetComputerByNameAndDomain",
            "GetDataClassData",
            "GetResourceByName",
        ],
    ),
    (
        ServiceName::ReportManagement,
        &["RunReport", "RunReportWithParameters"],
    ),
    (
        ServiceName::HierarchyManagement,
        &["IsHierarchyManaged", "IsHierarchyMember"],
    ),
    (ServiceName::SoftwarePackageManagement, &["GetPackage"]),
    (
        ServiceName::ResourceModel,
        &[
            "GetAssociatedChildResources",
            "GetAssociatedParentResources",
            "GetDataClassesForResourceType",
            "GetLastStuctureChangeTimestamp",
            "GetRelationshipsForResourceType",
            "GetResource",
            "GetResourceStructureList",
            "GetResources",
            "GetResourcesOfType",
        ],
    ),
    (ServiceName::ItemModel, &["GetActionsForItem"]),
];

impl Effect {
    /// What an operation can do; `argument` is its only one, where it has one.
    pub(super) fn of(
        service: ServiceName,
        method: &str,
        argument: impl FnOnce() -> Option<String>,
    ) -> Self {
        let reads = match service {
            // One operation for everything: what it does stands in the request that it is given.
            ServiceName::DSTaskManagement => argument().is_some_and(|request| {
                let times = |text: &str| request.matches(text).count();
                times("<ItemAction>") == 1 && times("<ItemAction>GetAll</ItemAction>") == 1
            }),
            _ => READS
                .iter()
                .any(|(known, methods)| *known == service && methods.contains(&method)),
        };
        if reads { Self::Reads } else { Self::Writes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(service: ServiceName, method: &str) -> Effect {
        Effect::of(service, method, || None)
    }

    #[test]
    fn what_is_not_on_the_list_may_write() {
        let model = ServiceName::ResourceModel;
        assert_eq!(of(model, "GetResource"), Effect::Reads);
        for writing in [
            "CreateNewResource",
            "SaveResource",
            "DeleteResource",
            "FormAssociation",
            "BreakAssociation",
            "SaveOrCreateResource",
            "SomethingNew",
            "getresource",
        ] {
            assert_eq!(of(model, writing), Effect::Writes, "{writing}");
        }
        // A name counts for its own service only.
        assert_eq!(of(ServiceName::ItemModel, "GetResource"), Effect::Writes);
    }

    #[test]
    fn an_operation_for_everything_is_judged_by_what_it_is_given() {
        let action = |request: &str| {
            Effect::of(
                ServiceName::DSTaskManagement,
                "RunDeploymentSolutionTask",
                || Some(request.to_owned()),
            )
        };
        let all = "<ItemAction>GetAll</ItemAction>";
        assert_eq!(action(all), Effect::Reads);
        assert_eq!(action("<ItemAction>Create</ItemAction>"), Effect::Writes);
        // Two actions are none that anybody knows.
        assert_eq!(
            action(&format!("{all}<ItemAction>Create</ItemAction>")),
            Effect::Writes
        );
        assert_eq!(action(""), Effect::Writes);
        assert_eq!(
            of(ServiceName::DSTaskManagement, "RunDeploymentSolutionTask"),
            Effect::Writes
        );
    }
}
