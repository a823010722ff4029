//! End to end: what a foreign client meets on servers that differ from the ordinary one, with bytes written by hand.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use sitewright_sim::wire::Type;
use sitewright_sim::wire::operations::{self, ServiceId};
use sitewright_sim::{ConsoleAction, Language, Level, Options, Quirk, Server, World};

const ITEMS: &str = "ASDK.NS/ItemManagementService.asmx";
const PACKAGES: &str = "ASDK.SMF/SoftwarePackageManagementService.asmx";
const DEPLOYMENT: &str = "ASDK.DeploymentSolution/DSTaskManagementService.asmx";
const MODEL: &str = "NSWebService/ResourceModel.asmx";
const ITEM_MODEL: &str = "NSWebService/ItemModel.asmx";
const UNKNOWN: &str = "11111111-2222-3333-4444-555555555555";

struct Smp(Server);

/// An answer as it came over the wire.
struct Raw {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Raw {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The body out of its chunks, the size of each, and whether the last one came.
    fn chunks(&self) -> (Vec<u8>, Vec<usize>, bool) {
        let (mut body, mut sizes, mut rest) = (Vec::new(), Vec::new(), self.body.as_slice());
        while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
            let size = std::str::from_utf8(&rest[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            if size == 0 {
                return (body, sizes, true);
            }
            body.extend(&rest[end + 2..end + 2 + size]);
            sizes.push(size);
            rest = &rest[end + 4 + size..];
        }
        (body, sizes, false)
    }
}

impl Smp {
    fn start(options: Options) -> Self {
        let world = World::open(options).unwrap();
        Self(Server::start(world, "127.0.0.1:0".parse().unwrap()).unwrap())
    }

    fn with(quirks: &[Quirk]) -> Self {
        let options = Options::builtin("flat-lan").unwrap();
        Self::start(quirks.iter().fold(options, |all, one| all.with_quirk(*one)))
    }

    /// Sends a request on a connection of its own and reads until it is closed; `None` when nothing came back.
    fn raw(&self, request: &str) -> Option<Raw> {
        let address = self.0.url().replace("http://", "");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // A connection that is cut may end in an error instead of an end.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Some(Raw {
            status: head.split(' ').nth(1)?.parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        })
    }

    fn get(&self, path: &str) -> Option<Raw> {
        self.raw(&format!(
            "GET /Altiris/{path} HTTP/1.1\r\nHost: smp\r\nConnection: close\r\n\r\n"
        ))
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.get(path).unwrap().body).unwrap()
    }

    /// Calls an operation; the parameters are elements of the service's namespace.
    fn soap(&self, path: &str, method: &str, inner: &str) -> Option<Raw> {
        let names = self.0.world().names();
        let (service, _) = operations::by_path(Level::default(), path).unwrap();
        let namespace = &names.namespaces[service.name];
        let body = format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>\
             <{method} xmlns='{namespace}'>{inner}</{method}></s:Body></s:Envelope>"
        );
        self.raw(&format!(
            "POST /Altiris/{path} HTTP/1.1\r\nHost: smp\r\nConnection: close\r\nContent-Type: text/xml\r\n\
             SOAPAction: \"{namespace}/{method}\"\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    fn console(&self, json: &str) {
        let action: ConsoleAction = serde_json::from_str(json).unwrap();
        self.0.world().console(action).unwrap();
    }
}

fn body(raw: &Raw) -> String {
    String::from_utf8(raw.body.clone()).unwrap()
}

fn item_exists(guid: &str) -> String {
    format!("{ITEMS}/ItemExists?itemGuid={guid}")
}

#[test]
fn a_level_does_not_know_what_came_later() {
    for level in Level::ALL {
        let smp = Smp::start(Options::builtin("flat-lan").unwrap().with_level(level));
        for service in operations::services() {
            let described = smp.text(&format!("{}?WSDL", service.path));
            let page = smp.text(service.path);
            for operation in &service.operations {
                let there = operation.since <= level;
                let declared = format!("<wsdl:operation name=\"{}\">", operation.name);
                assert_eq!(
                    described.contains(&declared),
                    there,
                    "{declared} at {level}"
                );
                let listed = format!("?op={}\"", operation.name);
                assert_eq!(page.contains(&listed), there, "{listed} at {level}");
                if there {
                    continue;
                }
                let answer = smp.soap(service.path, &operation.name, "").unwrap();
                assert_eq!(answer.status, 500);
                let text = body(&answer);
                assert!(
                    text.contains("did not recognize the value of HTTP Header SOAPAction"),
                    "{text}"
                );
                if service.forms {
                    let answer = smp.get(&format!("{}/{}", service.path, operation.name));
                    let answer = answer.unwrap();
                    assert_eq!(answer.status, 500);
                    let expected = format!("Unknown web method {}.", operation.name);
                    assert!(body(&answer).contains(&expected), "{}", body(&answer));
                }
            }
        }
    }
}

