//! The states of a container, and the changes between them.

use crate::error::Error;

/// The state of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Running,
    Paused,
    Stopped,
}

/// A change of a node's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Stop,
    Kill,
    Start,
    Pause,
    Resume,
}

impl Change {
    /// Returns the state after the change, or an error if the state `from` does not allow it.
    pub(super) fn of(self, id: i32, from: State) -> Result<State, Error> {
        match (self, from) {
            (Self::Stop, State::Running) => Ok(State::Stopped),
            (Self::Kill, State::Running | State::Paused) => Ok(State::Stopped),
            (Self::Start, State::Stopped) | (Self::Resume, State::Paused) => Ok(State::Running),
            (Self::Pause, State::Running) => Ok(State::Paused),
            _ => Err(Error::NodeState { id, state: from.name(), change: self.done() }),
        }
    }

    /// Returns the past participle, for an error message.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Stop => "stopped",
            Self::Kill => "killed",
            Self::Start => "started",
            Self::Pause => "paused",
            Self::Resume => "resumed",
        }
    }

    /// Returns the action, for an error message.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Stop => "stop a node",
            Self::Kill => "kill a node",
            Self::Start => "start a node",
            Self::Pause => "pause a node",
            Self::Resume => "resume a node",
        }
    }
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_allowed_only_in_some_states() {
        use Change::{Kill, Pause, Resume, Start, Stop};
        use State::{Paused, Running, Stopped};
        for (change, from, to) in [
            (Stop, Running, Stopped),
            (Kill, Running, Stopped),
            (Kill, Paused, Stopped),
            (Start, Stopped, Running),
            (Pause, Running, Paused),
            (Resume, Paused, Running),
        ] {
            assert_eq!(change.of(1, from).unwrap(), to, "{change:?} of {from:?}");
        }
        for (change, from, said) in [
            (Stop, Stopped, "node 2 is stopped, so it cannot be stopped"),
            (Stop, Paused, "node 2 is paused, so it cannot be stopped"),
            (Kill, Stopped, "node 2 is stopped, so it cannot be killed"),
            (Start, Running, "node 2 is running, so it cannot be started"),
            (Start, Paused, "node 2 is paused, so it cannot be started"),
            (Pause, Stopped, "node 2 is stopped, so it cannot be paused"),
            (Pause, Paused, "node 2 is paused, so it cannot be paused"),
            (Resume, Running, "node 2 is running, so it cannot be resumed"),
            (Resume, Stopped, "node 2 is stopped, so it cannot be resumed"),
        ] {
            assert_eq!(change.of(2, from).unwrap_err().to_string(), said);
        }
    }
}
