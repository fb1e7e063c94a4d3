//! Tells whether a machine is ready for the workshop, and what to do if not.
//!
//! It has no dependencies, so that it builds in seconds and without a C compiler: a machine that
//! lacks something can still run it. Checks run at the same time, the required ones first. After
//! four seconds every program that they started is killed, so that [`examine`] ends within five.

mod check;
mod command;
mod machine;
mod optional;
mod platform;
mod report;
mod tools;

use std::path::Path;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

pub use check::{Check, Status};
pub use report::Report;

use platform::Platform;

/// How long all programs together may take.
const LIMIT: Duration = Duration::from_secs(4);

/// The ports that `cargo workshop up` uses if they are free.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// The port of the first of three nodes; the others have the next two.
    pub first: u16,
    /// The port of the schema registry.
    pub registry: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Ports { first: 9092, registry: 8081 }
    }
}

/// Checks this machine.
///
/// # Panics
/// Only if a check does, which is an error of the doctor.
pub fn examine(ports: Ports) -> Report {
    let deadline = Instant::now() + LIMIT;
    let platform = Platform::of_this_machine();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.filter(|root| root.exists()).unwrap_or(Path::new("."));
    let mut checks = thread::scope(|scope| {
        let mut running = vec![scope.spawn(move || tools::rust(deadline))];
        for builder in tools::builders(platform) {
            running.push(scope.spawn(move || builder(platform, deadline)));
        }
        running.push(scope.spawn(move || machine::loopback(deadline)));
        running.push(scope.spawn(move || machine::localhost(deadline)));
        running.push(scope.spawn(move || machine::ports(ports.first, ports.registry)));
        running.push(scope.spawn(move || machine::disk(root, deadline)));
        running.push(scope.spawn(move || machine::open_files(deadline)));
        results(running)
    });
    // Afterwards, because Maven and Java would take the processor from what is required.
    checks.extend(thread::scope(|scope| {
        let all = [optional::java, optional::maven, optional::docker, optional::python];
        results(all.map(|optional| scope.spawn(move || optional(platform, deadline))))
    }));
    Report { checks }
}

fn results<'scope>(
    running: impl IntoIterator<Item = ScopedJoinHandle<'scope, Check>>,
) -> Vec<Check> {
    running.into_iter().map(|check| check.join().expect("a check does not panic")).collect()
}
