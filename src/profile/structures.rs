//! Element names in the transfer structures of the wire that no document describes.
//!
//! Pure: data, read from the live WSDL or written by the operator. A name left out is not known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Standing;
use super::format::is_operator;

/// Element names in the transfer structures that no document describes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Structures {
    /// What lists return and `CreateNewResource` takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_info: Option<ResourceInfoNames>,
    /// What `GetResource` returns and `SaveResource` takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceNames>,
    /// What `GetResourceStructureList` returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_structure: Option<TypeNames>,
    /// What `GetRelationshipsForResourceType` returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relationship: Option<RelationshipNames>,
}

/// Element names of `ResourceDataInfo`; a name left out is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceInfoNames {
    /// The name of the structure itself.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<String>,
    /// The resource's GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// The resource's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The GUID of the resource's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Element names of `ResourceData`; a name left out is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceNames {
    /// The name of the structure itself.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<String>,
    /// The resource's GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// The resource's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The GUID of the resource's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The data classes that were fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_classes: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Element names of `ResourceStructureInfo`; a name left out is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TypeNames {
    /// The name of the structure itself.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<String>,
    /// The GUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

/// Element names of `ResourceRelationshipStructure`; a name left out is not known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RelationshipNames {
    /// The name of the structure itself.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<String>,
    /// The GUID of the association type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The GUID of the parent's resource type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_type: Option<String>,
    /// The GUID of the child's resource type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_type: Option<String>,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}
