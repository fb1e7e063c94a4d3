//! Reads the built-in options of Protobuf's language, for a descriptor. Other options are ignored.

use prost_reflect::prost_types::field_descriptor_proto::Type as Kind;
use prost_reflect::prost_types::field_options::{CType, JsType};
use prost_reflect::prost_types::file_options::OptimizeMode;
use prost_reflect::prost_types::method_options::IdempotencyLevel;
use prost_reflect::prost_types::{
    EnumOptions, EnumValueOptions, FieldOptions, FileOptions, MessageOptions, MethodOptions,
    ServiceOptions,
};

use super::element::Setting;

type Result<T> = std::result::Result<T, String>;

fn text(settings: &[Setting], name: &str) -> Option<String> {
    settings.iter().rfind(|it| !it.is_declared && it.name == name).map(|it| it.value.plain())
}

/// Returns a flag; anything but `true` is false, as in Java.
fn flag(settings: &[Setting], name: &str) -> Option<bool> {
    text(settings, name).map(|it| it.eq_ignore_ascii_case("true"))
}

fn word<T>(settings: &[Setting], name: &str, named: fn(&str) -> Option<T>) -> Result<Option<T>> {
    match text(settings, name) {
        None => Ok(None),
        Some(word) => match named(&word) {
            Some(value) => Ok(Some(value)),
            None => Err(format!("the option {name} has no value {word}")),
        },
    }
}

/// Returns `None` if no option is set.
fn set<T: Default + PartialEq>(options: T) -> Option<T> {
    (options != T::default()).then_some(options)
}

pub(super) fn of_file(settings: &[Setting]) -> Result<Option<FileOptions>> {
    let optimize_for = word(settings, "optimize_for", OptimizeMode::from_str_name)?;
    Ok(set(FileOptions {
        java_package: text(settings, "java_package"),
        java_outer_classname: text(settings, "java_outer_classname"),
        java_multiple_files: flag(settings, "java_multiple_files"),
        java_string_check_utf8: flag(settings, "java_string_check_utf8"),
        optimize_for: optimize_for.map(Into::into),
        go_package: text(settings, "go_package"),
        cc_generic_services: flag(settings, "cc_generic_services"),
        java_generic_services: flag(settings, "java_generic_services"),
        py_generic_services: flag(settings, "py_generic_services"),
        deprecated: flag(settings, "deprecated"),
        cc_enable_arenas: flag(settings, "cc_enable_arenas"),
        objc_class_prefix: text(settings, "objc_class_prefix"),
        csharp_namespace: text(settings, "csharp_namespace"),
        swift_prefix: text(settings, "swift_prefix"),
        php_class_prefix: text(settings, "php_class_prefix"),
        php_namespace: text(settings, "php_namespace"),
        php_metadata_namespace: text(settings, "php_metadata_namespace"),
        ruby_package: text(settings, "ruby_package"),
        ..FileOptions::default()
    }))
}

pub(super) fn of_message(settings: &[Setting]) -> Option<MessageOptions> {
    set(MessageOptions {
        no_standard_descriptor_accessor: flag(settings, "no_standard_descriptor_accessor"),
        deprecated: flag(settings, "deprecated"),
        map_entry: flag(settings, "map_entry"),
        ..MessageOptions::default()
    })
}

pub(super) fn of_field(settings: &[Setting]) -> Result<Option<FieldOptions>> {
    Ok(set(FieldOptions {
        ctype: word(settings, "ctype", CType::from_str_name)?.map(Into::into),
        packed: flag(settings, "packed"),
        jstype: word(settings, "jstype", JsType::from_str_name)?.map(Into::into),
        deprecated: flag(settings, "deprecated"),
        ..FieldOptions::default()
    }))
}

pub(super) fn of_enum(settings: &[Setting]) -> Option<EnumOptions> {
    set(EnumOptions {
        allow_alias: flag(settings, "allow_alias"),
        deprecated: flag(settings, "deprecated"),
        ..EnumOptions::default()
    })
}

pub(super) fn of_enum_value(settings: &[Setting]) -> Option<EnumValueOptions> {
    let deprecated = flag(settings, "deprecated");
    set(EnumValueOptions { deprecated, ..EnumValueOptions::default() })
}

pub(super) fn of_service(settings: &[Setting]) -> Option<ServiceOptions> {
    let deprecated = flag(settings, "deprecated");
    set(ServiceOptions { deprecated, ..ServiceOptions::default() })
}

pub(super) fn of_method(settings: &[Setting]) -> Result<Option<MethodOptions>> {
    let level = word(settings, "idempotency_level", IdempotencyLevel::from_str_name)?;
    Ok(set(MethodOptions {
        deprecated: flag(settings, "deprecated"),
        idempotency_level: level.map(Into::into),
        ..MethodOptions::default()
    }))
}

/// Returns why a field of this type cannot have that default. Names of enums are checked where the
/// enums are known.
pub(super) fn default_problem(kind: Kind, is_repeated: bool, default: &str) -> Option<String> {
    let unreadable = || Some(format!("Could not parse default value: \"{default}\""));
    let is_within =
        |least: i128, most: i128| integer(default).is_some_and(|it| (least..=most).contains(&it));
    if is_repeated {
        return Some("Repeated fields cannot have default values.".to_owned());
    }
    let is_held = match kind {
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => is_within(i32::MIN.into(), i32::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => is_within(0, u32::MAX.into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => is_within(i64::MIN.into(), i64::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => is_within(0, u64::MAX.into()),
        Kind::Float | Kind::Double => {
            matches!(default, "inf" | "-inf" | "nan") || default.parse::<f64>().is_ok()
        }
        Kind::Message | Kind::Group => {
            return Some("Message fields cannot have default values.".to_owned());
        }
        Kind::Bool | Kind::String | Kind::Bytes | Kind::Enum => true,
    };
    if is_held { None } else { unreadable() }
}

/// Parses a number with a radix prefix, as in C.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let size = if let Some(digits) = digits.strip_prefix("0x") {
        i128::from_str_radix(digits, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i128::from_str_radix(&digits[1..], 8)
    } else {
        digits.parse()
    };
    size.ok().map(|it| sign * it)
}
