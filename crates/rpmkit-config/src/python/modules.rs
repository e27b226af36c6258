//! The harmless parts of Python modules: facts about the host that a configuration may ask for. All of
//! them come from [`HostFacts`](crate::Host).

use ruff_python_ast::{Expr, ExprAttribute};
use std::rc::Rc;

use super::{interp::Interp, refuse};
use crate::{ConfigError, HostUser, Value, heap::Cell};

/// Field names of the records some calls give, with their positions.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "grp.getgrnam",
        &["gr_name", "gr_passwd", "gr_gid", "gr_mem"],
    ),
    (
        "grp.getgrgid",
        &["gr_name", "gr_passwd", "gr_gid", "gr_mem"],
    ),
    ("pwd.getpwnam", PASSWD),
    ("pwd.getpwuid", PASSWD),
    (
        "os.uname",
        &["sysname", "nodename", "release", "version", "machine"],
    ),
];

const PASSWD: &[&str] = &[
    "pw_name",
    "pw_passwd",
    "pw_uid",
    "pw_gid",
    "pw_gecos",
    "pw_dir",
    "pw_shell",
];

/// The dotted name of an expression such as `os.path.expanduser`.
pub(super) fn dotted(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Name(name) => Some(name.id.to_string()),
        Expr::Attribute(attribute) => {
            Some(format!("{}.{}", dotted(&attribute.value)?, attribute.attr))
        }
        _ => None,
    }
}

/// Whether an expression is `os.environ`.
pub(super) fn is_environ(expr: &Expr) -> bool {
    dotted(expr).as_deref() == Some("os.environ")
}

fn text(value: &str) -> Cell {
    Cell::Plain(value.into())
}

fn number(value: u32) -> Cell {
    Cell::Plain(value.into())
}

fn passwd(name: &str, user: &HostUser) -> Cell {
    Cell::Tuple(Rc::new(vec![
        text(name),
        text("x"),
        number(user.uid),
        number(user.gid),
        text(&user.gecos),
        text(&user.home),
        text(&user.shell),
    ]))
}

fn group(name: &str, gid: u32) -> Cell {
    Cell::Tuple(Rc::new(vec![
        text(name),
        text("x"),
        number(gid),
        Cell::list(Vec::new()),
    ]))
}

impl Interp<'_> {
    /// A field of a record, such as `.gr_gid`.
    pub(super) fn attribute(&mut self, attribute: &ExprAttribute) -> Result<Cell, ConfigError> {
        let name = attribute.attr.as_str();
        // mock's options can be read both ways.
        if super::expr::is_root(&attribute.value) {
            return self.reading.draft().get(name).ok_or_else(|| {
                self.wrong(attribute, format!("the option `{name}` is not set here"))
            });
        }
        if let Expr::Call(call) = attribute.value.as_ref() {
            let function = dotted(&call.func).unwrap_or_default();
            let fields = FIELDS.iter().find(|(known, _)| *known == function);
            let at = fields.and_then(|(_, fields)| fields.iter().position(|field| *field == name));
            if let Some(at) = at
                && let Cell::Tuple(record) = self.call(call)?
            {
                return Ok(record[at].clone());
            }
        }
        match dotted(&Expr::Attribute(attribute.clone())).as_deref() {
            Some("os.sep") => Ok(text("/")),
            Some("os.devnull") => Ok(text("/dev/null")),
            Some("os.linesep") => Ok(text("\n")),
            Some("os.environ") => Err(self.refused(
                attribute,
                "`os.environ` as a whole",
                "name one variable: `os.environ.get('NAME', '')`",
            )),
            _ => Err(self.refused(
                attribute,
                format!("`{}`", self.unit.source(attribute)),
                refuse::CALL,
            )),
        }
    }

    /// A call of a module's function. `None` if there is none of that name.
    pub(super) fn module_call(
        &mut self,
        function: &str,
        args: &[Cell],
    ) -> Option<Result<Cell, String>> {
        let host = &self.reading.host();
        let arg = |nth: usize| match args.get(nth) {
            Some(Cell::Plain(value)) => Ok(value),
            Some(_) => Err(format!("{function}() takes plain values")),
            None => Err(format!("{function}() lacks an argument")),
        };
        let string = |nth: usize| match arg(nth)? {
            Value::Str(text) => Ok(text.as_str()),
            other => Err(format!(
                "{function}() takes text, not {}",
                other.type_name()
            )),
        };
        let id = |nth: usize| match arg(nth)? {
            Value::Int(number) => {
                u32::try_from(*number).map_err(|_| format!("{function}(): no such id {number}"))
            }
            other => Err(format!(
                "{function}() takes a number, not {}",
                other.type_name()
            )),
        };
        let result =
            match function {
                "os.getenv" | "os.environ.get" => string(0).map(|name| match host.env.get(name) {
                    Some(value) => text(value),
                    None => args.get(1).cloned().unwrap_or(Cell::Plain(Value::None)),
                }),
                "os.getuid" | "os.geteuid" => Ok(number(host.uid)),
                "os.getgid" | "os.getegid" => Ok(number(host.gid)),
                "os.uname" => Ok(Cell::Tuple(Rc::new(
                    host.uname.iter().map(|field| text(field)).collect(),
                ))),
                "platform.machine" => Ok(text(&host.arch)),
                "platform.node" | "socket.gethostname" => Ok(text(&host.hostname)),
                "socket.getfqdn" if args.is_empty() => Ok(text(&host.fqdn)),
                "uuid.uuid4" => Ok(text(&host.run_id)),
                "os.path.expanduser" => string(0).map(|path| text(&host.expand_user(path))),
                "os.path.basename" => {
                    string(0).map(|path| text(path.rsplit('/').next().unwrap_or_default()))
                }
                "os.path.dirname" => string(0).map(|path| text(&dirname(path))),
                "os.path.exists" => {
                    string(0).map(|path| Cell::Plain(std::path::Path::new(path).exists().into()))
                }
                "os.path.join" => (0..args.len().max(1))
                    .map(string)
                    .collect::<Result<Vec<_>, _>>()
                    .map(|parts| text(&join(&parts))),
                "grp.getgrnam" => string(0).and_then(|name| match host.groups.get(name) {
                    Some(gid) => Ok(group(name, *gid)),
                    None => Err(format!("this host has no group `{name}`")),
                }),
                "grp.getgrgid" => id(0).and_then(|gid| {
                    match host.groups.iter().find(|(_, known)| **known == gid) {
                        Some((name, gid)) => Ok(group(name, *gid)),
                        None => Err(format!("this host has no group {gid}")),
                    }
                }),
                "pwd.getpwnam" => string(0).and_then(|name| match host.users.get(name) {
                    Some(user) => Ok(passwd(name, user)),
                    None => Err(format!("this host has no user `{name}`")),
                }),
                "pwd.getpwuid" => id(0).and_then(|uid| {
                    match host.users.iter().find(|(_, user)| user.uid == uid) {
                        Some((name, user)) => Ok(passwd(name, user)),
                        None => Err(format!("this host has no user {uid}")),
                    }
                }),
                _ => return None,
            };
        Some(result)
    }
}

/// Python's `os.path.join`: an absolute part starts over.
fn join(parts: &[&str]) -> String {
    let mut path = String::new();
    for (nth, part) in parts.iter().enumerate() {
        if part.starts_with('/') || nth == 0 {
            path = (*part).to_owned();
        } else {
            if !path.is_empty() && !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(part);
        }
    }
    path
}

/// Python's `os.path.dirname`.
fn dirname(path: &str) -> String {
    let head = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }.to_owned()
}
