//! Puts one record into the client's queue, with retries where they help.
//!
//! If the queue is full, it polls to make room and retries, as often as it takes. Other queuing
//! errors may be transient, such as an unknown topic that has just been created: they are retried
//! three times, with growing waits. What was queued is never resent from here: librdkafka retries
//! by itself, in order, and a failed delivery is final.

use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

const TRIES_MORE: usize = 3;
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The outcome.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// The record is in the queue, and its delivery report will come.
    Queued,
    /// The client rejected it.
    Refused(KafkaError),
    /// The queue stayed full until it was time to give up.
    GivenUp,
}

/// The environment of the attempts.
pub(super) struct Tries<'a> {
    /// Serves delivery reports, which makes room.
    pub(super) poll: &'a dyn Fn(),
    /// Returns whether to give up on a record while the queue is full.
    pub(super) give_up: &'a dyn Fn() -> bool,
    /// The wait before each retry; [`growing_waits`] outside of tests.
    pub(super) waits: fn() -> Box<dyn Iterator<Item = Duration>>,
}

/// Waits of about 100, 200 and 400 ms, with jitter of up to the double, so that many workers that
/// failed together do not all retry together.
pub(super) fn growing_waits() -> Box<dyn Iterator<Item = Duration>> {
    let waits = ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_factor(2.0);
    Box::new(waits.with_max_times(TRIES_MORE).with_jitter().build())
}

/// Calls `send` until the record is queued or lost, and returns whether it took more than one
/// attempt.
pub(super) fn queue(
    tries: &Tries<'_>,
    mut send: impl FnMut() -> Result<(), KafkaError>,
) -> (Outcome, bool) {
    let mut waits: Option<Box<dyn Iterator<Item = Duration>>> = None;
    let mut retried = false;
    loop {
        let Err(error) = send() else {
            return (Outcome::Queued, retried);
        };
        if is_full(&error) {
            if (tries.give_up)() {
                return (Outcome::GivenUp, retried);
            }
            (tries.poll)();
        } else {
            let waits = waits.get_or_insert_with(tries.waits);
            let Some(wait) = waits.next().filter(|_| may_pass(&error)) else {
                return (Outcome::Refused(error), retried);
            };
            tracing::warn!(%error, ?wait, "a record could not be queued, and is tried again");
            thread::sleep(wait);
        }
        retried = true;
    }
}

fn is_full(error: &KafkaError) -> bool {
    *error == KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
}

/// Returns whether the client may accept the same record later.
fn may_pass(error: &KafkaError) -> bool {
    use RDKafkaErrorCode as Code;
    match error {
        KafkaError::MessageProduction(code) => {
            let lasting = [Code::MessageSizeTooLarge, Code::InvalidArgument, Code::Fatal];
            !lasting.contains(code)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn failed(code: RDKafkaErrorCode) -> KafkaError {
        KafkaError::MessageProduction(code)
    }

    fn no_waits() -> Box<dyn Iterator<Item = Duration>> {
        Box::new([Duration::ZERO; TRIES_MORE].into_iter())
    }

    /// Plays the responses of the client, and counts the sends and polls.
    fn play(answers: &[Result<(), RDKafkaErrorCode>], polls_left: u32) -> (Outcome, bool, usize) {
        let polls = Cell::new(polls_left);
        let poll = || polls.set(polls.get().saturating_sub(1));
        let give_up = || polls.get() == 0;
        let tries = Tries { poll: &poll, give_up: &give_up, waits: no_waits };
        let mut asked = 0;
        let (outcome, retried) = queue(&tries, || {
            let answer = answers[asked.min(answers.len() - 1)];
            asked += 1;
            answer.map_err(failed)
        });
        (outcome, retried, asked)
    }

    #[test]
    fn a_record_that_is_taken_at_once_is_not_retried() {
        assert_eq!(play(&[Ok(())], 1), (Outcome::Queued, false, 1));
    }

    #[test]
    fn a_full_queue_is_polled_until_there_is_room_however_long_it_takes() {
        let mut answers = vec![Err(RDKafkaErrorCode::QueueFull); 500];
        answers.push(Ok(()));
        assert_eq!(play(&answers, 1000), (Outcome::Queued, true, 501));
    }

    #[test]
    fn a_queue_that_stays_full_is_left_when_it_is_time() {
        let answers = [Err(RDKafkaErrorCode::QueueFull)];
        assert_eq!(play(&answers, 3), (Outcome::GivenUp, true, 4));
    }

    #[test]
    fn an_error_that_may_pass_is_tried_three_times_more() {
        let unknown = RDKafkaErrorCode::UnknownTopic;
        let answers = [Err(unknown), Err(unknown), Err(unknown), Ok(())];
        assert_eq!(play(&answers, 1), (Outcome::Queued, true, 4));
        let refused = Outcome::Refused(failed(unknown));
        assert_eq!(play(&[Err(unknown)], 1), (refused, true, 4));
    }

    #[test]
    fn an_error_that_lasts_is_not_tried_again() {
        for code in [RDKafkaErrorCode::MessageSizeTooLarge, RDKafkaErrorCode::Fatal] {
            assert_eq!(play(&[Err(code)], 1), (Outcome::Refused(failed(code)), false, 1));
        }
    }

    #[test]
    fn waits_double_and_differ_by_chance() {
        let runs: Vec<Vec<Duration>> = (0..20).map(|_| growing_waits().collect()).collect();
        for waits in &runs {
            assert_eq!(waits.len(), 3);
            for (wait, least) in waits.iter().zip([100, 200, 400]) {
                let range = Duration::from_millis(least)..=Duration::from_millis(2 * least);
                assert!(range.contains(wait), "{waits:?}");
            }
        }
        assert!(runs.windows(2).any(|pair| pair[0] != pair[1]), "all alike: {:?}", runs[0]);
    }
}
