//! Loads the coordinators' state from their topics when a cluster starts.

use std::io;
use std::sync::Arc;

use super::{
    ClusterMarkers, OffsetsTopic, TransactionTopic, read_offsets_topic, read_transaction_topic,
};
use crate::config::Settings;
use crate::event::{Event, Events};
use crate::group::config::applied;
use crate::group::{self, GroupCoordinator, GroupEvent};
use crate::metadata::Metadata;
use crate::time::Timestamp;
use crate::txn::{self, Transaction, TransactionCoordinator};

/// Loads the groups that their coordinators had persisted.
pub(crate) fn recover_groups(
    metadata: &Arc<Metadata>,
    settings: &Settings,
    events: &Events,
    now: Timestamp,
) -> io::Result<GroupCoordinator> {
    let offsets_topic = OffsetsTopic::new(Arc::clone(metadata));
    let events = events.clone();
    let on_event = move |event: GroupEvent| {
        events.emit(|| Event::Group { group: event.group().to_owned(), what: event.to_string() });
    };
    let groups = GroupCoordinator::new(
        Arc::new(offsets_topic),
        group::Settings::chosen(settings),
        Box::new(on_event),
    );
    for (group, own) in metadata.group_overrides() {
        groups.configure(&group, Some(|all: &group::Settings| applied(&own, all)));
    }
    read_offsets_topic(metadata, |_| true, |partition, entry| groups.replay(partition, entry))?;
    groups.finish_loading(|_| true, now);
    groups.delete_offsets_of_unknown_topics(|topic| metadata.topic(topic).is_some(), now);
    Ok(groups)
}

/// Loads the transactions that their coordinators had persisted. The groups are loaded before: a
/// decided transaction may still have to commit offsets of theirs.
pub(crate) fn recover_transactions(
    metadata: &Arc<Metadata>,
    groups: &Arc<GroupCoordinator>,
    settings: &Settings,
    events: &Events,
    now: Timestamp,
) -> io::Result<TransactionCoordinator> {
    let log = TransactionTopic::new(Arc::clone(metadata));
    let markers = ClusterMarkers::new(Arc::clone(metadata), Arc::clone(groups));
    let allocating = Arc::clone(metadata);
    let events = events.clone();
    let on_change = move |transactional_id: &str, transaction: &Transaction| {
        events.emit(|| Event::Transaction {
            transactional_id: transactional_id.to_owned(),
            state: transaction.state.name(),
            producer_id: transaction.producer.id,
            producer_epoch: transaction.producer.epoch,
        });
    };
    let transactions = TransactionCoordinator::new(
        Arc::new(log),
        Arc::new(markers),
        Box::new(move || allocating.allocate_producer_id()),
        Box::new(on_change),
        txn::Settings::chosen(settings),
    );
    read_transaction_topic(metadata, |_| true, |key, value| transactions.replay(key, value))?;
    transactions.finish_loading(|_| true, now);
    Ok(transactions)
}
