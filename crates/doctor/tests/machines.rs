//! Machines that lack something: each has a PATH of its own, with links to this machine's programs,
//! without some of them, and with scripts in the place of others.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, Instant};

use doctor::{Ports, Status, examine};
use serde_json::Value;

const CPP: [&str; 3] = ["g++", "clang++", "c++"];
const OPTIONAL: [&str; 4] = ["java", "mvn", "python3", "docker"];

struct Machine {
    programs: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

/// What the doctor prints as JSON, and its exit code.
struct Printed {
    checks: BTreeMap<String, Value>,
    is_ready: bool,
    code: Option<i32>,
}

impl Machine {
    /// This machine, without some programs.
    fn without(names: &[&str]) -> Self {
        let programs = tempfile::tempdir().unwrap();
        let path = env::var_os("PATH").unwrap();
        let directories = env::split_paths(&path).filter_map(|it| fs::read_dir(it).ok());
        for entry in directories.flatten().map(Result::unwrap) {
            if !names.iter().any(|name| entry.file_name() == *name) {
                // As in PATH, the first of a name counts.
                let _ = symlink(entry.path(), programs.path().join(entry.file_name()));
            }
        }
        Machine { programs, variables: Vec::new() }
    }

    /// The machine has this script in the place of a program.
    fn with(self, name: &str, script: &str) -> Self {
        let file = self.programs.path().join(name);
        let _ = fs::remove_file(&file);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn set(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    fn examined(&self) -> Printed {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doctor"));
        for variable in ["CC", "CXX", "JAVA_HOME"] {
            command.env_remove(variable);
        }
        command.env("PATH", self.programs.path()).envs(self.variables.iter().copied());
        let output = command.arg("--json").output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().iter();
        let named = |check: &Value| (check["name"].as_str().unwrap().to_owned(), check.clone());
        Printed {
            checks: checks.map(named).collect(),
            is_ready: report["ready"].as_bool().unwrap(),
            code: output.status.code(),
        }
    }
}

impl Printed {
    fn text(&self, check: &str, field: &str) -> &str {
        self.checks[check][field].as_str().unwrap()
    }
}

#[test]
fn a_machine_that_can_build_the_workshop_is_ready() {
    let printed = Machine::without(&[]).examined();
    assert!(printed.is_ready, "{:#?}", printed.checks);
    assert_eq!(printed.code, Some(0));
    for required in ["Rust", "C compiler", "C++ compiler", "make", "bash", "loopback", "disk"] {
        // On a machine as busy as that of a test, a compiler may not respond in time.
        let is_slow = printed.text(required, "found").ends_with("does not respond");
        let expected = if is_slow { "note" } else { "ready" };
        assert_eq!(printed.text(required, "status"), expected);
    }
}

#[test]
fn a_machine_without_compiler_and_make_learns_what_to_install() {
    let lacking = [&CPP[..], &["make", "dnf"]].concat();
    let machine = Machine::without(&lacking).with("apt-get", "");
    let printed = machine.examined();
    assert_eq!((printed.is_ready, printed.code), (false, Some(1)));
    assert_eq!(printed.text("C++ compiler", "status"), "missing");
    assert_eq!(printed.text("C++ compiler", "found"), "none of g++, clang++, c++ is in PATH");
    assert_eq!(printed.text("make", "found"), "make is not in PATH");
    let install = "sudo apt-get install build-essential";
    if cfg!(target_os = "linux") {
        assert_eq!(printed.text("C++ compiler", "remedy"), install);
        assert_eq!(printed.text("make", "remedy"), install);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_command_that_installs_is_that_of_the_system() {
    let lacking = [&CPP[..], &["apt-get", "dnf"]].concat();
    let remedy = |machine: Machine| machine.examined().text("C++ compiler", "remedy").to_owned();
    let fedora = Machine::without(&lacking).with("dnf", "");
    assert_eq!(remedy(fedora), "sudo dnf install gcc gcc-c++ make");
    assert_eq!(remedy(Machine::without(&lacking)), "install gcc, g++ and make");
}

#[test]
fn a_compiler_that_compiles_nothing_is_missing() {
    let printed = Machine::without(&[]).set("CC", "false").examined();
    assert_eq!(printed.text("C compiler", "status"), "missing");
    assert_eq!(printed.text("C compiler", "found"), "false fails: exit status: 1");
    let printed = Machine::without(&[]).set("CC", "env gcc").examined();
    assert_ne!(printed.text("C compiler", "status"), "missing", "{:#?}", printed.checks);
}

#[test]
fn a_rust_that_is_too_old_is_missing() {
    let printed = Machine::without(&[]).with("rustc", "echo rustc 1.9.0").examined();
    assert_eq!((printed.is_ready, printed.code), (false, Some(1)));
    let found = printed.text("Rust", "found");
    assert!(found.starts_with("1.9.0, and the workshop needs 1."), "{found}");
}

#[test]
fn a_machine_without_java_maven_python_and_docker_is_ready() {
    let printed = Machine::without(&OPTIONAL).examined();
    assert_eq!((printed.is_ready, printed.code), (true, Some(0)));
    for optional in ["Java", "Maven", "Python", "Docker"] {
        assert_eq!(printed.text(optional, "status"), "absent");
        assert!(printed.text(optional, "found").contains(" is not in PATH; "));
        assert!(printed.text(optional, "remedy").contains("install"));
    }
}

#[test]
fn versions_that_are_too_old_or_new_enough_are_distinguished() {
    let old = Machine::without(&[])
        .with("java", "echo 'java version \"1.8.0_451\"' >&2")
        .with("python3", "echo Python 3.9.18");
    let printed = old.examined();
    assert!(printed.text("Java", "found").starts_with("java is 8.0; it must be at least 17"));
    assert!(printed.text("Python", "found").starts_with("python3 is 3.9.18; "));
    let new = Machine::without(&[])
        .with("java", "echo 'openjdk version \"21\" 2023-09-19' >&2")
        .with("python3", "echo Python 3.10.0");
    let printed = new.examined();
    for check in ["Java", "Python"] {
        assert_eq!(printed.text(check, "status"), "ready", "{:#?}", printed.checks);
    }
}

#[test]
fn programs_that_never_end_are_killed_in_time() {
    let hanging = "exec sleep 600";
    let machine = Machine::without(&[]).with("docker", hanging).with("mvn", hanging);
    let started = Instant::now();
    let printed = machine.examined();
    // Five seconds on a machine that does nothing else.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert!(printed.text("Docker", "found").starts_with("docker does not respond"));
    assert!(printed.text("Maven", "found").starts_with("mvn does not respond"));
    assert_eq!((printed.is_ready, printed.code), (true, Some(0)));
}

#[test]
fn a_required_program_that_is_only_slow_is_not_missing() {
    let printed = Machine::without(&[]).with("make", "exec sleep 600").examined();
    assert_eq!(printed.text("make", "status"), "note");
    assert_eq!(printed.text("make", "found"), "make does not respond");
    assert!(printed.text("make", "remedy").contains("less busy"));
    assert!(printed.is_ready, "{:#?}", printed.checks);
}

#[test]
fn a_port_in_use_is_worth_a_note_and_no_more() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let report = examine(Ports { first: 9092, registry: port });
    let ports = report.checks.iter().find(|check| check.name == "ports").unwrap();
    assert_eq!(ports.status, Status::Note);
    assert!(ports.found.contains(&format!("{port} in use")), "{ports:?}");
    assert!(report.is_ready(), "{report}");
}
