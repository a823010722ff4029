//! Signing in: every method against the simulator's own acceptor, which verifies each message itself, over plain HTTP
//! and over TLS with channel binding; what goes wrong, and that nothing is tried twice which could lock an account.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rcgen::{CertificateParams, DnType, KeyPair};
use secrecy::SecretString;
use sitewright::model::{Desired, RunId};
use sitewright::observe::Scope;
use sitewright::profile::ServiceName;
use sitewright::smp::{
    Auth, CertificateFault, ClientCertificate, Connection, Refusal, Request, Transport,
    TransportError, WindowsAuth, WindowsMethod,
};
use sitewright_sim::{
    Access, Authority, Demand, Options, Quirk, RequestRecord, Scheme, Server, Tls, World,
};

use crate::support::{Lab, Realm, Running, example, first_line, python};

const USER: &str = r"CORP\svc-sitewright";
const PASSWORD: &str = "correct-h\u{f6}rse";

fn windows(method: WindowsMethod, username: &str, password: &str) -> Auth {
    Auth::Windows(WindowsAuth {
        method,
        username: username.into(),
        password: Some(SecretString::from(password)),
        keytab: None,
        realm: None,
        kdc: None,
        service_principal: None,
    })
}

fn options() -> Options {
    Options::builtin("flat-lan").unwrap()
}

fn access(schemes: &[Scheme]) -> Access {
    Access::by(schemes).with_account(USER, PASSWORD)
}

