//! What the server knows entities to be, kept on disk under the hash that the server gives it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde_json::Value;

/// The schemas of all entity types of a server.
#[derive(Clone, Debug)]
pub struct Schemas {
    by_type: HashMap<String, Value>,
}

impl Schemas {
    pub(crate) fn from_json(schemas: Value) -> Option<Self> {
        let Value::Array(schemas) = schemas else {
            return None;
        };
        let named = |schema: Value| Some((schema.get("id")?.as_str()?.to_owned(), schema));
        Some(Self {
            by_type: schemas.into_iter().filter_map(named).collect(),
        })
    }

    /// Returns the schema of an entity type, as ftrack writes it.
    pub fn get(&self, entity_type: &str) -> Option<&Value> {
        self.by_type.get(entity_type)
    }

    /// Returns the names of all entity types.
    pub fn entity_types(&self) -> impl Iterator<Item = &str> {
        self.by_type.keys().map(String::as_str)
    }

    /// Returns the attributes that identify an entity of this type: `id` for almost all.
    pub fn primary_key(&self, entity_type: &str) -> Vec<&str> {
        let key = self
            .get(entity_type)
            .and_then(|schema| schema.get("primary_key"))
            .and_then(Value::as_array);
        key.map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }

    /// Returns whether the type has this attribute.
    pub fn has_attribute(&self, entity_type: &str, attribute: &str) -> bool {
        let properties = self
            .get(entity_type)
            .and_then(|schema| schema.get("properties"));
        properties.is_some_and(|properties| properties.get(attribute).is_some())
    }
}

/// The file in which schemas with this hash are kept.
pub(crate) fn cache_file(folder: &Path, hash: &str) -> Option<PathBuf> {
    let is_plain = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then(|| folder.join(format!("schemas-{hash}.json")))
}

/// Reads kept schemas; `None` when there are none or they are not the ones that `hash` stands for.
pub(crate) async fn read(file: &Path, hash: &str) -> Option<Value> {
    let text = tokio::fs::read(file).await.ok()?;
    let schemas = serde_json::from_slice(&text).ok()?;
    (hash_of(&schemas) == hash).then_some(schemas)
}

/// Keeps schemas for the next time, whole or not at all.
pub(crate) async fn write(file: &Path, schemas: &Value) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let unfinished = file.with_extension(format!("{}.part", crate::operation::new_id()));
    let written = async {
        tokio::fs::write(&unfinished, schemas.to_string()).await?;
        tokio::fs::rename(&unfinished, file).await
    };
    let result = written.await;
    if result.is_err()
        && let Err(error) = tokio::fs::remove_file(&unfinished).await
    {
        tracing::debug!(%error, "could not remove an unfinished schema cache");
    }
    result
}

/// The hash that ftrack gives its schemas: MD5 of the JSON as Python writes it with sorted keys.
pub(crate) fn hash_of(schemas: &Value) -> String {
    let mut text = String::new();
    write_as_python(schemas, &mut text);
    Md5::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn write_as_python(value: &Value, text: &mut String) {
    match value {
        Value::Array(members) => {
            text.push('[');
            for (index, member) in members.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_as_python(member, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by(|left, right| left.0.cmp(right.0));
            text.push('{');
            for (index, (name, member)) in members.into_iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_ascii(&Value::from(name.as_str()), text);
                text.push_str(": ");
                write_as_python(member, text);
            }
            text.push('}');
        }
        scalar => write_ascii(scalar, text),
    }
}

/// Writes a scalar with everything that cannot be printed in ASCII escaped, as UTF-16 like JSON wants it.
fn write_ascii(scalar: &Value, text: &mut String) {
    for character in scalar.to_string().chars() {
        if matches!(character, '\0'..='~') {
            text.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_hash_is_the_one_that_python_makes() {
        // hashlib.md5(json.dumps(value, sort_keys=True).encode()).hexdigest()
        for (value, expected) in [
            (json!([]), "d751713988987e9331980363e24189ce"),
            (
                json!([{"id": "Task", "properties": {"b": 0.0, "a": null}}]),
                "665b61bc864a3c75b54adb2cd1ab0ebc",
            ),
            (
                json!({"é": "🎬\n\"\\\u{7f}", "n": [1, true]}),
                "308406909b71e2bc512ccd7a99b2ced9",
            ),
        ] {
            assert_eq!(hash_of(&value), expected, "{value}");
        }
    }

    #[test]
    fn schemas_tell_keys_and_attributes() {
        let task =
            json!({"id": "Task", "primary_key": ["id"], "properties": {"id": {}, "name": {}}});
        let schemas = Schemas::from_json(json!([task, {"no": "id"}])).unwrap();
        assert_eq!(schemas.primary_key("Task"), ["id"]);
        assert!(schemas.has_attribute("Task", "name") && !schemas.has_attribute("Task", "other"));
        assert_eq!(schemas.primary_key("Other"), Vec::<&str>::new());
        assert!(Schemas::from_json(json!({})).is_none());
    }

    #[tokio::test]
    async fn only_what_its_hash_stands_for_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let schemas = json!([{"id": "Task"}]);
        let hash = hash_of(&schemas);
        let file = cache_file(folder.path(), &hash).unwrap();
        assert_eq!(read(&file, &hash).await, None);
        write(&file, &schemas).await.unwrap();
        assert_eq!(read(&file, &hash).await, Some(schemas));
        tokio::fs::write(&file, "[{\"id\": \"Ta").await.unwrap();
        assert_eq!(read(&file, &hash).await, None);
        tokio::fs::write(&file, "[]").await.unwrap();
        assert_eq!(read(&file, &hash).await, None);
        assert_eq!(cache_file(folder.path(), "../../etc/passwd"), None);
    }

    #[tokio::test]
    async fn several_that_write_at_once_leave_one_whole_cache_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let many = |types: usize| -> Value {
            let schema = |number| json!({"id": format!("Type{number}"), "properties": {}});
            (0..types).map(schema).collect()
        };
        let (schemas, other) = (many(2000), many(3));
        let hash = hash_of(&schemas);
        let file = cache_file(folder.path(), &hash).unwrap();
        // Another server, or the same one later, has another file.
        let other_hash = hash_of(&other);
        let other_file = cache_file(folder.path(), &other_hash).unwrap();
        write(&other_file, &other).await.unwrap();
        let mut at_work = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (file, hash, schemas) = (file.clone(), hash.clone(), schemas.clone());
            at_work.spawn(async move {
                write(&file, &schemas).await.unwrap();
                // Whoever reads meanwhile has all of it.
                assert_eq!(read(&file, &hash).await.as_ref(), Some(&schemas));
            });
        }
        at_work.join_all().await;
        assert_eq!(read(&other_file, &other_hash).await, Some(other));
        let files = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(files.count(), 2);
    }
}
