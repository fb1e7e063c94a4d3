//! Defines the record. Replace this file and order.avsc with your own.

use serde::{Deserialize, Serialize};

/// The schema of writer and reader. To stay compatible, add and remove only fields with a default.
pub const SCHEMA: &str = include_str!("order.avsc");

#[derive(Serialize, Deserialize)]
pub struct Order {
    pub id: i64,
    pub cents: i64,
    #[serde(default)]
    pub coupon: Option<String>,
}
