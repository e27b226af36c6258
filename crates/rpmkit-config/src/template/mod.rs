//! Jinja templates in options, as mock expands them: when an option is read, again and again until
//! nothing changes, in strings and in what lists and dictionaries hold, but not in tuples or keys.

mod context;
mod engine;
mod methods;
mod python;

pub(super) use python::parse_int;

use std::sync::Arc;

use minijinja::Environment;

use super::{ConfigError, Dict, Place, Value};
use context::TemplateContext;

/// mock's limit on rounds; the last one must change nothing.
const ROUNDS: i64 = 5;

/// Expands templates against one set of options.
pub(super) struct Expander {
    engine: Environment<'static>,
    context: minijinja::Value,
    raw: Arc<Dict>,
    rounds: i64,
}

impl Expander {
    /// Templates see every option by name, as it is before expansion.
    pub(super) fn new(raw: Arc<Dict>) -> Self {
        let rounds = match raw.get("jinja_max_recursion") {
            // Nobody needs more, and each round may double a text.
            Some(Value::Int(rounds)) => i64::try_from(*rounds).unwrap_or(ROUNDS).min(100),
            _ => ROUNDS,
        };
        Self {
            engine: engine::environment(),
            context: TemplateContext::value(Arc::clone(&raw)),
            raw,
            rounds,
        }
    }

    /// The expanded value of an option.
    pub(super) fn expand(&self, option: &str, value: &Value) -> Result<Value, ConfigError> {
        Ok(match value {
            Value::Str(text) => Value::Str(self.text(option, text)?),
            Value::List(items) => Value::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(nth, item)| self.below(option, &nth.to_string(), item))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Dict(dict) => {
                let mut out = Dict::new();
                for (key, item) in &dict.0 {
                    let item = self.below(option, &super::repr(key), item)?;
                    out.0.insert(key.clone(), item);
                }
                Value::Dict(out)
            }
            other => other.clone(),
        })
    }

    /// Every option that can be expanded; one that nobody reads may be broken.
    pub(super) fn everything(&self) -> Dict {
        let mut all = Dict::new();
        for (name, value) in self.raw.pairs() {
            if let Ok(value) = self.expand(name, value) {
                all.set(name, value);
            }
        }
        all
    }

    fn below(&self, option: &str, key: &str, value: &Value) -> Result<Value, ConfigError> {
        match value {
            Value::Str(text) if !may_change(text) => Ok(value.clone()),
            Value::Str(_) | Value::List(_) | Value::Dict(_) => {
                self.expand(&format!("{option}[{key}]"), value)
            }
            other => Ok(other.clone()),
        }
    }

    /// Renders text until it stays the same.
    pub(super) fn text(&self, option: &str, text: &str) -> Result<String, ConfigError> {
        if self.rounds >= 1 && !may_change(text) {
            return Ok(text.to_owned());
        }
        // Templates know one line end.
        let mut last = text.replace("\r\n", "\n").replace('\r', "\n");
        for _ in 0..self.rounds {
            let next = self
                .engine
                .render_named_str(option, &last, self.context.clone())
                .map_err(|error| failed(option, &last, &error))?;
            if next == last {
                return Ok(next);
            }
            last = next;
        }
        Err(ConfigError::EndlessTemplate {
            option: option.to_owned(),
            rounds: self.rounds,
        })
    }
}

/// Whether rendering could change text at all: most options hold no template.
pub(super) fn may_change(text: &str) -> bool {
    text.contains('\r')
        || text
            .as_bytes()
            .windows(2)
            .any(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
}

fn failed(option: &str, text: &str, error: &minijinja::Error) -> ConfigError {
    let offset = error.range().map(|range| range.start);
    let line = error.line().unwrap_or(1);
    let place = match offset {
        Some(offset) => Place::at("template", text, offset),
        None => Place {
            file: "template".into(),
            line,
            column: 1,
            source: text
                .lines()
                .nth(line.saturating_sub(1))
                .unwrap_or_default()
                .to_owned(),
        },
    };
    let message = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    ConfigError::Template {
        option: option.to_owned(),
        line: place.line.max(1),
        place,
        message,
    }
}
