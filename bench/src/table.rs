//! The table: one line for each figure, with its unit, printed as soon as it is known.

/// Prints aligned lines.
pub(crate) struct Table(());

impl Table {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// A figure with as many decimals as are worth reading; `-` where it is not known.
    pub(crate) fn line(&mut self, what: &str, figure: Option<f64>, unit: &str) {
        println!("{what:<46} {:>9}  {unit}", text(figure));
    }
}

fn text(figure: Option<f64>) -> String {
    match figure {
        None => "-".to_owned(),
        Some(figure) if figure.abs() < 10.0 => format!("{figure:.2}"),
        Some(figure) if figure.abs() < 100.0 => format!("{figure:.1}"),
        Some(figure) => format!("{figure:.0}"),
    }
}

/// The middle one of some runs, the better of two middles; `None` without any.
pub(crate) fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied()
}

/// A count as a figure. Above 2^53 the last digits are lost, which no reader misses.
pub(crate) fn figure(count: u64) -> f64 {
    count as f64
}

/// Bytes in MB, which are 10^6 of them.
pub(crate) fn megabytes(bytes: u64) -> f64 {
    figure(bytes) / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_or_all_before_the_point() {
        assert_eq!(text(Some(1.234)), "1.23");
        assert_eq!(text(Some(12.34)), "12.3");
        assert_eq!(text(Some(1234.5)), "1234");
        assert_eq!(text(None), "-");
    }

    #[test]
    fn one_slow_run_does_not_move_the_median() {
        assert_eq!(median(vec![9.0, 1.0, 8.0]), Some(8.0));
        assert_eq!(median(Vec::new()), None);
    }
}
