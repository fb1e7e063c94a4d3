//! Transactions, request by request: what the coordinator answers in each state of a transaction.

use kafka_protocol::messages::{
    DescribeTransactionsRequest, FindCoordinatorRequest, ListTransactionsRequest, ProducerId,
    TransactionalId,
};
use workshop_tests::batch::{Batch, TRANSACTIONAL};
use workshop_tests::errors::{
    CONCURRENT_TRANSACTIONS, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING, INVALID_REQUEST,
    INVALID_TRANSACTION_TIMEOUT, INVALID_TXN_STATE, NOT_COORDINATOR, OPERATION_NOT_ATTEMPTED,
    PRODUCER_FENCED, TOPIC_AUTHORIZATION_FAILED, TRANSACTIONAL_ID_NOT_FOUND,
    UNKNOWN_TOPIC_OR_PARTITION,
};
use workshop_tests::requests::{produce, text};
use workshop_tests::transactions::{
    Producer, Transactional, add_offsets, add_partitions, commit, end, initialize,
};
use workshop_tests::{TestCluster, eventually};

const NO_PRODUCER: Producer = (-1, -1);

/// (error, state, start time is known, (topic, partitions)) of an id.
fn described(it: &mut Transactional) -> (i16, String, bool, Vec<(String, Vec<i32>)>) {
    let ids = vec![TransactionalId(text(&it.id))];
    let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
    let found = it.coordinator.call(0, &request).transaction_states.remove(0);
    let mut topics: Vec<_> =
        found.topics.into_iter().map(|topic| (topic.topic.to_string(), topic.partitions)).collect();
    topics.iter_mut().for_each(|(_, partitions)| partitions.sort_unstable());
    topics.sort();
    let state = found.transaction_state.to_string();
    (found.error_code, state, found.transaction_start_time_ms >= 0, topics)
}

#[tokio::test]
async fn a_transactional_id_has_one_coordinator() {
    let cluster = TestCluster::start().await;
    let mut it = Transactional::new(&cluster);
    let id = text(&it.id);
    let many = FindCoordinatorRequest::default()
        .with_key_type(1)
        .with_coordinator_keys(vec![id.clone(), text("other")]);
    let found = it.elsewhere.call(4, &many).coordinators;
    assert_eq!(found.iter().map(|it| it.error_code).collect::<Vec<_>>(), [0, 0]);
    for version in 1..=3 {
        let one = FindCoordinatorRequest::default().with_key_type(1).with_key(id.clone());
        assert_eq!(it.elsewhere.call(version, &one).node_id, found[0].node_id);
    }
    let producer = it.producer();
    let id = it.id.clone();
    let init = it.elsewhere.call(4, &initialize(&id, 60_000, NO_PRODUCER));
    assert_eq!(
        (init.error_code, init.producer_id, init.producer_epoch),
        (NOT_COORDINATOR, ProducerId(-1), -1)
    );
    assert_eq!(it.elsewhere.call(3, &end(&id, producer, true)).error_code, NOT_COORDINATOR);
    assert_eq!(it.elsewhere.call(3, &add_offsets(&id, producer, "g")).error_code, NOT_COORDINATOR);
    let topic = cluster.create_topic(1);
    let added = it.elsewhere.call(3, &add_partitions(&id, producer, &[(&topic, &[0])]));
    let added = &added.results_by_topic_v3_and_below[0].results_by_partition[0];
    assert_eq!(added.partition_error_code, NOT_COORDINATOR);
}

