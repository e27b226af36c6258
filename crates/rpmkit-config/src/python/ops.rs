//! Operators on values, with Python's meaning and Python's words for what is wrong.

use ruff_python_ast::{CmpOp, Operator, UnaryOp};

use super::{
    limits::{MAX_ITEMS, MAX_TEXT},
    percent,
};
use crate::Value;

fn unsupported(left: &Value, op: Operator, right: &Value) -> String {
    match (left, op, right) {
        (Value::Str(_), Operator::Add, other) => format!(
            "can only concatenate str (not \"{}\") to str",
            other.type_name()
        ),
        _ => format!(
            "unsupported operand type(s) for {}: '{}' and '{}'",
            op.as_str(),
            left.type_name(),
            right.type_name()
        ),
    }
}

/// `left op right`.
pub(super) fn binary(left: &Value, op: Operator, right: &Value) -> Result<Value, String> {
    let wrong = || unsupported(left, op, right);
    match (left, op, right) {
        (Value::Str(a), Operator::Add, Value::Str(b)) => {
            fits(a.len() + b.len())?;
            Ok(Value::Str(format!("{a}{b}")))
        }
        (Value::Bytes(a), Operator::Add, Value::Bytes(b)) => {
            fits(a.len() + b.len())?;
            Ok(Value::Bytes([a.as_slice(), b].concat()))
        }
        (Value::Str(text), Operator::Mod, _) => percent(text, right).map(Value::Str),
        (text @ Value::Str(_), Operator::Mult, times)
        | (times, Operator::Mult, text @ Value::Str(_)) => {
            let (Value::Str(text), Some(times)) = (text, int(times)) else {
                return Err(wrong());
            };
            let times = usize::try_from(times.max(0)).map_err(|_| wrong())?;
            fits(text.len().saturating_mul(times))?;
            Ok(Value::Str(text.repeat(times)))
        }
        (Value::List(items), Operator::Mult, times)
        | (times, Operator::Mult, Value::List(items)) => {
            repeat(items, times).map(Value::List).ok_or_else(wrong)
        }
        (Value::Tuple(items), Operator::Mult, times)
        | (times, Operator::Mult, Value::Tuple(items)) => {
            repeat(items, times).map(Value::Tuple).ok_or_else(wrong)
        }
        _ => arithmetic(left, op, right).unwrap_or_else(|| Err(wrong())),
    }
}

fn repeat(items: &[Value], times: &Value) -> Option<Vec<Value>> {
    let times = usize::try_from(int(times)?.max(0)).ok()?;
    let len = items.len().checked_mul(times)?;
    (len <= MAX_ITEMS).then(|| items.iter().cycle().take(len).cloned().collect())
}

fn fits(len: usize) -> Result<(), String> {
    if len > MAX_TEXT {
        return Err(format!("a text of more than {MAX_TEXT} bytes"));
    }
    Ok(())
}

fn int(value: &Value) -> Option<i128> {
    match value {
        Value::Bool(flag) => Some((*flag).into()),
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn float(value: &Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        other => int(other).map(|number| number as f64),
    }
}

/// Numbers; `None` when one side is none, or the operator is not read.
fn arithmetic(left: &Value, op: Operator, right: &Value) -> Option<Result<Value, String>> {
    let zero = || Some(Err("division by zero".to_owned()));
    let large = || "a number this large".to_owned();
    if let (Some(a), Some(b)) = (int(left), int(right)) {
        let result = match op {
            Operator::Add => a.checked_add(b),
            Operator::Sub => a.checked_sub(b),
            Operator::Mult => a.checked_mul(b),
            Operator::Pow => {
                if b < 0 {
                    return Some(Ok(Value::Float((a as f64).powf(b as f64))));
                }
                u32::try_from(b).ok().and_then(|power| a.checked_pow(power))
            }
            Operator::LShift | Operator::RShift if b < 0 => {
                return Some(Err("negative shift count".to_owned()));
            }
            Operator::LShift => u32::try_from(b)
                .ok()
                .and_then(|by| 1_i128.checked_shl(by))
                .filter(|factor| *factor > 0)
                .and_then(|factor| a.checked_mul(factor)),
            Operator::RShift => Some(a >> b.min(127)),
            Operator::BitXor => Some(a ^ b),
            Operator::BitOr => Some(a | b),
            Operator::BitAnd => Some(a & b),
            Operator::FloorDiv | Operator::Mod | Operator::Div if b == 0 => return zero(),
            Operator::Div => return Some(Ok(Value::Float(a as f64 / b as f64))),
            Operator::FloorDiv => a.checked_div_euclid(b).map(|q| {
                // Euclid's quotient is Python's floor for positive divisors only.
                if b < 0 && a.rem_euclid(b) != 0 {
                    q - 1
                } else {
                    q
                }
            }),
            Operator::Mod => a.checked_rem(b).map(|r| {
                if r != 0 && (r < 0) != (b < 0) {
                    r + b
                } else {
                    r
                }
            }),
            _ => return None,
        };
        let result = result.ok_or_else(large);
        return Some(result.map(|number| match (left, op, right) {
            (
                Value::Bool(_),
                Operator::BitOr | Operator::BitAnd | Operator::BitXor,
                Value::Bool(_),
            ) => Value::Bool(number != 0),
            _ => Value::Int(number),
        }));
    }
    let (a, b) = (float(left)?, float(right)?);
    Some(Ok(Value::Float(match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => a * b,
        Operator::Div | Operator::FloorDiv | Operator::Mod if b == 0.0 => return zero(),
        Operator::Div => a / b,
        Operator::FloorDiv => (a / b).floor(),
        Operator::Mod => a - b * (a / b).floor(),
        Operator::Pow => a.powf(b),
        _ => return None,
    })))
}

