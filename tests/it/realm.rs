//! Kerberos and NTLM at software nobody here wrote: MIT's KDC, Apache httpd with `mod_auth_gssapi` and gss-ntlmssp, before
//! a simulator. `tests/outside/realm` sets it up on 127.0.0.1.

use sitewright_sim::{Options, Server, World};

use crate::support::{Realm, python, run, skip};

fn simulator() -> Server {
    let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
    Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap()
}

/// curl with a ticket and with gss-ntlmssp, requests-ntlm and pyspnego pass through to the simulator; whoever has no
/// ticket, or a wrong password, user or domain, does not.
#[test]
fn foreign_clients_sign_in_at_a_foreign_realm() {
    let server = simulator();
    let (complete, said) = run(python().args(["-m", "realm", "check"]), "");
    if !complete {
        return skip("Kerberos and NTLM at Apache httpd", said.trim());
    }
    let (passed, said) = run(python().arg("foreign_realm.py").arg(server.url()), "");
    assert!(passed, "{said}");
    // What the realm refuses does not reach the simulator.
    let log = server.requests();
    assert!(!log.is_empty());
    assert!(log.iter().all(|one| one.status == 200), "{log:#?}");
}

/// The realm comes up with all that is promised, and leaves nothing.
#[test]
fn the_realm_comes_and_goes() {
    let server = simulator();
    let Some(realm) = Realm::up(&server.url()) else {
        return;
    };
    for file in [&realm.ca, &realm.keytab, &realm.krb5_conf] {
        assert!(
            file.starts_with(&realm.folder) && file.is_file(),
            "{realm:#?}"
        );
    }
    assert!(realm.kerberos_url.starts_with("http://localhost:"));
    assert!(realm.negotiate_url.starts_with("http://localhost:"));
    assert!(realm.tls_url.starts_with("https://localhost:"));
    assert_eq!(realm.service, format!("HTTP/localhost@{}", realm.name));
    assert!(realm.principal.ends_with(&format!("@{}", realm.name)));
    assert!(realm.user.starts_with("CORP\\") && !realm.password.is_empty());
    assert!(realm.ticket.starts_with("FILE:"));
    #[expect(clippy::disallowed_types, reason = "a test looks who listens")]
    let listens = |address: &str| std::net::TcpStream::connect(address).is_ok();
    let kdc = realm.kdc.clone();
    let front = realm.kerberos_url.replace("http://localhost", "127.0.0.1");
    assert!(listens(&kdc) && listens(&front));
    realm.down();
    assert!(!listens(&kdc) && !listens(&front));
}
