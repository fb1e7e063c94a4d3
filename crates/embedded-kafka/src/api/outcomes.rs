//! Responses in a few words, for the log of the wire: errors, each with its place, and successes.
//!
//! Every error of a response is shown, and with it the member of a group with its generation or
//! epoch, or the producer with its own, that received it.

use std::fmt::{Display, Write};

use kafka_protocol::ResponseError;

use super::words::{Asked, list};

/// One outcome in a response.
struct Outcome {
    /// The partition or member that it is about. Empty for the response as a whole.
    place: String,
    error: Option<ResponseError>,
    /// The words for a success; empty if there is nothing to say.
    fine: String,
}

/// All outcomes in a response.
#[derive(Default)]
pub(super) struct Outcomes(Vec<Outcome>);

impl Outcomes {
    /// Takes the outcome of the whole response, and says `fine` if there is no error.
    pub(super) fn of(code: i16, fine: impl FnOnce() -> String) -> Self {
        let mut outcomes = Self::default();
        outcomes.add("", code, fine);
        outcomes
    }

    /// Takes the error code of the whole response.
    pub(super) fn whole(code: i16) -> Self {
        Self::of(code, String::new)
    }

    /// Takes the outcomes of what a response lists: place, error code, and the words for a success.
    pub(super) fn each<Place: Display>(
        outcomes: impl IntoIterator<Item = (Place, i16, String)>,
    ) -> Self {
        let mut all = Self::default();
        for (place, code, fine) in outcomes {
            all.add(place, code, || fine);
        }
        all
    }

    /// Takes the error codes of what a response lists, each with its place.
    pub(super) fn listed<Place: Display>(outcomes: impl Iterator<Item = (Place, i16)>) -> Self {
        Self::each(outcomes.map(|(place, code)| (place, code, String::new())))
    }

    /// Takes the error codes of partitions. `read` returns a topic's name, and index and error code
    /// of each of its partitions.
    pub(super) fn partitions<'a, Topic, Partitions: Iterator<Item = (i32, i16)>>(
        topics: &'a [Topic],
        read: impl Fn(&'a Topic) -> (String, Partitions),
    ) -> Self {
        Self::listed(topics.iter().flat_map(|topic| {
            let (name, partitions) = read(topic);
            partitions.map(move |(index, code)| (format!("{name}/{index}"), code))
        }))
    }

    /// Takes the error codes of topics, each with those of its partitions.
    pub(super) fn topics<Partitions: Iterator<Item = (i32, i16)>>(
        topics: impl Iterator<Item = (String, i16, Partitions)>,
    ) -> Self {
        topics.fold(Self::default(), |outcomes, (name, code, partitions)| {
            let partitions = partitions.map(|(index, code)| (format!("{name}/{index}"), code));
            outcomes
                .and(Self::listed([(name.as_str(), code)].into_iter()))
                .and(Self::listed(partitions))
        })
    }

    fn add(&mut self, place: impl Display, code: i16, fine: impl FnOnce() -> String) {
        let error = ResponseError::try_from_code(code);
        let fine = if error.is_none() { fine() } else { String::new() };
        self.0.push(Outcome { place: place.to_string(), error, fine });
    }

    /// Adds more outcomes after these.
    pub(super) fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Puts the subject of these outcomes in front of each.
    pub(super) fn about(mut self, what: &str) -> Self {
        for outcome in &mut self.0 {
            outcome.place = match outcome.place.as_str() {
                "" => what.to_owned(),
                place => format!("{what} {place}"),
            };
        }
        self
    }

    /// Describes the response in words, and if it has an error, the sender of the request.
    pub(super) fn in_words(&self, asked: &Asked) -> String {
        let mut words = self.list();
        if self.0.iter().any(|outcome| outcome.error.is_some()) && !asked.who.is_empty() {
            // Writing into a String cannot fail.
            let _ = write!(words, ", {}", asked.who);
        }
        words
    }

    /// Lists errors first, so that no success crowds them out. The request names the subject of a
    /// single outcome already.
    fn list(&self) -> String {
        let is_single = self.0.iter().filter(|it| !it.place.is_empty()).count() == 1;
        let errors = self.0.iter().filter_map(|outcome| {
            let error = outcome.error?;
            let words = format!("{error} ({})", error.code());
            let place = Some(&outcome.place).filter(|place| !is_single && !place.is_empty());
            Some(place.map_or_else(|| words.clone(), |place| format!("{place}: {words}")))
        });
        let fine = self.0.iter().map(|it| it.fine.clone()).filter(|fine| !fine.is_empty());
        list(errors.chain(fine))
    }
}
