//! What the transport does with every way to go wrong, against a server that says what a test wants.

#![expect(clippy::unwrap_used, reason = "tests")]
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::model::{Guid, Name};
use crate::smp::Reader;
use crate::smp::testing::{self, answer, serve, soap};
use crate::smp::{AnswerError, FaultKind, ReadError, SendError, Write as Change, Writer};

fn transport(url: &Url, change: impl FnOnce(&mut Connection)) -> Transport {
    let mut connection = Connection::new(url.clone(), RunId("test".into()));
    change(&mut connection);
    Transport::new(connection).unwrap()
}

fn reader(url: &Url, change: impl FnOnce(&mut Connection)) -> Reader {
    Reader::new(transport(url, change), Arc::new(testing::profile()))
}

fn name() -> Name {
    Name::new("SMP01.corp.example")
}

const FOUND: &str = "{00000000-0000-0000-0000-0000000000C1}";

#[tokio::test]
async fn reads_keep_one_connection_and_sign_in() {
    let server = serve(|_| soap("GetComputerByNameAndDomain", FOUND)).await;
    let reader = reader(&server.url, |connection| {
        connection.auth = Auth::Basic {
            username: "svc".into(),
            password: SecretString::from("p\u{e4}ss"),
        };
    });
    for _ in 0..3 {
        assert!(reader.computer(&name()).await.unwrap().is_some());
    }
    let seen = server.seen.lock().unwrap().clone();
    assert!(seen.iter().all(|got| got.connection == 1), "kept alive");
    assert!(
        seen[0].headers.contains("Basic c3ZjOnDDpHNz"),
        "{}",
        seen[0].headers
    );
    assert!(
        seen[0]
            .headers
            .to_lowercase()
            .contains("soapaction: \"http://altiris.asdk.ns.com/getcomputerbynameanddomain\"")
    );
    assert!(
        seen[0]
            .body
            .contains("<name>SMP01</name><domain>corp.example</domain>")
    );
    assert_eq!(reader.transport().traffic().requests, 3);
    assert!(!format!("{:?}", reader.transport()).contains("svc"));
}

