//! Scene 4: the coordinator aborts a transaction that its producer does not end.

use anyhow::Result;
use helpers::unique_name;
use rdkafka::producer::Producer;

use crate::producer::{LIMIT, report, send, transactional_producer};
use crate::readers::{READ_COMMITTED, READ_UNCOMMITTED, listed, read, wait_for_ends};
use crate::scene::Scene;

pub(crate) async fn play(scene: &Scene<'_>) -> Result<()> {
    // ANCHOR: timeout
    let limit = [("transaction.timeout.ms", "1000")];
    let slow = transactional_producer(scene, &unique_name("slow"), &limit)?;
    slow.begin_transaction()?;
    send(&slow, scene, &["DL 401"])?;
    // And then the program does something else.
    let ends = wait_for_ends(scene, 2, 2).await?;
    println!("   an abort marker at offset   {}", ends.high_watermark - 1);
    report("slow    commit_transaction", slow.commit_transaction(LIMIT));
    // ANCHOR_END: timeout

    println!("   read_uncommitted            {}", listed(&read(scene, READ_UNCOMMITTED).await?));
    println!("   read_committed              {}", listed(&read(scene, READ_COMMITTED).await?));
    Ok(())
}