/// A file that is there as long as the test.
struct File {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn file(text: &str) -> File {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certificates.pem");
    std::fs::write(&path, text).unwrap();
    File {
        path,
        _folder: folder,
    }
}

fn serve(access: &Access) -> Server {
    let world = World::open(options()).unwrap();
    Server::start_with(world, "127.0.0.1:0".parse().unwrap(), access).unwrap()
}

fn transport(url: &str, change: impl FnOnce(&mut Connection)) -> Transport {
    let mut connection = Connection::new(url.parse().unwrap(), RunId("test".into()));
    change(&mut connection);
    Transport::new(connection).unwrap()
}

/// Asks for a page: the status, or why there is none.
async fn ask(transport: &Transport) -> Result<u16, TransportError> {
    let response = transport
        .send(Request::wsdl(ServiceName::ItemManagement))
        .await?;
    let status = response.status;
    response.body.bytes().await?;
    Ok(status)
}

/// The log of the server by connection.
fn by_connection(requests: &[RequestRecord]) -> BTreeMap<u64, Vec<&RequestRecord>> {
    let mut found: BTreeMap<u64, Vec<&RequestRecord>> = BTreeMap::new();
    for request in requests {
        found.entry(request.connection).or_default().push(request);
    }
    found
}

/// Every way to ask for NTLM, whichever way the server offers it.
const WAYS: [(WindowsMethod, &[Scheme]); 6] = [
    (WindowsMethod::Ntlm, &[Scheme::Ntlm]),
    (WindowsMethod::Negotiate, &[Scheme::Negotiate]),
    (
        WindowsMethod::Negotiate,
        &[Scheme::Negotiate, Scheme::Ntlm, Scheme::Basic],
    ),
    (WindowsMethod::Ntlm, &[Scheme::Negotiate, Scheme::Ntlm]),
    // The other scheme carries NTLM, too.
    (WindowsMethod::Ntlm, &[Scheme::Negotiate]),
    (WindowsMethod::Negotiate, &[Scheme::Ntlm]),
];

#[tokio::test]
async fn every_connection_signs_in_once() {
    for (method, schemes) in WAYS {
        let lab = Lab::start_with(options(), &access(schemes), |connection| {
            connection.auth = windows(method, USER, PASSWORD);
            connection.concurrency = 4;
        });
        lab.snapshot(&Scope {
            everything: true,
            ..Scope::default()
        })
        .await;
        assert_eq!(lab.transport.signed_in_by(), Some("NTLM"));
        let requests = lab.server.requests();
        let connections = by_connection(&requests);
        assert!(connections.len() <= 4, "{method:?} {schemes:?}");
        let mut carried = 0;
        for of_one in connections.values() {
            let signing = of_one.iter().filter(|request| request.sign_in).count();
            // Two messages; a first one in the scheme that is not offered is thrown away, once.
            assert!((2..=3).contains(&signing), "{method:?}: {of_one:#?}");
            for request in of_one {
                if request.status != 401 {
                    assert_eq!(request.user.as_deref(), Some(USER));
                    carried += 1;
                }
            }
        }
        assert_eq!(lab.transport.traffic().requests, carried);
        assert!(carried > 20, "a whole snapshot: {carried}");
    }
}

#[tokio::test]
async fn a_sign_in_is_bound_to_the_certificate() {
    let authority = Authority::new().unwrap();
    let ca = file(&authority.pem());
    for (method, schemes) in WAYS {
        let server = serve(
            &access(schemes)
                .with_tls(authority.server(&["127.0.0.1"]).unwrap())
                .with_channel_binding(Demand::Require),
        );
        let transport = transport(&server.url(), |connection| {
            connection.auth = windows(method, USER, PASSWORD);
            connection.ca = Some(ca.path.clone());
        });
        assert_eq!(ask(&transport).await, Ok(200), "{method:?} {schemes:?}");
        assert_eq!(ask(&transport).await, Ok(200));
        let requests = server.requests();
        assert_eq!(by_connection(&requests).len(), 1);
        // What was said in a scheme that is not offered was not even judged.
        let judged = |request: &&RequestRecord| request.refused.is_some() && schemes.len() > 1;
        assert_eq!(requests.iter().find(judged), None);
    }
}

/// What the server logs of an apply: writes that were carried out, in their order.
fn writes(requests: &[RequestRecord]) -> Vec<String> {
    requests
        .iter()
        .filter(|request| request.writes && request.status == 200)
        .map(|request| request.operation.clone())
        .collect()
}

async fn converged(desired: &Desired, quirks: &[Quirk], auth: Auth) -> Vec<RequestRecord> {
    let mut options = options();
    options.quirks.extend(quirks);
    let access = match auth {
        Auth::None => Access::anonymous(),
        _ => access(&[Scheme::Negotiate]),
    };
    let lab = Lab::start_with(options, &access, |connection| connection.auth = auth);
    lab.converge_watched(desired, &mut |_| {}).await;
    lab.server.requests()
}

#[tokio::test]
async fn a_sign_in_that_is_forgotten_in_the_middle_of_a_run_is_made_again() {
    let desired = example("deployment-site");
    let plain = converged(&desired, &[], Auth::None).await;
    let auth = windows(WindowsMethod::Negotiate, USER, PASSWORD);
    let forgetful = converged(&desired, &[Quirk::SignInExpires], auth).await;
    let forgotten = forgetful
        .iter()
        .filter(|request| request.status == 401 && !request.sign_in)
        .count();
    assert!(forgotten > 5, "{forgotten}");
    assert_eq!(writes(&forgetful), writes(&plain), "each write once");
    assert!(!writes(&plain).is_empty());
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    for (method, user, password) in [
        (WindowsMethod::Ntlm, USER, "battery-staple"),
        (WindowsMethod::Negotiate, USER, "battery-staple"),
        (WindowsMethod::Ntlm, r"CORP\svc-nobody", PASSWORD),
        (WindowsMethod::Negotiate, r"OTHER\svc-sitewright", PASSWORD),
    ] {
        let server = serve(&access(&[Scheme::Negotiate, Scheme::Ntlm]));
        let transport = transport(&server.url(), |connection| {
            connection.auth = windows(method, user, password);
        });
        // Eight at once, as a run begins.
        let errors = futures::future::join_all((0..8).map(|_| ask(&transport))).await;
        for error in errors {
            assert!(
                matches!(
                    &error,
                    Err(TransportError::SignIn { refusal: Refusal::Refused("NTLM"), offered })
                        if *offered == ["Negotiate", "NTLM"]
                ),
                "{error:?}"
            );
        }
        let judged = server
            .requests()
            .iter()
            .filter(|request| request.refused.is_some())
            .count();
        assert_eq!(judged, 1, "{user} {password}");
    }
    let server = serve(&access(&[Scheme::Basic]));
    let transport = transport(&server.url(), |connection| {
        connection.auth = Auth::Basic {
            username: USER.into(),
            password: SecretString::from("battery-staple"),
        };
    });
    let errors = futures::future::join_all((0..8).map(|_| ask(&transport))).await;
    assert!(errors.iter().all(Result::is_err));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_not_offered_is_said_with_what_is() {
    let told = |auth: Auth, schemes: &'static [Scheme]| async move {
        let server = serve(&access(schemes));
        let transport = transport(&server.url(), |connection| connection.auth = auth);
        ask(&transport).await.unwrap_err().to_string()
    };
    let basic = || Auth::Basic {
        username: "svc".into(),
        password: SecretString::from("x"),
    };
    let ntlm = || windows(WindowsMethod::Ntlm, USER, PASSWORD);
    assert_eq!(
        told(ntlm(), &[Scheme::Basic]).await,
        "the server does not offer a sign-in by NTLM; it offers Basic"
    );
    assert_eq!(
        told(basic(), &[Scheme::Negotiate, Scheme::Ntlm]).await,
        "the server does not offer a sign-in by Basic; it offers Negotiate, NTLM"
    );
    assert_eq!(
        told(basic(), &[Scheme::Basic]).await,
        "the server refused the sign-in by Basic; it offers Basic"
    );
    assert_eq!(
        told(Auth::None, &[Scheme::Negotiate]).await,
        "the server wants a sign-in, and `auth` has none; it offers Negotiate"
    );
}

#[tokio::test]
async fn basic_and_tokens_go_with_every_request() {
    let authority = Authority::new().unwrap();
    let ca = file(&authority.pem());
    for auth in [
        Auth::Basic {
            username: USER.into(),
            password: SecretString::from(PASSWORD),
        },
        Auth::Bearer {
            token: SecretString::from("a-token"),
        },
    ] {
        let access = access(&[Scheme::Basic, Scheme::Bearer])
            .with_token("a-token")
            .with_tls(authority.server(&["127.0.0.1"]).unwrap());
        let server = serve(&access);
        let transport = transport(&server.url(), |connection| {
            connection.auth = auth;
            connection.ca = Some(ca.path.clone());
        });
        assert_eq!(ask(&transport).await, Ok(200));
        assert_eq!(ask(&transport).await, Ok(200));
        assert!(server.requests().iter().all(|request| request.sign_in));
    }
}

/// A server's certificate that its own key signed, and the server.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> (String, Server) {
    let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "smp01");
    change(&mut parameters);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let pem = certificate.pem();
    let tls = Tls::from_pem(pem.as_bytes(), key.serialize_pem().as_bytes()).unwrap();
    let access = access(&[Scheme::Ntlm, Scheme::Basic]).with_tls(tls);
    (pem, serve(&access))
}

