//! What can go wrong on the way to a cluster, each with what to do next.

use std::io;
use std::path::{Path, PathBuf};

use rdkafka::error::KafkaError;

/// Why there is no cluster to talk to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `KAFKA_BOOTSTRAP_SERVERS` holds something other than addresses.
    #[error("KAFKA_BOOTSTRAP_SERVERS cannot be used: {reason}")]
    Address {
        /// The part that is not an address, and what to write instead.
        reason: helpers::Error,
    },

    /// The cluster that `KAFKA_BOOTSTRAP_SERVERS` names did not respond within five seconds.
    #[error(
        "no Kafka cluster responds at {servers} within {seconds} s ({reason}). \
         Start it, correct KAFKA_BOOTSTRAP_SERVERS (and KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_* and \
         KAFKA_SSL_CA_LOCATION if it is secured), or unset it to use the embedded cluster"
    )]
    Unreachable {
        /// The value of `KAFKA_BOOTSTRAP_SERVERS`.
        servers: String,
        /// How long this waited, in seconds.
        seconds: u64,
        /// librdkafka's last error.
        reason: String,
    },

    /// librdkafka rejects the settings from the environment.
    #[error(
        "librdkafka rejects the settings from the environment. Check \
         KAFKA_SECURITY_PROTOCOL, KAFKA_SASL_MECHANISM and KAFKA_SSL_CA_LOCATION; TLS and SCRAM \
         need rdkafka built with its feature `ssl`"
    )]
    Settings {
        /// What librdkafka says.
        source: KafkaError,
    },

    /// Security settings are set, but no cluster for them.
    #[error(
        "KAFKA_SECURITY_PROTOCOL is {protocol}, and KAFKA_BOOTSTRAP_SERVERS is not set: the \
         workshop's own cluster speaks PLAINTEXT. Set KAFKA_BOOTSTRAP_SERVERS as well, or unset \
         KAFKA_SECURITY_PROTOCOL"
    )]
    SecurityWithoutServers {
        /// The value of `KAFKA_SECURITY_PROTOCOL`.
        protocol: String,
    },

    /// A process hosts a cluster on this data directory, and the cluster does not respond.
    #[error(
        "process {process_id} hosts the cluster in {} at {servers}, but it does not respond. It may \
         be suspended (Ctrl-Z): continue it with `fg`, or end it with `kill {process_id}`, and run \
         this again. Or all its nodes are down: `cargo workshop node 1 start` starts one", shown(.data)
    )]
    HostSilent {
        /// The data directory.
        data: PathBuf,
        /// Where the cluster should listen.
        servers: String,
        /// The process that hosts it.
        process_id: u32,
    },

    /// A process holds this data directory, and does not say where its cluster is.
    #[error(
        "another process holds {} and has started no cluster there within {seconds} s. Wait for it \
         or end it, or set WORKSHOP_DATA to another directory", shown(.data)
    )]
    HostBusy {
        /// The data directory.
        data: PathBuf,
        /// How long this waited, in seconds.
        seconds: u64,
    },

    /// A cluster runs on this data directory already, so another cannot be started there.
    #[error(
        "a cluster already runs on {}: {servers}, hosted by process {process_id}. Use that one, \
         end it first (Ctrl-C in its terminal), or set WORKSHOP_DATA to another directory",
        shown(.data)
    )]
    AlreadyRunning {
        /// The data directory.
        data: PathBuf,
        /// Where the running cluster listens.
        servers: String,
        /// The process that hosts it.
        process_id: u32,
    },

    /// The data directory cannot be emptied while a cluster runs on it.
    #[error(
        "a cluster runs on {}. End it first (Ctrl-C in its terminal), then reset again",
        shown(.data)
    )]
    InUse {
        /// The data directory.
        data: PathBuf,
    },

    /// The directory was written by another version of the workshop.
    #[error(
        "{} was written in format {found}, and this version reads format {expected}. Empty it with \
         `cargo workshop reset`, or set WORKSHOP_DATA to another directory", shown(.data)
    )]
    Incompatible {
        /// The data directory.
        data: PathBuf,
        /// The format that the directory says it has.
        found: String,
        /// The format that this version reads and writes.
        expected: u32,
    },

    /// The directory holds something that is not the workshop's.
    #[error(
        "{} is not a data directory of the workshop: it holds {entry:?}. Set WORKSHOP_DATA to an \
         empty or a new directory", shown(.data)
    )]
    Foreign {
        /// The directory.
        data: PathBuf,
        /// The first entry that is not the workshop's.
        entry: String,
    },

    /// A file of the data directory cannot be read or written.
    #[error(
        "cannot {action} {}. Check the permissions and the free space there, or set \
         WORKSHOP_DATA to another directory", shown(.path)
    )]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },

    /// The host can open no port for orders.
    #[error("no port on 127.0.0.1 can be opened for orders to the cluster")]
    Control {
        /// What the system says.
        source: io::Error,
    },

    /// The system installs no handler for Ctrl-C and SIGTERM.
    #[error(
        "Ctrl-C and SIGTERM cannot be handled: {source}. Are the process's signals restricted?"
    )]
    Signals {
        /// What the system says.
        source: io::Error,
    },

    /// No process hosts a cluster that could take an order.
    #[error(
        "no cluster runs on {}. Start one with `cargo workshop up` in another terminal, or set \
         WORKSHOP_DATA to where one runs", shown(.data)
    )]
    NothingRuns {
        /// The data directory.
        data: PathBuf,
    },

    /// A process hosts a cluster and takes no orders.
    #[error(
        "the process that hosts the cluster on {} does not take the order. It may be about to \
         start or to end, or be suspended (Ctrl-Z, continue it with `fg`): try again", shown(.data)
    )]
    NotHeard {
        /// The data directory.
        data: PathBuf,
        /// What the system says.
        source: io::Error,
    },

    /// The cluster does not carry out an order.
    #[error("{reason}")]
    Refused {
        /// Why, and what to do instead.
        reason: String,
    },

    /// The requested cluster is not possible.
    #[error("{reason}")]
    Setting {
        /// Why, and what to do instead.
        reason: String,
    },

    /// The embedded cluster does not start.
    #[error(
        "the embedded cluster on {} does not start. If its data is damaged, `cargo \
         workshop reset` starts afresh", shown(.data)
    )]
    Start {
        /// The data directory.
        data: PathBuf,
        /// What the cluster says.
        source: embedded_kafka::StartError,
    },
}

/// Formats a path for display: relative to the current directory if it is inside.
pub(crate) fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&current).ok().filter(|rest| !rest.as_os_str().is_empty());
    let shown = relative.unwrap_or(path).display();
    if path.is_dir() { format!("{shown}/") } else { shown.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_the_current_directory_is_shown_without_it() {
        let current = std::env::current_dir().unwrap();
        assert_eq!(shown(&current.join("src")), "src/");
        assert_eq!(shown(&current.join("Cargo.toml")), "Cargo.toml");
        assert_eq!(shown(&current), format!("{}/", current.display()));
    }
}
