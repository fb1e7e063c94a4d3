//! Avro to the byte: what is written, what is read, and what is refused; Java is the judge.

mod hostile;
mod refused;
mod represented;
mod resolution;
mod seen;
mod written;
