//! stub
pub(crate) const CONSUMER_OFFSETS: &str = "__consumer_offsets";
pub(crate) fn is_internal(n: &str) -> bool {
    n.starts_with("__")
}
pub(crate) fn validate(_: &str) -> Result<(), String> {
    Ok(())
}
pub(crate) fn collision<'a>(_: &str, _: impl Iterator<Item = &'a str>) -> Option<String> {
    None
}
