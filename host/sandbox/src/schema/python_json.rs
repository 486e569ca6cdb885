//! JSON as Python's `json.dumps(…, sort_keys=True)` writes it.
//!
//! The official client hashes its cached schemas in that form and compares with the server's hash, so
//! ours must agree to the byte.

use std::fmt::Write;

use serde_json::Value as Json;

/// Returns `value` with sorted keys, `", "` and `": "`, and everything beyond ASCII escaped.
pub(super) fn dumps(value: &Json) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Json) {
    match value {
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            text.push('{');
            for (position, (key, value)) in entries.into_iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                write_text(text, key);
                text.push_str(": ");
                write_value(text, value);
            }
            text.push('}');
        }
        Json::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                write_value(text, item);
            }
            text.push(']');
        }
        Json::String(string) => write_text(text, string),
        other => text.push_str(&other.to_string()),
    }
}

fn write_text(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            ' '..='~' => text.push(character),
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(text, "\\u{unit:04x}").expect("writing to a string cannot fail");
                }
            }
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::dumps;

    #[test]
    fn text_is_what_python_writes() {
        let value = json!({"b": [1, 0.5, null, true], "a": "é😀\n\u{7f}\"\\/", "aa": {}});
        let expected =
            r#"{"a": "\u00e9\ud83d\ude00\n\u007f\"\\/", "aa": {}, "b": [1, 0.5, null, true]}"#;
        assert_eq!(dumps(&value), expected);
    }
}