/// Why a certificate is refused, on both ways to send, and the hint.
async fn refused(url: &str, ca: Option<&File>) -> (CertificateFault, String, String) {
    let mut told = Vec::new();
    for auth in [
        windows(WindowsMethod::Ntlm, USER, PASSWORD),
        Auth::Basic {
            username: USER.into(),
            password: SecretString::from(PASSWORD),
        },
    ] {
        let transport = transport(url, |connection| {
            connection.auth = auth;
            connection.ca = ca.map(|ca| ca.path.clone());
        });
        let error = ask(&transport).await.unwrap_err();
        assert_eq!(error.code(), "SW0312", "{error}");
        assert!(error.unsent());
        let hint = error.hint().unwrap();
        let message = error.to_string();
        let TransportError::Untrusted { untrusted, .. } = error else {
            panic!("{message}");
        };
        told.push((untrusted.fault, message, hint));
    }
    assert_eq!(told[0], told[1], "both ways say the same");
    told.swap_remove(0)
}

#[tokio::test]
async fn certificates_that_are_refused_say_why() {
    let authority = Authority::new().unwrap();
    let other = file(&Authority::new().unwrap().pem());
    let tls = authority.server(&["127.0.0.1"]).unwrap();
    let server = serve(&access(&[Scheme::Ntlm, Scheme::Basic]).with_tls(tls));
    for ca in [None, Some(&other)] {
        let (fault, message, hint) = refused(&server.url(), ca).await;
        assert_eq!(fault, CertificateFault::UnknownIssuer);
        assert!(
            message.ends_with("an authority that is not trusted, `CN=Sitewright simulator CA`"),
            "{message}"
        );
        assert!(hint.contains("name it in `ca`"), "{hint}");
    }
    let ca = file(&authority.pem());
    let localhost = server.url().replace("127.0.0.1", "localhost");
    let (fault, message, _) = refused(&localhost, Some(&ca)).await;
    assert_eq!(fault, CertificateFault::WrongName);
    assert_eq!(message, "the certificate of `localhost` is for `127.0.0.1`");

    let (pem, server) = self_signed(|_| {});
    let (fault, message, hint) = refused(&server.url(), None).await;
    assert_eq!(fault, CertificateFault::SelfSigned);
    assert!(
        message.ends_with("is signed by itself (`CN=smp01`)"),
        "{message}"
    );
    assert!(hint.contains("name it in `ca`"), "{hint}");
    let own = file(&pem);
    let transport = transport(&server.url(), |connection| {
        connection.auth = windows(WindowsMethod::Ntlm, USER, PASSWORD);
        connection.ca = Some(own.path.clone());
    });
    assert_eq!(ask(&transport).await, Ok(200), "as the hint says");

    let (pem, server) = self_signed(|parameters| {
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
    });
    let (fault, message, _) = refused(&server.url(), Some(&file(&pem))).await;
    assert_eq!(fault, CertificateFault::Expired);
    assert!(
        message.ends_with("expired at 2021-01-01T00:00:00Z"),
        "{message}"
    );

    let (pem, server) = self_signed(|parameters| {
        parameters.not_before = rcgen::date_time_ymd(2400, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2401, 1, 1);
    });
    let (fault, ..) = refused(&server.url(), Some(&file(&pem))).await;
    assert_eq!(fault, CertificateFault::NotYetValid);
}

