//! In which order documents and fields come.
//!
//! Pure data. One list for the fields of all kinds: what a thing is called comes before what it has. A test holds it to
//! the schema.

/// The fields of every kind of document.
pub(super) const FIELDS: &[&str] = &[
    // The document.
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    // What a thing is called.
    "name",
    "guid",
    "match",
    "platform",
    "formerly",
    "lifecycle",
    "preventDestroy",
    "ignoreChanges",
    // Sites, servers, packages, settings.
    "description",
    "subnets",
    "constrainToSite",
    "assignment",
    "captureTarget",
    "deployTasks",
    "packages",
    "servers",
    "sites",
    "automatic",
    "roles",
    "imaging",
    "invalidSubnets",
    "ports",
    "parent",
    // The workspace: platforms.
    "platforms",
    "backend",
    "url",
    "server",
    "auth",
    "method",
    "username",
    "passwordFrom",
    "tokenFrom",
    "keytab",
    "realm",
    "kdc",
    "servicePrincipal",
    "clientCertificate",
    "certificate",
    "key",
    "keyFrom",
    "allowInsecure",
    "env",
    "file",
    "command",
    "keyring",
    "service",
    "account",
    "ca",
    "profile",
    "timeouts",
    "connect",
    "answer",
    "concurrency",
    "rateLimit",
    // Its state, and what it is guarded by.
    "state",
    "path",
    "schema",
    "endpoint",
    "region",
    "bucket",
    "prefix",
    "accessKeyFrom",
    "secretKeyFrom",
    "sessionTokenFrom",
    "lease",
    "safety",
    "maxDeletes",
    "maxChangedPercent",
    "maxFewer",
    "percent",
    "floor",
    "maxRehomedClients",
    "maxRehomedAddresses",
    "maxSingleServerSites",
    "freeze",
    "from",
    "to",
    "zone",
    "reason",
    // How it is watched, and who is told of drift.
    "watch",
    "interval",
    "signInPause",
    "autoApply",
    "listen",
    "notify",
    "urlFrom",
    "as",
];

/// The fields whose own fields have names that their author chose.
const FREE: &[&str] = &["ports"];

/// The place of a field among its like; fields that are not known come last, in their own order.
pub(super) fn field(name: &str) -> usize {
    FIELDS
        .iter()
        .position(|known| *known == name)
        .unwrap_or(FIELDS.len())
}

/// Whether the fields below a field keep the order that their author gave them.
pub(super) fn is_free(field: &str) -> bool {
    FREE.contains(&field)
}

/// The place of a document among others: the workspace, sites, servers, packages, settings.
pub(super) fn document(kind: &str) -> usize {
    match kind {
        "Workspace" => 0,
        "Site" | "DeploymentSite" => 1,
        "SiteServer" => 2,
        "Package" => 3,
        "PlatformSettings" => 4,
        _ => 5,
    }
}
