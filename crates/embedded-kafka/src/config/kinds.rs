//! The types of settings: values are parsed as Kafka parses them, and rejected with Kafka's
//! messages.

/// The kind of a setting's value, with its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// `true` or `false`, in any case.
    Boolean,
    /// A 32-bit number from the first to the second.
    Int(i32, i32),
    /// A 64-bit number from the first on.
    Long(i64),
    /// A fraction from 0 to 1.
    Ratio,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A list, separated by commas, of some words. Duplicates are dropped.
    Choices(&'static [&'static str]),
    /// `*`, or a list of `partition:broker`.
    Replicas,
    /// A gzip level: 1 to 9, or −1 for zlib's own choice.
    GzipLevel,
    /// A 16-bit number.
    Short,
    /// Any fraction.
    Double,
    /// A list of any texts.
    Texts,
    /// Any text.
    Text,
    /// The name of a Java class.
    Class,
    /// A secret, which is never shown.
    Password,
}

impl Kind {
    /// Returns the type's number in DescribeConfigs (KIP-226).
    pub(crate) fn type_id(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::Choice(_) | Self::Text => 2,
            Self::Int(..) | Self::GzipLevel => 3,
            Self::Short => 4,
            Self::Long(_) => 5,
            Self::Ratio | Self::Double => 6,
            Self::Choices(_) | Self::Replicas | Self::Texts => 7,
            Self::Class => 8,
            Self::Password => 9,
        }
    }

    /// Returns whether the type supports APPEND and SUBTRACT.
    pub(crate) fn is_list(self) -> bool {
        self.type_id() == 7
    }

    /// Normalizes a value, as Kafka shows it.
    ///
    /// # Errors
    ///
    /// Kafka's message, if the setting `name` does not accept the value.
    pub(crate) fn normalize(self, name: &str, value: &str) -> Result<String, String> {
        let trimmed = value.trim_matches(|c: char| c <= ' ');
        let invalid = |shown: &str, why: &str| {
            Err(format!("Invalid value {shown} for configuration {name}: {why}"))
        };
        match self {
            Self::Boolean if trimmed.eq_ignore_ascii_case("true") => Ok("true".to_owned()),
            Self::Boolean if trimmed.eq_ignore_ascii_case("false") => Ok("false".to_owned()),
            Self::Boolean => invalid(value, "Expected value to be either true or false"),
            Self::Int(least, most) => match trimmed.parse::<i32>() {
                Err(_) => invalid(value, "Not a number of type INT"),
                Ok(n) if n < least => at_least(name, n, least),
                Ok(n) if n > most => at_most(name, n, most),
                Ok(n) => Ok(n.to_string()),
            },
            Self::GzipLevel => match trimmed.parse::<i32>() {
                Err(_) => invalid(value, "Not a number of type INT"),
                Ok(n) if n == -1 || (1..=9).contains(&n) => Ok(n.to_string()),
                Ok(n) => invalid(&n.to_string(), "Value must be between 1 and 9 or equal to -1"),
            },
            Self::Long(least) => match trimmed.parse::<i64>() {
                Err(_) => invalid(value, "Not a number of type LONG"),
                Ok(n) if n < least => at_least(name, n, least),
                Ok(n) => Ok(n.to_string()),
            },
            Self::Ratio => match parse_double(trimmed) {
                None => invalid(value, "Not a number of type DOUBLE"),
                Some(n) if n < 0.0 => at_least(name, java_double(n), 0),
                Some(n) if n > 1.0 => at_most(name, java_double(n), 1),
                Some(n) => Ok(java_double(n)),
            },
            Self::Choice(choices) if choices.contains(&trimmed) => Ok(trimmed.to_owned()),
            Self::Choice(choices) => invalid(trimmed, &one_of(choices)),
            Self::Choices(choices) => normalize_choices(name, trimmed, choices),
            Self::Replicas => normalize_replicas(name, trimmed),
            Self::Short => match trimmed.parse::<i16>() {
                Err(_) => invalid(value, "Not a number of type SHORT"),
                Ok(n) => Ok(n.to_string()),
            },
            Self::Double => match parse_double(trimmed) {
                None => invalid(value, "Not a number of type DOUBLE"),
                Some(n) => Ok(java_double(n)),
            },
            Self::Class => invalid(trimmed, &format!("Class {trimmed} could not be found.")),
            Self::Texts => normalize_texts(name, trimmed),
            Self::Text => Ok(trimmed.to_owned()),
            Self::Password => Ok(value.to_owned()),
        }
    }
}

/// Returns the elements of a list in the notation of a setting.
pub(crate) fn elements(list: &str) -> Vec<&str> {
    let list = list.trim();
    if list.is_empty() { Vec::new() } else { list.split(',').map(str::trim).collect() }
}

fn normalize_choices(name: &str, list: &str, choices: &[&str]) -> Result<String, String> {
    let mut kept: Vec<&str> = Vec::new();
    for element in elements(list) {
        if element.is_empty() {
            return Err(format!("Configuration '{name}' values must not be empty."));
        }
        if !choices.contains(&element) {
            let why = one_of(choices);
            return Err(format!("Invalid value {element} for configuration {name}: {why}"));
        }
        if !kept.contains(&element) {
            kept.push(element);
        }
    }
    Ok(kept.join(","))
}

fn normalize_texts(name: &str, list: &str) -> Result<String, String> {
    let elements = elements(list);
    if elements.contains(&"") {
        return Err(format!("Configuration '{name}' values must not be empty."));
    }
    Ok(elements.join(","))
}

fn normalize_replicas(name: &str, list: &str) -> Result<String, String> {
    let replicas = elements(list);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_replica = |text: &&str| {
        text.is_empty()
            || text
                .split_once(':')
                .is_some_and(|(partition, broker)| is_number(partition) && is_number(broker))
    };
    if replicas.concat() == "*" || replicas.iter().all(is_replica) {
        return Ok(replicas.join(","));
    }
    Err(format!(
        "Invalid value [{}] for configuration {name}: {name} must be the literal '*' or a list of \
         replicas in the following format: \
         [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        replicas.join(", ")
    ))
}

fn one_of(choices: &[&str]) -> String {
    format!("String must be one of: {}", choices.join(", "))
}

fn at_least<T>(
    name: &str,
    value: impl std::fmt::Display,
    least: impl std::fmt::Display,
) -> Result<T, String> {
    Err(format!("Invalid value {value} for configuration {name}: Value must be at least {least}"))
}

fn at_most<T>(
    name: &str,
    value: impl std::fmt::Display,
    most: impl std::fmt::Display,
) -> Result<T, String> {
    Err(format!(
        "Invalid value {value} for configuration {name}: Value must be no more than {most}"
    ))
}

/// Returns a number as Java's `Double.parseDouble` reads it: with `NaN` and `Infinity` in that
/// spelling only, and with the suffix of a Java literal.
fn parse_double(text: &str) -> Option<f64> {
    let word = text.strip_prefix(['+', '-']).unwrap_or(text);
    if word != "NaN" && word != "Infinity" {
        let number = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        return if number.bytes().all(is_part) { number.parse().ok() } else { None };
    }
    text.parse().ok()
}

/// Returns a number as Java's `Double.toString` writes it.
fn java_double(number: f64) -> String {
    let plain = (1e-3..1e7).contains(&number.abs()) || number == 0.0;
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if plain {
        return format!("{number:?}");
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}
