//! Java's clients, transactional producers and groups of the consumer protocol (KIP-848): programs
//! of their own (tests/java/), built with Maven and run on a cluster. They check themselves; here
//! is what builds them, and what is said where they cannot be built.
//!
//! What Maven has downloaded once is kept, and so are the programs, under Cargo's target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use workshop_tests::TestCluster;
use workshop_tests::examples::root;

/// The oldest Java that the program is compiled for.
const OLDEST_JAVA: u32 = 17;

/// What Maven says when it cannot get what it needs, as opposed to a program that is wrong.
const UNAVAILABLE: [&str; 5] = [
    "Could not transfer artifact",
    "Could not find artifact",
    "Cannot access central",
    "ArtifactResolutionException",
    "PluginResolutionException",
];

/// What a command printed, or why it cannot be run.
fn run(command: &mut Command) -> Result<Output, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| format!("{name} cannot be run: {error}"))
}

fn text(output: &Output) -> String {
    let (said, complained) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(said), String::from_utf8_lossy(complained))
}

/// The first number in what `javac -version` prints: "javac 17.0.15".
fn java_version(printed: &str) -> Option<u32> {
    printed.split(|letter: char| !letter.is_ascii_digit()).find_map(|it| it.parse().ok())
}

/// Whether there is a Java compiler that is new enough.
fn check_java() -> Result<(), String> {
    let printed = text(&run(Command::new("javac").arg("-version"))?);
    match java_version(&printed) {
        Some(version) if version >= OLDEST_JAVA => Ok(()),
        _ => Err(format!("Java {OLDEST_JAVA} is needed, and javac says: {}", printed.trim())),
    }
}

/// Where the program is built.
fn output_directory() -> PathBuf {
    // .../target/debug/deps/java-…: the directory is the same however Cargo got it.
    let test = std::env::current_exe().expect("a test knows its own path");
    let target = test.ancestors().nth(3).expect("a test is three levels below the target");
    target.join("java")
}

fn maven(output: &Path, is_offline: bool) -> Result<Output, String> {
    let mut command = Command::new("mvn");
    command.args(["--batch-mode", "--quiet", "--no-transfer-progress", "--file"]);
    command.arg(root().join("tests/java/pom.xml"));
    command.arg(format!("-Doutput={}", output.display()));
    if is_offline {
        command.arg("--offline");
    }
    run(command.arg("compile"))
}

/// Builds the program; answers with its class path, or why it cannot be built here.
///
/// # Panics
/// When it does not compile.
fn build() -> Result<String, String> {
    check_java()?;
    let output = output_directory();
    for is_offline in [true, false] {
        let built = maven(&output, is_offline)?;
        let printed = text(&built);
        if built.status.success() {
            let (classes, jars) = (output.join("classes"), output.join("lib").join("*"));
            return Ok(format!("{}:{}", classes.display(), jars.display()));
        }
        let unavailable =
            printed.lines().find(|line| UNAVAILABLE.iter().any(|it| line.contains(it)));
        match unavailable {
            None => panic!("the program does not compile:\n{printed}"),
            Some(_) if is_offline => {}
            Some(line) => return Err(format!("Maven cannot download what it needs: {line}")),
        }
    }
    unreachable!("the second attempt answers or panics")
}

/// Runs a program on a cluster of its own; it says of itself that all is as it must be.
async fn check(program: &str) {
    // Two builds at a time would overwrite each other's files.
    static BUILT: OnceLock<Result<String, String>> = OnceLock::new();
    let class_path = match BUILT.get_or_init(build) {
        Ok(class_path) => class_path,
        Err(reason) => {
            eprintln!("skipped: the Java client, because {reason}");
            return;
        }
    };
    let cluster = TestCluster::start().await;
    let mut java = Command::new("java");
    java.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=off").args(["-cp", class_path]);
    java.arg(format!("workshop.{program}")).arg(cluster.bootstrap_servers());
    let ended = run(&mut java).expect("there is a compiler, so there is a runtime");
    let printed = text(&ended);
    println!("{printed}");
    assert!(ended.status.success(), "{printed}");
    assert!(printed.ends_with("all checks passed\n"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_are_as_the_java_client_has_them() {
    check("Transactions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_the_consumer_protocol_are_as_the_java_client_has_them() {
    check("Groups").await;
}

#[test]
fn the_version_of_java_is_what_javac_says_first() {
    let rows = [("javac 17.0.15\n", Some(17)), ("javac 21\n", Some(21)), ("", None)];
    for (printed, version) in rows {
        assert_eq!(java_version(printed), version);
    }
    // Before version 9 it was 1.8: too old either way.
    assert_eq!(java_version("javac 1.8.0_392\n"), Some(1));
}
