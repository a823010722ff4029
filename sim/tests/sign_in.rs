//! Who is let in: messages of NTLM and SPNEGO, built by hand, right and falsified, against a running simulator.
//!
//! Every refusal is told by its reason in the log, so that none passes for another; and what was asked for with a message
//! that was refused must not have been done.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::panic, reason = "a test may stop at the first surprise")]
#![expect(clippy::expect_used, reason = "a test may stop at the first surprise")]

#[path = "sign_in/line.rs"]
mod line;
#[path = "sign_in/ntlm.rs"]
mod ntlm;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use line::{Answered, Line};
use ntlm::{Answer, Client, HONEST, Integrity};
use sitewright_sim::{
    Access, Authority, Demand, Guid, Options, Quirk, RequestRecord, Scheme, Server, World,
};

const RENAME: &str = "/Altiris/ASDK.NS/ItemManagementService.asmx/RenameItem";
const EXISTS: &str = "/Altiris/ASDK.NS/ItemManagementService.asmx/ItemExists";
const NOBODY: &str = "itemGuid=11111111-2222-3333-4444-555555555555";

const NO_CODE: &str = "the answer has no integrity code";

/// A server, and a write that would be seen.
struct Guarded {
    server: Server,
    folder: Guid,
}

impl Guarded {
    fn start(options: Options, access: &Access) -> Self {
        let world = World::open(options).unwrap();
        let folder = world.names().reports_folder;
        let server = Server::start_with(world, "127.0.0.1:0".parse().unwrap(), access).unwrap();
        Self { server, folder }
    }

    fn flat_lan(access: &Access) -> Self {
        Self::start(Options::builtin("flat-lan").unwrap(), access)
    }

    fn by(scheme: Scheme) -> Self {
        Self::flat_lan(&account(Access::by(&[scheme])))
    }

    fn line(&self) -> Line {
        Line::plain(&self.server.url())
    }

    fn last(&self) -> RequestRecord {
        self.server.requests().pop().unwrap()
    }

    /// A write that would be seen.
    fn rename(&self) -> String {
        format!("itemGuid={}&newName=renamed", self.folder)
    }

    fn is_renamed(&self) -> bool {
        self.server.world().item(self.folder).unwrap().name == "renamed"
    }

    /// Begins a sign-in with a read; gives the challenge.
    fn begin(line: &mut Line, client: &Client) -> Vec<u8> {
        let begun = line.post(EXISTS, NOBODY, Some(&ntlm(&client.negotiate())));
        assert_eq!(begun.status, 401);
        begun.token("NTLM")
    }

    /// Writes with an `Authorization`.
    fn write(&self, line: &mut Line, authorization: Option<&str>) -> Answered {
        line.post(RENAME, &self.rename(), authorization)
    }

    /// Signs in, and writes with the last message.
    fn attempt(&self, line: &mut Line, client: &Client) -> Answered {
        let challenge = Self::begin(line, client);
        let finished = client.authenticate(&challenge);
        self.write(line, Some(&ntlm(&finished.message)))
    }

    /// Fails unless the last request was refused for this reason, and nothing was done.
    fn assert_refused(&self, answered: &Answered, reason: &str) {
        assert_eq!(answered.status, 401, "{reason}");
        let last = self.last();
        assert_eq!(last.refused.as_deref(), Some(reason));
        assert!(!last.writes && last.user.is_none(), "{last:?}");
        assert!(!self.is_renamed(), "{reason}");
        assert!(!answered.body.contains(reason), "a client is told why");
    }
}

fn account(access: Access) -> Access {
    access.with_account("CORP\\svc", HONEST.password)
}

fn ntlm(message: &[u8]) -> String {
    format!("NTLM {}", STANDARD.encode(message))
}

fn negotiate(token: &[u8]) -> String {
    format!("Negotiate {}", STANDARD.encode(token))
}

