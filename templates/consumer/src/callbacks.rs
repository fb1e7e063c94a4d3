//! librdkafka's callbacks: one before partitions are revoked, and one with statistics, from which
//! the lag metric comes.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use metrics::Gauge;
use metrics_exporter_prometheus::PrometheusBuilder;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::statistics::Statistics;

use crate::commits::commit_before_revoke;
use crate::config::Config;

pub type GroupConsumer = StreamConsumer<Callbacks>;

pub struct Callbacks;

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        commit_before_revoke(consumer, rebalance);
        if let Rebalance::Revoke(partitions) = rebalance {
            for partition in partitions.elements() {
                // From here on, another member reports the lag.
                gauge(partition.topic(), partition.partition()).set(0.0);
            }
        }
    }

    fn post_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        tracing::info!(?rebalance, "rebalanced");
    }
}

impl ClientContext for Callbacks {
    /// Is called every `statistics.interval.ms`, from inside `recv`.
    fn stats(&self, statistics: Statistics) {
        for topic in statistics.topics.values() {
            let ours = topic.partitions.values().filter(|it| it.fetch_state == "active");
            for partition in ours.filter(|it| it.ls_offset >= 0) {
                // Before the group's first commit in a partition, librdkafka's lag is -1.
                let lag = match partition.consumer_lag {
                    -1 => partition.ls_offset - partition.lo_offset.max(0),
                    lag => lag,
                };
                gauge(&topic.topic, partition.partition).set(lag.max(0) as f64);
            }
        }
    }
}

/// Returns the gauge of a partition's lag: the distance from the committed offset to the end.
fn gauge(topic: &str, partition: i32) -> Gauge {
    let labels = [("topic", topic.to_owned()), ("partition", partition.to_string())];
    metrics::gauge!("kafka_consumer_lag", &labels)
}

/// Serves `/metrics` for Prometheus on `METRICS_ADDRESS`, if that is set.
pub fn serve_metrics(config: &Config) -> Result<()> {
    let Some(address) = config.get("METRICS_ADDRESS") else { return Ok(()) };
    let address: SocketAddr =
        address.parse().context("METRICS_ADDRESS must be like 0.0.0.0:9000")?;
    PrometheusBuilder::new()
        .with_http_listener(address)
        .install()
        .with_context(|| format!("cannot serve metrics on {address}"))
}
