//! What the seed decides about a server: GUIDs, names, directions, element names, namespaces, layouts.
//!
//! Pure. Turns (seed, language, switches, quirks) into [`Names`]. `Names::claimed` is what somebody who learned the server
//! would write down, `Names::kept` is what the server does; they differ only by switches.

use super::fact_names::{self, FactClass, LoadNames, SourceNames};
use super::guid::Guid;
use super::languages::say;
use super::layouts;
use super::options::{Language, Quirk, Switch};
use super::seed::Seed;
use std::collections::{BTreeMap, BTreeSet};

/// The namespace of the `ASDK.NS` services, the one that is documented.
pub const ASDK_NS: &str = "http://Altiris.ASDK.NS.com";
/// The GUID of the resource type Computer, the one that is documented.
pub const COMPUTER: &str = "493435f7-3b17-4c4c-b07f-c23e7ab7781f";

/// The one association whose name is documented.
const DOCUMENTED_ASSOCIATION: &str = "Site Service to Computer";

/// What a site service does.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Package server.
    Package,
    /// Task server.
    Task,
    /// Network boot server (PXE).
    NetworkBoot,
    /// Monitor server.
    Monitor,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 4] = [Role::Package, Role::Task, Role::NetworkBoot, Role::Monitor];

    /// The name in scenarios, profiles and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Package => "package",
            Role::Task => "task",
            Role::NetworkBoot => "networkBoot",
            Role::Monitor => "monitor",
        }
    }

    /// The name of the service, in English.
    fn title(self) -> &'static str {
        match self {
            Role::Package => "Package Service",
            Role::Task => "Task Service",
            Role::NetworkBoot => "Network Boot Service",
            Role::Monitor => "Monitor Service",
        }
    }
}

/// A resource type of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    /// Its GUID.
    pub guid: Guid,
    /// Its name in the language of the server.
    pub name: String,
    /// The type it derives from.
    pub base: Option<Guid>,
}

/// Which of the two partners an association type has as its parent, and what forming does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationName {
    /// Its GUID.
    pub guid: Guid,
    /// Its name in the language of the server.
    pub name: String,
    /// The type of the parent.
    pub parent_type: Guid,
    /// The type of the child.
    pub child_type: Guid,
    /// For the three associations that sites live by: whether the *second* partner (site, site, computer) is the parent.
    pub target_is_parent: bool,
    /// Whether forming ends the other associations of the *first* partner (subnet, server, service).
    pub replaces: bool,
}

/// The element names of one transfer structure; an empty name stands for an element that it does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructureNames {
    /// The name of the type in the WSDL.
    pub type_name: &'static str,
    /// The element of the GUID.
    pub guid: &'static str,
    /// The element of the name.
    pub name: &'static str,
    /// The element of the resource type (resources) or of the base type (type structures).
    pub resource_type: &'static str,
    /// The element of the description.
    pub description: &'static str,
    /// The element that holds the data classes (`ResourceData` only).
    pub data_classes: &'static str,
    /// The element of the parent's type (relationships only).
    pub parent_type: &'static str,
    /// The element of the child's type (relationships only).
    pub child_type: &'static str,
}

/// Where a setting stands in item XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingLayout {
    /// The item; none where every site (or task) item carries its own.
    pub item: Option<Guid>,
    /// Element names from the root to the one that carries the value or the attribute.
    pub path: Vec<&'static str>,
    /// The attribute; without one the value is the text of the last element.
    pub attribute: Option<&'static str>,
    /// Whether the last element is one of a list, told by its attribute `guid` (constrain in one settings item only).
    pub by_site: bool,
    /// What stands for on.
    pub on: &'static str,
    /// What stands for off.
    pub off: &'static str,
}

/// Where the targeted pair "prevent downloads" stands in item XML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreventLayout {
    /// The item.
    pub item: Guid,
    /// The computers and sites that it is aimed at, by GUID.
    pub targets: SettingLayout,
    /// Whether they fetch nothing from the SMP.
    pub from_platform: SettingLayout,
    /// Whether they fetch nothing from site servers outside of their sites.
    pub from_outside: SettingLayout,
}

/// How the role of a site service is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolesBy {
    /// By a resource type of its own, derived from the site service type.
    Type,
    /// By the beginning of its name.
    Name,
}