#[tokio::test]
async fn a_client_certificate_goes_with_any_method() {
    let authority = Authority::new().unwrap();
    let ca = file(&authority.pem());
    let identity = authority.client("sitewright").unwrap();
    let shown = file(&identity.certificate);
    let tls = authority
        .server(&["127.0.0.1"])
        .unwrap()
        .with_client_authority(authority.pem().as_bytes())
        .unwrap();
    let server = serve(&access(&[Scheme::Negotiate, Scheme::Basic]).with_tls(tls));
    for auth in [
        windows(WindowsMethod::Negotiate, USER, PASSWORD),
        Auth::Basic {
            username: USER.into(),
            password: SecretString::from(PASSWORD),
        },
    ] {
        let with = |key: Option<&str>| {
            let auth = auth.clone();
            let certificate = shown.path.clone();
            let ca = ca.path.clone();
            let mut connection =
                Connection::new(server.url().parse().unwrap(), RunId("test".into()));
            connection.auth = auth;
            connection.ca = Some(ca);
            connection.client_certificate = key.map(|key| ClientCertificate {
                certificate,
                key: SecretString::from(key),
            });
            Transport::new(connection)
        };
        assert_eq!(ask(&with(Some(&identity.key)).unwrap()).await, Ok(200));
        assert_eq!(ask(&with(None).unwrap()).await, Ok(403), "IIS says 403.7");
        let error = with(Some("not a key")).unwrap_err();
        assert_eq!(error.code(), "SW0313");
        assert!(!error.to_string().contains("not a key"));
        let foreign = KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(with(Some(&foreign)).unwrap_err().code(), "SW0313");
    }
}

