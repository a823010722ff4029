//! What people put right by hand: damage is named, kept aside as it was, and made good; everything is begun anew.

use sitewright::journal::Fault;
use sitewright::model::Guid;
use sitewright::state::{Damage, State, Store};

use super::place::Place;
use super::{add, created, fresh, hand, lock, platform, started, state};

/// A run that saved its state, and one that died before it did.
async fn lived_in(store: &Store) {
    add(store, [started(platform(1), "", 0), created(2), created(3)]).await;
    store.settle(fresh()).await.unwrap();
    add(store, [started(platform(1), "lineage-1", 1), created(4)]).await;
}

/// Makes the state again of the best that there is; the names of what was kept aside.
async fn recovered(store: &Store, damage: &Damage) -> (State, Vec<String>) {
    let best = damage.best(None).unwrap().clone();
    let held = lock(store, "jdoe").await.unwrap();
    let made = store.recover(&held, damage, &best, hand()).await.unwrap();
    held.release().await;
    made
}

fn sites(state: &State) -> Vec<Guid> {
    state.ownership.sites.keys().copied().collect()
}

pub(super) async fn a_damaged_journal_is_named_kept_aside_and_made_again(
    place: &Place,
    case: &str,
) {
    let store = place.store(case);
    lived_in(&store).await;
    let audit = store.audit().await.unwrap();
    assert_eq!((audit.records, audit.last, &*audit.faults), (5, 5, &[][..]));
    place.tamper(case, "site 2", "site 9").await;
    let audit = store.audit().await.unwrap();
    assert_eq!(audit.faults, [Fault::Changed { record: 2, line: 2 }]);

    let damage = store.damage().await.unwrap();
    assert_eq!(damage.journal.as_ref().unwrap().code(), "SW0732");
    assert!(damage.state.is_none() && !damage.missing);
    let (state, aside) = recovered(&store, &damage).await;
    // What the state had taken in; what was only in the damaged journal is adopted by the next plan.
    assert_eq!(sites(&state), [2, 3].map(Guid::from_u128));
    let [journal] = &*aside else {
        panic!("{aside:?}")
    };
    assert!(journal.ends_with(".journal.jsonl"), "{journal}");
    let kept = String::from_utf8(place.kept(case, journal).await).unwrap();
    assert!(kept.ends_with('\n') && kept.lines().count() == 5, "{kept}");
    assert!(kept.contains("site 9") && kept.contains("site 4"), "{kept}");

    assert_eq!(store.audit().await.unwrap().faults, []);
    assert!(store.damage().await.unwrap().is_none());
    add(&store, [created(5)]).await;
    let loaded = place.store(case).load().await.unwrap().unwrap();
    assert_eq!(sites(&loaded.state), [2, 3, 5].map(Guid::from_u128));
}

pub(super) async fn a_damaged_state_is_kept_aside_and_made_again(place: &Place, case: &str) {
    let store = place.store(case);
    lived_in(&store).await;
    let half = place.saved(case).await[..100].to_vec();
    place.damage(case, &half).await;
    let damage = store.damage().await.unwrap();
    assert_eq!(damage.state.as_ref().unwrap().code(), "SW0703");
    let (state, aside) = recovered(&store, &damage).await;
    assert_eq!(sites(&state), [2, 3, 4].map(Guid::from_u128));
    let [name] = &*aside else { panic!("{aside:?}") };
    assert!(name.ends_with(".state.json"), "{name}");
    assert_eq!(place.kept(case, name).await, half);
    // Once more: nothing that was kept is written over.
    let other = b"{\"formatVersion\": 1".to_vec();
    place.damage(case, &other).await;
    let damage = store.damage().await.unwrap();
    let (again, more) = recovered(&store, &damage).await;
    assert_eq!(again.ownership, state.ownership);
    assert!(again.serial > state.serial, "no saved plan fits it");
    assert_ne!(aside, more);
    assert_eq!(place.kept(case, name).await, half);
    assert_eq!(place.kept(case, &more[0]).await, other);
    assert_eq!(store.load().await.unwrap().unwrap().replayed, 0);
    assert_eq!(store.audit().await.unwrap().faults, []);
}

pub(super) async fn what_is_begun_anew_leaves_the_old_aside(place: &Place, case: &str) {
    let store = place.store(case);
    let held = lock(&store, "jdoe").await.unwrap();
    assert_eq!(store.begin_anew().await.unwrap(), [""; 0]);
    held.release().await;
    lived_in(&store).await;
    let saved = place.saved(case).await;
    let held = lock(&store, "jdoe").await.unwrap();
    let aside = store.begin_anew().await.unwrap();
    held.release().await;
    let [journal, old] = &*aside else {
        panic!("{aside:?}")
    };
    let lines = String::from_utf8(place.kept(case, journal).await).unwrap();
    assert_eq!(lines.lines().count(), 5);
    assert_eq!(place.kept(case, old).await, saved);
    assert_eq!(store.load().await.unwrap(), None);
    assert_eq!(store.audit().await.unwrap().records, 0);
    // Another state, and a journal from its beginning.
    add(&store, [created(7)]).await;
    store.save(&state(1)).await.unwrap();
    assert_eq!(store.facts().await.unwrap(), [created(7)]);
    assert_eq!(place.kept(case, old).await, saved);
}
