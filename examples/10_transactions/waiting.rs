//! Scene 2: records after the beginning of an open transaction are not read until it ends.

use anyhow::Result;
use helpers::unique_name;
use rdkafka::producer::{BaseProducer, Producer};

use crate::producer::{LIMIT, send, transactional_producer};
use crate::readers::{Ends, READ_COMMITTED, READ_UNCOMMITTED, listed, read, wait_for_ends};
use crate::scene::Scene;

pub(crate) async fn play(scene: &Scene<'_>) -> Result<()> {
    // ANCHOR: open
    let open = transactional_producer(scene, &unique_name("open"), &[])?;
    open.begin_transaction()?;
    send(&open, scene, &["DL 201"])?;

    let other = transactional_producer(scene, &unique_name("other"), &[])?;
    other.begin_transaction()?;
    send(&other, scene, &["UA 202"])?;
    other.commit_transaction(LIMIT)?;

    let without_transactions: BaseProducer = helpers::client_config(scene.brokers)?.create()?;
    send(&without_transactions, scene, &["B6 203"])?;
    // ANCHOR_END: open

    let ends = wait_for_ends(scene, 0, 4).await?;
    println!("   DL 201 is open, UA 202 is committed, B6 203 has no transaction");
    show(scene, ends).await?;

    open.abort_transaction(LIMIT)?;
    let ends = wait_for_ends(scene, 5, 5).await?;
    println!("   DL 201 is aborted");
    show(scene, ends).await
}

async fn show(scene: &Scene<'_>, ends: Ends) -> Result<()> {
    let Ends { last_stable_offset, high_watermark } = ends;
    let uncommitted = listed(&read(scene, READ_UNCOMMITTED).await?);
    let committed = listed(&read(scene, READ_COMMITTED).await?);
    println!("      read_uncommitted  to the high watermark, {high_watermark}:     {uncommitted}");
    println!(
        "      read_committed    to the last stable offset, {last_stable_offset}: {committed}"
    );
    Ok(())
}