/// `-x`, `+x`, `~x`.
pub(super) fn unary(op: UnaryOp, value: &Value) -> Result<Value, String> {
    let result = match (op, value) {
        (UnaryOp::USub, Value::Float(number)) => Some(Value::Float(-number)),
        (UnaryOp::UAdd, Value::Float(number)) => Some(Value::Float(*number)),
        (UnaryOp::USub, other) => int(other).and_then(i128::checked_neg).map(Value::Int),
        (UnaryOp::UAdd, other) => int(other).map(Value::Int),
        (UnaryOp::Invert, other) => int(other).map(|number| Value::Int(!number)),
        (UnaryOp::Not, other) => Some(Value::Bool(!other.truth())),
    };
    result.ok_or_else(|| {
        format!(
            "bad operand type for unary {}: '{}'",
            op.as_str(),
            value.type_name()
        )
    })
}

/// One comparison.
pub(super) fn compare(left: &Value, op: CmpOp, right: &Value) -> Result<bool, String> {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let ordered = |accept: &[std::cmp::Ordering]| {
        if let (Value::Float(number), _) | (_, Value::Float(number)) = (left, right)
            && number.is_nan()
        {
            return Ok(false);
        }
        left.order(right)
            .map(|order| accept.contains(&order))
            .ok_or_else(|| {
                format!(
                    "'{}' not supported between instances of '{}' and '{}'",
                    op.as_str(),
                    left.type_name(),
                    right.type_name()
                )
            })
    };
    match op {
        CmpOp::Eq => Ok(left == right),
        CmpOp::NotEq => Ok(left != right),
        CmpOp::Lt => ordered(&[Less]),
        CmpOp::LtE => ordered(&[Less, Equal]),
        CmpOp::Gt => ordered(&[Greater]),
        CmpOp::GtE => ordered(&[Greater, Equal]),
        // Identity is only meaningful for the singletons; for these it is equality of type and value.
        CmpOp::Is => Ok(left.same(right)),
        CmpOp::IsNot => Ok(!left.same(right)),
        CmpOp::In => contains(right, left),
        CmpOp::NotIn => contains(right, left).map(|found| !found),
    }
}

fn contains(container: &Value, item: &Value) -> Result<bool, String> {
    match container {
        Value::List(items) | Value::Tuple(items) => Ok(items.contains(item)),
        Value::Dict(dict) if item.hashable() => Ok(dict.0.contains_key(item)),
        Value::Dict(_) => Err(format!("unhashable type: '{}'", item.type_name())),
        Value::Str(text) => match item {
            Value::Str(part) => Ok(text.contains(part.as_str())),
            other => Err(format!(
                "'in <string>' requires string as left operand, not {}",
                other.type_name()
            )),
        },
        other => Err(format!(
            "argument of type '{}' is not iterable",
            other.type_name()
        )),
    }
}

/// The position an index means, counted from the end when negative.
pub(super) fn index(index: &Value, len: usize, kind: &str) -> Result<usize, String> {
    let Some(at) = int(index) else {
        return Err(format!(
            "{kind} indices must be integers, not '{}'",
            index.type_name()
        ));
    };
    let at = if at < 0 { at + len as i128 } else { at };
    usize::try_from(at)
        .ok()
        .filter(|at| *at < len)
        .ok_or_else(|| format!("{kind} index out of range"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn whole_division_and_remainder_round_down() {
        for (a, b, quotient, rest) in [
            (7, 2, 3, 1),
            (-7, 2, -4, 1),
            (7, -2, -4, -1),
            (-7, -2, 3, -1),
            (6, -2, -3, 0),
        ] {
            let (a, b) = (Value::Int(a), Value::Int(b));
            assert_eq!(
                binary(&a, Operator::FloorDiv, &b).unwrap(),
                Value::Int(quotient)
            );
            assert_eq!(binary(&a, Operator::Mod, &b).unwrap(), Value::Int(rest));
        }
    }
}
