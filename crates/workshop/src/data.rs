//! The data directory: its files, and emptying it.
//!
//! | Entry | What it is |
//! |---|---|
//! | `workshop.json` | says that the directory is the workshop's, and in which format |
//! | `cluster/` | the embedded cluster's own: logs, topics, committed offsets |
//! | `running.json` | where the cluster listens while one runs, see [`Running`] |
//! | `control.json` | where it takes orders, and the token; only its owner reads it, see `control` |
//! | `host.lock` | held by the process that hosts the cluster |
//! | `users.lock` | shared by the processes that use it, see `seat` |

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::ask::variable_set;
use crate::error::{Error, shown};
use crate::lock::Lock;
use crate::running::Running;

/// The format of the directory. A change that an older or newer version cannot read raises it.
const FORMAT: u32 = 1;

const MARKER: &str = "workshop.json";
const RUNNING: &str = "running.json";
const CONTROL: &str = "control.json";
const CLUSTER: &str = "cluster";
const HOST_LOCK: &str = "host.lock";
const USERS_LOCK: &str = "users.lock";

/// Counts the files that this process has written, to name each temporary file.
static WRITES: AtomicU32 = AtomicU32::new(0);

/// The content of `workshop.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    /// Tells a person who opens it what the directory is.
    what: String,
    /// The format, [`FORMAT`] in this version.
    format: u32,
}

/// A directory that keeps what an embedded cluster stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDirectory {
    path: PathBuf,
}

impl DataDirectory {
    /// The directory at `path`, which need not exist yet.
    pub fn at(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) }
    }

    /// The directory that `WORKSHOP_DATA` names, otherwise `.workshop/` at the workspace's root.
    pub fn from_environment() -> Self {
        match variable_set("WORKSHOP_DATA") {
            Some(path) => Self::at(path),
            None => Self::standard(),
        }
    }

    /// `.workshop/` at the workspace's root, the default of every program.
    pub fn standard() -> Self {
        Self::at(workspace_root().join(".workshop"))
    }

    /// Where the directory is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how many bytes the cluster's files take, `None` if there are none.
    pub fn size_bytes(&self) -> Option<u64> {
        let cluster = self.cluster_path();
        cluster.is_dir().then(|| size_of_tree(&cluster))
    }

    /// Returns the cluster that runs on this directory, if one does and responds. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::HostSilent`] if a process hosts one that does not respond.
    pub async fn running(&self) -> Result<Option<Running>, Error> {
        if !self.path.is_dir() || !self.is_hosted()? {
            return Ok(None);
        }
        let Some(running) = self.registered()? else {
            return Ok(None);
        };
        if running.answers().await {
            return Ok(Some(running));
        }
        if self.is_hosted()? && self.registered()?.as_ref() == Some(&running) {
            return Err(self.silent(&running));
        }
        Ok(None)
    }

    /// Returns how many bytes [`DataDirectory::reset`] would remove, `None` if there is nothing.
    ///
    /// # Errors
    ///
    /// If a reset would fail: [`Error::InUse`], [`Error::Foreign`].
    pub fn check_reset(&self) -> Result<Option<u64>, Error> {
        if !self.path.exists() {
            return Ok(None);
        }
        self.check_is_ours()?;
        if self.is_hosted()? {
            return Err(Error::InUse { data: self.path.clone() });
        }
        let holds_something = self.path.join(MARKER).exists();
        Ok(holds_something.then(|| self.size_bytes().unwrap_or(0)))
    }

    /// Returns the directory's path for display: relative if it is inside the current directory.
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    /// Removes what the cluster stored, and returns how many bytes that were. The lock files stay.
    ///
    /// # Errors
    ///
    /// [`Error::InUse`] while a cluster runs there, [`Error::Foreign`] where the directory is not
    /// the workshop's, [`Error::File`] where something cannot be removed.
    pub fn reset(&self) -> Result<u64, Error> {
        if !self.path.exists() {
            return Ok(0);
        }
        self.check_is_ours()?;
        // No other process starts a cluster here while this one holds the host's lock.
        let _host = Lock::try_exclusive(&self.host_lock())?
            .ok_or_else(|| Error::InUse { data: self.path.clone() })?;
        let bytes = self.size_bytes().unwrap_or(0);
        let cluster = self.cluster_path();
        ignore_missing(fs::remove_dir_all(&cluster)).map_err(|e| failed("remove", &cluster, e))?;
        // A killed process may have left a temporary file next to the final one. The marker is
        // removed last: without it, the remaining files would count as foreign.
        for begin in [CONTROL, RUNNING, MARKER] {
            for file in self.entries()?.into_iter().filter(|name| name.starts_with(begin)) {
                let path = self.path.join(file);
                ignore_missing(fs::remove_file(&path)).map_err(|e| failed("remove", &path, e))?;
            }
        }
        Ok(bytes)
    }

    /// Creates the directory, or makes sure that it is one that this version can use.
    pub(crate) fn prepare(&self) -> Result<(), Error> {
        fs::create_dir_all(&self.path).map_err(|e| failed("create", &self.path, e))?;
        self.check_is_ours()?;
        match self.marker()? {
            Some(marker) if marker.format == FORMAT => Ok(()),
            Some(marker) => Err(self.incompatible(marker.format.to_string())),
            None => {
                let what = "data of the Kafka workshop; `cargo workshop reset` empties it";
                self.write(MARKER, &Marker { what: what.to_owned(), format: FORMAT })
            }
        }
    }

    /// Returns whether a process hosts a cluster here, or is about to start or stop one.
    pub(crate) fn is_hosted(&self) -> Result<bool, Error> {
        Ok(self.host_lock().exists() && Lock::try_shared(&self.host_lock())?.is_none())
    }

    /// Returns what the host wrote about its cluster, unchecked.
    pub(crate) fn registered(&self) -> Result<Option<Running>, Error> {
        let Some(text) = read(&self.path.join(RUNNING))? else {
            return Ok(None);
        };
        // An unreadable file was left by another version; the next host replaces it.
        Ok(serde_json::from_str(&text).ok())
    }

    pub(crate) fn register(&self, running: &Running) -> Result<(), Error> {
        self.write(RUNNING, running)
    }

    pub(crate) fn unregister(&self) -> Result<(), Error> {
        self.withdraw_access()?;
        self.remove(RUNNING)
    }

    /// Where the host takes orders, unchecked.
    pub(crate) fn access(&self) -> Result<Option<Access>, Error> {
        let text = read(&self.path.join(CONTROL))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(crate) fn give_access(&self, access: &Access) -> Result<(), Error> {
        self.write(CONTROL, access)
    }

    pub(crate) fn withdraw_access(&self) -> Result<(), Error> {
        self.remove(CONTROL)
    }

    fn remove(&self, name: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        ignore_missing(fs::remove_file(&path)).map_err(|e| failed("remove", &path, e))
    }

    pub(crate) fn cluster_path(&self) -> PathBuf {
        self.path.join(CLUSTER)
    }

    pub(crate) fn host_lock(&self) -> PathBuf {
        self.path.join(HOST_LOCK)
    }

    pub(crate) fn users_lock(&self) -> PathBuf {
        self.path.join(USERS_LOCK)
    }

    pub(crate) fn silent(&self, running: &Running) -> Error {
        Error::HostSilent {
            data: self.path.clone(),
            servers: running.bootstrap_servers(),
            process_id: running.process_id,
        }
    }

    fn incompatible(&self, found: String) -> Error {
        Error::Incompatible { data: self.path.clone(), found, expected: FORMAT }
    }

    fn marker(&self) -> Result<Option<Marker>, Error> {
        let Some(text) = read(&self.path.join(MARKER))? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|_| self.incompatible("unknown".to_owned()))
    }

    /// Without a marker, the directory may hold nothing but lock files. The entries are read
    /// before the marker: another process that prepares the directory at this moment writes the
    /// marker first.
    fn check_is_ours(&self) -> Result<(), Error> {
        let foreign = self
            .entries()?
            .into_iter()
            .find(|name| name != HOST_LOCK && name != USERS_LOCK && !name.starts_with(MARKER));
        match foreign {
            Some(entry) if !self.path.join(MARKER).exists() => {
                Err(Error::Foreign { data: self.path.clone(), entry })
            }
            _ => Ok(()),
        }
    }

    fn entries(&self) -> Result<Vec<String>, Error> {
        let entries = fs::read_dir(&self.path).map_err(|e| failed("read", &self.path, e))?;
        Ok(entries.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect())
    }

    /// Writes a file atomically: a reader sees the old one or the new one.
    fn write(&self, name: &str, content: &impl Serialize) -> Result<(), Error> {
        let path = self.path.join(name);
        let nobody_elses = format!("{}-{}", std::process::id(), WRITES.fetch_add(1, Relaxed));
        let unfinished = self.path.join(format!("{name}.{nobody_elses}"));
        serde_json::to_string_pretty(content)
            .map_err(io::Error::from)
            .and_then(|text| {
                create(&unfinished, name == CONTROL)?.write_all((text + "\n").as_bytes())
            })
            .and_then(|()| fs::rename(&unfinished, &path))
            .map_err(|e| failed("write", &path, e))
    }
}

