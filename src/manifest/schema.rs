//! The JSON Schema of the manifests, derived from the structs that they are read into.
//!
//! Pure. One schema holds every kind, told apart by `kind`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::kinds::{API_VERSION, Kind};
use super::spec::{
    DeploymentSiteSpec, Metadata, PackageSpec, PlatformSettingsSpec, SiteMetadata, SiteServerSpec,
    SiteSpec,
};
use super::workspace::WorkspaceSpec;

/// The JSON Schema (draft 2020-12) that every document of a manifest meets.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let documents: Vec<Value> = Kind::ALL
        .into_iter()
        .map(|kind| document(kind, &mut generator))
        .collect();
    let mut definitions = Value::Object(generator.take_definitions(true));
    without_null(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sitewright manifest",
        "description": "One document of a manifest: a thing that should exist on a Symantec Management Platform, or the workspace.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "oneOf": documents,
        "$defs": definitions,
    })
}

fn document(kind: Kind, generator: &mut SchemaGenerator) -> Value {
    let (metadata, spec, description) = match kind {
        Kind::Site => (
            sub::<SiteMetadata>(generator),
            sub::<SiteSpec>(generator),
            "An ordinary site.",
        ),
        Kind::DeploymentSite => (
            sub::<SiteMetadata>(generator),
            sub::<DeploymentSiteSpec>(generator),
            "A site that serves imaging only: stricter checks, and shorthand for packages and settings.",
        ),
        Kind::SiteServer => (
            sub::<Metadata>(generator),
            sub::<SiteServerSpec>(generator),
            "A server and the roles that it must have, whichever sites it serves.",
        ),
        Kind::Package => (
            sub::<Metadata>(generator),
            sub::<PackageSpec>(generator),
            "A package and the package servers that it is assigned to.",
        ),
        Kind::PlatformSettings => (
            sub::<Metadata>(generator),
            sub::<PlatformSettingsSpec>(generator),
            "What is global to one SMP. It is named after the platform.",
        ),
        Kind::Workspace => (
            json!({
                "type": "object",
                "properties": {
                    "name": { "$ref": "#/$defs/Name", "description": "A name for people." }
                },
                "additionalProperties": false
            }),
            sub::<WorkspaceSpec>(generator),
            "`sitewright.yaml`: the platforms that are managed, and where state is kept.",
        ),
    };
    let described = |mut schema: Value, text: &str| {
        if let Value::Object(fields) = &mut schema {
            fields.insert("description".into(), text.into());
        }
        schema
    };
    let mut required = vec!["apiVersion", "kind", "spec"];
    if kind != Kind::Workspace {
        required.push("metadata");
    }
    json!({
        "title": kind.as_str(),
        "description": description,
        "type": "object",
        "properties": {
            "apiVersion": { "const": API_VERSION, "description": "The version of the language." },
            "kind": { "const": kind.as_str(), "description": "The kind of the document." },
            "metadata": described(metadata, "What identifies it."),
            "spec": described(spec, "What is declared of it."),
        },
        "required": required,
        "additionalProperties": false,
    })
}

fn sub<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

/// A field is left out where it is not managed; `null` is a fault. Only what can be nothing but null keeps it.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(fields) => {
            if let Some(Value::Array(types)) = fields.get_mut("type")
                && types.len() > 1
            {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    fields.insert("type".into(), only);
                }
            }
            lift(fields);
            fields.values_mut().for_each(without_null);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Replaces a choice between something and null by that something.
fn lift(fields: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = fields.get("anyOf") else {
        return;
    };
    let kept: Vec<Value> = choices
        .iter()
        .filter(|choice| **choice != json!({ "type": "null" }))
        .cloned()
        .collect();
    if let [Value::Object(only)] = kept.as_slice()
        && kept.len() < choices.len()
    {
        fields.remove("anyOf");
        for (name, value) in only {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}
