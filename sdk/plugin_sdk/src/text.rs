//! Text that ftrack reads.

use uuid::Uuid;

/// Quotes a value for an expression in ftrack's query language.
///
/// ```
/// use callboard_plugin_sdk::quote;
///
/// assert_eq!(format!("Shot where name is {}", quote(r#"sh "010""#)), r#"Shot where name is "sh \"010\"""#);
/// ```
pub fn quote(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for letter in value.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// Makes an id for a new entity or event.
pub fn new_id() -> String {
    Uuid::new_v4().to_string()
}
