//! Java's own Avro, as the judge of what schemas and bytes mean.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The program in tests/java-avro, compiled.
pub struct JavaAvro {
    classpath: String,
}

impl JavaAvro {
    /// Compiles it below `target`, once for each program, or says why the test is skipped.
    ///
    /// # Panics
    ///
    /// When Maven is there and the program does not compile.
    pub fn build(target: &str) -> Option<&'static Self> {
        static BUILT: OnceLock<Option<JavaAvro>> = OnceLock::new();
        BUILT.get_or_init(|| Self::compile(target)).as_ref()
    }

    fn compile(target: &str) -> Option<Self> {
        let skip = |reason: &str| eprintln!("skipped: {reason}");
        for command in ["mvn", "java"] {
            let found = Command::new(command).arg("-version").stdin(Stdio::null()).output();
            if !found.is_ok_and(|output| output.status.success()) {
                skip(&format!("{command} is not there, and Java's checker needs it"));
                return None;
            }
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("java-avro");
        let target = Path::new(target).join("java-avro");
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

    /// What a class of it prints for these lines, which are JSON as its answers are.
    ///
    /// # Panics
    ///
    /// When it ends early or prints something else.
    pub fn answers(&self, class: &str, lines: &str) -> Vec<Value> {
        let mut child = Command::new("java")
            .args(["--class-path", &self.classpath, class])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was there a moment ago");
        let mut stdin = child.stdin.take().expect("it is piped");
        let lines = lines.to_owned();
        // It answers while it reads: both pipes would be full.
        let writing = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        writing.join().expect("the thread ends").expect("it reads");
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().map(|line| serde_json::from_str(line).expect("it prints JSON")).collect()
    }
}
