//! Starts a worker, kills it at a random moment, and starts it again, for a number of times, and
//! then lets it run to its end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};

use crate::job::Job;

/// How often each worker is killed.
const KILLS: usize = 5;
/// The latest moment of a kill, in ms after the worker has begun to count. All together they are
/// shorter than the work, so that each kill finds something left to do.
const LATEST: u64 = 200;
/// How often a worker is started at most.
const STARTS: usize = 4 * KILLS;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// When workers are killed: random, and the same again for the same seed.
#[derive(Clone)]
pub(crate) struct Moments {
    seed: u64,
    state: u64,
}

impl Moments {
    pub(crate) fn random() -> Moments {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = u64::from(now.subsec_nanos());
        Moments { seed, state: seed }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The next moment (SplitMix64).
    fn next(&mut self) -> Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis((mixed ^ (mixed >> 31)) % LATEST)
    }
}

/// A worker's process. It is killed when this is dropped.
struct Worker(Child);

impl Worker {
    fn start(job: &Job) -> Result<Worker> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(job.arguments()).stdin(Stdio::piped()).stdout(Stdio::piped());
        Ok(Worker(command.spawn()?))
    }

    /// Waits until the worker counts, or has ended because there is nothing to count.
    async fn begun(&mut self) -> Result<()> {
        let stdout = self.0.stdout.take().context("a worker is waited for once")?;
        let first_line = move || BufReader::new(stdout).read_line(&mut String::new());
        tokio::task::spawn_blocking(first_line).await??;
        Ok(())
    }

    fn is_alive(&mut self) -> Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    async fn ended(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(status);
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

impl Drop for Worker {
    /// SIGKILL: the process does nothing more, not even close its connections in order.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// ANCHOR: run
/// Runs the worker until it has read all input. Returns how often it was killed.
pub(crate) async fn run_to_the_end(job: &Job, mut moments: Moments) -> Result<usize> {
    let mut kills = 0;
    for _ in 0..STARTS {
        let mut worker = Worker::start(job)?;
        worker.begun().await?;
        if kills < KILLS {
            tokio::time::sleep(moments.next()).await;
            if worker.is_alive()? {
                drop(worker);
                kills += 1;
                continue;
            }
        }
        // One that ends with an error is started again, as if it had been killed.
        if worker.ended().await?.success() {
            return Ok(kills);
        }
    }
    bail!("the worker was started {STARTS} times and did not come to its end")
}
// ANCHOR_END: run
