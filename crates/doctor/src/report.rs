//! The result of all checks, for people and for programs.

use std::fmt::{self, Write};

use crate::check::{Check, Status};

/// All checks of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checks, the required ones first.
    pub checks: Vec<Check>,
}

impl Report {
    /// Returns whether nothing is missing that the workshop needs.
    pub fn is_ready(&self) -> bool {
        self.missing().is_empty()
    }

    fn missing(&self) -> Vec<&'static str> {
        let missing = self.checks.iter().filter(|check| check.status == Status::Missing);
        missing.map(|check| check.name).collect()
    }

    /// Returns the report as one object of JSON, with the fields `ready` and `checks`. A check has
    /// `name`, `status` (`ready`, `note`, `absent` or `missing`), `found`, and `remedy`, which can
    /// be null.
    pub fn to_json(&self) -> String {
        let checks: Vec<String> = self.checks.iter().map(object).collect();
        format!("{{\"ready\":{},\"checks\":[{}]}}", self.is_ready(), checks.join(","))
    }
}

fn object(check: &Check) -> String {
    let remedy = check.remedy.as_deref().map_or("null".to_owned(), quoted);
    format!(
        "{{\"name\":{},\"status\":{},\"found\":{},\"remedy\":{remedy}}}",
        quoted(check.name),
        quoted(check.status.word()),
        quoted(&check.found)
    )
}

/// Returns a string of JSON. This package has no dependency that could do it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", control as u32);
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, status, found, remedy } in &self.checks {
            writeln!(out, "{:<8} {name:<13} {found}", status.word())?;
            if let Some(remedy) = remedy {
                writeln!(out, "{:<22} -> {remedy}", "")?;
            }
        }
        match self.missing()[..] {
            [] => write!(out, "\nThis machine is ready: cargo run --example 03_producer"),
            ref missing => write!(out, "\nThis machine is not ready: {}", missing.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(status: Status) -> Report {
        let remedy = "say \"yes\"\n\\";
        let checks = vec![Check::ready("Rust", "1.95"), Check::not(status, "disk", "full", remedy)];
        Report { checks }
    }

    #[test]
    fn only_what_is_missing_makes_a_machine_unfit() {
        assert!(!report(Status::Missing).is_ready());
        for status in [Status::Note, Status::Absent] {
            assert!(report(status).is_ready());
        }
    }

    #[test]
    fn quotes_and_line_breaks_are_escaped_in_json() {
        let json = report(Status::Missing).to_json();
        let expected = r#"{"name":"disk","status":"missing","found":"full","#.to_owned()
            + r#""remedy":"say \"yes\"\u000a\\"}"#;
        assert!(json.contains(&expected), "{json}");
        assert!(json.starts_with(r#"{"ready":false,"checks":[{"name":"Rust","#), "{json}");
    }
}