/// Every way to be wrong, each alone, and why it is refused.
fn falsified() -> Vec<(Client, &'static str)> {
    let of = |user: &'static str, domain: &'static str, password: &'static str| Client {
        domain,
        user,
        password,
        ..HONEST
    };
    let with = |integrity| Client {
        integrity,
        ..HONEST
    };
    let answering = |answer| Client { answer, ..HONEST };
    let proof = "the proof is wrong";
    let version_one = "the answer is NTLM version 1 or LM";
    vec![
        (of("svc", "CORP", "Correct horse"), proof),
        (of("other", "CORP", HONEST.password), "no such user"),
        (of("svc", "ELSEWHERE", HONEST.password), "no such user"),
        // So that nobody asks for the code; but the proof covers the flag.
        (with(Integrity::Stripped), proof),
        // A known acceptor lets this in.
        (
            Client {
                integrity: Integrity::Stripped,
                ..of("svc", "CORP", "")
            },
            proof,
        ),
        (with(Integrity::Unknown), NO_CODE),
        (with(Integrity::Zeros), "the integrity code is wrong"),
        (with(Integrity::FlagsChanged), "the integrity code is wrong"),
        (
            Client {
                hours_late: 37,
                ..HONEST
            },
            "the time of the answer is too far from the server's",
        ),
        (answering(Answer::Version1), version_one),
        (answering(Answer::LmOnly), version_one),
        (answering(Answer::Anonymous), "anonymous"),
    ]
}

#[test]
fn the_right_password_signs_in_the_connection() {
    for exchanges_key in [true, false] {
        // Names are compared without regard to case.
        for (domain, user) in [("CORP", "svc"), ("corp", "SVC"), ("", "svc@corp.example")] {
            let smp = Guarded::by(Scheme::Ntlm);
            let client = Client {
                domain,
                user,
                exchanges_key,
                ..HONEST
            };
            let mut line = smp.line();
            let first = line.post(EXISTS, NOBODY, None);
            assert_eq!(
                (first.status, first.challenges),
                (401, vec!["NTLM".to_owned()])
            );
            let answered = smp.attempt(&mut line, &client);
            assert_eq!((answered.status, answered.challenges), (200, Vec::new()));
            assert!(smp.is_renamed());
            assert_eq!(line.post(EXISTS, NOBODY, None).status, 200);
            assert_eq!(smp.line().post(EXISTS, NOBODY, None).status, 401);
            let log: Vec<_> = smp
                .server
                .requests()
                .into_iter()
                .map(|one| (one.connection, one.sign_in, one.status, one.user))
                .collect();
            let svc = || Some("CORP\\svc".to_owned());
            assert_eq!(
                log,
                [
                    (1, false, 401, None),
                    (1, true, 401, None),
                    (1, true, 200, svc()),
                    (1, false, 200, svc()),
                    (2, false, 401, None),
                ]
            );
        }
    }
}

#[test]
fn what_is_falsified_is_refused() {
    for scheme in [Scheme::Ntlm, Scheme::Negotiate] {
        let name = scheme.name();
        for (client, reason) in falsified() {
            let smp = Guarded::by(scheme);
            let mut line = smp.line();
            let with = |message: &[u8]| format!("{name} {}", STANDARD.encode(message));
            let begun = line.post(EXISTS, NOBODY, Some(&with(&client.negotiate())));
            let finished = client.authenticate(&begun.token(name));
            let answered = smp.write(&mut line, Some(&with(&finished.message)));
            smp.assert_refused(&answered, reason);
            // It is offered again, and the connection is nobody's.
            assert_eq!(answered.challenges, [name]);
            assert_eq!(smp.write(&mut line, None).status, 401);
            assert!(!smp.is_renamed());
        }
    }
}

#[test]
fn a_missing_integrity_code_may_be_let_pass_a_wrong_one_never() {
    let access = account(Access::by(&[Scheme::Ntlm])).with_mic(Demand::Accept);
    for (client, reason) in falsified() {
        let smp = Guarded::flat_lan(&access);
        let answered = smp.attempt(&mut smp.line(), &client);
        if reason == NO_CODE {
            assert_eq!(answered.status, 200);
            assert!(smp.is_renamed());
        } else {
            smp.assert_refused(&answered, reason);
        }
    }
}

