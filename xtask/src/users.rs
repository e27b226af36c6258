//! The identities tests run as: who started us and, where that is root, two ordinary users.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Range of the user that has subordinate ids.
const SUB_IDS: &str = "200000-265535";

/// Somebody to run a command as.
#[derive(Debug, Clone)]
pub struct Identity {
    /// For directory names and messages.
    pub label: &'static str,
    /// User and group id; `None` is whoever we are.
    pub ids: Option<(u32, u32)>,
}

impl Identity {
    /// A command of this identity with nothing in its environment but what a login gives, at home in `home`.
    pub fn command(&self, program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", home)
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LANG", "C.UTF-8")
            .env("TERM", "dumb");
        if let Some((uid, gid)) = self.ids {
            command.uid(uid).gid(gid);
            let name = nix::unistd::User::from_uid(uid.into())
                .ok()
                .flatten()
                .map_or_else(String::new, |user| user.name);
            command.env("USER", &name).env("LOGNAME", name);
        }
        command
    }

    /// Gives everything below `dir` to this identity.
    pub fn give(&self, dir: &Path) -> Result<()> {
        let Some((uid, gid)) = self.ids else {
            return Ok(());
        };
        for entry in walkdir::WalkDir::new(dir) {
            let entry = entry?;
            std::os::unix::fs::lchown(entry.path(), Some(uid), Some(gid))
                .with_context(|| format!("cannot give `{}` away", entry.path().display()))?;
        }
        Ok(())
    }
}

/// Everybody to test as. Root also tests as `packager`, who has subordinate ids, and as `loner`, who has none; both
/// are made when they do not exist.
pub fn everybody(say: &dyn Fn(&str)) -> Result<Vec<Identity>> {
    if !nix::unistd::geteuid().is_root() {
        return Ok(vec![Identity {
            label: "me",
            ids: None,
        }]);
    }
    let packager = ids("packager", 1500, true, say)?;
    let loner = ids("loner", 1501, false, say)?;
    Ok(vec![
        Identity {
            label: "root",
            ids: None,
        },
        Identity {
            label: "packager",
            ids: Some(packager),
        },
        Identity {
            label: "loner",
            ids: Some(loner),
        },
    ])
}

fn ids(name: &str, uid: u32, sub_ids: bool, say: &dyn Fn(&str)) -> Result<(u32, u32)> {
    let known = || {
        nix::unistd::User::from_name(name)
            .map(|user| user.map(|user| (user.uid.into(), user.gid.into())))
    };
    let run = |program: &str, arguments: &[&str]| -> Result<()> {
        let status = Command::new(program).args(arguments).arg(name).status();
        let status = status
            .with_context(|| format!("cannot run `{program}` to make the test user `{name}`"))?;
        ensure!(
            status.success(),
            "`{program}` could not make the test user `{name}` ({status})"
        );
        Ok(())
    };
    if known()?.is_none() {
        say(&format!("making the test user `{name}`"));
        // System accounts get no subordinate ids by themselves.
        run(
            "useradd",
            &[
                "--system",
                "--user-group",
                "--uid",
                &uid.to_string(),
                "--shell",
                "/bin/sh",
            ],
        )?;
    }
    let listed = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
    let has = listed
        .lines()
        .any(|line| line.starts_with(&format!("{name}:")) || line.starts_with(&format!("{uid}:")));
    if sub_ids && !has {
        run(
            "usermod",
            &["--add-subuids", SUB_IDS, "--add-subgids", SUB_IDS],
        )?;
    }
    ensure!(
        sub_ids || !has,
        "the test user `{name}` is to have no subordinate ids, but `/etc/subuid` lists it"
    );
    known()?.with_context(|| format!("the user `{name}` is still unknown"))
}
