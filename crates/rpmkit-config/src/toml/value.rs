//! From TOML to values. What TOML cannot say (`None`, a tuple, bytes) is written as a table of one
//! key: `{ python = "('x86_64', None)" }`, a Python literal.

use toml_edit::{Item, TableLike, Value as Toml};

use crate::{Dict, Value, options::OptionKind, python};

/// The key that marks a Python literal.
pub(super) const LITERAL: &str = "python";

/// What is wrong with an item, and at which byte.
pub(super) type Bad = (Option<usize>, String);

/// Converts an item for an option of that kind.
pub(super) fn convert(item: &Item, kind: Option<OptionKind>) -> Result<Value, Bad> {
    let value = match item {
        Item::None => Value::None,
        Item::Value(value) => scalar(value)?,
        Item::Table(table) => convert_table(table)?,
        Item::ArrayOfTables(tables) => Value::List(
            tables
                .iter()
                .map(|table| convert_table(table))
                .collect::<Result<_, _>>()?,
        ),
    };
    Ok(match (kind, value) {
        (Some(OptionKind::Tuple), Value::List(items)) => Value::Tuple(items),
        (_, value) => value,
    })
}

fn scalar(value: &Toml) -> Result<Value, Bad> {
    Ok(match value {
        Toml::String(text) => Value::from(text.value().as_str()),
        Toml::Integer(number) => Value::from(*number.value()),
        Toml::Float(number) => Value::Float(*number.value()),
        Toml::Boolean(flag) => Value::Bool(*flag.value()),
        Toml::Datetime(when) => Value::from(when.value().to_string()),
        Toml::Array(items) => Value::List(items.iter().map(scalar).collect::<Result<_, _>>()?),
        Toml::InlineTable(table) => convert_table(table)?,
    })
}

/// The Python literal in a table of that one key.
pub(super) fn literal(table: &dyn TableLike) -> Option<Result<Value, Bad>> {
    if table.len() != 1 {
        return None;
    }
    let item = table.get(LITERAL)?;
    let text = item.as_str()?;
    Some(python::literal(text).map_err(|message| (item.span().map(|span| span.start), message)))
}

fn convert_table(table: &dyn TableLike) -> Result<Value, Bad> {
    if let Some(value) = literal(table) {
        return value;
    }
    let mut dict = Dict::new();
    for (key, item) in table.iter() {
        dict.set(key, convert(item, None)?);
    }
    Ok(Value::Dict(dict))
}
