//! A client for a schema registry.

mod admin;
mod client;
mod guid;
mod rest;
mod schemas;

pub use admin::Compatibility;
pub use client::{Builder, RegistryClient};
