//! Reads of one SMP in the words of the domain. Cannot write.
//!
//! I/O, through the transport. Every read says what the profile lacks where it cannot be made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::sync::Arc;

use super::clients::{Computers, PlugIns};
use super::data_rows::{self, DataRow, ElementNames, Fetched};
use super::deployment::{self, ListedImage};
use super::hierarchy_management;
use super::item_model;
use super::read_error::ReadError;
use super::report_management::{self, FactRow};
use super::request::{MethodCall, Request, RequestError};
use super::resource_management::{self, Inventory};
use super::resource_model::{self, Names, Passing, Resource, Side};
use super::software_package::{self, Package};
use super::transport::Transport;
use super::wsdl::Wsdl;
use super::xml::AnswerError;
use crate::model::{Guid, Name};
use crate::profile::{
    Ability, Association, Missing, MissingEntry, Profile, ReportKind, ServiceName, Standing,
    TypeRole, holder_parameters,
};

/// Reads of one SMP. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    transport: Transport,
    profile: Arc<Profile>,
}

/// The error for an entry that `can` does not cover.
fn lacks(path: &str) -> ReadError {
    RequestError::Profile(Missing {
        entries: vec![MissingEntry {
            path: path.to_owned(),
            found: Standing::Unknown,
            write: false,
        }],
    })
    .into()
}

impl Reader {
    /// A reader over a transport.
    #[must_use]
    pub fn new(transport: Transport, profile: Arc<Profile>) -> Self {
        Self { transport, profile }
    }

    /// What the server is.
    #[must_use]
    pub fn profile(&self) -> &Arc<Profile> {
        &self.profile
    }

    /// The transport, for its counts.
    #[must_use]
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The same connection with another profile.
    #[must_use]
    pub fn with_profile(&self, profile: Arc<Profile>) -> Self {
        Self {
            transport: self.transport.clone(),
            profile,
        }
    }

    fn need(&self, ability: Ability) -> Result<(), ReadError> {
        self.profile
            .can(ability)
            .map_err(|missing| RequestError::Profile(missing).into())
    }

    pub(super) async fn call<T, P>(&self, call: &MethodCall, parse: P) -> Result<T, ReadError>
    where
        T: Send + 'static,
        P: Fn(&mut dyn BufRead) -> Result<T, AnswerError> + Clone + Send + 'static,
    {
        let request = call.read(&self.profile)?;
        self.transport.fetch(&request, parse).await
    }

    /// The whole answer of a read.
    pub(crate) async fn bytes(&self, request: &Request) -> Result<Vec<u8>, ReadError> {
        self.transport
            .fetch(request, |body| {
                let mut bytes = Vec::new();
                body.read_to_end(&mut bytes)
                    .map_err(|error| AnswerError::Body(error.to_string()))?;
                Ok(bytes)
            })
            .await
    }

    /// The description of a service.
    pub(crate) async fn wsdl(&self, service: ServiceName) -> Result<Wsdl, ReadError> {
        let bytes = self.bytes(&Request::wsdl(service)).await?;
        Ok(Wsdl::read(&bytes)?)
    }

