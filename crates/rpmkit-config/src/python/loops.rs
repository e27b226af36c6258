//! `for` over values that are at hand, and comprehensions. There is no `while`: what is read always ends.

use std::rc::Rc;

use ruff_python_ast::{Comprehension, Expr, StmtFor};
use ruff_text_size::Ranged;

use super::{interp::Interp, limits::MAX_ROUNDS, run::Flow};
use crate::{ConfigError, Value, heap::Cell};

/// What a comprehension makes of each round.
enum Yield<'a> {
    Item(&'a Expr),
    Entry(&'a Expr, &'a Expr),
}

impl Interp<'_> {
    /// A `for` statement with its `else`.
    pub(super) fn for_loop(&mut self, stmt: &StmtFor) -> Result<Flow, ConfigError> {
        let items = self.eval(&stmt.iter)?;
        for item in self.iterate(&*stmt.iter, &items)? {
            self.round(stmt)?;
            self.assign(&stmt.target, item)?;
            if self.body(&stmt.body)? == Flow::Break {
                return Ok(Flow::Next);
            }
        }
        self.body(&stmt.orelse)
    }

    fn round(&mut self, node: &impl Ranged) -> Result<(), ConfigError> {
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return Err(self.wrong(node, format!("more than {MAX_ROUNDS} rounds of loops")));
        }
        Ok(())
    }

    /// A comprehension of any kind but a set; a generator gives its items as a list.
    pub(super) fn comprehension(&mut self, expr: &Expr) -> Result<Cell, ConfigError> {
        let (made, generators) = match expr {
            Expr::ListComp(list) => (Yield::Item(&list.elt), &list.generators),
            Expr::Generator(list) => (Yield::Item(&list.elt), &list.generators),
            Expr::DictComp(dict) => match &dict.key {
                Some(key) => (Yield::Entry(key, &dict.value), &dict.generators),
                None => {
                    let instead = "write the entries out";
                    return Err(self.refused(expr, "`**` in a comprehension", instead));
                }
            },
            _ => {
                let (what, instead) = super::refuse::expression(expr);
                return Err(self.refused(expr, what, instead));
            }
        };
        // Its names end with it.
        let outer = self.locals.clone();
        let mut pairs = Vec::new();
        let result = self.generate(generators, &made, &mut pairs);
        self.locals = outer;
        result?;
        if let Yield::Item(_) = made {
            return Ok(Cell::list(
                pairs.into_iter().map(|(_, item)| item).collect(),
            ));
        }
        let cell = Cell::dict();
        if let Cell::Dict(dict) = &cell {
            dict.borrow_mut().extend(pairs);
        }
        Ok(cell)
    }

    fn generate(
        &mut self,
        generators: &[Comprehension],
        made: &Yield<'_>,
        out: &mut Vec<(Value, Cell)>,
    ) -> Result<(), ConfigError> {
        let Some((first, rest)) = generators.split_first() else {
            let pair = match made {
                Yield::Item(item) => (Value::None, self.eval(item)?),
                Yield::Entry(key, value) => (self.key(key)?, self.eval(value)?),
            };
            out.push(pair);
            return Ok(());
        };
        let items = self.eval(&first.iter)?;
        'items: for item in self.iterate(&first.iter, &items)? {
            self.round(first)?;
            self.assign(&first.target, item)?;
            for test in &first.ifs {
                if !self.eval(test)?.truth() {
                    continue 'items;
                }
            }
            self.generate(rest, made, out)?;
        }
        Ok(())
    }

    /// `a, b = value`, with one `*rest` at most.
    pub(super) fn unpack(&mut self, targets: &[Expr], value: &Cell) -> Result<(), ConfigError> {
        let Some(first) = targets.first() else {
            return Ok(());
        };
        let mut items = self.iterate(first, value)?;
        let star = targets.iter().position(Expr::is_starred_expr);
        let fits = match star {
            None => items.len() == targets.len(),
            Some(_) => items.len() + 1 >= targets.len(),
        };
        if !fits {
            let message = format!("{} names for {} values", targets.len(), items.len());
            return Err(self.wrong(first, message));
        }
        if let Some(at) = star {
            let taken = items.len() + 1 - targets.len();
            let rest = items.drain(at..at + taken).collect();
            items.insert(at, Cell::list(rest));
        }
        for (target, item) in targets.iter().zip(items) {
            match target {
                Expr::Starred(starred) => self.assign(&starred.value, item)?,
                target => self.assign(target, item)?,
            }
        }
        Ok(())
    }

    /// The items of a list or tuple display; `*x` stands for the items of `x`.
    pub(super) fn items(&mut self, items: &[Expr]) -> Result<Vec<Cell>, ConfigError> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            let Expr::Starred(starred) = item else {
                out.push(self.eval(item)?);
                continue;
            };
            let value = self.eval(&starred.value)?;
            out.extend(self.iterate(item, &value)?);
            self.room(item, out.len())?;
        }
        Ok(out)
    }

    /// A tuple of two.
    pub(super) fn pair(left: Cell, right: Cell) -> Cell {
        Cell::Tuple(Rc::new(vec![left, right]))
    }
}