#[tokio::test]
async fn a_probe_tells_of_every_step() {
    let authority = Authority::new().unwrap();
    let ca = file(&authority.pem());
    let tls = authority.server(&["127.0.0.1"]).unwrap();
    let server = serve(&access(&[Scheme::Negotiate]).with_tls(tls));
    let open = |auth: Auth, trusted: bool| {
        transport(&server.url(), |connection| {
            connection.auth = auth;
            connection.ca = trusted.then(|| ca.path.clone());
        })
    };
    let probe = open(windows(WindowsMethod::Negotiate, USER, PASSWORD), true)
        .probe()
        .await;
    assert_eq!(probe.addresses.unwrap().len(), 1);
    assert!(probe.connected.unwrap().is_ok());
    let tls = probe.tls.unwrap().unwrap();
    assert_eq!(tls.version, "TLS 1.3");
    let certificate = tls.certificate.unwrap();
    assert_eq!(certificate.issuer, "CN=Sitewright simulator CA");
    assert!(certificate.not_after > certificate.not_before);
    let answered = probe.answered.unwrap().unwrap();
    assert_eq!(answered.status, 200);
    assert_eq!(answered.signed_in_by, Some("NTLM"));
    assert!(answered.latency.is_some());
    assert!(!answered.body.is_empty());
    let ahead = answered.clock_ahead.expect("the server sends its time");
    assert!(ahead.as_secs().abs() <= 2, "{ahead}");

    // What is not reached is not claimed.
    let probe = open(windows(WindowsMethod::Negotiate, USER, PASSWORD), false)
        .probe()
        .await;
    assert_eq!(probe.tls.unwrap().unwrap_err().code(), "SW0312");
    assert!(probe.answered.is_none());
    let probe = open(windows(WindowsMethod::Negotiate, USER, "wrong"), true)
        .probe()
        .await;
    assert!(probe.tls.unwrap().is_ok());
    assert_eq!(probe.answered.unwrap().unwrap_err().code(), "SW0306");
}

/// The acceptor of pyspnego, which shares nothing with this project.
fn foreign(scheme: &str, password: &str, identity: Option<(&File, &File)>) -> (String, Running) {
    let mut command = python();
    command.arg("spnego_server.py").args(["--scheme", scheme]);
    command.args(["--user", USER, "--password", password]);
    if let Some((certificate, key)) = identity {
        command.arg("--cert").arg(&certificate.path);
        command.arg("--key").arg(&key.path);
    }
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let out = child.stdout.take().unwrap();
    let running = Running(child);
    let line = first_line(out).expect("the foreign acceptor does not answer");
    let url = line.trim().strip_prefix("listening on ");
    (
        url.unwrap_or_else(|| panic!("found {line:?}")).to_owned(),
        running,
    )
}

