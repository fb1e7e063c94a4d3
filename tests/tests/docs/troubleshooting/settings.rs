//! Settings that librdkafka does not accept.

use rdkafka::ClientConfig;
use rdkafka::consumer::BaseConsumer;
use rdkafka::producer::BaseProducer;

fn producer_error(name: &str, value: &str) -> String {
    let created = ClientConfig::new().set(name, value).create::<BaseProducer>();
    created.err().expect("the setting is rejected").to_string()
}

pub(super) async fn a_misspelled_setting() -> String {
    producer_error("linger", "5")
}

pub(super) async fn settings_that_contradict_each_other() -> String {
    let mut config = ClientConfig::new();
    config.set("group.id", "first").set("max.poll.interval.ms", "30000");
    let created = config.create::<BaseConsumer>();
    created.err().expect("the session is longer").to_string()
}

pub(super) async fn tls_that_is_not_built_in() -> String {
    producer_error("security.protocol", "SSL")
}

pub(super) async fn a_codec_that_is_not_built_in() -> String {
    producer_error("compression.type", "zstd")
}
