//! `DSTaskManagementService`: Deployment Solution's one operation, which takes a request in XML.
//!
//! I/O only through [`World`]. `Image/GetAll` and `Image/Get` are answered; every other combination is the documented
//! failure `Success=false` with a message. Element values are taken without regard to case.

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::unknown;
use crate::wire::shapes::{Record, StructureId};
use crate::wire::{Call, Fault, Reply};
use crate::world::{DsImage, World};

/// What is asked for.
#[derive(Debug, Default)]
struct Request {
    kind: String,
    name: String,
    action: String,
    /// The name or GUID inside `<Item>`.
    item: Vec<String>,
}

fn read(xml: &str) -> Result<Request, String> {
    let document = roxmltree::Document::parse(xml)
        .map_err(|error| format!("the request is no XML: {error}"))?;
    let root = document.root_element();
    if root.tag_name().name() != "DeploymentItem" {
        return Err(format!(
            "expected DeploymentItem, found {}",
            root.tag_name().name()
        ));
    }
    let child = |name: &str| {
        root.children()
            .find(|child| child.tag_name().name() == name)
    };
    let text = |name: &str| {
        child(name)
            .and_then(|node| node.text())
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    };
    let item = child("Item")
        .map(|item| {
            item.descendants()
                .filter_map(|node| node.text())
                .map(|text| text.trim().to_owned())
                .collect()
        })
        .unwrap_or_default();
    Ok(Request {
        kind: text("ItemType"),
        name: text("ItemName"),
        action: text("ItemAction"),
        item,
    })
}

/// Says whether a call changes the server: everything but `Get` and `GetAll` does.
pub(super) fn writes(call: &Call) -> bool {
    read(call.text("xml")).is_ok_and(|request| !matches!(request.action.as_str(), "get" | "getall"))
}

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Fault> {
    if call.operation.base != "RunDeploymentSolutionTask" {
        return Err(unknown(call));
    }
    let outcome = read(call.text("xml")).and_then(|request| carry_out(world, &request));
    let record = match outcome {
        Ok(xml) => Record(vec![true.into(), "".into(), xml.into()]),
        Err(message) => Record(vec![false.into(), message.into(), "".into()]),
    };
    Ok(Reply::One(StructureId::DsDetails, record))
}

fn carry_out(world: &World, request: &Request) -> Result<String, String> {
    match (
        request.kind.as_str(),
        request.name.as_str(),
        request.action.as_str(),
    ) {
        ("resources", "image", "getall") => Ok(images(
            &world.ds_images().map_err(|error| error.to_string())?,
        )),
        ("resources", "image", "get") => {
            let all = world.ds_images().map_err(|error| error.to_string())?;
            let wanted = |image: &DsImage| {
                request.item.iter().any(|text| {
                    text.eq_ignore_ascii_case(&image.name)
                        || text.parse().is_ok_and(|guid| image.guid == guid)
                })
            };
            let found: Vec<DsImage> = all.into_iter().filter(wanted).collect();
            if found.is_empty() {
                Err("the image does not exist".to_owned())
            } else {
                Ok(images(&found))
            }
        }
        (kind, name, action) => Err(format!(
            "the simulator does not carry out {kind}/{name}/{action} of Deployment Solution"
        )),
    }
}

fn images(images: &[DsImage]) -> String {
    let mut xml = String::from("<Images>");
    for image in images {
        let DsImage {
            name,
            guid,
            location,
            image_tool,
            image_type,
            os_type,
            partition_size,
            use_http,
            description,
        } = image;
        xml.push_str("<Image>");
        for (element, value) in [
            ("Name", name.as_str()),
            ("ResourceGuid", &guid.to_string()),
            ("Location", location),
            ("ImageTool", image_tool),
            ("ImageType", image_type),
            ("OsType", os_type),
            ("PartitionSize", &partition_size.to_string()),
            ("UseHttp", if *use_http { "true" } else { "false" }),
            ("Description", description),
        ] {
            // Writing into a string cannot fail.
            let _ = write!(xml, "<{element}>{}</{element}>", escape(value));
        }
        xml.push_str("</Image>");
    }
    xml.push_str("</Images>");
    xml
}
