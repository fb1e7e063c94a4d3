//! Reads the input file line by line.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};

/// The maximum length of a line in bytes, a little less than `message.max.bytes`.
const LONGEST: u64 = 900_000;

pub struct Input {
    file: BufReader<File>,
    /// How many lines have been read.
    lines: usize,
}

impl Input {
    pub fn open(path: &Path) -> Result<Input> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Input { file: BufReader::new(file), lines: 0 })
    }

    /// Skips the lines that an earlier run has sent.
    pub fn skip(&mut self, lines: usize) -> Result<()> {
        while self.lines < lines {
            let is_there = self.next()?.is_some();
            ensure!(
                is_there,
                "the file has fewer lines than were already sent: is it the same file?"
            );
        }
        Ok(())
    }

    /// Returns the next line with its number, from 1. The inner error is a line that is too long.
    pub fn next(&mut self) -> Result<Option<(usize, Result<Vec<u8>>)>> {
        let mut line = Vec::new();
        let limited = self.file.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line);
        if limited.context("cannot read the file")? == 0 {
            return Ok(None);
        }
        self.lines += 1;
        let is_whole = line.ends_with(b"\n") || line.len() as u64 <= LONGEST;
        if !is_whole {
            self.file.skip_until(b'\n').context("cannot read the file")?;
            return Ok(Some((self.lines, Err(anyhow!("it is longer than {LONGEST} bytes")))));
        }
        Ok(Some((self.lines, Ok(line.trim_ascii_end().to_vec()))))
    }
}
