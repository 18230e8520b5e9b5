//! The binary `aios`: everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    aios_server::main()
}
