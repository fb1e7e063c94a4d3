//! Files that a schema can import without a reference, as in Confluent's registry: Google's common
//! types and Confluent's. Protobuf's own files come with the compiler.

macro_rules! files {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("known/", $name)))),*]
    };
}

const FILES: [(&str, &str); 21] = files! {
    "confluent/meta.proto"
    "confluent/type/decimal.proto"
    "confluent/type/variant.proto"
    "confluent/types/decimal.proto"
    "google/type/calendar_period.proto"
    "google/type/color.proto"
    "google/type/date.proto"
    "google/type/datetime.proto"
    "google/type/dayofweek.proto"
    "google/type/decimal.proto"
    "google/type/expr.proto"
    "google/type/fraction.proto"
    "google/type/interval.proto"
    "google/type/latlng.proto"
    "google/type/localized_text.proto"
    "google/type/money.proto"
    "google/type/month.proto"
    "google/type/phone_number.proto"
    "google/type/postal_address.proto"
    "google/type/quaternion.proto"
    "google/type/timeofday.proto"
};

/// Returns the text of a file by the name that imports use.
pub(super) fn text(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
