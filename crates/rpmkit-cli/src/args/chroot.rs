//! Which chroot, from which configuration.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCompleter;

use crate::complete;

/// Options that choose and adjust a configuration.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Chroot")]
pub struct ChrootArgs {
    /// Chroot to use: a name such as `fedora-43-x86_64`, or the path of a `.cfg` or `.toml` file
    ///
    /// May be given several times where a verb can build for several. Without it, the project's
    /// `rpmkit.toml` decides, then the configuration named `default`.
    #[arg(short = 'r', long = "root", visible_alias = "chroot", value_name = "CHROOT",
          add = ArgValueCompleter::new(complete::chroots))]
    pub root: Vec<String>,

    /// Directory to look for configurations in first
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub configdir: Option<PathBuf>,

    /// Set a configuration option, as in mock; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub config_opts: Vec<String>,

    /// Keep a separate chroot under this extra name
    #[arg(long, value_name = "TEXT")]
    pub uniqueext: Option<String>,

    /// Use what has been downloaded, and nothing else
    #[arg(long)]
    pub offline: bool,

    /// Enable a repository by name; may be repeated
    #[arg(long, value_name = "REPO")]
    pub enablerepo: Vec<String>,

    /// Disable a repository by name; may be repeated
    #[arg(long, value_name = "REPO")]
    pub disablerepo: Vec<String>,

    /// Add a repository by URL or directory; may be repeated
    #[arg(short = 'a', long, value_name = "URL")]
    pub addrepo: Vec<String>,
}

impl ChrootArgs {
    /// The words with which another verb comes to the same chroot, quoted for a shell.
    pub fn choosing(&self, chroot: &str) -> String {
        let mut words = vec!["-r".to_owned(), chroot.to_owned()];
        if let Some(dir) = &self.configdir {
            words.extend(["--configdir".to_owned(), dir.display().to_string()]);
        }
        if let Some(ext) = &self.uniqueext {
            words.extend(["--uniqueext".to_owned(), ext.clone()]);
        }
        for option in &self.config_opts {
            words.extend(["--config-opts".to_owned(), option.clone()]);
        }
        // Only a NUL cannot be quoted, and no argument holds one.
        shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chroot_is_chosen_with_all_it_takes() {
        let mut args = ChrootArgs::default();
        assert_eq!(args.choosing("td"), "-r td");
        args.configdir = Some("/my conf".into());
        args.uniqueext = Some("x".into());
        assert_eq!(
            args.choosing("td"),
            "-r td --configdir '/my conf' --uniqueext x"
        );
    }
}
