//! The keys of the screen: a letter and Enter.
//!
//! Lines need no raw mode, so the screen works in every terminal and over a pipe.

use std::io::{BufRead, IsTerminal};

use tokio::sync::mpsc;

/// What the learner wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Run,
    Hint,
    Solution,
    Next,
    List,
    Quit,
    Unknown,
}

/// The keys that the screen shows.
pub(crate) const SHOWN: &str =
    "r run   h hint   s solution   n next   l list   q quit      (a letter and Enter)";

/// The lines of stdin, read on a thread of their own, since a read cannot be canceled.
#[derive(Debug)]
pub(crate) struct Keys {
    lines: mpsc::Receiver<String>,
    is_terminal: bool,
}

impl Keys {
    pub(crate) fn of_stdin() -> Self {
        let (sender, lines) = mpsc::channel(16);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        Self { lines, is_terminal: std::io::stdin().is_terminal() }
    }

    /// Tells whether a person types the keys, who may want to quit in the middle of a check. A
    /// script wants each key to be handled after the one before.
    pub(crate) fn are_typed(&self) -> bool {
        self.is_terminal
    }

    /// Waits for the next key. The end of stdin is [`Key::Quit`].
    pub(crate) async fn next(&mut self) -> Key {
        self.lines.recv().await.map_or(Key::Quit, |line| Key::of(&line))
    }
}

impl Key {
    /// Reads a line. Enter alone runs the program, as the most frequent wish.
    fn of(line: &str) -> Self {
        match line.trim().to_lowercase().as_str() {
            "" | "r" | "run" => Self::Run,
            "h" | "hint" => Self::Hint,
            "s" | "solution" => Self::Solution,
            "n" | "next" => Self::Next,
            "l" | "list" => Self::List,
            "q" | "quit" => Self::Quit,
            _ => Self::Unknown,
        }
    }
}
