//! What a response says, as it is put together: errors, each with its place, and what went well.

use std::fmt::Display;

use kafka_protocol::ResponseError;

use super::list;

/// One outcome that a response tells.
struct Outcome {
    /// What it is about: a partition, a member. Empty for the response as a whole.
    place: String,
    error: Option<ResponseError>,
    /// What to say where there is no error; nothing where that is empty.
    fine: String,
}

/// All that a response says.
#[derive(Default)]
pub(super) struct Said(Vec<Outcome>);

impl Said {
    /// The outcome of the whole.
    pub(super) fn of(code: i16, fine: impl FnOnce() -> String) -> Self {
        let mut said = Self::default();
        said.add("", code, fine);
        said
    }

    /// The outcomes of what a response lists.
    pub(super) fn each<Place: Display>(
        outcomes: impl IntoIterator<Item = (Place, i16, String)>,
    ) -> Self {
        let mut said = Self::default();
        for (place, code, fine) in outcomes {
            said.add(place, code, || fine);
        }
        said
    }

    fn add(&mut self, place: impl Display, code: i16, fine: impl FnOnce() -> String) {
        let error = ResponseError::try_from_code(code);
        let fine = if error.is_none() { fine() } else { String::new() };
        self.0.push(Outcome { place: place.to_string(), error, fine });
    }

    /// What is said here, and then what is said there.
    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// The same, with what it is about in front.
    pub(super) fn about(mut self, what: &str) -> Self {
        for outcome in &mut self.0 {
            outcome.place = match outcome.place.as_str() {
                "" => what.to_owned(),
                place => format!("{what} {place}"),
            };
        }
        self
    }

    pub(super) fn has_errors(&self) -> bool {
        self.0.iter().any(|outcome| outcome.error.is_some())
    }

    /// Errors first, so that none is left out for what went well. The request says already what a
    /// single outcome is about.
    pub(super) fn in_words(&self) -> String {
        let is_single = self.0.iter().filter(|it| !it.place.is_empty()).count() == 1;
        let refused = self.0.iter().filter_map(|outcome| {
            let error = outcome.error?;
            let words = format!("{error} ({})", error.code());
            let place = Some(&outcome.place).filter(|place| !is_single && !place.is_empty());
            Some(place.map_or_else(|| words.clone(), |place| format!("{place}: {words}")))
        });
        let fine = self.0.iter().map(|it| it.fine.clone()).filter(|fine| !fine.is_empty());
        list(refused.chain(fine))
    }
}
