//! Random histories of nodes that stop, die, fall behind and come back, with producers,
//! transactions and group commits among them, under clean elections only.
//!
//! Whatever happens: what was acknowledged with acks=all, by a coordinator or as a committed
//! transaction is never lost; what a reader has seen stays as it was seen, at every replica; epochs
//! and high watermarks never go back; no one sees an aborted transaction.
//!
//! Without settings the same cases run each time. For a long run with cases of its own:
//! `MODEL_CASES=500 cargo test -p workshop-tests --test replication_model --release -- --nocapture`
//! It prints a seed, with which `MODEL_SEED` runs the same cases again. What nodes do meanwhile
//! takes its time, so a failure may need several runs to come again.

mod act;
mod offsets;
mod producing;
mod requests;
mod transaction;
mod world;

use std::cell::Cell;
use std::time::Instant;

use proptest::prelude::*;
use workshop_tests::model::Cases;

use world::{Count, World};

/// How many cases run where no one asks for more.
const CASES: u32 = 30;

#[test]
fn what_was_acknowledged_is_never_lost_and_what_was_read_never_changes() {
    let cases = Cases::from_environment(CASES);
    let (started, total) = (Instant::now(), Cell::new(Count::default()));
    let histories = prop::collection::vec(act::act(), 1..120);
    let result = cases.runner().run(&histories, |acts| {
        let mut world = World::new();
        for act in &acts {
            world.act(act)?;
        }
        world.heal()?;
        total.set(total.get() + world.count);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}\n{} is the seed", cases.seed);
    }
    let Count { steps, departures, elections, acknowledged, lost, committed } = total.get();
    let seconds = started.elapsed().as_secs();
    println!("{} histories of {steps} steps in {seconds} s:", cases.count);
    println!("{departures} nodes went and {elections} times another led;");
    println!("{acknowledged} records were acknowledged with acks=all, {committed} transactions");
    println!("committed, and {lost} records acknowledged with acks=1 were lost");
    assert!(departures > 0 && elections > 0 && acknowledged > 0 && committed > 0);
}
