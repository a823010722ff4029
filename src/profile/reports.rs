//! The reports that Sitewright installs, and their SQL in the subset that `T-SQL` and `SQLite` share.
//!
//! Pure. `%name%` is a report parameter: the server puts its value in place of it, so it stands in quotes. Values are
//! GUIDs only, never text that somebody else wrote. Named columns, joins, `=`, `AND`, `OR`, `UNION`, `COALESCE`, and
//! `CAST` to text where columns of several types stand in one.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::format::{Association, Profile, TypeRole, is_operator};
use super::{FactEvidence, FactKind, Standing};
use crate::model::Guid;

/// How many packages one run of the holders report is asked for.
pub const HOLDERS_BATCH: usize = 50;

/// Installed reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reports {
    /// All associations of one type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associations: Option<Report>,
    /// Addresses of all site servers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub servers: Option<Report>,
    /// Addresses of all managed computers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computers: Option<Report>,
    /// The task server of each computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registrations: Option<Report>,
    /// Facts of site servers, sites and subnets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<Report>,
    /// Plug-ins of all managed computers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plug_ins: Option<Report>,
    /// Package servers that hold given packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holders: Option<Report>,
}

/// One installed report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Report {
    /// The report item's GUID.
    pub guid: Guid,
    /// Where the entry comes from.
    #[serde(default, skip_serializing_if = "is_operator")]
    pub standing: Standing,
}

impl Reports {
    /// The entry of one report.
    pub fn entry(&mut self, kind: ReportKind) -> &mut Option<Report> {
        match kind {
            ReportKind::Associations => &mut self.associations,
            ReportKind::Servers => &mut self.servers,
            ReportKind::Computers => &mut self.computers,
            ReportKind::Registrations => &mut self.registrations,
            ReportKind::Facts => &mut self.facts,
            ReportKind::PlugIns => &mut self.plug_ins,
            ReportKind::Holders => &mut self.holders,
        }
    }

    /// One report, where it may be run.
    #[must_use]
    pub fn known(&self, kind: ReportKind) -> Option<Guid> {
        match kind {
            ReportKind::Associations => self.associations.as_ref(),
            ReportKind::Servers => self.servers.as_ref(),
            ReportKind::Computers => self.computers.as_ref(),
            ReportKind::Registrations => self.registrations.as_ref(),
            ReportKind::Facts => self.facts.as_ref(),
            ReportKind::PlugIns => self.plug_ins.as_ref(),
            ReportKind::Holders => self.holders.as_ref(),
        }
        .filter(|report| report.standing.reads())
        .map(|report| report.guid)
    }
}

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// All associations of one type: `ParentGuid`, `ChildGuid` by `%type%`.
    Associations,
    /// Addresses of all site servers: `ComputerGuid`, `HostName`, `Domain`, `Address`, `Mask`.
    Servers,
    /// Addresses of all managed computers, in the same columns.
    Computers,
    /// Task servers: `ComputerGuid`, `ServerGuid`.
    Registrations,
    /// Facts of site servers, sites and subnets: `ResourceGuid`, `Fact`, `Value`.
    Facts,
    /// Plug-ins: `ComputerGuid`, `PlugIn`.
    PlugIns,
    /// Who holds packages: `PackageGuid`, `ServerGuid`, `State` by `%p1%` … `%p50%`.
    Holders,
}

impl ReportKind {
    /// Every report.
    pub const ALL: [Self; 7] = [
        Self::Associations,
        Self::Servers,
        Self::Computers,
        Self::Registrations,
        Self::Facts,
        Self::PlugIns,
        Self::Holders,
    ];

