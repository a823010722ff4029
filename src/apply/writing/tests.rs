//! Conversations with one step: what it is told, and what it says next.

#![expect(clippy::panic, clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::apply::tests::{guid, site};
use crate::model::{
    Action, Assignment, CountedKind, Intended, Name, PackageRef, Record, ResourceRef, Subnet,
};
use crate::smp::{Fault, FaultKind, ReadError};

const RETRIES: u32 = 2;

impl Move {
    /// What is to be written down is this.
    fn notes(self, facts: &[Fact]) -> Self {
        assert_eq!(self.facts, facts);
        self
    }

    fn look(self) -> Look {
        match self.next {
            Next::Look(look) => look,
            other => panic!("expected a look, found {other:?}"),
        }
    }

    /// The step looks, and sees this.
    fn sees(self, seen: Seen) -> Self {
        self.look().saw(Observed::Known(seen))
    }

    /// The step sends this; where that is so, the facts that are to be there before.
    fn sends(self, write: &Write) -> (Vec<Fact>, Sent) {
        match self.next {
            Next::Send(ready) => {
                assert_eq!(ready.write(), write);
                ready.goes_out()
            }
            other => panic!("expected {write:?}, found {other:?}"),
        }
    }

    /// The step waits, and goes on.
    fn retries(self) -> Self {
        match self.next {
            Next::Retry(again) => again.look_again(),
            other => panic!("expected another try, found {other:?}"),
        }
    }

    /// The step reads back, and sees this.
    fn reads_back(self, seen: Seen) -> Settled {
        match self.next {
            Next::ReadBack(read_back) => read_back.saw(Observed::Known(seen)),
            other => panic!("expected to read back, found {other:?}"),
        }
    }

    fn settles(self, seen: Seen) -> Self {
        match self.reads_back(seen) {
            Settled::Yes(then) => then,
            Settled::NotYet(unsettled) => panic!("expected it to be settled: {unsettled:?}"),
        }
    }

    fn ends(self) -> Over {
        match self.next {
            Next::End(over) => over,
            other => panic!("expected the end, found {other:?}"),
        }
    }

    fn fails(self) -> (&'static str, String) {
        match self.ends().outcome {
            Err(failed) => (failed.code, failed.error),
            Ok(outcome) => panic!("expected a failure, found {outcome:?}"),
        }
    }

    fn comes_to(self, outcome: &Outcome) {
        assert_eq!(self.ends().outcome.as_ref(), Ok(outcome));
    }
}

fn start(action: &Action) -> Move {
    owing(action, &[].into())
}

/// A step of a run, before which another one wrote the assignments of packages.
fn owing(action: &Action, undistributed: &BTreeSet<Guid>) -> Move {
    let subject = Subject::new(action, &Bindings::default(), undistributed, false);
    begin(subject, RETRIES)
}

fn fault(kind: FaultKind) -> Fault {
    Fault {
        kind,
        status: 500,
        exception: None,
        message: "no".into(),
    }
}

fn refused() -> SendError {
    SendError::Refused(fault(FaultKind::Permission))
}

fn does_not_exist() -> SendError {
    SendError::Refused(fault(FaultKind::DoesNotExist))
}

/// The server says that it did not do it, and may do it later.
fn busy() -> SendError {
    SendError::Transient(ReadError::Fault(fault(FaultKind::Busy)))
}

fn lost() -> SendError {
    SendError::Unknown(ReadError::Fault(fault(FaultKind::Internal)))
}

fn create(description: Option<&str>) -> Action {
    Action::CreateSite {
        name: Name::new("Lab"),
        description: description.map(Into::into),
        protected: false,
    }
}

fn creation(description: Option<&str>) -> Write {
    Write::CreateSite {
        name: "Lab".into(),
        description: description.map(Into::into),
    }
}

fn intended() -> Intended {
    Intended {
        of: CountedKind::Sites,
        name: Name::new("Lab"),
    }
}

fn created(number: u128) -> Fact {
    Fact::SiteCreated {
        guid: guid(number),
        name: Name::new("Lab"),
        protected: false,
    }
}

