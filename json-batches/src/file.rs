//! Sends a file of JSON lines, with a progress bar.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use helpers::connection::blocking;
use indicatif::{ProgressBar, ProgressStyle};

use crate::lines::Lines;
use crate::summary::Counts;
use crate::{Error, JsonProducer, JsonSummary, run, until_told_to_end};

/// How much of a file is read at once, in bytes.
const READ_AHEAD: usize = 256 * 1024;

impl JsonProducer {
    /// Sends a file in which each line is a JSON object, of any length in constant memory. The
    /// values on the cluster are the lines as they are, without the white space around them.
    ///
    /// If stderr is a terminal, a bar shows how many bytes are delivered.
    ///
    /// # Errors
    /// [`Error::JsonLines`] if the file cannot be read, or not to its end, and
    /// [`helpers::Error::InvalidTopicName`]. A line that is not an object is skipped, an empty one
    /// ignored.
    pub async fn send_file(
        &self,
        topic: &str,
        path: impl AsRef<Path>,
    ) -> Result<JsonSummary, Error> {
        let path = path.as_ref().to_owned();
        let counts = self.new_counts();
        let job = self.job(topic, &counts)?;
        let (stop, limit) = (Arc::clone(&job.stop), self.largest_record);
        let (named, bar) = (path.clone(), bar_of_bytes());
        let length = bar.clone();
        // Opening a pipe waits for its writer.
        let lines = move || {
            let file = File::open(&path)?;
            length.set_length(file.metadata()?.len());
            Ok(Lines::new(BufReader::with_capacity(READ_AHEAD, file), limit))
        };
        let work = blocking(move || run(&job, lines));
        let settled = |counts: &[Arc<Counts>]| counts.iter().map(|it| it.settled_bytes()).sum();
        let (summary, read): (JsonSummary, io::Result<()>) =
            until_told_to_end(work, &stop, || bar.set_position(settled(&counts))).await;
        bar.finish_and_clear();
        match read {
            Ok(()) => Ok(summary),
            Err(source) => Err(Error::JsonLines { path: named, source, summary }),
        }
    }
}

fn bar_of_bytes() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let shape = "{bar:40} {bytes}/{total_bytes} delivered, {bytes_per_sec}, {eta} to go";
    bar.set_style(ProgressStyle::with_template(shape).expect("the template is well-formed"));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_bytes() {
        let bar = bar_of_bytes();
        bar.set_length(2048);
        bar.set_position(1024);
        assert_eq!((bar.position(), bar.length()), (1024, Some(2048)));
    }
}
