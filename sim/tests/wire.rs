//! End to end: a server on the flat LAN, called over HTTP as foreign clients do, with bytes written by hand.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
#![expect(clippy::format_push_string, reason = "plain to read, and a test")]

use reqwest::blocking::{Client, Response};
use sitewright_sim::{Access, Options, Quirk, Scheme, Server, Switch, World};

const ITEMS: &str = "ASDK.NS/ItemManagementService.asmx";
const REPORTS: &str = "ASDK.NS/ReportManagementService.asmx";
const RESOURCES: &str = "ASDK.NS/ResourceManagementService.asmx";
const PACKAGES: &str = "ASDK.SMF/SoftwarePackageManagementService.asmx";
const MODEL: &str = "NSWebService/ResourceModel.asmx";
const COMPUTER: &str = "493435f7-3b17-4c4c-b07f-c23e7ab7781f";
const UNKNOWN: &str = "11111111-2222-3333-4444-555555555555";

struct Smp {
    server: Server,
    client: Client,
}

impl Smp {
    fn start(options: Options) -> Self {
        let server = Server::start(
            World::open(options).unwrap(),
            "127.0.0.1:0".parse().unwrap(),
        )
        .unwrap();
        Self {
            server,
            client: Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn flat_lan() -> Self {
        Self::start(Options::builtin("flat-lan").unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/Altiris/{path}", self.server.url())
    }

    fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().unwrap()
    }

    /// Posts a form whose pairs are encoded already.
    fn form(&self, path: &str, pairs: &str) -> Response {
        self.client
            .post(self.url(path))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.to_owned())
            .send()
            .unwrap()
    }

    /// The namespace of a service, from its live description.
    fn namespace(&self, service: &str) -> String {
        let text = self.get(&format!("{service}?WSDL")).text().unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        document
            .root_element()
            .attribute("targetNamespace")
            .unwrap()
            .to_owned()
    }

    fn soap11(&self, service: &str, method: &str, inner: &str) -> Response {
        let namespace = self.namespace(service);
        let body = format!(
            "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>\
             <{method} xmlns='{namespace}'>{inner}</{method}></s:Body></s:Envelope>"
        );
        self.client
            .post(self.url(service))
            .header("content-type", "text/xml; charset=utf-8")
            .header("soapaction", format!("\"{namespace}/{method}\""))
            .body(body)
            .send()
            .unwrap()
    }

    fn soap12(&self, service: &str, method: &str, inner: &str) -> Response {
        let namespace = self.namespace(service);
        let body = format!(
            "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body>\
             <x:{method} xmlns:x='{namespace}'>{inner}</x:{method}></s:Body></s:Envelope>"
        );
        self.client
            .post(self.url(service))
            .header("content-type", "application/soap+xml; charset=utf-8")
            .body(body)
            .send()
            .unwrap()
    }
}

/// The texts of all elements of a local name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    document
        .descendants()
        .filter(|node| node.tag_name().name() == name)
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

fn guid_of(smp: &Smp, name: &str, kind: &str) -> String {
    let text = smp
        .form(
            &format!("{RESOURCES}/GetResourceByName"),
            &format!("name={name}&resourceType={kind}"),
        )
        .text()
        .unwrap();
    texts(&text, "guid").remove(0)
}

#[test]
fn every_service_has_a_page_and_a_description() {
    let smp = Smp::flat_lan();
    for service in sitewright_sim::wire::operations::services() {
        let page = smp.get(service.path);
        assert_eq!(page.status(), 200);
        assert!(
            page.headers()["content-type"]
                .to_str()
                .unwrap()
                .starts_with("text/html")
        );
        assert!(page.text().unwrap().contains(&service.operations[0].name));
        let wsdl = smp
            .get(&format!("{}?wsdl", service.path.to_uppercase()))
            .text()
            .unwrap();
        assert!(
            wsdl.contains(&format!("<wsdl:service name=\"{}\">", service.name)),
            "{wsdl}"
        );
    }
    assert_eq!(smp.get("ASDK.NS/Nothing.asmx").status(), 404);
}

#[test]
fn both_soap_versions_answer_alike() {
    let smp = Smp::flat_lan();
    let eleven = smp.soap11(MODEL, "GetResourceStructureList", "");
    assert_eq!(eleven.headers()["content-type"], "text/xml; charset=utf-8");
    let twelve = smp.soap12(MODEL, "GetResourceStructureList", "");
    assert_eq!(
        twelve.headers()["content-type"],
        "application/soap+xml; charset=utf-8"
    );
    let (eleven, twelve) = (eleven.text().unwrap(), twelve.text().unwrap());
    let list = |text: &str| texts(text, smp.server.world().names().resource_structure.guid);
    assert!(list(&eleven).contains(&COMPUTER.to_owned()));
    assert_eq!(list(&eleven), list(&twelve));
}

#[test]
fn forms_and_gets_answer_bare_types() {
    let smp = Smp::flat_lan();
    let path = format!("{ITEMS}/ItemExists");
    let good = smp
        .form(&path, &format!("itemGuid={UNKNOWN}"))
        .text()
        .unwrap();
    let document = roxmltree::Document::parse(&good).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "boolean");
    assert_eq!(
        document.root_element().tag_name().namespace(),
        Some("http://Altiris.ASDK.NS.com")
    );
    assert_eq!(document.root_element().text(), Some("false"));
    let got = smp
        .get(&format!("{path}?itemGuid=%7B{UNKNOWN}%7D"))
        .text()
        .unwrap();
    assert_eq!(got, good);
    let missing = smp.form(&path, "");
    assert_eq!(missing.status(), 500);
    let text = missing.text().unwrap();
    assert!(
        text.starts_with("System.InvalidOperationException : Missing parameter: itemGuid."),
        "{text}"
    );
    assert_eq!(
        smp.form(&format!("{MODEL}/GetResourceStructureList"), "")
            .status(),
        500
    );
    let empty = smp
        .form(
            &format!("{PACKAGES}/GetPackage"),
            &format!("packageGuid={UNKNOWN}"),
        )
        .text()
        .unwrap();
    let document = roxmltree::Document::parse(&empty).unwrap();
    assert_eq!(
        document.root_element().tag_name().name(),
        "SoftwarePackageDetails"
    );
    assert_eq!(
        document
            .root_element()
            .children()
            .filter(roxmltree::Node::is_element)
            .count(),
        0
    );
}

