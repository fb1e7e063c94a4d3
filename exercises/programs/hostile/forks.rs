//! Leaves processes behind.

use std::process::Command;

fn main() -> std::io::Result<()> {
    for _ in 0..3 {
        Command::new("sleep").arg("600").spawn()?;
    }
    Ok(())
}