    /// When types last changed, as the server writes it; `None` where it says nothing.
    pub(crate) async fn structures_changed(&self) -> Result<Option<String>, ReadError> {
        let call = resource_model::get_last_structure_change();
        let method = call.method;
        let found = self
            .call(&call, move |body| super::answer::scalar(body, method))
            .await?;
        Ok(found
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty()))
    }

    /// The computer with a name, where there is one.
    pub async fn computer(&self, name: &Name) -> Result<Option<Guid>, ReadError> {
        let domain = name.domain().unwrap_or_default();
        let call = resource_management::get_computer_by_name_and_domain(name.host(), domain);
        let found = self
            .call(&call, |body| {
                super::answer::guid(body, "GetComputerByNameAndDomain")
            })
            .await;
        let found = match found {
            Err(error) if error.does_not_exist() => None,
            other => other?,
        };
        if found.is_some() || name.domain().is_some() {
            return Ok(found);
        }
        // A bare host name: a server may want the domain where there is one, so the name alone is tried as well.
        match self.profile.type_guid(TypeRole::Computer) {
            Some(computer) => self.resource_named(name.as_str(), computer).await,
            None => Ok(None),
        }
    }

    /// The resource of a type with a name, where there is one.
    pub async fn resource_named(
        &self,
        name: &str,
        resource_type: Guid,
    ) -> Result<Option<Guid>, ReadError> {
        let call = resource_management::get_resource_by_name(name, resource_type);
        let found = self
            .call(&call, |body| super::answer::guid(body, "GetResourceByName"))
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(None),
            other => other,
        }
    }

    /// All resources of a type; `each` takes what it wants of each while the answer arrives.
    pub(crate) async fn resources_of_type<T, F>(
        &self,
        resource_type: Guid,
        each: F,
    ) -> Result<Vec<T>, ReadError>
    where
        T: Send + 'static,
        F: Fn(Guid, &Passing) -> Result<T, AnswerError> + Clone + Send + 'static,
    {
        let names =
            Names::of_info(&self.profile).ok_or_else(|| lacks("structures.resourceInfo.guid"))?;
        let call = resource_model::get_resources_of_type(resource_type);
        self.call(&call, move |body| {
            let mut found = Vec::new();
            resource_model::resources(body, "GetResourcesOfType", &names, |guid, passing| {
                found.push(each(guid, passing)?);
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    /// The first resources of a type, `most` of them: the rest of the list is not waited for.
    pub(crate) async fn some_resources(
        &self,
        resource_type: Guid,
        most: usize,
    ) -> Result<Vec<Resource>, ReadError> {
        let names =
            Names::of_info(&self.profile).ok_or_else(|| lacks("structures.resourceInfo.guid"))?;
        let call = resource_model::get_resources_of_type(resource_type);
        self.call(&call, move |body| {
            resource_model::some_resources(body, "GetResourcesOfType", &names, most)
        })
        .await
    }

    fn resource_names(&self) -> Result<Names, ReadError> {
        Names::of_resource(&self.profile).ok_or_else(|| lacks("structures.resource.guid"))
    }

    /// One resource; `None` where it does not exist.
    pub(crate) async fn resource(&self, resource: Guid) -> Result<Option<Resource>, ReadError> {
        let names = self.resource_names()?;
        let call = resource_model::get_resource(resource);
        let found = self
            .call(&call, move |body| {
                resource_model::resource(body, "GetResource", &names)
            })
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(None),
            other => other,
        }
    }

    /// Names of resources by GUID; those that do not exist are absent.
    pub(crate) async fn names(
        &self,
        resources: &[Guid],
    ) -> Result<BTreeMap<Guid, String>, ReadError> {
        let Some(names) = Names::of_resource(&self.profile) else {
            return Ok(BTreeMap::new());
        };
        let mut found = BTreeMap::new();
        for part in resources.chunks(500) {
            let names = names.clone();
            let call = resource_model::get_resources(part, &[]);
            let part = self
                .call(&call, move |body| {
                    let mut found = Vec::new();
                    resource_model::resources(body, "GetResources", &names, |guid, passing| {
                        found.push((guid, passing.name().unwrap_or_default().to_owned()));
                        Ok(())
                    })?;
                    Ok(found)
                })
                .await?;
            found.extend(part);
        }
        Ok(found)
    }

    /// Resources that stand at the other end of an association: `wanted` says what they are.
    pub(crate) async fn associated(
        &self,
        association: &Association,
        given: (TypeRole, Guid),
        wanted: TypeRole,
        wanted_type: Option<Guid>,
        ability: Ability,
    ) -> Result<Vec<Resource>, ReadError> {
        self.need(ability)?;
        let lacking = || lacks("types");
        let returned = wanted_type
            .or_else(|| self.profile.type_guid(wanted))
            .ok_or_else(lacking)?;
        let given_type = self.profile.type_guid(given.0).ok_or_else(lacking)?;
        self.joined(association, (given_type, given.1), returned, wanted)
            .await
    }

    /// Resources of a type that an association joins with the one given, itself of the type before it; the profile
    /// need not have learned either type.
    pub(crate) async fn joined(
        &self,
        association: &Association,
        given: (Guid, Guid),
        returned: Guid,
        wanted: TypeRole,
    ) -> Result<Vec<Resource>, ReadError> {
        // A wrong guess would read as "nobody": so there is none.
        if self.profile.calls.associated_type_argument.is_none() {
            return Err(lacks("calls.associatedTypeArgument"));
        }
        let names = self.resource_names()?;
        let association_type = association.guid.ok_or_else(|| lacks("associations"))?;
        let side = if association.parent == wanted {
            Side::Parents
        } else {
            Side::Children
        };
        let call = resource_model::get_associated(
            side,
            self.profile.associated_type(returned, given.0),
            given.1,
            association_type,
        );
        let method = call.method;
        self.call(&call, move |body| {
            let mut found = Vec::new();
            resource_model::resources(body, method, &names, |guid, passing| {
                found.push(Resource {
                    guid,
                    name: passing.name().map(ToOwned::to_owned),
                    description: None,
                    resource_type: passing.resource_type(),
                });
                Ok(())
            })?;
            Ok(found)
        })
        .await
    }

    /// GUIDs of what stands at the other end of an association; by the installed report where calls cannot tell.
    pub(crate) async fn associated_guids(
        &self,
        association: &Association,
        given: (TypeRole, Guid),
        wanted: TypeRole,
        ability: Ability,
    ) -> Result<BTreeSet<Guid>, ReadError> {
        if let (None, Some(report), Some(association_type)) = (
            self.profile.calls.associated_type_argument,
            self.profile.reports.known(ReportKind::Associations),
            association.guid,
        ) {
            self.need(ability)?;
            let pairs = self.associations(report, association_type).await?;
            return Ok(pairs
                .into_iter()
                .map(|(parent, child)| {
                    if association.parent == wanted {
                        (child, parent)
                    } else {
                        (parent, child)
                    }
                })
                .filter(|(from, _)| *from == given.1)
                .map(|(_, to)| to)
                .collect());
        }
        let found = self
            .associated(association, given, wanted, None, ability)
            .await?;
        Ok(found.into_iter().map(|resource| resource.guid).collect())
    }

    /// All associations of one type by the installed report: parent and child.
    pub(crate) async fn associations(
        &self,
        report: Guid,
        association_type: Guid,
    ) -> Result<Vec<(Guid, Guid)>, ReadError> {
        let parameters = [("type".to_owned(), association_type.to_string())];
        let call =
            report_management::run_report_with_parameters(report, &parameters, &self.profile)?;
        self.call(&call, report_management::associations).await
    }

    /// Addresses of all site servers by the installed report.
    pub(crate) async fn server_report(
        &self,
        report: Guid,
    ) -> Result<BTreeMap<Guid, Inventory>, ReadError> {
        let call = report_management::run_report(report);
        self.call(&call, report_management::servers).await
    }

    /// All managed computers by the installed report.
    pub(crate) async fn computer_report(&self, report: Guid) -> Result<Computers, ReadError> {
        let call = report_management::run_report(report);
        self.call(&call, report_management::computers).await
    }

    /// Computers and their task servers by the installed report.
    pub(crate) async fn registration_report(
        &self,
        report: Guid,
    ) -> Result<Vec<(Guid, Guid)>, ReadError> {
        let call = report_management::run_report(report);
        self.call(&call, report_management::registrations).await
    }

    /// Facts of site servers, sites and subnets by the installed report.
    pub(crate) async fn fact_report(&self, report: Guid) -> Result<Vec<FactRow>, ReadError> {
        let call = report_management::run_report(report);
        self.call(&call, report_management::facts).await
    }

    /// Plug-ins of all computers by the installed report.
    pub(crate) async fn plug_in_report(&self, report: Guid) -> Result<PlugIns, ReadError> {
        let call = report_management::run_report(report);
        self.call(&call, report_management::plug_ins).await
    }

    /// Resources with the rows of data classes; those that do not exist are absent.
    pub(crate) async fn data_rows(
        &self,
        resources: &[Guid],
        data_classes: &[Guid],
    ) -> Result<Vec<Fetched>, ReadError> {
        self.need(Ability::FetchDataClasses)?;
        let resource = self.profile.structures.resource.as_ref();
        let names = resource.and_then(|names| {
            Some(ElementNames {
                guid: names.guid.clone()?,
                name: names.name.clone(),
                data_classes: names.data_classes.clone()?,
            })
        });
        let names = names.ok_or_else(|| lacks("structures.resource.dataClasses"))?;
        let call = resource_model::get_resources(resources, data_classes);
        self.call(&call, move |body| {
            data_rows::resources(body, "GetResources", &names)
        })
        .await
    }

    /// The rows of one data class of one resource.
    pub(crate) async fn data_class_rows(
        &self,
        resource: Guid,
        data_class: Guid,
        fields: Vec<String>,
    ) -> Result<Vec<DataRow>, ReadError> {
        let call = resource_management::get_data_class_data(data_class, resource);
        self.call(&call, move |body| data_rows::of_table(body, &fields))
            .await
    }

    /// How many actions the console would offer this account on an item.
    pub(crate) async fn actions(&self, item: Guid) -> Result<usize, ReadError> {
        let call = item_model::get_actions_for_item(item);
        let method = call.method;
        self.call(&call, move |body| item_model::count(body, method))
            .await
    }

    /// Whether the SMP is a member of a hierarchy.
    pub(crate) async fn hierarchy_member(&self) -> Result<bool, ReadError> {
        let call = hierarchy_management::is_hierarchy_member();
        let method = call.method;
        self.call(&call, move |body| {
            hierarchy_management::boolean(body, method)
        })
        .await
    }

    /// Whether an item came from another SMP of the hierarchy.
    pub(crate) async fn hierarchy_managed(&self, item: Guid) -> Result<bool, ReadError> {
        let call = hierarchy_management::is_hierarchy_managed(item);
        let method = call.method;
        self.call(&call, move |body| {
            hierarchy_management::boolean(body, method)
        })
        .await
    }

    /// The disk images of Deployment Solution.
    pub(crate) async fn images(&self) -> Result<Vec<ListedImage>, ReadError> {
        self.call(&deployment::get_all_images(), deployment::images)
            .await
    }

    /// Package servers that hold the packages given, by the installed report; package and server.
    pub(crate) async fn holders(&self, packages: &[Guid]) -> Result<Vec<(Guid, Guid)>, ReadError> {
        self.need(Ability::ReadHolders)?;
        let (Some(report), Some(evidence)) = (
            self.profile.reports.holders.as_ref(),
            self.profile.evidence.package_holders.as_ref(),
        ) else {
            return Ok(Vec::new());
        };
        let call = report_management::run_report_with_parameters(
            report.guid,
            &holder_parameters(packages),
            &self.profile,
        )?;
        let ready = evidence.ready.clone();
        self.call(&call, move |body| {
            report_management::holders(body, ready.as_deref())
        })
        .await
    }

    /// The inventory of one computer.
    pub(crate) async fn inventory(&self, computer: Guid) -> Result<Inventory, ReadError> {
        self.need(Ability::ReadAddresses)?;
        let Some(class) = self.profile.data_classes.tcpip.clone() else {
            return Ok(Inventory::default());
        };
        let call = resource_management::get_data_class_data(class.guid, computer);
        self.call(&call, move |body| {
            resource_management::inventory(body, &class)
        })
        .await
    }

    /// The assignment of a package; `None` where the package does not exist.
    pub(crate) async fn package(&self, package: Guid) -> Result<Option<Package>, ReadError> {
        let call = software_package::get_package(package);
        let found = self
            .call(&call, |body| software_package::package(body, "GetPackage"))
            .await;
        match found {
            Err(error) if error.does_not_exist() => Ok(None),
            other => other,
        }
    }
}
