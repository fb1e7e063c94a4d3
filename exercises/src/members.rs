//! Programs that run for long: several at once, stopped, killed, and started again.

use std::time::Duration;

use crate::broker::Broker;
use crate::program::{Run, Running};
use crate::stage::Stage;

/// The time that a program has to end after SIGTERM. Kubernetes grants 30 s.
const GRACE_PERIOD: Duration = Duration::from_secs(15);

impl Stage {
    /// Stops a program with SIGTERM, with a point for its end: within 15 s, with exit code 0.
    pub(crate) async fn stop(&mut self, running: Running) -> anyhow::Result<Run> {
        let run = running.terminate(GRACE_PERIOD).await?;
        self.keep_output(&run);
        self.draw_up_the_ledger().await?;
        self.ended_well(&run);
        Ok(run)
    }

    /// Kills a program with `kill -9`, and takes its member out of the group.
    pub(crate) async fn kill(&mut self, running: Running, group: &str) -> anyhow::Result<()> {
        let run = running.kill();
        self.keep_output(&run);
        self.draw_up_the_ledger().await?;
        self.broker().remove_members(group).await
    }

    /// Ends the scene early, with what the program has printed.
    #[allow(clippy::unnecessary_wraps, reason = "it is what the scene returns")]
    pub(crate) fn give_up(&mut self, running: Running) -> anyhow::Result<()> {
        let run = running.kill();
        self.keep_output(&run);
        Ok(())
    }

    /// Waits until the group is stable with so many members, while one of them runs. Returns false,
    /// with a point, if that does not happen.
    pub(crate) async fn group_has(
        &mut self,
        running: &mut Running,
        group: &str,
        topic: &str,
        members: usize,
    ) -> anyhow::Result<bool> {
        let stable = async |broker: &Broker| {
            let found = broker.group(group, topic).await?;
            Ok(found.state == "Stable" && found.members.len() == members)
        };
        let what = match members {
            1 => "the group has 1 member, and is stable".to_owned(),
            _ => format!("the group has {members} members, and is stable"),
        };
        self.reaches(running, &what, stable).await
    }
}