/// What the foreign server says: who is in, and by how many messages on this connection.
async fn who(transport: &Transport) -> Result<serde_json::Value, TransportError> {
    let response = transport
        .send(Request::wsdl(ServiceName::ItemManagement))
        .await?;
    let body = response.body.bytes().await?;
    Ok(serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_foreign_acceptor_lets_in_whom_it_should() {
    let (certificate, key) = {
        let mut parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "x");
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        (file(&certificate.pem()), file(&key.serialize_pem()))
    };
    for scheme in ["NTLM", "Negotiate"] {
        for identity in [None, Some((&certificate, &key))] {
            let (url, _running) = foreign(scheme, "correct-horse", identity);
            let open = |password: &str, method| {
                transport(&url, |connection| {
                    connection.auth = windows(method, USER, password);
                    connection.ca = identity.map(|(certificate, _)| certificate.path.clone());
                })
            };
            for method in [WindowsMethod::Ntlm, WindowsMethod::Negotiate] {
                let right = open("correct-horse", method);
                for _ in 0..2 {
                    let told = who(&right).await.unwrap();
                    assert_eq!(told["user"], USER, "{scheme} {method:?} {told}");
                    assert_eq!(told["messages"], 2, "{scheme} {method:?} {told}");
                }
                let error = who(&open("battery-staple", method)).await.unwrap_err();
                assert!(
                    matches!(
                        error,
                        TransportError::SignIn {
                            refusal: Refusal::Refused("NTLM"),
                            ..
                        }
                    ),
                    "{error:?}"
                );
            }
        }
    }
}

/// Over the doors of a realm that nobody here wrote: Kerberos by password and by keytab, NTLM, and each by `negotiate`.
#[tokio::test]
async fn a_foreign_realm_lets_in_whom_it_should() {
    let server = serve(&Access::anonymous());
    let Some(realm) = Realm::up(&server.url()) else {
        return;
    };
    let kdc = Some(format!("tcp://{}", realm.kdc).parse().unwrap());
    let account = |method, username: &str, proof: Result<&str, &std::path::Path>| WindowsAuth {
        method,
        username: username.into(),
        password: proof.ok().map(SecretString::from),
        keytab: proof.err().map(std::path::Path::to_owned),
        realm: None,
        kdc: kdc.clone(),
        service_principal: None,
    };
    let open = |url: &str, auth: WindowsAuth| {
        transport(url, |connection| {
            connection.auth = Auth::Windows(auth);
            connection.ca = Some(realm.ca.clone());
        })
    };
    let password = realm.password.as_str();
    let kerberos = |proof| account(WindowsMethod::Kerberos, &realm.principal, proof);
    let negotiate = |proof| account(WindowsMethod::Negotiate, &realm.principal, proof);
    let ntlm = |password| account(WindowsMethod::Ntlm, &realm.user, Ok(password));
    for url in [&realm.kerberos_url, &realm.negotiate_url, &realm.tls_url] {
        for auth in [
            kerberos(Ok(password)),
            kerberos(Err(&realm.keytab)),
            negotiate(Ok(password)),
            negotiate(Err(&realm.keytab)),
        ] {
            let transport = open(url, auth);
            let answers = futures::future::join_all((0..6).map(|_| ask(&transport))).await;
            assert!(
                answers.iter().all(|answer| *answer == Ok(200)),
                "{url} {answers:?}"
            );
            assert_eq!(transport.signed_in_by(), Some("Kerberos"), "{url}");
        }
        let error = ask(&open(url, kerberos(Ok("wrong")))).await.unwrap_err();
        assert!(error.is_refused_proof(), "{error}");
        assert_eq!(error.code(), "SW0314");
    }
    // A server that forgets a ticket after each request gets one with each from then on.
    server.clear_requests();
    let each = open(&realm.each_request_url, kerberos(Ok(password)));
    for _ in 0..6 {
        assert_eq!(ask(&each).await, Ok(200));
    }
    assert_eq!(server.requests().len(), 6);
    // By its short name the realm is not known, and NTLM is left.
    for url in [&realm.negotiate_url, &realm.tls_url] {
        for auth in [
            ntlm(password),
            account(WindowsMethod::Negotiate, &realm.user, Ok(password)),
        ] {
            let transport = open(url, auth);
            assert_eq!(ask(&transport).await, Ok(200));
            assert_eq!(ask(&transport).await, Ok(200));
            assert_eq!(transport.signed_in_by(), Some("NTLM"), "{url}");
        }
        let error = ask(&open(url, ntlm("wrong"))).await.unwrap_err();
        assert!(error.is_refused_proof(), "{error}");
    }
    // Without a ticket there is NTLM, where the account is known by its short name.
    let unknown = WindowsAuth {
        service_principal: Some("HTTP/elsewhere".into()),
        realm: Some(realm.name.clone()),
        ..account(WindowsMethod::Negotiate, &realm.user, Ok(password))
    };
    let instead = open(&realm.negotiate_url, unknown.clone());
    assert_eq!(ask(&instead).await, Ok(200));
    assert_eq!(instead.signed_in_by(), Some("NTLM"));
    let only = WindowsAuth {
        method: WindowsMethod::Kerberos,
        ..unknown
    };
    let error = ask(&open(&realm.negotiate_url, only)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no Kerberos ticket for `HTTP/elsewhere`: the KDC does not know this service principal"
    );
    let dead = WindowsAuth {
        kdc: Some("tcp://127.0.0.1:1".parse().unwrap()),
        ..kerberos(Ok(password))
    };
    let error = ask(&open(&realm.negotiate_url, dead)).await.unwrap_err();
    assert!(error.to_string().contains("does not answer"), "{error}");
    assert!(error.unsent());
}

/// A proxy that tunnels everything to one address: what it was asked, until the test ends.
struct Tunnel {
    url: String,
    asked: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

#[expect(clippy::disallowed_types, reason = "a test listens")]
fn tunnel(to: std::net::SocketAddr, answer: &'static str) -> Tunnel {
    use std::io::{BufRead as _, BufReader, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = listener.local_addr().unwrap().to_string();
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut near, log) = (stream.unwrap(), std::sync::Arc::clone(&log));
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut reader = BufReader::new(near.try_clone().unwrap());
                while !head.ends_with("\r\n\r\n") {
                    if reader.read_line(&mut head).unwrap() == 0 {
                        return;
                    }
                }
                log.lock().unwrap().push(head);
                write!(near, "HTTP/1.1 {answer}\r\n\r\n").unwrap();
                let mut far = std::net::TcpStream::connect(to).unwrap();
                let mut back = far.try_clone().unwrap();
                let mut into = near.try_clone().unwrap();
                std::thread::spawn(move || std::io::copy(&mut back, &mut into));
                // It ends when either side does.
                let _ = std::io::copy(&mut near, &mut far);
            });
        }
    });
    Tunnel { url, asked }
}

