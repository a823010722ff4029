//! Answers of an SMP, whatever they hold: for the fuzz targets.
//!
//! Pure. What is claimed of every parser: it ends, it gives the same however the bytes arrive, and what it refuses it
//! says in one line.
#![expect(clippy::expect_used, reason = "panicking is how a target tells")]

use std::fmt::Debug;
use std::io::{BufRead, Read};
use std::sync::LazyLock;

use super::data_rows::ElementNames;
use super::resource_model::Names;
use super::write::Change;
use super::wsdl::Wsdl;
use super::{
    AnswerError, Fault, ReadError, deployment, hierarchy_management, item_management, item_model,
    report_management, resource_management, resource_model, software_package, write,
};
use super::{answer, data_rows};
use crate::items::{self, SpliceError, Wanted};
use crate::model::{Assignment, Guid};
use crate::profile::{Profile, from_yaml};

/// A profile in which everything is known.
static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
    from_yaml("fuzzing", include_str!("testing.yaml")).expect("the profile of the tests is one")
});

/// Hands over one byte at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let (one, rest) = self.0.split_at(self.0.len().min(1));
        let given = buffer.len().min(one.len());
        buffer[..given].copy_from_slice(&one[..given]);
        if given > 0 {
            self.0 = rest;
        }
        Ok(given)
    }
}

impl BufRead for Trickle<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        Ok(&self.0[..self.0.len().min(1)])
    }

    fn consume(&mut self, amount: usize) {
        self.0 = &self.0[amount..];
    }
}

fn told(error: AnswerError) {
    let error = ReadError::Answer(error);
    assert!(error.code().starts_with("SW"));
    assert!(!super::chain(&error).is_empty());
}

/// Parses an answer that comes at once, and the same byte by byte.
fn parse<T: Debug + PartialEq>(
    body: &[u8],
    parser: impl Fn(&mut dyn BufRead) -> Result<T, AnswerError>,
) {
    let whole = parser(&mut &*body);
    let pieces = parser(&mut Trickle(body));
    assert_eq!(whole, pieces, "at once (left), byte by byte (right)");
    if let Err(error) = whole {
        told(error);
    }
}

/// One parser for each answer that is understood; `which` chooses.
pub(crate) fn answer(which: u8, body: &[u8]) {
    let profile = &*PROFILE;
    let names = Names::of_info(profile).expect("known");
    match which % 25 {
        0 => parse(body, |body| {
            let mut all = Vec::new();
            resource_model::resources(body, "GetResourcesOfType", &names, |guid, passing| {
                let name = passing.name().map(ToOwned::to_owned);
                all.push((guid, name, passing.resource_type()));
                Ok(())
            })?;
            Ok(all)
        }),
        1 => parse(body, |body| {
            resource_model::some_resources(body, "GetResourcesOfType", &names, 3)
        }),
        2 => parse(body, |body| {
            let names = Names::of_resource(profile).expect("known");
            resource_model::resource(body, "GetResource", &names)
        }),
        3 => described(body, profile),
        4 => parse(body, |body| item_management::items(body, "GetItemsByName")),
        5 => parse(body, |body| {
            item_management::item_details(body, "GetItemByGuid")
        }),
        6 => parse(body, |body| {
            item_management::exact_string(body, "ExportItemXmlString")
        }),
        7 => parse(body, |body| {
            item_management::xml_string(body, "GetResourceStructureList")
        }),
        8 => parse(body, report_management::associations),
        9 => parse(body, report_management::servers),
        10 => parse(body, |body| {
            report_management::computers(body).map(super::clients::Computers::finish)
        }),
        11 => parse(body, report_management::registrations),
        12 => parse(body, report_management::facts),
        13 => parse(body, |body| {
            report_management::plug_ins(body).map(super::clients::PlugIns::finish)
        }),
        14 => parse(body, |body| report_management::holders(body, Some("2"))),
        15 => reassigned(body, profile),
        16 => parse(body, |body| {
            let class = profile.data_classes.tcpip.as_ref().expect("known");
            resource_management::inventory(body, class)
        }),
        17 => parse(body, |body| {
            let names = ElementNames {
                guid: "Guid".to_owned(),
                name: Some("Name".to_owned()),
                data_classes: "DataClasses".to_owned(),
            };
            data_rows::resources(body, "GetResources", &names)
        }),
        18 => parse(body, |body| {
            data_rows::of_table(body, &["Name".to_owned(), "Value".to_owned()])
        }),
        19 => parse(body, deployment::images),
        20 => parse(body, |body| {
            hierarchy_management::boolean(body, "IsHierarchyMember")
        }),
        21 => parse(body, |body| item_model::count(body, "GetActionsForItem")),
        22 => parse(body, |body| answer::guid(body, "CreateNewResource")),
        23 => match Wsdl::read(body) {
            Ok(wsdl) => {
                assert_eq!(Wsdl::read(body), Ok(wsdl.clone()));
                for operation in &wsdl.operations {
                    let _ = (wsdl.parameters(operation), wsdl.returned(operation));
                }
                assert_eq!(wsdl.canonical(), wsdl.clone().canonical());
            }
            Err(error) => told(error),
        },
        _ => {
            for status in [200, 404, 500, 503] {
                let fault = Fault::read(status, body);
                assert_eq!(fault, Fault::read(status, body));
                assert_eq!(fault.status, status);
                assert!(!fault.to_string().is_empty());
            }
        }
    }
}

