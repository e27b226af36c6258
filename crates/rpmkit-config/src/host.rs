//! What a configuration may learn about the host. The core never asks the system itself: a front end
//! fills this in once.

use std::{collections::BTreeMap, path::PathBuf};

/// Facts about the host and the calling user.
#[derive(Debug, Clone, Default)]
pub struct HostFacts {
    /// Machine architecture, as `uname -m` says it.
    pub arch: String,
    /// The five fields of `uname`: system, node, release, version, machine.
    pub uname: [String; 5],
    /// Host name as the kernel has it, what `socket.gethostname()` gives.
    pub hostname: String,
    /// Fully qualified host name.
    pub fqdn: String,
    /// Real numeric user id.
    pub uid: u32,
    /// Real numeric group id.
    pub gid: u32,
    /// Login name.
    pub user: String,
    /// Home directory: that of the password entry, as mock uses it.
    pub home: PathBuf,
    /// `$XDG_CONFIG_HOME`, or `.config` below the home.
    pub xdg_config_home: PathBuf,
    /// The environment, for `os.getenv` in configurations.
    pub env: BTreeMap<String, String>,
    /// Group names and ids.
    pub groups: BTreeMap<String, u32>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// A random identity of this run.
    pub run_id: String,
    /// Working directory; relative paths of the command line start here.
    pub cwd: PathBuf,
}

/// One line of the password file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// Numeric id.
    pub uid: u32,
    /// Numeric id of the first group.
    pub gid: u32,
    /// Full name and so on.
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell.
    pub shell: String,
}

impl HostFacts {
    /// Reads the lines of `/etc/group`.
    pub fn parse_groups(text: &str) -> BTreeMap<String, u32> {
        text.lines()
            .filter_map(|line| {
                let mut fields = line.split(':');
                let name = fields.next()?;
                Some((name.to_owned(), fields.nth(1)?.parse().ok()?))
            })
            .collect()
    }

    /// Reads the lines of `/etc/passwd`.
    pub fn parse_users(text: &str) -> BTreeMap<String, User> {
        text.lines()
            .filter_map(|line| {
                let fields: Vec<&str> = line.split(':').collect();
                let [name, _, uid, gid, gecos, home, shell] = fields.as_slice() else {
                    return None;
                };
                let user = User {
                    uid: uid.parse().ok()?,
                    gid: gid.parse().ok()?,
                    gecos: (*gecos).to_owned(),
                    home: (*home).to_owned(),
                    shell: (*shell).to_owned(),
                };
                Some(((*name).to_owned(), user))
            })
            .collect()
    }

    /// The fully qualified name of a host, as Python's `socket.getfqdn()` finds it with the lines of
    /// `/etc/hosts`: of the names of its address, the first with a dot, else the first. A name that is
    /// not there stays as it is; no name server is asked.
    pub fn qualify(name: &str, hosts: &str) -> String {
        let lines: Vec<Vec<&str>> = hosts
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .map(|line| line.split_whitespace().collect())
            .filter(|words: &Vec<&str>| words.len() > 1)
            .collect();
        let named =
            |words: &&Vec<&str>| words[1..].iter().any(|one| one.eq_ignore_ascii_case(name));
        let Some(address) = lines.iter().find(named).map(|words| words[0]) else {
            return name.to_owned();
        };
        let names = lines.iter().find(|words| words[0] == address);
        let names = names.map_or(&[][..], |words| &words[1..]);
        let dotted = names.iter().find(|one| one.contains('.'));
        dotted
            .or(names.first())
            .map_or_else(|| name.to_owned(), |&one| one.to_owned())
    }

    /// Replaces a leading `~` or `~user`, as Python's `os.path.expanduser` does: `$HOME` first,
    /// then the password entry; an unknown user stays as written.
    pub fn expand_user(&self, path: &str) -> String {
        let Some(rest) = path.strip_prefix('~') else {
            return path.to_owned();
        };
        let (name, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let home = if name.is_empty() {
            match self.env.get("HOME") {
                Some(home) => home.clone(),
                None => self.home.to_string_lossy().into_owned(),
            }
        } else {
            match self.users.get(name) {
                Some(user) => user.home.clone(),
                None => return path.to_owned(),
            }
        };
        let home = home.trim_end_matches('/');
        let full = format!("{home}{tail}");
        if full.is_empty() {
            "/".to_owned()
        } else {
            full
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_host() {
        let hosts = "# 1 x.y\n127.0.0.1 localhost\n127.0.0.1 box\n10.0.0.1 b b.example.org # c.d\n10.0.0.1 late";
        assert_eq!(HostFacts::qualify("box", hosts), "localhost");
        assert_eq!(HostFacts::qualify("late", hosts), "b.example.org");
        assert_eq!(HostFacts::qualify("elsewhere", hosts), "elsewhere");
    }

    #[test]
    fn home_of_a_user() {
        let host = HostFacts {
            env: [("HOME".to_owned(), "/home/me".to_owned())].into(),
            users: HostFacts::parse_users("bob:x:5:6:Bob:/home/bob:/bin/sh\n"),
            ..HostFacts::default()
        };
        assert_eq!(host.expand_user("~/x"), "/home/me/x");
        assert_eq!(host.expand_user("~bob"), "/home/bob");
        assert_eq!(host.expand_user("~nobody/x"), "~nobody/x");
        assert_eq!(host.expand_user("a~"), "a~");
        assert_eq!(
            HostFacts::parse_groups("mock:x:135:a,b\nbad\n").get("mock"),
            Some(&135)
        );
    }
}