#[test]
fn an_answer_is_good_once() {
    let smp = Guarded::by(Scheme::Ntlm);
    let out_of_turn = "no challenge of this connection is open";
    let mut line = smp.line();
    let challenge = Guarded::begin(&mut line, &HONEST);
    let answer = ntlm(&HONEST.authenticate(&challenge).message);
    assert_eq!(line.post(EXISTS, NOBODY, Some(&answer)).status, 200);
    // Again on its connection, on a new one, and on one with a challenge of its own.
    let replayed = smp.write(&mut line, Some(&answer));
    smp.assert_refused(&replayed, out_of_turn);
    smp.assert_refused(&smp.write(&mut line, Some(&answer)), out_of_turn);
    smp.assert_refused(&smp.write(&mut smp.line(), Some(&answer)), out_of_turn);
    let mut other = smp.line();
    let fresh = Guarded::begin(&mut other, &HONEST);
    assert_ne!(fresh[24..32], challenge[24..32]);
    let replayed = smp.write(&mut other, Some(&answer));
    smp.assert_refused(&replayed, "the proof is wrong");
    // A failed answer uses the challenge up, and so does a request between.
    let mut guess = smp.line();
    let challenge = Guarded::begin(&mut guess, &HONEST);
    let right = ntlm(&HONEST.authenticate(&challenge).message);
    let wrong = Client {
        password: "x",
        ..HONEST
    };
    let wrong = ntlm(&wrong.authenticate(&challenge).message);
    assert_eq!(smp.write(&mut guess, Some(&wrong)).status, 401);
    let late = smp.write(&mut guess, Some(&right));
    smp.assert_refused(&late, out_of_turn);
    let mut between = smp.line();
    let challenge = Guarded::begin(&mut between, &HONEST);
    assert_eq!(between.post(EXISTS, NOBODY, None).status, 401);
    let right = ntlm(&HONEST.authenticate(&challenge).message);
    let late = smp.write(&mut between, Some(&right));
    smp.assert_refused(&late, out_of_turn);
}

#[test]
fn what_is_no_message_is_refused() {
    let smp = Guarded::by(Scheme::Negotiate);
    let whole = HONEST.negotiate();
    let mut headers = vec![
        "Negotiate".to_owned(),
        "Negotiate %%%".to_owned(),
        "Basic Q09SUFxzdmM6Y29ycmVjdCBob3JzZQ==".to_owned(),
        negotiate(b"NTLMSSP\0"),
        negotiate(&whole[..14]),
        negotiate(&[0x60, 0x82, 0xff, 0xff, 0]),
        ntlm(&whole),
    ];
    let mut line = smp.line();
    // An answer, cut off anywhere, or with a byte changed anywhere.
    let begun = line.post(EXISTS, NOBODY, Some(&negotiate(&whole)));
    let answer = HONEST.authenticate(&begun.token("Negotiate")).message;
    headers.extend(
        (12..answer.len())
            .step_by(7)
            .map(|end| negotiate(&answer[..end])),
    );
    for header in headers {
        line.post(EXISTS, NOBODY, Some(&negotiate(&whole)));
        let answered = smp.write(&mut line, Some(&header));
        assert_eq!(answered.status, 401, "{header}");
        assert!(smp.last().refused.is_some(), "{header}");
    }
    for at in (12..answer.len()).step_by(5) {
        let begun = line.post(EXISTS, NOBODY, Some(&negotiate(&whole)));
        let mut answer = HONEST.authenticate(&begun.token("Negotiate")).message;
        answer[at] ^= 0x41;
        let answered = smp.write(&mut line, Some(&negotiate(&answer)));
        assert_eq!(answered.status, 401, "byte {at}");
    }
    assert!(!smp.is_renamed());
}

/// Signs in by SPNEGO with Kerberos first, as Windows does, and with NTLM first.
#[test]
fn spnego_carries_ntlm() {
    for kerberos in [true, false] {
        for signs in [true, false] {
            let smp = Guarded::by(Scheme::Negotiate);
            let mut line = smp.line();
            let mechanisms = ntlm::mechanisms(kerberos, true);
            let mut send = |token: &[u8]| line.post(EXISTS, NOBODY, Some(&negotiate(token)));
            let begun = if kerberos {
                let chosen = send(&ntlm::init(&mechanisms, b"a ticket"));
                assert_eq!(chosen.status, 401);
                // request-mic, and the mechanism.
                assert!(
                    chosen
                        .token("Negotiate")
                        .windows(3)
                        .any(|part| part == [0x0a, 1, 3])
                );
                send(&ntlm::next(&HONEST.negotiate(), None))
            } else {
                send(&ntlm::init(&mechanisms, &HONEST.negotiate()))
            };
            let token = begun.token("Negotiate");
            let finished = HONEST.authenticate(ntlm::carried(&token));
            let mic = ntlm::signed(&finished.key, "client-to-server", &mechanisms);
            let last = ntlm::next(&finished.message, signs.then_some(&mic));
            let answered = smp.write(&mut line, Some(&negotiate(&last)));
            if !signs && kerberos {
                smp.assert_refused(&answered, "the list of mechanisms is not signed");
                continue;
            }
            assert_eq!(answered.status, 200);
            assert!(smp.is_renamed());
            let theirs = ntlm::signed(&finished.key, "server-to-client", &mechanisms);
            let token = answered.token("Negotiate");
            assert_eq!(token.windows(16).any(|part| part == theirs), signs);
            assert_eq!(line.post(EXISTS, NOBODY, None).status, 200);
        }
    }
}

