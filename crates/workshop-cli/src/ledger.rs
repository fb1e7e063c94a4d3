//! `cargo workshop ledger`: a program against a fresh cluster, and what happened to its records.

use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::value_parser;
use ledger::{Ledger, Sheet};
use workshop::{Choice, DataDirectory, Host, HostOptions};

use crate::interrupt::{Interrupt, Wish};
use crate::wanted::Wanted;

/// How often the program is checked for its end.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The time that the program has to end after Ctrl-C or SIGTERM, before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Run a program against a fresh cluster, and count what happened to its records.
///
/// The program can be in any language: it finds the cluster by KAFKA_BOOTSTRAP_SERVERS. When
/// it has ended, a table shows for each topic how many records were
///
///   sent            came to a node; one that was sent again after a failure counts once
///   acknowledged    of these, the producer got an acknowledgement
///   on the cluster  are in the logs for consumers of committed records, each copy for itself
///   read            were in a response to a consumer; what groups committed is below the table
///   lost            were acknowledged, and are in no log, though no one deleted them
///   duplicated      are in a log more often than they were sent
///   out of order    are in a log behind a record that their producer sent after them
///
/// Records are the same if their key, value and headers are. Records in open and aborted
/// transactions are counted below the table. Records that never left their producer are
/// unknown to the cluster.
///
/// The exit code is that of the program, or 1 if an acknowledged record was lost.
#[derive(Debug, clap::Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  cargo workshop ledger -- cargo run --example 03_producer
  cargo workshop ledger --topic orders:6 -- python my.py
  cargo workshop ledger --json -- ./my-program > sheet.json
                                        the program's own output goes to stderr
  cargo workshop ledger -- ./my-program
                                        and while it runs, in another terminal, with the
                                        WORKSHOP_DATA that the command prints:
  WORKSHOP_DATA=... cargo workshop fault drop-response Produce"
)]
pub(crate) struct Arguments {
    /// How many nodes the cluster has, 1 to 9.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u16).range(1..=9))]
    nodes: u16,

    #[command(flatten)]
    wanted: Wanted,

    /// Print the numbers as JSON, per partition as well.
    #[arg(long)]
    json: bool,

    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut interrupted = Interrupt::listen()?;
    arguments.wanted.check(arguments.nodes)?;
    let directory = tempfile::tempdir().context("no temporary directory for the cluster")?;
    let data = DataDirectory::at(directory.path());
    let options = HostOptions {
        nodes: arguments.nodes.into(),
        wire: Choice::from_environment()?.wire,
        properties: arguments.wanted.properties(),
        topics: arguments.wanted.topics().to_vec(),
        ..HostOptions::default()
    };
    let host = Host::start(&data, &options).await?;
    let ledger = Ledger::watch(host.cluster());
    let servers = host.running().bootstrap_servers();
    eprintln!("Cluster at {servers}");
    eprintln!("Faults from another terminal find it with WORKSHOP_DATA={}", data.path().display());
    let begin = Instant::now();
    let mut child = start(arguments, &servers, &data)?;
    let status = until_the_end(&mut child, &mut interrupted).await?;
    eprintln!("The program ended after {:.1} s: {status}", begin.elapsed().as_secs_f64());

    ledger.settle(host.cluster()).await;
    let sheet = ledger.sheet(host.cluster()).await?;
    host.shutdown().await?;
    print(arguments, &sheet)?;
    if sheet.total.lost > 0 {
        return Ok(ExitCode::FAILURE);
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn start(arguments: &Arguments, servers: &str, data: &DataDirectory) -> anyhow::Result<Child> {
    let (program, rest) = arguments.command.split_first().context("there is no command")?;
    let mut command = Command::new(program);
    command.args(rest).env("KAFKA_BOOTSTRAP_SERVERS", servers).env("WORKSHOP_DATA", data.path());
    if arguments.json {
        command.stdout(Stdio::from(std::io::stderr()));
    }
    command.spawn().with_context(|| format!("cannot run {program}"))
}

/// Waits for the end of the program. Ctrl-C and SIGTERM end it; it is killed if it does not end in
/// time, or at the second wish.
async fn until_the_end(
    child: &mut Child,
    interrupted: &mut Interrupt,
) -> anyhow::Result<ExitStatus> {
    let mut deadline: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for the program")? {
            return Ok(status);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            wish = interrupted.wish() => {
                pass_on(wish, child);
                deadline = Some(if deadline.is_some() { Instant::now() } else { Instant::now() + GRACE });
            }
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            eprintln!("The program does not end, and is killed");
            child.kill().context("cannot kill the program")?;
            return child.wait().context("cannot wait for the program");
        }
    }
}

/// Passes on a wish to end, unless the program has received it already: Ctrl-C in a terminal
/// reaches all programs in the foreground.
#[cfg(unix)]
fn pass_on(wish: Wish, child: &Child) {
    use std::io::IsTerminal;

    use rustix::process::{Pid, Signal, kill_process};

    let signal = match wish {
        Wish::CtrlC if std::io::stdin().is_terminal() => return,
        Wish::CtrlC => Signal::INT,
        Wish::Terminate => Signal::TERM,
    };
    // It has not been waited for, so its id is still its own.
    let process = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(Err(error)) = process.map(|process| kill_process(process, signal)) {
        eprintln!("The program cannot be signaled: {error}");
    }
}

#[cfg(not(unix))]
fn pass_on(_wish: Wish, _child: &Child) {}

fn print(arguments: &Arguments, sheet: &Sheet) -> anyhow::Result<()> {
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(sheet)?);
        return Ok(());
    }
    println!("\n{}", sheet.to_string().trim_end());
    if sheet.topics.is_empty() {
        println!(
            "\nThe program sent nothing to the cluster, and read nothing from it. It should \
             connect to the servers in KAFKA_BOOTSTRAP_SERVERS."
        );
    }
    Ok(())
}
