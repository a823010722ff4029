//! `ASDK.DeploymentSolution/DSTaskManagementService`: disk images. Present only where Deployment Solution is installed.
//!
//! Pure: builds the call and parses its answer. The service has one method, which takes a request in XML and gives XML
//! inside a string. That of `Image`/`GetAll` tells name, resource GUID and location of each image; which elements
//! stand around them is not documented, so that an image is whatever has a `ResourceGuid`.

use std::io::BufRead;

use super::answer;
use super::request::MethodCall;
use super::xml::{self, AnswerError, Xml};
use crate::model::Guid;
use crate::profile::ServiceName;

const METHOD: &str = "RunDeploymentSolutionTask";

/// One disk image as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedImage {
    pub(crate) guid: Guid,
    pub(crate) name: String,
    pub(crate) location: Option<String>,
}

pub(crate) fn get_all_images() -> MethodCall {
    let request = "<DeploymentItem><ItemType>Resources</ItemType><ItemName>Image</ItemName>\
                   <ItemAction>GetAll</ItemAction><Item></Item></DeploymentItem>";
    MethodCall::new(
        ServiceName::DSTaskManagement,
        METHOD,
        vec![("xml", request.into())],
    )
}

/// Reads the images.
pub(crate) fn images(body: &mut dyn BufRead) -> Result<Vec<ListedImage>, AnswerError> {
    let mut xml = Xml::new(body);
    if !answer::enter(&mut xml, METHOD)? {
        return Err(AnswerError::shape("`DSDetails`", "nothing"));
    }
    let [success, message, returned] =
        answer::fields(&mut xml, ["Success", "ErrorMessage", "ReturnXML"])?;
    xml.finish()?;
    if !success
        .is_some_and(|text| matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1"))
    {
        let message: String = message
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        return Err(AnswerError::shape(
            format!("success of {METHOD}"),
            if message.is_empty() {
                "a failure without a word".to_owned()
            } else {
                format!("`{}`", message.chars().take(200).collect::<String>())
            },
        ));
    }
    listed(returned.as_deref().unwrap_or_default())
}

fn listed(text: &str) -> Result<Vec<ListedImage>, AnswerError> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let document = xml::tree(text)?;
    let value = |node: roxmltree::Node<'_, '_>, name: &str| -> Option<String> {
        let child = node
            .children()
            .find(|child| child.tag_name().name().eq_ignore_ascii_case(name))
            .and_then(|child| child.text());
        let attribute = || {
            node.attributes()
                .find(|attribute| attribute.name().eq_ignore_ascii_case(name))
                .map(|attribute| attribute.value())
        };
        child
            .or_else(attribute)
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
    };
    let mut found = Vec::new();
    let mut says_anything = false;
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        says_anything |= node.text().is_some_and(|text| !text.trim().is_empty());
        let Some(guid) = value(node, "ResourceGuid") else {
            continue;
        };
        let guid: Guid = guid
            .parse()
            .map_err(|error| AnswerError::value("ResourceGuid", &error))?;
        if !guid.is_nil() {
            found.push(ListedImage {
                guid,
                name: value(node, "Name").unwrap_or_default(),
                location: value(node, "Location"),
            });
        }
    }
    if found.is_empty() && says_anything {
        // No images and another layout are not the same.
        return Err(AnswerError::shape(
            "images with a `ResourceGuid`",
            "XML without any",
        ));
    }
    Ok(found)
}

/// The host of a location of the form `\\SERVER\share\…`.
pub(crate) fn unc_host(location: &str) -> Option<&str> {
    let rest = location.trim().strip_prefix(r"\\")?;
    let (host, share) = rest.split_once('\\')?;
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let named = host.contains(char::is_alphanumeric);
    (named && !share.is_empty() && host.chars().all(plain)).then_some(host)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(success: &str, returned: &str) -> Result<Vec<ListedImage>, AnswerError> {
        let escaped = xml::escape(returned).unwrap();
        let body = format!(
            "<DSDetails xmlns='urn:ds'><ErrorMessage>no\n such task</ErrorMessage><Success>{success}</Success><ReturnXML>{escaped}</ReturnXML></DSDetails>"
        );
        images(&mut body.as_bytes())
    }

    #[test]
    fn images_are_whatever_has_a_guid() {
        let guid = Guid::from_u128(0xf0001);
        for returned in [
            format!(
                r"<Images><Image><Name>Win11 &amp; co</Name><ResourceGuid>{{{guid}}}</ResourceGuid><Location>\\DEPLOY01\Images\win11.gho</Location></Image></Images>"
            ),
            format!(
                r#"<?xml version="1.0"?><r><q:Item xmlns:q="q" resourceGuid="{guid}" name="Win11 &amp; co" Location="\\DEPLOY01\Images\win11.gho"/></r>"#
            ),
        ] {
            let found = read("true", &returned).unwrap();
            assert_eq!(
                found,
                [ListedImage {
                    guid,
                    name: "Win11 & co".into(),
                    location: Some(r"\\DEPLOY01\Images\win11.gho".into())
                }],
                "{returned}"
            );
        }
        for none in ["", "<Images/>", "<Images>\n</Images>"] {
            assert_eq!(read("True", none).unwrap(), []);
        }
        for (success, returned, expect) in [
            ("false", "", "found `no such task`"),
            (
                "true",
                "<Images><Image>Win11</Image></Images>",
                "without any",
            ),
            (
                "true",
                "<Images><Image><ResourceGuid>7</ResourceGuid></Image></Images>",
                "GUID",
            ),
            ("true", "text", "XML"),
        ] {
            let error = read(success, returned).unwrap_err().to_string();
            assert!(error.contains(expect), "{returned}: {error}");
        }
    }

    #[test]
    fn locations_name_hosts() {
        for (location, host) in [
            (r"\\DEPLOY01\Images\win11.gho", Some("DEPLOY01")),
            (
                r"\\deploy01.corp.example\d$\x",
                Some("deploy01.corp.example"),
            ),
            (r"\\DEPLOY01", None),
            (r"\\DEPLOY01\", None),
            (r"\\.\pipe\x", None),
            (r"\\a b\x", None),
            (r"D:\Images\x", None),
            ("//DEPLOY01/Images", None),
            ("", None),
        ] {
            assert_eq!(unc_host(location), host, "{location}");
        }
    }
}
