//! What the CMDB hands out: plain records, without I/O.

use super::guid::Guid;

/// Why a service refuses, as the exception types of the ASDK.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AsdkError {
    /// `ASDKNoProductExistsException`.
    #[error("product is not installed: {0}")]
    NoProduct(String),
    /// `ASDKInvalidLicenseException`.
    #[error("licence is not valid: {0}")]
    InvalidLicense(String),
    /// `ASDKInsufficientPermissionException`.
    #[error("insufficient permission: {0}")]
    InsufficientPermission(String),
    /// `ASDKDoesNotExistException`.
    #[error("does not exist: {0}")]
    DoesNotExist(String),
    /// `ASDKInvalidTypeException`.
    #[error("invalid type: {0}")]
    InvalidType(String),
    /// `ASDKInvalidParameterException`.
    #[error("invalid parameter: {0}")]
    InvalidParameter(String),
    /// `ASDKInternalException`.
    #[error("internal error: {0}")]
    Internal(String),
}

impl AsdkError {
    /// The name of the exception type in a fault's detail.
    #[must_use]
    pub fn exception_type(&self) -> &'static str {
        match self {
            AsdkError::NoProduct(_) => "ASDKNoProductExistsException",
            AsdkError::InvalidLicense(_) => "ASDKInvalidLicenseException",
            AsdkError::InsufficientPermission(_) => "ASDKInsufficientPermissionException",
            AsdkError::DoesNotExist(_) => "ASDKDoesNotExistException",
            AsdkError::InvalidType(_) => "ASDKInvalidTypeException",
            AsdkError::InvalidParameter(_) => "ASDKInvalidParameterException",
            AsdkError::Internal(_) => "ASDKInternalException",
        }
    }
}

impl From<rusqlite::Error> for AsdkError {
    fn from(error: rusqlite::Error) -> AsdkError {
        AsdkError::Internal(error.to_string())
    }
}

/// A resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// Its GUID.
    pub guid: Guid,
    /// Its name, in the language of the server.
    pub name: String,
    /// The type that it derives from.
    pub base: Option<Guid>,
}

/// An association type, as seen from a resource type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// Its GUID.
    pub guid: Guid,
    /// Its name, in the language of the server.
    pub name: String,
    /// The type of its parents.
    pub parent_type: Guid,
    /// The type of its children.
    pub child_type: Guid,
}

/// A data class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataClass {
    /// Its GUID.
    pub guid: Guid,
    /// Its name, in the language of the server.
    pub name: String,
    /// The table with the same rows.
    pub table: String,
    /// Its fields, in order.
    pub fields: Vec<String>,
}

/// A resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its GUID.
    pub guid: Guid,
    /// Its name.
    pub name: String,
    /// Its description, empty for none.
    pub description: String,
    /// Its resource type.
    pub type_guid: Guid,
    /// When it was made, as `xs:dateTime`.
    pub created: String,
    /// When it was last changed, as `xs:dateTime`.
    pub modified: String,
}

/// A row of a data class or of a table: field name and value, in the order of the fields; `None` is NULL.
pub type DataRow = Vec<(String, Option<String>)>;

/// Which partner of an association is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The parents of the resource at hand.
    Parents,
    /// The children of the resource at hand.
    Children,
}

/// How rows are written to a data class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowAction {
    /// Replace all rows.
    Replace,
    /// Add the rows.
    Add,
    /// Take the rows away.
    Delete,
}

/// `ItemDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemDetails {
    /// The item.
    pub guid: Guid,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// The short name of its class.
    pub type_name: String,
    /// The full name of its class.
    pub long_type_name: String,
    /// The GUID of its class.
    pub type_guid: Guid,
    /// The folder it is in; empty at the top.
    pub folder: Guid,
    /// The name of that folder.
    pub folder_name: String,
    /// Its attributes, such as `Normal`.
    pub attributes: String,
    /// Whether it is a policy or task that is switched on.
    pub enabled: bool,
    /// Whether it can be scheduled.
    pub schedulable: bool,
}

/// The kind of a table's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A GUID in its canonical form.
    Guid,
    /// A point in time as `xs:dateTime`.
    DateTime,
}

/// A table: a report's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The columns: name and kind. There may be columns without rows.
    pub columns: Vec<(String, ColumnKind)>,
    /// The rows, in the order of the columns; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
}

/// To which package servers a package goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignment {
    /// To all.
    All,
    /// To those listed.
    Individually,
    /// To those of the sites listed.
    Site,
}

impl Assignment {
    /// The word in `PackageServerAssigments` (sic).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Assignment::All => "ALL",
            Assignment::Individually => "INDIVIDUALLY",
            Assignment::Site => "SITE",
        }
    }

    /// Reads `AssignmentType`: 0, 1 or 2, or one of the words.
    #[must_use]
    pub fn parse(text: &str) -> Option<Assignment> {
        match text.trim().to_uppercase().as_str() {
            "0" | "ALL" => Some(Assignment::All),
            "1" | "INDIVIDUALLY" | "INDIVIDUAL" => Some(Assignment::Individually),
            "2" | "SITE" => Some(Assignment::Site),
            _ => None,
        }
    }
}

/// `SoftwarePackageDetails`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageDetails {
    /// The package.
    pub guid: Guid,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Where its source is, such as `UNC`.
    pub source_type: String,
    /// The path of its source.
    pub location: String,
    /// To which package servers it goes.
    pub assignment: Assignment,
    /// Whether the server picks the sites that need it in addition; with [`Assignment::Site`] only.
    pub auto_assign: bool,
    /// The folder on the package servers; empty for the default.
    pub server_location: String,
    /// The package servers (computers) or sites listed.
    pub servers: Vec<Guid>,
    /// Names of its command lines.
    pub command_lines: Vec<String>,
}

/// An image of Deployment Solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DsImage {
    /// Its name.
    pub name: String,
    /// Its package, which is its resource too.
    pub guid: Guid,
    /// The path of its source.
    pub location: String,
    /// The tool that made it.
    pub image_tool: String,
    /// Disk or backup.
    pub image_type: String,
    /// The operating system in it.
    pub os_type: String,
    /// Megabytes.
    pub partition_size: u32,
    /// Whether it is fetched by HTTP.
    pub use_http: bool,
    /// Free text.
    pub description: String,
}

/// A task of Deployment Solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskDetails {
    /// Its item.
    pub guid: Guid,
    /// Its name.
    pub name: String,
    /// `deployImage`, `createImage` or `other`.
    pub kind: String,
    /// The packages it uses.
    pub packages: Vec<Guid>,
}

/// The state of a task run on one computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// Not begun.
    NotStarted,
    /// Begun.
    Started,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
}

impl RunState {
    /// The number that `GetTaskResourceStatus` answers.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            RunState::NotStarted => -1,
            RunState::Failed => 0,
            RunState::Completed => 1,
            RunState::Started => 2,
        }
    }
}

/// A run of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRun {
    /// The run.
    pub instance: Guid,
    /// The task.
    pub task: Guid,
    /// Its name.
    pub name: String,
    /// When it was started, as `xs:dateTime`.
    pub started: String,
    /// The state by computer: GUID, state, a word on why.
    pub computers: Vec<(Guid, RunState, String)>,
}