#[tokio::test]
async fn reads_are_tried_again_and_writes_are_not() {
    let tries = AtomicUsize::new(0);
    let server = serve(move |_| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => answer(503, "busy"),
        1 => None,
        _ => soap("GetComputerByNameAndDomain", FOUND),
    })
    .await;
    let found = reader(&server.url, |_| ()).computer(&name()).await.unwrap();
    assert!(found.is_some());
    assert_eq!(server.seen.lock().unwrap().len(), 3);

    for (said, transient, unknown) in [
        (answer(503, "busy"), true, false),
        (answer(504, "gave up"), true, true),
        (answer(502, "broke off"), true, true),
        (answer(500, "<title>Runtime Error</title>"), true, true),
        (None, true, true),
        (
            answer(500, "ASDKInsufficientPermissionException: no"),
            false,
            false,
        ),
        (answer(500, "ASDKInternalException: oops"), true, true),
    ] {
        let server = serve(move |_| said.clone()).await;
        let writer = Writer::new(transport(&server.url, |_| ()), Arc::new(testing::profile()));
        let write = Change::DeleteResource {
            resource: Guid::from_u128(1),
        };
        let error = writer
            .send(writer.prepare(&write).await.unwrap())
            .await
            .unwrap_err();
        assert_eq!(error.transient(), transient, "{error:?}");
        assert_eq!(error.outcome_unknown(), unknown, "{error:?}");
        assert_eq!(server.seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn sorts_what_goes_wrong() {
    let redirect =
        "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n";
    let sign_in = "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
    for (said, code, message) in [
        (Some(redirect.as_bytes().to_vec()), "SW0308", "elsewhere"),
        (
            Some(sign_in.as_bytes().to_vec()),
            "SW0306",
            "it offers Negotiate, NTLM",
        ),
        (
            answer(200, "<html><body>hello</body></html>"),
            "SW0310",
            "an HTML page",
        ),
        (answer(200, "<!DOCTYPE x><x/>"), "SW0310", "document type"),
        (answer(404, "<html/>"), "SW0311", "404"),
    ] {
        let server = serve(move |_| said.clone()).await;
        let error = reader(&server.url, |_| ())
            .computer(&name())
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert_eq!(server.seen.lock().unwrap().len(), 1, "{error}");
    }
    // Nobody listens there.
    let url = "http://127.0.0.1:1".parse().unwrap();
    let transport = transport(&url, |_| ());
    let error = transport
        .send(Request::wsdl(crate::profile::ServiceName::ItemManagement))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0303");
    assert!(error.unsent());
}

#[tokio::test]
async fn silence_and_size_have_limits() {
    let server = serve(|_| soap("GetComputerByNameAndDomain", &"x".repeat(2000))).await;
    let error = reader(&server.url, |connection| connection.answer_limit = 1000)
        .computer(&name())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0309");
    assert!(error.to_string().contains("answerLimit"), "{error}");

    // A head that promises a body which does not come.
    let server = serve(|_| Some(b"HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n<a".to_vec())).await;
    let transport = transport(&server.url, |connection| {
        connection.answer_timeout = Duration::from_millis(100);
    });
    let request = Request::wsdl(crate::profile::ServiceName::ItemManagement);
    let error = transport
        .send(request)
        .await
        .unwrap()
        .body
        .bytes()
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0304", "{error}");
}

#[tokio::test]
async fn large_answers_are_parsed_while_they_arrive() {
    let mut items = String::new();
    for n in 1..=20_000_u32 {
        let guid = Guid::from_u128(u128::from(n)).to_string().to_uppercase();
        let (high, low) = (n / 256, n % 256);
        items.push_str(&testing::listed(&format!("10.{high}.{low}.0/24"), &guid));
    }
    let server = serve(move |_| soap("GetResourcesOfType", &items)).await;
    let reader = reader(&server.url, |_| ());
    let subnet = reader
        .profile()
        .type_guid(crate::profile::TypeRole::Subnet)
        .unwrap();
    let found = reader
        .resources_of_type(subnet, |guid, passing| {
            Ok((guid, passing.name().map(str::len)))
        })
        .await
        .unwrap();
    assert_eq!(found.len(), 20_000);
    // A body that is cut: tried again, then given up.
    let limited = Reader::new(
        transport(&server.url, |connection| {
            connection.answer_limit = 1_000_000;
        }),
        Arc::clone(reader.profile()),
    );
    let error = limited
        .resources_of_type(subnet, |guid, _| Ok(guid))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "SW0309");
    let broken = reader
        .resources_of_type(subnet, |_, _| -> Result<(), AnswerError> {
            Err(AnswerError::Depth)
        })
        .await
        .unwrap_err();
    assert_eq!(broken, ReadError::Answer(AnswerError::Depth));
}

#[tokio::test]
async fn an_empty_package_does_not_exist() {
    let server = serve(|_| soap("GetPackage", "")).await;
    let writer = Writer::new(transport(&server.url, |_| ()), Arc::new(testing::profile()));
    let write = Change::SetPackageServers {
        package: Guid::from_u128(1),
        assignment: crate::model::Assignment::All,
    };
    let error = writer.prepare(&write).await.err().unwrap();
    assert!(
        matches!(&error, SendError::Refused(fault) if fault.kind == FaultKind::DoesNotExist),
        "{error:?}"
    );
    assert_eq!(server.seen.lock().unwrap().len(), 1, "nothing is written");
}

#[test]
fn refuses_urls_and_files() {
    for url in ["ftp://x", "http://svc:secret@smp"] {
        let connection = Connection::new(url.parse().unwrap(), RunId("t".into()));
        let error = Transport::new(connection).unwrap_err();
        assert_eq!(error.code(), "SW0301");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let mut connection = Connection::new("https://smp".parse().unwrap(), RunId("t".into()));
    connection.ca = Some("/does/not/exist.pem".into());
    assert_eq!(Transport::new(connection).unwrap_err().code(), "SW0302");
}
