//! From a configuration's repository settings to a package manager.

use super::{BuildError, Engine};
use rpmkit_config::Settings;
use rpmkit_pm::{Attempts, Dialect, Embedded, TransactionOptions};
use rpmkit_repo::{RepoSet, Vars};
use rpmkit_solve::HandOver;
use rpmkit_types::{VerifyLevel, event::Level};

/// The repositories of `dnf.conf`, as it switches them on and off.
pub fn repositories_of(settings: &Settings) -> Result<RepoSet, BuildError> {
    let mut vars = Vars::for_target(
        &settings.repositories.repo_arch,
        settings
            .repositories
            .releasever
            .as_deref()
            .unwrap_or_default(),
    );
    for (name, value) in &settings.repositories.dnf_vars {
        vars.set(name, value);
    }
    let mut set = RepoSet::parse(&settings.repositories.dnf_conf, &vars).map_err(|e| {
        let chroot = settings.chroot.chroot_name.clone();
        let reason = e.to_string();
        BuildError::Repositories { chroot, reason }
    })?;
    set.main.verify_level = verify_level(&settings.build.macros);
    Ok(set)
}

/// What the macro `%_pkgverify_level` asks for. Whoever set it to less than a signature and
/// `gpgcheck` on all the same asked for signatures.
fn verify_level(macros: &[(String, Option<String>)]) -> VerifyLevel {
    let set = macros
        .iter()
        .rfind(|(name, _)| name.trim_start_matches('%') == "_pkgverify_level");
    match set {
        Some((_, Some(level))) if level.trim() == "signature" => VerifyLevel::Signature,
        _ => VerifyLevel::All,
    }
}

/// Reads `dnf.conf`, applies `--enablerepo`, `--disablerepo` and `--addrepo`.
pub(super) fn package_manager(
    engine: &Engine,
    settings: &Settings,
) -> Result<Embedded, BuildError> {
    let wrong = |reason: String| BuildError::Repositories {
        chroot: settings.chroot.chroot_name.clone(),
        reason,
    };
    let mut repos = repositories_of(settings)?;
    for option in &repos.unused {
        // What has no meaning here belongs in a log at most; what nobody knows is a mistake.
        let level = if option.known {
            Level::Debug
        } else {
            Level::Warning
        };
        engine.events().message(level, None, option.to_string());
    }
    let words = &settings.repositories.enable_disable_repos;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let (option, given) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word.as_str(), rest.next().map(String::as_str)),
        };
        let patterns = given.unwrap_or_default();
        let unknown = repos.switch(patterns, option == "--enablerepo");
        if !unknown.is_empty() {
            engine.events().warn(format!(
                "{option}: no repository is called `{}`",
                unknown.join("`, `")
            ));
        }
    }
    if repos.enabled().next().is_none() {
        return Err(wrong(
            "no repository is enabled, so nothing can be installed".into(),
        ));
    }
    let main = &repos.main;
    let options = TransactionOptions {
        nodocs: !main.install_docs || main.tsflags.iter().any(|flag| flag == "nodocs"),
        noscripts: main.tsflags.iter().any(|flag| flag == "noscripts"),
        hand_over: if settings.repositories.package_manager == "dnf5" {
            HandOver::Decisions
        } else {
            HandOver::Metadata
        },
        ..TransactionOptions::default()
    };
    Ok(Embedded::new(
        engine.tools(super::emulation::of(&settings.chroot)),
        repos,
        &settings.repositories.repo_arch,
        options,
    )
    .with_attempts(Attempts {
        count: settings.repositories.attempts,
        delay: settings.repositories.attempt_delay,
    })
    .with_dialect(
        Dialect::of(&settings.repositories.package_manager),
        logfile(&settings.repositories.dnf_conf),
    ))
}

/// The `logfile` of a `[main]` section, a path inside the chroot; only a plain absolute one.
fn logfile(conf: &str) -> Option<String> {
    let mut section = "main";
    let mut found = None;
    for line in conf.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section = name;
        }
        if let Some((key, value)) = line.split_once('=')
            && section == "main"
            && key.trim() == "logfile"
        {
            found = Some(value.trim().to_owned());
        }
    }
    found.filter(|path| {
        path.starts_with('/')
            && !path.ends_with('/')
            && !path.contains("..")
            && !path.chars().any(char::is_control)
    })
}

/// The `dnf.conf` section for a repository given by URL or directory, as mock's `--addrepo` writes
/// it: named after its address, numbered when `conf` has that name already, unsigned, always fresh.
pub fn added_repository(conf: &str, url: &str) -> String {
    let plain: String = url
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let taken = |id: &str| conf.lines().any(|line| line.trim() == format!("[{id}]"));
    let id = std::iter::once(plain.clone())
        .chain((1..).map(|n| format!("{plain}_{n}")))
        .find(|id| !taken(id))
        .unwrap_or(plain);
    let base = if url.starts_with('/') {
        format!("file://{url}")
    } else {
        url.to_owned()
    };
    format!(
        "\n[{id}]\nname={url}\nbaseurl={base}\nenabled=1\ngpgcheck=0\ncost=1\nbest=1\n\
         skip_if_unavailable=0\nmetadata_expire=0\nmodule_hotfixes=1\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_file_is_the_main_sections() {
        let of = |text: &str| logfile(text);
        assert_eq!(
            of("[main]\nlogfile = /var/log/yum.log\n[r]\nlogfile=/x\n").as_deref(),
            Some("/var/log/yum.log")
        );
        assert_eq!(of("[main]\nlogfile=/var/../etc/passwd\n"), None);
        assert_eq!(of("[r]\nlogfile=/x\n"), None);
    }

    #[test]
    fn added_repositories_get_names_of_their_own() {
        let first = added_repository("[main]\n", "/srv/repo");
        assert!(first.contains("[srvrepo]\n") && first.contains("baseurl=file:///srv/repo\n"));
        assert!(added_repository(&first, "/srv/repo").contains("[srvrepo_1]\n"));
    }
}
