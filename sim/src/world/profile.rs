//! Writes the server profile of a world: what somebody would have written who has learned the server.
//!
//! Pure, but for the name of the platform. Says what the un-switched world would say, whatever switches are on: the
//! operator is then mistaken, and that is the point. The format is that of `docs/profile.md`; reports are left out.

use super::World;
use super::fact_names::{FactClass, FactName, LoadNames, SourceNames};
use super::guid::Guid;
use super::names::{AssociationName, Names, Role, RolesBy, SettingLayout, TypeName};
use super::options::Quirk;
use std::fmt::Write as _;

fn quote(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Writes the profile.
pub(crate) fn write(world: &World) -> String {
    let names = world.claimed_names();
    let mut out = String::from(
        "# What somebody would have written who has learned this simulated server.\nformatVersion: 1\n",
    );
    let _ = writeln!(
        out,
        "server:\n  name: {}\n  guid: {}",
        quote(&world.platform_server()),
        world.platform_guid()
    );
    let _ = writeln!(out, "types:");
    for (key, one) in [
        ("computer", &names.computer),
        ("site", &names.site),
        ("subnet", &names.subnet),
        ("siteService", &names.site_service),
        ("package", &names.package),
    ] {
        let TypeName {
            guid,
            name,
            base: _,
        } = one;
        let _ = writeln!(
            out,
            "  {key}: {{ guid: {guid}, name: {}, standing: operator }}",
            quote(name)
        );
    }
    let _ = writeln!(out, "associations:");
    for (key, one, first, second) in [
        ("subnetToSite", &names.subnet_to_site, "subnet", "site"),
        ("serverToSite", &names.server_to_site, "computer", "site"),
        (
            "serviceToComputer",
            &names.service_to_computer,
            "siteService",
            "computer",
        ),
    ] {
        let AssociationName {
            guid,
            name,
            target_is_parent,
            replaces,
            parent_type: _,
            child_type: _,
        } = one;
        let parent = if *target_is_parent { second } else { first };
        let _ = writeln!(
            out,
            "  {key}: {{ guid: {guid}, name: {}, parent: {parent}, replaces: {replaces}, standing: operator }}",
            quote(name)
        );
    }
    let argument = if names.type_argument_returns {
        "return"
    } else {
        "given"
    };
    let _ = writeln!(
        out,
        "calls:\n  associatedTypeArgument: {argument}\n  reportParameters: nameValuePairs\nroles:"
    );
    for role in Role::ALL {
        let told = match names.roles_by {
            RolesBy::Type => format!("type: {}", names.service_type(role)),
            RolesBy::Name => format!("name: {}", quote(names.service_prefix(role))),
        };
        let _ = writeln!(out, "  {}: {{ {told}, standing: operator }}", role.name());
    }
    let _ = writeln!(
        out,
        "dataClasses:\n  tcpip: {{ guid: {}, hostName: Host Name, domain: Primary DNS Suffix, address: IP Address, mask: Subnet Mask, standing: operator }}",
        names.tcpip
    );
    services(&mut out, world);
    structures(&mut out, names);
    settings(&mut out, names);
    product(&mut out, world);
    let evidence = &names.evidence;
    let _ = writeln!(
        out,
        "evidence:\n  packageHolders: {{ table: SWDPackageServer, package: {}, server: {}, state: {}, ready: '{}', standing: operator }}",
        evidence.package, evidence.server, evidence.state, evidence.ready
    );
    let _ = writeln!(
        out,
        "  taskRegistrations: {{ dataClass: {}, table: Inv_Client_Task_Resources, client: _ResourceGuid, server: {}, standing: operator }}",
        names.client_task, evidence.task_server
    );
    events(&mut out, names);
    facts(&mut out, &names.facts);
    out
}

/// What no service description tells, as the operator has looked it up for this version.
fn product(out: &mut String, world: &World) {
    let version = world.version();
    // An agent of the same major and minor version is new enough.
    let agent: Vec<&str> = version.split('.').take(2).collect();
    let _ = writeln!(
        out,
        "product:\n  version: {}\n  agentVersion: {}\n  operatingSystems: [Windows Server 2016, Windows Server 2019, Windows Server 2022, Windows 10, Windows 11]\n  registrationsPerTaskServer: {}",
        quote(&version),
        quote(&agent.join(".")),
        world.registrations_per_task_server()
    );
}

fn events(out: &mut String, names: &Names) {
    let SourceNames {
        guid,
        name: _,
        table,
        package,
        server,
        time,
    } = &names.sources;
    let _ = writeln!(
        out,
        "  packageSources: {{ dataClass: {guid}, table: {table}, client: _ResourceGuid, package: {package}, server: {server}, time: {time} }}"
    );
    let LoadNames {
        guid,
        name: _,
        table,
        package_requests,
        task_requests,
    } = &names.load;
    let _ = writeln!(
        out,
        "  serverLoad: {{ dataClass: {guid}, table: {table}, server: _ResourceGuid, packageRequests: {package_requests}, taskRequests: {task_requests} }}"
    );
    let _ = writeln!(out, "  images: {{ location: unc }}");
}

fn facts(out: &mut String, classes: &[FactClass]) {
    let _ = writeln!(out, "  facts:");
    for class in classes {
        let FactClass {
            guid,
            name: _,
            table,
            of: _,
            facts,
        } = class;
        for fact in facts {
            let FactName { key, field, switch } = fact;
            let yes = switch.map_or_else(String::new, |(yes, _)| format!(", yes: {}", quote(yes)));
            let _ = writeln!(
                out,
                "    {}: {{ dataClass: {guid}, table: {table}, resource: _ResourceGuid, value: {}{yes} }}",
                key.name(),
                quote(field)
            );
        }
    }
}

fn services(out: &mut String, world: &World) {
    let names = world.claimed_names();
    let missing = world
        .has_quirk(Quirk::NoSoftwarePackageService)
        .then_some("SoftwarePackageManagementService");
    let _ = writeln!(out, "services:");
    for (key, service) in [
        ("ItemManagement", "ItemManagementService"),
        ("ResourceManagement", "ResourceManagementService"),
        ("ReportManagement", "ReportManagementService"),
        ("HierarchyManagement", "HierarchyManagementService"),
        (
            "SoftwarePackageManagement",
            "SoftwarePackageManagementService",
        ),
        ("ResourceModel", "ResourceModel"),
    ] {
        if missing == Some(service) {
            continue;
        }
        if let Some(namespace) = names.namespaces.get(service) {
            let _ = writeln!(
                out,
                "  {key}: {{ namespace: {}, standing: operator }}",
                quote(namespace)
            );
        }
    }
}

fn structures(out: &mut String, names: &Names) {
    let _ = writeln!(out, "structures:");
    for (key, one) in [
        ("resourceInfo", &names.resource_info),
        ("resource", &names.resource_data),
    ] {
        let _ = write!(
            out,
            "  {key}: {{ type: {}, guid: {}, name: {}, resourceType: {}, description: {}",
            one.type_name, one.guid, one.name, one.resource_type, one.description
        );
        if !one.data_classes.is_empty() {
            let _ = write!(out, ", dataClasses: {}", one.data_classes);
        }
        let _ = writeln!(out, ", standing: operator }}");
    }
    let one = &names.resource_structure;
    let _ = writeln!(
        out,
        "  resourceStructure: {{ type: {}, guid: {}, name: {}, standing: operator }}",
        one.type_name, one.guid, one.name
    );
    let one = &names.relationship;
    let _ = writeln!(
        out,
        "  relationship: {{ type: {}, guid: {}, name: {}, parentType: {}, childType: {}, standing: operator }}",
        one.type_name, one.guid, one.name, one.parent_type, one.child_type
    );
}

fn path(layout: &SettingLayout) -> String {
    let mut text = String::new();
    for step in &layout.path {
        let _ = write!(text, "/{step}");
    }
    if layout.by_site {
        text.push_str("[@guid='{site}']");
    }
    if let Some(attribute) = layout.attribute {
        let _ = write!(text, "/@{attribute}");
    }
    text
}

fn settings(out: &mut String, names: &Names) {
    let item = |item: Option<Guid>, own: &str| {
        item.map_or_else(|| own.to_owned(), |guid| guid.to_string())
    };
    let one = &names.constrain;
    let _ = writeln!(
        out,
        "settings:\n  constrainToSite: {{ item: {}, path: {}, on: '{}', off: '{}', standing: operator }}",
        item(one.item, "site"),
        quote(&path(one)),
        one.on,
        one.off
    );
    let one = &names.capture_target;
    let _ = writeln!(
        out,
        "  captureTarget: {{ item: {}, path: {}, standing: operator }}",
        item(one.item, ""),
        quote(&path(one))
    );
    let one = &names.task_packages;
    let _ = writeln!(
        out,
        "  taskPackages: {{ item: {}, path: {}, standing: operator }}",
        item(one.item, "task"),
        quote(&path(one))
    );
    let one = &names.prevent;
    let switch = |layout: &SettingLayout| {
        format!(
            "{{ path: {}, on: '{}', off: '{}' }}",
            quote(&path(layout)),
            layout.on,
            layout.off
        )
    };
    let _ = writeln!(
        out,
        "  preventDownloads:\n    item: {}\n    targets: {}\n    fromServer: {}\n    fromOutside: {}\n    standing: operator",
        one.item,
        quote(&path(&one.targets)),
        switch(&one.from_platform),
        switch(&one.from_outside)
    );
}
