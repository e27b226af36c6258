//! The options as templates see them.

use std::sync::Arc;

use minijinja::value::{Object, Tuple, Value as Jinja};

use crate::{Dict, Value};

/// Looks options up by name and converts only those a template asks for.
#[derive(Debug)]
pub(super) struct TemplateContext(Arc<Dict>);

impl TemplateContext {
    pub(super) fn value(options: Arc<Dict>) -> Jinja {
        Jinja::from_object(Self(options))
    }
}

impl Object for TemplateContext {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.0.get(key.as_str()?).map(to_jinja)
    }
}

/// A value for a template. Text goes in unescaped: configurations are no markup.
pub(super) fn to_jinja(value: &Value) -> Jinja {
    match value {
        Value::None => Jinja::from(()),
        Value::Bool(flag) => Jinja::from(*flag),
        Value::Int(number) => Jinja::from(*number),
        Value::Float(number) => Jinja::from(*number),
        Value::Str(text) => Jinja::from(text.as_str()),
        Value::Bytes(bytes) => Jinja::from_bytes(bytes.clone()),
        Value::List(items) => Jinja::from(items.iter().map(to_jinja).collect::<Vec<_>>()),
        Value::Tuple(items) => Jinja::from(Tuple::new(items.iter().map(to_jinja).collect())),
        Value::Dict(dict) => Jinja::from_pairs(
            dict.0
                .iter()
                .map(|(key, value)| (to_jinja(key), to_jinja(value))),
        ),
    }
}