#[test]
fn faults_name_their_exception() {
    let smp = Smp::flat_lan();
    let inner = format!("<resourceGUID>{UNKNOWN}</resourceGUID><dataClassTypesToFetchGUID/>");
    let answer = smp.soap11(MODEL, "GetResource", &inner);
    assert_eq!(answer.status(), 500);
    let text = answer.text().unwrap();
    assert_eq!(
        texts(&text, "exceptionType"),
        ["ASDKDoesNotExistException"],
        "{text}"
    );
    for name in ["stackTrace", "innerException"] {
        assert_eq!(texts(&text, name).len(), 1);
    }
}

#[test]
fn a_site_is_made_joined_parted_and_deleted() {
    let smp = Smp::flat_lan();
    let names = smp.server.world().names().clone();
    let (site_type, subnet_type) = (names.site.guid.to_string(), names.subnet.guid.to_string());
    let info = &names.resource_info;
    let make = format!(
        "<resourceTypeGUID>{site_type}</resourceTypeGUID><info><{0}>R&amp;D</{0}><{1}>ours</{1}></info>",
        info.name, info.description
    );
    let created = smp
        .soap11(MODEL, "CreateNewResource", &make)
        .text()
        .unwrap();
    let site = texts(&created, names.resource_data.guid).remove(0);
    assert_eq!(texts(&created, names.resource_data.name), ["R&D"]);
    let listed = smp
        .soap11(
            MODEL,
            "GetResourcesOfType",
            &format!("<resourceTypeGUID>{site_type}</resourceTypeGUID>"),
        )
        .text()
        .unwrap();
    assert_eq!(texts(&listed, info.guid), [site.as_str()]);

    let subnet = guid_of(&smp, "192.168.10.0%2F24", &subnet_type);
    let association = &names.subnet_to_site;
    let (parent, child) = if association.target_is_parent {
        (&site, &subnet)
    } else {
        (&subnet, &site)
    };
    let relation = format!(
        "<relationshipTypeGUID>{}</relationshipTypeGUID><relationshipParentGUID>{parent}</relationshipParentGUID>\
         <relationshipChildGUIDs><guid>{child}</guid></relationshipChildGUIDs>",
        association.guid
    );
    let (method, wanted) = if association.target_is_parent {
        ("GetAssociatedChildResources", &subnet_type)
    } else {
        ("GetAssociatedParentResources", &subnet_type)
    };
    let typed = if names.type_argument_returns {
        wanted
    } else {
        &site_type
    };
    let read = || {
        let inner = format!(
            "<resourceTypeGUID>{typed}</resourceTypeGUID><resourceGUID>{site}</resourceGUID>\
             <associationType>{}</associationType>",
            association.guid
        );
        texts(
            &smp.soap11(MODEL, method, &inner).text().unwrap(),
            names.resource_data.guid,
        )
    };
    assert!(read().is_empty());
    assert_eq!(
        smp.soap11(MODEL, "FormAssociation", &relation).status(),
        200
    );
    assert_eq!(read(), [subnet.as_str()]);
    assert_eq!(
        smp.soap11(MODEL, "BreakAssociation", &relation).status(),
        200
    );
    assert!(read().is_empty());
    let delete = format!("<resourceGuid>{site}</resourceGuid>");
    assert_eq!(smp.soap11(MODEL, "DeleteResource", &delete).status(), 200);
    let writes = smp
        .server
        .requests()
        .iter()
        .filter(|request| request.writes)
        .count();
    assert_eq!(writes, 4);
}

