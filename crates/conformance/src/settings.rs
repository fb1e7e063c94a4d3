//! The settings of librdkafka's clients, in scenarios and in the tests of the workshop.

use rdkafka::ClientConfig;

/// Returns a client's settings: where the cluster is, and `settings`.
pub fn client_config(bootstrap_servers: &str, settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", bootstrap_servers);
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

/// Returns the settings of a producer that sends at once, unless `settings` say otherwise.
pub fn producer_config(bootstrap_servers: &str, settings: &[(&str, &str)]) -> ClientConfig {
    client_config(bootstrap_servers, &[&[("linger.ms", "0")], settings].concat())
}

/// Returns the settings of a consumer that reads from the beginning, and stores and commits offsets
/// only when its program does, unless `settings` say otherwise.
pub fn consumer_config(
    bootstrap_servers: &str,
    group: &str,
    settings: &[(&str, &str)],
) -> ClientConfig {
    let own = [
        ("group.id", group),
        ("auto.offset.reset", "earliest"),
        ("enable.auto.commit", "false"),
        // A consumer that is dropped discards the records that it has fetched, which must not
        // count.
        ("enable.auto.offset.store", "false"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "200"),
        ("fetch.wait.max.ms", "100"),
    ];
    client_config(bootstrap_servers, &[&own, settings].concat())
}