    /// The key in the profile.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Associations => "associations",
            Self::Servers => "servers",
            Self::Computers => "computers",
            Self::Registrations => "registrations",
            Self::Facts => "facts",
            Self::PlugIns => "plugIns",
            Self::Holders => "holders",
        }
    }

    /// Its name on the server.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Associations => "Sitewright associations",
            Self::Servers => "Sitewright servers",
            Self::Computers => "Sitewright computers",
            Self::Registrations => "Sitewright registrations",
            Self::Facts => "Sitewright facts",
            Self::PlugIns => "Sitewright plug-ins",
            Self::Holders => "Sitewright package holders",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::Associations => {
                "All resource associations of one type. Parameter: type, the GUID of the association type."
            }
            Self::Servers => "Names and addresses of all site servers, by inventory.",
            Self::Computers => "Names and addresses of all managed computers, by inventory.",
            Self::Registrations => "The task server that each computer is registered with.",
            Self::Facts => {
                "What inventory says of site servers, and which sites and subnets a directory import brought."
            }
            Self::PlugIns => "Agent plug-ins of all computers, by inventory.",
            Self::Holders => {
                "Package servers that hold packages. Parameters: p1 to p50, GUIDs of packages."
            }
        }
    }

    /// Its SQL, where the profile knows what that needs.
    #[must_use]
    pub fn sql(self, profile: &Profile) -> Option<String> {
        match self {
            Self::Associations => Some(
                "SELECT a.ParentResourceGuid AS ParentGuid, a.ChildResourceGuid AS ChildGuid \
                 FROM ResourceAssociation a \
                 WHERE a.ResourceAssociationTypeGuid = '%type%'"
                    .to_owned(),
            ),
            Self::Servers => servers(profile),
            Self::Computers => computers(profile),
            Self::Registrations => registrations(profile),
            Self::Facts => facts(profile),
            Self::PlugIns => plug_ins(profile),
            Self::Holders => holders(profile),
        }
    }
}

/// Quotes a name of the server as both dialects read it; `None` where it cannot be quoted alike in both.
fn quoted(name: &str) -> Option<String> {
    let plain = !name.is_empty() && !name.contains(['[', ']', '"', '%']);
    (plain && !name.chars().any(char::is_control)).then(|| format!("[{name}]"))
}

/// Quotes a text as both dialects read it; `None` where it cannot be quoted alike in both, or holds a parameter.
fn literal(text: &str) -> Option<String> {
    let plain = !text.contains(['\'', '%']) && !text.chars().any(char::is_control);
    plain.then(|| format!("'{text}'"))
}

/// The column that holds the computer in an association.
fn computer_column(association: &Association) -> &'static str {
    if association.parent == TypeRole::Computer {
        "ParentResourceGuid"
    } else {
        "ChildResourceGuid"
    }
}

/// Names and addresses by the TCP/IP data class, whose table is called `t`.
fn inventory_columns(profile: &Profile) -> Option<String> {
    let class = profile
        .data_classes
        .tcpip
        .as_ref()
        .filter(|class| class.standing.reads())?;
    Some(format!(
        "t._ResourceGuid AS ComputerGuid, COALESCE(t.{}, '') AS HostName, COALESCE(t.{}, '') AS Domain, \
         COALESCE(t.{}, '') AS Address, COALESCE(t.{}, '') AS Mask",
        quoted(&class.host_name)?,
        quoted(&class.domain)?,
        quoted(&class.address)?,
        quoted(&class.mask)?,
    ))
}

/// Selects rows of a table for the SMP, for site servers and for servers of sites; `resource` is the column, with the
/// table's alias, that holds the computer.
fn of_servers(profile: &Profile, columns: &str, from: &str, resource: &str) -> Option<String> {
    let mut sql = format!(
        "SELECT {columns} FROM {from} WHERE {resource} = '{}'",
        profile.server.guid
    );
    let associations = &profile.associations;
    for association in [
        &associations.service_to_computer,
        &associations.server_to_site,
    ] {
        let association = association
            .as_ref()
            .filter(|association| association.standing.reads())?;
        let _ = write!(
            sql,
            " UNION SELECT {columns} FROM {from} \
             INNER JOIN ResourceAssociation a ON a.{} = {resource} \
             WHERE a.ResourceAssociationTypeGuid = '{}'",
            computer_column(association),
            association.guid?,
        );
    }
    Some(sql)
}

fn servers(profile: &Profile) -> Option<String> {
    of_servers(
        profile,
        &inventory_columns(profile)?,
        "Inv_AeX_AC_TCPIP t",
        "t._ResourceGuid",
    )
}

/// Where nothing says which computers are managed, each with an address counts: the agent reports addresses.
fn computers(profile: &Profile) -> Option<String> {
    let mut sql = format!(
        "SELECT {} FROM Inv_AeX_AC_TCPIP t",
        inventory_columns(profile)?
    );
    if let Some(managed) = profile.evidence.fact(FactKind::Managed) {
        let _ = write!(
            sql,
            " INNER JOIN {} m ON m.{} = t._ResourceGuid WHERE m.{} = {}",
            quoted(&managed.table)?,
            quoted(&managed.resource)?,
            quoted(&managed.value)?,
            literal(managed.yes.as_deref()?)?,
        );
    }
    Some(sql)
}

