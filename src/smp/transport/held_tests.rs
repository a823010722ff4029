//! Connections that are signed in, against a server that says what a test wants: what is replaced, what is tried again,
//! and what a break means for a write. The server challenges and believes everything; the proof itself is tested where
//! somebody verifies it.

#![expect(
    clippy::unwrap_used,
    clippy::unnecessary_wraps,
    reason = "what a server says, in tests"
)]

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;
use crate::model::{Guid, Name};
use crate::profile::ServiceName;
use crate::smp::testing::{self, Got, Said, Server, answer, serve, soap};
use crate::smp::{Reader, SendError, Write as Change, Writer};

const FOUND: &str = "{00000000-0000-0000-0000-0000000000C1}";

/// The second message of NTLM, from a server without a name.
fn challenge() -> String {
    let mut message = b"NTLMSSP\0".to_vec();
    message.extend(2_u32.to_le_bytes());
    message.extend([0, 0, 0, 0, 56, 0, 0, 0]);
    message.extend(0xA289_8205_u32.to_le_bytes());
    message.extend(*b"8 bytes!");
    message.extend([0; 8]);
    let target = [0_u8; 4];
    message.extend([4, 0, 4, 0, 56, 0, 0, 0]);
    message.extend([10, 0, 0, 0, 0, 0, 0, 15]);
    message.extend(target);
    BASE64.encode(message)
}

fn unauthorized(offer: &str, more: &str) -> Said {
    Some(
        format!(
            "HTTP/1.1 401 X\r\nWWW-Authenticate: {offer}\r\n{more}Content-Length: 4\r\n\r\nno!\n"
        )
        .into_bytes(),
    )
}

/// Which message of the sign-in a request carries: 0 for none.
fn message(got: &Got) -> u32 {
    got.headers
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let token = value.trim().strip_prefix("NTLM ")?;
            let bytes = BASE64.decode(token).ok()?;
            let kind = bytes.get(8..12)?.try_into().ok()?;
            name.eq_ignore_ascii_case("authorization")
                .then(|| u32::from_le_bytes(kind))
        })
        .unwrap_or(0)
}

/// Answers the messages of a sign-in; `rest` answers requests, with the number that were answered before.
async fn ntlm(rest: impl Fn(&Got, usize) -> Said + Send + Sync + 'static) -> Server {
    let open = Mutex::new(std::collections::BTreeSet::new());
    let count = AtomicUsize::new(0);
    serve(move |got| {
        match message(got) {
            1 => {
                assert!(got.body.is_empty(), "no body before the proof");
                return unauthorized(&format!("NTLM {}", challenge()), "");
            }
            3 => {
                open.lock().unwrap().insert(got.connection);
            }
            _ if !open.lock().unwrap().contains(&got.connection) => {
                return unauthorized("NTLM", "");
            }
            _ => {}
        }
        rest(got, count.fetch_add(1, Ordering::SeqCst))
    })
    .await
}

fn connection(server: &Server, change: impl FnOnce(&mut Connection)) -> Connection {
    let mut connection = Connection::new(server.url.clone(), RunId("test".into()));
    connection.auth = Auth::Windows(WindowsAuth {
        method: WindowsMethod::Ntlm,
        username: r"CORP\svc".into(),
        password: Some(SecretString::from("x")),
        keytab: None,
        realm: None,
        kdc: None,
        service_principal: None,
    });
    change(&mut connection);
    connection
}

fn transport(server: &Server, change: impl FnOnce(&mut Connection)) -> Transport {
    Transport::new(connection(server, change)).unwrap()
}

fn writing(server: &Server) -> WritingTransport {
    WritingTransport::new(connection(server, |_| ())).unwrap()
}

fn reader(server: &Server, change: impl FnOnce(&mut Connection)) -> Reader {
    Reader::new(transport(server, change), Arc::new(testing::profile()))
}

async fn found(reader: &Reader) -> bool {
    let name = Name::new("SMP01.corp.example");
    reader.computer(&name).await.unwrap().is_some()
}

async fn delete(transport: WritingTransport) -> Result<Option<Guid>, SendError> {
    let write = Change::DeleteResource {
        resource: Guid::from_u128(1),
    };
    let writer = Writer::new(transport, Arc::new(testing::profile()));
    writer.send(writer.prepare(&write).await?).await
}

#[tokio::test]
async fn a_connection_signs_in_once_and_is_kept() {
    let server = ntlm(|_, _| soap("GetComputerByNameAndDomain", FOUND)).await;
    let reader = reader(&server, |_| ());
    for _ in 0..3 {
        assert!(found(&reader).await);
    }
    let seen = server.seen.lock().unwrap().clone();
    let messages: Vec<u32> = seen.iter().map(message).collect();
    assert_eq!(messages, [1, 3, 0, 0]);
    assert!(seen.iter().all(|got| got.connection == 1));
    assert!(seen[1].body.contains("<name>SMP01</name>"));
    assert!(
        seen[2]
            .headers
            .to_lowercase()
            .contains("soapaction: \"http://altiris.asdk.ns.com/getcomputerbynameanddomain\"")
    );
    assert_eq!(reader.transport().traffic().requests, 3);
    assert!(!format!("{:?}", reader.transport()).contains("svc"));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    let server = ntlm(|_, count| {
        let said = String::from_utf8(soap("DeleteResource", "").unwrap()).unwrap();
        // The first answer ends the connection without saying so in time.
        Some(if count == 0 {
            said.replace("Content-Type", "Connection: close\r\nContent-Type")
                .into_bytes()
        } else {
            said.into_bytes()
        })
    })
    .await;
    let transport = writing(&server);
    assert!(delete(transport.clone()).await.is_ok());
    assert!(delete(transport).await.is_ok());
    let seen = server.seen.lock().unwrap().clone();
    let messages: Vec<u32> = seen.iter().map(message).collect();
    assert_eq!(messages, [1, 3, 1, 3]);
    assert_eq!(seen.last().unwrap().connection, 2);
}

