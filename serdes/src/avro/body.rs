//! The bytes of a message, and what apache-avro does not notice while it reads them.

use std::io::{self, Read};

use apache_avro::types::Value;

/// How much of the stack a message may take to be decoded, in bytes.
///
/// apache-avro calls itself for each record inside a record, and a schema that contains itself
/// leaves their number to whoever wrote the message. A level takes nearly 70,000 bytes in a debug
/// build and far less in another; a thread has two million.
const MOST_STACK: usize = 1 << 20;

/// How deep records may lie in each other where a schema contains itself and a value is brought to
/// it: apache-avro tries each branch of a union first, so every level doubles the time.
pub(super) const MOST_DEPTH: usize = 12;

/// How deep records lie in each other.
pub(super) fn depth(value: &Value) -> usize {
    match value {
        Value::Union(_, inner) => depth(inner),
        Value::Array(items) => items.iter().map(depth).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.values().map(depth).max().unwrap_or(0),
        Value::Record(fields) => 1 + fields.iter().map(|it| depth(&it.1)).max().unwrap_or(0),
        _ => 0,
    }
}

/// What is left of a message.
pub(super) struct Body<'a> {
    rest: &'a [u8],
    /// More was asked for: apache-avro takes a string or a union that is cut off for null.
    was_short: bool,
    /// Where the stack was when decoding began, where that is to be watched.
    stack: Option<usize>,
    was_too_deep: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(rest: &'a [u8], watch_stack: bool) -> Self {
        let stack = watch_stack.then(stack_address);
        Body { rest, was_short: false, stack, was_too_deep: false }
    }

    /// Whether records lay so deep in each other that decoding was given up.
    pub(super) fn was_too_deep(&self) -> bool {
        self.was_too_deep
    }

    /// Whether nothing is missing and nothing left.
    pub(super) fn was_read_to_its_end(&self) -> bool {
        !self.was_short && self.rest.is_empty()
    }
}

/// Where the stack is, near enough.
#[inline(never)]
fn stack_address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stack.is_some_and(|start| start.abs_diff(stack_address()) > MOST_STACK) {
            self.was_too_deep = true;
            return Err(io::Error::other("records lie too deep in each other"));
        }
        self.was_short |= self.rest.len() < buffer.len();
        self.rest.read(buffer)
    }
}
