//! Scene 3: a producer that was thought dead wakes up, and finds a successor with its name.

use anyhow::Result;
use helpers::unique_name;
use rdkafka::producer::Producer;

use crate::producer::{LIMIT, report, send, transactional_producer};
use crate::readers::{READ_COMMITTED, READ_UNCOMMITTED, listed, read, wait_for_ends};
use crate::scene::Scene;

pub(crate) async fn play(scene: &Scene<'_>) -> Result<()> {
    // ANCHOR: zombie
    let name = unique_name("departure-desk");
    let first = transactional_producer(scene, &name, &[])?;
    first.begin_transaction()?;
    send(&first, scene, &["DL 301"])?;

    // The first one is slow, and a second instance has been started.
    let second = transactional_producer(scene, &name, &[])?;
    second.begin_transaction()?;
    send(&second, scene, &["DL 302"])?;
    report("second  commit_transaction", second.commit_transaction(LIMIT));
    report("first   commit_transaction", first.commit_transaction(LIMIT));
    report("first   begin_transaction ", first.begin_transaction());
    // ANCHOR_END: zombie

    wait_for_ends(scene, 4, 4).await?;
    println!("   read_uncommitted            {}", listed(&read(scene, READ_UNCOMMITTED).await?));
    println!("   read_committed              {}", listed(&read(scene, READ_COMMITTED).await?));
    Ok(())
}
