//! Money and ids: a decimal and a UUID as Avro has them, and values that a schema cannot hold.

use anyhow::{Result, ensure};
use bigdecimal::BigDecimal;
use serde::{Deserialize, Serialize};
use serdes::{AvroDeserializer, AvroSerializer, Part, RegistryClient, Schema};
use uuid::Uuid;

const FARE: &str = include_str!("../../../data/schemas/fare.avsc");

// ANCHOR: fare
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fare {
    booking: Uuid,
    price: BigDecimal,
    seat: i64,
}
// ANCHOR_END: fare

/// Writes a fare and reads it back, and tries two that the schema cannot hold.
pub(crate) async fn write_and_read(registry: &RegistryClient, topic: &str) -> Result<()> {
    // ANCHOR: decimal
    let serializer = AvroSerializer::new(registry, Schema::avro(FARE))?;
    let booking = Uuid::from_u128(0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8);
    let fare = Fare { booking, price: "118.50".parse()?, seat: 14 };
    let bytes = serializer.serialize(topic, Part::Value, &fare).await?;
    let read: Fare = AvroDeserializer::new(registry).deserialize(&bytes).await?;
    ensure!(read == fare, "the fare was changed on its way");
    println!("fare       {} for booking {}", read.price, read.booking);
    println!("bytes      {bytes:02x?}");
    // ANCHOR_END: decimal

    // ANCHOR: unheld
    for (price, seat) in [("118.505", 14), ("118.50", 4_294_967_310)] {
        let fare = Fare { booking, price: price.parse()?, seat };
        if let Err(error) = serializer.serialize(topic, Part::Value, &fare).await {
            println!("not sent   {error}");
        }
    }
    // ANCHOR_END: unheld
    println!();
    Ok(())
}