#[test]
fn spnego_is_not_fooled() {
    let smp = Guarded::by(Scheme::Negotiate);
    let mut line = smp.line();
    // Somebody has taken Kerberos off the list on its way: the client signs the list that it has sent.
    let cut = ntlm::mechanisms(false, true);
    let begun = line.post(
        EXISTS,
        NOBODY,
        Some(&negotiate(&ntlm::init(&cut, &HONEST.negotiate()))),
    );
    let token = begun.token("Negotiate");
    let finished = HONEST.authenticate(ntlm::carried(&token));
    let sent = ntlm::mechanisms(true, true);
    let mic = ntlm::signed(&finished.key, "client-to-server", &sent);
    let last = ntlm::next(&finished.message, Some(&mic));
    let answered = smp.write(&mut line, Some(&negotiate(&last)));
    smp.assert_refused(
        &answered,
        "the signature of the list of mechanisms is wrong",
    );
    // The wrapped answer is as good once as a bare one.
    let again = smp.write(&mut line, Some(&negotiate(&last)));
    smp.assert_refused(&again, "no challenge of this connection is open");
    // There is no Kerberos here.
    let kerberos = ntlm::init(&ntlm::mechanisms(true, false), b"a ticket");
    let answered = smp.write(&mut line, Some(&negotiate(&kerberos)));
    smp.assert_refused(&answered, "none of the mechanisms is known");
    for (client, reason) in falsified() {
        let mut line = smp.line();
        let first = ntlm::init(&cut, &client.negotiate());
        let begun = line.post(EXISTS, NOBODY, Some(&negotiate(&first)));
        let token = begun.token("Negotiate");
        let finished = client.authenticate(ntlm::carried(&token));
        let last = ntlm::next(&finished.message, None);
        let answered = smp.write(&mut line, Some(&negotiate(&last)));
        smp.assert_refused(&answered, reason);
    }
}

/// MD5 of a `gss_channel_bindings_struct` with `tls-server-end-point` (RFC 5929).
fn binding(certificate: &[u8]) -> [u8; 16] {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(certificate);
    let data = [b"tls-server-end-point:", &hash[..]].concat();
    let length = u32::try_from(data.len()).unwrap().to_le_bytes();
    ntlm::md5(&[&[0; 16], &length, &data])
}

#[test]
fn a_sign_in_is_bound_to_its_channel() {
    let authority = Authority::new().unwrap();
    let access = |demand| {
        let tls = authority.server(&["localhost", "127.0.0.1"]).unwrap();
        account(Access::by(&[Scheme::Ntlm]))
            .with_tls(tls)
            .with_channel_binding(demand)
    };
    for demand in [Demand::Accept, Demand::Require] {
        let smp = Guarded::flat_lan(&access(demand));
        let line = || Line::tls(&smp.server.url(), &authority.pem(), None);
        let with = |binding| Client { binding, ..HONEST };
        let (mut elsewhere, _) = line();
        let answered = smp.attempt(&mut elsewhere, &with(Some(binding(b"another certificate"))));
        smp.assert_refused(&answered, "the answer is bound to another channel");
        // Zeros say that there is none.
        for client in [with(None), with(Some([0; 16]))] {
            let (mut unbound, _) = line();
            let challenge = Guarded::begin(&mut unbound, &client);
            let answer = ntlm(&client.authenticate(&challenge).message);
            let answered = unbound.post(EXISTS, NOBODY, Some(&answer));
            if demand == Demand::Require {
                smp.assert_refused(&answered, "the answer is bound to no channel");
            } else {
                assert_eq!(answered.status, 200);
            }
        }
        let (mut bound, certificate) = line();
        let answered = smp.attempt(&mut bound, &with(Some(binding(&certificate))));
        assert_eq!(answered.status, 200);
        assert!(smp.is_renamed());
    }
}