#[test]
fn a_saved_resource_comes_back_as_it_was_read() {
    let smp = Smp::flat_lan();
    let names = smp.server.world().names().clone();
    let shape = &names.resource_data;
    let subnet = guid_of(&smp, "192.168.10.0%2F24", &names.subnet.guid.to_string());
    let inner = format!("<resourceGUID>{subnet}</resourceGUID><dataClassTypesToFetchGUID/>");
    let text = smp.soap11(MODEL, "GetResource", &inner).text().unwrap();
    let attributes = texts(&text, "ItemAttributes").remove(0);
    let resource = |attributes: &str| {
        format!(
            "<resource><{0}>{subnet}</{0}><{1}>192.168.10.0/24</{1}><{2}>{3}</{2}><{4}>new</{4}>{attributes}</resource>",
            shape.guid, shape.name, shape.resource_type, names.subnet.guid, shape.description
        )
    };
    assert_eq!(
        smp.soap11(MODEL, "SaveResource", &resource("")).status(),
        500
    );
    let whole = resource(&format!("<ItemAttributes>{attributes}</ItemAttributes>"));
    assert_eq!(smp.soap11(MODEL, "SaveResource", &whole).status(), 200);
    let text = smp.soap11(MODEL, "GetResource", &inner).text().unwrap();
    assert_eq!(texts(&text, shape.description), ["new"]);
}

