//! Java's own Avro, Protobuf and JSON Schema, as the judges of what schemas and bytes mean.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The programs in tests/java-schemas, compiled.
pub struct JavaSchemas {
    class_path: String,
}

impl JavaSchemas {
    /// Compiles them below `target`, once for each test program; `None` if Java or Maven is
    /// missing, which it prints.
    ///
    /// # Panics
    ///
    /// If a program does not compile.
    pub fn build(target: &str) -> Option<&'static Self> {
        static BUILT: OnceLock<Option<JavaSchemas>> = OnceLock::new();
        BUILT.get_or_init(|| Self::compile(target)).as_ref()
    }

    fn compile(target: &str) -> Option<Self> {
        let skip = |reason: &str| eprintln!("skipped: {reason}");
        for command in ["mvn", "javac"] {
            let found = Command::new(command).arg("-version").stdin(Stdio::null()).output();
            if !found.is_ok_and(|output| output.status.success()) {
                skip(&format!("Java's schemas, because {command} is missing"));
                return None;
            }
        }
        let target = Path::new(target).join("java-schemas");
        // Once Maven has downloaded the libraries, it needs no network.
        let mut built = maven(&target, &["--offline"]);
        if !built.status.success() {
            built = maven(&target, &[]);
        }
        if !built.status.success() {
            let output = String::from_utf8_lossy(&built.stdout).into_owned();
            assert!(!output.contains("COMPILATION ERROR"), "{output}");
            skip(&format!("Maven could not download Java's schemas: {output}"));
            return None;
        }
        let libraries = std::fs::read_to_string(target.join(LIBRARIES)).expect("Maven wrote it");
        let classes = target.join("classes");
        Some(Self { class_path: format!("{}:{}", classes.display(), libraries.trim()) })
    }

    /// Runs a class and returns what it prints for these lines. Both are lines of JSON.
    ///
    /// # Panics
    ///
    /// If it ends early or prints something else.
    pub fn answers(&self, class: &str, lines: &str) -> Vec<Value> {
        let mut child = Command::new("java")
            .args(["--class-path", &self.class_path, class])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Java was found before");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let lines = lines.to_owned();
        // The program prints while it reads: without a thread, both pipes could fill up.
        let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = child.wait_with_output().expect("the program ends");
        writing.join().expect("the thread ends").expect("the program reads its input");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| serde_json::from_str(line).expect("it prints JSON")).collect()
    }
}

/// The file below the target directory that lists the libraries.
const LIBRARIES: &str = "libraries.txt";

fn maven(target: &Path, options: &[&str]) -> Output {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("java-schemas/pom.xml");
    Command::new("mvn")
        .args(options)
        .args(["--quiet", "--batch-mode", "--file"])
        .arg(project)
        .arg(format!("-Dworkshop.target={}", target.display()))
        .arg(format!("-Dmdep.outputFile={}", target.join(LIBRARIES).display()))
        .args(["compile", "dependency:build-classpath"])
        .output()
        .expect("Maven was found before")
}
