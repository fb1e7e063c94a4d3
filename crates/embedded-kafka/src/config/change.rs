//! Changes of a topic's settings: all at once (AlterConfigs) or one by one
//! (IncrementalAlterConfigs, KIP-339).

use std::collections::BTreeSet;

use kafka_protocol::ResponseError;

use super::kinds;
use super::topic_config::TopicConfig;
use super::topic_settings::topic_setting;
use crate::rejection::Rejection;

/// The operation of an incremental change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Sets a value.
    Set,
    /// Restores the default.
    Delete,
    /// Adds the elements that a list lacks.
    Append,
    /// Removes elements of a list.
    Subtract,
}

impl Operation {
    /// Returns the operation by its number in IncrementalAlterConfigs.
    pub(crate) fn from_id(id: i8) -> Option<Self> {
        match id {
            0 => Some(Self::Set),
            1 => Some(Self::Delete),
            2 => Some(Self::Append),
            3 => Some(Self::Subtract),
            _ => None,
        }
    }
}

/// One incremental change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    pub(crate) name: &'a str,
    /// The operation, `None` if the request has one that does not exist.
    pub(crate) operation: Option<Operation>,
    pub(crate) value: Option<&'a str>,
}

/// Checks what is invalid for any resource: duplicate names, and nulls instead of values.
///
/// `entries` has each name, and whether its value is missing.
///
/// # Errors
///
/// INVALID_REQUEST.
pub(crate) fn check_entries<'a>(
    entries: impl IntoIterator<Item = (&'a str, bool)>,
) -> Result<(), Rejection> {
    let (mut names, mut nulls, mut doubled) = (BTreeSet::new(), Vec::new(), false);
    for (name, is_null) in entries {
        doubled |= !names.insert(name);
        if is_null {
            nulls.push(name);
        }
    }
    if doubled {
        return Err(Rejection::invalid_request("Error due to duplicate config keys"));
    }
    if nulls.is_empty() {
        return Ok(());
    }
    let message = format!("Null value not supported for : {}", nulls.join(", "));
    Err(Rejection::invalid_request(message))
}

impl TopicConfig {
    /// Returns the settings after some incremental changes: all of them, or none if one is
    /// rejected.
    ///
    /// # Errors
    ///
    /// INVALID_REQUEST for duplicate names and nulls, INVALID_CONFIG for values and for list
    /// operations on other types, UNKNOWN_SERVER_ERROR for an operation that does not exist.
    pub(crate) fn changed(&self, changes: &[Change<'_>]) -> Result<Self, Rejection> {
        check_entries(changes.iter().map(|change| {
            (change.name, change.value.is_none() && change.operation != Some(Operation::Delete))
        }))?;
        let mut overrides = self.overrides().clone();
        for change in changes {
            let Some(operation) = change.operation else {
                let error = ResponseError::UnknownServerError;
                return Err(Rejection { code: error, message: error.to_string() });
            };
            let value = match operation {
                Operation::Delete => {
                    overrides.remove(change.name);
                    continue;
                }
                Operation::Set => change.value.unwrap_or_default().to_owned(),
                Operation::Append => self.edited_list(change, "APPEND", appended)?,
                Operation::Subtract => self.edited_list(change, "SUBTRACT", subtracted)?,
            };
            overrides.insert(change.name.to_owned(), value);
        }
        Self::from_overrides(overrides, self.inherited.clone())
    }

    fn edited_list(
        &self,
        change: &Change<'_>,
        verb: &str,
        edit: for<'a> fn(Vec<&'a str>, &[&'a str]) -> String,
    ) -> Result<String, Rejection> {
        match topic_setting(change.name).filter(|setting| setting.kind.is_list()) {
            Some(setting) => {
                // Kafka begins with its own default, whatever the broker's default.
                let own = self.overrides().get(setting.name).map(String::as_str);
                let now = kinds::elements(own.unwrap_or(setting.default));
                // An empty text is one empty element here, which no list accepts.
                let given = change.value.unwrap_or_default().split(',').map(str::trim);
                Ok(edit(now, &given.collect::<Vec<_>>()))
            }
            None => Err(Rejection::invalid_config(format!(
                "Can't {verb} to key {} because its type is not LIST.",
                change.name
            ))),
        }
    }
}

fn appended<'a>(mut all: Vec<&'a str>, given: &[&'a str]) -> String {
    for element in given {
        if !all.contains(element) {
            all.push(element);
        }
    }
    all.join(",")
}

fn subtracted(mut now: Vec<&str>, given: &[&str]) -> String {
    now.retain(|element| !given.contains(element));
    now.join(",")
}
