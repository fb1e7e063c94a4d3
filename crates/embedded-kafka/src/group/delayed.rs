//! A response that comes later: the group keeps a [`Responder`], the request a [`Delayed`].
//!
//! A request that is dropped while it waits, because its client has disconnected, drops its half.
//! The response then goes nowhere, and nothing is left over.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The side of the request.
#[derive(Debug)]
pub(crate) struct Delayed<T>(Arc<Mutex<Option<T>>>);

/// The side of the group.
#[derive(Debug)]
pub(super) struct Responder<T>(Weak<Mutex<Option<T>>>);

impl<T> Delayed<T> {
    /// Creates a response that is still to come, and the side that completes it.
    pub(super) fn new() -> (Self, Responder<T>) {
        let slot = Arc::new(Mutex::new(None));
        let responder = Responder(Arc::downgrade(&slot));
        (Self(slot), responder)
    }

    /// Creates a response that is ready.
    pub(super) fn answered(answer: T) -> Self {
        Self(Arc::new(Mutex::new(Some(answer))))
    }

    /// Takes the response, once, if it is ready.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<T> Responder<T> {
    pub(super) fn answer(self, answer: T) {
        if let Some(slot) = self.0.upgrade() {
            *slot.lock() = Some(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_taken_once() {
        let (delayed, responder) = Delayed::new();
        assert_eq!(delayed.take(), None);
        responder.answer(7);
        assert_eq!(delayed.take(), Some(7));
        assert_eq!(delayed.take(), None);
    }

    #[test]
    fn a_response_without_a_receiver_is_no_error() {
        let (delayed, responder) = Delayed::new();
        drop(delayed);
        responder.answer(7);
    }
}