fn sites(numbers: &[u128]) -> Seen {
    let sites = numbers.iter().map(|one| (guid(*one), Name::new("Lab")));
    Seen::Sites(sites.collect())
}

fn delete() -> Action {
    Action::DeleteSite {
        site: site(1, "Shed"),
    }
}

fn deletion() -> Write {
    Write::DeleteResource { resource: guid(1) }
}

fn deleted() -> Fact {
    Fact::Deleted {
        guid: guid(1),
        of: Some(CountedKind::Sites),
    }
}

#[test]
fn what_is_as_wanted_is_written_by_nobody() {
    let over = start(&delete()).sees(Seen::Exists(false)).notes(&[]).ends();
    assert_eq!(over.outcome, Ok(Outcome::AlreadyDone));
}

#[test]
fn a_creation_is_intended_then_noted_and_known_to_the_steps_behind() {
    let (facts, sent) = start(&create(None)).sees(sites(&[])).sends(&creation(None));
    assert_eq!(facts, [Fact::CreationIntended(intended())]);
    let then = sent.done(Some(guid(9))).notes(&[created(9)]);
    let over = then.settles(sites(&[9])).notes(&[]).ends();
    assert_eq!(over.outcome, Ok(Outcome::Done));
    assert_eq!(over.born.sites, [(Name::new("Lab"), guid(9))].into());
}

/// The server said that it created it, and not by which GUID.
#[test]
fn a_creation_whose_answer_says_nothing_is_noted_as_soon_as_it_is_seen() {
    let (_, sent) = start(&create(None)).sees(sites(&[])).sends(&creation(None));
    let then = sent.done(None).notes(&[]);
    let over = then.settles(sites(&[9])).notes(&[created(9)]).ends();
    assert_eq!(over.outcome, Ok(Outcome::Done));
    assert_eq!(over.born.sites, [(Name::new("Lab"), guid(9))].into());
}

#[test]
fn what_is_there_unintended_is_adopted() {
    let adopted = Fact::Recorded {
        record: Record::AdoptSite {
            site: ResourceRef {
                name: Name::new("Lab"),
                guid: guid(7),
            },
            protected: false,
        },
    };
    let over = start(&create(Some("new")))
        .sees(sites(&[7]))
        .notes(&[adopted])
        .ends();
    assert_eq!(over.outcome, Ok(Outcome::AlreadyDone));
    assert_eq!(over.born.sites, [(Name::new("Lab"), guid(7))].into());
}

#[test]
fn what_a_lost_answer_did_not_tell_is_found_by_the_look() {
    let (_, sent) = start(&create(None)).sees(sites(&[])).sends(&creation(None));
    sent.missed(lost())
        .notes(&[])
        .retries()
        .sees(sites(&[9]))
        .notes(&[created(9)])
        .comes_to(&Outcome::Done);
    let (_, sent) = start(&delete()).sees(Seen::Exists(true)).sends(&deletion());
    sent.missed(lost())
        .notes(&[])
        .retries()
        .sees(Seen::Exists(false))
        .notes(&[deleted()])
        .comes_to(&Outcome::Done);
}

#[test]
fn a_refused_creation_is_intended_no_longer() {
    let (_, sent) = start(&create(None)).sees(sites(&[])).sends(&creation(None));
    let dropped = Fact::CreationDropped(intended());
    let (code, _) = sent.missed(refused()).notes(&[dropped]).fails();
    assert_eq!(code, "SW0332");
}

#[test]
fn a_refused_creation_stays_intended_while_an_earlier_one_may_yet_arrive() {
    let (_, sent) = start(&create(None)).sees(sites(&[])).sends(&creation(None));
    let then = sent.missed(lost()).retries().sees(sites(&[]));
    let (facts, sent) = then.sends(&creation(None));
    assert_eq!(facts, []);
    let (code, _) = sent.missed(refused()).notes(&[]).fails();
    assert_eq!(code, "SW0332");
}

#[test]
fn a_creation_that_was_put_off_is_intended_anew() {
    let (_, sent) = start(&create(None)).sees(sites(&[])).sends(&creation(None));
    let dropped = Fact::CreationDropped(intended());
    let then = sent.missed(busy()).notes(&[dropped]).retries();
    let (facts, _) = then.sees(sites(&[])).sends(&creation(None));
    assert_eq!(facts, [Fact::CreationIntended(intended())]);
}