#[tokio::test]
async fn a_break_says_whether_the_write_may_be_done() {
    // Before the proof the server saw nothing that it could carry out.
    let server = serve(|_| None).await;
    let error = delete(writing(&server)).await.unwrap_err();
    assert!(!error.outcome_unknown(), "{error:?}");
    assert!(error.transient());
    // Between the messages neither.
    let server = serve(|got| match message(got) {
        1 => unauthorized(&format!("NTLM {}", challenge()), "Connection: close\r\n"),
        _ => None,
    })
    .await;
    let error = delete(writing(&server)).await.unwrap_err();
    assert!(!error.outcome_unknown(), "{error:?}");
    assert_eq!(server.seen.lock().unwrap().len(), 1);
    // With the proof goes the request, and then nobody knows.
    let server = ntlm(|_, _| None).await;
    let error = delete(writing(&server)).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(server.seen.lock().unwrap().len(), 2, "sent once");
    // On a connection that is signed in: the same.
    let server = ntlm(|_, count| match count {
        0 => soap("DeleteResource", ""),
        _ => None,
    })
    .await;
    let transport = writing(&server);
    assert!(delete(transport.clone()).await.is_ok());
    let error = delete(transport).await.unwrap_err();
    assert!(error.outcome_unknown(), "{error:?}");
    assert_eq!(server.seen.lock().unwrap().len(), 3, "sent once");
}

#[tokio::test]
async fn an_answer_may_be_packed_and_has_its_limit() {
    let packed = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let said = String::from_utf8(soap("GetComputerByNameAndDomain", FOUND).unwrap()).unwrap();
    let body = packed(said.split_once("\r\n\r\n").unwrap().1);
    // A megabyte of blanks is a kilobyte on the way.
    let bomb = packed(&" ".repeat(1024 * 1024));
    let server = ntlm(move |got, _| {
        assert!(got.headers.contains("gzip"));
        let body = if got.line.starts_with("GET") {
            &bomb
        } else {
            &body
        };
        let head = format!(
            "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Some([head.as_bytes(), body].concat())
    })
    .await;
    let reader = reader(&server, |connection| connection.answer_limit = 100_000);
    assert!(found(&reader).await);
    assert!(found(&reader).await);
    let connections: Vec<usize> = server
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|got| got.connection)
        .collect();
    assert_eq!(connections, [1, 1, 1], "the connection is used again");
    let response = reader
        .transport()
        .send(Request::wsdl(ServiceName::ItemManagement))
        .await
        .unwrap();
    let error = response.body.bytes().await.unwrap_err();
    assert_eq!(error, TransportError::TooLarge { limit: 100_000 });
}

#[tokio::test]
async fn silence_has_its_limit() {
    // A head that promises a body which does not come.
    let server =
        ntlm(|_, _| Some(b"HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n<a".to_vec())).await;
    let transport = transport(&server, |connection| {
        connection.answer_timeout = Duration::from_millis(200);
    });
    let request = Request::wsdl(ServiceName::ItemManagement);
    let response = transport.send(request).await.unwrap();
    let error = response.body.bytes().await.unwrap_err();
    assert_eq!(error.code(), "SW0304", "{error}");
}

#[tokio::test]
async fn a_server_that_wants_no_sign_in_is_asked_without() {
    let server = serve(|got| {
        if got.body.is_empty() {
            answer(500, "no SOAP message")
        } else {
            soap("GetComputerByNameAndDomain", FOUND)
        }
    })
    .await;
    let reader = reader(&server, |_| ());
    assert!(found(&reader).await);
    let seen = server.seen.lock().unwrap().clone();
    assert_eq!(message(&seen[1]), 0);
    assert!(seen[1].body.contains("<name>SMP01</name>"));
}

#[tokio::test]
async fn other_refusals_are_told_as_they_are() {
    for (said, code) in [
        (answer(403, "403.4 SSL required"), "SW0311"),
        (
            Some(b"HTTP/1.1 302 X\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n".to_vec()),
            "SW0308",
        ),
        (unauthorized("Basic realm=\"x, y\"", ""), "SW0306"),
    ] {
        let server = serve(move |_| said.clone()).await;
        let error = reader(&server, |_| ())
            .computer(&Name::new("SMP01"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(server.seen.lock().unwrap().len(), 1, "{error}");
    }
}

#[test]
fn a_sign_in_needs_tls_or_consent() {
    let connection = |change: fn(&mut Connection)| {
        let url = "http://smp.corp.example".parse().unwrap();
        let mut connection = Connection::new(url, RunId("t".into()));
        change(&mut connection);
        Transport::new(connection)
    };
    let basic: fn(&mut Connection) = |connection| {
        connection.auth = Auth::Bearer {
            token: SecretString::from("x"),
        };
    };
    assert_eq!(connection(basic).unwrap_err().code(), "SW0316");
    assert!(connection(|_| ()).is_ok());
    assert!(
        connection(|connection| {
            connection.auth = Auth::Bearer {
                token: SecretString::from("x"),
            };
            connection.allow_insecure = true;
        })
        .is_ok()
    );
}
