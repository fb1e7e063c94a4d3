//! What librdkafka counts, as metrics.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use rdkafka::client::ClientContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use rdkafka::statistics::{Broker, Partition, Statistics};
use tokio::sync::watch;

/// In seconds, Prometheus' unit for time.
const MICROSECOND: f64 = 1e-6;
const MILLISECOND: f64 = 1e-3;

// ANCHOR: context
/// A client's ear: librdkafka calls it from the poll, every statistics.interval.ms.
pub(crate) struct Reporting {
    latest: watch::Sender<Statistics>,
}

impl ClientContext for Reporting {
    fn stats(&self, statistics: Statistics) {
        record(&statistics);
        self.latest.send_replace(statistics);
    }
}
// ANCHOR_END: context

impl Reporting {
    pub(crate) fn new() -> Self {
        Reporting { latest: watch::Sender::default() }
    }

    /// The latest statistics, and a way to wait for others.
    pub(crate) fn latest(&self) -> watch::Receiver<Statistics> {
        self.latest.subscribe()
    }
}

impl ConsumerContext for Reporting {}

impl ProducerContext for Reporting {
    type DeliveryOpaque = ();

    fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
}

// ANCHOR: record
fn record(statistics: &Statistics) {
    let client = &statistics.client_id;
    let brokers = || statistics.brokers.values();
    // Besides the nodes, the list has the bootstrap servers, and the coordinator, which is also a
    // node.
    let nodes = brokers().filter(|it| it.source != "logical" && it.nodeid >= 0);
    nodes.for_each(|broker| record_windows(client, broker));
    count("kafka_client_retries_total", client, brokers().map(|it| it.txretries).sum());
    count("kafka_client_timeouts_total", client, brokers().map(|it| it.req_timeouts).sum());
    if statistics.client_type == "producer" {
        count("kafka_producer_messages_total", client, statistics.txmsgs.unsigned_abs());
        set("kafka_producer_queue_messages", client, statistics.msg_cnt as f64);
        set("kafka_producer_queue_limit_messages", client, statistics.msg_max as f64);
    }
    for (name, topic) in &statistics.topics {
        topic.partitions.values().for_each(|partition| record_lag(client, name, partition));
    }
    if let Some(group) = &statistics.cgrp {
        count("kafka_consumer_rebalances_total", client, group.rebalance_cnt.unsigned_abs());
        set("kafka_consumer_assigned_partitions", client, f64::from(group.assignment_size));
    }
}

/// librdkafka counts from the start of the client, as Prometheus wants it.
fn count(name: &'static str, client: &str, total: u64) {
    counter!(name, "client" => client.to_owned()).absolute(total);
}

fn set(name: &'static str, client: &str, value: f64) {
    gauge!(name, "client" => client.to_owned()).set(value);
}

fn record_lag(client: &str, topic: &str, partition: &Partition) {
    let lags = [
        ("kafka_consumer_lag_offsets", partition.consumer_lag),
        ("kafka_consumer_lag_stored_offsets", partition.consumer_lag_stored),
    ];
    // -1 says that nothing was committed, or that the partition is not this consumer's: no lag of
    // one less than none.
    for (name, lag) in lags.into_iter().filter(|(_, lag)| *lag >= 0) {
        let labels = [
            ("client", client.to_owned()),
            ("topic", topic.to_owned()),
            ("partition", partition.partition.to_string()),
        ];
        gauge!(name, &labels).set(lag as f64);
    }
}
// ANCHOR_END: record

// ANCHOR: windows
fn record_windows(client: &str, broker: &Broker) {
    let labels = [("client", client.to_owned()), ("node", broker.nodeid.to_string())];
    let windows = [
        ("kafka_client_round_trip_seconds", &broker.rtt, MICROSECOND),
        ("kafka_client_throttle_seconds", &broker.throttle, MILLISECOND),
        ("kafka_producer_queue_seconds", &broker.int_latency, MICROSECOND),
    ];
    for (name, window, unit) in windows {
        // A window is one interval. If nothing was measured in it, there is nothing to report.
        if let Some(window) = window.as_ref().filter(|window| window.cnt > 0) {
            gauge!(name, &labels).set(window.p99 as f64 * unit);
        }
    }
}
// ANCHOR_END: windows

/// Describes the numbers. Prometheus shows the description with them.
pub(crate) fn describe() {
    let gauges = [
        ("kafka_client_round_trip_seconds", "from request to response, p99 of one interval"),
        ("kafka_client_throttle_seconds", "waited for a quota, p99 of one interval"),
        ("kafka_consumer_assigned_partitions", "partitions of this member"),
        ("kafka_consumer_lag_offsets", "from the committed offset to the end"),
        ("kafka_consumer_lag_stored_offsets", "from the offset to be committed next to the end"),
        ("kafka_group_lag_offsets", "from the committed offset to the high watermark"),
        ("kafka_group_lost_offsets", "from the committed offset to the first that is still there"),
        ("kafka_group_readable_offsets", "from the committed offset to the last stable offset"),
        ("kafka_producer_queue_limit_messages", "where the queue is full"),
        ("kafka_producer_queue_messages", "messages without a delivery report"),
        ("kafka_producer_queue_seconds", "waited in the queue, p99 of one interval"),
    ];
    for (name, what) in gauges {
        describe_gauge!(name, what);
    }
    let counters = [
        ("kafka_client_retries_total", "requests that were sent again"),
        ("kafka_client_timeouts_total", "requests that timed out"),
        ("kafka_consumer_rebalances_total", "partitions given or taken"),
        ("kafka_producer_messages_total", "messages sent to brokers"),
    ];
    for (name, what) in counters {
        describe_counter!(name, what);
    }
}
