//! A mistake in the command line, which a script can distinguish from a wrong program.

use std::fmt;

/// The exit code of a mistake in the command line, as clap has it.
pub(crate) const CODE: u8 = 2;

/// A mistake in the command line. The message says what to do next.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
