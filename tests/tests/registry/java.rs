//! Java's own Avro, where Java and Maven are there.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program in tests/java-avro, compiled.
pub(crate) struct Java {
    classpath: String,
}

impl Java {
    /// Compiles it once for all tests, or says why they are skipped.
    pub(crate) fn built() -> Option<&'static Self> {
        static BUILT: OnceLock<Option<Java>> = OnceLock::new();
        BUILT.get_or_init(Self::build).as_ref()
    }

    fn build() -> Option<Self> {
        let skip = |reason: &str| eprintln!("skipped: {reason}");
        for command in ["mvn", "java"] {
            let found = Command::new(command).arg("-version").stdin(Stdio::null()).output();
            if !found.is_ok_and(|output| output.status.success()) {
                skip(&format!("{command} is not there, and Java's checker needs it"));
                return None;
            }
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java-avro");
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("java-avro");
        let libraries = target.join("libraries.txt");
        let built = Command::new("mvn")
            .args(["--quiet", "--batch-mode", "--file"])
            .arg(source.join("pom.xml"))
            .arg(format!("-Dworkshop.target={}", target.display()))
            .arg(format!("-Dmdep.outputFile={}", libraries.display()))
            .args(["compile", "dependency:build-classpath"])
            .output()
            .expect("it was started a moment ago");
        if !built.status.success() {
            let said = String::from_utf8_lossy(&built.stdout).into_owned();
            assert!(!said.contains("COMPILATION ERROR"), "{said}");
            skip(&format!("Maven could not fetch Avro for Java: {said}"));
            return None;
        }
        let libraries = std::fs::read_to_string(libraries).expect("Maven wrote it");
        let classes = target.join("classes");
        Some(Self { classpath: format!("{}:{}", classes.display(), libraries.trim()) })
    }

    /// What a class of it prints for these lines.
    pub(crate) fn answers(&self, class: &str, lines: &str) -> Vec<Value> {
        let mut child = Command::new("java")
            .args(["--class-path", &self.classpath, class])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was there a moment ago");
        let mut stdin = child.stdin.take().expect("it is piped");
        let lines = lines.to_owned();
        // It prints while it reads, and a pipe holds only so much.
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        writer.join().expect("it ends").expect("it reads");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| serde_json::from_str(line).expect("it prints JSON")).collect()
    }
}
