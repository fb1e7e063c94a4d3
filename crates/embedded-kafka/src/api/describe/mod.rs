//! Requests and responses in a few words, for those who watch the wire. Only made when somebody
//! listens.
//!
//! An error is always shown, wherever in a response it is, and with it whom it was told: the member of
//! a group with its generation or epoch, or the producer with its own.

mod requests;
mod responses;
mod said;
#[cfg(test)]
mod tests;
mod who;

use std::any::Any;
use std::fmt::Write;

/// A request in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// What is asked.
    pub(super) words: String,
    /// Who asks, empty where nobody in particular does.
    who: String,
}

/// What is asked, and by whom.
pub(super) fn request(request: &dyn Any) -> Asked {
    Asked { words: requests::in_words(request), who: who::asks(request) }
}

/// What is answered: the errors, and the one thing that a reader wants to know.
pub(super) fn response(response: &dyn Any, asked: &Asked) -> String {
    let said = responses::said(response);
    let is_refused = said.has_errors();
    let mut words = said.in_words();
    if is_refused && !asked.who.is_empty() {
        // Writing into a String cannot fail.
        let _ = write!(words, ", {}", asked.who);
    }
    words
}

/// The first few of many, separated by commas.
fn list(items: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 6;
    let mut text = String::new();
    let mut count = 0;
    for item in items {
        if count < SHOWN {
            let separator = if count == 0 { "" } else { ", " };
            // Writing into a String cannot fail.
            let _ = write!(text, "{separator}{item}");
        }
        count += 1;
    }
    if count > SHOWN {
        let _ = write!(text, ", and {} more", count - SHOWN);
    }
    text
}
