//! Manifests and workspaces.

use std::path::PathBuf;

use crate::manifest::{self, Diagnostic, Source, Workspace};
use crate::model::Desired;
use crate::select::World;
use crate::validate::{View, check};

/// Bytes as a manifest file, up to what is desired and what the checks say of it.
pub fn manifests(data: &[u8]) {
    let loaded = manifest::load(&[PathBuf::from("-")], data);
    let sources = match loaded {
        Ok(sources) => sources,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            told(&error.diagnostics, &error.faulty);
            return;
        }
    };
    let read = manifest::read(&sources);
    let again = manifest::read(&sources);
    assert_eq!(read.diagnostics, again.diagnostics);
    assert_eq!(read.documents.len(), again.documents.len());
    told(&read.diagnostics, &sources);
    if let Err(faults) = Workspace::of(&read.documents) {
        told(&faults, &sources);
    }
    // The order of documents does not matter, beyond which of several places is named.
    let mut turned = read.documents.clone();
    turned.reverse();
    match (
        manifest::desired(&read.documents, None),
        manifest::desired(&turned, None),
    ) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one, other, "the order of documents matters");
            checked(&one);
        }
        (Err(one), Err(other)) => {
            told(&one, &sources);
            assert_eq!(one, other, "the order of documents matters to what is told");
        }
        (one, other) => assert_eq!(one, other, "accepted in one order alone"),
    }
}

fn checked(desired: &Desired) {
    let world = World::declared(desired);
    let view = View::declared(&world, desired);
    assert_eq!(check(&view), check(&view));
}

/// Every fault has a code, says something, and points into the text.
fn told(diagnostics: &[Diagnostic], sources: &[Source]) {
    for diagnostic in diagnostics {
        assert!(diagnostic.code.starts_with("SW0"), "{diagnostic:?}");
        assert!(!diagnostic.message.is_empty(), "{diagnostic:?}");
        assert!(!diagnostic.labels.is_empty(), "no place: {diagnostic:?}");
        for label in &diagnostic.labels {
            let source = sources.iter().find(|s| s.name == label.origin.file);
            let Some(source) = source else {
                continue;
            };
            let lines = source.text.split('\n').count();
            let line = usize::try_from(label.origin.line).unwrap_or(usize::MAX);
            assert!((1..=lines).contains(&line), "{diagnostic:?} of {lines}");
            assert!(label.origin.column >= 1, "{diagnostic:?}");
        }
    }
    let shown = manifest::render(diagnostics, sources, false);
    assert_eq!(shown, manifest::render(diagnostics, sources, false));
    assert_eq!(shown.is_empty(), diagnostics.is_empty());
}