/// Exports through a proxy, as somebody would whose environment names it.
fn through(proxy: &Tunnel, folder: &std::path::Path) -> (bool, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sitewright"));
    for variable in [
        "NO_PROXY",
        "no_proxy",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env_remove(variable);
    }
    let output = command
        .current_dir(folder)
        .arg("export")
        .env("SMP_PASSWORD", PASSWORD)
        .env("HTTP_PROXY", format!("http://me:pass%20word@{}", proxy.url))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

#[test]
fn a_sign_in_that_belongs_to_a_connection_goes_through_a_tunnel() {
    let server = serve(&access(&[Scheme::Negotiate]));
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    std::fs::write(home.join("hq.profile"), server.world().profile()).unwrap();
    std::fs::write(
        home.join("sitewright.yaml"),
        format!(
            "apiVersion: sitewright/v1\nkind: Workspace\nspec:\n  platforms:\n    - name: hq\n      \
             url: http://smp.corp.example\n      server: {}\n      profile: hq.profile\n      \
             auth: {{ username: '{USER}', passwordFrom: {{ env: SMP_PASSWORD }}, allowInsecure: true }}\n",
            server.world().platform_server()
        ),
    )
    .unwrap();
    let address = server.url().replace("http://", "").parse().unwrap();
    let proxy = tunnel(address, "200 go ahead");
    let (done, said) = through(&proxy, home);
    assert!(done, "{said}");
    let asked = proxy.asked.lock().unwrap().clone();
    assert!(
        asked.iter().all(|head| {
            head.starts_with("CONNECT smp.corp.example:80 HTTP/1.1\r\n")
                && head.contains("Basic bWU6cGFzcyB3b3Jk")
        }),
        "{asked:?}"
    );
    assert_eq!(by_connection(&server.requests()).len(), asked.len());

    let (done, said) = through(&tunnel(address, "407 who are you"), home);
    assert!(!done && said.contains("SW0307"), "{said}");
    let (done, said) = through(&tunnel(address, "403 not there"), home);
    assert!(!done && said.contains("SW0303"), "{said}");
    assert!(said.contains("refuses a tunnel"), "{said}");
    for told in [said.as_str(), &asked.concat()] {
        assert!(!told.contains(PASSWORD) && !told.contains("pass word"));
    }
}