fn registrations(profile: &Profile) -> Option<String> {
    let evidence = profile
        .evidence
        .task_registrations
        .as_ref()
        .filter(|evidence| evidence.standing.reads())?;
    Some(format!(
        "SELECT r.{} AS ComputerGuid, r.{} AS ServerGuid FROM {} r",
        quoted(&evidence.client)?,
        quoted(&evidence.server)?,
        quoted(&evidence.table)?,
    ))
}

/// One column holds values of several types, so that they are all made text.
fn fact_columns(kind: FactKind, evidence: &FactEvidence) -> Option<String> {
    Some(format!(
        "f.{} AS ResourceGuid, '{kind}' AS Fact, CAST(f.{} AS NVARCHAR(400)) AS Value",
        quoted(&evidence.resource)?,
        quoted(&evidence.value)?,
    ))
}

fn facts(profile: &Profile) -> Option<String> {
    let mut parts = Vec::new();
    for kind in FactKind::ALL {
        let Some(evidence) = profile.evidence.fact(kind) else {
            continue;
        };
        let columns = fact_columns(kind, evidence)?;
        let from = format!("{} f", quoted(&evidence.table)?);
        let resource = format!("f.{}", quoted(&evidence.resource)?);
        parts.push(if kind.of_computers() {
            of_servers(profile, &columns, &from, &resource)?
        } else {
            // Sites and subnets: nothing in the tables that are documented tells them from other resources, so that
            // every resource that was imported is listed, and no other.
            format!(
                "SELECT {columns} FROM {from} WHERE f.{} = {}",
                quoted(&evidence.value)?,
                literal(evidence.yes.as_deref()?)?,
            )
        });
    }
    (!parts.is_empty()).then(|| parts.join(" UNION "))
}

fn plug_ins(profile: &Profile) -> Option<String> {
    let evidence = profile.evidence.fact(FactKind::PlugIns)?;
    Some(format!(
        "SELECT f.{} AS ComputerGuid, f.{} AS PlugIn FROM {} f",
        quoted(&evidence.resource)?,
        quoted(&evidence.value)?,
        quoted(&evidence.table)?,
    ))
}

fn holders(profile: &Profile) -> Option<String> {
    let evidence = profile
        .evidence
        .package_holders
        .as_ref()
        .filter(|evidence| evidence.standing.reads())?;
    let package = quoted(&evidence.package)?;
    let server = quoted(&evidence.server)?;
    let state = match &evidence.state {
        // The client compares the state as text: what type the column has differs from server to server.
        Some(state) => format!(", h.{} AS State", quoted(state)?),
        None => String::new(),
    };
    let mut sql = format!(
        "SELECT h.{package} AS PackageGuid, h.{server} AS ServerGuid{state} FROM {} h WHERE ",
        quoted(&evidence.table)?
    );
    for number in 1..=HOLDERS_BATCH {
        let or = if number == 1 { "" } else { " OR " };
        let _ = write!(sql, "{or}h.{package} = '%p{number}%'");
    }
    Some(sql)
}

/// The values of the holders report's parameters for at most [`HOLDERS_BATCH`] packages; spare ones are the empty GUID.
pub(crate) fn holder_parameters(packages: &[Guid]) -> Vec<(String, String)> {
    (0..HOLDERS_BATCH)
        .map(|index| {
            let package = packages.get(index).copied().unwrap_or(Guid::NIL);
            (format!("p{}", index + 1), package.to_string())
        })
        .collect()
}

