//! What happens in the cluster, as one stream: logs, `WORKSHOP_WIRE=1` and tests read it, and
//! nobody else looks into the state.
//!
//! With no one listening an event costs one atomic load.

use std::fmt;
use std::time::Duration;

use tokio::sync::broadcast;

/// How many events a listener may be behind before the oldest are dropped for it.
const BEHIND_AT_MOST: usize = 4096;

/// One thing that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A node answered a request.
    RequestAnswered {
        /// The node that answered.
        node: i32,
        /// The client's name for itself (`client.id`).
        client_id: String,
        /// The API's name in the protocol, such as `JoinGroup`.
        api: &'static str,
        /// The version of the API that the client chose.
        version: i16,
        /// What was asked, in a few words; empty where the name says it all.
        request: String,
        /// What was answered, in a few words.
        response: String,
        /// How long the answer took, waiting included.
        elapsed: Duration,
    },
    /// A topic exists now.
    TopicCreated {
        /// The topic's name.
        topic: String,
        /// How many partitions it has.
        partitions: usize,
    },
    /// A topic is gone.
    TopicDeleted {
        /// The topic's name.
        topic: String,
    },
    /// Something happened in a consumer group: a member joined or left, a rebalance began or ended.
    Group {
        /// The group's id.
        group: String,
        /// What happened.
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
        /// What happened to it.
        what: &'static str,
    },
    /// A partition has another leader, or none.
    LeaderMoved {
        /// The topic's name.
        topic: String,
        /// The partition.
        partition: i32,
        /// Who led before.
        from: Option<i32>,
        /// Who leads now.
        to: Option<i32>,
        /// The leader epoch from now on.
        epoch: i32,
    },
    /// The replicas of a partition that are in sync are others than before.
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
        /// How many events are lost to it.
        events: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestAnswered { node, client_id, api, version, request, response, elapsed } => {
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
                None => write!(f, "{topic}/{partition}: nobody leads (epoch {epoch})"),
            },
            Self::InSyncChanged { topic, partition, in_sync } => {
                write!(f, "{topic}/{partition}: in sync are {in_sync:?}")
            }
            Self::Missed { events } => write!(f, "{events} events passed by unseen"),
        }
    }
}

/// Where the state machines report what happened.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    sender: broadcast::Sender<Event>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(BEHIND_AT_MOST) }
    }

    /// Whether anybody listens: an event that costs something to put into words asks first.
    pub(crate) fn are_heard(&self) -> bool {
        self.sender.receiver_count() > 0
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> Event) {
        if self.are_heard() {
            // The last listener may go between the two lines, and then nobody is there to miss it.
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
    /// The next event, or `None` once the cluster is gone.
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
    async fn a_listener_that_is_too_slow_is_told_how_much_it_missed() {
        let events = Events::new();
        let mut receiver = events.listen();
        for _ in 0..=BEHIND_AT_MOST {
            events.emit(|| Event::TopicDeleted { topic: "t".into() });
        }
        assert!(matches!(receiver.recv().await, Some(Event::Missed { events: 1 })));
        assert!(matches!(receiver.recv().await, Some(Event::TopicDeleted { .. })));
    }

    #[test]
    fn an_event_that_nobody_hears_is_not_even_made() {
        Events::new().emit(|| unreachable!("nobody listens"));
    }
}