#[test]
fn a_new_site_has_its_description_made_sure_of() {
    let new = || {
        let begun = start(&create(Some("new"))).sees(sites(&[]));
        let (_, sent) = begun.sends(&creation(Some("new")));
        sent.done(Some(guid(9))).settles(sites(&[9]))
    };
    let description = |text: &str| Seen::Description(Some(text.into()));
    let look = new().look();
    assert!(
        matches!(look.at().action(), Action::DescribeSite { site, .. } if site.guid == Some(guid(9))),
        "{look:?}"
    );
    // What cannot be read is not compared by any plan either.
    look.saw(Observed::Unavailable("no right".into()))
        .comes_to(&Outcome::Done);
    new()
        .sees(description("new"))
        .sees(description("new"))
        .comes_to(&Outcome::Done);
    let describe = Write::Describe {
        resource: guid(9),
        description: "new".into(),
    };
    let (_, sent) = new()
        .sees(description(""))
        .sees(description(""))
        .sends(&describe);
    sent.done(None)
        .settles(description("new"))
        .comes_to(&Outcome::Done);
    let (_, sent) = new()
        .sees(description(""))
        .sees(description(""))
        .sends(&describe);
    assert_eq!(sent.missed(refused()).fails().0, "SW0332");
}

#[test]
fn what_does_not_exist_when_it_is_deleted_is_looked_at_and_done() {
    let (_, sent) = start(&delete()).sees(Seen::Exists(true)).sends(&deletion());
    sent.missed(does_not_exist())
        .notes(&[])
        .sees(Seen::Exists(false))
        .notes(&[deleted()])
        .comes_to(&Outcome::AlreadyDone);
    // The server contradicts itself: nothing is sent again.
    let (_, sent) = start(&delete()).sees(Seen::Exists(true)).sends(&deletion());
    let (code, _) = sent
        .missed(does_not_exist())
        .sees(Seen::Exists(true))
        .fails();
    assert_eq!(code, "SW0332");
}

fn network() -> Subnet {
    "10.0.0.0/24".parse().unwrap()
}

/// From the sites 1 and 2 to the site 3.
fn assign() -> Action {
    Action::AssignSubnet {
        subnet: network(),
        guid: guid(11),
        before: vec![site(1, "A"), site(2, "B")],
        site: site(3, "C"),
    }
}

fn subnet_in(sites: &[u128]) -> Seen {
    let sites = sites.iter().copied().map(guid).collect();
    Seen::Subnets(vec![(guid(11), sites)])
}

fn joins() -> Write {
    Write::JoinSubnet {
        subnet: guid(11),
        site: guid(3),
    }
}

fn parts(from: u128) -> Write {
    Write::PartSubnet {
        subnet: guid(11),
        site: guid(from),
    }
}

#[test]
fn what_is_parted_already_is_parted() {
    let (_, sent) = start(&assign()).sees(subnet_in(&[1])).sends(&joins());
    let (_, sent) = sent.done(None).sends(&parts(1));
    sent.missed(does_not_exist())
        .settles(subnet_in(&[3]))
        .comes_to(&Outcome::Done);
    // What joins has to be there.
    let (_, sent) = start(&assign()).sees(subnet_in(&[1])).sends(&joins());
    assert_eq!(sent.missed(does_not_exist()).fails().0, "SW0332");
}

#[test]
fn what_is_found_by_reading_back_is_another_round() {
    let (_, sent) = start(&assign()).sees(subnet_in(&[1])).sends(&joins());
    let (_, sent) = sent.done(None).sends(&parts(1));
    // Somebody else put it there.
    let then = sent.done(None).settles(subnet_in(&[2, 3]));
    let (_, sent) = then.sees(subnet_in(&[2, 3])).sends(&parts(2));
    sent.done(None)
        .settles(subnet_in(&[3]))
        .comes_to(&Outcome::Done);
}

