//! Random histories of transactions against a model of what readers may see and what groups have
//! committed: several producers of the same ids, some of them fenced, timeouts, kills and restarts
//! of the cluster, and kills amid the writes of one request.
//!
//! Without settings the same cases run each time. For a long run with cases of its own:
//! `MODEL_CASES=2000 cargo test -p workshop-tests --test transactions_model --release -- --nocapture`
//! It prints a seed, with which `MODEL_SEED` runs the same cases again.
//!
//! [`disk`] says how a kill is done without ending the process, and
//! [`killed`] ends a process.

mod act;
mod disk;
mod killed;
mod model;
mod requests;
mod world;

use std::cell::Cell;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use world::{Count, World};

/// How many cases run where nobody asks for more.
const CASES: u32 = 24;

/// The seed where nobody asks for another.
const SEED: u64 = 1;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value}")))
}

fn seed(is_long_run: bool) -> u64 {
    let random = || uuid::Uuid::new_v4().as_u128() as u64;
    setting("MODEL_SEED").unwrap_or_else(|| if is_long_run { random() } else { SEED })
}

fn runner(cases: u32, seed: u64) -> TestRunner {
    let config = Config {
        cases,
        // Each try starts a cluster. What is left after a minute is short enough.
        max_shrink_iters: 2_000,
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[test]
fn readers_and_groups_see_whole_transactions_in_any_history() {
    let cases = setting("MODEL_CASES");
    let seed = seed(cases.is_some());
    let cases = cases.map_or(CASES, |cases| cases as u32);
    println!("MODEL_SEED={seed}");
    let (started, total) = (Instant::now(), Cell::new(Count::default()));
    let histories = prop::collection::vec(act::act(), 1..100);
    let result = runner(cases, seed).run(&histories, |acts| {
        let mut world = World::new();
        for act in &acts {
            world.act(act)?;
        }
        total.set(total.get() + world.count);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}\n{seed} is the seed");
    }
    let Count { steps, kills, cuts, timeouts } = total.get();
    let seconds = started.elapsed().as_secs();
    println!("{cases} histories of {steps} steps in {seconds} s:");
    println!("{kills} kills, {cuts} of them amid a request, and {timeouts} timeouts");
    assert!(steps > 0 && kills > 0);
}