#[test]
fn a_certificate_is_asked_of_clients_of_services() {
    let (ours, theirs) = (Authority::new().unwrap(), Authority::new().unwrap());
    let tls = ours.server(&["127.0.0.1"]).unwrap();
    let tls = tls.with_client_authority(ours.pem().as_bytes()).unwrap();
    let smp = Guarded::flat_lan(&Access::anonymous().with_tls(tls));
    let url = smp.server.url();
    let (mut without, _) = Line::tls(&url, &ours.pem(), None);
    assert_eq!(smp.write(&mut without, None).status, 403);
    assert!(!smp.is_renamed());
    // The administrator's paths are without sign-in of any kind.
    assert_eq!(without.post("/sim/tick?seconds=1", "", None).status, 200);
    let identity = ours.client("svc").unwrap();
    let (mut with, _) = Line::tls(&url, &ours.pem(), Some(&identity));
    assert_eq!(smp.write(&mut with, None).status, 200);
    assert!(smp.is_renamed());
    let foreign = theirs.client("svc").unwrap();
    let (mut foreign, _) = Line::tls(&url, &ours.pem(), Some(&foreign));
    assert!(foreign.is_hung_up(), "a foreign certificate passes");
}

#[test]
fn each_request_may_carry_its_own_sign_in() {
    let access = account(Access::by(&[
        Scheme::Negotiate,
        Scheme::Basic,
        Scheme::Bearer,
    ]));
    let smp = Guarded::flat_lan(&access.with_token("t0k3n"));
    let mut line = smp.line();
    let offered = line.post(EXISTS, NOBODY, None).challenges;
    assert_eq!(offered, ["Negotiate", "Basic realm=\"Altiris\"", "Bearer"]);
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for (header, reason) in [
        (basic("CORP\\svc:Correct horse"), "wrong password"),
        (
            basic("CORP\\svc"),
            "the header cannot be read: it has no colon",
        ),
        (basic("CORP\\other:correct horse"), "no such user"),
        (basic("svc:correct horse"), "no such user"),
        ("Bearer t0k3n2".to_owned(), "wrong token"),
        ("Bearer".to_owned(), "wrong token"),
        (ntlm(&HONEST.negotiate()), "the scheme is not offered"),
    ] {
        let answered = smp.write(&mut line, Some(&header));
        smp.assert_refused(&answered, reason);
    }
    for (header, user) in [
        (basic("corp\\SVC:correct horse"), "CORP\\svc"),
        ("bearer t0k3n".to_owned(), "token"),
    ] {
        assert_eq!(line.post(EXISTS, NOBODY, Some(&header)).status, 200);
        assert_eq!(smp.last().user.as_deref(), Some(user));
        // The next one is nobody's again.
        assert_eq!(line.post(EXISTS, NOBODY, None).status, 401);
    }
    // A token alone needs no account, and an account without a domain is the server's own.
    let access = Access::by(&[Scheme::Ntlm]).with_account("svc", HONEST.password);
    let smp = Guarded::flat_lan(&access);
    for (domain, status) in [("", 200), ("smp01", 200), ("ELSEWHERE", 401)] {
        let client = Client { domain, ..HONEST };
        assert_eq!(smp.attempt(&mut smp.line(), &client).status, status);
    }
}

#[test]
fn a_sign_in_may_expire() {
    let options = Options::builtin("flat-lan")
        .unwrap()
        .with_quirk(Quirk::SignInExpires);
    let smp = Guarded::start(options, &account(Access::by(&[Scheme::Ntlm])));
    let mut line = smp.line();
    for _ in 0..3 {
        assert_eq!(smp.attempt(&mut line, &HONEST).status, 200);
        for _ in 0..5 {
            assert_eq!(line.post(EXISTS, NOBODY, None).status, 200);
        }
        assert_eq!(line.post(EXISTS, NOBODY, None).status, 401);
        assert_eq!(
            smp.last().refused.as_deref(),
            Some("the sign-in has expired")
        );
        assert_eq!(line.post(EXISTS, NOBODY, None).status, 401);
    }
}

#[test]
fn a_challenge_names_the_server() {
    let smp = Guarded::by(Scheme::Ntlm);
    let challenge = Guarded::begin(&mut smp.line(), &HONEST);
    let text = |id| {
        let bytes = ntlm::value_of(&challenge, id).unwrap();
        let units = bytes
            .chunks(2)
            .map(|two| u16::from_le_bytes([two[0], two[1]]));
        String::from_utf16(&units.collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(text(1), "SMP01");
    assert_eq!(text(2), "CORP");
    assert_eq!(text(3), "smp01.corp.example");
    assert_eq!(text(4), "corp.example");
}
