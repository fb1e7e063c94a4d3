//! The host's end: a listener on 127.0.0.1 that accepts orders with the right token.
//!
//! It has a thread and a runtime of its own: an example that blocks in a synchronous call of
//! rdkafka still takes orders. What a stranger can do is bounded: a line before the token is
//! compared, a few bytes, a few seconds, a few connections at once.

use std::hint::black_box;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::protocol::{Answer, Controlled, HEARD, MOST_BYTES, Order};
use crate::access::Access;
use crate::data::DataDirectory;
use crate::error::Error;

/// How long a connection may take to say what it wants.
const ASK_LIMIT: Duration = Duration::from_secs(5);

/// How many connections are open at once; one more is closed at once.
const MOST_CONNECTIONS: usize = 16;

/// A listener that accepts orders until this is dropped.
#[derive(Debug)]
pub(crate) struct Endpoint {
    data: DataDirectory,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Endpoint {
    /// Opens a free port, and writes its address and token to `data`.
    ///
    /// # Errors
    /// [`Error::Control`] where the system gives no port or no thread, [`Error::File`] where the
    /// data directory cannot be written.
    pub(crate) fn open(data: &DataDirectory, target: Arc<dyn Controlled>) -> Result<Self, Error> {
        let failed = |source| Error::Control { source };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let address = prepared(&listener).map_err(failed)?;
        // The system's own random numbers, 244 bits of them.
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let (stop, stopped) = oneshot::channel();
        let expected: Arc<str> = token.as_str().into();
        let thread = thread::Builder::new()
            .name("workshop-control".to_owned())
            .spawn(move || serve_on_this_thread(listener, &expected, &target, stopped))
            .map_err(failed)?;
        let endpoint = Self { data: data.clone(), stop: Some(stop), thread: Some(thread) };
        data.give_access(&Access { address, token })?;
        Ok(endpoint)
    }
}

/// After this, nothing holds the cluster any more: orders without a response are abandoned.
impl Drop for Endpoint {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and the token is no longer valid.
        let _ = self.data.withdraw_access();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // It waits for nothing that takes long. A panic was printed already.
            let _ = thread.join();
        }
    }
}

fn prepared(listener: &std::net::TcpListener) -> io::Result<SocketAddr> {
    listener.set_nonblocking(true)?;
    listener.local_addr()
}

fn serve_on_this_thread(
    listener: std::net::TcpListener,
    token: &Arc<str>,
    target: &Arc<dyn Controlled>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return tracing::warn!(%error, "the cluster takes no orders"),
    };
    runtime.block_on(async {
        match TcpListener::from_std(listener) {
            Ok(listener) => accept(listener, token, target, stopped).await,
            Err(error) => tracing::warn!(%error, "the cluster takes no orders"),
        }
    });
    // This does not wait for calls that still block a thread of the pool.
    runtime.shutdown_background();
}

async fn accept(
    listener: TcpListener,
    token: &Arc<str>,
    target: &Arc<dyn Controlled>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if connections.len() < MOST_CONNECTIONS => {
                let (token, target) = (Arc::clone(token), Arc::clone(target));
                connections.spawn(async move {
                    if let Err(error) = answer(stream, &token, &*target).await {
                        tracing::debug!(%error, "an order was not answered");
                    }
                });
            }
            Ok(_) => tracing::debug!("too many connections for orders"),
            // Without a free file descriptor this would spin.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    connections.shutdown().await;
}

/// Reads one order and responds to it.
async fn answer(stream: TcpStream, token: &str, target: &dyn Controlled) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading.take(MOST_BYTES));
    let asked = async {
        let said = line(&mut reading).await?;
        if !is_same(said.as_bytes(), token.as_bytes()) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the token is wrong"));
        }
        writing.write_all(format!("{HEARD}\n").as_bytes()).await?;
        line(&mut reading).await
    };
    let order = tokio::time::timeout(ASK_LIMIT, asked).await??;
    let answer = match serde_json::from_str::<Order>(&order) {
        Ok(order) => target.obey(order).await,
        Err(error) => Answer::Refused(format!(
            "the cluster does not understand this order ({error}): it was started by another \
             version of the workshop. Start it again with this one"
        )),
    };
    let answer = serde_json::to_string(&answer)? + "\n";
    tokio::time::timeout(ASK_LIMIT, writing.write_all(answer.as_bytes())).await?
}

/// Reads the next line, which has to end.
async fn line(reading: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<String> {
    let mut line = Vec::new();
    reading.read_until(b'\n', &mut line).await?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Compares in constant time, so that timing does not reveal how much of `said` is right.
fn is_same(said: &[u8], token: &[u8]) -> bool {
    let different = said.iter().zip(token).fold(0, |different, (a, b)| different | (a ^ b));
    said.len() == token.len() && black_box(different) == 0
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::control::Obeying;

    /// Reports that it did what it was ordered to.
    struct Willing;

    impl Controlled for Willing {
        fn obey(&self, order: Order) -> Obeying<'_> {
            Box::pin(async move { Answer::Done(format!("{order:?}")) })
        }
    }

    fn opened() -> (tempfile::TempDir, DataDirectory, Endpoint) {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::at(directory.path());
        data.prepare().unwrap();
        let endpoint = Endpoint::open(&data, Arc::new(Willing)).unwrap();
        (directory, data, endpoint)
    }

    /// Reads everything until the connection ends.
    fn said(address: SocketAddr, words: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        // The other end may close before it has read all.
        let _ = stream.write_all(words.as_bytes());
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn a_wrong_token_is_told_nothing() {
        let (_directory, data, _endpoint) = opened();
        let access = data.access().unwrap().unwrap();
        let short = &access.token[1..];
        let other = access.token.replace(&access.token[..1], "x");
        for token in ["", short, &other, "GET / HTTP/1.1", &"x".repeat(100_000)] {
            assert_eq!(said(access.address, &format!("{token}\n\"Nodes\"\n")), "");
        }
        let right = said(access.address, &format!("{}\n\"Nodes\"\n", access.token));
        assert_eq!(right, "heard\n{\"Done\":\"Nodes\"}\n");
    }

    #[test]
    fn an_order_of_another_version_or_without_an_end_is_not_obeyed() {
        let (_directory, data, _endpoint) = opened();
        let access = data.access().unwrap().unwrap();
        let unknown = said(access.address, &format!("{}\n\"Explode\"\n", access.token));
        assert!(unknown.contains("Refused") && unknown.contains("another version"), "{unknown}");
        let endless = format!("{}\n\"{}", access.token, "x".repeat(2 * MOST_BYTES as usize));
        assert!(!said(access.address, &endless).contains("Done"));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_the_token_and_it_goes_with_the_endpoint() {
        use std::os::unix::fs::PermissionsExt;
        let (directory, data, endpoint) = opened();
        let file = directory.path().join("control.json");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let access = data.access().unwrap().unwrap();
        drop(endpoint);
        assert!(!file.exists());
        assert!(std::net::TcpStream::connect(access.address).is_err());
    }

    #[test]
    fn tokens_are_the_same_only_as_a_whole() {
        assert!(is_same(b"abc", b"abc"));
        for said in [&b"abd"[..], b"ab", b"abcd", b""] {
            assert!(!is_same(said, b"abc"));
        }
    }
}
