//! Methods of lists, dictionaries and tuples.

use ruff_python_ast::{Expr, ExprCall};

use super::{interp::Interp, ops, text};
use crate::{ConfigError, Value, heap::Cell};

/// Methods that change a list or dictionary, or that only those have.
const CONTAINER: &[&str] = &[
    "append",
    "clear",
    "copy",
    "extend",
    "get",
    "insert",
    "items",
    "keys",
    "pop",
    "remove",
    "reverse",
    "setdefault",
    "sort",
    "update",
    "values",
];

/// Whether a method can be read at all.
pub(super) fn known(name: &str) -> bool {
    CONTAINER.contains(&name) || text::METHODS.contains(&name) || matches!(name, "group" | "groups")
}

impl Interp<'_> {
    pub(super) fn method(
        &mut self,
        call: &ExprCall,
        target: &Expr,
        method: &str,
    ) -> Result<Cell, ConfigError> {
        let object = self.eval(target)?;
        let changes = matches!(
            method,
            "append"
                | "clear"
                | "extend"
                | "insert"
                | "remove"
                | "reverse"
                | "pop"
                | "setdefault"
                | "sort"
                | "update"
        );
        let result = match &object {
            Cell::List(_) => self.list_method(call, &object, method)?,
            Cell::Dict(_) => self.dict_method(call, &object, method)?,
            Cell::Plain(Value::Str(text)) if text::METHODS.contains(&method) => {
                Some(self.text_method(call, text, method)?)
            }
            Cell::Tuple(items) if matches!(method, "index" | "count") => {
                self.search(call, &Cell::Tuple(items.clone()), method)?
            }
            Cell::Tuple(items) if matches!(method, "group" | "groups") => {
                Some(self.group(call, items, method)?)
            }
            _ => None,
        };
        let Some(result) = result else {
            let message = format!(
                "'{}' object has no attribute '{method}'",
                object.type_name()
            );
            return Err(self.wrong(call, message));
        };
        if changes {
            self.touch(target)?;
        }
        Ok(result)
    }

    fn list_method(
        &mut self,
        call: &ExprCall,
        object: &Cell,
        method: &str,
    ) -> Result<Option<Cell>, ConfigError> {
        let Cell::List(list) = object else {
            return Ok(None);
        };
        if matches!(method, "index" | "count") {
            return self.search(call, object, method);
        }
        let args = self.arguments(call)?;
        let none = Some(Cell::Plain(Value::None));
        let count = || self.wrong(call, format!("{method}() got a wrong number of arguments"));
        match (method, args.as_slice()) {
            ("append", [item]) => {
                self.room(call, list.borrow().len())?;
                list.borrow_mut().push(item.clone());
                Ok(none)
            }
            ("extend", [items]) => {
                let items = self.iterate(call, items)?;
                self.room(call, list.borrow().len() + items.len())?;
                list.borrow_mut().extend(items);
                Ok(none)
            }
            ("insert", [at, item]) => {
                let Value::Int(at) = self.plain(call, at)? else {
                    return Err(self.wrong(call, "insert() takes a position and an item"));
                };
                let len = list.borrow().len();
                self.room(call, len)?;
                let at = if at < 0 { at + len as i128 } else { at };
                let at = usize::try_from(at.max(0)).unwrap_or(len).min(len);
                list.borrow_mut().insert(at, item.clone());
                Ok(none)
            }
            ("remove", [item]) => {
                let item = self.plain(call, item)?;
                let items = self.plain(call, object)?;
                let at = items
                    .items()
                    .and_then(|all| all.iter().position(|one| *one == item));
                let at = at.ok_or_else(|| self.wrong(call, "list.remove(x): x not in list"))?;
                list.borrow_mut().remove(at);
                Ok(none)
            }
            ("pop", [] | [_]) => {
                let index = match args.first() {
                    Some(cell) => self.plain(call, cell)?,
                    None => Value::Int(-1),
                };
                let len = list.borrow().len();
                let at = ops::index(&index, len, "pop").map_err(|m| self.wrong(call, m))?;
                let item = list.borrow_mut().remove(at);
                Ok(Some(item))
            }
            ("copy", []) => Ok(Some(Cell::list(list.borrow().clone()))),
            ("clear", []) => {
                list.borrow_mut().clear();
                Ok(none)
            }
            ("reverse", []) => {
                list.borrow_mut().reverse();
                Ok(none)
            }
            ("sort", []) => {
                let items = list.borrow().clone();
                let sorted = self.sorted(call, items)?;
                *list.borrow_mut() = sorted;
                Ok(none)
            }
            (
                "append" | "extend" | "insert" | "remove" | "pop" | "copy" | "clear" | "reverse"
                | "sort",
                _,
            ) => Err(count()),
            _ => Ok(None),
        }
    }

    fn dict_method(
        &mut self,
        call: &ExprCall,
        object: &Cell,
        method: &str,
    ) -> Result<Option<Cell>, ConfigError> {
        let Cell::Dict(dict) = object else {
            return Ok(None);
        };
        if method == "update" {
            let new = self.update_arguments(call)?;
            self.room(call, dict.borrow().len() + new.len())?;
            dict.borrow_mut().extend(new);
            return Ok(Some(Cell::Plain(Value::None)));
        }
        if !matches!(
            method,
            "get" | "setdefault" | "pop" | "copy" | "clear" | "keys" | "values" | "items"
        ) {
            return Ok(None);
        }
        let args = self.arguments(call)?;
        if args.is_empty() {
            let entries = dict.borrow().clone();
            match method {
                "keys" => {
                    let keys = entries.into_keys().map(Cell::new).collect();
                    return Ok(Some(Cell::list(keys)));
                }
                "values" => return Ok(Some(Cell::list(entries.into_values().collect()))),
                "items" => {
                    let pairs = entries
                        .into_iter()
                        .map(|(key, value)| Self::pair(Cell::new(key), value))
                        .collect();
                    return Ok(Some(Cell::list(pairs)));
                }
                "clear" => {
                    dict.borrow_mut().clear();
                    return Ok(Some(Cell::Plain(Value::None)));
                }
                _ => {}
            }
        }
        if let ("copy", []) = (method, args.as_slice()) {
            return Ok(Some(Cell::Dict(std::rc::Rc::new((**dict).clone()))));
        }
        let (key, default) = match args.as_slice() {
            [key] => (self.plain(call, key)?, None),
            [key, default] => (self.plain(call, key)?, Some(default.clone())),
            _ => {
                return Err(self.wrong(call, format!("{method}() got a wrong number of arguments")));
            }
        };
        if !key.hashable() {
            return Err(self.wrong(call, format!("unhashable type: '{}'", key.type_name())));
        }
        let found = dict.borrow().get(&key).cloned();
        match method {
            "setdefault" if found.is_none() => {
                let value = default.clone().unwrap_or(Cell::Plain(Value::None));
                self.room(call, dict.borrow().len())?;
                dict.borrow_mut().insert(key, value);
            }
            "pop" if found.is_none() && default.is_none() => {
                return Err(self.wrong(call, format!("there is no key {}", crate::repr(&key))));
            }
            "pop" => {
                dict.borrow_mut().shift_remove(&key);
            }
            _ => {}
        }
        Ok(Some(found.or(default).unwrap_or(Cell::Plain(Value::None))))
    }

    /// `.index(item)` and `.count(item)` of a list or tuple.
    fn search(
        &mut self,
        call: &ExprCall,
        object: &Cell,
        method: &str,
    ) -> Result<Option<Cell>, ConfigError> {
        let args = self.arguments(call)?;
        let [wanted] = args.as_slice() else {
            return Err(self.wrong(call, format!("{method}() takes one item here")));
        };
        let wanted = self.plain(call, wanted)?;
        let all = self.plain(call, object)?;
        let items = all.items().unwrap_or_default();
        let found = match method {
            "index" => items.iter().position(|one| *one == wanted),
            _ => Some(items.iter().filter(|one| **one == wanted).count()),
        };
        match found {
            Some(number) => Ok(Some(Cell::Plain(Value::Int(number as i128)))),
            None => Err(self.wrong(call, format!("{} is not there", crate::repr(&wanted)))),
        }
    }

    /// `.group(n)` and `.groups()` of what a pattern found.
    fn group(
        &mut self,
        call: &ExprCall,
        groups: &[Cell],
        method: &str,
    ) -> Result<Cell, ConfigError> {
        let args = self.arguments(call)?;
        let nth = match (method, args.as_slice()) {
            ("groups", []) => {
                return Ok(Cell::Tuple(groups[1.min(groups.len())..].to_vec().into()));
            }
            ("group", []) => 0,
            ("group", [Cell::Plain(Value::Int(nth))]) => {
                usize::try_from(*nth).unwrap_or(usize::MAX)
            }
            _ => return Err(self.wrong(call, format!("{method}() takes the number of a group"))),
        };
        let found = groups.get(nth).cloned();
        found.ok_or_else(|| self.wrong(call, "no such group"))
    }
}