#[test]
fn a_report_is_made_and_run() {
    let smp = Smp::flat_lan();
    let folder = smp.server.world().names().reports_folder;
    let make = format!(
        "reportName=counts&reportDescription=&dataSourceName=&folderGuid={folder}\
         &sqlQuery=SELECT+%5BName%5D+AS+%5BHost+Name%5D%2C+NULL+AS+%5BNothing%5D+FROM+vComputer+WHERE+%5BName%5D+LIKE+%27%25who%25%25%27"
    );
    let created = smp
        .form(&format!("{REPORTS}/CreateReportUsingRawSqlQuery"), &make)
        .text()
        .unwrap();
    let report = texts(&created, "Guid").remove(0);
    let run = |pairs: &str| {
        smp.form(
            &format!("{REPORTS}/RunReportWithParameters"),
            &format!("reportItemGuid={report}&nameValuePairs={pairs}"),
        )
        .text()
        .unwrap()
    };
    let rows = run("who%3DDEPLOY01");
    assert_eq!(texts(&rows, "Host_x0020_Name").len(), 1, "{rows}");
    assert!(texts(&rows, "Nothing").is_empty(), "{rows}");
    let none = run("who%3Dnobody");
    assert!(none.contains("name=\"Host_x0020_Name\""), "{none}");
    let names = smp
        .form(
            &format!("{REPORTS}/GetReportParameters"),
            &format!("reportItemGuid={report}"),
        )
        .text()
        .unwrap();
    assert_eq!(texts(&names, "Name"), ["who"]);
    let refused = make.replace("SELECT", "DROP+TABLE+x%3BSELECT");
    let bad = smp.form(&format!("{REPORTS}/CreateReportUsingRawSqlQuery"), &refused);
    if bad.status() == 200 {
        let report = texts(&bad.text().unwrap(), "Guid").remove(0);
        assert_eq!(
            smp.form(
                &format!("{REPORTS}/RunReport"),
                &format!("reportItemGuid={report}")
            )
            .status(),
            500
        );
    }
}

#[test]
fn void_forms_are_empty_unless_switched() {
    for (switch, expected) in [(None, ""), (Some(Switch::VoidWithBody), "anyType")] {
        let mut options = Options::builtin("flat-lan").unwrap();
        if let Some(switch) = switch {
            options = options.with_switch(switch);
        }
        let smp = Smp::start(options);
        let names = smp.server.world().names().clone();
        let server = guid_of(&smp, "DEPLOY01", COMPUTER);
        let subnet = guid_of(&smp, "192.168.10.0%2F24", &names.subnet.guid.to_string());
        assert_ne!(server, subnet);
        let item = smp.form(
            &format!("{ITEMS}/CreateFolder"),
            &format!("folderName=f&parentFolderGuid={}", names.reports_folder),
        );
        let folder = texts(&item.text().unwrap(), "Guid").remove(0);
        let answer = smp.form(
            &format!("{ITEMS}/RenameItem"),
            &format!("itemGuid={folder}&newName=g"),
        );
        assert_eq!(answer.status(), 200);
        let body = answer.text().unwrap();
        assert!(
            body.contains(expected) && body.is_empty() == expected.is_empty(),
            "{body}"
        );
    }
}

#[test]
fn quirks_change_the_bytes_and_not_the_meaning() {
    let plain = Smp::flat_lan();
    let mut options = Options::builtin("flat-lan").unwrap();
    for quirk in [
        Quirk::ShuffledElements,
        Quirk::UnknownElements,
        Quirk::Prefixed,
        Quirk::NilNulls,
    ] {
        options = options.with_quirk(quirk);
    }
    let odd = Smp::start(options);
    let name = plain.server.world().names().resource_structure.name;
    let list = |smp: &Smp| {
        smp.soap11(MODEL, "GetResourceStructureList", "")
            .text()
            .unwrap()
    };
    let (one, other) = (list(&plain), list(&odd));
    assert_ne!(one, other);
    assert_eq!(texts(&one, name), texts(&other, name));
    assert!(other.contains("<q1:"));
}

#[test]
fn basic_sign_in_guards_the_services() {
    let access = Access::by(&[Scheme::Basic]).with_account("CORP\\svc", "p:w");
    let world = World::open(Options::builtin("flat-lan").unwrap()).unwrap();
    let server = Server::start_with(world, "127.0.0.1:0".parse().unwrap(), &access).unwrap();
    let smp = Smp {
        server,
        client: Client::builder().no_proxy().build().unwrap(),
    };
    assert_eq!(smp.get(ITEMS).status(), 401);
    let signed = smp
        .client
        .get(smp.url(ITEMS))
        .basic_auth("CORP\\svc", Some("p:w"))
        .send()
        .unwrap();
    assert_eq!(signed.status(), 200);
}

