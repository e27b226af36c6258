//! The apt sources of another suite, from those the host has: the same archive by the same way, another name.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Names of suites of Debian; a source of one of them leads to an archive that has all of them.
const KNOWN: &[&str] = &[
    "bookworm",
    "trixie",
    "forky",
    "sid",
    "unstable",
    "testing",
    "stable",
    "oldstable",
    "oldoldstable",
];

/// The host's own suite.
pub fn host_codename() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned())
}

/// A deb822 source for `suite`, made of the one in `etc` the host takes its own packages from.
pub fn for_suite(etc: &Path, host: Option<&str>, suite: &str) -> Result<String> {
    let mut all = stanzas(etc);
    // The host's own suite first: another archive may have a suite of a known name too.
    all.sort_by_key(|stanza| !host.is_some_and(|host| stanza.has_suite(host)));
    all.iter()
        .find(|stanza| {
            KNOWN.iter().any(|name| stanza.has_suite(name)) && stanza.words("components", "main")
        })
        .map(|stanza| stanza.of(suite))
        .with_context(|| {
            format!(
                "no source in `{}` leads to an archive of Debian: `{suite}` is taken from where the host takes \
                 its own packages",
                etc.display()
            )
        })
}

/// One source: field names in lower case and their values, continued lines with them.
struct Stanza(Vec<(String, String)>);

impl Stanza {
    fn words(&self, key: &str, wanted: &str) -> bool {
        self.0
            .iter()
            .any(|(name, value)| name == key && value.split_whitespace().any(|word| word == wanted))
    }

    fn has_suite(&self, suite: &str) -> bool {
        self.words("suites", suite)
    }

    fn of(&self, suite: &str) -> String {
        let mut out = format!("Types: deb\nSuites: {suite}\nComponents: main\n");
        let kept = ["uris", "signed-by", "trusted", "check-valid-until"];
        for (name, value) in self
            .0
            .iter()
            .filter(|(name, _)| kept.contains(&name.as_str()))
        {
            out += &format!("{name}: {value}\n");
        }
        out
    }
}

fn stanzas(etc: &Path) -> Vec<Stanza> {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let mut all = one_line(&read(&etc.join("sources.list")));
    let mut files: Vec<PathBuf> = std::fs::read_dir(etc.join("sources.list.d"))
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect()
        })
        .unwrap_or_default();
    files.sort();
    for file in files {
        match file.extension().and_then(|kind| kind.to_str()) {
            Some("list") => all.extend(one_line(&read(&file))),
            Some("sources") => all.extend(deb822(&read(&file))),
            _ => {}
        }
    }
    all
}

/// `deb [signed-by=FILE] URI SUITE COMPONENT…`
fn one_line(text: &str) -> Vec<Stanza> {
    text.lines()
        .filter_map(|line| {
            let rest = line.trim().strip_prefix("deb")?;
            let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
            let (options, rest) = match rest.strip_prefix('[') {
                Some(rest) => rest.split_once(']')?,
                None => ("", rest),
            };
            let mut words = rest.split_whitespace();
            let mut fields = vec![
                ("uris".to_owned(), words.next()?.to_owned()),
                ("suites".to_owned(), words.next()?.to_owned()),
            ];
            fields.push(("components".to_owned(), words.collect::<Vec<_>>().join(" ")));
            fields.extend(options.split_whitespace().filter_map(|option| {
                let (name, value) = option.split_once('=')?;
                Some((name.to_ascii_lowercase(), value.replace(',', " ")))
            }));
            Some(Stanza(fields))
        })
        .collect()
}

fn deb822(text: &str) -> Vec<Stanza> {
    let mut all = vec![Vec::<(String, String)>::new()];
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields = match all.last_mut() {
            Some(fields) if !line.trim().is_empty() => fields,
            _ => {
                all.push(Vec::new());
                continue;
            }
        };
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                *value += &format!("\n{line}");
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    let on = |fields: &Vec<(String, String)>| {
        !fields.is_empty() && !fields.contains(&("enabled".to_owned(), "no".to_owned()))
    };
    all.into_iter().filter(on).map(Stanza).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite_of(name: &str, text: &str) -> Result<String> {
        let etc = tempfile::tempdir()?;
        std::fs::create_dir(etc.path().join("sources.list.d"))?;
        let file = match name {
            "sources.list" => name.to_owned(),
            other => format!("sources.list.d/{other}"),
        };
        std::fs::write(etc.path().join(file), text)?;
        for_suite(etc.path(), Some("bookworm"), "sid")
    }

    #[test]
    fn the_archive_is_the_hosts() -> Result<()> {
        let text = "deb https://elsewhere.invalid/x bookworm-extra main\n\
                    deb [signed-by=/k,/l trusted=yes] https://mirror.invalid/debian bookworm main contrib\n";
        let expected = "Types: deb\nSuites: sid\nComponents: main\nuris: https://mirror.invalid/debian\n\
                        signed-by: /k /l\ntrusted: yes\n";
        assert_eq!(suite_of("sources.list", text)?, expected);
        let text = "# first\nTypes: deb\nURIs: http://s.invalid/security\nSuites: bookworm-security\nComponents: main\n\
                    \nTypes: deb\nURIs: http://m.invalid/debian\nSuites: bookworm bookworm-updates\n\
                    Components: main\nSigned-By:\n KEY\n .\n MORE\n";
        let expected = "Types: deb\nSuites: sid\nComponents: main\nuris: http://m.invalid/debian\n\
                        signed-by: \n KEY\n .\n MORE\n";
        assert_eq!(suite_of("debian.sources", text)?, expected);
        Ok(())
    }

    #[test]
    fn a_host_without_debian_is_told() {
        let error = suite_of("sources.list", "deb http://m.invalid/u noble main\n");
        assert!(error.is_err_and(|error| error.to_string().contains("no source")));
    }
}
