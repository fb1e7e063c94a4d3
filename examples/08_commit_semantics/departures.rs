//! The departures of the topic.

pub(crate) const DEPARTURES: usize = 12;

/// Returns the names of all departures, in their order.
pub(crate) fn flights() -> impl Iterator<Item = String> {
    (1..=DEPARTURES).map(|number| format!("WS{}", 100 + number))
}
