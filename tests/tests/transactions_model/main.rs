//! Random histories of transactions against a model of what readers may see and what groups have
//! committed: several producers of the same ids, some of them fenced, timeouts, kills and restarts
//! of the cluster, and kills amid the writes of one request.
//!
//! Without settings the same cases run each time. For a long run with cases of its own:
//! `MODEL_CASES=2000 cargo test -p workshop-tests --test transactions_model --release --
//! --nocapture` It prints a seed, with which `MODEL_SEED` runs the same cases again.
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
use workshop_tests::model::Cases;

use world::{Count, World};

/// How many cases run where no one asks for more.
const CASES: u32 = 24;

#[test]
fn readers_and_groups_see_whole_transactions_in_any_history() {
    let cases = Cases::from_environment(CASES);
    let (started, total) = (Instant::now(), Cell::new(Count::default()));
    let histories = prop::collection::vec(act::act(), 1..100);
    let result = cases.runner().run(&histories, |acts| {
        let mut world = World::new();
        for act in &acts {
            world.act(act)?;
        }
        total.set(total.get() + world.count);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}\n{} is the seed", cases.seed);
    }
    let Count { steps, kills, cuts, timeouts } = total.get();
    let seconds = started.elapsed().as_secs();
    println!("{} histories of {steps} steps in {seconds} s:", cases.count);
    println!("{kills} kills, {cuts} of them amid a request, and {timeouts} timeouts");
    assert!(steps > 0 && kills > 0);
}