#[tokio::test]
async fn each_initialization_bumps_the_epoch() {
    let cluster = TestCluster::start().await;
    let mut it = Transactional::new(&cluster);
    let (producer, epoch) = it.producer();
    assert_eq!(epoch, 0);
    for version in 0..=4 {
        let expected = (0, (producer, version + 1));
        let mut request = initialize(&it.id, 60_000, NO_PRODUCER);
        if version < 3 {
            (request.producer_id, request.producer_epoch) = Default::default();
            request = request.with_producer_id(ProducerId(-1)).with_producer_epoch(-1);
        }
        let answer = it.coordinator.call(version, &request);
        let found = (answer.error_code, (answer.producer_id.0, answer.producer_epoch));
        assert_eq!(found, expected, "version {version}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_any_node() {
    let cluster = TestCluster::start().await;
    let mut it = Transactional::new(&cluster);
    let id = it.id.clone();
    for (id, timeout, expected, error) in [
        ("", 60_000, NO_PRODUCER, INVALID_REQUEST),
        (&id, 0, NO_PRODUCER, INVALID_TRANSACTION_TIMEOUT),
        (&id, -1, NO_PRODUCER, INVALID_TRANSACTION_TIMEOUT),
        (&id, 900_001, NO_PRODUCER, INVALID_TRANSACTION_TIMEOUT),
        (&id, 60_000, (7, -1), INVALID_REQUEST),
        (&id, 60_000, (-1, 7), INVALID_REQUEST),
    ] {
        let answer = it.elsewhere.call(4, &initialize(id, timeout, expected));
        assert_eq!(answer.error_code, error, "{id} {timeout} {expected:?}");
        assert_eq!((answer.producer_id.0, answer.producer_epoch), NO_PRODUCER);
    }
    assert_eq!(it.init(4, 900_000, NO_PRODUCER).0, 0);
    // Kafka waits for its replicas for as long as the transaction may take, so not 1 here.
    assert_eq!(it.init(4, 1_000, NO_PRODUCER).0, 0);
    assert_eq!(it.coordinator.call(3, &end("", NO_PRODUCER, true)).error_code, INVALID_REQUEST);
    assert_eq!(
        it.coordinator.call(3, &add_offsets("", NO_PRODUCER, "g")).error_code,
        INVALID_REQUEST
    );
}

#[tokio::test]
async fn a_producer_that_continues_is_distinguished_from_one_that_is_fenced() {
    let cluster = TestCluster::start().await;
    let mut it = Transactional::new(&cluster);
    let first = it.producer();
    let second = (first.0, 1);
    assert_eq!(it.init(4, 60_000, first), (0, second));
    // The same request again: its answer may have been lost.
    assert_eq!(it.init(4, 60_000, first), (0, second));
    assert_eq!(it.init(3, 60_000, second), (0, (first.0, 2)));
    assert_eq!(it.init(4, 60_000, first), (PRODUCER_FENCED, NO_PRODUCER));
    assert_eq!(it.init(3, 60_000, first), (INVALID_PRODUCER_EPOCH, NO_PRODUCER));
    assert_eq!(it.init(4, 60_000, (first.0 + 1_000_000, 2)), (PRODUCER_FENCED, NO_PRODUCER));
    // Someone else takes over, and the lost answer is no one's any more.
    assert_eq!(it.producer(), (first.0, 3));
    assert_eq!(it.init(4, 60_000, (first.0, 2)), (PRODUCER_FENCED, NO_PRODUCER));
    // An id that is new to the cluster belongs to the first that comes.
    let mut new = Transactional::new(&cluster);
    let (error, producer) = new.init(4, 60_000, (4_711, 5));
    assert_eq!((error, producer.1), (0, 0));
    assert_ne!(producer.0, 4_711);
}

#[tokio::test]
async fn a_transaction_goes_through_its_states() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(3), cluster.group_name());
    let mut it = Transactional::new(&cluster);
    assert_eq!(described(&mut it).0, TRANSACTIONAL_ID_NOT_FOUND);
    let producer = it.producer();
    assert_eq!(described(&mut it), (0, "Empty".into(), false, vec![]));
    for commit in [true, false] {
        it.begin(producer, &[(&topic, &[2])]);
        assert_eq!(it.add(0, producer, &[(&topic, &[0, 2])]), [0, 0]);
        let partitions = vec![(topic.clone(), vec![0, 2])];
        assert_eq!(described(&mut it), (0, "Ongoing".into(), true, partitions.clone()));
        let request = add_offsets(&it.id, producer, &group);
        assert_eq!(it.coordinator.call(3, &request).error_code, 0);
        let found = described(&mut it).3;
        assert_eq!(found[0].0, "__consumer_offsets");
        assert_eq!(found[1..], partitions);
        assert_eq!(it.end(3, producer, commit), 0);
        let complete = if commit { "CompleteCommit" } else { "CompleteAbort" };
        eventually("the transaction is complete", || {
            let found = described(&mut it);
            (found.1 == complete).then(|| assert_eq!(found, (0, complete.into(), true, vec![])))
        });
    }
}

#[tokio::test]
async fn the_same_end_again_is_fine_and_another_is_not() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut it = Transactional::new(&cluster);
    let producer = it.producer();
    for commit in [true, false] {
        assert_eq!(it.ended(producer, commit), INVALID_TXN_STATE, "nothing was begun");
    }
    for commit in [true, false] {
        it.begin(producer, &[(&topic, &[0])]);
        assert_eq!(it.end(3, producer, commit), 0);
        assert_eq!(it.ended(producer, commit), 0);
        assert_eq!(it.end(3, producer, !commit), INVALID_TXN_STATE);
        assert_eq!(it.end(3, producer, commit), 0);
    }
}

