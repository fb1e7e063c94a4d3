//! The sheets of real clients, undisturbed and disturbed.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod disturbed;
mod scene;
mod transactions;
mod undisturbed;
