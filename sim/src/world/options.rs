//! What a world is opened with: scenario, database, seed, language, level, switches and quirks.
//!
//! Pure. A [`Switch`] makes false what a client may have assumed of the server; a [`Quirk`] changes how true things are
//! said on the wire. Both are stored with the world. `README.md` lists them; their descriptions here are the source.

use super::WorldError;
use super::scenario::Scenario;
use crate::level::Level;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The language in which the types, associations and data classes of the server are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Japanese.
    Ja,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Language::En => "en",
            Language::De => "de",
            Language::Fr => "fr",
            Language::Ja => "ja",
        })
    }
}

impl FromStr for Language {
    type Err = WorldError;

    fn from_str(text: &str) -> Result<Language, WorldError> {
        match text.to_lowercase().as_str() {
            "en" => Ok(Language::En),
            "de" => Ok(Language::De),
            "fr" => Ok(Language::Fr),
            "ja" => Ok(Language::Ja),
            _ => Err(WorldError::Argument {
                expected: "a language, `en`, `de`, `fr` or `ja`".to_owned(),
                found: text.to_owned(),
            }),
        }
    }
}

macro_rules! named {
    ($(#[$meta:meta])* $name:ident, $what:literal, { $($variant:ident = $text:literal : $doc:literal,)+ }) => {
        $(#[$meta])*
        #[allow(clippy::doc_markdown, reason = "the texts are printed on terminals, too")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = $doc] $variant,)+ }

        impl $name {
            /// Every one there is, in the order of the documentation.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// Gives the name on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// Gives the meaning in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $($name::$variant => $doc,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = WorldError;

            fn from_str(text: &str) -> Result<$name, WorldError> {
                $name::ALL.iter().copied().find(|one| one.name() == text).ok_or_else(|| WorldError::Argument {
                    expected: format!("{} of {}", $what, $name::ALL.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ")),
                    found: text.to_owned(),
                })
            }
        }
    };
}

named! {
    /// What makes an assumption of the client false.
    Switch, "a switch", {
        SubnetInTwoSites = "subnet-in-two-sites": "A subnet may be in two sites: forming never replaces, and the world starts with one subnet in two sites.",
        FormDoesNotReplace = "form-does-not-replace": "Forming subnet to site adds and does not replace, whatever the profile claims.",
        FormReplaces = "form-replaces": "Forming subnet to site replaces, while the profile claims that it adds.",
        AssociationNotEnough = "association-not-enough": "The association of a subnet with its site is not kept unless a data-class row was written too: forming answers success, the read shows it absent.",
        ServerAssociationNotEnough = "server-association-not-enough": "The same for the association of a server with its site.",
        SuppliedGuidIgnored = "supplied-guid-ignored": "CreateNewResource ignores a GUID in its info and draws its own.",
        LateReadBack = "late-read-back": "Reads answer what was true before the last write, until three reads or 500 ms have passed.",
        InventoryMaskDecides = "inventory-mask-decides": "A server's own site is decided by the subnet of its inventory mask, not by the most specific assigned subnet.",
        TypeArgumentGiven = "type-argument-given": "Get…Resources take the type of the other resource than the profile claims.",
        AssociationDirectionReversed = "association-direction-reversed": "The server keeps parent and child of subnet-to-site and server-to-site the other way round than the profile claims.",
        AssociationTypesUnchecked = "association-types-unchecked": "FormAssociation keeps rows whose parent and child are of the wrong types without complaint.",
        DerivedTypesApart = "derived-types-apart": "GetResourcesOfType of a base type does not return resources of derived types.",
        HierarchyWithoutSelf = "hierarchy-without-self": "The table ResourceTypeHierarchy has no row that names a type as its own base.",
        DescriptionNotKept = "description-not-kept": "CreateNewResource and SaveResource drop the description.",
        NameCaseSensitive = "name-case-sensitive": "GetResourceByName and GetItemsByName match case.",
        NamesNotUnique = "names-not-unique": "CreateNewResource makes a second resource of the same name without complaint.",
        VoidWithBody = "void-with-body": "Void form answers carry an empty element instead of an empty body.",
        ReportParametersNotReplaced = "report-parameters-not-replaced": "RunReportWithParameters leaves %a% in the SQL as it stands.",
        ReportsRefused = "reports-refused": "Reports may be neither created nor run, for lack of rights.",
        PackageServersIgnored = "package-servers-ignored": "SetPackageServerSettings answers success and changes nothing.",
        PackageGuidListBraced = "package-guid-list-braced": "PackageServers come back in braces, upper case and another order.",
        AutoAssignmentWithManualOff = "auto-assignment-with-manual-off": "A manual assignment elsewhere ends a server's automatic one.",
        ManualDoesNotSteerTasks = "manual-does-not-steer-tasks": "A manual assignment steers packages only: task agents are not offered the server.",
        DeleteLeavesAssociations = "delete-leaves-associations": "Rows of a deleted resource stay in association reads.",
        ScopedRights = "scoped-rights": "The account cannot see some sites and subnets: they are silently absent from every answer.",
        ScopedLists = "scoped-lists": "What `console scope` hides from the account is left out of lists only: a resource that is asked for by name or GUID is answered.",
        BreakAnswersMissing = "break-answers-missing": "BreakAssociation of an association that is not there is refused instead of doing nothing.",
        ItemXmlImportIgnored = "item-xml-import-ignored": "ImportItemXmlString answers success and changes nothing.",
        RenameIgnored = "rename-ignored": "RenameItem of a resource answers success and changes nothing.",
        ReplicationStalls = "replication-stalls": "A package never reaches a server that it was newly assigned to.",
        FactsNotReadable = "facts-not-readable": "Reports may not read the tables of facts, and their data classes answer no rows.",
        FactColumnsRenamed = "fact-columns-renamed": "The fields of facts, and the columns of their tables, have other names than the profile claims.",
        PackageSourcesStale = "package-sources-stale": "Nobody records from which server a client fetched a package.",
        RegistrationsLag = "registrations-lag": "Registrations with task servers stay as they were until 30 minutes after the last change.",
        ImageLocationLocal = "image-location-local": "The Location of an image is a path on the server that keeps it, and does not name the server.",
        HierarchyManagedUnknown = "hierarchy-managed-unknown": "IsHierarchyManaged answers false for every item, replicated or not.",
    }
}

named! {
    /// How the wire says things, all of it within what is documented or seen.
    Quirk, "a quirk", {
        Table1 = "table1": "Rows of tables are named Table1 instead of Table.",
        HtmlErrors = "html-errors": "Errors of form and GET calls are a generic HTML page.",
        ShuffledElements = "shuffled-elements": "Elements of structures come in another order.",
        UnknownElements = "unknown-elements": "Structures carry elements that no document mentions.",
        Prefixed = "prefixed": "Answers use namespace prefixes instead of a default namespace.",
        NilNulls = "nil-nulls": "Null values are written with xsi:nil instead of left out.",
        BracedGuids = "braced-guids": "GUIDs are written in braces and upper case.",
        Slow = "slow": "Every answer takes a second.",
        Busy = "busy": "Every fifth read is answered with 503 the first time.",
        SignInExpires = "sign-in-expires": "Every seventh request on a signed-in connection is answered with 401, and the sign-in is forgotten.",
        Resets = "resets": "The connection of every fourth read is cut in the middle of its answer.",
        ResetAfterWrite = "reset-after-write": "Every other write, the first among them, is carried out, and its connection cut before the answer.",
        Gzip = "gzip": "Every answer is compressed with gzip, a small one too.",
        Chunked = "chunked": "Every answer comes in chunks of a few bytes, without a length.",
        ClockAhead = "clock-ahead": "The Date of every answer is seven minutes ahead.",
        OtherElements = "other-elements": "All undocumented structures have unusual element names, as their WSDL says.",
        LocalisedAssociations = "localised-associations": "The one association whose name is documented is named in the server's language too.",
        LocalisedItems = "localised-items": "Settings and folders are named in the server's language too.",
        NoisyItems = "noisy-items": "Item XML says when the item was saved and how often, which changes with every save.",
        ReorderedItems = "reordered-items": "Item XML has its elements in another order after every save.",
        ReadOnlyAccount = "read-only-account": "The account may read and not write: every write is refused.",
        NoDeploymentSolution = "no-deployment-solution": "The service of Deployment Solution is not there.",
        NoSoftwarePackageService = "no-software-package-service": "SoftwarePackageManagementService is not there.",
    }
}

/// What a world is opened with.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is in it.
    pub scenario: Scenario,
    /// The file to keep it in; in memory without one.
    pub db: Option<PathBuf>,
    /// Where GUIDs and undocumented names come from.
    pub seed: u64,
    /// The language of type names.
    pub language: Language,
    /// Which operations the services have.
    pub level: Level,
    /// What a client may wrongly assume.
    pub switches: BTreeSet<Switch>,
    /// How the wire says things.
    pub quirks: BTreeSet<Quirk>,
}

impl Options {
    /// Gives the options of a built-in scenario (`flat-lan`, `empty`, `branch-offices`, `isolated-vlan`, `neglected`, `enterprise`)
    /// with seed 1.
    pub fn builtin(name: &str) -> Result<Options, WorldError> {
        Ok(Options::of(Scenario::builtin(name)?))
    }

    /// Gives the options of the generated scenario `enterprise` with this many subnets.
    pub fn enterprise(subnets: u32) -> Result<Options, WorldError> {
        Ok(Options::of(Scenario::Enterprise { subnets }))
    }

    /// Gives the options of a scenario in YAML with seed 1; it is read when the world is opened.
    #[must_use]
    pub fn text(yaml: &str) -> Options {
        Options::of(Scenario::Text(yaml.to_owned()))
    }

    fn of(scenario: Scenario) -> Options {
        Options {
            scenario,
            db: None,
            seed: 1,
            language: Language::En,
            level: Level::default(),
            switches: BTreeSet::new(),
            quirks: BTreeSet::new(),
        }
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Options {
        self.seed = seed;
        self
    }

    /// The same kept in a file.
    #[must_use]
    pub fn with_db(mut self, db: impl Into<PathBuf>) -> Options {
        self.db = Some(db.into());
        self
    }

    /// The same with type names in another language.
    #[must_use]
    pub fn with_language(mut self, language: Language) -> Options {
        self.language = language;
        self
    }

    /// The same with services of another level.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Options {
        self.level = level;
        self
    }

    /// The same with one more switch.
    #[must_use]
    pub fn with_switch(mut self, switch: Switch) -> Options {
        self.switches.insert(switch);
        self
    }

    /// The same with one more quirk.
    #[must_use]
    pub fn with_quirk(mut self, quirk: Quirk) -> Options {
        self.quirks.insert(quirk);
        self
    }
}