#[tokio::test]
async fn only_the_present_producer_may_go_on() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut it = Transactional::new(&cluster);
    let partitions: &[(&str, &[i32])] = &[(&topic, &[0])];
    let unknown = (4_711, 0);
    assert_eq!(it.add(3, unknown, partitions), [INVALID_PRODUCER_ID_MAPPING]);
    assert_eq!(it.end(3, unknown, true), INVALID_PRODUCER_ID_MAPPING);
    let (id, _) = it.producer();
    it.producer();
    it.begin((id, 1), partitions);
    for epoch in [0, 2] {
        let other = (id, epoch);
        let offsets = add_offsets(&it.id, other, "g");
        for (version, error) in [
            (0, INVALID_PRODUCER_EPOCH),
            (1, INVALID_PRODUCER_EPOCH),
            (2, PRODUCER_FENCED),
            (3, PRODUCER_FENCED),
        ] {
            assert_eq!(it.add(version, other, partitions), [error]);
            assert_eq!(it.end(version, other, true), error);
            assert_eq!(it.coordinator.call(version, &offsets).error_code, error);
        }
    }
    let other = (id + 1_000_000, 1);
    assert_eq!(it.add(3, other, partitions), [INVALID_PRODUCER_ID_MAPPING]);
    assert_eq!(it.end(3, other, true), INVALID_PRODUCER_ID_MAPPING);
    assert_eq!(it.end(3, (id, 1), true), 0);
}

#[tokio::test]
async fn one_partition_that_cannot_be_added_keeps_the_others_out() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(2);
    let mut it = Transactional::new(&cluster);
    let producer = it.producer();
    assert_eq!(
        it.add(3, producer, &[(&topic, &[0, 1, 2])]),
        [OPERATION_NOT_ATTEMPTED, OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION],
    );
    let missing = format!("{topic}-missing");
    assert_eq!(
        it.add(3, producer, &[(&topic, &[0]), (&missing, &[1])]),
        [OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION],
    );
    assert_eq!(
        it.add(3, producer, &[(&topic, &[0]), ("__consumer_offsets", &[1])]),
        [OPERATION_NOT_ATTEMPTED, TOPIC_AUTHORIZATION_FAILED],
    );
    assert_eq!(described(&mut it).1, "Empty");
}

#[tokio::test]
async fn initializing_aborts_what_was_open() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(2);
    let mut it = Transactional::new(&cluster);
    let zombie = it.producer();
    it.begin(zombie, &[(&topic, &[0, 1])]);
    // The first request fences, the next one is answered.
    assert_eq!(it.init(4, 60_000, NO_PRODUCER), (CONCURRENT_TRANSACTIONS, NO_PRODUCER));
    assert_eq!(it.ended(zombie, true), PRODUCER_FENCED);
    let successor = it.producer();
    assert_eq!(successor, (zombie.0, 2));
    assert_eq!(it.add(3, zombie, &[(&topic, &[0])]), [PRODUCER_FENCED]);
    it.begin(successor, &[(&topic, &[0])]);
    assert_eq!(it.end(3, successor, true), 0);
}

#[tokio::test]
async fn an_open_transaction_is_aborted_for_any_client_that_knows_the_producer_id() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut it = Transactional::new(&cluster);
    let producer = it.producer();
    it.begin(producer, &[(&topic, &[0])]);
    let stranger = (producer.0 + 1_000_000, 0);
    assert_eq!(it.init(4, 60_000, stranger), (PRODUCER_FENCED, NO_PRODUCER));
    assert_eq!(it.init(4, 60_000, producer), (CONCURRENT_TRANSACTIONS, NO_PRODUCER));
    // The epoch that fenced it was sent to no client, so it is the producer's own to go on with.
    eventually("the transaction is aborted", || {
        let answer = it.init(4, 60_000, producer);
        let successor = (producer.0, 1);
        (answer.0 != CONCURRENT_TRANSACTIONS).then(|| assert_eq!(answer, (0, successor)))
    });
    assert_eq!(it.producer(), (producer.0, 2));
    assert_eq!(it.init(4, 60_000, producer), (PRODUCER_FENCED, NO_PRODUCER));
}

