//! What is refused, in words, and how to write it as data instead.

use ruff_python_ast::{Expr, Stmt};

/// The construct and the advice for an expression that is no data.
pub(super) fn expression(expr: &Expr) -> (&'static str, &'static str) {
    match expr {
        Expr::Lambda(_) => ("a lambda", "write the value the function would give"),
        Expr::Set(_) | Expr::SetComp(_) => ("a set", "write a list: `['a', 'b']`"),
        Expr::Named(_) => (
            "an assignment inside an expression",
            "assign on a line of its own",
        ),
        Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) => {
            ("code of a function", "write the value itself")
        }
        Expr::TString(_) => ("a template string", "write an f-string or a Jinja template"),
        Expr::EllipsisLiteral(_) => ("`...`", "write `None`"),
        Expr::Starred(_) => ("`*` in front of a value", "write the items out"),
        Expr::IpyEscapeCommand(_) => ("a shell command", "write the value itself"),
        _ => (
            "this expression",
            "write the value itself, or a Jinja template",
        ),
    }
}

/// The construct and the advice for a statement that is no data.
pub(super) fn statement(stmt: &Stmt) -> (&'static str, &'static str) {
    match stmt {
        Stmt::FunctionDef(_) => ("a function", "write the value the function would give"),
        Stmt::ClassDef(_) => ("a class", "write a dict"),
        Stmt::While(_) => (
            "a `while` loop",
            "use `for` over a list, or a Jinja `{% for %}` inside the text",
        ),
        Stmt::With(_) => (
            "a `with` block",
            "write the text into the configuration, or `include()` a file",
        ),
        Stmt::Try(_) | Stmt::Raise(_) => (
            "handling of exceptions",
            "test with `if 'name' in config_opts:`, or use `.setdefault()`",
        ),
        Stmt::Assert(_) => ("an assertion", "leave it out"),
        Stmt::Global(_) | Stmt::Nonlocal(_) => {
            ("`global`", "leave it out: names are shared anyway")
        }
        Stmt::Import(_) | Stmt::ImportFrom(_) => (
            "importing this module",
            "write the value itself; the modules that can be read are listed in docs/configuration.md",
        ),
        Stmt::Return(_) => ("`return`", "use `if` around what should not be read"),
        Stmt::Match(_) => ("`match`", "use `if` and `elif`"),
        Stmt::TypeAlias(_) => ("a type", "leave it out"),
        _ => ("this statement", "assign to `config_opts['name']`"),
    }
}

/// The advice for a call.
pub(super) const CALL: &str =
    "write the value itself; the calls that can be read are listed in docs/configuration.md";
