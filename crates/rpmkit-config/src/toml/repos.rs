//! `[repos.NAME]` tables and the `dnf.conf` text they become.

use indexmap::IndexMap;

use crate::Value;

/// Settings every generated `[main]` section starts from. They are those mock's own definitions agree
/// on: nothing from the host is read, a refresh is never assumed unnecessary, weak dependencies stay
/// out of a buildroot and the best version is taken or it is an error.
const MAIN: &[(&str, &str)] = &[
    ("keepcache", "1"),
    ("debuglevel", "2"),
    ("reposdir", "/dev/null"),
    ("logfile", "/var/log/yum.log"),
    ("retries", "20"),
    ("obsoletes", "1"),
    ("gpgcheck", "0"),
    ("assumeyes", "1"),
    ("syslog_ident", "mock"),
    ("syslog_device", ""),
    ("metadata_expire", "0"),
    ("install_weak_deps", "0"),
    ("best", "1"),
    ("protected_packages", ""),
    ("user_agent", "{{ user_agent }}"),
];

/// Repositories by name, each with its settings, gathered over a chain of files.
#[derive(Debug, Default)]
pub(crate) struct Repos(IndexMap<String, IndexMap<String, Value>>);

impl Repos {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets one setting of one repository; `None` takes the setting back.
    pub(super) fn set(&mut self, repo: &str, key: &str, value: Value) {
        self.0
            .entry(repo.to_owned())
            .or_default()
            .insert(key.to_owned(), value);
    }

    /// Drops what was said about a repository.
    pub(super) fn drop(&mut self, repo: &str) {
        self.0.shift_remove(repo);
    }

    /// The whole `dnf.conf`: what is there already, or a `[main]` section, then the repositories.
    pub(crate) fn dnf_conf(&self, existing: Option<&str>) -> String {
        let mut out = String::new();
        match existing {
            Some(text) => out.push_str(text),
            None => self.main(&mut out),
        }
        for (name, settings) in self.0.iter().filter(|(name, _)| *name != "main") {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(&format!("\n[{name}]\n"));
            if !settings.contains_key("name") {
                line(&mut out, "name", &name.as_str().into());
            }
            for (key, value) in settings {
                line(&mut out, key, value);
            }
            // A key that is named but not used would be worse than none.
            if settings.contains_key("gpgkey") && !settings.contains_key("gpgcheck") {
                line(&mut out, "gpgcheck", &Value::Bool(true));
            }
        }
        out
    }

    fn main(&self, out: &mut String) {
        let empty = IndexMap::new();
        let own = self.0.get("main").unwrap_or(&empty);
        out.push_str("[main]\n");
        for (key, value) in MAIN.iter().filter(|(key, _)| !own.contains_key(*key)) {
            line(out, key, &Value::from(*value));
        }
        for (key, value) in own {
            line(out, key, value);
        }
    }
}

fn line(out: &mut String, key: &str, value: &Value) {
    let text = match value {
        Value::None => return,
        Value::Bool(flag) => i32::from(*flag).to_string(),
        Value::List(items) | Value::Tuple(items) => {
            let items: Vec<String> = items.iter().map(ToString::to_string).collect();
            // Addresses may hold commas and blanks; continuation lines leave them alone.
            let url = matches!(key, "baseurl" | "gpgkey" | "mirrorlist" | "metalink");
            items.join(if url { "\n    " } else { " " })
        }
        other => other.to_string(),
    };
    out.push_str(key);
    out.push('=');
    out.push_str(&text);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_sections() {
        let mut repos = Repos::default();
        repos.set("main", "best", Value::Bool(false));
        repos.set("base", "baseurl", vec!["https://a/", "https://b/"].into());
        repos.set("base", "gpgkey", "file:///key".into());
        repos.set("extra", "name", "Extra".into());
        repos.set("extra", "enabled", "{{ extra }}".into());
        let text = repos.dnf_conf(None);
        assert!(text.starts_with("[main]\nkeepcache=1\n"));
        assert!(text.contains("user_agent={{ user_agent }}\nbest=0\n\n[base]\nname=base\n"));
        assert!(
            text.contains("baseurl=https://a/\n    https://b/\ngpgkey=file:///key\ngpgcheck=1\n")
        );
        assert!(text.ends_with("\n[extra]\nname=Extra\nenabled={{ extra }}\n"));
        assert_eq!(text.matches("best=").count(), 1);
        assert!(
            repos
                .dnf_conf(Some("[main]\nx=1"))
                .starts_with("[main]\nx=1\n\n[base]\n")
        );
    }
}
