//! The binary: hands the arguments to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    sitewright::cli::main()
}
