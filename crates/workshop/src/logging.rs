//! Shows what the helpers and the clients log, on stderr.
//!
//! An example prints what it is about on stdout. Warnings and errors, such as a queue that was
//! dropped or a commit that failed, go to stderr. `RUST_LOG` changes what is shown: `RUST_LOG=off`,
//! `RUST_LOG=debug`, or `RUST_LOG=helpers=debug,librdkafka=info`.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;

/// What is shown without `RUST_LOG`. While a broker is unreachable, rdkafka logs each error up to
/// 19 times per second. librdkafka's own log has the same errors, without the repetition.
const DEFAULT: &str = "warn,rdkafka=off";

/// Installs a `tracing` subscriber that writes to stderr, and passes the log of librdkafka to it.
/// [`run`](crate::run) does this; a process that does not call it, such as a worker that an
/// example starts, calls this first. A second call changes nothing.
pub fn show_log() {
    let chosen = std::env::var("RUST_LOG").ok().filter(|it| !it.is_empty());
    let filter: Targets = match chosen.as_deref().unwrap_or(DEFAULT).parse() {
        Ok(filter) => filter,
        Err(error) => {
            eprintln!("workshop: RUST_LOG is ignored: {error}");
            DEFAULT.parse().expect("the default is a valid filter")
        }
    };
    let lines = layer().with_writer(stderr).with_ansi(stderr().is_terminal()).without_time();
    let installed = tracing_subscriber::registry().with(lines.with_filter(filter)).try_init();
    // Where another subscriber is installed, another logger may be as well.
    if installed.is_ok() && log::set_logger(&Librdkafka).is_ok() {
        log::set_max_level(log::LevelFilter::Debug);
    }
}

/// Makes an event of a log line. The target of an event is a constant.
macro_rules! event {
    ($level:expr, $target:literal, $line:expr) => {
        match $level {
            log::Level::Error => tracing::error!(target: $target, "{}", $line),
            log::Level::Warn => tracing::warn!(target: $target, "{}", $line),
            log::Level::Info => tracing::info!(target: $target, "{}", $line),
            log::Level::Debug | log::Level::Trace => tracing::debug!(target: $target, "{}", $line),
        }
    };
}

/// Passes log lines of the crate `log` to `tracing`: rdkafka writes librdkafka's log there, unless
/// its Cargo feature `tracing` is on.
struct Librdkafka;

impl log::Log for Librdkafka {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        let line = line.strip_prefix("librdkafka: ").unwrap_or(&line);
        match record.target() {
            "librdkafka" => event!(record.level(), "librdkafka", line),
            _ => event!(record.level(), "rdkafka", line),
        }
    }

    fn flush(&self) {}
}
