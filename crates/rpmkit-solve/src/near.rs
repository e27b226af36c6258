//! Near misses: names somebody may have meant.

use std::collections::BTreeSet;

/// How many are shown.
const SHOWN: usize = 3;

/// The closest of `names` to one that does not exist, best first; ties in alphabetical order.
///
/// Distances count only within one kind: a package is not meant by a misspelt `pkgconfig(…)`. Names that
/// could not stand in a spec as they are, because rpm would expand or split them, are never given.
pub fn similar<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.trim();
    let spelled: BTreeSet<String> = other_spellings(wanted).into_iter().collect();
    let flat = flatten(wanted);
    let allowed = allowed_distance(inner(wanted));
    let mut found: BTreeSet<(u32, &str)> = BTreeSet::new();
    for name in names {
        if name == wanted {
            continue;
        }
        // A file provide is no name anybody would type for a package.
        if name.starts_with('/') != wanted.starts_with('/') || !is_plain(name) {
            continue;
        }
        let same_kind = kind(name) == kind(wanted);
        let rank = if name.eq_ignore_ascii_case(wanted) {
            0
        } else if spelled.contains(name) {
            1
        } else if same_kind && !flat.is_empty() && flatten(name) == flat {
            2
        } else if let Some(distance) = same_kind
            .then(|| distance(inner(wanted), inner(name), allowed))
            .flatten()
        {
            10 + distance
        } else {
            continue;
        };
        found.insert((rank, name));
    }
    let mut out: Vec<String> = Vec::new();
    for (_, name) in found {
        if out.len() < SHOWN && !out.iter().any(|n| n == name) {
            out.push(name.to_owned());
        }
    }
    out
}

/// What a name with brackets is about: `pkgconfig` of `pkgconfig(zlib)`.
fn kind(name: &str) -> Option<&str> {
    name.split_once('(').map(|(kind, _)| kind)
}

/// What stands in the brackets of a name that has some, else the name.
fn inner(name: &str) -> &str {
    name.split_once('(')
        .map_or(name, |(_, inner)| inner.trim_end_matches(')'))
}

fn is_plain(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '%' | '`' | '"' | '\'' | '\\'))
}

/// Letters and digits only, in lower case: `Foo_Bar` and `foo-bar` are the same word.
fn flatten(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric() || *c == '+')
        .flat_map(char::to_lowercase)
        .collect()
}

/// The same thing as other distributions, build systems and languages call it.
fn other_spellings(name: &str) -> Vec<String> {
    let mut out = Vec::new();
    // Debian's name for development files, and none at all.
    let stem = name
        .strip_suffix("-devel")
        .or_else(|| name.strip_suffix("-dev"))
        .unwrap_or(name);
    let bare = stem.strip_prefix("lib").unwrap_or(stem);
    for s in [stem, bare] {
        out.push(format!("{s}-devel"));
        out.push(format!("lib{bare}-devel"));
        out.push(format!("pkgconfig({s})"));
        if name != stem {
            out.push(s.to_owned());
            out.push(format!("lib{bare}"));
        }
    }
    if let Some((kind, inner)) = name.strip_suffix(')').and_then(|n| n.split_once('(')) {
        match kind {
            "pkgconfig" => {
                let bare = inner.strip_prefix("lib").unwrap_or(inner);
                let unversioned =
                    inner.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
                out.extend([
                    format!("{inner}-devel"),
                    format!("{bare}-devel"),
                    format!("lib{bare}-devel"),
                    format!("{unversioned}-devel"),
                    format!("pkgconfig(lib{bare})"),
                    format!("pkgconfig({bare})"),
                ]);
            }
            "perl" => out.push(format!("perl-{}", inner.replace("::", "-"))),
            "python3dist" | "python3.dist" => out.push(format!("python3-{inner}")),
            "cmake" => out.extend([
                format!("{inner}-devel"),
                format!("{}-devel", inner.to_lowercase()),
            ]),
            _ => out.push(inner.to_owned()),
        }
    }
    if let Some(rest) = name.strip_prefix("python-") {
        out.push(format!("python3-{rest}"));
        out.push(format!("python3dist({rest})"));
    }
    if let Some(rest) = name.strip_prefix("python3-") {
        out.push(format!("python3dist({rest})"));
    } else {
        out.push(format!("python3-{name}"));
    }
    if let Some(rest) = name.strip_prefix("perl-") {
        out.push(format!("perl({})", rest.replace('-', "::")));
    }
    if name.contains("::") {
        out.push(format!("perl({name})"));
    }
    // Debian's words for common tools.
    match name {
        "g++" | "gcc-g++" => out.push("gcc-c++".to_owned()),
        "build-essential" => out.extend(["gcc".to_owned(), "make".to_owned()]),
        "pkg-config" | "pkgconfig" => out.extend(["pkgconf-pkg-config".to_owned()]),
        "ninja" => out.push("ninja-build".to_owned()),
        "ninja-build" => out.push("ninja".to_owned()),
        _ => {}
    }
    out
}

fn allowed_distance(name: &str) -> u32 {
    match name.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        6..=11 => 2,
        _ => 3,
    }
}

/// Edits (insert, delete, replace, swap of neighbours) between two words, if at most `most`.
fn distance(a: &str, b: &str, most: u32) -> Option<u32> {
    if a.len().abs_diff(b.len()) > most as usize * 4 || most == 0 {
        return None;
    }
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > most as usize {
        return None;
    }
    let width = b.len() + 1;
    let mut before = vec![0u32; width];
    let mut last: Vec<u32> = (0..width as u32).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i as u32 + 1; width];
        for (j, &y) in b.iter().enumerate() {
            let mut best = (last[j] + u32::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        if row.iter().min().is_some_and(|&m| m > most) {
            return None;
        }
        before = last;
        last = row;
    }
    last.last().copied().filter(|&d| d <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_near_what_people_mean_are_found() {
        let names = [
            "zlib-devel",
            "libpng-devel",
            "pkgconfig(libpng)",
            "python3-requests",
            "ImageMagick",
            "gcc-c++",
            "bash",
            "cmake",
            "perl(Test::More)",
            "foo_bar",
        ];
        for (wanted, first) in [
            ("zlib-dev", "zlib-devel"),
            ("libpng-dev", "libpng-devel"),
            ("pkgconfig(png)", "libpng-devel"),
            ("python-requests", "python3-requests"),
            ("requests", "python3-requests"),
            ("imagemagick", "ImageMagick"),
            ("g++", "gcc-c++"),
            ("bsah", "bash"),
            ("cmkae", "cmake"),
            ("perl-Test-More", "perl(Test::More)"),
            ("foo-bar", "foo_bar"),
        ] {
            let got = similar(wanted, names.into_iter());
            assert_eq!(got.first().map(String::as_str), Some(first), "{wanted}");
        }
        // Only names of its own kind, and none that a spec would read otherwise.
        let odd = ["pkgconfig(zlib)", "perl(zlbi)", "zlbi%{x}", "zlb"];
        assert_eq!(
            similar("pkgconfig(zlbi)", odd.into_iter()),
            ["pkgconfig(zlib)"]
        );
        assert!(similar("entirely-different", names.into_iter()).is_empty());
    }

    #[test]
    fn distances_count_swaps_as_one_and_end_at_the_limit() {
        assert_eq!(distance("abc", "abc", 2), Some(0));
        assert_eq!(distance("abc", "acb", 2), Some(1));
        assert_eq!(distance("abcdef", "abcxyz", 2), None);
    }
}
