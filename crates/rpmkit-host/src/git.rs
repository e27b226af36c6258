//! git: it reads the user's configuration, and that of no tree.

use std::{ffi::OsString, path::Path};

use crate::{Environment, HostCommand, HostError, Tool};

/// Transports git may use for an address that a tree names, in `GIT_ALLOW_PROTOCOL`'s words. None of
/// them reads this host's files or runs its programs.
const FROM_A_TREE: &str = "http:https:git:ssh";

impl HostCommand {
    /// git, outside any repository: what a tree's `.git/config` says (`core.sshCommand`, `core.fsmonitor`,
    /// `credential.helper`, filters, hooks, `url.*.insteadOf`) is not read. The user's own configuration
    /// and `GIT_CONFIG_*` are.
    ///
    /// # Errors
    /// When git is not installed.
    pub fn git(environment: &Environment) -> Result<Self, HostError> {
        let git = Self::new(Tool::Git, "git", environment)?;
        // `/` is no repository of a stranger's, and no directory above it is searched.
        Ok(git.env("GIT_CEILING_DIRECTORIES", "/"))
    }

    /// As [`HostCommand::git`], working in a bare repository of ours at `git_dir`, which was made just now
    /// and so configures nothing. Objects are read from and written to `objects`.
    ///
    /// # Errors
    /// When git is not installed.
    pub fn git_in(
        environment: &Environment,
        git_dir: &Path,
        objects: &Path,
    ) -> Result<Self, HostError> {
        let git = Self::git(environment)?;
        Ok(git
            .env("GIT_DIR", git_dir)
            .env("GIT_OBJECT_DIRECTORY", objects)
            // Hooks and monitors of the user's are meant for the user's own trees.
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "core.fsmonitor=false",
            ]))
    }

    /// Limits git to transports that reach other machines: for addresses a tree names. What the user
    /// allows in `GIT_ALLOW_PROTOCOL` stays as it is.
    #[must_use]
    pub fn transports_of_a_tree(self) -> Self {
        let allowed = self.variable("GIT_ALLOW_PROTOCOL").map(OsString::from);
        self.env("GIT_PROTOCOL_FROM_USER", "0").env(
            "GIT_ALLOW_PROTOCOL",
            allowed.unwrap_or_else(|| FROM_A_TREE.into()),
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs;

    use super::*;

    fn environment(home: &Path) -> Environment {
        [
            ("PATH", "/usr/local/bin:/usr/bin:/bin".into()),
            ("HOME", home.as_os_str().to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn the_users_configuration_is_read_and_a_trees_is_not() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".gitconfig"), "[user]\nname = Ada\n").unwrap();
        let mut env = environment(home.path());
        let get = |env: &Environment, key: &str| {
            let git = HostCommand::git(env)
                .unwrap()
                .args(["config", "--get", key]);
            String::from_utf8(git.output().unwrap().stdout).unwrap()
        };
        assert_eq!(get(&env, "user.name"), "Ada\n");
        // As if called by a hook of a repository.
        let evil = home.path().join("evil");
        fs::create_dir_all(evil.join("objects")).unwrap();
        fs::create_dir_all(evil.join("refs")).unwrap();
        fs::write(evil.join("HEAD"), "ref: refs/heads/x\n").unwrap();
        fs::write(evil.join("config"), "[core]\nsshCommand = evil\n").unwrap();
        env.set("GIT_DIR", &evil);
        assert_eq!(get(&env, "core.sshCommand"), "");
    }

    #[test]
    fn an_address_from_a_tree_runs_nothing() {
        let home = tempfile::tempdir().unwrap();
        let pwned = home.path().join("pwned");
        let config = "[protocol \"ext\"]\nallow = always\n";
        fs::write(home.path().join(".gitconfig"), config).unwrap();
        let env = environment(home.path());
        let url = format!("ext::touch {}", pwned.display());
        let git = HostCommand::git(&env).unwrap().transports_of_a_tree();
        let git = git
            .args(["ls-remote"])
            .end_of_options()
            .operand(&url)
            .unwrap();
        assert!(!git.output().unwrap().status.success());
        assert!(!pwned.exists());
    }
}