/// A resource that is read to be described anew: what is sent says the new description and everything else as it came.
fn described(body: &[u8], profile: &Profile) {
    let text = "Building <4> & \"5\"";
    match Change::Description(text.to_owned()).request(body, profile) {
        Ok(request) => {
            let sent = request.body;
            let sent = String::from_utf8(sent.to_vec()).expect("requests are UTF-8");
            let document = roxmltree::Document::parse(&sent).expect("requests are XML");
            assert!(document.descendants().any(|node| node.text() == Some(text)));
        }
        Err(write::ChangeError::Answer(error)) => told(error),
        Err(other) => assert!(!other.to_string().is_empty()),
    }
}

/// A package that is read to be assigned anew.
fn reassigned(body: &[u8], profile: &Profile) {
    parse(body, |body| software_package::package(body, "GetPackage"));
    let change = Change::Assignment {
        package: Guid::from_u128(0x4000),
        assignment: Assignment::Servers([Guid::from_u128(0x3000)].into()),
    };
    if let Ok(request) = change.request(body, profile) {
        let sent = request.body;
        let sent = String::from_utf8(sent.to_vec()).expect("requests are UTF-8");
        roxmltree::Document::parse(&sent).expect("requests are XML");
    }
}

/// The XML of an item: changing one value keeps every other byte, and reads back as what was wanted.
pub(crate) fn item(xml: &str) {
    let profile = &*PROFILE;
    let site = Some(Guid::from_u128(0xC1));
    let settings = [
        &profile.settings.constrain_to_site,
        &profile.settings.capture_target,
    ];
    for setting in settings.into_iter().flatten() {
        for wanted in ["true", "<&>\"'"] {
            let written = items::splice(xml, setting, site, &Wanted::Text(wanted.to_owned()));
            match written {
                Ok(after) => {
                    let read = setting.values(&after, site);
                    assert_eq!(read, Ok(vec![wanted.to_owned()]), "{after}");
                    let again = items::splice(&after, setting, site, &Wanted::Text(wanted.into()));
                    assert_eq!(again, Ok(after.clone()), "a second time changes nothing");
                    let differences = items::differences(xml, &after).expect("both are XML");
                    assert!(differences.len() <= 1, "{differences:?}");
                }
                Err(SpliceError::Xml(error)) => assert!(!error.to_string().is_empty()),
                Err(_) => {}
            }
        }
    }
}
