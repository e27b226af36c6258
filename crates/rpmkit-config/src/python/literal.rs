//! Python literals on their own: `--plugin-option`, `{ python = "…" }` and the names of includes.

use ruff_python_ast::{Expr, Number, UnaryOp};
use ruff_python_parser::parse_expression;

use super::guard;
use crate::{Dict, Value};

/// Reads one Python literal, as `ast.literal_eval` does. The error says what is wrong.
pub fn literal(text: &str) -> Result<Value, String> {
    let text = text.trim_start_matches([' ', '\t']);
    guard::check(text).map_err(|(_, message)| message)?;
    let parsed = parse_expression(text).map_err(|error| error.error.to_string())?;
    value(parsed.expr())
}

/// The value of a literal; anything else is an error.
fn value(expr: &Expr) -> Result<Value, String> {
    let all = |items: &[Expr]| items.iter().map(value).collect::<Result<Vec<_>, _>>();
    match expr {
        Expr::StringLiteral(text) => Ok(Value::from(text.value.to_str())),
        Expr::BytesLiteral(bytes) => Ok(Value::Bytes(bytes.value.bytes().collect())),
        Expr::NumberLiteral(number) => self::number(&number.value),
        Expr::BooleanLiteral(flag) => Ok(Value::Bool(flag.value)),
        Expr::NoneLiteral(_) => Ok(Value::None),
        Expr::List(list) => all(&list.elts).map(Value::List),
        Expr::Tuple(tuple) => all(&tuple.elts).map(Value::Tuple),
        Expr::Dict(dict) => {
            let mut out = Dict::new();
            for item in &dict.items {
                let key = item.key.as_ref().ok_or("`**` is no literal")?;
                let key = value(key)?;
                if !key.hashable() {
                    return Err(format!("{} cannot be a key", key.type_name()));
                }
                out.0.insert(key, value(&item.value)?);
            }
            Ok(Value::Dict(out))
        }
        Expr::UnaryOp(unary) if matches!(unary.op, UnaryOp::USub | UnaryOp::UAdd) => {
            let negative = unary.op == UnaryOp::USub;
            match value(&unary.operand)? {
                Value::Int(number) if negative => Ok(Value::Int(-number)),
                Value::Float(number) if negative => Ok(Value::Float(-number)),
                number @ (Value::Int(_) | Value::Float(_)) => Ok(number),
                _ => Err("a sign needs a number".to_owned()),
            }
        }
        _ => Err("this is no literal".to_owned()),
    }
}

/// A number of the parser's.
pub(super) fn number(number: &Number) -> Result<Value, String> {
    match number {
        Number::Int(int) => int
            .as_i64()
            .map(i128::from)
            .or_else(|| big(&int.to_string()))
            .map(Value::Int)
            .ok_or_else(|| "a number this large".to_owned()),
        Number::Float(float) => Ok(Value::Float(*float)),
        Number::Complex { .. } => Err("a complex number".to_owned()),
    }
}

/// Large numbers keep the notation they are written in.
fn big(text: &str) -> Option<i128> {
    super::parse_int(text, 0).or_else(|| super::parse_int(text, 10))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::repr;

    #[test]
    fn literals_read_as_python_reads_them() {
        for (text, shown) in [
            ("('x86_64',)", "('x86_64',)"),
            ("[1, -2, +3, 0x1f, 1_000]", "[1, -2, 3, 31, 1000]"),
            (
                "{'a': None, 'b': (True, b'x')}",
                "{'a': None, 'b': (True, b'x')}",
            ),
            (r"r'\d' '\t' u'x'", r"'\\d\tx'"),
            ("()", "()"),
            ("(1)", "1"),
            ("18446744073709551616", "18446744073709551616"),
            ("0xffffffffffffffffff", "4722366482869645213695"),
            ("'''a\nb'''", r"'a\nb'"),
        ] {
            assert_eq!(repr(&literal(text).unwrap()), shown, "{text}");
        }
        for text in [
            "x",
            "f()",
            "[x for x in y]",
            "1 + 2",
            "{[]: 1}",
            "",
            "lambda: 1",
            "not 1",
        ] {
            assert!(literal(text).is_err(), "{text}");
        }
    }
}
