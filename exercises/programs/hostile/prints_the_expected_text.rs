//! Prints what a right program might print, and does nothing.

fn main() {
    println!("61 airports delivered");
}
