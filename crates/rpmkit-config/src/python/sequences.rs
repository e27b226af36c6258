//! Built-in functions over sequences: `sorted`, `range`, `any` and their like.

use ruff_python_ast::{CmpOp, ExprCall};

use super::{interp::Interp, ops};
use crate::{ConfigError, Value, heap::Cell};

/// What [`Interp::sequence`] knows.
pub(super) const BUILTINS: &[&str] = &[
    "all",
    "any",
    "enumerate",
    "max",
    "min",
    "range",
    "repr",
    "reversed",
    "sorted",
    "sum",
    "zip",
];

impl Interp<'_> {
    pub(super) fn sequence(&mut self, call: &ExprCall, name: &str) -> Result<Cell, ConfigError> {
        let args = self.arguments(call)?;
        let wrong = |message: String| self.wrong(call, message);
        if let ("repr", [cell]) = (name, args.as_slice()) {
            let value = self.plain(call, cell)?;
            return Ok(Cell::Plain(crate::repr(&value).into()));
        }
        if name == "range" {
            return self.range(call, &args);
        }
        if name == "zip" {
            let all = args
                .iter()
                .map(|cell| self.iterate(call, cell))
                .collect::<Result<Vec<_>, _>>()?;
            let len = all.iter().map(Vec::len).min().unwrap_or(0);
            let row = |nth: usize| {
                Cell::Tuple(
                    all.iter()
                        .map(|items| items[nth].clone())
                        .collect::<Vec<_>>()
                        .into(),
                )
            };
            return Ok(Cell::list((0..len).map(row).collect()));
        }
        let items = match args.as_slice() {
            [one] => self.iterate(call, one)?,
            [_, _, ..] if matches!(name, "min" | "max") => args.clone(),
            _ => return Err(wrong(format!("{name}() takes one argument here"))),
        };
        match name {
            "any" => Ok(Cell::Plain(items.iter().any(Cell::truth).into())),
            "all" => Ok(Cell::Plain(items.iter().all(Cell::truth).into())),
            "enumerate" => Ok(Cell::list(
                (0_i128..)
                    .zip(items)
                    .map(|(nth, item)| Self::pair(Cell::Plain(Value::Int(nth)), item))
                    .collect(),
            )),
            "reversed" => Ok(Cell::list(items.into_iter().rev().collect())),
            "sum" => {
                let mut total = Value::Int(0);
                for item in &items {
                    let item = self.plain(call, item)?;
                    total = ops::binary(&total, ruff_python_ast::Operator::Add, &item)
                        .map_err(wrong)?;
                }
                Ok(Cell::Plain(total))
            }
            _ => {
                let sorted = self.sorted(call, items)?;
                match name {
                    "sorted" => Some(Cell::list(sorted)),
                    "min" => sorted.first().cloned(),
                    _ => sorted.last().cloned(),
                }
                .map_or_else(
                    || Err(wrong(format!("{name}() arg is an empty sequence"))),
                    Ok,
                )
            }
        }
    }

    /// Stable and ascending, by Python's `<`.
    pub(super) fn sorted(
        &self,
        call: &ExprCall,
        items: Vec<Cell>,
    ) -> Result<Vec<Cell>, ConfigError> {
        let mut keyed: Vec<(Value, Cell)> = items
            .into_iter()
            .map(|item| Ok((self.plain(call, &item)?, item)))
            .collect::<Result<Vec<_>, ConfigError>>()?;
        // Runs of 1, 2, 4 … are merged: std's sort may panic where `<` is no order, as with NaN.
        let mut width = 1;
        while width < keyed.len() {
            let mut merged = Vec::with_capacity(keyed.len());
            for pair in keyed.chunks(2 * width) {
                let (mut left, mut right) = pair.split_at(width.min(pair.len()));
                while let ([a, more @ ..], [b, rest @ ..]) = (left, right) {
                    let later = ops::compare(&b.0, CmpOp::Lt, &a.0)
                        .map_err(|message| self.wrong(call, message))?;
                    if later {
                        merged.push(b.clone());
                        right = rest;
                    } else {
                        merged.push(a.clone());
                        left = more;
                    }
                }
                merged.extend_from_slice(left);
                merged.extend_from_slice(right);
            }
            keyed = merged;
            width *= 2;
        }
        Ok(keyed.into_iter().map(|(_, item)| item).collect())
    }

    fn range(&self, call: &ExprCall, args: &[Cell]) -> Result<Cell, ConfigError> {
        let mut numbers = Vec::new();
        for arg in args {
            let Value::Int(number) = self.plain(call, arg)? else {
                return Err(self.wrong(call, "range() takes whole numbers"));
            };
            numbers.push(number);
        }
        let (from, to, step) = match numbers.as_slice() {
            [to] => (0, *to, 1),
            [from, to] => (*from, *to, 1),
            [from, to, step] if *step != 0 => (*from, *to, *step),
            _ => return Err(self.wrong(call, "range() takes one to three numbers, no step of 0")),
        };
        let mut out = Vec::new();
        let mut at = from;
        while if step > 0 { at < to } else { at > to } {
            self.room(call, out.len())?;
            out.push(Cell::Plain(Value::Int(at)));
            let Some(next) = at.checked_add(step) else {
                break;
            };
            at = next;
        }
        Ok(Cell::list(out))
    }
}
