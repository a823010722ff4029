//! `NSWebService/ResourceModel`: types, resources, associations; SOAP only.
//!
//! Pure: builds calls and parses answers. Names of elements in its structures are not documented; they come from the
//! profile. A resource that is written back keeps every element of it that we do not know.

use std::fmt::Write as _;
use std::io::BufRead;

use super::answer;
use super::request::{Argument, MethodCall, RequestError};
use super::xml::{self, AnswerError, Xml};
use crate::model::Guid;
use crate::profile::{Profile, ResourceInfoNames, ResourceNames, ServiceName};

const SERVICE: ServiceName = ServiceName::ResourceModel;

/// Which side of an association the resources asked for stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Parents,
    Children,
}

/// When types last changed: another answer than before tells another build.
pub(crate) fn get_last_structure_change() -> MethodCall {
    // The spelling is the server's.
    MethodCall::new(SERVICE, "GetLastStuctureChangeTimestamp", vec![])
}

pub(crate) fn get_resource_structure_list() -> MethodCall {
    MethodCall::new(SERVICE, "GetResourceStructureList", vec![])
}

pub(crate) fn get_relationships_for_resource_type(
    resource_type: Guid,
    as_parent: bool,
) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetRelationshipsForResourceType",
        vec![
            ("resourceTypeGUID", resource_type.into()),
            ("asParent", as_parent.into()),
        ],
    )
}

pub(crate) fn get_data_classes_for_resource_type(resource_type: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetDataClassesForResourceType",
        vec![("resourceTypeGUID", resource_type.into())],
    )
}

pub(crate) fn get_resources_of_type(resource_type: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetResourcesOfType",
        vec![("resourceTypeGUID", resource_type.into())],
    )
}

pub(crate) fn get_resource(resource: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetResource",
        vec![
            ("resourceGUID", resource.into()),
            ("dataClassTypesToFetchGUID", Argument::Guids(Vec::new())),
        ],
    )
}

/// Reads resources with the rows of the data classes given.
pub(crate) fn get_resources(resources: &[Guid], data_classes: &[Guid]) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "GetResources",
        vec![
            ("resourceGUIDs", Argument::Guids(resources.to_vec())),
            (
                "dataClassTypesToFetchGUIDs",
                Argument::Guids(data_classes.to_vec()),
            ),
        ],
    )
}

pub(crate) fn get_associated(
    side: Side,
    resource_type: Guid,
    resource: Guid,
    association: Guid,
) -> MethodCall {
    MethodCall::new(
        SERVICE,
        match side {
            Side::Parents => "GetAssociatedParentResources",
            Side::Children => "GetAssociatedChildResources",
        },
        vec![
            ("resourceTypeGUID", resource_type.into()),
            ("resourceGUID", resource.into()),
            ("associationType", association.into()),
        ],
    )
}

pub(crate) fn form_association(association: Guid, parent: Guid, children: &[Guid]) -> MethodCall {
    associate("FormAssociation", association, parent, children)
}

pub(crate) fn break_association(association: Guid, parent: Guid, children: &[Guid]) -> MethodCall {
    associate("BreakAssociation", association, parent, children)
}

fn associate(
    method: &'static str,
    association: Guid,
    parent: Guid,
    children: &[Guid],
) -> MethodCall {
    MethodCall::new(
        SERVICE,
        method,
        vec![
            ("relationshipTypeGUID", association.into()),
            ("relationshipParentGUID", parent.into()),
            ("relationshipChildGUIDs", Argument::Guids(children.to_vec())),
        ],
    )
}

pub(crate) fn delete_resource(resource: Guid) -> MethodCall {
    MethodCall::new(
        SERVICE,
        "DeleteResource",
        vec![("resourceGuid", resource.into())],
    )
}

/// Creates a resource. Where no GUID is supplied the server gives one; the answer says which.
pub(crate) fn create_new_resource(
    resource_type: Guid,
    name: &str,
    description: Option<&str>,
    guid: Option<Guid>,
    names: &ResourceInfoNames,
) -> Result<MethodCall, RequestError> {
    let mut info = String::new();
    let mut element = |tag: Option<&String>, value: &str| -> Result<(), RequestError> {
        if let Some(tag) = tag {
            let value = xml::escape(value).ok_or_else(|| RequestError::Control(tag.clone()))?;
            let _ = write!(info, "<{tag}>{value}</{tag}>");
        }
        Ok(())
    };
    if let Some(guid) = guid {
        element(names.guid.as_ref(), &guid.to_string())?;
    }
    element(names.name.as_ref(), name)?;
    element(names.resource_type.as_ref(), &resource_type.to_string())?;
    if let Some(description) = description {
        element(names.description.as_ref(), description)?;
    }
    Ok(MethodCall::new(
        SERVICE,
        "CreateNewResource",
        vec![
            ("resourceTypeGUID", resource_type.into()),
            ("info", Argument::Xml(info)),
        ],
    ))
}

