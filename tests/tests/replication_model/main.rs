//! Random histories of nodes that stop, die, fall behind and come back, with producers, transactions
//! and group commits among them, under clean elections only.
//!
//! Whatever happens: what was acknowledged with acks=all, by a coordinator or as a committed
//! transaction is never lost; what a reader has seen stays as it was seen, at every replica; epochs
//! and high watermarks never go back; nobody sees an aborted transaction.
//!
//! Without settings the same cases run each time. For a long run with cases of its own:
//! `MODEL_CASES=500 cargo test -p workshop-tests --test replication_model --release -- --nocapture`
//! It prints a seed, with which `MODEL_SEED` runs the same cases again. What nodes do meanwhile takes
//! its time, so a failure may need several runs to come again.

mod act;
mod offsets;
mod requests;
mod transaction;
mod world;

use std::cell::Cell;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use world::{Count, World};

/// How many cases run where nobody asks for more.
const CASES: u32 = 30;

/// The seed where nobody asks for another.
const SEED: u64 = 1;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number, not {value}")))
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
fn what_was_acknowledged_is_never_lost_and_what_was_read_never_changes() {
    let cases = setting("MODEL_CASES");
    let random = || uuid::Uuid::new_v4().as_u128() as u64;
    let seed = setting("MODEL_SEED").unwrap_or_else(|| cases.map_or(SEED, |_| random()));
    let cases = cases.map_or(CASES, |cases| cases as u32);
    println!("MODEL_SEED={seed}");
    let (started, total) = (Instant::now(), Cell::new(Count::default()));
    let histories = prop::collection::vec(act::act(), 1..120);
    let result = runner(cases, seed).run(&histories, |acts| {
        let mut world = World::new();
        for act in &acts {
            world.act(act)?;
        }
        world.heal()?;
        total.set(total.get() + world.count);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}\n{seed} is the seed");
    }
    let Count { steps, departures, elections, acknowledged, lost, committed } = total.get();
    let seconds = started.elapsed().as_secs();
    println!("{cases} histories of {steps} steps in {seconds} s:");
    println!("{departures} nodes went and {elections} times another led;");
    println!("{acknowledged} records were acknowledged with acks=all, {committed} transactions");
    println!("committed, and {lost} records acknowledged with acks=1 were lost");
    assert!(departures > 0 && elections > 0 && acknowledged > 0 && committed > 0);
}