#[test]
fn the_administrators_paths_answer() {
    let smp = Smp::flat_lan();
    let admin = |path: &str| {
        smp.client
            .get(format!("{}/sim/{path}", smp.server.url()))
            .send()
            .unwrap()
    };
    assert_eq!(admin("dump").text().unwrap(), smp.server.world().dump());
    assert_eq!(
        admin("profile").text().unwrap(),
        smp.server.world().profile()
    );
    assert_eq!(admin("nothing").status(), 404);
    assert_eq!(admin("served?address=192.168.10.5").status(), 200);
    smp.get(&format!("{ITEMS}?WSDL"));
    let log: Vec<sitewright_sim::RequestRecord> =
        serde_json::from_str(&admin("requests").text().unwrap()).unwrap();
    assert_eq!(log, smp.server.requests());
    assert_eq!(log.len(), 1);
}

#[test]
fn every_described_operation_answers() {
    use sitewright_sim::wire::Type;
    let smp = Smp::flat_lan();
    for service in sitewright_sim::wire::operations::services() {
        for operation in &service.operations {
            let mut inner = String::new();
            for parameter in &operation.parameters {
                let value = match parameter.kind {
                    Type::Guid | Type::GuidText => UNKNOWN,
                    Type::Boolean => "false",
                    Type::Int => "0",
                    _ => "",
                };
                inner.push_str(&format!("<{0}>{value}</{0}>", parameter.name));
            }
            let answer = smp.soap11(service.path, &operation.name, &inner);
            let status = answer.status();
            let text = answer.text().unwrap();
            if status == 200 {
                assert_eq!(
                    texts(&text, &format!("{}Response", operation.name)).len(),
                    1,
                    "{text}"
                );
            } else {
                let kind = texts(&text, "exceptionType").remove(0);
                assert_ne!(kind, "ASDKInternalException", "{}: {text}", operation.name);
                assert_eq!(
                    kind == "ASDKException",
                    operation.fault.is_some() || operation.base.ends_with("Replication"),
                    "{}: {text}",
                    operation.name
                );
            }
        }
    }
}

#[test]
fn faults_of_forms_hide_behind_custom_errors() {
    let smp = Smp::start(
        Options::builtin("flat-lan")
            .unwrap()
            .with_quirk(Quirk::HtmlErrors),
    );
    let answer = smp.form(&format!("{ITEMS}/ItemExists"), "");
    assert_eq!(answer.status(), 500);
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    assert!(answer.text().unwrap().contains("Runtime Error"));
}

