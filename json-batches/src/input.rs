//! Turns one value into records: text, an object, or a list of objects.

use serde::Serialize;
use serde_json::{Value, json};

use crate::Error;

/// Returns the records that `data` represents.
///
/// # Errors
/// [`Error::NotRecords`] if it is neither a string nor an object nor a list, or if it does not
/// serialize.
pub(super) fn records(data: &(impl Serialize + ?Sized)) -> Result<Vec<Value>, Error> {
    let refused = |found: String| Err(Error::NotRecords { found });
    match serde_json::to_value(data) {
        Ok(Value::String(text)) => Ok(vec![json!({ "message": text })]),
        Ok(object @ Value::Object(_)) => Ok(vec![object]),
        Ok(Value::Array(list)) => Ok(list),
        Ok(Value::Number(number)) => refused(format!("the number {number}")),
        Ok(Value::Bool(truth)) => refused(truth.to_string()),
        Ok(Value::Null) => refused("null".to_owned()),
        Err(error) => refused(format!("a value that does not serialize ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_string_an_object_and_a_list_become_records() {
        assert_eq!(records("boarding").unwrap(), [json!({"message": "boarding"})]);
        assert_eq!(records(&json!({"id": 1})).unwrap(), [json!({"id": 1})]);
        assert_eq!(records(&[json!({"id": 1}), json!(2)]).unwrap(), [json!({"id": 1}), json!(2)]);
        assert_eq!(records(&Vec::<Value>::new()).unwrap(), [] as [Value; 0]);
    }

    #[test]
    fn anything_else_is_an_error_that_says_what_to_give() {
        for (data, found) in
            [(json!(7), "the number 7"), (json!(true), "true"), (json!(null), "null")]
        {
            let text = records(&data).unwrap_err().to_string();
            let expected = "give a string, an object, or a list of objects";
            assert!(text.starts_with(found) && text.contains(expected), "{text}");
        }
        let no_json = BTreeMap::from([((1, 2), "a key that is no string")]);
        assert!(records(&no_json).unwrap_err().to_string().contains("does not serialize"));
    }
}
