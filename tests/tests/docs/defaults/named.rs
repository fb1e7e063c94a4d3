//! The defaults that a page names, in tables of settings and in sentences.

use std::sync::LazyLock;

use regex_lite::Regex;

/// Whose default a page names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Client,
    Topic,
    Broker,
    /// The text does not say: it must be the default of one of them.
    Any,
}

/// A default that a page names.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) place: String,
    pub(super) of: Of,
    pub(super) name: String,
    pub(super) value: String,
    /// What the page recommends, where it does.
    pub(super) recommended: Option<String>,
}

/// The value that a cell or a sentence begins with: a code, a number, `none` or `no limit`. A cell
/// with other words names no value, and is empty.
pub(super) fn value_in(text: &str) -> String {
    let text = text.trim().trim_start_matches("**");
    if let Some((code, _)) = text.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        return code.to_owned();
    }
    if text.starts_with("no limit") {
        return "no limit".to_owned();
    }
    let word = text.split_whitespace().next().unwrap_or_default();
    let word = word.trim_end_matches("**").trim_end_matches([',', ';', ':', '.']);
    let number = word.replace(',', "").replace('−', "-");
    let is_number = number.parse::<f64>().is_ok();
    if is_number || word == "none" { number } else { String::new() }
}

/// The names of settings in a cell: codes of lower-case words with dots, and the few without.
fn names_in(cell: &str) -> Vec<String> {
    let is_name = |code: &&str| {
        let words = code.chars().all(|c| c.is_ascii_lowercase() || c == '.');
        words && (code.contains('.') || matches!(*code, "acks" | "retries" | "partitioner"))
    };
    let codes = cell.split('`').skip(1).step_by(2);
    codes.filter(is_name).map(str::to_owned).collect()
}

pub(super) fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// Whose default a row has: what its table says of the setting, of the values, and its first cell.
fn of_row(whose: &str, values: &str, setting: &str) -> Of {
    if whose.contains("broker") {
        Of::Broker
    } else if whose.contains("topic") || setting.ends_with("(topic)") {
        Of::Topic
    } else if values == "librdkafka" || whose == "producer" {
        Of::Client
    } else {
        Of::Any
    }
}

/// The defaults in a page's tables of settings: those whose first column is headed so, and which
/// have a column for librdkafka, for Apache Kafka or for the default.
pub(super) fn in_tables(page: &str, text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut header: Vec<&str> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if !line.starts_with('|') {
            header.clear();
            continue;
        }
        let row = cells(line);
        if header.is_empty() {
            header = row;
            continue;
        }
        let column = |name: &str| header.iter().position(|it| *it == name);
        let values = ["librdkafka", "Apache Kafka", "Default"].map(column);
        let Some(values) = values.into_iter().flatten().next() else { continue };
        if !header[0].starts_with("Setting") {
            continue;
        }
        let whose = column("Whose").map_or(header[0], |column| row[column]);
        let of = of_row(whose, header[values], row[0]);
        let recommended = column("Recommendation").map(|column| value_in(row[column]));
        found.extend(names_in(row[0]).into_iter().map(|name| Named {
            place: format!("{page}:{}", index + 1),
            of,
            name,
            value: value_in(row[values]),
            recommended: recommended.clone(),
        }));
    }
    found
}

/// The sentences that name a default, each with the name and the value as groups.
static SENTENCES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"`(?<name>[a-z.]+)`(?: of [a-z ]+)? \(default (?<value>[^)]+)\)",
        r"`(?<name>[a-z.]+)` \((?<value>[0-9,]+)\)",
        r"\(`(?<name>[a-z.]+)`, default (?<value>[^)]+)\)",
        r"`(?<name>[a-z.]+)`, (?<value>on|off) by default",
        r"(?<value>[0-9]+ s) by default \(`(?<name>[a-z.]+)`\)",
        r"(?<value>there is none) by default.*?`(?<name>[a-z.]+)`",
    ];
    patterns.map(|pattern| Regex::new(pattern).expect("the pattern is valid")).into()
});

pub(super) fn in_sentences(page: &str, text: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let is_code = |line: &str| line.trim_start().starts_with("```");
    let mut inside_code = false;
    for (index, line) in text.lines().enumerate() {
        inside_code ^= is_code(line);
        if inside_code {
            continue;
        }
        for captured in SENTENCES.iter().flat_map(|sentence| sentence.captures_iter(line)) {
            let value = match &captured["value"] {
                "on" => "true".to_owned(),
                "off" => "false".to_owned(),
                seconds if seconds.ends_with(" s") => {
                    format!("{}000", &seconds[..seconds.len() - 2])
                }
                other => value_in(other),
            };
            let (place, name) = (format!("{page}:{}", index + 1), captured["name"].to_owned());
            found.push(Named { place, of: Of::Any, name, value, recommended: None });
        }
    }
    found
}
