//! Functions of Python's modules that need their arguments alone: `os.path`, `urllib.parse`, `re`, `shlex`.

use std::rc::Rc;

use super::regex;
use crate::{Value, heap::Cell};

/// Names of the functions [`call`] knows.
pub(super) const FUNCTIONS: &[&str] = &[
    "os.path.abspath",
    "os.path.basename",
    "os.path.commonprefix",
    "os.path.dirname",
    "os.path.exists",
    "os.path.isabs",
    "os.path.isdir",
    "os.path.isfile",
    "os.path.islink",
    "os.path.join",
    "os.path.lexists",
    "os.path.normpath",
    "os.path.realpath",
    "os.path.split",
    "os.path.splitext",
    "re.escape",
    "re.findall",
    "re.fullmatch",
    "re.match",
    "re.search",
    "re.split",
    "re.sub",
    "shlex.quote",
    "shlex.split",
    "urllib.parse.quote",
    "urllib.parse.quote_plus",
    "urllib.parse.unquote",
];

/// Calls one of [`FUNCTIONS`] with all arguments in order. `cwd` is where relative paths start.
pub(super) fn call(function: &str, args: &[Value], cwd: &str) -> Result<Cell, String> {
    let plain = |text: String| Ok(Cell::Plain(text.into()));
    let flag = |flag: bool| Ok(Cell::Plain(flag.into()));
    let texts: Option<Vec<&str>> = args.iter().map(Value::as_str).collect();
    match (function, texts.as_deref(), args) {
        ("os.path.join", Some(parts @ [_, ..]), _) => plain(join(parts)),
        ("os.path.commonprefix", _, [Value::List(items) | Value::Tuple(items)]) => {
            let paths: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            plain(common(&paths.ok_or("os.path.commonprefix() takes text")?))
        }
        ("os.path.basename", Some([path]), _) => {
            plain(path.rsplit('/').next().unwrap_or_default().to_owned())
        }
        ("os.path.dirname", Some([path]), _) => plain(dirname(path)),
        ("os.path.split", Some([path]), _) => {
            let base = path.rsplit('/').next().unwrap_or_default();
            Ok(pair(&dirname(path), base))
        }
        ("os.path.splitext", Some([path]), _) => {
            let at = extension(path);
            Ok(pair(&path[..at], &path[at..]))
        }
        ("os.path.isabs", Some([path]), _) => flag(path.starts_with('/')),
        ("os.path.normpath", Some([path]), _) => plain(normal(path)),
        ("os.path.abspath", Some([path]), _) => plain(normal(&join(&[cwd, path]))),
        (name, Some([path]), _) if name.starts_with("os.path.") => {
            let path = std::path::PathBuf::from(join(&[cwd, path]));
            match name {
                "os.path.exists" => flag(path.exists()),
                "os.path.isfile" => flag(path.is_file()),
                "os.path.isdir" => flag(path.is_dir()),
                "os.path.islink" => flag(path.is_symlink()),
                "os.path.lexists" => flag(path.symlink_metadata().is_ok()),
                _ => {
                    let real = std::fs::canonicalize(&path);
                    let real = real.map(|real| real.to_string_lossy().into_owned());
                    plain(real.unwrap_or_else(|_| normal(&path.to_string_lossy())))
                }
            }
        }
        ("re.escape", Some([text]), _) => plain(regex::escape(text)),
        ("re.match" | "re.search" | "re.fullmatch", Some([pattern, text]), _) => {
            regex::find(function, pattern, text)
        }
        ("re.findall", Some([pattern, text]), _) => regex::all(pattern, text),
        ("re.split", Some([pattern, text]), _) => regex::split(pattern, text),
        ("re.sub", Some([pattern, new, text]), _) => plain(regex::replace(pattern, new, text, 0)?),
        (
            "re.sub",
            _,
            [
                Value::Str(pattern),
                Value::Str(new),
                Value::Str(text),
                Value::Int(count),
            ],
        ) => {
            let count = usize::try_from(*count).unwrap_or(0);
            plain(regex::replace(pattern, new, text, count)?)
        }
        ("shlex.quote", Some([text]), _) => plain(shell_quote(text)),
        ("shlex.split", Some([text]), _) => {
            let words = shlex::split(text).ok_or("No closing quotation")?;
            Ok(Cell::new(words.into()))
        }
        ("urllib.parse.quote", Some([text]), _) => plain(quote(text, "/")),
        ("urllib.parse.quote", Some([text, safe]), _) => plain(quote(text, safe)),
        ("urllib.parse.quote_plus", Some([text]), _) => plain(quote(text, " ").replace(' ', "+")),
        ("urllib.parse.unquote", Some([text]), _) => plain(unquote(text)),
        _ => Err(format!("{function}() cannot be read with these arguments")),
    }
}

fn pair(left: &str, right: &str) -> Cell {
    Cell::Tuple(Rc::new(vec![
        Cell::Plain(left.into()),
        Cell::Plain(right.into()),
    ]))
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

/// Where the extension of a path starts; leading dots of the name belong to it.
fn extension(path: &str) -> usize {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    let dots = path[name..].len() - path[name..].trim_start_matches('.').len();
    let stem = name + dots;
    path[stem..].rfind('.').map_or(path.len(), |at| stem + at)
}

/// Python's `os.path.normpath`: `.`, `..` and double slashes go, two leading slashes stay.
fn normal(path: &str) -> String {
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        let climbs = part == "..";
        match kept.last() {
            Some(last) if climbs && *last != ".." => {
                kept.pop();
            }
            None if climbs && !root.is_empty() => {}
            _ => kept.push(part),
        }
    }
    match format!("{root}{}", kept.join("/")) {
        empty if empty.is_empty() => ".".to_owned(),
        path => path,
    }
}

fn common(paths: &[&str]) -> String {
    let Some((first, rest)) = paths.split_first() else {
        return String::new();
    };
    let mut len = first.len();
    for path in rest {
        let same = first.chars().zip(path.chars()).take_while(|(a, b)| a == b);
        len = len.min(same.map(|(a, _)| a.len_utf8()).sum());
    }
    first[..len].to_owned()
}

/// A word a shell reads back as it is.
fn shell_quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

/// `%XX` for every byte that no URL may hold and that is not in `safe`.
fn quote(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || byte.is_ascii() && safe.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unquote(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let pair = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
