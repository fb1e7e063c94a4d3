//! What the programs find when they run: ports, the loopback address, disk space, open files.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use crate::check::{Check, Status};
use crate::command::{Failure, run};
use crate::tools::said;

/// The space that the workshop's first build and the clusters take, in MB of 1,000,000 bytes.
const DISK_MB: u64 = 3_000;

/// The open files that a cluster and the clients of an example need.
const OPEN_FILES: u64 = 1_024;

/// Checks whether a program can connect to itself on 127.0.0.1, as every example does.
pub(crate) fn loopback(deadline: Instant) -> Check {
    let name = "loopback";
    let left = deadline.saturating_duration_since(Instant::now());
    let talk = || -> io::Result<()> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut client = TcpStream::connect_timeout(&listener.local_addr()?, left)?;
        let (mut server, _) = listener.accept()?;
        server.set_read_timeout(Some(left))?;
        client.write_all(b"?")?;
        server.read_exact(&mut [0])
    };
    match talk() {
        Ok(()) => Check::ready(name, "127.0.0.1 accepts connections"),
        Err(error) => Check::not(
            Status::Missing,
            name,
            format!("127.0.0.1 does not work: {error}"),
            "allow connections to 127.0.0.1 in the firewall, and check the interface lo (lo0)",
        ),
    }
}

/// Checks what `localhost` means here. The workshop itself uses 127.0.0.1.
pub(crate) fn localhost(deadline: Instant) -> Check {
    let name = "localhost";
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(("localhost", 0).to_socket_addrs()));
    let found = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    let ipv4 = |address: &SocketAddr| address.ip() == Ipv4Addr::LOCALHOST;
    let hosts = "add the line `127.0.0.1 localhost` to the file hosts, or write 127.0.0.1";
    match found {
        Ok(Ok(addresses)) => {
            let addresses: Vec<SocketAddr> = addresses.collect();
            let shown: Vec<String> = addresses.iter().map(|it| it.ip().to_string()).collect();
            let shown = shown.join(", ");
            if addresses.iter().any(ipv4) {
                Check::ready(name, shown)
            } else {
                Check::not(Status::Note, name, format!("{shown}, not 127.0.0.1"), hosts)
            }
        }
        Ok(Err(error)) => Check::not(Status::Note, name, error.to_string(), hosts),
        Err(_) => Check::not(Status::Note, name, "its lookup takes too long", hosts),
    }
}

/// Checks the ports that `cargo workshop up` prefers. It takes free ones instead of those in use.
pub(crate) fn ports(first: u16, registry: u16) -> Check {
    let nodes = (0..3).map(|node| first.saturating_add(node));
    let ports: Vec<u16> = nodes.chain([registry]).collect();
    let is_used = |port: &&u16| TcpListener::bind((Ipv4Addr::LOCALHOST, **port)).is_err();
    let list =
        |ports: &[&u16]| ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let used: Vec<&u16> = ports.iter().filter(is_used).collect();
    if used.is_empty() {
        return Check::ready(
            "ports",
            format!("{} are free", list(&ports.iter().collect::<Vec<_>>())),
        );
    }
    Check::not(
        Status::Note,
        "ports",
        format!("{} in use, by a cluster or by another program", list(&used)),
        "nothing, as `cargo workshop up` takes free ports instead and prints them; or choose with --port",
    )
}

/// Checks the disk that holds the workspace.
pub(crate) fn disk(root: &Path, deadline: Instant) -> Check {
    let name = "disk";
    match free_megabytes(root, deadline) {
        Ok(free) => {
            let found = format!("{:.1} GB free, {:.1} GB are needed", gb(free), gb(DISK_MB));
            if free >= DISK_MB {
                Check::ready(name, found)
            } else {
                let remedy =
                    "free space, or set CARGO_TARGET_DIR and WORKSHOP_DATA to another disk";
                Check::not(Status::Missing, name, found, remedy)
            }
        }
        Err(why) => {
            let remedy = format!("check that {:.1} GB are free", gb(DISK_MB));
            Check::not(Status::Note, name, why, remedy)
        }
    }
}

fn gb(megabytes: u64) -> f64 {
    megabytes as f64 / 1_000.0
}

/// Asks the system's own program: the standard library does not know.
fn free_megabytes(root: &Path, deadline: Instant) -> Result<u64, String> {
    let path = root.display().to_string();
    let (program, text) = if cfg!(windows) {
        let script = format!("(Get-Item -LiteralPath '{path}').PSDrive.Free / 1024");
        let arguments = ["-NoProfile", "-NonInteractive", "-Command", script.as_str()];
        ("powershell", run("powershell", &arguments, "", deadline))
    } else {
        ("df", run("df", &["-Pk", &path], "", deadline))
    };
    let text = text.map_err(|failure: Failure| said(program, &failure))?;
    // The columns of df are file system, size, used, available; PowerShell prints one number.
    let line = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let column = if cfg!(windows) { 0 } else { 3 };
    let kilobytes = line.split_whitespace().nth(column).and_then(|it| it.parse::<f64>().ok());
    let kilobytes = kilobytes.ok_or_else(|| format!("{program} prints no number: {line}"))?;
    Ok((kilobytes * 1.024 / 1_000.0) as u64)
}

/// Checks how many files a process may open. A cluster raises its own limit to the allowed maximum.
pub(crate) fn open_files(deadline: Instant) -> Check {
    let name = "open files";
    if cfg!(windows) {
        return Check::ready(name, "no limit on this system");
    }
    let asked = run("sh", &["-c", "ulimit -n; ulimit -Hn"], "", deadline);
    let text = match asked {
        Ok(text) => text,
        Err(failure) => {
            let why = said("sh", &failure);
            return Check::not(Status::Note, name, why, format!("check that it is {OPEN_FILES}"));
        }
    };
    let mut limits = text.lines();
    let (soft, hard) = (limits.next().unwrap_or_default(), limits.next().unwrap_or_default());
    let found = format!("{soft}, and {hard} at most");
    // Anything that is not a number means `unlimited`.
    if hard.parse().is_ok_and(|hard: u64| hard < OPEN_FILES) {
        let remedy = format!("raise the limit to {OPEN_FILES}, in /etc/security/limits.conf");
        return Check::not(Status::Note, name, found, remedy);
    }
    Check::ready(name, found)
}
