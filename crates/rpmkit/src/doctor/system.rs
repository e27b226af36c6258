//! Memory, clock, limits, git, proxies.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use nix::sys::resource::{Resource, getrlimit};
use rpmkit_cli::Host;
use rpmkit_sandbox::{ProbeState, closes_abstract_sockets};

use super::{DoctorLine, bytes};

/// Memory the kernel says can be had without swapping.
pub fn memory() -> DoctorLine {
    let available = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| meminfo(&text, "MemAvailable"));
    match available {
        None => DoctorLine::new("memory", ProbeState::Degraded, "cannot read `/proc/meminfo`"),
        Some(free) if free < 1 << 30 => DoctorLine::new("memory", ProbeState::Degraded, format!("{} available", bytes(free)))
            .remedy("big packages need more: close programs, add swap, or limit parallel jobs with `--define '_smp_build_ncpus 1'`"),
        Some(free) => DoctorLine::new("memory", ProbeState::Ok, format!("{} available", bytes(free))),
    }
}

fn meminfo(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// A clock before this program was made is wrong for certain; TLS and signatures fail then.
pub fn clock(host: &Host) -> DoctorLine {
    let made = std::fs::metadata(&host.exe).and_then(|meta| meta.modified());
    clock_line(SystemTime::now(), made.ok())
}

fn clock_line(now: SystemTime, made: Option<SystemTime>) -> DoctorLine {
    // Files may be stamped by another machine's clock: a day is no proof.
    let slack = Duration::from_secs(24 * 60 * 60);
    match made {
        Some(made) if now + slack < made => DoctorLine::new("clock", ProbeState::Failed, "the clock is before the day rpmkit was installed")
            .remedy("set the clock, for instance with `timedatectl set-ntp true`: certificates and signatures cannot be checked"),
        _ => DoctorLine::new("clock", ProbeState::Ok, "plausible"),
    }
}

/// Deep layer stacks and parallel downloads need open files.
pub fn open_files() -> DoctorLine {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) if hard < 1024 => DoctorLine::new(
            "open files",
            ProbeState::Degraded,
            format!("the limit is {hard}"),
        )
        .remedy("raise it: `ulimit -Hn 4096`, or `nofile` in `/etc/security/limits.conf`"),
        Ok((_, hard)) => DoctorLine::new("open files", ProbeState::Ok, format!("up to {hard}")),
        Err(error) => DoctorLine::new(
            "open files",
            ProbeState::Degraded,
            format!("cannot ask for the limit: {error}"),
        ),
    }
}

/// git is built in; the program serves credentials helpers only.
pub fn git(host: &Host) -> DoctorLine {
    let found = host
        .var("PATH")
        .unwrap_or("")
        .split(':')
        .map(|dir| Path::new(dir).join("git"))
        .find(|path| {
            std::fs::metadata(path)
                .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        });
    match found {
        Some(path) => DoctorLine::new("git", ProbeState::Ok, format!("`{}`", path.display())),
        None => DoctorLine::new(
            "git",
            ProbeState::Ok,
            "not installed; rpmkit reads repositories by itself",
        ),
    }
}

/// What of this host a build reaches that is given a network (`rpmbuild_networking`, vendoring).
pub fn network() -> DoctorLine {
    let what = "builds with a network";
    if closes_abstract_sockets() {
        return DoctorLine::new(
            what,
            ProbeState::Ok,
            "they reach what listens on this host's loopback interface, but no abstract sockets",
        );
    }
    DoctorLine::new(
        what,
        ProbeState::Degraded,
        "they reach what listens on this host's loopback interface, and its abstract sockets",
    )
    .remedy("Linux 6.12 with Landlock keeps abstract sockets from them; without a network they reach neither")
}

/// The proxies that will be used, without their passwords.
pub fn proxies(host: &Host) -> Vec<DoctorLine> {
    host.proxies()
        .into_iter()
        .map(|(name, value)| {
            DoctorLine::new(
                format!("proxy: {name}"),
                ProbeState::Ok,
                without_password(&value),
            )
        })
        .collect()
}

fn without_password(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    match url[start..].find('@') {
        Some(at) => format!("{}…{}", &url[..start], &url[start + at..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_in_the_past_is_caught() {
        let made = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(
            clock_line(SystemTime::UNIX_EPOCH, Some(made)).state,
            ProbeState::Failed
        );
        assert_eq!(
            clock_line(made - Duration::from_secs(60), Some(made)).state,
            ProbeState::Ok
        );
        assert_eq!(clock_line(made, None).state, ProbeState::Ok);
    }

    #[test]
    fn passwords_stay_private() {
        assert_eq!(
            without_password("http://me:secret@proxy:3128"),
            "http://…@proxy:3128"
        );
        assert_eq!(without_password("proxy:3128"), "proxy:3128");
    }

    #[test]
    fn memory_is_read_in_kib() {
        assert_eq!(
            meminfo("MemTotal: 4 kB\nMemAvailable:   2048 kB\n", "MemAvailable"),
            Some(2 << 20)
        );
    }
}
