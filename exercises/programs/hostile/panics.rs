//! Panics.

#[allow(clippy::panic)]
fn main() {
    panic!("a bug");
}