/// Names of columns in the evidence tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceNames {
    /// `SWDPackageServer`: the package.
    pub package: &'static str,
    /// `SWDPackageServer`: the computer of the package server.
    pub server: &'static str,
    /// `SWDPackageServer`: the state.
    pub state: &'static str,
    /// `SWDPackageServer`: the state that stands for ready.
    pub ready: &'static str,
    /// `Inv_Client_Task_Resources`: the registered task server.
    pub task_server: &'static str,
}

/// Everything the seed decides about a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The language of the names.
    pub language: Language,
    /// The root of all resource types.
    pub resource: TypeName,
    /// The type of computers.
    pub computer: TypeName,
    /// The type of sites.
    pub site: TypeName,
    /// The type of subnets.
    pub subnet: TypeName,
    /// The base type of site services.
    pub site_service: TypeName,
    /// The type of packages.
    pub package: TypeName,
    /// The types of the services, one a role; used where roles are told by type.
    pub services: BTreeMap<Role, TypeName>,
    /// How roles are told.
    pub roles_by: RolesBy,
    /// Types that have nothing to do with sites.
    pub others: Vec<TypeName>,
    /// A subnet is in a site.
    pub subnet_to_site: AssociationName,
    /// A server was assigned to a site by hand.
    pub server_to_site: AssociationName,
    /// A site service runs on a computer.
    pub service_to_computer: AssociationName,
    /// Associations that have nothing to do with sites.
    pub other_associations: Vec<AssociationName>,
    /// Whether `Get…ParentResources` and `Get…ChildResources` take the type of the resources to return (else: of the one given).
    pub type_argument_returns: bool,
    /// The data class "`AeX` AC TCPIP".
    pub tcpip: Guid,
    /// The data class "Client Task Resources".
    pub client_task: Guid,
    /// The data class without whose row an association is not kept under the switches that say so.
    pub site_membership: Guid,
    /// `targetNamespace` by service name (the `.asmx` file without its ending).
    pub namespaces: BTreeMap<&'static str, String>,
    /// `ResourceDataInfo`.
    pub resource_info: StructureNames,
    /// `ResourceData`.
    pub resource_data: StructureNames,
    /// `ResourceStructureInfo`.
    pub resource_structure: StructureNames,
    /// `ResourceRelationshipStructure`.
    pub relationship: StructureNames,
    /// Columns of the evidence tables.
    pub evidence: EvidenceNames,
    /// The classes of facts.
    pub facts: Vec<FactClass>,
    /// What each client fetched last.
    pub sources: SourceNames,
    /// How much site servers were asked of late.
    pub load: LoadNames,
    /// Whether the location of an image names its server by the full name, not by the host name.
    pub image_full_name: bool,
    /// Constrain to Site.
    pub constrain: SettingLayout,
    /// DS Global Settings: Default Target.
    pub capture_target: SettingLayout,
    /// Targeted Site Settings: the pair "prevent downloads".
    pub prevent: PreventLayout,
    /// The packages of a Deploy Image task, in the item of the task.
    pub task_packages: SettingLayout,
    /// The folder that reports may be created in.
    pub reports_folder: Guid,
    /// The root element of item XML.
    pub item_root: &'static str,
    /// The name that rows of tables have when no quirk decides: `Table` or `Table1`.
    pub table_row: &'static str,
}

impl Names {
    /// What the server does, switches included.
    #[must_use]
    pub fn kept(
        seed: Seed,
        language: Language,
        switches: &BTreeSet<Switch>,
        quirks: &BTreeSet<Quirk>,
    ) -> Names {
        let mut names = Names::claimed(seed, language, switches, quirks);
        for switch in switches {
            match switch {
                Switch::SubnetInTwoSites | Switch::FormDoesNotReplace => {
                    names.subnet_to_site.replaces = false;
                }
                Switch::FormReplaces => names.subnet_to_site.replaces = true,
                Switch::TypeArgumentGiven => {
                    names.type_argument_returns = !names.type_argument_returns;
                }
                Switch::AssociationDirectionReversed => {
                    names.subnet_to_site.reverse();
                    names.server_to_site.reverse();
                }
                Switch::FactColumnsRenamed => {
                    for fact in names.facts.iter_mut().flat_map(|class| &mut class.facts) {
                        fact.field.push_str(" Value");
                    }
                }
                _ => {}
            }
        }
        names
    }

