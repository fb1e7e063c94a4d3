//! Regular expressions in members' subscriptions to topics (KIP-848).

use regex_lite::Regex;

/// Returns a regular expression that matches whole names alone.
pub(crate) fn whole(text: &str) -> Result<Regex, regex_lite::Error> {
    // Compiled alone first, so that an expression that is valid only in brackets is rejected.
    Regex::new(text)?;
    Regex::new(&format!("^(?:{text})$"))
}
