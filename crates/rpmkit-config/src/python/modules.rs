//! The harmless parts of Python modules: facts about the host that a configuration may ask for. All of
//! them come from [`HostFacts`](crate::Host).

use ruff_python_ast::{Expr, ExprAttribute, StmtImport, StmtImportFrom};
use std::rc::Rc;

use super::{interp::Interp, pure, refuse};
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

/// Modules whose harmless parts are there, so that importing them changes nothing.
const MODULES: &[&str] = &[
    "os",
    "os.path",
    "grp",
    "pwd",
    "socket",
    "uuid",
    "platform",
    "re",
    "shlex",
    "sys",
    "urllib",
    "urllib.parse",
];

/// Values of modules, besides functions.
const VALUES: &[(&str, &str)] = &[
    ("os.sep", "/"),
    ("os.path.sep", "/"),
    ("os.devnull", "/dev/null"),
    ("os.linesep", "\n"),
    ("os.name", "posix"),
    ("sys.platform", "linux"),
];

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
            let function = self.dotted(&call.func).unwrap_or_default();
            let fields = FIELDS.iter().find(|(known, _)| *known == function);
            let at = fields.and_then(|(_, fields)| fields.iter().position(|field| *field == name));
            if let Some(at) = at
                && let Cell::Tuple(record) = self.call(call)?
            {
                return Ok(record[at].clone());
            }
        }
        let full = self.dotted(&Expr::Attribute(attribute.clone()));
        let known = VALUES
            .iter()
            .find(|(name, _)| Some(*name) == full.as_deref());
        match (known, full.as_deref()) {
            (Some((_, value)), _) => Ok(text(value)),
            (None, Some("os.environ")) => Err(self.refused(
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

    /// The full dotted name of an expression such as `os.path.expanduser`, whatever it was imported as.
    /// `None` for what the file itself gave a value to.
    pub(super) fn dotted(&self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::Name(name) => {
                let name = name.id.as_str();
                if self.locals.contains_key(name) {
                    return None;
                }
                Some(
                    self.imports
                        .get(name)
                        .map_or(name, String::as_str)
                        .to_owned(),
                )
            }
            Expr::Attribute(attribute) => {
                let inner = self.dotted(&attribute.value)?;
                Some(format!("{inner}.{}", attribute.attr))
            }
            _ => None,
        }
    }

    /// Whether an expression is `os.environ`.
    pub(super) fn is_environ(&self, expr: &Expr) -> bool {
        self.dotted(expr).as_deref() == Some("os.environ")
    }

    /// `import a, b.c as d`. False for a module that is not there.
    pub(super) fn import(&mut self, import: &StmtImport) -> bool {
        import.names.iter().all(|alias| {
            if let Some(name) = &alias.asname {
                self.imports
                    .insert(name.to_string(), alias.name.to_string());
            }
            MODULES.contains(&alias.name.as_str())
        })
    }

    /// `from a import b as c`. False for what is not there.
    pub(super) fn import_from(&mut self, import: &StmtImportFrom) -> bool {
        let Some(module) = &import.module else {
            return false;
        };
        import.names.iter().all(|alias| {
            let full = format!("{module}.{}", alias.name);
            let name = alias.asname.as_ref().unwrap_or(&alias.name);
            let known = known_function(&full)
                || full == "os.environ"
                || MODULES.contains(&full.as_str())
                || VALUES.iter().any(|(value, _)| *value == full);
            self.imports.insert(name.to_string(), full);
            known && import.level == 0
        })
    }

    /// A call of a module's function. `None` if there is none of that name.
    pub(super) fn module_call(
        &mut self,
        function: &str,
        args: &[Cell],
    ) -> Option<Result<Cell, String>> {
        let host = &self.reading.host();
        if pure::FUNCTIONS.contains(&function) {
            let values: Result<Vec<Value>, _> = args.iter().map(Cell::value).collect();
            let cwd = host.cwd.to_string_lossy();
            return Some(match values {
                Ok(values) => pure::call(function, &values, &cwd),
                Err(_) => Err(format!("{function}() takes plain values")),
            });
        }
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
                "os.getcwd" => Ok(text(&host.cwd.to_string_lossy())),
                "platform.system" => Ok(text(&host.uname[0])),
                "platform.machine" => Ok(text(&host.arch)),
                "platform.node" | "socket.gethostname" => Ok(text(&host.hostname)),
                "socket.getfqdn" if args.is_empty() => Ok(text(&host.fqdn)),
                "uuid.uuid4" => Ok(text(&host.run_id)),
                "os.path.expanduser" => string(0).map(|path| text(&host.expand_user(path))),
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

/// Functions of modules that can be read; arguments of others are not even looked at.
pub(super) fn known_function(name: &str) -> bool {
    HOST_FUNCTIONS.contains(&name) || pure::FUNCTIONS.contains(&name)
}

/// Functions that tell facts about the host.
const HOST_FUNCTIONS: &[&str] = &[
    "os.getenv",
    "os.environ.get",
    "os.getcwd",
    "os.getuid",
    "os.geteuid",
    "os.getgid",
    "os.getegid",
    "os.uname",
    "os.path.expanduser",
    "platform.machine",
    "platform.node",
    "platform.system",
    "socket.gethostname",
    "socket.getfqdn",
    "uuid.uuid4",
    "grp.getgrnam",
    "grp.getgrgid",
    "pwd.getpwnam",
    "pwd.getpwuid",
];