/// Names of the elements of one structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    guid: String,
    name: Option<String>,
    resource_type: Option<String>,
    description: Option<String>,
}

impl Names {
    /// Those of `ResourceDataInfo`.
    pub(crate) fn of_info(profile: &Profile) -> Option<Self> {
        let ResourceInfoNames {
            structure: _,
            guid,
            name,
            resource_type,
            description,
            standing,
        } = profile.structures.resource_info.as_ref()?;
        standing.reads().then_some(())?;
        Some(Self {
            guid: guid.clone()?,
            name: name.clone(),
            resource_type: resource_type.clone(),
            description: description.clone(),
        })
    }

    /// Those of `ResourceData`.
    pub(crate) fn of_resource(profile: &Profile) -> Option<Self> {
        let ResourceNames {
            structure: _,
            guid,
            name,
            resource_type,
            description,
            data_classes: _,
            standing,
        } = profile.structures.resource.as_ref()?;
        standing.reads().then_some(())?;
        Some(Self {
            guid: guid.clone()?,
            name: name.clone(),
            resource_type: resource_type.clone(),
            description: description.clone(),
        })
    }
}

/// One resource of a list, as it passes by.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    guid: Option<Guid>,
    name: (bool, String),
    resource_type: (bool, String),
    description: (bool, String),
}

impl Passing {
    /// What was read, to keep.
    fn take(&self, guid: Guid) -> Resource {
        Resource {
            guid,
            name: self.name().map(ToOwned::to_owned),
            description: self.description().map(ToOwned::to_owned),
            resource_type: self.resource_type(),
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.name.0.then_some(self.name.1.as_str())
    }
    pub(crate) fn description(&self) -> Option<&str> {
        self.description.0.then_some(self.description.1.as_str())
    }
    pub(crate) fn resource_type(&self) -> Option<Guid> {
        self.resource_type
            .0
            .then(|| self.resource_type.1.parse().ok())
            .flatten()
            .filter(|guid: &Guid| !guid.is_nil())
    }
}

/// Reads the structure that began last into `passing`; `false` where it is empty.
fn pass<R: BufRead>(
    xml: &mut Xml<R>,
    names: &Names,
    scratch: &mut String,
    passing: &mut Passing,
) -> Result<bool, AnswerError> {
    passing.guid = None;
    passing.name.0 = false;
    passing.resource_type.0 = false;
    passing.description.0 = false;
    let depth = xml.depth();
    let mut children = 0_usize;
    let is = |name: Option<&String>, found: &str| {
        name.is_some_and(|name| name.eq_ignore_ascii_case(found))
    };
    while xml.child(depth)? {
        children += 1;
        if xml.nil() {
            xml.skip()?;
        } else if xml.name().eq_ignore_ascii_case(&names.guid) {
            xml.content(scratch)?;
            let guid: Guid = scratch
                .parse()
                .map_err(|error| AnswerError::value(&names.guid, &error))?;
            passing.guid = Some(guid);
        } else {
            let slot = if is(names.name.as_ref(), xml.name()) {
                &mut passing.name
            } else if is(names.resource_type.as_ref(), xml.name()) {
                &mut passing.resource_type
            } else if is(names.description.as_ref(), xml.name()) {
                &mut passing.description
            } else {
                xml.skip()?;
                continue;
            };
            xml.content(&mut slot.1)?;
            slot.0 = true;
        }
    }
    if children == 0 {
        return Ok(false);
    }
    match passing.guid {
        Some(guid) => Ok(!guid.is_nil()),
        None => Err(AnswerError::shape(
            format!("the element `{}` in every resource", names.guid),
            "a resource without it",
        )),
    }
}

/// Reads a list of resources and hands over each.
pub(crate) fn resources(
    body: &mut dyn BufRead,
    method: &str,
    names: &Names,
    mut each: impl FnMut(Guid, &Passing) -> Result<(), AnswerError>,
) -> Result<(), AnswerError> {
    let mut xml = Xml::new(body);
    if !answer::enter(&mut xml, method)? {
        return Ok(());
    }
    let depth = xml.depth();
    let mut passing = Passing::default();
    let mut scratch = String::new();
    while xml.child(depth)? {
        if xml.nil() {
            xml.skip()?;
        } else if pass(&mut xml, names, &mut scratch, &mut passing)?
            && let Some(guid) = passing.guid
        {
            each(guid, &passing)?;
        }
    }
    xml.finish()
}

/// What is read of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "`type` is a keyword")]
pub(crate) struct Resource {
    pub(crate) guid: Guid,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) resource_type: Option<Guid>,
}