#[test]
fn a_step_that_finds_something_to_write_again_and_again_ends() {
    let mut then = start(&assign());
    let mut rounds = 0;
    while matches!(then.next, Next::Look(_)) {
        let [is, other] = [1 + rounds % 2, 2 - rounds % 2];
        let (_, sent) = then.sees(subnet_in(&[is, 3])).sends(&parts(is));
        then = sent.done(None).settles(subnet_in(&[other, 3]));
        rounds += 1;
    }
    assert_eq!(rounds, u128::from(ROUNDS + RETRIES + 1));
    let (code, error) = then.fails();
    assert_eq!(code, "SW0605");
    assert!(error.contains("after 4 rounds of writing"), "{error}");
}

#[test]
fn what_is_not_shown_is_looked_at_until_patience_ends() {
    let wrote = |seen: Seen| {
        let (_, sent) = start(&delete()).sees(Seen::Exists(true)).sends(&deletion());
        match sent.done(None).notes(&[deleted()]).reads_back(seen) {
            Settled::NotYet(unsettled) => unsettled,
            Settled::Yes(then) => panic!("expected it to be unsettled: {then:?}"),
        }
    };
    let read_back = wrote(Seen::Exists(true)).look_again();
    match read_back.saw(Observed::Known(Seen::Exists(false))) {
        Settled::Yes(then) => then.notes(&[]).comes_to(&Outcome::Done),
        Settled::NotYet(unsettled) => panic!("{unsettled:?}"),
    }
    let given_up = wrote(Seen::Exists(true)).give_up(Duration::from_secs(20));
    let (code, error) = given_up.fails();
    assert_eq!(code, "SW0605");
    assert!(
        error.ends_with(
            "20 s later site `Shed` is not as it was asked for: expected it gone, found it there"
        ),
        "{error}"
    );
}

#[test]
fn what_cannot_be_seen_is_not_written() {
    let unseen = || Observed::Unavailable("no right".into());
    let (code, _) = start(&delete()).look().saw(unseen()).fails();
    assert_eq!(code, "SW0603");
    let (_, sent) = start(&delete()).sees(Seen::Exists(true)).sends(&deletion());
    let Next::ReadBack(read_back) = sent.done(None).next else {
        panic!("expected to read back");
    };
    match read_back.saw(unseen()) {
        Settled::Yes(then) => assert_eq!(then.fails().0, "SW0603"),
        Settled::NotYet(unsettled) => panic!("{unsettled:?}"),
    }
}

#[test]
fn what_a_write_is_made_of_can_be_gone_before_it_goes_out() {
    let ready = |then: Move| match then.next {
        Next::Send(ready) => ready,
        other => panic!("{other:?}"),
    };
    let made_of = || SendError::Read(ReadError::Fault(fault(FaultKind::DoesNotExist)));
    let then = start(&assign()).sees(subnet_in(&[1, 3]));
    ready(then)
        .not_made(made_of())
        .settles(subnet_in(&[3]))
        .comes_to(&Outcome::Done);
    // Nothing was intended by then, so that there is nothing to drop.
    let then = start(&create(None)).sees(sites(&[]));
    let (code, _) = ready(then).not_made(made_of()).notes(&[]).fails();
    assert_eq!(code, "SW0331");
}

fn golden() -> PackageRef {
    PackageRef {
        name: Name::new("golden"),
        guid: guid(31),
    }
}

fn pinned() -> Assignment {
    Assignment::Servers([guid(22)].into())
}

fn assign_package() -> Action {
    Action::AssignPackage {
        package: golden(),
        before: Assignment::All,
        after: pinned(),
        created_sites: vec![],
    }
}

fn assignment() -> Write {
    Write::SetPackageServers {
        package: guid(31),
        assignment: pinned(),
    }
}

fn distribution() -> Write {
    Write::UpdateDistributionPoints { package: guid(31) }
}

fn distributed() -> Fact {
    Fact::DistributionUpdated { package: guid(31) }
}

