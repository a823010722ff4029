//! Generates the scenario `enterprise`: a large world from a seed.
//!
//! Pure. For N subnets: N/50 sites, N/20 servers, N/100 packages, 2N clients.

use super::scenario::{
    Computer, Package, PackageAssignment, PackageKind, Platform, Settings, Site, Subnet, Task,
    TaskKind, WorldFile,
};
use super::{Role, Seed};
use std::net::Ipv4Addr;

/// The network of the n-th subnet: /24 after /24 from 10.0.0.0, then from 100.64.0.0 on.
fn network(index: u32) -> u32 {
    if index < 65_536 {
        0x0a00_0000 + (index << 8)
    } else {
        0x6440_0000 + ((index - 65_536) << 8)
    }
}

fn address(index: u32, host: u32) -> String {
    format!("{}/24", Ipv4Addr::from(network(index) + host))
}

/// Generates the world.
#[expect(clippy::too_many_lines, reason = "one block a kind of object")]
pub(crate) fn generate(subnets: u32, seed: u64) -> WorldFile {
    let seed = Seed(seed);
    let subnets = subnets.clamp(1, 4_000_000);
    let sites = (subnets / 50).max(1);
    let servers = (subnets / 20).max(2);
    let packages = (subnets / 100).max(2);
    let site_of = |subnet: u32| subnet * sites / subnets;
    let platform = "SMP01.corp.example".to_owned();
    let mut computers = vec![Computer {
        name: platform.clone(),
        addresses: vec![address(0, 10)],
        services: vec![Role::Package, Role::Task],
        ..Computer::default()
    }];
    let server_name = |index: u32| format!("SRV{index:05}.corp.example");
    for index in 1..servers {
        // Spread over the subnets, so that every site has servers on its own ground.
        let subnet =
            u32::try_from(u64::from(index) * u64::from(subnets) / u64::from(servers)).unwrap_or(0);
        let mut services = vec![Role::Package];
        if !seed
            .number("enterprise", &format!("task {index}"), 0)
            .is_multiple_of(4)
        {
            services.push(Role::Task);
        }
        computers.push(Computer {
            name: server_name(index),
            addresses: vec![address(subnet, 11)],
            services,
            ..Computer::default()
        });
    }
    for index in 0..subnets * 2 {
        computers.push(Computer {
            name: format!("PC{index:06}.corp.example"),
            addresses: vec![address(index / 2, 101 + index % 2)],
            ..Computer::default()
        });
    }
    let sites_list = (0..sites)
        .map(|index| Site {
            name: format!("Site {index:04}"),
            description: format!("Generated site {index}"),
            servers: if index % 10 == 3 && servers > 1 {
                vec![server_name(1 + index % (servers - 1))]
            } else {
                Vec::new()
            },
            ..Site::default()
        })
        .collect();
    let subnets_list = (0..subnets)
        .map(|index| Subnet {
            network: format!("{}/24", Ipv4Addr::from(network(index))),
            // One in a hundred is in no site.
            sites: if index % 100 == 99 {
                Vec::new()
            } else {
                vec![format!("Site {:04}", site_of(index))]
            },
            ..Subnet::default()
        })
        .collect();
    let packages_list: Vec<Package> = (0..packages)
        .map(|index| {
            let draw = |what: &str, below: u32| {
                let drawn = seed.number("enterprise", &format!("{what} {index}"), 0)
                    % u64::from(below.max(1));
                u32::try_from(drawn).unwrap_or(0)
            };
            let (assignment, targets) = if index % 3 == 0 {
                (PackageAssignment::Individually, vec![platform.clone()])
            } else {
                (
                    PackageAssignment::Site,
                    vec![format!("Site {:04}", draw("site", sites))],
                )
            };
            Package {
                name: format!("Package {index:04}"),
                kind: if index % 5 == 0 {
                    PackageKind::Image
                } else {
                    PackageKind::Software
                },
                assignment,
                targets,
                ..Package::default()
            }
        })
        .collect();
    let images: Vec<String> = packages_list
        .iter()
        .filter(|one| one.kind == PackageKind::Image)
        .map(|one| one.name.clone())
        .take(10)
        .collect();
    WorldFile {
        format_version: 1,
        platform: Platform {
            server: platform,
            version: "8.7.3".to_owned(),
            deployment_solution: true,
            parent: None,
            children: Vec::new(),
        },
        settings: Settings::default(),
        sites: sites_list,
        subnets: subnets_list,
        computers,
        clients: Vec::new(),
        tasks: images
            .iter()
            .map(|image| Task {
                name: format!("Deploy {image}"),
                kind: TaskKind::DeployImage,
                packages: vec![image.clone()],
            })
            .collect(),
        packages: packages_list,
        active_directory: Vec::new(),
        faults: Vec::new(),
    }
}
