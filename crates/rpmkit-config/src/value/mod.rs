//! Values of options: what a Python literal can say, compared the way Python compares.

mod pretty;
mod repr;

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use indexmap::IndexMap;

pub use pretty::pformat;
pub use repr::{float_repr, repr, str_repr};

/// One value. Equality is Python's: `True == 1`, `1 == 1.0`, a list never equals a tuple, the order
/// of a dictionary's keys does not matter. [`Value::same`] is the stricter comparison.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// `None`.
    #[default]
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A floating point number.
    Float(f64),
    /// Text.
    Str(String),
    /// A bytes literal.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A tuple; mock's templates leave the strings in it alone.
    Tuple(Vec<Value>),
    /// A dictionary in order of insertion.
    Dict(Dict),
}

/// A dictionary in order of insertion.
#[derive(Clone, Debug, Default)]
pub struct Dict(pub IndexMap<Value, Value>);

impl Dict {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The value under a text key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(key)
    }

    /// Sets a text key; an existing one keeps its place.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(Value::Str(key.into()), value.into());
    }

    /// Pairs whose key is text; others do not occur in options mock knows.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl indexmap::Equivalent<Value> for str {
    fn equivalent(&self, key: &Value) -> bool {
        key.as_str() == Some(self)
    }
}

impl Value {
    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The items of a list or a tuple.
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Python's truth value.
    pub fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
        }
    }

    /// The name Python has for the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
        }
    }

    /// Same type and same content, keys in the same order.
    pub fn same(&self, other: &Self) -> bool {
        let all = |a: &[Self], b: &[Self]| {
            a.len() == b.len() && a.iter().zip(b).all(|(one, two)| one.same(two))
        };
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => all(a, b),
            (Self::Dict(a), Self::Dict(b)) => {
                a.len() == b.len()
                    && a.0
                        .iter()
                        .zip(&b.0)
                        .all(|((ka, va), (kb, vb))| ka.same(kb) && va.same(vb))
            }
            _ => self.type_name() == other.type_name() && self == other,
        }
    }

    /// Whether Python could use it as a key.
    pub fn hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Dict(_) => false,
            Self::Tuple(items) => items.iter().all(Self::hashable),
            _ => true,
        }
    }

    /// The number that Python's arithmetic and comparisons see, if there is one.
    fn as_int(&self) -> Option<i128> {
        match self {
            Self::Bool(flag) => Some(i128::from(*flag)),
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Python's `<`, `>` between two values; `None` where Python raises a `TypeError`.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => Some(a.chars().cmp(b.chars())),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => {
                match a.iter().zip(b).find(|(one, two)| one != two) {
                    Some((one, two)) => one.order(two),
                    None => Some(a.len().cmp(&b.len())),
                }
            }
            _ => match (self.as_int(), other.as_int()) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => self.as_float()?.partial_cmp(&other.as_float()?),
            },
        }
    }

    /// The value as a floating point number, for numbers only.
    fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => {
                a.len() == b.len() && a.0.iter().all(|(key, value)| b.0.get(key) == Some(value))
            }
            _ => match (self.as_int(), other.as_int()) {
                (Some(a), Some(b)) => a == b,
                _ => matches!((self.as_float(), other.as_float()), (Some(a), Some(b)) if a == b),
            },
        }
    }
}

// Not-a-number breaks reflexivity here as it does for Python's own dictionaries.
impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            // The same as for `str`, so that a map can be asked with a plain `&str`.
            Self::Str(text) => text.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Tuple(items) => items.hash(state),
            Self::None | Self::List(_) | Self::Dict(_) => 0_u8.hash(state),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => {
                // Equal numbers of different types must land in the same place.
                self.as_float().unwrap_or(0.0).to_bits().hash(state);
            }
        }
    }
}

impl fmt::Display for Value {
    /// What Python's `str()` gives.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => f.write_str(text),
            other => f.write_str(&repr(other)),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn equality_is_pythons() {
        assert_eq!(Value::Bool(true), Value::Int(1));
        assert_eq!(Value::Int(1), Value::Float(1.0));
        assert_ne!(Value::List(vec![]), Value::Tuple(vec![]));
        assert_ne!(Value::None, Value::Bool(false));
        assert!(!Value::Bool(true).same(&Value::Int(1)));
        let one: Dict = [("a", 1_i64), ("b", 2)].into_iter().collect();
        let two: Dict = [("b", 2_i64), ("a", 1)].into_iter().collect();
        assert_eq!(Value::Dict(one.clone()), Value::Dict(two.clone()));
        assert!(!Value::Dict(one).same(&Value::Dict(two)));
    }

    #[test]
    fn equal_keys_are_one_key() {
        let mut dict = Dict::new();
        dict.0.insert(Value::Int(1), Value::None);
        dict.0.insert(Value::Bool(true), Value::Int(5));
        dict.0.insert(Value::Float(1.0), Value::Int(6));
        assert_eq!(dict.len(), 1);
        dict.set("x", 7_i64);
        assert_eq!(dict.get("x"), Some(&Value::Int(7)));
    }
}
