//! What no service description tells about the product and the operator confirms.
//!
//! Pure: data. Article 001 sends to the vendor's support matrix for most of it.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Guid, ImagingTool, Product};

/// What no service description tells about the product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProductEntry {
    /// The version of the SMP, such as `8.7.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The oldest agent version that a site server may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// Beginnings of the names of operating systems that are supported for site servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_systems: Option<Vec<String>>,
    /// How many registrations a task server takes, as it is set on the SMP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrations_per_task_server: Option<u32>,
    /// Packages of the imaging tools of article 180278, where their names do not tell them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub imaging_packages: BTreeMap<ImagingTool, BTreeSet<Guid>>,
}

impl ProductEntry {
    /// Whether nothing is confirmed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The same in the words of the domain.
    #[must_use]
    pub fn product(&self) -> Product {
        let Self {
            version,
            agent_version,
            operating_systems,
            registrations_per_task_server,
            imaging_packages,
        } = self.clone();
        Product {
            version,
            agent_version,
            operating_systems,
            registrations: registrations_per_task_server,
            imaging_packages,
        }
    }
}