    /// What somebody who has learned the server without the switches would say of it.
    ///
    /// A switch that contradicts a claim fixes the claim it contradicts: under `form-does-not-replace` the profile says
    /// that forming replaces, whatever the seed would have chosen.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one line a name")]
    pub fn claimed(
        seed: Seed,
        language: Language,
        switches: &BTreeSet<Switch>,
        quirks: &BTreeSet<Quirk>,
    ) -> Names {
        let other_elements = quirks.contains(&Quirk::OtherElements);
        let types = Types::of(seed, language);
        let association = |key: &str,
                           english: &'static str,
                           first: Guid,
                           second: Guid,
                           target_is_parent: bool,
                           replaces: bool| {
            let (parent_type, child_type) = if target_is_parent {
                (second, first)
            } else {
                (first, second)
            };
            AssociationName {
                guid: seed.guid("association", key, 0),
                name: say(language, english).to_owned(),
                parent_type,
                child_type,
                target_is_parent,
                replaces,
            }
        };
        let replaces = if switches.contains(&Switch::SubnetInTwoSites)
            || switches.contains(&Switch::FormDoesNotReplace)
        {
            true
        } else if switches.contains(&Switch::FormReplaces) {
            false
        } else {
            seed.flip("cardinality", "subnet to site")
        };
        let subnet_to_site = association(
            "subnet to site",
            "Subnet to Site",
            types.subnet.guid,
            types.site.guid,
            seed.flip("direction", "subnet to site"),
            replaces,
        );
        let server_to_site = association(
            "server to site",
            "Site Server to Site",
            types.computer.guid,
            types.site.guid,
            seed.flip("direction", "server to site"),
            false,
        );
        let mut service_to_computer = association(
            "service to computer",
            DOCUMENTED_ASSOCIATION,
            types.site_service.guid,
            types.computer.guid,
            seed.flip("direction", "service to computer"),
            true,
        );
        if !quirks.contains(&Quirk::LocalisedAssociations) {
            DOCUMENTED_ASSOCIATION.clone_into(&mut service_to_computer.name);
        }
        let other_associations = vec![
            association(
                "location of site",
                "Site to Location",
                types.site.guid,
                types.location.guid,
                true,
                true,
            ),
            association(
                "primary user",
                "Computer to Primary User",
                types.computer.guid,
                types.user.guid,
                true,
                true,
            ),
        ];
        Names {
            language,
            other_associations,
            subnet_to_site,
            server_to_site,
            service_to_computer,
            others: vec![
                types.location,
                types.user,
                types.virtual_machine,
                types.subnet_group,
                types.product,
            ],
            resource: types.resource,
            computer: types.computer,
            site: types.site,
            subnet: types.subnet,
            site_service: types.site_service,
            package: types.package,
            services: types.services,
            roles_by: if seed.flip("roles", "told by") {
                RolesBy::Type
            } else {
                RolesBy::Name
            },
            type_argument_returns: seed.flip("calls", "associated type argument"),
            tcpip: seed.guid("data class", "AeX AC TCPIP", 0),
            client_task: seed.guid("data class", "Client Task Resources", 0),
            site_membership: seed.guid("data class", "Site Membership", 0),
            namespaces: layouts::namespaces(seed),
            resource_info: layouts::structure(seed, "ResourceDataInfo", false, other_elements),
            resource_data: layouts::structure(seed, "ResourceData", true, other_elements),
            resource_structure: layouts::type_structure(seed, other_elements),
            relationship: layouts::relationship(seed, other_elements),
            evidence: layouts::evidence(seed),
            facts: fact_names::facts(seed, language),
            sources: fact_names::sources(seed, language),
            load: fact_names::load(seed, language),
            image_full_name: seed.flip("images", "full name"),
            constrain: layouts::constrain_layout(seed),
            capture_target: layouts::capture_layout(seed),
            prevent: layouts::prevent_layout(seed),
            task_packages: layouts::task_layout(seed),
            reports_folder: seed.guid("folder", "Reports", 0),
            item_root: "item",
            table_row: seed.choose("tables", "row", &["Table", "Table1"]),
        }
    }

    /// The type of the service of a role.
    #[must_use]
    pub fn service_type(&self, role: Role) -> Guid {
        match (self.roles_by, self.services.get(&role)) {
            (RolesBy::Type, Some(name)) => name.guid,
            _ => self.site_service.guid,
        }
    }

    /// How the names of services of a role begin.
    #[must_use]
    pub fn service_prefix(&self, role: Role) -> &str {
        self.services
            .get(&role)
            .map_or("", |name| name.name.as_str())
    }

