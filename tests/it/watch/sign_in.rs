//! A password that is changed while the loop runs: on the server, then where it is kept. Whatever happens, the account is
//! not locked; the log of the server counts.

use std::time::Duration;

use super::yard::{Watch, Yard, until};
use super::{flat_lan, taken_out};

fn refused(watch: &Watch) -> u64 {
    watch.metric("sitewright_sign_in_refused", &[])
}

#[test]
fn a_new_password_on_the_server_is_taken_up_once_it_is_in_the_file() {
    let mut yard = Yard::new(flat_lan(), 2, "");
    yard.wants_a_password("autumn");
    yard.workspace("");
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(2);
    assert_eq!((yard.refusals(), refused(&watch)), (0, 0));

    yard.change_password("winter");
    until("it is refused", || refused(&watch) == 1);
    // Many intervals on it has not been shown again.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(yard.refusals(), 1, "{}", watch.said());
    let failing = watch.lines("code=\"SW0306\"");
    assert_eq!(failing.len(), 1, "{}", watch.said());
    assert!(
        failing[0].contains("others are tried at once"),
        "{failing:?}"
    );
    let (status, ready) = watch.get("/readyz");
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("SW0306"), "{ready}");
    assert!(
        ready.contains("the same sign-in is tried again in 3"),
        "{ready}"
    );
    let pause = watch.metrics().sum("sitewright_sign_in_pause_seconds", &[]);
    assert!((3500.0..=3960.0).contains(&pause), "{pause}");

    // Another configuration is no other password, and neither is the same one written anew.
    yard.manifests(3);
    yard.password("autumn");
    until("it is taken up", || {
        watch.metric("sitewright_configuration_generation", &[]) == 2
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(yard.refusals(), 1, "{}", watch.said());

    yard.password("winter");
    watch.rounds(2);
    assert_eq!((yard.refusals(), refused(&watch)), (1, 0));
    assert_eq!(
        watch
            .lines("what signs in is another by now: it is tried at once")
            .len(),
        1
    );
    assert_eq!(watch.lines("no longer failing").len(), 1);
    assert!(!watch.get("/readyz").1.contains("sign-in"));
    assert!(!watch.metrics().has("sitewright_sign_in_pause_seconds"));
    // It is as good as new.
    yard.console(taken_out(1));
    watch.rounds(2);
    assert_eq!(watch.lines("drift object=Subnet/10.77.1.0/24").len(), 1);
}

#[test]
fn wrong_passwords_in_the_file_lock_no_account() {
    let mut yard = Yard::new(flat_lan(), 2, "");
    yard.wants_a_password("autumn");
    yard.workspace("");
    yard.password("spring");
    let watch = yard.watch(&["--interval", "1s"]);
    until("it is refused", || refused(&watch) == 1);
    for (tries, wrong) in (2..).zip(["summer", "Summer", "summer1"]) {
        yard.password(wrong);
        until("it is tried", || yard.refusals() == tries);
    }
    yard.password("summer2");
    until("it is told to wait", || {
        !watch.lines("too many others were refused").is_empty()
    });
    yard.password("autumn");
    until("it is told again", || {
        watch.lines("too many others were refused").len() == 2
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(yard.refusals(), 4, "{}", watch.said());
    // Whoever does not want to wait starts it anew.
    drop(watch);
    let watch = yard.watch(&["--interval", "1s"]);
    watch.rounds(1);
    assert_eq!(yard.refusals(), 4, "{}", watch.said());
}

#[test]
fn the_same_password_is_tried_again_after_each_pause() {
    let mut yard = Yard::new(flat_lan(), 2, "");
    yard.wants_a_password("autumn");
    yard.workspace("  watch: { interval: 1s, signInPause: 4s }\n");
    let watch = yard.watch(&[]);
    watch.rounds(1);
    // Somebody locks the account, or so it looks from here, and sets it free again.
    yard.change_password("winter");
    until("it is tried again", || yard.refusals() == 2);
    let told = watch.lines("code=\"SW0306\"");
    assert_eq!(told.len(), 2, "each is told: {}", watch.said());
    assert!(told[0].contains("next=\"in 4 s\""), "{told:?}");
    assert!(told[1].contains("next=\"in 8 s\""), "{told:?}");
    yard.change_password("autumn");
    watch.rounds(2);
    assert_eq!((yard.refusals(), refused(&watch)), (0, 0));
    assert_eq!(watch.lines("no longer failing").len(), 1);
}

#[test]
fn who_writes_is_refused_no_more_often_than_who_reads() {
    let mut yard = Yard::new(flat_lan(), 2, "");
    yard.wants_a_password("autumn");
    yard.workspace("  watch: { interval: 1s, autoApply: [assign] }\n");
    let watch = yard.watch(&["--mode", "apply"]);
    watch.rounds(1);
    // The way that reads is signed in; each run that writes signs in by itself, with what is in the file by then.
    yard.password("typo");
    yard.console(taken_out(1));
    until("a run is refused", || refused(&watch) == 1);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(yard.refusals(), 1, "{}", watch.said());
    yard.password("autumn");
    let done = [("kind", "assign-subnet"), ("outcome", "done")];
    until("it is mended", || {
        watch.metric("sitewright_steps", &done) == 1
    });
    assert_eq!(yard.refusals(), 1, "{}", watch.said());
}
