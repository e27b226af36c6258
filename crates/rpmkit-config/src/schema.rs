//! A JSON schema of our files, for editors.

use serde_json::{Map, Value as Json, json};

use super::options::{self, OptionKind, Preset};

/// The schema as text; `configs/schema.json` holds it.
pub fn schema() -> String {
    let mut properties = Map::new();
    properties.insert(
        "extends".into(),
        described(
            json!({"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
            "Definition or template this one starts from, or several in order.",
        ),
    );
    properties.insert(
        "append".into(),
        described(
            json!({"type": "object"}),
            "Text and lists added to options instead of replacing them.",
        ),
    );
    properties.insert(
        "unset".into(),
        described(
            json!({"type": "array", "items": {"type": "string"}}),
            "Options that shall not exist.",
        ),
    );
    properties.insert(
        "repos".into(),
        described(
            json!({
                "type": "object",
                "additionalProperties": {
                    "oneOf": [{"type": "object"}, {"const": false}],
                },
            }),
            "Repositories by name; `main` holds general settings; `false` takes one back.",
        ),
    );
    properties.insert(
        "dnf_conf".into(),
        described(
            json!({"type": "string"}),
            "The option dnf.conf under a name that needs no quotes.",
        ),
    );
    for spec in options::all().filter(|spec| !spec.name.starts_with("__")) {
        let mut property = described(kind(spec.kind), spec.doc);
        if let (Some(object), Some(default)) = (property.as_object_mut(), preset(spec.default)) {
            object.insert("default".into(), default);
        }
        properties.insert(spec.name.into(), property);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rpmkit chroot definition",
        "type": "object",
        "properties": properties,
    });
    format!("{schema:#}\n")
}

fn described(mut schema: Json, text: &str) -> Json {
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".into(), text.into());
    }
    schema
}

/// The type of a kind. Everything may also be a Python literal: `{ python = "…" }`.
fn kind(kind: OptionKind) -> Json {
    let literal = json!({
        "type": "object",
        "properties": {"python": {"type": "string"}},
        "required": ["python"],
        "additionalProperties": false,
    });
    let own = match kind {
        OptionKind::Any => return json!({}),
        OptionKind::Dict => return json!({"type": "object"}),
        OptionKind::Bool => json!({"type": "boolean"}),
        OptionKind::Int => json!({"type": "integer"}),
        OptionKind::Str | OptionKind::StrOrNone => json!({"type": "string"}),
        OptionKind::List | OptionKind::Tuple => json!({"type": "array"}),
        OptionKind::Words => json!({"type": ["string", "array"]}),
    };
    json!({"anyOf": [own, literal]})
}

fn preset(default: Preset) -> Option<Json> {
    Some(match default {
        Preset::Bool(flag) => flag.into(),
        Preset::Int(number) => number.into(),
        Preset::Str(text) => text.into(),
        Preset::List(items) | Preset::Tuple(items) => json!(items),
        Preset::Dict(_) | Preset::None | Preset::Unset | Preset::Computed(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn the_file_is_fresh() {
        let path =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/schema.json");
        let file = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            file == super::schema(),
            "write what `rpmkit config schema` prints to `configs/schema.json`"
        );
    }
}
