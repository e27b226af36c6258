//! Calls: conversions, facts about the host, and the methods of values.

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;
use std::rc::Rc;

use super::{expr::is_root, interp::Interp, modules, parse_int, refuse};
use crate::{ConfigError, Value, heap::Cell, options};

impl Interp<'_> {
    pub(super) fn call(&mut self, call: &ExprCall) -> Result<Cell, ConfigError> {
        if let Expr::Name(name) = call.func.as_ref()
            && !self.imports.contains_key(name.id.as_str())
        {
            return self.builtin(call, name.id.as_str());
        }
        if let Expr::Attribute(attribute) = call.func.as_ref()
            && is_root(&attribute.value)
        {
            return self.root_method(call, attribute.attr.as_str());
        }
        if let Some(function) = self.dotted(&call.func) {
            if !modules::known_function(&function) {
                return Err(self.unknown_call(call));
            }
            let args = self.arguments(call)?;
            if let Some(result) = self.module_call(&function, &args) {
                return result.map_err(|message| self.wrong(call, message));
            }
            return Err(self.unknown_call(call));
        }
        if let Expr::Attribute(attribute) = call.func.as_ref() {
            let method = attribute.attr.as_str();
            if super::methods::known(method) {
                return self.method(call, &attribute.value, method);
            }
        }
        Err(self.unknown_call(call))
    }

    fn unknown_call(&self, call: &ExprCall) -> ConfigError {
        let name = self.unit.source(call.func.as_ref());
        self.refused(call, format!("the call `{name}(…)`"), refuse::CALL)
    }

    /// Plain arguments; names and stars are not read.
    pub(super) fn arguments(&mut self, call: &ExprCall) -> Result<Vec<Cell>, ConfigError> {
        if let Some(keyword) = call.arguments.keywords.first() {
            return Err(self.refused(
                keyword,
                "an argument by name",
                "give the arguments in order",
            ));
        }
        call.arguments
            .args
            .iter()
            .map(|arg| self.eval(arg))
            .collect()
    }

    fn builtin(&mut self, call: &ExprCall, name: &str) -> Result<Cell, ConfigError> {
        if !matches!(
            name,
            "int" | "str" | "bool" | "float" | "len" | "list" | "tuple" | "dict"
        ) {
            if super::sequences::BUILTINS.contains(&name) {
                return self.sequence(call, name);
            }
            if super::include::is_include(call) {
                return Err(self.refused(
                    call,
                    "`include()` inside another expression",
                    "put the include on a line of its own",
                ));
            }
            return Err(self.unknown_call(call));
        }
        if name == "dict" && !call.arguments.keywords.is_empty() {
            return self.keyword_dict(call);
        }
        let args = self.arguments(call)?;
        let wrong = |message: String| self.wrong(call, message);
        let one = || match args.as_slice() {
            [] => Ok(None),
            [cell] => Ok(Some(cell)),
            _ => Err(wrong(format!("{name}() takes at most one argument here"))),
        };
        match name {
            "int" => {
                let values = args
                    .iter()
                    .map(|cell| self.plain(call, cell))
                    .collect::<Result<Vec<_>, _>>()?;
                int(&values).map(Cell::Plain).map_err(wrong)
            }
            "float" => {
                let value = one()?.map(|cell| self.plain(call, cell)).transpose()?;
                float(value.as_ref()).map(Cell::Plain).map_err(wrong)
            }
            "str" => {
                let value = one()?.map(|cell| self.plain(call, cell)).transpose()?;
                Ok(Cell::Plain(
                    value
                        .map(|value| value.to_string())
                        .unwrap_or_default()
                        .into(),
                ))
            }
            "bool" => Ok(Cell::Plain(one()?.is_some_and(Cell::truth).into())),
            "len" => {
                let cell = one()?.ok_or_else(|| wrong("len() takes one argument".into()))?;
                let len = self.iterate(call, cell)?.len();
                Ok(Cell::Plain(Value::Int(len as i128)))
            }
            "dict" => match one()? {
                None => Ok(Cell::dict()),
                Some(Cell::Dict(dict)) => Ok(Cell::Dict(Rc::new((**dict).clone()))),
                Some(pairs) => self.dict_of_pairs(call, pairs),
            },
            _ => {
                let items = match one()? {
                    Some(cell) => self.iterate(call, cell)?,
                    None => Vec::new(),
                };
                Ok(if name == "tuple" {
                    Cell::Tuple(Rc::new(items))
                } else {
                    Cell::list(items)
                })
            }
        }
    }

    fn dict_of_pairs(&self, call: &ExprCall, pairs: &Cell) -> Result<Cell, ConfigError> {
        let cell = Cell::dict();
        if let Cell::Dict(dict) = &cell {
            for pair in self.iterate(call, pairs)? {
                let [key, value] = self
                    .iterate(call, &pair)?
                    .try_into()
                    .map_err(|_| self.wrong(call, "dict() takes pairs"))?;
                let key = self.plain(call, &key)?;
                if !key.hashable() {
                    return Err(self.wrong(call, format!("unhashable type: '{}'", key.type_name())));
                }
                dict.borrow_mut().insert(key, value);
            }
        }
        Ok(cell)
    }

    fn keyword_dict(&mut self, call: &ExprCall) -> Result<Cell, ConfigError> {
        let cell = Cell::dict();
        if let (Cell::Dict(dict), true) = (&cell, call.arguments.args.is_empty()) {
            for keyword in &call.arguments.keywords {
                let Some(name) = &keyword.arg else {
                    return Err(self.refused(keyword, "`**` in a call", "write the entries out"));
                };
                let value = self.eval(&keyword.value)?;
                dict.borrow_mut().insert(name.as_str().into(), value);
            }
            return Ok(cell);
        }
        Err(self.refused(call, "this form of dict()", "write `{'key': value}`"))
    }

    /// `config_opts.get(…)`, `.setdefault(…)`, `.update(…)`.
    fn root_method(&mut self, call: &ExprCall, method: &str) -> Result<Cell, ConfigError> {
        match method {
            "update" => {
                let new = self.update_arguments(call)?;
                for (key, value) in new {
                    let Value::Str(name) = key else {
                        return Err(self.wrong(call, "an option is named by text"));
                    };
                    self.set_option(call, &name, value);
                }
                Ok(Cell::Plain(Value::None))
            }
            "get" | "setdefault" | "pop" => {
                let args = self.arguments(call)?;
                let (name, default) = match args.as_slice() {
                    [Cell::Plain(Value::Str(name))] => (name, None),
                    [Cell::Plain(Value::Str(name)), default] => (name, Some(default.clone())),
                    _ => {
                        let message =
                            format!("{method}() takes the name of an option and a default");
                        return Err(self.wrong(call, message));
                    }
                };
                let found = self.reading.draft().get(name);
                match method {
                    "pop" => {
                        if found.is_none() && default.is_none() {
                            return Err(
                                self.wrong(call, format!("the option `{name}` is not set here"))
                            );
                        }
                        self.reading.draft_mut().remove(name);
                    }
                    "setdefault" if found.is_none() => {
                        let value = default.clone().unwrap_or(Cell::Plain(Value::None));
                        self.set_option(call, name, value);
                    }
                    _ => {}
                }
                Ok(found.or(default).unwrap_or(Cell::Plain(Value::None)))
            }
            _ => Err(self.unknown_call(call)),
        }
    }

    fn set_option(&mut self, node: &impl Ranged, name: &str, value: Cell) {
        self.reading.draft_mut().set_cell(name, value);
        let origin = self.origin(node);
        let path = [options::canonical(name).to_owned()];
        self.reading.draft_mut().origins.set(&path, origin);
    }

    /// The entries `update` is given: a dictionary, pairs, or named arguments.
    pub(super) fn update_arguments(
        &mut self,
        call: &ExprCall,
    ) -> Result<Vec<(Value, Cell)>, ConfigError> {
        let mut new = Vec::new();
        for arg in &call.arguments.args {
            let cell = self.eval(arg)?;
            let dict = match cell {
                Cell::Dict(dict) => dict,
                pairs => match self.dict_of_pairs(call, &pairs)? {
                    Cell::Dict(dict) => dict,
                    _ => continue,
                },
            };
            new.extend(
                dict.borrow()
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            );
        }
        for keyword in &call.arguments.keywords {
            let Some(name) = &keyword.arg else {
                return Err(self.refused(keyword, "`**` in a call", "write the entries out"));
            };
            let value = self.eval(&keyword.value)?;
            new.push((name.as_str().into(), value));
        }
        Ok(new)
    }
}

