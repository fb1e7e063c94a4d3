//! 07 · Consumer group
//!
//! Members join, restart, leave, die and stop polling, in groups that share partitions in different
//! ways, all at once on one topic. A table at the end says for how long each event left partitions
//! without a reader.
//!
//! Run:      cargo run --example 07_consumer_group
//! Chapter:  docs/07-consumer-group.md

mod board;
mod failures;
mod member;
mod print;
mod strategies;
mod subscriptions;
mod topics;

use std::thread::{self, JoinHandle};

use anyhow::{Result, anyhow};
use helpers::unique_name;
use tokio::runtime::Handle;

use print::Scene;
use strategies::Strategy;
use topics::Topics;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == failures::VICTIM) {
        let victim = move || failures::run_victim(&arguments[1..]);
        return tokio::task::spawn_blocking(victim).await?;
    }
    let topics = Topics::named(unique_name("departures"));
    workshop::run_and_clean_up(
        async |brokers| {
            topics.create(brokers).await?;
            let (tell, told) = tokio::sync::oneshot::channel();
            let (brokers, topics) = (brokers.to_owned(), topics.clone());
            // Members block the threads that they are polled on, so the scenes leave the runtime
            // alone.
            spawn(move || tell.send(scenes(&brokers, &topics)));
            told.await?
        },
        async |brokers| topics.delete(brokers).await,
    )
    .await
}

/// Runs all scenes at once, and prints what they saw.
fn scenes(brokers: &str, topics: &Topics) -> Result<()> {
    let strategies = [Strategy::Eager, Strategy::Cooperative, Strategy::Static, Strategy::Consumer];
    let compared = strategies.map(|strategy| {
        at_once(brokers, topics, move |brokers, topics| strategies::show(brokers, topics, strategy))
    });
    let death = at_once(brokers, topics, failures::show_death);
    let silence = at_once(brokers, topics, failures::show_silence);
    let crowd = at_once(brokers, topics, subscriptions::show_too_many);

    println!("subscribe to");
    subscriptions::show(brokers, topics)?.iter().for_each(|line| println!("{line}"));
    println!("\n3 members, 2 partitions");
    end(crowd)?.iter().for_each(|step| println!("{step}"));

    let mut scenes: Vec<Scene> = Vec::new();
    for (strategy, scene) in strategies.into_iter().zip(compared) {
        match end(scene)? {
            Ok(scene) => {
                print::callbacks(&scene);
                scenes.push(scene);
            }
            Err(fatal) => println!("\n{}\n  not on this cluster: {}", strategy.name(), fatal),
        }
    }
    scenes.push(end(death)?);
    let (silence, error) = end(silence)?;
    scenes.push(silence);
    println!("\nthe member that stopped polling gets\n  {error}\n");
    print::table(&scenes);
    Ok(())
}

fn at_once<T: Send + 'static>(
    brokers: &str,
    topics: &Topics,
    scene: impl FnOnce(&str, &Topics) -> Result<T> + Send + 'static,
) -> JoinHandle<Result<T>> {
    let (brokers, topics) = (brokers.to_owned(), topics.clone());
    spawn(move || scene(&brokers, &topics))
}

/// Starts a thread that can ask the runtime to build a consumer.
fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let runtime = Handle::current();
    thread::spawn(move || {
        let _entered = runtime.enter();
        work()
    })
}

fn end<T>(scene: JoinHandle<Result<T>>) -> Result<T> {
    scene.join().map_err(|_| anyhow!("a scene panicked"))?
}
