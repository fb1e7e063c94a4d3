//! The page that Prometheus scrapes, and one scrape.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The upper bounds of a batch's time, in seconds.
const BATCH_SECONDS: [f64; 4] = [0.01, 0.1, 1.0, 10.0];
const UPKEEP: Duration = Duration::from_secs(5);

pub(crate) struct Endpoint {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Endpoint {
    // ANCHOR: endpoint
    /// From here on `counter!`, `gauge!` and `histogram!` write to a table, and the page shows it.
    pub(crate) async fn start() -> Result<Endpoint> {
        let table = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full("batch_seconds".to_owned()), &BATCH_SECONDS)?
            .install_recorder()?;
        let upkeep = tokio::spawn(keep_up(table.clone()));
        let page = Router::new()
            .route("/metrics", get(async move || ([(CONTENT_TYPE, TEXT)], table.render())));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, page).await {
                eprintln!("the page of metrics has ended: {error}");
            }
        });
        Ok(Endpoint { address, tasks: [upkeep, server] })
    }
    // ANCHOR_END: endpoint

    pub(crate) fn url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    // ANCHOR: scrape
    /// Does what Prometheus does every 15 seconds or so.
    pub(crate) async fn scrape(&self) -> Result<String> {
        let mut connection = TcpStream::connect(self.address).await?;
        connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
        let mut response = String::new();
        connection.read_to_string(&mut response).await?;
        let (head, page) = response.split_once("\r\n\r\n").context("not an HTTP response")?;
        ensure!(head.contains("200 OK"), "{head}");
        Ok(page.to_owned())
    }
    // ANCHOR_END: scrape
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// The samples of histograms are summed up at a scrape. Without scrapes, they would pile up.
async fn keep_up(table: PrometheusHandle) {
    let mut every = tokio::time::interval(UPKEEP);
    loop {
        every.tick().await;
        table.run_upkeep();
    }
}
