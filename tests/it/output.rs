//! What becomes of the output: a reader that goes away ends it, a disk that is full is an error.

use std::fs::File;
use std::process::{Command, Stdio};

fn sitewright(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sitewright"));
    command.args(arguments).env_remove("SITEWRIGHT_LOG");
    command
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    for arguments in [
        &["schema", "manifest"][..],
        &["validate", "--explain", "flat-lan"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = sitewright(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.starts_with("error[SW0002]: cannot write the output\n"),
            "{said}"
        );
    }
}

#[test]
fn a_reader_that_goes_away_is_nobodys_fault() {
    let mut child = sitewright(&["schema", "manifest"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