/// Reads the first resources of a list and leaves the rest of it.
pub(crate) fn some_resources(
    body: &mut dyn BufRead,
    method: &str,
    names: &Names,
    most: usize,
) -> Result<Vec<Resource>, AnswerError> {
    let mut xml = Xml::new(body);
    let mut found = Vec::new();
    if !answer::enter(&mut xml, method)? {
        return Ok(found);
    }
    let depth = xml.depth();
    let mut passing = Passing::default();
    let mut scratch = String::new();
    while found.len() < most && xml.child(depth)? {
        if xml.nil() {
            xml.skip()?;
        } else if pass(&mut xml, names, &mut scratch, &mut passing)?
            && let Some(guid) = passing.guid
        {
            found.push(passing.take(guid));
        }
    }
    Ok(found)
}

/// Reads one resource; `None` where the structure is empty or nil.
pub(crate) fn resource(
    body: &mut dyn BufRead,
    method: &str,
    names: &Names,
) -> Result<Option<Resource>, AnswerError> {
    let mut xml = Xml::new(body);
    if !answer::enter(&mut xml, method)? {
        return Ok(None);
    }
    let mut passing = Passing::default();
    let found = pass(&mut xml, names, &mut String::new(), &mut passing)?;
    xml.finish()?;
    Ok(passing
        .guid
        .filter(|_| found)
        .map(|guid| passing.take(guid)))
}

