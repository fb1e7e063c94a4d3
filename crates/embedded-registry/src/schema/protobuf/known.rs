//! Files that every schema can import without a reference, as in Confluent's registry: Protobuf's
//! own, Google's common types, and Confluent's.

use std::collections::HashMap;
use std::sync::LazyLock;

use protox::file::{FileResolver, GoogleFileResolver};

use super::decompile;
use super::element::File;
use super::parse::parse;
use super::symbols::Symbols;

/// Protobuf's own files, which come with the compiler.
const OWN: [&str; 11] = [
    "google/protobuf/any.proto",
    "google/protobuf/api.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/source_context.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/type.proto",
    "google/protobuf/wrappers.proto",
];

macro_rules! files {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("known/", $name)))),*]
    };
}

const OTHERS: [(&str, &str); 21] = files! {
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

/// Returns the files by the names that imports use.
pub(super) fn files() -> &'static HashMap<&'static str, File> {
    static FILES: LazyLock<HashMap<&str, File>> = LazyLock::new(|| {
        let mut files = HashMap::new();
        for (name, text) in OTHERS {
            files.insert(name, parse(text).expect("the file is one, which a test has seen"));
        }
        for name in OWN {
            let found = GoogleFileResolver::new().open_file(name).expect("the compiler has it");
            let mut file = decompile::file(found.file_descriptor_proto(), &[]);
            let symbols = Symbols::visible(&file, &|_| None);
            decompile::shorten(&mut file, &symbols);
            files.insert(name, file);
        }
        files
    });
    &FILES
}
