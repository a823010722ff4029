//! `ASDK.SMF/SoftwarePackageManagementService`: which package servers a package is assigned to.
//!
//! Pure: builds calls and parses answers. An empty structure means that there is no such package.

use std::collections::BTreeSet;
use std::io::BufRead;

use super::answer;
use super::request::{Argument, MethodCall};
use super::xml::{AnswerError, Xml};
use crate::model::{Assignment, Guid};
use crate::profile::ServiceName;

const SERVICE: ServiceName = ServiceName::SoftwarePackageManagement;

/// What is read of `SoftwarePackageDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) assignment: Assignment,
    /// `PackageServerLocation`, kept as it is by every write.
    pub(crate) location: String,
}

pub(crate) fn get_package(package: Guid) -> MethodCall {
    MethodCall::new(SERVICE, "GetPackage", vec![("packageGuid", package.into())])
}

pub(crate) fn update_distribution_points(package: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "UpdateDistributionPoints",
        vec![("PackageGuid", package.into())],
    )
}

/// Sets the assignment and says the present location again.
pub(crate) fn set_package_server_settings(
    package: Guid,
    assignment: &Assignment,
    location: &str,
) -> MethodCall {
    let empty = BTreeSet::new();
    let (kind, automatic, members) = match assignment {
        Assignment::All => ("0", false, &empty),
        Assignment::Servers(servers) => ("1", false, servers),
        Assignment::Sites { sites, automatic } => ("2", *automatic, sites),
    };
    let members: Vec<String> = members.iter().map(ToString::to_string).collect();
    MethodCall::new(
        SERVICE,
        "SetPackageServerSettings",
        vec![
            ("PackageGuid", package.into()),
            ("AssignmentType", kind.into()),
            ("AutomaticSiteAssignment", automatic.into()),
            ("PackageServers", Argument::Text(members.join(","))),
            ("PackageServerLocation", location.into()),
        ],
    )
}

/// Reads `SoftwarePackageDetails`; `None` where the package does not exist.
pub(crate) fn package(
    body: &mut dyn BufRead,
    method: &str,
) -> Result<Option<Package>, AnswerError> {
    let mut xml = Xml::new(body);
    if !answer::enter(&mut xml, method)? {
        return Ok(None);
    }
    let [guid, kind, corrected, automatic, members, location] = answer::fields(
        &mut xml,
        [
            "Guid",
            // Spelt so by the vendor.
            "PackageServerAssigments",
            "PackageServerAssignments",
            "PackageServerAutoAssign",
            "PackageServers",
            "PackageServerLocation",
        ],
    )?;
    xml.finish()?;
    let exists = guid
        .as_deref()
        .map(str::trim)
        .filter(|guid| !guid.is_empty())
        .map(str::parse::<Guid>)
        .transpose()
        .map_err(|error| AnswerError::value("Guid", &error))?
        .is_some_and(|guid| !guid.is_nil());
    if !exists {
        return Ok(None);
    }
    let members = members
        .unwrap_or_default()
        .split([',', ';', ' ', '\n', '\r', '\t'])
        .filter(|part| !part.is_empty())
        .map(str::parse::<Guid>)
        .collect::<Result<BTreeSet<Guid>, _>>()
        .map_err(|error| AnswerError::value("PackageServers", &error))?;
    let kind = kind.or(corrected).unwrap_or_default();
    let assignment = match kind.trim().to_ascii_uppercase().as_str() {
        "ALL" | "0" => Assignment::All,
        "INDIVIDUALLY" | "INDIVIDUAL" | "1" => Assignment::Servers(members),
        "SITE" | "SITES" | "2" => Assignment::Sites {
            sites: members,
            automatic: automatic.is_some_and(|text| {
                matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1")
            }),
        },
        other => {
            return Err(AnswerError::value(
                "PackageServerAssigments",
                &format!("expected ALL, INDIVIDUALLY or SITE, found `{other}`"),
            ));
        }
    };
    Ok(Some(Package {
        assignment,
        location: location.unwrap_or_default(),
    }))
}
