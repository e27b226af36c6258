//! Expressions and assignment.

use ruff_python_ast::{BoolOp, Expr, ExprSubscript, Operator, StmtAugAssign, UnaryOp};
use ruff_text_size::Ranged;
use std::{cell::RefCell, rc::Rc};

use super::{interp::Interp, limits::MAX_ITEMS, literal, ops, refuse};
use crate::{ConfigError, Value, heap::Cell, options};

/// Whether an expression is the name `config_opts`.
pub(super) fn is_root(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(name) if name.id.as_str() == "config_opts")
}

impl Interp<'_> {
    /// The value of an expression, no longer shared.
    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value, ConfigError> {
        let cell = self.eval(expr)?;
        self.plain(expr, &cell)
    }

    pub(super) fn plain(&self, node: &impl Ranged, cell: &Cell) -> Result<Value, ConfigError> {
        cell.value()
            .map_err(|_| self.wrong(node, "this value contains itself, or is too large"))
    }

    /// The value of an expression, shared with what it was taken from.
    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Cell, ConfigError> {
        let scalar = |value: Value| Ok(Cell::Plain(value));
        match expr {
            Expr::StringLiteral(text) => scalar(text.value.to_str().into()),
            Expr::BytesLiteral(bytes) => scalar(Value::Bytes(bytes.value.bytes().collect())),
            Expr::NumberLiteral(number) => match literal::number(&number.value) {
                Ok(value) => scalar(value),
                Err(what) => Err(self.refused(expr, what, "write it as text")),
            },
            Expr::BooleanLiteral(flag) => scalar(Value::Bool(flag.value)),
            Expr::NoneLiteral(_) => scalar(Value::None),
            Expr::FString(text) => self.fstring(text).map(|text| Cell::Plain(text.into())),
            Expr::List(list) => Ok(Cell::list(self.items(&list.elts)?)),
            Expr::Tuple(tuple) => Ok(Cell::Tuple(Rc::new(self.items(&tuple.elts)?))),
            Expr::Dict(dict) => self.dict(dict),
            Expr::Name(name) => match self.locals.get(name.id.as_str()) {
                Some(cell) => Ok(cell.clone()),
                None if is_root(expr) => Err(self.refused(
                    expr,
                    "`config_opts` as a whole",
                    "name one option: `config_opts['name']`",
                )),
                None => Err(self.refused(
                    expr,
                    format!("the name `{}`", name.id),
                    "only `config_opts` and names the same file gives values to can be used; quote text",
                )),
            },
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Call(call) => self.call(call),
            Expr::BinOp(_) => self.binary(expr),
            Expr::UnaryOp(unary) => {
                let cell = self.eval(&unary.operand)?;
                if unary.op == UnaryOp::Not {
                    return scalar(Value::Bool(!cell.truth()));
                }
                let value = self.plain(expr, &cell)?;
                ops::unary(unary.op, &value)
                    .map(Cell::Plain)
                    .map_err(|message| self.wrong(expr, message))
            }
            Expr::BoolOp(chain) => {
                let mut last = Cell::Plain(Value::None);
                for operand in &chain.values {
                    last = self.eval(operand)?;
                    if last.truth() == (chain.op == BoolOp::Or) {
                        break;
                    }
                }
                Ok(last)
            }
            Expr::If(choice) => {
                let test = self.eval(&choice.test)?.truth();
                self.eval(if test { &choice.body } else { &choice.orelse })
            }
            Expr::Compare(compare) => self.compare(compare).map(|flag| Cell::Plain(flag.into())),
            Expr::ListComp(_) | Expr::DictComp(_) | Expr::Generator(_) => self.comprehension(expr),
            other => {
                let (what, instead) = refuse::expression(other);
                Err(self.refused(other, what, instead))
            }
        }
    }

    fn dict(&mut self, dict: &ruff_python_ast::ExprDict) -> Result<Cell, ConfigError> {
        let cell = Cell::dict();
        let Cell::Dict(out) = &cell else {
            return Ok(cell);
        };
        for item in &dict.items {
            let Some(key) = &item.key else {
                let Cell::Dict(spread) = self.eval(&item.value)? else {
                    return Err(self.wrong(&item.value, "`**` takes a dict"));
                };
                let entries = spread.borrow().clone();
                out.borrow_mut().extend(entries);
                self.room(&item.value, out.borrow().len())?;
                continue;
            };
            let key = self.key(key)?;
            let value = self.eval(&item.value)?;
            out.borrow_mut().insert(key, value);
        }
        Ok(cell)
    }

    /// A value that can be a key.
    pub(super) fn key(&mut self, expr: &Expr) -> Result<Value, ConfigError> {
        let key = self.value(expr)?;
        if !key.hashable() {
            return Err(self.wrong(expr, format!("unhashable type: '{}'", key.type_name())));
        }
        Ok(key)
    }

    /// `a + b + c …`, without recursion along the chain.
    fn binary(&mut self, expr: &Expr) -> Result<Cell, ConfigError> {
        let mut chain = Vec::new();
        let mut left = expr;
        while let Expr::BinOp(op) = left {
            chain.push(op);
            left = &op.left;
        }
        let mut value = self.eval(left)?;
        for op in chain.into_iter().rev() {
            // `'%(option)s' % config_opts`
            let right = if op.op == Operator::Mod && is_root(&op.right) {
                Cell::new(Value::Dict(self.reading.draft().with_aliases()))
            } else {
                self.eval(&op.right)?
            };
            value = self.operate(op, &value, op.op, &right)?;
        }
        Ok(value)
    }

    fn operate(
        &self,
        node: &impl Ranged,
        left: &Cell,
        op: Operator,
        right: &Cell,
    ) -> Result<Cell, ConfigError> {
        // Joining lists and tuples keeps their items shared.
        match (op, left, right) {
            (Operator::Add, Cell::List(a), Cell::List(b)) => {
                let mut items = a.borrow().clone();
                items.extend(b.borrow().iter().cloned());
                self.room(node, items.len())?;
                return Ok(Cell::list(items));
            }
            (Operator::Add, Cell::Tuple(a), Cell::Tuple(b)) => {
                let items: Vec<Cell> = a.iter().chain(b.iter()).cloned().collect();
                self.room(node, items.len())?;
                return Ok(Cell::Tuple(Rc::new(items)));
            }
            (Operator::BitOr, Cell::Dict(a), Cell::Dict(b)) => {
                let mut entries = (**a).borrow().clone();
                entries.extend(b.borrow().iter().map(|(k, v)| (k.clone(), v.clone())));
                self.room(node, entries.len())?;
                return Ok(Cell::Dict(Rc::new(RefCell::new(entries))));
            }
            _ => {}
        }
        let (left, right) = (self.plain(node, left)?, self.plain(node, right)?);
        ops::binary(&left, op, &right)
            .map(Cell::new)
            .map_err(|message| self.wrong(node, message))
    }

    pub(super) fn room(&self, node: &impl Ranged, len: usize) -> Result<(), ConfigError> {
        if len > MAX_ITEMS {
            return Err(self.wrong(node, format!("more than {MAX_ITEMS} items")));
        }
        Ok(())
    }

    /// `target op= value`. A list is extended in place, as in Python.
    pub(super) fn augmented(&mut self, assign: &StmtAugAssign) -> Result<(), ConfigError> {
        let target = assign.target.as_ref();
        let old = self.eval(target)?;
        let value = self.eval(&assign.value)?;
        if let (Cell::List(list), Operator::Add) = (&old, assign.op) {
            let items = self.iterate(&*assign.value, &value)?;
            self.room(target, list.borrow().len() + items.len())?;
            list.borrow_mut().extend(items);
            return self.touch(target);
        }
        let value = self.operate(assign, &old, assign.op, &value)?;
        self.assign(target, value)
    }

    /// The items Python's iteration over a value gives.
    pub(super) fn iterate(
        &self,
        node: &impl Ranged,
        cell: &Cell,
    ) -> Result<Vec<Cell>, ConfigError> {
        Ok(match cell {
            Cell::List(items) => items.borrow().clone(),
            Cell::Tuple(items) => items.to_vec(),
            Cell::Dict(dict) => dict.borrow().keys().cloned().map(Cell::new).collect(),
            Cell::Plain(Value::Str(text)) => text
                .chars()
                .map(|c| Cell::Plain(c.to_string().into()))
                .collect(),
            Cell::Plain(Value::Bytes(bytes)) => bytes
                .iter()
                .map(|byte| Cell::Plain(Value::Int((*byte).into())))
                .collect(),
            Cell::Plain(other) => {
                let message = format!("'{}' object is not iterable", other.type_name());
                return Err(self.wrong(node, message));
            }
        })
    }

    /// Notes that the option behind an expression was added to.
    pub(super) fn touch(&mut self, target: &Expr) -> Result<(), ConfigError> {
        if let Some(path) = self.path(target)? {
            let origin = self.origin(target);
            self.reading.draft_mut().origins.touch(&path, origin);
        }
        Ok(())
    }

    /// The option and keys an expression names, if it starts at `config_opts`.
    fn path(&mut self, expr: &Expr) -> Result<Option<Vec<String>>, ConfigError> {
        let mut keys = Vec::new();
        let mut at = expr;
        while let Expr::Subscript(subscript) = at {
            keys.push(self.value(&subscript.slice)?.to_string());
            at = &subscript.value;
        }
        if !is_root(at) || keys.is_empty() {
            return Ok(None);
        }
        keys.reverse();
        keys[0] = options::canonical(&keys[0]).to_owned();
        Ok(Some(keys))
    }

    /// Assigns to a name, an option or a key.
    pub(super) fn assign(&mut self, target: &Expr, value: Cell) -> Result<(), ConfigError> {
        match target {
            Expr::Name(_) if is_root(target) => Err(self.refused(
                target,
                "replacing `config_opts`",
                "assign to one option: `config_opts['name'] = …`",
            )),
            Expr::Name(name) => {
                self.locals.insert(name.id.to_string(), value);
                Ok(())
            }
            Expr::Subscript(subscript) if is_root(&subscript.value) => {
                let name = self.option_name(subscript)?;
                self.reading.draft_mut().set_cell(&name, value);
                let origin = self.origin(target);
                let path = [options::canonical(&name).to_owned()];
                self.reading.draft_mut().origins.set(&path, origin);
                Ok(())
            }
            Expr::Subscript(subscript) => {
                let container = self.eval(&subscript.value)?;
                self.store(subscript, &container, value)?;
                if let Some(path) = self.path(target)? {
                    let origin = self.origin(target);
                    self.reading.draft_mut().origins.set(&path, origin);
                }
                Ok(())
            }
            Expr::Tuple(targets) => self.unpack(&targets.elts, &value),
            Expr::List(targets) => self.unpack(&targets.elts, &value),
            other => Err(self.refused(
                other,
                "assigning to this",
                "assign to `config_opts['name']`, one target at a time",
            )),
        }
    }

    fn store(
        &mut self,
        target: &ExprSubscript,
        container: &Cell,
        value: Cell,
    ) -> Result<(), ConfigError> {
        match container {
            Cell::Dict(dict) => {
                let key = self.key(&target.slice)?;
                self.room(target, dict.borrow().len())?;
                dict.borrow_mut().insert(key, value);
                Ok(())
            }
            Cell::List(list) => {
                let index = self.value(&target.slice)?;
                let len = list.borrow().len();
                let at = ops::index(&index, len, "list").map_err(|m| self.wrong(target, m))?;
                list.borrow_mut()[at] = value;
                Ok(())
            }
            other => {
                let kind = other.type_name();
                let message = format!("'{kind}' object does not support item assignment");
                Err(self.wrong(target, message))
            }
        }
    }

    /// The option a `config_opts[…]` names.
    pub(super) fn option_name(&mut self, subscript: &ExprSubscript) -> Result<String, ConfigError> {
        match self.value(&subscript.slice)? {
            Value::Str(name) => Ok(name),
            other => Err(self.wrong(
                subscript,
                format!("an option is named by text, not by {}", other.type_name()),
            )),
        }
    }

    fn subscript(&mut self, subscript: &ExprSubscript) -> Result<Cell, ConfigError> {
        if is_root(&subscript.value) {
            let name = self.option_name(subscript)?;
            return self.reading.draft().get(&name).ok_or_else(|| {
                let near = crate::lint::nearest(&name)
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                self.wrong(
                    subscript,
                    format!("the option `{name}` is not set here{near}"),
                )
            });
        }
        if self.is_environ(&subscript.value) {
            let name = self.value(&subscript.slice)?.to_string();
            return match self.reading.host().env.get(&name) {
                Some(value) => Ok(Cell::Plain(value.as_str().into())),
                None => Err(self.wrong(
                    subscript,
                    format!("the environment has no `{name}`; `os.environ.get('{name}', '')` allows for that"),
                )),
            };
        }
        let container = self.eval(&subscript.value)?;
        match &container {
            Cell::Dict(dict) => {
                let key = self.key(&subscript.slice)?;
                let found = dict.borrow().get(&key).cloned();
                found.ok_or_else(|| {
                    self.wrong(subscript, format!("there is no key {}", crate::repr(&key)))
                })
            }
            Cell::List(_) | Cell::Tuple(_) | Cell::Plain(Value::Str(_))
                if subscript.slice.is_slice_expr() =>
            {
                self.slice(subscript, &container)
            }
            Cell::List(_) | Cell::Tuple(_) | Cell::Plain(Value::Str(_) | Value::Bytes(_)) => {
                let index = self.value(&subscript.slice)?;
                let items = self.iterate(subscript, &container)?;
                let at = ops::index(&index, items.len(), container.type_name())
                    .map_err(|message| self.wrong(subscript, message))?;
                Ok(items[at].clone())
            }
            other => {
                let message = format!("'{}' object is not subscriptable", other.type_name());
                Err(self.wrong(subscript, message))
            }
        }
    }

    /// `x[from:to:step]`.
    fn slice(&mut self, subscript: &ExprSubscript, container: &Cell) -> Result<Cell, ConfigError> {
        let Expr::Slice(slice) = subscript.slice.as_ref() else {
            return Ok(container.clone());
        };
        let items = self.iterate(subscript, container)?;
        let len = items.len() as i128;
        let mut bound = |bound: &Option<Box<Expr>>| match bound {
            None => Ok(None),
            Some(expr) => match self.value(expr)? {
                Value::Int(at) => Ok(Some(at)),
                Value::None => Ok(None),
                _ => Err(self.wrong(&**expr, "slice indices must be integers or None")),
            },
        };
        let step = bound(&slice.step)?.unwrap_or(1);
        let (lower, upper) = (bound(&slice.lower)?, bound(&slice.upper)?);
        if step == 0 {
            return Err(self.wrong(subscript, "slice step cannot be zero"));
        }
        // Backwards, the places run from the last one to the one before the first.
        let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
        let place = |at: i128| (if at < 0 { at + len } else { at }).clamp(low, high);
        let (first, last) = if step > 0 { (low, high) } else { (high, low) };
        let mut at = lower.map_or(first, place);
        let end = upper.map_or(last, place);
        let mut part = Vec::new();
        while if step > 0 { at < end } else { at > end } {
            part.extend(
                usize::try_from(at)
                    .ok()
                    .and_then(|at| items.get(at))
                    .cloned(),
            );
            at = at.saturating_add(step);
        }
        Ok(match container {
            Cell::List(_) => Cell::list(part),
            Cell::Tuple(_) => Cell::Tuple(Rc::new(part)),
            _ => {
                let mut text = String::new();
                for cell in &part {
                    text.push_str(&self.plain(subscript, cell)?.to_string());
                }
                Cell::Plain(text.into())
            }
        })
    }

    fn compare(&mut self, compare: &ruff_python_ast::ExprCompare) -> Result<bool, ConfigError> {
        use ruff_python_ast::CmpOp;
        let contains = |op: &CmpOp| matches!(op, CmpOp::In | CmpOp::NotIn);
        // `'x' in config_opts` and `'x' in os.environ`.
        if let ([op], [right]) = (compare.ops.as_ref(), compare.comparators.as_ref()) {
            let environ = self.is_environ(right);
            if contains(op) && (is_root(right) || environ) {
                let name = self.value(&compare.left)?;
                let found = name.as_str().is_some_and(|name| {
                    if environ {
                        self.reading.host().env.contains_key(name)
                    } else {
                        self.reading.draft().contains(name)
                    }
                });
                return Ok(found == (*op == CmpOp::In));
            }
        }
        let mut left = self.value(&compare.left)?;
        for (op, right) in compare.ops.iter().zip(&compare.comparators) {
            let value = self.value(right)?;
            let holds = ops::compare(&left, *op, &value).map_err(|m| self.wrong(compare, m))?;
            if !holds {
                return Ok(false);
            }
            left = value;
        }
        Ok(true)
    }

    /// `del config_opts['name']`, which does not follow aliases, and `del` of a key.
    pub(super) fn delete(&mut self, target: &Expr) -> Result<(), ConfigError> {
        let Expr::Subscript(subscript) = target else {
            return match target {
                Expr::Name(name) if self.locals.remove(name.id.as_str()).is_some() => Ok(()),
                _ => Err(self.refused(target, "deleting this", "leave it out")),
            };
        };
        if is_root(&subscript.value) {
            let name = self.option_name(subscript)?;
            return if self.reading.draft_mut().remove(&name) {
                Ok(())
            } else {
                Err(self.wrong(target, format!("there is no option `{name}` to delete")))
            };
        }
        match self.eval(&subscript.value)? {
            Cell::Dict(dict) => {
                let key = self.key(&subscript.slice)?;
                if dict.borrow_mut().shift_remove(&key).is_none() {
                    return Err(self.wrong(target, format!("there is no key {key} to delete")));
                }
            }
            Cell::List(list) => {
                let index = self.value(&subscript.slice)?;
                let len = list.borrow().len();
                let at = ops::index(&index, len, "list").map_err(|m| self.wrong(target, m))?;
                list.borrow_mut().remove(at);
            }
            other => {
                let message = format!("'{}' object does not support deletion", other.type_name());
                return Err(self.wrong(target, message));
            }
        }
        Ok(())
    }
}
