//! Waits forever.

fn main() {
    loop {
        std::thread::park();
    }
}
