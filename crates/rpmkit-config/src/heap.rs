//! Values while a configuration is being read. Lists and dictionaries are shared, as Python shares
//! them: after `config_opts['a'] = config_opts['b']`, an `.append` to one shows in both.

use std::{cell::RefCell, rc::Rc};

use indexmap::IndexMap;

use super::{Dict, Value};

/// Nesting beyond this is refused, so that no input can exhaust the stack.
const MAX_DEPTH: usize = 60;

/// A value that may be shared.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Anything that cannot be changed in place.
    Plain(Value),
    /// A tuple that may hold changeable items.
    Tuple(Rc<Vec<Cell>>),
    /// A list.
    List(Rc<RefCell<Vec<Cell>>>),
    /// A dictionary.
    Dict(Rc<RefCell<IndexMap<Value, Cell>>>),
}

/// Values in one option. Sharing can make a small text stand for a huge value.
const MAX_VALUES: usize = 1_000_000;

/// A value that contains itself, or is nested too deeply.
#[derive(Debug)]
pub(super) struct TooDeep;

impl Cell {
    /// An empty dictionary.
    pub(super) fn dict() -> Self {
        Self::Dict(Rc::default())
    }

    /// Takes a value; nothing is shared yet.
    pub(super) fn new(value: Value) -> Self {
        match value {
            Value::List(items) => Self::list(items.into_iter().map(Self::new).collect()),
            Value::Tuple(items) => Self::Tuple(Rc::new(items.into_iter().map(Self::new).collect())),
            Value::Dict(dict) => Self::Dict(Rc::new(RefCell::new(
                dict.0
                    .into_iter()
                    .map(|(key, value)| (key, Self::new(value)))
                    .collect(),
            ))),
            plain => Self::Plain(plain),
        }
    }

    /// A list of shared values.
    pub(super) fn list(items: Vec<Cell>) -> Self {
        Self::List(Rc::new(RefCell::new(items)))
    }

    /// The value as it is now, no longer shared.
    pub(super) fn value(&self) -> Result<Value, TooDeep> {
        self.snapshot(0, &mut { MAX_VALUES })
    }

    fn snapshot(&self, depth: usize, left: &mut usize) -> Result<Value, TooDeep> {
        if depth > MAX_DEPTH || *left == 0 {
            return Err(TooDeep);
        }
        *left -= 1;
        let mut all = |items: &[Self]| -> Result<Vec<Value>, TooDeep> {
            items
                .iter()
                .map(|item| item.snapshot(depth + 1, left))
                .collect()
        };
        Ok(match self {
            Self::Plain(value) => value.clone(),
            Self::Tuple(items) => Value::Tuple(all(items)?),
            Self::List(items) => Value::List(all(&items.borrow())?),
            Self::Dict(dict) => {
                let mut out = Dict::new();
                for (key, value) in dict.borrow().iter() {
                    out.0.insert(key.clone(), value.snapshot(depth + 1, left)?);
                }
                Value::Dict(out)
            }
        })
    }

    /// Python's truth value.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Plain(value) => value.truth(),
            Self::Tuple(items) => !items.is_empty(),
            Self::List(items) => !items.borrow().is_empty(),
            Self::Dict(dict) => !dict.borrow().is_empty(),
        }
    }

    /// The name Python has for the type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Plain(value) => value.type_name(),
            Self::Tuple(_) => "tuple",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
        }
    }
}