/// Creates a file, replacing one that a killed process with the same id may have left. On Unix,
/// only its owner can open it if it holds a secret.
fn create(path: &Path, is_secret: bool) -> io::Result<fs::File> {
    ignore_missing(fs::remove_file(path))?;
    let mut options = OpenOptions::new();
    // The permissions apply only when a file is created.
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    options.open(path)
}

/// Returns the root of the workspace that this was built in, or the current directory if the
/// program was moved elsewhere.
fn workspace_root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    match root {
        Some(root) if root.is_dir() => root.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn size_of_tree(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of_tree(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}

fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, error)),
    }
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> Error {
    Error::File { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_directory_lies_beside_the_workspaces_manifest() {
        let manifest = fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains("[workspace]"));
    }

    #[test]
    fn what_a_killed_process_left_unfinished_is_no_stranger_and_goes_with_a_reset() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("workshop.json.4711-0"), "{").unwrap();
        let data = DataDirectory::at(directory.path());
        data.prepare().unwrap();
        fs::create_dir(data.cluster_path()).unwrap();
        fs::write(data.cluster_path().join("log"), "12345").unwrap();
        assert_eq!(data.check_reset().unwrap(), Some(5));
        assert_eq!(data.reset().unwrap(), 5);
        assert_eq!(data.entries().unwrap(), [HOST_LOCK]);
    }

    #[test]
    fn a_file_that_a_process_of_the_same_id_left_unfinished_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let left = directory.path().join("control.json.4711-0");
        fs::write(&left, "open to all").unwrap();
        create(&left, true).unwrap().write_all(b"secret").unwrap();
        assert_eq!(fs::read_to_string(&left).unwrap(), "secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&left).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_marker_that_cannot_be_read_asks_for_a_reset() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(MARKER), "?").unwrap();
        let data = DataDirectory::at(directory.path());
        assert!(matches!(data.prepare(), Err(Error::Incompatible { .. })));
        data.reset().unwrap();
        data.prepare().unwrap();
    }
}
