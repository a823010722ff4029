//! An hour of the loop: sixty rounds of a minute each for the simulated SMP, of a second each for the program, with an SMP
//! that refuses every fifth read, and is changed behind its back by a fixed seed.
//!
//! An interval counts where everything could be read: nobody finds what is not answered.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sitewright_sim::Quirk;

#[cfg(target_os = "linux")]
use super::yard::{Yard, held};
use super::{deleted, flat_lan, put_back, taken_out};

/// How many sites there are to change.
const SITES: u32 = 8;
/// More files than after the first rounds are open only while something is under way: connections of the pool, of who asks.
const MORE_FILES: usize = 12;
/// The allocator keeps pages for later, and threads have arenas of their own: what grows with every round comes to more than
/// that in an hour, since a snapshot and a plan of this world take about 200 KiB.
const MORE_MEMORY: u64 = 24 * 1024;

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes some minutes: make torture runs it"]
fn an_hour_finds_every_drift_in_time_tells_none_twice_and_leaves_nothing_behind() {
    let rounds: u32 = 60;
    let options = flat_lan().with_quirk(Quirk::Busy);
    // Whatever is gone, it may be: this is not about lists that somebody is not shown any more.
    let yard = Yard::new(options, SITES, "  safety: { maxFewer: { percent: 100 } }\n");
    let watch = yard.watch(&["--interval", "1s"]);
    watch.whole_rounds(2);
    let mut random = 0x5EED_u64;
    let mut draw = |below: u32| {
        // As good as any, and the same everywhere.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::try_from(random >> 33).unwrap() % below
    };
    // How often each subnet was changed, and whether it is now.
    let mut told: BTreeMap<u32, usize> = BTreeMap::new();
    let mut away: BTreeMap<u32, bool> = BTreeMap::new();
    let mut warm = None;
    for round in 0..rounds {
        // What is changed and put back between two looks nobody finds, so each is touched once a round.
        let mut touched = BTreeSet::new();
        for _ in 0..=draw(2) {
            let site = draw(SITES);
            if !touched.insert(site) {
                continue;
            }
            if away.remove(&site).is_some() {
                yard.console(put_back(site));
            } else {
                // Of two ways in which one may be gone.
                let gone = draw(2) == 0;
                yard.console(if gone { deleted(site) } else { taken_out(site) });
                away.insert(site, gone);
                *told.entry(site).or_default() += 1;
            }
        }
        yard.server().world().tick(Duration::from_mins(1));
        // Two intervals later everything is known.
        watch.whole_rounds(2);
        yard.server().clear_requests();
        let said = watch.said();
        for (site, times) in &told {
            let object = format!("drift object=Subnet/10.77.{site}.0/24:site ");
            let found = said.lines().filter(|line| line.contains(&object)).count();
            assert_eq!(found, *times, "round {round}: {object}\n{said}");
            let object = format!("resolved object=Subnet/10.77.{site}.0/24");
            let resolved = said.lines().filter(|line| line.contains(&object)).count();
            let over = times - usize::from(away.contains_key(site));
            assert_eq!(resolved, over, "round {round}: {object}\n{said}");
        }
        if round == 5 {
            warm = Some(held(watch.id()));
        }
    }
    let (files, memory) = warm.unwrap();
    let (files_now, memory_now) = held(watch.id());
    assert!(
        files_now <= files + MORE_FILES,
        "{files} files, then {files_now}"
    );
    assert!(
        memory_now <= memory + MORE_MEMORY,
        "{memory} KiB, then {memory_now} KiB"
    );
    let metrics = watch.metrics();
    assert!(
        metrics.sum("sitewright_request_retries_total", &[]) > 0.0,
        "there were faults"
    );
    let writes = yard.writes();
    assert!(writes.is_empty(), "{writes:?}");
}
