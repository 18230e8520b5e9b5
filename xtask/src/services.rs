//! `cargo xtask services`: the tests' private servers, for running `cargo test` by hand.

use crate::failure::Failure;
use crate::process::Interrupts;
use crate::service::Services;

/// Start the private servers that the tests need, print their URLs and wait for Ctrl-C.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let services = Services::start(&mut interrupts)?;
    for (name, variable, url) in services.iter() {
        println!("# {name}, with all its data, is gone when this ends.");
        println!("export {variable}={url}");
    }
    for (name, variable, program) in services.programs() {
        println!("# {name}'s program, for tests that start servers themselves.");
        println!("export {variable}={program}");
    }
    eprintln!("Press Ctrl-C to stop.");
    loop {
        match interrupts.pause() {
            Ok(()) => {}
            Err(Failure::Interrupted(_)) => return Ok(()),
            Err(failure) => return Err(failure),
        }
    }
}