    /// All resource types, bases before those that derive from them.
    #[must_use]
    pub fn types(&self) -> Vec<&TypeName> {
        let mut all = vec![
            &self.resource,
            &self.computer,
            &self.site,
            &self.subnet,
            &self.site_service,
            &self.package,
        ];
        if self.roles_by == RolesBy::Type {
            all.extend(self.services.values());
        }
        all.extend(&self.others);
        all
    }

    /// All association types.
    #[must_use]
    pub fn associations(&self) -> Vec<&AssociationName> {
        let mut all = vec![
            &self.subnet_to_site,
            &self.server_to_site,
            &self.service_to_computer,
        ];
        all.extend(&self.other_associations);
        all
    }

    /// The type, or one of its bases, is `base`.
    #[must_use]
    pub fn derives(&self, guid: Guid, base: Guid) -> bool {
        let mut at = Some(guid);
        while let Some(now) = at {
            if now == base {
                return true;
            }
            at = self
                .types()
                .into_iter()
                .find(|one| one.guid == now)
                .and_then(|one| one.base);
        }
        false
    }
}

impl AssociationName {
    fn reverse(&mut self) {
        std::mem::swap(&mut self.parent_type, &mut self.child_type);
        self.target_is_parent = !self.target_is_parent;
    }

    /// Orders (first partner, second partner), such as (subnet, site), into (parent, child).
    #[must_use]
    pub fn ordered(&self, first: Guid, second: Guid) -> (Guid, Guid) {
        if self.target_is_parent {
            (second, first)
        } else {
            (first, second)
        }
    }
}

struct Types {
    resource: TypeName,
    computer: TypeName,
    site: TypeName,
    subnet: TypeName,
    site_service: TypeName,
    package: TypeName,
    services: BTreeMap<Role, TypeName>,
    location: TypeName,
    user: TypeName,
    virtual_machine: TypeName,
    subnet_group: TypeName,
    product: TypeName,
}

impl Types {
    fn of(seed: Seed, language: Language) -> Types {
        let make = |key: &'static str, base: Option<&TypeName>| TypeName {
            guid: seed.guid("type", key, 0),
            name: say(language, key).to_owned(),
            base: base.map(|base| base.guid),
        };
        let resource = make("Resource", None);
        let computer = TypeName {
            guid: COMPUTER.parse().unwrap_or_default(),
            name: say(language, "Computer").to_owned(),
            base: Some(resource.guid),
        };
        let site_service = make("Site Service", Some(&resource));
        let services = Role::ALL
            .into_iter()
            .map(|role| (role, make(role.title(), Some(&site_service))))
            .collect();
        Types {
            site: make("Site", Some(&resource)),
            subnet: make("Subnet", Some(&resource)),
            package: make("Software Package", Some(&resource)),
            location: make("Location", Some(&resource)),
            user: make("User", Some(&resource)),
            virtual_machine: make("Virtual Machine", Some(&computer)),
            subnet_group: make("Subnet Group", Some(&resource)),
            product: make("Software Product", Some(&resource)),
            services,
            site_service,
            computer,
            resource,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_says_the_same_and_switches_differ_only_where_they_should() {
        let none = BTreeSet::new();
        let quirks = BTreeSet::new();
        for seed in 0..20 {
            let one = Names::claimed(Seed(seed), Language::En, &none, &quirks);
            assert_eq!(one, Names::kept(Seed(seed), Language::En, &none, &quirks));
            let reversed = BTreeSet::from([Switch::AssociationDirectionReversed]);
            let kept = Names::kept(Seed(seed), Language::En, &reversed, &quirks);
            assert_eq!(
                one,
                Names::claimed(Seed(seed), Language::En, &reversed, &quirks)
            );
            assert_eq!(
                kept.subnet_to_site.parent_type,
                one.subnet_to_site.child_type
            );
        }
    }

    #[test]
    fn under_form_does_not_replace_the_claim_is_that_it_does() {
        let switches = BTreeSet::from([Switch::FormDoesNotReplace]);
        let quirks = BTreeSet::new();
        for seed in 0..8 {
            assert!(
                Names::claimed(Seed(seed), Language::En, &switches, &quirks)
                    .subnet_to_site
                    .replaces
            );
            assert!(
                !Names::kept(Seed(seed), Language::En, &switches, &quirks)
                    .subnet_to_site
                    .replaces
            );
        }
    }
}
