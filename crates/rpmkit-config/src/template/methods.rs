//! Methods and filters of Python and Jinja that the engine does not bring along.

use minijinja::{
    Error, ErrorKind, State,
    value::{Tuple, Value as Jinja, from_args},
};

/// Columns one padded text may take.
const MAX_WIDTH: usize = 10_000;

/// Calls a method of a value.
pub(super) fn call(
    state: &mut State<'_, '_>,
    value: &Jinja,
    method: &str,
    args: &[Jinja],
) -> Result<Jinja, Error> {
    if let Some(text) = value.as_str()
        && let Some(result) = text_method(text, method, args)?
    {
        return Ok(result);
    }
    if let ("index", [wanted], Ok(items)) = (method, args, value.try_iter()) {
        return items
            .into_iter()
            .position(|item| item == *wanted)
            .map(Jinja::from)
            .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "the item is not in the list"));
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
}

fn text_method(text: &str, method: &str, args: &[Jinja]) -> Result<Option<Jinja>, Error> {
    let triple = |a: &str, b: &str, c: &str| {
        Jinja::from(Tuple::new(vec![
            Jinja::from(a),
            Jinja::from(b),
            Jinja::from(c),
        ]))
    };
    Ok(Some(match method {
        "partition" => {
            let (mark,): (&str,) = from_args(args)?;
            match text.split_once(mark) {
                Some((before, after)) => triple(before, mark, after),
                None => triple(text, "", ""),
            }
        }
        "rpartition" => {
            let (mark,): (&str,) = from_args(args)?;
            match text.rsplit_once(mark) {
                Some((before, after)) => triple(before, mark, after),
                None => triple("", "", text),
            }
        }
        "rsplit" if !args.is_empty() => {
            let (mark, limit): (&str, Option<i64>) = from_args(args)?;
            let limit = limit.and_then(|limit| usize::try_from(limit).ok());
            let mut parts: Vec<&str> = match limit {
                Some(limit) => text.rsplitn(limit.saturating_add(1), mark).collect(),
                None => text.rsplit(mark).collect(),
            };
            parts.reverse();
            Jinja::from(parts.into_iter().map(Jinja::from).collect::<Vec<_>>())
        }
        "removeprefix" => {
            let (part,): (&str,) = from_args(args)?;
            Jinja::from(text.strip_prefix(part).unwrap_or(text))
        }
        "removesuffix" => {
            let (part,): (&str,) = from_args(args)?;
            Jinja::from(text.strip_suffix(part).unwrap_or(text))
        }
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let (sign, digits) = match text.strip_prefix(['-', '+']) {
                Some(digits) => (&text[..1], digits),
                None => ("", text),
            };
            let missing = missing(text, width)?;
            Jinja::from(format!("{sign}{}{digits}", "0".repeat(missing)))
        }
        "ljust" | "rjust" => {
            let (width, fill): (usize, Option<char>) = from_args(args)?;
            let fill = fill
                .unwrap_or(' ')
                .to_string()
                .repeat(missing(text, width)?);
            Jinja::from(if method == "ljust" {
                format!("{text}{fill}")
            } else {
                format!("{fill}{text}")
            })
        }
        "center" => {
            let (width,): (usize,) = from_args(args)?;
            return center(text, Some(width)).map(|text| Some(Jinja::from(text)));
        }
        "casefold" => Jinja::from(text.to_lowercase()),
        _ => return Ok(None),
    }))
}

fn missing(text: &str, width: usize) -> Result<usize, Error> {
    if width > MAX_WIDTH {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("a width of more than {MAX_WIDTH}"),
        ));
    }
    Ok(width.saturating_sub(text.chars().count()))
}

/// Jinja's `center` filter; Python puts the odd blank to the left when the width is odd.
pub(super) fn center(text: &str, width: Option<usize>) -> Result<String, Error> {
    let width = width.unwrap_or(80);
    let missing = missing(text, width)?;
    let left = missing / 2 + (missing & width & 1);
    Ok(format!(
        "{}{text}{}",
        " ".repeat(left),
        " ".repeat(missing - left)
    ))
}

/// Jinja's `wordcount` filter.
pub(super) fn wordcount(text: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.split(|c| !word(c))
        .filter(|part| !part.is_empty())
        .count()
}

/// Jinja's `pprint` filter, on one line.
pub(super) fn pprint(value: &Jinja) -> String {
    super::python::shown(value, 0)
}