#[test]
fn an_upgrade_is_seen_by_who_asks_next() {
    let smp = Smp::start(Options::builtin("flat-lan").unwrap().with_level(Level::V71));
    assert_eq!(smp.get(&item_exists(UNKNOWN)).unwrap().status, 500);
    let before = body(
        &smp.soap(MODEL, "GetLastStuctureChangeTimestamp", "")
            .unwrap(),
    );
    smp.console(r#"{"action":"upgrade","level":"8.5-ru4"}"#);
    assert_eq!(smp.get(&item_exists(UNKNOWN)).unwrap().status, 200);
    let after = body(
        &smp.soap(MODEL, "GetLastStuctureChangeTimestamp", "")
            .unwrap(),
    );
    assert_ne!(before, after);
}

#[test]
fn a_service_may_be_missing() {
    for (quirk, path) in [
        (Quirk::NoDeploymentSolution, DEPLOYMENT),
        (Quirk::NoSoftwarePackageService, PACKAGES),
    ] {
        let smp = Smp::with(&[quirk]);
        for path in [path.to_owned(), format!("{path}?WSDL")] {
            assert_eq!(smp.get(&path).unwrap().status, 404, "{path}");
        }
        assert_eq!(Smp::with(&[]).get(path).unwrap().status, 200);
        assert_eq!(smp.get(ITEMS).unwrap().status, 200);
        let lists = smp
            .0
            .world()
            .profile()
            .contains("  SoftwarePackageManagement:");
        assert_eq!(lists, quirk == Quirk::NoDeploymentSolution);
    }
}

#[test]
fn chunks_are_short_and_end_anywhere() {
    let plain = Smp::with(&[]);
    let smp = Smp::with(&[Quirk::Chunked]);
    let path = "NSWebService/ResourceModel.asmx?WSDL";
    let answer = smp.get(path).unwrap();
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert_eq!(answer.header("content-length"), None);
    let (body, sizes, whole) = answer.chunks();
    assert!(whole && sizes.len() > 20);
    assert_eq!(body.len(), plain.get(path).unwrap().body.len());
}

#[test]
fn small_answers_are_compressed_too() {
    let smp = Smp::with(&[Quirk::Gzip]);
    let answer = smp.get(&item_exists(UNKNOWN)).unwrap();
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(answer.body.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains(">false</boolean>"), "{text}");

    let both = Smp::with(&[Quirk::Gzip, Quirk::Chunked]);
    let (body, sizes, whole) = both.get(&item_exists(UNKNOWN)).unwrap().chunks();
    assert!(whole && sizes.len() > 1);
    let mut same = String::new();
    flate2::read::GzDecoder::new(body.as_slice())
        .read_to_string(&mut same)
        .unwrap();
    assert_eq!(same, text);
}

#[test]
fn every_fourth_read_is_cut_in_the_middle() {
    for quirks in [
        &[Quirk::Resets][..],
        &[Quirk::Resets, Quirk::Chunked],
        &[Quirk::Resets, Quirk::Gzip],
    ] {
        let smp = Smp::with(quirks);
        let whole: Vec<bool> = (0..8)
            .map(|_| {
                let Some(answer) = smp.get(&item_exists(UNKNOWN)) else {
                    return false;
                };
                match answer.header("content-length") {
                    Some(length) => answer.body.len() == length.parse::<usize>().unwrap(),
                    None => answer.chunks().2,
                }
            })
            .collect();
        assert_eq!(
            whole,
            [true, true, true, false, true, true, true, false],
            "{quirks:?}"
        );
        assert_eq!(smp.0.requests().len(), 8);
    }
}

#[test]
fn every_other_write_is_carried_out_and_not_answered() {
    let smp = Smp::with(&[Quirk::ResetAfterWrite]);
    let names = smp.0.world().names().clone();
    let info = &names.resource_info;
    let create = |name: &str| {
        smp.soap(
            MODEL,
            "CreateNewResource",
            &format!(
                "<resourceTypeGUID>{}</resourceTypeGUID><info><{2}>{name}</{2}><{3}>{1}</{3}></info>",
                names.site.guid, UNKNOWN.replace('1', "a"), info.name, info.guid
            ),
        )
    };
    let answered = create("One").is_some_and(|answer| !answer.body.is_empty());
    assert!(!answered);
    assert!(smp.0.world().dump().contains("name: One"));
    assert_eq!(smp.get(&item_exists(UNKNOWN)).unwrap().status, 200);
    // The second is answered, and refused: it is there.
    let second = create("One").unwrap();
    assert_eq!(second.status, 500);
    assert!(body(&second).contains("exists already"));
}

#[test]
fn a_clock_may_be_ahead() {
    let date = |quirks: &[Quirk]| {
        let answer = Smp::with(quirks).get(ITEMS).unwrap();
        let text = answer.header("date").unwrap().to_owned();
        assert!(text.ends_with(" GMT"), "{text}");
        let parsed = jiff::fmt::rfc2822::DateTimeParser::new();
        parsed.parse_timestamp(&text).unwrap()
    };
    let ahead = date(&[Quirk::ClockAhead])
        .duration_since(date(&[]))
        .as_secs();
    assert!((415..=425).contains(&ahead), "{ahead}");
}

#[test]
fn a_read_only_account_is_refused_before_anything_else() {
    let smp = Smp::with(&[Quirk::ReadOnlyAccount]);
    let dump = smp.0.world().dump();
    let mut refused = 0;
    for service in operations::services() {
        for operation in service.operations.iter().filter(|one| one.writes) {
            let mut inner = String::new();
            for one in &operation.parameters {
                let value = match one.kind {
                    Type::Guid | Type::GuidText => UNKNOWN,
                    Type::Boolean => "false",
                    Type::Int => "0",
                    _ => "",
                };
                write!(inner, "<{0}>{value}</{0}>", one.name).unwrap();
            }
            let answer = smp.soap(service.path, &operation.name, &inner).unwrap();
            let text = body(&answer);
            assert!(
                text.contains("ASDKInsufficientPermissionException"),
                "{}: {text}",
                operation.name
            );
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
    assert_eq!(smp.0.world().dump(), dump);
    assert_eq!(smp.get(&item_exists(UNKNOWN)).unwrap().status, 200);
}

#[test]
fn what_an_item_offers_tells_the_rights() {
    let offered = |quirks: &[Quirk], language: Language| {
        let options = Options::builtin("flat-lan")
            .unwrap()
            .with_language(language);
        let smp = Smp::start(quirks.iter().fold(options, |all, one| all.with_quirk(*one)));
        let names = smp.0.world().names().clone();
        let subnet = smp
            .0
            .world()
            .find_resource("192.168.0.0/24", names.subnet.guid)
            .unwrap();
        let answer = smp
            .soap(
                ITEM_MODEL,
                "GetActionsForItem",
                &format!("<itemGuid>{subnet}</itemGuid>"),
            )
            .unwrap();
        assert_eq!(answer.status, 200);
        let text = body(&answer);
        let document = roxmltree::Document::parse(&text).unwrap();
        document
            .descendants()
            .filter(|node| node.tag_name().name() == "Name")
            .map(|node| node.text().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        offered(&[], Language::En),
        ["Open", "Rename", "Import", "Delete"]
    );
    assert_eq!(offered(&[], Language::De).len(), 4);
    assert_eq!(offered(&[Quirk::ReadOnlyAccount], Language::Fr), ["Ouvrir"]);
}

#[test]
fn unusual_elements_stand_in_the_description() {
    let smp = Smp::with(&[Quirk::OtherElements]);
    let names = smp.0.world().names().clone();
    let described = smp.text(&format!("{MODEL}?WSDL"));
    for element in [
        names.resource_data.guid,
        names.resource_data.data_classes,
        names.resource_info.name,
        names.relationship.parent_type,
        names.resource_structure.name,
        "Columns",
    ] {
        let declared = format!("name=\"{element}\" nillable");
        assert!(described.contains(&declared), "{element}");
    }
    let service = operations::service(ServiceId::ResourceModel).unwrap();
    assert!(described.contains(&service.operations[0].name));
    let list = smp.soap(MODEL, "GetResourceStructureList", "").unwrap();
    let text = body(&list);
    let element = format!("<{}>", names.resource_structure.guid);
    assert!(
        text.contains(&element) && !text.contains("<Guid>"),
        "{text}"
    );
}