#[tokio::test]
async fn transactions_are_listed_by_state_and_by_producer() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut it = Transactional::new(&cluster);
    let producer = it.producer();
    it.begin(producer, &[(&topic, &[0])]);
    let id = it.id.clone();
    let mut states = |filters: &[&str], producers: &[i64]| {
        let request = ListTransactionsRequest::default()
            .with_state_filters(filters.iter().map(|it| text(it)).collect())
            .with_producer_id_filters(producers.iter().copied().map(ProducerId).collect());
        let answer = it.coordinator.call(0, &request);
        assert_eq!(answer.error_code, 0);
        let found = answer.transaction_states.iter().find(|it| it.transactional_id.as_str() == id);
        let found = found.map(|it| (it.producer_id.0, it.transaction_state.to_string()));
        (found, answer.unknown_state_filters.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let listed = Some((producer.0, "Ongoing".to_owned()));
    assert_eq!(states(&[], &[]), (listed.clone(), vec![]));
    assert_eq!(states(&["Ongoing", "Empty"], &[]), (listed.clone(), vec![]));
    assert_eq!(states(&["Empty"], &[]), (None, vec![]));
    assert_eq!(states(&["ongoing"], &[]), (None, vec!["ongoing".to_owned()]));
    assert_eq!(
        states(&["Ongoing", "Nonsense"], &[]),
        (listed.clone(), vec!["Nonsense".to_owned()])
    );
    assert_eq!(states(&[], &[producer.0, 1]), (listed, vec![]));
    assert_eq!(states(&[], &[producer.0 + 1_000_000]), (None, vec![]));
    let request = ListTransactionsRequest::default();
    let elsewhere = it.elsewhere.call(0, &request).transaction_states;
    assert!(elsewhere.iter().all(|it| it.transactional_id.as_str() != id));
}

#[tokio::test]
async fn a_transaction_that_is_open_for_too_long_is_aborted_and_its_producer_fenced() {
    let cluster = TestCluster::start().await;
    let topic = cluster.create_topic(1);
    let mut it = Transactional::new(&cluster);
    let (error, producer) = it.init(4, 1_000, NO_PRODUCER);
    assert_eq!(error, 0);
    it.begin(producer, &[(&topic, &[0])]);
    eventually("the transaction has timed out", || {
        (described(&mut it).1 == "CompleteAbort").then_some(())
    });
    assert_eq!(it.end(3, producer, true), PRODUCER_FENCED);
    assert_eq!(it.producer(), (producer.0, 2));
    assert_eq!(it.init(4, 60_000, producer), (PRODUCER_FENCED, NO_PRODUCER));
}

#[tokio::test]
async fn records_and_offsets_are_taken_only_into_an_open_transaction() {
    let cluster = TestCluster::start().await;
    let (topic, group) = (cluster.create_topic(2), cluster.group_name());
    let mut leader = cluster.connect_to_leader(&topic, 0);
    let mut groups = cluster.connect_to_coordinator(&group);
    let mut it = Transactional::new(&cluster);
    let id = it.id.clone();
    let producer = it.producer();
    let mut produced = |producer: Producer, sequence, version| {
        let batch = Batch::of(&["value"]).from_producer(producer.0, producer.1, sequence);
        let batch = batch.with_attributes(TRANSACTIONAL).encode();
        let request = produce(&topic, 0, -1, batch);
        let request = request.with_transactional_id(Some(TransactionalId(text(&id))));
        workshop_tests::requests::produced(&leader.call(version, &request)).error_code
    };
    let mut committed = |producer: Producer, version| {
        let request = commit(&id, producer, &group, &topic, 7);
        groups.call(version, &request).topics[0].partitions[0].error_code
    };
    for version in [3, 7, 10] {
        assert_eq!(produced(producer, 0, version), INVALID_TXN_STATE, "version {version}");
    }
    for version in 0..=3 {
        assert_eq!(committed(producer, version), INVALID_TXN_STATE, "version {version}");
    }
    it.begin(producer, &[(&topic, &[1])]);
    assert_eq!(produced(producer, 0, 9), INVALID_TXN_STATE, "another partition was added");
    assert_eq!(committed(producer, 3), INVALID_TXN_STATE, "no offsets were added");
    it.begin(producer, &[(&topic, &[0])]);
    assert_eq!(it.coordinator.call(3, &add_offsets(&id, producer, &group)).error_code, 0);
    for sequence in 0..3 {
        assert_eq!(produced(producer, sequence, 9), 0);
    }
    for version in 0..=3 {
        assert_eq!(committed(producer, version), 0, "version {version}");
    }
    assert_eq!(it.end(3, producer, true), 0);
    assert_eq!(it.ended(producer, true), 0);
    assert_eq!(produced(producer, 3, 9), INVALID_TXN_STATE);
    assert_eq!(committed(producer, 3), INVALID_TXN_STATE);
    let successor = it.producer();
    it.begin(successor, &[(&topic, &[0])]);
    assert_eq!(it.coordinator.call(3, &add_offsets(&id, successor, &group)).error_code, 0);
    assert_eq!(produced(producer, 3, 9), INVALID_PRODUCER_EPOCH);
    for version in 0..=3 {
        assert_eq!(committed(producer, version), INVALID_PRODUCER_EPOCH, "version {version}");
    }
    let unknown = (4_000_000, 0);
    assert_eq!(produced(unknown, 0, 9), INVALID_PRODUCER_ID_MAPPING);
    assert_eq!(committed(unknown, 3), INVALID_PRODUCER_ID_MAPPING);
    assert_eq!(it.end(3, successor, false), 0);
}