#[test]
fn the_second_of_two_calls_is_owed_before_the_first_goes_out() {
    let owes = Fact::AssignmentWritten { package: golden() };
    let before = || Seen::Assignment(Assignment::All);
    let after = || Seen::Assignment(pinned());
    let (facts, sent) = start(&assign_package()).sees(before()).sends(&assignment());
    assert_eq!(facts, [owes]);
    let (facts, second) = sent.done(None).sends(&distribution());
    assert_eq!(facts, []);
    second
        .done(None)
        .notes(&[distributed()])
        .settles(after())
        .comes_to(&Outcome::Done);
    // The first arrived, and its answer did not.
    let (_, sent) = start(&assign_package()).sees(before()).sends(&assignment());
    let then = sent.missed(lost()).retries().sees(after());
    let (_, second) = then.sends(&distribution());
    // So did the second, which nobody can see: it goes out again.
    let then = second.missed(lost()).retries().sees(after());
    let (_, second) = then.sends(&distribution());
    second
        .done(None)
        .notes(&[distributed()])
        .settles(after())
        .comes_to(&Outcome::Done);
}

#[test]
fn the_second_of_two_calls_is_owed_where_an_earlier_run_sent_the_first() {
    let after = || Seen::Assignment(pinned());
    start(&assign_package())
        .sees(after())
        .comes_to(&Outcome::AlreadyDone);
    let begun = owing(&assign_package(), &[guid(31)].into());
    let (facts, sent) = begun.sees(after()).sends(&distribution());
    assert_eq!(facts, []);
    sent.done(None)
        .notes(&[distributed()])
        .settles(after())
        .comes_to(&Outcome::Done);
}

#[test]
fn a_call_that_is_owed_to_the_end_is_a_failure() {
    let after = || Seen::Assignment(pinned());
    let mut then = owing(&assign_package(), &[guid(31)].into()).sees(after());
    for _ in 0..RETRIES {
        let (_, sent) = then.sends(&distribution());
        then = sent.missed(lost()).retries().sees(after());
    }
    let (_, sent) = then.sends(&distribution());
    assert_eq!(sent.missed(lost()).sees(after()).fails().0, "SW0334");
}

#[test]
fn distribution_points_alone_are_not_read_back() {
    let update = Action::UpdateDistributionPoints { package: golden() };
    let (_, sent) = start(&update).sees(Seen::Nothing).sends(&distribution());
    sent.done(None)
        .notes(&[distributed()])
        .comes_to(&Outcome::Done);
}

/// Loses every answer that it may lose without giving up.
fn out_of_retries() -> Sent {
    let mut then = start(&delete());
    for _ in 0..RETRIES {
        let (_, sent) = then.sees(Seen::Exists(true)).sends(&deletion());
        then = sent.missed(lost()).retries();
    }
    then.sees(Seen::Exists(true)).sends(&deletion()).1
}

#[test]
fn retries_end_and_a_last_look_decides() {
    out_of_retries()
        .missed(lost())
        .sees(Seen::Exists(false))
        .notes(&[deleted()])
        .comes_to(&Outcome::Done);
    let last = out_of_retries().missed(lost()).sees(Seen::Exists(true));
    assert_eq!(last.fails().0, "SW0334");
    // What was not carried out, by the server's own word, needs no look.
    assert_eq!(out_of_retries().missed(busy()).fails().0, "SW0333");
}

#[test]
fn retries_end_where_the_run_has_none_left_either() {
    let given_up = |error: SendError| {
        let (_, sent) = start(&delete()).sees(Seen::Exists(true)).sends(&deletion());
        match sent.missed(error).next {
            Next::Retry(again) => {
                assert_eq!(again.attempt(), 1);
                again.give_up()
            }
            other => panic!("{other:?}"),
        }
    };
    given_up(lost())
        .sees(Seen::Exists(false))
        .notes(&[deleted()])
        .comes_to(&Outcome::Done);
    assert_eq!(given_up(busy()).fails().0, "SW0333");
}

#[test]
fn what_somebody_else_changed_is_not_written_over() {
    let theirs = Seen::Assignment(Assignment::Servers([guid(7)].into()));
    let (code, error) = start(&assign_package()).sees(theirs).fails();
    assert_eq!(code, "SW0601");
    assert!(error.contains("package `golden`"), "{error}");
}
