//! The events of the cluster, as one stream. Logs, `WORKSHOP_WIRE=1` and tests read it instead of
//! the state.
//!
//! With no one listening an event costs one atomic load.

use std::fmt;
use std::time::Duration;

use tokio::sync::broadcast;

/// The number of events that a listener may be behind before the oldest are dropped for it.
const BEHIND_AT_MOST: usize = 4096;

/// An event of the cluster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A node responded to a request.
    ResponseSent {
        /// The node that responded.
        node: i32,
        /// The client's name for itself (`client.id`).
        client_id: String,
        /// The API's name in the protocol, such as `JoinGroup`.
        api: &'static str,
        /// The version of the API that the client chose.
        version: i16,
        /// The request in a few words; empty if the name says it all.
        request: String,
        /// The response in a few words.
        response: String,
        /// The time until the response, waiting included.
        elapsed: Duration,
    },
    /// A topic was created.
    TopicCreated {
        /// The topic's name.
        topic: String,
        /// The number of its partitions.
        partitions: usize,
    },
    /// A topic was deleted.
    TopicDeleted {
        /// The topic's name.
        topic: String,
    },
    /// An event of a consumer group: a member joined or left, a rebalance began or ended.
    Group {
        /// The group's id.
        group: String,
        /// The event in words.
        what: String,
    },
    /// A transaction changed its state: it was begun, decided or completed.
    Transaction {
        /// The name that its producer gave itself (`transactional.id`).
        transactional_id: String,
        /// The state under Kafka's name, such as `PrepareCommit`.
        state: &'static str,
        /// The producer id.
        producer_id: i64,
        /// The producer's epoch.
        producer_epoch: i16,
    },
    /// A node was killed, shut down or started.
    Node {
        /// The node's id.
        node: i32,
        /// The change.
        what: &'static str,
    },
    /// A partition has another leader, or none.
    LeaderMoved {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// The leader before.
        from: Option<i32>,
        /// The new leader.
        to: Option<i32>,
        /// The new leader epoch.
        epoch: i32,
    },
    /// The in-sync replicas of a partition have changed.
    InSyncChanged {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// The nodes whose replicas are in sync (ISR).
        in_sync: Vec<i32>,
    },
    /// The listener was too slow, and the cluster did not wait for it.
    Missed {
        /// The number of events that it missed.
        events: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseSent { node, client_id, api, version, request, response, elapsed } => {
                write!(f, "node {node} <- {client_id}: {api} v{version}")?;
                if !request.is_empty() {
                    write!(f, " {request}")?;
                }
                if !response.is_empty() {
                    write!(f, " -> {response}")?;
                }
                write!(f, " ({:.1} ms)", elapsed.as_secs_f64() * 1000.0)
            }
            Self::TopicCreated { topic, partitions } => {
                write!(f, "topic {topic} created, {partitions} partition(s)")
            }
            Self::TopicDeleted { topic } => write!(f, "topic {topic} deleted"),
            Self::Group { group, what } => write!(f, "group {group}: {what}"),
            Self::Transaction { transactional_id, state, producer_id, producer_epoch } => write!(
                f,
                "transaction {transactional_id}: {state} (producer {producer_id}, epoch {producer_epoch})"
            ),
            Self::Node { node, what } => write!(f, "node {node} {what}"),
            Self::LeaderMoved { topic, partition, to, epoch, .. } => match to {
                Some(to) => write!(f, "{topic}/{partition}: node {to} leads (epoch {epoch})"),
                None => write!(f, "{topic}/{partition}: no leader (epoch {epoch})"),
            },
            Self::InSyncChanged { topic, partition, in_sync } => {
                write!(f, "{topic}/{partition}: in sync are {in_sync:?}")
            }
            Self::Missed { events } => write!(f, "{events} events were missed"),
        }
    }
}

/// The sender of events, for the state machines.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    sender: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BEHIND_AT_MOST) }
    }

    /// Returns whether there is a listener: code whose event is costly to describe checks this
    /// first.
    pub(crate) fn are_heard(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if self.are_heard() {
            // The last listener may leave between the two lines, and then no one misses the event.
            let _ = self.sender.send(event());
        }
    }

    pub(crate) fn listen(&self) -> EventReceiver {
        EventReceiver { receiver: self.sender.subscribe() }
    }
}

/// A listener's end of the stream of events.
#[derive(Debug)]
pub struct EventReceiver {
    receiver: broadcast::Receiver<Event>,
}

impl EventReceiver {
    /// Waits for the next event, or `None` once the cluster has stopped.
    pub async fn recv(&mut self) -> Option<Event> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(events)) => Some(Event::Missed { events }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_slow_listener_learns_how_many_events_it_missed() {
        let events = Events::new();
        let mut receiver = events.listen();
        for _ in 0..=BEHIND_AT_MOST {
            events.emit(|| Event::TopicDeleted { topic: "t".into() });
        }
        assert!(matches!(receiver.recv().await, Some(Event::Missed { events: 1 })));
        assert!(matches!(receiver.recv().await, Some(Event::TopicDeleted { .. })));
    }

    #[test]
    fn an_event_without_a_listener_is_not_even_created() {
        Events::new().emit(|| unreachable!("no listener exists"));
    }
}
