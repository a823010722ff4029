//! The corpus that is committed, through the functions that the fuzz targets call.
#![expect(clippy::disallowed_methods, reason = "reads the corpus")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::fs;
use std::path::Path;

use super::TARGETS;

#[test]
fn the_corpus_is_without_a_finding() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    for (name, target) in TARGETS {
        assert!(root.join(format!("fuzz_targets/{name}.rs")).is_file());
        let mut seeds = 0;
        for entry in fs::read_dir(root.join("corpus").join(name)).unwrap() {
            let path = entry.unwrap().path();
            let data = fs::read(&path).unwrap();
            // Shown where the target panics.
            eprintln!("{}", path.display());
            target(&data);
            seeds += 1;
        }
        assert!(seeds >= 3, "{name} has {seeds} seeds");
    }
}