fn int(args: &[Value]) -> Result<Value, String> {
    let invalid = |value: &Value, base: u32| {
        format!(
            "invalid literal for int() with base {base}: {}",
            crate::repr(value)
        )
    };
    match args {
        [] => Ok(Value::Int(0)),
        [text @ Value::Str(digits)] => parse_int(digits, 10)
            .map(Value::Int)
            .ok_or_else(|| invalid(text, 10)),
        [Value::Int(number)] => Ok(Value::Int(*number)),
        [Value::Bool(flag)] => Ok(Value::Int((*flag).into())),
        [Value::Float(number)] if number.is_finite() => Ok(Value::Int(*number as i128)),
        [text @ Value::Str(digits), Value::Int(base)] => {
            let base = u32::try_from(*base).unwrap_or(1);
            parse_int(digits, base)
                .map(Value::Int)
                .ok_or_else(|| invalid(text, base))
        }
        [other, ..] => Err(format!("int() cannot convert '{}'", other.type_name())),
    }
}

fn float(arg: Option<&Value>) -> Result<Value, String> {
    let invalid = |text: &str| format!("could not convert string to float: '{text}'");
    match arg {
        None => Ok(Value::Float(0.0)),
        Some(Value::Float(number)) => Ok(Value::Float(*number)),
        Some(Value::Int(number)) => Ok(Value::Float(*number as f64)),
        Some(Value::Bool(flag)) => Ok(Value::Float(f64::from(u8::from(*flag)))),
        Some(Value::Str(text)) => {
            let number = text.trim().replace('_', "").parse();
            number.map(Value::Float).map_err(|_| invalid(text))
        }
        Some(other) => Err(format!("float() cannot convert '{}'", other.type_name())),
    }
}
