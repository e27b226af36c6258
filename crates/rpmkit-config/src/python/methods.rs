//! Methods of lists, dictionaries and text.

use ruff_python_ast::{Expr, ExprCall};

use super::{interp::Interp, limits, ops};
use crate::{ConfigError, Value, heap::Cell};

/// Whether a method can be read at all.
pub(super) fn known(name: &str) -> bool {
    matches!(
        name,
        "append"
            | "extend"
            | "insert"
            | "remove"
            | "pop"
            | "copy"
            | "setdefault"
            | "update"
            | "get"
            | "join"
            | "replace"
            | "split"
            | "strip"
            | "lstrip"
            | "rstrip"
            | "lower"
            | "upper"
            | "startswith"
            | "endswith"
            | "format"
    )
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
            "append" | "extend" | "insert" | "remove" | "pop" | "setdefault" | "update"
        );
        let result = match &object {
            Cell::List(_) => self.list_method(call, &object, method)?,
            Cell::Dict(_) => self.dict_method(call, &object, method)?,
            Cell::Plain(Value::Str(text)) => self.text_method(call, text, method)?,
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
            ("append" | "extend" | "insert" | "remove" | "pop" | "copy", _) => Err(count()),
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
        if !matches!(method, "get" | "setdefault" | "pop" | "copy") {
            return Ok(None);
        }
        let args = self.arguments(call)?;
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

    fn text_method(
        &mut self,
        call: &ExprCall,
        text: &str,
        method: &str,
    ) -> Result<Option<Cell>, ConfigError> {
        if matches!(
            method,
            "append"
                | "extend"
                | "insert"
                | "remove"
                | "pop"
                | "copy"
                | "setdefault"
                | "update"
                | "get"
        ) {
            return Ok(None);
        }
        let args = self
            .arguments(call)?
            .iter()
            .map(|cell| self.plain(call, cell))
            .collect::<Result<Vec<_>, _>>()?;
        let plain = |text: String| Ok(Some(Cell::Plain(text.into())));
        match (method, args.as_slice()) {
            ("format", values) => super::format::positional(text, values)
                .map_err(|message| self.wrong(call, message))
                .and_then(plain),
            ("lower", []) => plain(text.to_lowercase()),
            ("upper", []) => plain(text.to_uppercase()),
            ("strip", []) => plain(text.trim().to_owned()),
            ("lstrip", []) => plain(text.trim_start().to_owned()),
            ("rstrip", []) => plain(text.trim_end().to_owned()),
            ("strip", [Value::Str(set)]) => {
                plain(text.trim_matches(|c| set.contains(c)).to_owned())
            }
            ("lstrip", [Value::Str(set)]) => {
                plain(text.trim_start_matches(|c| set.contains(c)).to_owned())
            }
            ("rstrip", [Value::Str(set)]) => {
                plain(text.trim_end_matches(|c| set.contains(c)).to_owned())
            }
            ("replace", [Value::Str(old), Value::Str(new)]) => {
                let times = text.matches(old.as_str()).count();
                if text.len() + times.saturating_mul(new.len()) > limits::MAX_TEXT {
                    return Err(self.wrong(call, "the text would be too long"));
                }
                plain(text.replace(old.as_str(), new))
            }
            ("startswith" | "endswith", [what]) => {
                let test = |part: &str| {
                    if method == "startswith" {
                        text.starts_with(part)
                    } else {
                        text.ends_with(part)
                    }
                };
                let found = match what {
                    Value::Str(part) => test(part),
                    Value::Tuple(parts) => parts.iter().filter_map(Value::as_str).any(test),
                    _ => return Err(self.wrong(call, format!("{method}() takes text"))),
                };
                Ok(Some(Cell::Plain(found.into())))
            }
            ("split", []) => Ok(Some(Cell::new(
                text.split_whitespace().collect::<Vec<_>>().into(),
            ))),
            ("split", [Value::Str(separator)]) if !separator.is_empty() => Ok(Some(Cell::new(
                text.split(separator.as_str()).collect::<Vec<_>>().into(),
            ))),
            ("join", [items]) => {
                let parts: Option<Vec<&str>> = match items {
                    Value::List(items) | Value::Tuple(items) => {
                        items.iter().map(Value::as_str).collect()
                    }
                    _ => None,
                };
                let parts = parts
                    .ok_or_else(|| self.wrong(call, "join() takes a list or tuple of text"))?;
                let size: usize = parts.iter().map(|part| part.len() + text.len()).sum();
                if size > limits::MAX_TEXT {
                    return Err(self.wrong(call, "the text would be too long"));
                }
                plain(parts.join(text))
            }
            _ => Err(self.wrong(
                call,
                format!("{method}() cannot be read with these arguments"),
            )),
        }
    }
}
