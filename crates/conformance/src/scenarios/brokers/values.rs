//! Every setting that a running broker can change: the values that it accepts for itself, and for
//! all brokers. Nothing is changed; the requests only validate.

use super::ask;
use crate::scenario::{Outcome, Scenario};
use crate::scene::Scene;
use wire_client::configs::{APPEND, DELETE, SET, SUBTRACT};

/// The settings with the update modes `per-broker` and `cluster-wide`, except for the listeners:
/// their responses contain ports.
const CHANGEABLE: &[&str] = &[
    "background.threads",
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.type",
    "compression.zstd.level",
    "config.providers",
    "cordoned.log.dirs",
    "errors.deadletterqueue.auto.create.topics.enable",
    "errors.deadletterqueue.topic.name.prefix",
    "follower.fetch.last.tiered.offset.enable",
    "follower.replication.throttled.rate",
    "group.consumer.assignment.interval.ms",
    "group.consumer.assignor.offload.enable",
    "group.coordinator.cached.buffer.max.bytes",
    "group.share.assignment.interval.ms",
    "group.share.assignor.offload.enable",
    "group.streams.assignment.interval.ms",
    "group.streams.assignor.offload.enable",
    "leader.replication.throttled.rate",
    "log.cleaner.backoff.ms",
    "log.cleaner.dedupe.buffer.size",
    "log.cleaner.delete.retention.ms",
    "log.cleaner.io.buffer.load.factor",
    "log.cleaner.io.buffer.size",
    "log.cleaner.io.max.bytes.per.second",
    "log.cleaner.max.compaction.lag.ms",
    "log.cleaner.min.cleanable.ratio",
    "log.cleaner.min.compaction.lag.ms",
    "log.cleaner.threads",
    "log.cleanup.policy",
    "log.flush.interval.messages",
    "log.flush.interval.ms",
    "log.index.interval.bytes",
    "log.index.size.max.bytes",
    "log.local.retention.bytes",
    "log.local.retention.ms",
    "log.message.timestamp.after.max.ms",
    "log.message.timestamp.before.max.ms",
    "log.message.timestamp.type",
    "log.preallocate",
    "log.remote.copy.lag.bytes",
    "log.remote.copy.lag.ms",
    "log.retention.bytes",
    "log.retention.ms",
    "log.roll.jitter.ms",
    "log.roll.ms",
    "log.segment.bytes",
    "log.segment.delete.delay.ms",
    "max.connection.creation.rate",
    "max.connections",
    "max.connections.per.ip",
    "max.connections.per.ip.overrides",
    "max.decompressed.message.bytes",
    "message.max.bytes",
    "metric.reporters",
    "min.insync.replicas",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
    "principal.builder.class",
    "producer.id.expiration.ms",
    "remote.fetch.max.wait.ms",
    "remote.list.offsets.request.timeout.ms",
    "remote.log.index.file.cache.total.size.bytes",
    "remote.log.manager.copier.thread.pool.size",
    "remote.log.manager.copy.max.bytes.per.second",
    "remote.log.manager.expiration.thread.pool.size",
    "remote.log.manager.fetch.max.bytes.per.second",
    "remote.log.manager.follower.thread.pool.size",
    "remote.log.reader.threads",
    "replica.alter.log.dirs.io.max.bytes.per.second",
    "sasl.enabled.mechanisms",
    "sasl.jaas.config",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.principal.to.local.rules",
    "sasl.kerberos.service.name",
    "sasl.kerberos.ticket.renew.jitter",
    "sasl.kerberos.ticket.renew.window.factor",
    "sasl.login.refresh.buffer.seconds",
    "sasl.login.refresh.min.period.seconds",
    "sasl.login.refresh.window.factor",
    "sasl.login.refresh.window.jitter",
    "sasl.mechanism.inter.broker.protocol",
    "share.coordinator.cached.buffer.max.bytes",
    "ssl.cipher.suites",
    "ssl.client.auth",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.engine.factory.class",
    "ssl.key.password",
    "ssl.keymanager.algorithm",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.provider",
    "ssl.secure.random.implementation",
    "ssl.trustmanager.algorithm",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
    "transaction.partition.verification.enable",
    "unclean.leader.election.enable",
];

/// The values to which every setting is changed.
const VALUES: &[&str] =
    &["", "-9", "-1", "0", "0.5", "1", "2.5", "100", "9999999999999", "x", "true", "a,b", "a,a"];

/// Returns a scenario for each of the settings.
pub(super) fn scenarios() -> Vec<Scenario> {
    let scenario = |setting: &&'static str| {
        let setting = *setting;
        Scenario::new(format!("brokers/{setting}"), move |scene| taken(scene, setting))
    };
    CHANGEABLE.iter().map(scenario).collect()
}

fn taken(scene: &Scene, setting: &str) -> Outcome {
    let of_one = answers(scene, "1", setting)?;
    let of_all = answers(scene, "", setting)?;
    if of_one == of_all {
        return Ok(of_one);
    }
    Ok(format!("{of_one} | for all: {of_all}"))
}

/// Returns the responses, each with the values that led to it.
fn answers(scene: &Scene, broker: &str, setting: &str) -> Outcome {
    let mut answers: Vec<(String, Vec<String>)> = Vec::new();
    let mut note = |answer: String, value: String| {
        let known = answers.iter_mut().find(|(known, _)| *known == answer);
        match known {
            Some((_, values)) => values.push(value),
            None => answers.push((answer, vec![value])),
        }
    };
    for value in VALUES {
        let answer = ask(scene, broker, &[(SET, setting, Some(value))])?;
        let quoted = if value.is_empty() { "\"\"".to_owned() } else { (*value).to_owned() };
        note(without(&answer, setting, value), quoted);
    }
    let others =
        [(DELETE, None, "deleted"), (APPEND, Some("x"), "+x"), (SUBTRACT, Some("x"), "-x")];
    for (operation, value, what) in others {
        let answer = ask(scene, broker, &[(operation, setting, value)])?;
        note(without(&answer, setting, "x"), what.to_owned());
    }
    let shown = answers.iter().map(|(answer, values)| format!("{}: {answer}", values.join(" ")));
    Ok(shown.collect::<Vec<_>>().join("; "))
}

/// Replaces the value by `%` and the name by `@` in a response, where they stand alone.
fn without(answer: &str, setting: &str, value: &str) -> String {
    let answer = answer.replace(setting, "@");
    if value.is_empty() {
        return answer;
    }
    let words = answer.split(' ').map(|word| match word.strip_prefix(value) {
        Some(rest) if rest.chars().all(|c| !c.is_alphanumeric()) => format!("%{rest}"),
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