/// Name, description and SQL of every report that this profile allows to install.
#[must_use]
pub fn report_sql(profile: &Profile) -> Vec<(String, String, String)> {
    ReportKind::ALL
        .into_iter()
        .filter_map(|kind| {
            let sql = kind.sql(profile)?;
            Some((kind.name().to_owned(), kind.description().to_owned(), sql))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::profile::from_yaml;

    fn profile() -> Profile {
        from_yaml("test", include_str!("../smp/testing.yaml")).unwrap()
    }

    /// Every word of the SQL is a keyword of the subset, a name in brackets, an alias, a literal or a parameter.
    #[test]
    fn sql_stays_in_the_subset() {
        let keywords = "SELECT AS FROM WHERE AND OR UNION INNER JOIN ON COALESCE CAST NVARCHAR";
        let reports = report_sql(&profile());
        assert_eq!(reports.len(), ReportKind::ALL.len());
        for (name, description, sql) in reports {
            assert!(!description.is_empty());
            assert_eq!(sql.matches('\'').count() % 2, 0, "{name}");
            // Literals and bracketed names may hold anything: they are cut out first.
            let bare: String = sql.split('\'').step_by(2).collect::<Vec<_>>().join("''");
            let bare: String = bare
                .split('[')
                .map(|part| part.split_once(']').map_or(part, |(_, rest)| rest))
                .collect::<Vec<_>>()
                .join("x");
            for word in bare.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
                let upper = !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase());
                assert!(!upper || keywords.contains(word), "{name}: {word}");
            }
            for sign in [';', '*', '"', '`', '@', '#', '|', '+', '-', '<', '>'] {
                assert!(!bare.contains(sign), "{name}: {sign}");
            }
        }
    }

    #[test]
    fn facts_are_read_where_the_profile_says() {
        let sql = ReportKind::Computers.sql(&profile()).unwrap();
        assert!(
            sql.ends_with(
                "FROM Inv_AeX_AC_TCPIP t INNER JOIN [Inv_State] m ON m.[_ResourceGuid] = t._ResourceGuid WHERE m.[Managed] = '1'"
            ),
            "{sql}"
        );
        assert_eq!(
            ReportKind::Registrations.sql(&profile()).unwrap(),
            "SELECT r.[_ResourceGuid] AS ComputerGuid, r.[ServerGuid] AS ServerGuid FROM [Inv_Client_Task_Resources] r"
        );
        let sql = ReportKind::Facts.sql(&profile()).unwrap();
        // Seven facts of computers by three selections each, and one of sites and subnets.
        assert_eq!(sql.matches("SELECT").count(), 7 * 3 + 1, "{sql}");
        assert!(
            sql.ends_with(
                " UNION SELECT f.[_ResourceGuid] AS ResourceGuid, 'directoryImport' AS Fact, \
                 CAST(f.[Source] AS NVARCHAR(400)) AS Value FROM [Inv_Origin] f WHERE f.[Source] = 'Active Directory'"
            ),
            "{sql}"
        );
        let mut odd = profile();
        if let Some(fact) = odd.evidence.facts.get_mut(&FactKind::Managed) {
            fact.yes = Some("it's".into());
        }
        assert_eq!(ReportKind::Computers.sql(&odd), None);
        odd.evidence.facts.clear();
        assert_eq!(ReportKind::Facts.sql(&odd), None);
        assert_eq!(ReportKind::PlugIns.sql(&odd), None);
        // Then every computer with an address counts.
        assert!(
            ReportKind::Computers
                .sql(&odd)
                .unwrap()
                .ends_with("FROM Inv_AeX_AC_TCPIP t")
        );
    }

    #[test]
    fn sql_follows_the_profile() {
        let sql = ReportKind::Servers.sql(&profile()).unwrap();
        assert!(
            sql.contains("COALESCE(t.[Host Name], '') AS HostName"),
            "{sql}"
        );
        assert!(
            sql.contains("ON a.ChildResourceGuid = t._ResourceGuid WHERE a.ResourceAssociationTypeGuid = '00000000-0000-0000-0000-00000000bb03'"),
            "{sql}"
        );
        // In the test's profile the computer is the parent of its site.
        assert!(
            sql.contains("ON a.ParentResourceGuid = t._ResourceGuid WHERE a.ResourceAssociationTypeGuid = '00000000-0000-0000-0000-00000000bb02'"),
            "{sql}"
        );
        let sql = ReportKind::Holders.sql(&profile()).unwrap();
        assert!(
            sql.contains(
                "h.[Status] AS State FROM [SWDPackageServer] h WHERE h.[PackageId] = '%p1%' OR"
            ),
            "{sql}"
        );
        assert!(sql.ends_with("h.[PackageId] = '%p50%'"), "{sql}");
        let mut odd = profile();
        if let Some(evidence) = &mut odd.evidence.package_holders {
            evidence.table = "x] ; DROP TABLE y --".into();
        }
        assert_eq!(ReportKind::Holders.sql(&odd), None);
        assert_eq!(
            holder_parameters(&[Guid::from_u128(1)]).len(),
            HOLDERS_BATCH
        );
    }
}
