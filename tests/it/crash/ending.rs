//! How a case ended, to be compared with the run that nothing happened to: the world, what took effect on the server and
//! how often, what is remembered.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::base::Case;
use super::way::Sent;
use crate::examples::settled;

/// The run that nothing happened to.
#[derive(Serialize, Deserialize)]
pub(super) struct Whole {
    /// The exit codes of its applies.
    pub(super) codes: Vec<i32>,
    pub(super) ending: Ending,
}

impl Whole {
    /// The operations of its writes, in order.
    pub(super) fn operations(&self) -> &[String] {
        &self.ending.operations
    }
}

/// The end of a case.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ending {
    /// The world, once everything has come to rest.
    pub(super) world: String,
    /// What took effect on the server, and how often.
    pub(super) effects: BTreeMap<String, usize>,
    /// Packages whose servers were not told of their last assignment, by GUID.
    pub(super) untold: BTreeSet<String>,
    /// What the state says is ours and remembered.
    pub(super) remembered: Value,
    operations: Vec<String>,
}

impl Ending {
    pub(super) fn of(case: &Case) -> Self {
        let sent = case.way.sent();
        let carried_out = sent.iter().filter(|sent| sent.status == 200).count();
        let log = case.server.requests();
        let logged = log.iter().filter(|one| one.writes && one.status == 200);
        // Running a report counts among neither.
        assert_eq!(carried_out, logged.count(), "a write came by another way");
        Self {
            effects: effects(&sent),
            untold: untold(&sent),
            operations: sent.iter().map(|sent| sent.operation.clone()).collect(),
            remembered: remembered(case),
            world: settled(case.world()),
        }
    }
}

fn guids() -> Regex {
    Regex::new("(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").unwrap()
}

/// Every write that the server carried out, by what it said, and how often.
///
/// An object that was born is called by the request that it was born of, since its GUID may be another one.
fn effects(sent: &[Sent]) -> BTreeMap<String, usize> {
    let guid = guids();
    let tag = Regex::new("<[^>]*>").unwrap();
    let mut born: BTreeMap<String, String> = BTreeMap::new();
    let mut effects: BTreeMap<String, usize> = BTreeMap::new();
    for one in sent.iter().filter(|sent| sent.status == 200) {
        let body = tag.replace_all(&one.body, " ");
        let body = body.split_whitespace().collect::<Vec<_>>().join(" ");
        let known = guid.replace_all(&body, |found: &regex::Captures<'_>| {
            let found = found[0].to_lowercase();
            born.get(&found).cloned().unwrap_or(found)
        });
        let effect = match one.operation.as_str() {
            "CreateNewResource" => {
                let name = guid.replace_all(&body, "").trim().to_owned();
                for new in guid.find_iter(&one.answer) {
                    let new = new.as_str().to_lowercase();
                    if !body.to_lowercase().contains(&new) {
                        born.insert(new, format!("[{name}]"));
                    }
                }
                name
            }
            // The XML of an item holds what other steps put into it before.
            "ImportItemXmlString" => String::new(),
            _ => known.to_string(),
        };
        *effects
            .entry(format!("{} {effect}", one.operation))
            .or_default() += 1;
    }
    effects
}

/// The packages of which the last that took effect is an assignment.
fn untold(sent: &[Sent]) -> BTreeSet<String> {
    let package = Regex::new("PackageGuid>([^<]+)<").unwrap();
    let mut untold = BTreeSet::new();
    for one in sent.iter().filter(|sent| sent.status == 200) {
        let which = || package.captures(&one.body).unwrap()[1].to_lowercase();
        match one.operation.as_str() {
            "SetPackageServerSettings" => {
                untold.insert(which());
            }
            "UpdateDistributionPoints" => {
                untold.remove(&which());
            }
            _ => {}
        }
    }
    untold
}

/// What the state remembers, by names instead of GUIDs, without the times of attestations.
fn remembered(case: &Case) -> Value {
    let text = std::fs::read_to_string(case.here.join("state/hq.state.json")).unwrap();
    let mut state: Value = serde_json::from_str(&text).unwrap();
    let ownership = &mut state["ownership"];
    for kind in ["sites", "subnets"] {
        let owned = ownership[kind].as_object().unwrap();
        let by_name: serde_json::Map<String, Value> = owned
            .values()
            .map(|owned| (owned["name"].as_str().unwrap().to_owned(), owned.clone()))
            .collect();
        assert_eq!(by_name.len(), owned.len(), "two of one name: {owned:#?}");
        ownership[kind] = Value::Object(by_name);
    }
    for attestation in ownership["attestations"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        attestation["at"] = Value::Null;
    }
    // What came back is counted once a run has ended: one that died counts nothing.
    ownership.as_object_mut().unwrap().remove("rounds");
    // Kept by GUID until the next list is whole; what was counted is compared by number.
    for count in ownership["counted"].as_object_mut().unwrap().values_mut() {
        let gone = count["deleted"].as_array().map_or(0, Vec::len);
        count["deleted"] = Value::from(gone);
    }
    ownership.take()
}
