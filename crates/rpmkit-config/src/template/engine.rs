//! The template engine, set up to behave as mock's.

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig};

use super::{methods, python};

/// Instructions one rendering may take. A template that needs more runs in circles; the largest shipped
/// one takes a few thousand.
const FUEL: u64 = 2_000_000;

pub(super) fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.keep_trailing_newline(true);
    if let Ok(syntax) = syntax.build() {
        env.set_syntax(syntax);
    }
    env.set_undefined_behavior(UndefinedBehavior::Lenient);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_unknown_method_callback(methods::call);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(64);
    env.set_debug(true);
    env.set_formatter(python::format);
    env.add_filter("int", python::int);
    env.add_filter("float", python::float);
    env.add_filter("center", methods::center);
    env.add_filter("wordcount", methods::wordcount);
    env.add_filter("pprint", methods::pprint);
    env
}
