//! The regular expressions by which members subscribe to topics (KIP-848).

use regex_lite::Regex;

/// A regular expression that matches whole names alone.
pub(crate) fn whole(text: &str) -> Result<Regex, regex_lite::Error> {
    // Alone first, so that what is only valid in brackets is refused.
    Regex::new(text)?;
    Regex::new(&format!("^(?:{text})$"))
}
