//! How long it takes to index a world and to lay out all addresses as ranges, at a hundred thousand and at a million
//! nested subnets, on one core. `make bench` runs it; docs/performance.md has figures.
#![allow(missing_docs, reason = "criterion's macro makes public functions")]

use std::collections::BTreeSet;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use sitewright::model::{Guid, Name, Role, Subnet};
use sitewright::select::{Selector, World, WorldServer, WorldSite};

/// Subnets nested up to 17 deep: every prefix from /8 on down a binary tree, until there are enough.
///
/// A site for 50 subnets and a server for 20, as an enterprise has them; every tenth subnet is in no site.
fn world(subnets: u32) -> World {
    let mut world = World {
        platform: Some(Guid::from_u128(1)),
        ..World::default()
    };
    let sites = subnets / 50;
    for site in 0..sites {
        world.sites.push(WorldSite {
            name: Name::new(&format!("Site {site}")),
            guid: Some(Guid::from_u128(u128::from(site) + 1)),
            declared: None,
            manual: BTreeSet::from([Guid::from_u128(u128::from(site) + 1)]),
            constrained: Some(site % 3 == 0),
        });
    }
    for server in 0..subnets / 20 {
        let address = Ipv4Addr::from((10 << 24) + server * (1 << 24) / (subnets / 20));
        world.servers.insert(
            Guid::from_u128(u128::from(server) + 1),
            WorldServer {
                name: Name::new(&format!("SRV{server}")),
                addresses: Some(BTreeSet::from([(address, 24)])),
                roles: Some(BTreeSet::from([Role::Package, Role::Task])),
                answering: None,
                registered: None,
            },
        );
    }
    let mut level = vec![(10_u32 << 24, 8_u8)];
    let mut count = 0;
    while count < subnets {
        let mut below = Vec::new();
        for (network, prefix) in level {
            if count == subnets {
                break;
            }
            if let Some(subnet) = Subnet::containing(Ipv4Addr::from(network), prefix) {
                let site = usize::try_from(count % sites).unwrap_or(0);
                let assigned = count % 10 != 0;
                let sites = assigned.then_some(site).into_iter().collect();
                world.subnets.insert(subnet, sites);
                count += 1;
            }
            // Two children each, and where those run out the next /8.
            if prefix < 32 {
                below.push((network, prefix + 1));
                below.push((network | 1 << (31 - prefix), prefix + 1));
            }
        }
        level = below;
    }
    world
}

fn sweep(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sweep");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(10));
    for subnets in [100_000, 1_000_000] {
        let world = world(subnets);
        assert_eq!(world.subnets.len(), usize::try_from(subnets).unwrap_or(0));
        let selector = Selector::new(&world);
        group.bench_function(BenchmarkId::new("ranges", subnets), |bencher| {
            bencher.iter_batched(
                || (),
                |()| black_box(selector.ranges()),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(BenchmarkId::new("index and ranges", subnets), |bencher| {
            bencher.iter_batched(
                || (),
                |()| black_box(Selector::new(&world).ranges()),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, sweep);
criterion_main!(benches);
