//! `SoftwarePackageManagementService`: a package's package servers.
//!
//! I/O only through [`World`]. A package that does not exist is an empty structure, as documented.

use super::{guid, unknown};
use crate::wire::decode::guid_text;
use crate::wire::shapes::{Cell, Record, StructureId};
use crate::wire::{Call, Fault, Reply};
use crate::world::{Assignment, Guid, PackageDetails, World};

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    Ok(match call.operation.base {
        "GetPackage" => details(world, world.package(guid(call, "packageGuid"))?.as_ref()),
        "SetPackageServerSettings" => {
            let package = guid(call, "PackageGuid");
            let assignment = match call.int("AssignmentType") {
                0 => Assignment::All,
                1 => Assignment::Individually,
                2 => Assignment::Site,
                other => {
                    return Err(Fault::parameter(format!(
                        "AssignmentType: expected 0, 1 or 2, found {other}"
                    )));
                }
            };
            let automatic = match call
                .text("AutomaticSiteAssignment")
                .trim()
                .to_ascii_lowercase()
                .as_str()
            {
                "" | "false" | "0" => false,
                "true" | "1" => true,
                other => {
                    return Err(Fault::parameter(format!(
                        "AutomaticSiteAssignment: expected true or false, found `{other}`"
                    )));
                }
            };
            if automatic && assignment != Assignment::Site {
                return Err(Fault::parameter(
                    "AutomaticSiteAssignment is valid with AssignmentType 2 only",
                ));
            }
            let servers = server_list(call.text("PackageServers"))?;
            world.set_package_servers(
                package,
                assignment,
                automatic,
                &servers,
                call.text("PackageServerLocation"),
            )?;
            details(world, world.package(package)?.as_ref())
        }
        "UpdateDistributionPoints" => {
            world.update_distribution_points(guid(call, "PackageGuid"))?;
            Reply::Void
        }
        _ => return Err(unknown(call)),
    })
}

/// Reads a list of GUIDs with commas between.
pub(super) fn server_list(text: &str) -> Result<Vec<Guid>, Fault> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            guid_text(part)
                .and_then(|guid| guid.parse().ok())
                .ok_or_else(|| {
                    Fault::parameter(format!("expected a list of GUIDs, found `{part}`"))
                })
        })
        .collect()
}

fn details(world: &World, package: Option<&PackageDetails>) -> Reply {
    let record = package.map_or_else(Record::default, |package| {
        let PackageDetails {
            guid,
            name,
            description,
            source_type,
            location,
            assignment,
            auto_assign,
            server_location,
            servers,
            command_lines,
        } = package;
        Record(vec![
            Cell::Text(guid.to_string()),
            name.as_str().into(),
            description.as_str().into(),
            source_type.as_str().into(),
            location.as_str().into(),
            assignment.word().into(),
            (*auto_assign).into(),
            server_location.as_str().into(),
            world.package_servers_text(servers).into(),
            Cell::Absent,
            Cell::Texts(command_lines.clone()),
        ])
    });
    Reply::One(StructureId::SoftwarePackageDetails, record)
}