/// Turns the answer of `GetResource` into the call that saves the resource with another description.
///
/// The XML of the resource goes back as it came, byte for byte, but for the one element.
pub(crate) fn save_described(
    answer: &[u8],
    description: &str,
    names: &ResourceNames,
) -> Result<Option<MethodCall>, AnswerError> {
    let text = std::str::from_utf8(answer)
        .map_err(|error| AnswerError::shape("UTF-8", error.to_string()))?
        .trim_start_matches('\u{feff}');
    let document = xml::tree(text)?;
    let Some(element) = &names.description else {
        return Err(AnswerError::shape(
            "`structures.resource.description` in the profile",
            "nothing",
        ));
    };
    let found = document.descendants().find(|node| {
        node.tag_name()
            .name()
            .eq_ignore_ascii_case("GetResourceResult")
    });
    let Some(found) = found else {
        return Err(AnswerError::shape("`GetResourceResult`", "another answer"));
    };
    let children = || found.children().filter(roxmltree::Node::is_element);
    let child_called =
        |name: &str| children().find(|child| child.tag_name().name().eq_ignore_ascii_case(name));
    let (Some(first), Some(last)) = (children().next(), children().next_back()) else {
        return Ok(None);
    };
    let escaped = xml::escape(description)
        .ok_or_else(|| AnswerError::value(element, &"expected text without control characters"))?;
    // The name as it is spelt in the document, prefix included.
    let spelt = |node: roxmltree::Node<'_, '_>| -> String {
        text[node.range()]
            .trim_start_matches('<')
            .split([' ', '>', '/', '\t', '\r', '\n'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    // The element in the namespace of one that stands there, which may declare it itself.
    let written = |tag: &str, like: roxmltree::Node<'_, '_>| {
        let own = like
            .namespaces()
            .filter(|one| found.namespaces().all(|known| known != *one));
        format!("<{tag}{}>{escaped}</{tag}>", declared(own))
    };
    let start = first.range().start;
    let end = last.range().end;
    let inner = if let Some(old) = child_called(element) {
        format!(
            "{}{}{}",
            &text[start..old.range().start],
            written(&spelt(old), old),
            &text[old.range().end..end]
        )
    } else {
        // Beside the name, with its prefix: there the serialiser expects it most likely.
        let beside = names.name.as_deref().and_then(child_called).unwrap_or(last);
        let neighbour = spelt(beside);
        let tag = match neighbour.split_once(':') {
            Some((prefix, _)) => format!("{prefix}:{element}"),
            None => element.clone(),
        };
        let at = beside.range().end;
        format!(
            "{}{}{}",
            &text[start..at],
            written(&tag, beside),
            &text[at..end]
        )
    };
    // Prefixes that the answer declares further out are declared again; the default namespace too, so that
    // elements stay in the one they were in.
    let mut attributes = declared(found.namespaces());
    for attribute in found.attributes() {
        // A type attribute says which derived structure it is.
        let range = attribute.range();
        attributes.push(' ');
        attributes.push_str(&text[range]);
    }
    Ok(Some(MethodCall::new(
        SERVICE,
        "SaveResource",
        vec![("resource", Argument::Structure { attributes, inner })],
    )))
}

/// Declarations of namespaces, as attributes.
fn declared<'n>(namespaces: impl Iterator<Item = &'n roxmltree::Namespace<'n>>) -> String {
    let mut attributes = String::new();
    for namespace in namespaces {
        let uri = xml::escape(namespace.uri()).unwrap_or_default();
        match namespace.name() {
            Some("xml") => {}
            Some(prefix) => {
                let _ = write!(attributes, " xmlns:{prefix}=\"{uri}\"");
            }
            None => {
                let _ = write!(attributes, " xmlns=\"{uri}\"");
            }
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing;
    use super::*;

    fn listed(body: &str) -> Result<Vec<String>, AnswerError> {
        let names = Names::of_info(&testing::profile()).unwrap();
        let mut found = Vec::new();
        resources(
            &mut body.as_bytes(),
            "GetResourcesOfType",
            &names,
            |guid, passing| {
                found.push(format!(
                    "{:x} {:?} {:?}",
                    guid.as_u128(),
                    passing.name(),
                    passing.description()
                ));
                Ok(())
            },
        )?;
        Ok(found)
    }

    #[test]
    fn lists_are_read_in_any_shape() {
        let expect = ["1 Some(\"HQ & <co>\") Some(\"\")", "2 Some(\"B\") None"];
        for body in [
            // The vendor's stack.
            "<soap:Envelope xmlns:soap='e'><soap:Body><GetResourcesOfTypeResponse xmlns='urn:rm'><GetResourcesOfTypeResult>\
             <ResourceDataInfo><Guid>00000000-0000-0000-0000-000000000001</Guid><Name>HQ &amp; &lt;co&gt;</Name><Description/></ResourceDataInfo>\
             <ResourceDataInfo><Guid>00000000-0000-0000-0000-000000000002</Guid><Name>B</Name></ResourceDataInfo>\
             </GetResourcesOfTypeResult></GetResourcesOfTypeResponse></soap:Body></soap:Envelope>",
            // Other prefixes, another order, unknown elements before, between and inside, braces, CDATA, nil.
            "<?xml version='1.0'?><!-- x --><e:Envelope xmlns:e='e' xmlns:i='xsi'><e:Header><x/></e:Header><e:Body><n:GetResourcesOfTypeResponse xmlns:n='q'>\
             <n:Extra><n:Guid>no</n:Guid></n:Extra><n:GetResourcesOfTypeResult>\n <n:Info><n:Description></n:Description><n:Name><![CDATA[HQ & <co>]]></n:Name>\
             <n:More><n:Guid>not this</n:Guid></n:More><n:Guid> {00000000-0000-0000-0000-000000000001} </n:Guid></n:Info>\n<n:Info i:nil='true'/><n:Info/>\
             <n:Info><n:Description i:nil='true'/><n:GUID>{00000000-0000-0000-0000-000000000002}</n:GUID><n:name>B</n:name></n:Info></n:GetResourcesOfTypeResult>\
             </n:GetResourcesOfTypeResponse></e:Body></e:Envelope>",
        ] {
            assert_eq!(listed(body).unwrap(), expect, "{body}");
        }
        for none in [
            "<e:Envelope xmlns:e='e'><e:Body><GetResourcesOfTypeResponse/></e:Body></e:Envelope>",
            "<e:Envelope xmlns:e='e'><e:Body><GetResourcesOfTypeResponse><GetResourcesOfTypeResult xmlns:i='x' i:nil='1'/></GetResourcesOfTypeResponse></e:Body></e:Envelope>",
        ] {
            assert_eq!(listed(none).unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn lists_that_are_not_understood_are_errors() {
        for (body, expect) in [
            (
                "<e:Envelope xmlns:e='e'><e:Body/></e:Envelope>",
                "another answer",
            ),
            (
                "<e:Envelope xmlns:e='e'><e:Body><e:Fault><faultstring>x</faultstring></e:Fault></e:Body></e:Envelope>",
                "a fault",
            ),
            (
                "<ArrayOfResourceDataInfo><ResourceDataInfo><Id>1</Id></ResourceDataInfo></ArrayOfResourceDataInfo>",
                "`Guid` in every resource",
            ),
            (
                "<ArrayOfResourceDataInfo><ResourceDataInfo><Guid>x</Guid></ResourceDataInfo></ArrayOfResourceDataInfo>",
                "expected a GUID",
            ),
            (
                "<ArrayOfResourceDataInfo><ResourceDataInfo><Guid>00000000-0000-0000-0000-000000000001</Guid>",
                "ended in the middle",
            ),
            ("<html><body/></html>", "HTML page"),
        ] {
            let error = listed(body).unwrap_err().to_string();
            assert!(error.contains(expect), "{body}: {error}");
        }
    }

    fn described(answer: &str, description: &str) -> Option<String> {
        let profile = testing::profile();
        let names = profile.structures.resource.as_ref().unwrap();
        let call = save_described(answer.as_bytes(), description, names).unwrap()?;
        let body = call.soap(&profile).unwrap().body;
        let body = std::str::from_utf8(&body).unwrap().to_owned();
        roxmltree::Document::parse(&body).unwrap();
        let start = body.find("<call:resource").unwrap();
        let end = body.find("</call:resource>").unwrap();
        Some(body[start..end].to_owned())
    }

    #[test]
    fn saving_keeps_what_is_not_known() {
        let before = "<?xml version=\"1.0\"?><soap:Envelope xmlns:soap=\"e\" xmlns:xsi=\"xsi\"><soap:Body><GetResourceResponse xmlns=\"urn:rm/\">\
            <GetResourceResult xsi:type=\"Special\"><Guid>g</Guid><Name>HQ</Name><Description xsi:nil=\"true\" /><Secret a=\"1\">x&amp;y<!-- c --></Secret>\
            <z:Other xmlns:z=\"zz\"><![CDATA[<raw>]]></z:Other></GetResourceResult></GetResourceResponse></soap:Body></soap:Envelope>";
        let after = described(before, "a < b").unwrap();
        assert!(
            after.ends_with(
                "<Guid>g</Guid><Name>HQ</Name><Description>a &lt; b</Description><Secret a=\"1\">x&amp;y<!-- c --></Secret>\
                 <z:Other xmlns:z=\"zz\"><![CDATA[<raw>]]></z:Other>"
            ),
            "{after}"
        );
        assert!(after.contains("xsi:type=\"Special\""), "{after}");
        assert!(after.contains("xmlns=\"urn:rm/\""), "{after}");

        // A prefix, and no description yet: it goes beside the name, with the prefix.
        let before = "<e:Envelope xmlns:e='e' xmlns:q='urn:q'><e:Body><q:GetResourceResponse><q:GetResourceResult><q:Other/><q:Name>HQ</q:Name><q:Last>1</q:Last>\
            </q:GetResourceResult></q:GetResourceResponse></e:Body></e:Envelope>";
        let after = described(before, "new").unwrap();
        assert!(
            after.ends_with(
                "<q:Other/><q:Name>HQ</q:Name><q:Description>new</q:Description><q:Last>1</q:Last>"
            ),
            "{after}"
        );
        assert!(after.contains("xmlns:q=\"urn:q\""), "{after}");

        // What stands there may declare its own namespace: what takes its place, or comes beside it, does so too.
        let before = "<e:Envelope xmlns:e='e'><e:Body><GetResourceResponse><GetResourceResult><z:Other xmlns:z='zz'>1</z:Other>\
            </GetResourceResult></GetResourceResponse></e:Body></e:Envelope>";
        let after = described(before, "new").unwrap();
        assert!(
            after.ends_with("</z:Other><z:Description xmlns:z=\"zz\">new</z:Description>"),
            "{after}"
        );
        let before = "<e:Envelope xmlns:e='e'><e:Body><GetResourceResponse><GetResourceResult><Description xmlns='dd'>1</Description>\
            </GetResourceResult></GetResourceResponse></e:Body></e:Envelope>";
        let after = described(before, "new").unwrap();
        assert!(
            after.ends_with("<Description xmlns=\"dd\">new</Description>"),
            "{after}"
        );

        let gone = "<e:Envelope xmlns:e='e'><e:Body><GetResourceResponse><GetResourceResult/></GetResourceResponse></e:Body></e:Envelope>";
        assert_eq!(described(gone, "new"), None);
    }
}
