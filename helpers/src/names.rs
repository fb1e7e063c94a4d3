//! Makes names of topics, groups and transactional ids that no other run uses.
//!
//! An experiment that deletes its topic at the end, or that must start with a group that has
//! committed nothing, gets a name of its own. Two runs at once then do not interfere.

use uuid::Uuid;

/// Returns `base` with eight random hexadecimal digits, such as `departures-5f0c12ab`.
pub fn unique_name(base: &str) -> String {
    let random = Uuid::new_v4().simple().to_string();
    format!("{base}-{}", &random[..8])
}

#[cfg(test)]
mod tests {
    use super::unique_name;

    #[test]
    fn a_name_keeps_its_base_and_is_not_given_twice() {
        let names = [unique_name("departures"), unique_name("departures")];
        assert_ne!(names[0], names[1]);
        for name in names {
            assert!(name.starts_with("departures-"), "{name}");
            assert_eq!(name.len(), "departures-".len() + 8, "{name}");
        }
    }
}
