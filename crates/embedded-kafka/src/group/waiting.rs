//! An answer that comes later: the group keeps a [`Waiter`], the request a [`Ticket`].
//!
//! A request that is dropped while it waits (its client has gone) takes its ticket along; the
//! answer to it then goes nowhere, and nothing is left behind.

use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// The side that waits.
#[derive(Debug)]
pub(crate) struct Ticket<T>(Arc<Mutex<Option<T>>>);

/// The side that answers.
#[derive(Debug)]
pub(super) struct Waiter<T>(Weak<Mutex<Option<T>>>);

impl<T> Ticket<T> {
    /// A ticket with its answer still to come, and who is to give it.
    pub(super) fn new() -> (Self, Waiter<T>) {
        let slot = Arc::new(Mutex::new(None));
        let waiter = Waiter(Arc::downgrade(&slot));
        (Self(slot), waiter)
    }

    /// A ticket that is answered already.
    pub(super) fn answered(answer: T) -> Self {
        Self(Arc::new(Mutex::new(Some(answer))))
    }

    /// The answer, once, if it is there.
    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().take()
    }
}

impl<T> Waiter<T> {
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
    fn an_answer_is_taken_once() {
        let (ticket, waiter) = Ticket::new();
        assert_eq!(ticket.take(), None);
        waiter.answer(7);
        assert_eq!(ticket.take(), Some(7));
        assert_eq!(ticket.take(), None);
    }

    #[test]
    fn an_answer_to_nobody_is_no_error() {
        let (ticket, waiter) = Ticket::new();
        drop(ticket);
        waiter.answer(7);
    }
}