#[test]
fn facts_are_read_as_data_classes_and_as_tables() {
    let smp = Smp::start(Options::builtin("neglected").unwrap());
    let names = smp.server.world().names().clone();
    let class = names
        .facts
        .iter()
        .find(|class| class.facts.iter().any(|fact| fact.field.contains("IIS")))
        .unwrap();
    let servers: Vec<String> = ["NOIIS01", "OFFICE01", "NODATA01"]
        .iter()
        .map(|name| guid_of(&smp, name, COMPUTER))
        .collect();
    let list = format!("<guid>{}</guid>", servers.join("</guid><guid>"));
    let inner = format!(
        "<resourceGUIDs>{list}</resourceGUIDs><dataClassTypesToFetchGUIDs><guid>{}</guid></dataClassTypesToFetchGUIDs>",
        class.guid
    );
    let text = smp.soap11(MODEL, "GetResources", &inner).text().unwrap();
    let pairs: Vec<(String, String)> = texts(&text, "FieldName")
        .into_iter()
        .zip(texts(&text, "Value"))
        .collect();
    let iis = |(name, _): &&(String, String)| name.contains("IIS");
    let (yes, no) = class
        .facts
        .iter()
        .find(|fact| fact.field.contains("IIS"))
        .unwrap()
        .switch
        .unwrap();
    let values: Vec<&str> = pairs
        .iter()
        .filter(iis)
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values, [no, yes], "nothing is known of the third: {text}");
    let table = smp
        .form(
            &format!("{RESOURCES}/GetDataClassData"),
            &format!("dataClass={}&resourceGuid={}", class.guid, servers[0]),
        )
        .text()
        .unwrap();
    let field = class.facts.iter().find(|fact| fact.field.contains("IIS"));
    let column = field.unwrap().field.replace(' ', "_x0020_");
    assert_eq!(texts(&table, &column), [no], "{table}");
    let describe = format!("<resourceTypeGUID>{COMPUTER}</resourceTypeGUID>");
    let classes = smp
        .soap11(MODEL, "GetDataClassesForResourceType", &describe)
        .text()
        .unwrap();
    for table in [&class.table, &names.sources.table, &names.load.table] {
        assert!(texts(&classes, "TableName").contains(table), "{classes}");
    }
    let folder = names.reports_folder;
    let make = format!(
        "reportName=r&reportDescription=&dataSourceName=&folderGuid={folder}&sqlQuery=SELECT+_ResourceGuid+FROM+{}",
        class.table
    );
    let created = smp
        .form(&format!("{REPORTS}/CreateReportUsingRawSqlQuery"), &make)
        .text()
        .unwrap();
    let report = texts(&created, "Guid").remove(0);
    let rows = smp
        .form(
            &format!("{REPORTS}/RunReport"),
            &format!("reportItemGuid={report}"),
        )
        .text()
        .unwrap();
    let known = texts(&rows, "_ResourceGuid");
    assert!(
        known.contains(&servers[0]) && !known.contains(&servers[2]),
        "{rows}"
    );
}

#[test]
fn what_belongs_to_another_server_is_said_and_refused() {
    let smp = Smp::start(Options::builtin("neglected").unwrap());
    let names = smp.server.world().names().clone();
    let managed = |name: &str, kind: &str| {
        let guid = guid_of(&smp, name, kind);
        let answer = smp.form(
            "ASDK.NS/HierarchyManagementService.asmx/IsHierarchyManaged",
            &format!("itemGuid={guid}"),
        );
        (texts(&answer.text().unwrap(), "boolean").remove(0), guid)
    };
    let (answer, site) = managed("Replicated_Site", &names.site.guid.to_string());
    assert_eq!(answer, "true");
    let (answer, _) = managed("Office", &names.site.guid.to_string());
    assert_eq!(answer, "false");
    let delete = format!("<resourceGuid>{site}</resourceGuid>");
    let refused = smp.soap11(MODEL, "DeleteResource", &delete);
    assert_eq!(refused.status(), 500);
    assert_eq!(
        texts(&refused.text().unwrap(), "exceptionType"),
        ["ASDKInsufficientPermissionException"]
    );
}

#[test]
fn images_say_where_they_stand() {
    let smp = Smp::start(Options::builtin("neglected").unwrap());
    let request = "<DeploymentItem><ItemType>Resources</ItemType><ItemName>Image</ItemName><ItemAction>GetAll</ItemAction></DeploymentItem>";
    let inner = format!("<xml>{}</xml>", request.replace('<', "&lt;"));
    let text = smp
        .soap11(
            "ASDK.DeploymentSolution/DSTaskManagementService.asmx",
            "RunDeploymentSolutionTask",
            &inner,
        )
        .text()
        .unwrap();
    let images = texts(&text, "ReturnXML").remove(0);
    let locations = texts(&images, "Location");
    assert!(locations[0].starts_with(r"\\SMP01"), "{images}");
    assert!(locations[1].starts_with(r"\\OFFICE01"), "{images}");
}
