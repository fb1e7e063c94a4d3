//! A member that dies, and one that lives but does not poll.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use crate::board::Board;
use crate::member::{Member, classic_member};
use crate::print::Scene;
use crate::topics::Topics;

const SHARED: [(&str, usize); 2] = [("a", 3), ("b", 3)];
const ALONE: [(&str, usize); 1] = [("a", 6)];

/// The first argument of the process that is killed. The others are in [`run_victim`].
pub(crate) const VICTIM: &str = "be-killed";

fn join(name: &str, brokers: &str, group: &str, topic: &str, board: &Arc<Board>) -> Result<Member> {
    Member::join(name, classic_member(brokers, group, name), topic, board)
}

/// A member in a process of its own, which gets no chance to say goodbye.
pub(crate) fn show_death(brokers: &str, topics: &Topics) -> Result<Scene> {
    let (topic, group) = (&topics.main, topics.group("death"));
    let board = Arc::new(Board::default());
    let a = join("a", brokers, &group, topic, &board)?;
    board.step("a joins", "a", &ALONE, || Ok(()))?;
    board.wait_for_all_records()?;
    let mut b = None;
    board.step("b joins", "b", &SHARED, || {
        b = Some(Victim::start(&[brokers, topic, &group], &board)?);
        Ok(())
    })?;
    // ANCHOR: kill
    let died = board.step("b is killed", "b", &ALONE, || {
        b.take().map_or(Ok(()), Victim::kill)?;
        board.silent("b");
        Ok(())
    })?;
    // ANCHOR_END: kill
    a.leave()?;
    Ok(Scene::new("death", "eager", vec![died], &board))
}

/// A member that sends heartbeats, but does no work.
pub(crate) fn show_silence(brokers: &str, topics: &Topics) -> Result<(Scene, String)> {
    let (topic, group) = (&topics.main, topics.group("silence"));
    let board = Arc::new(Board::default());
    let a = join("a", brokers, &group, topic, &board)?;
    board.step("a joins", "a", &ALONE, || Ok(()))?;
    board.wait_for_all_records()?;
    let mut b = None;
    board.step("b joins", "b", &SHARED, || {
        b = Some(join("b", brokers, &group, topic, &board)?);
        Ok(())
    })?;
    let b = b.context("b has joined")?;
    // ANCHOR: silence
    let silent = board.step("b stops polling", "b", &ALONE, || {
        b.stop_polling();
        Ok(())
    })?;
    let back = board.step("b polls again", "b", &SHARED, || {
        b.go_on_polling();
        Ok(())
    })?;
    // ANCHOR_END: silence
    let error = b.leave()?.context("the poll after the silence says why")?;
    a.leave()?;
    Ok((Scene::new("silence", "eager", vec![silent, back], &board), error.to_string()))
}

/// The process that is killed. It is killed too when this one ends in another way.
struct Victim(Child);

impl Victim {
    fn start(arguments: &[&str], board: &Arc<Board>) -> Result<Victim> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(VICTIM).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let board = Arc::clone(board);
        // It says which partitions it has, one line for each assignment.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let partitions = line.split_whitespace().filter_map(|it| it.parse().ok());
                board.assigned("b", &partitions.collect::<Vec<i32>>());
            }
        });
        Ok(Victim(child))
    }

    /// SIGKILL: no callback runs, nothing is committed, the coordinator gets no request.
    fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // Fails if it has been killed already, which is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the process that is killed does: it is a member of the group until its stdin ends, which it
/// does with the process that started it. It does not leave the group then: the cluster may have
/// ended with that process, and no broker would respond.
pub(crate) fn run_victim(arguments: &[String]) -> Result<()> {
    let [brokers, topic, group] = arguments else {
        return Err(anyhow!("{VICTIM} needs brokers, topic and group"));
    };
    let board = Arc::new(Board::default());
    let _member = join("b", brokers, group, topic, &board)?;
    let joined = board.step("b joins", "b", &[("b", 3)], || Ok(()))?;
    for callback in joined.callbacks.values().flatten() {
        println!("{callback}");
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
