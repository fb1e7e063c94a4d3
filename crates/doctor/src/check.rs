//! The result of one check.

/// What a check means for this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is as it should be.
    Ready,
    /// The workshop works, but something will surprise you.
    Note,
    /// Something optional is not there.
    Absent,
    /// The workshop does not work without it.
    Missing,
}

impl Status {
    /// Returns the status in one lowercase word.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ready => "ready",
            Status::Note => "note",
            Status::Absent => "absent",
            Status::Missing => "missing",
        }
    }
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was checked, such as `C compiler`.
    pub name: &'static str,
    /// What it means.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What to do, if there is something to do.
    pub remedy: Option<String>,
}

impl Check {
    pub(crate) fn ready(name: &'static str, found: impl Into<String>) -> Self {
        Check { name, status: Status::Ready, found: found.into(), remedy: None }
    }

    pub(crate) fn not(
        status: Status,
        name: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Check { name, status, found: found.into(), remedy: Some(remedy.into()) }
    }
}
