//! The schema registry as its clients see it: raw HTTP, on any cluster.

mod avro;
mod hostile;
mod http;
mod json;
mod levels;
mod lifecycle;
mod loss;
mod odd;
mod protobuf;
mod rest;
mod scenarios;
mod verdicts;
