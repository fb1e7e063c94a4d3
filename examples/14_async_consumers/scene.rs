//! The surroundings of a scene.

use std::convert::Infallible;
use std::sync::Arc;

use rdkafka::producer::FutureProducer;
use tokio::sync::mpsc;

use crate::event::Airports;

/// The place of a scene: a topic of its own, and a group that reads it.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) brokers: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) producer: FutureProducer,
    pub(crate) airports: Arc<Airports>,
    /// Every task holds a copy, so it is known when the last one has ended.
    pub(crate) alive: mpsc::Sender<Infallible>,
}
