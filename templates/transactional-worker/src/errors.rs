//! Separates transient errors from errors that end the program.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// How often the same error is logged. While a broker is unreachable, `recv` and `poll` return it
/// up to 19 times a second.
const QUIET: Duration = Duration::from_secs(10);

/// Handles the errors that `recv` and `poll` return.
#[derive(Default)]
pub struct PollErrors {
    logged: Vec<(RDKafkaErrorCode, Instant)>,
}

impl PollErrors {
    /// Logs a transient error, each kind at most once per [`QUIET`]: the client keeps trying by
    /// itself.
    ///
    /// # Errors
    /// Fatal errors: a fenced member, a user without permission, a failed client.
    pub fn check(&mut self, error: KafkaError) -> Result<()> {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) || is_final(code) {
            return Err(error).context("a fatal error: look at the code, the group and the ACLs");
        }
        let now = Instant::now();
        self.logged.retain(|(_, when)| now.duration_since(*when) < QUIET);
        if self.logged.iter().all(|(logged, _)| *logged != code) {
            self.logged.push((code, now));
            tracing::warn!(%error, "transient, the client keeps trying");
        }
        Ok(())
    }
}

fn is_final(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::Fatal
            | Code::FencedInstanceId
            | Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::ClusterAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::TopicAuthorizationFailed
    )
}
