//! The registry as its clients see it: raw HTTP against a registry on an embedded cluster.

mod http;
mod rest;
