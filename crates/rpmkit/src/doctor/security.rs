//! What of a host keeps ordinary users from namespaces: AppArmor, SELinux, a kernel switch, a container
//! around us. Which of them are there is told in any case, and what to do only where no mode works.

use std::{fs, path::Path};

use rpmkit_sandbox::ProbeState;

use super::DoctorLine;

/// Where AppArmor's profile for us lies once it is installed.
const PROFILE: &str = "etc/apparmor.d/rpmkit";

/// Lines for what is found below `root`, the host's `/`. `works`: builds can run here as we are.
pub fn lines(root: &Path, works: bool) -> Vec<DoctorLine> {
    [apparmor, userns_clone, selinux, container]
        .into_iter()
        .filter_map(|look| look(root, works))
        .collect()
}

fn read(root: &Path, path: &str) -> Option<String> {
    let text = fs::read_to_string(root.join(path)).ok()?;
    Some(text.trim().to_owned())
}

fn state(works: bool) -> ProbeState {
    if works {
        ProbeState::Ok
    } else {
        ProbeState::Failed
    }
}

fn apparmor(root: &Path, works: bool) -> Option<DoctorLine> {
    let switch = read(
        root,
        "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    )?;
    if switch != "1" {
        return None;
    }
    let what = "AppArmor";
    let profile = root.join(PROFILE).exists();
    if works {
        return Some(DoctorLine::new(
            what,
            ProbeState::Ok,
            "restricts user namespaces, and not ours",
        ));
    }
    let line = DoctorLine::new(
        what,
        ProbeState::Failed,
        if profile {
            "restricts user namespaces; `/etc/apparmor.d/rpmkit` is there, but not loaded or for another path"
        } else {
            "restricts user namespaces to programs with a profile, and rpmkit has none"
        },
    );
    let line = if profile {
        line.remedy("run `sudo apparmor_parser -r /etc/apparmor.d/rpmkit`, and see that it names this program's path")
    } else {
        line.remedy(
            "install the profile that comes with rpmkit: `sudo install -m 0644 \
             /usr/share/rpmkit/apparmor/rpmkit /etc/apparmor.d/rpmkit`, then `sudo apparmor_parser -r \
             /etc/apparmor.d/rpmkit` (in the sources: `packaging/apparmor/rpmkit`)",
        )
    };
    Some(line.remedy(
        "or, for every program: `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
    ))
}

fn userns_clone(root: &Path, works: bool) -> Option<DoctorLine> {
    let switch = read(root, "proc/sys/kernel/unprivileged_userns_clone");
    let none_left = read(root, "proc/sys/user/max_user_namespaces").as_deref() == Some("0");
    if switch.as_deref() != Some("0") && !none_left {
        return None;
    }
    let name = if none_left {
        "user.max_user_namespaces"
    } else {
        "kernel.unprivileged_userns_clone"
    };
    let line = DoctorLine::new(
        name,
        state(works),
        "0: only root may make user namespaces here",
    );
    if works {
        return Some(line);
    }
    let value = if none_left { 15000 } else { 1 };
    Some(line.remedy(format!(
        "run `sudo sysctl {name}={value}`, and put `{name} = {value}` into `/etc/sysctl.d/60-rpmkit.conf`"
    )))
}

fn selinux(root: &Path, works: bool) -> Option<DoctorLine> {
    let enforces = read(root, "sys/fs/selinux/enforce")? == "1";
    let detail = if enforces { "enforcing" } else { "permissive" };
    if works || !enforces {
        return Some(DoctorLine::new("SELinux", ProbeState::Ok, detail));
    }
    // The usual login domains may make namespaces: it is a suspect, not the culprit.
    Some(
        DoctorLine::new("SELinux", ProbeState::Degraded, detail)
            .remedy(
                "see whether it is the one that refuses: `sudo ausearch -m avc -ts recent` names \
                 `user_namespace` or `mounton` then",
            )
            .remedy(
                "run rpmkit from a login (`unconfined_t`), not from a confined service; in podman: \
                 `--security-opt label=disable`",
            ),
    )
}

fn container(root: &Path, works: bool) -> Option<DoctorLine> {
    let (what, remedy) = if root.join("run/.containerenv").exists() {
        (
            "podman",
            "start the container with `--security-opt unmask=ALL`",
        )
    } else if root.join(".dockerenv").exists() {
        (
            "docker",
            "start the container with `--security-opt seccomp=unconfined --security-opt \
             systempaths=unconfined`, on hosts with AppArmor also `--security-opt apparmor=unconfined`",
        )
    } else {
        return None;
    };
    let what = format!("container of {what}");
    Some(if works {
        DoctorLine::new(what, ProbeState::Ok, "lets builds run")
    } else {
        DoctorLine::new(
            what,
            ProbeState::Failed,
            "its defaults keep builds from namespaces or from /proc",
        )
        .remedy(remedy)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    /// What is named, each with its first remedy, where nothing works; and where all does, none has one.
    fn told(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let host = host(files);
        for line in lines(host.path(), true) {
            assert!(line.state == ProbeState::Ok && line.remedies.is_empty());
        }
        lines(host.path(), false)
            .into_iter()
            .map(|line| {
                (
                    line.what,
                    line.remedies.first().cloned().unwrap_or_default(),
                )
            })
            .collect()
    }

    #[test]
    fn each_obstacle_is_named_with_its_remedy() {
        let switch = "proc/sys/kernel/apparmor_restrict_unprivileged_userns";
        for (files, what, remedy) in [
            (vec![(switch, "1\n")], "AppArmor", "install the profile"),
            (
                vec![(switch, "1\n"), (PROFILE, "")],
                "AppArmor",
                "apparmor_parser -r",
            ),
            (
                vec![("proc/sys/kernel/unprivileged_userns_clone", "0\n")],
                "kernel.unprivileged_userns_clone",
                "unprivileged_userns_clone=1",
            ),
            (
                vec![("sys/fs/selinux/enforce", "1")],
                "SELinux",
                "ausearch -m avc",
            ),
            (
                vec![(".dockerenv", "")],
                "container of docker",
                "seccomp=unconfined",
            ),
            (
                vec![("run/.containerenv", "")],
                "container of podman",
                "unmask=ALL",
            ),
        ] {
            let told = told(&files);
            assert!(
                told.len() == 1 && told[0].0 == what && told[0].1.contains(remedy),
                "{told:?}"
            );
        }
        assert!(told(&[(switch, "0\n")]).is_empty());
    }

    #[test]
    fn the_profile_is_for_every_program() {
        let profile = include_str!("../../../../packaging/apparmor/rpmkit");
        let (_, rest) = profile.split_once("/usr/bin/rpmkit{").unwrap();
        let names: Vec<&str> = rest.split_once('}').unwrap().0.split(',').collect();
        assert_eq!(names, ["", "-mock", "-scm", "-snap", "-srpm"]);
        assert!(profile.contains("\n  userns,\n"));
    }
}
