//! Shows a progress bar for long publishes.

use indicatif::{ProgressBar, ProgressStyle};

/// Makes a bar on stderr that counts to `total` records, and shows nothing if stderr is not a
/// terminal.
///
/// Advance it by delivery reports, not by sends: a sent record is only in a queue.
///
/// ```no_run
/// # async fn publish(brokers: &str) -> Result<(), helpers::Error> {
/// let bar = helpers::progress_bar(7884);
/// let counted = bar.clone();
/// let producer = helpers::ProducerBuilder::new(brokers)
///     .on_delivery(move |_report| counted.inc(1))
///     .build()
///     .await?;
/// // … send, then flush …
/// # drop(producer);
/// bar.finish_and_clear();
/// # Ok(())
/// # }
/// ```
pub fn progress_bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let shape = "{bar:40} {pos}/{len} delivered, {per_sec}, {eta} to go";
    bar.set_style(ProgressStyle::with_template(shape).expect("the template is well-formed"));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_counts_what_it_is_told() {
        let bar = progress_bar(10);
        bar.inc(4);
        assert_eq!((bar.position(), bar.length()), (4, Some(10)));
    }
}
