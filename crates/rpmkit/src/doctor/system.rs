//! Memory, clock, limits, git, proxies.

use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use nix::sys::resource::{Resource, getrlimit};
use rpmkit_cli::Host;
use rpmkit_sandbox::{State, closes_abstract_sockets};

use super::{Line, bytes};

/// Memory the kernel says can be had without swapping.
pub fn memory() -> Line {
    let available = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| meminfo(&text, "MemAvailable"));
    match available {
        None => Line::new("memory", State::Degraded, "cannot read `/proc/meminfo`"),
        Some(free) if free < 1 << 30 => Line::new("memory", State::Degraded, format!("{} available", bytes(free)))
            .remedy("big packages need more: close programs, add swap, or limit parallel jobs with `--define '_smp_build_ncpus 1'`"),
        Some(free) => Line::new("memory", State::Ok, format!("{} available", bytes(free))),
    }
}

fn meminfo(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// A clock before this program was made is wrong for certain; TLS and signatures fail then.
pub fn clock(host: &Host) -> Line {
    let made = std::fs::metadata(&host.exe).and_then(|meta| meta.modified());
    clock_line(SystemTime::now(), made.ok())
}

fn clock_line(now: SystemTime, made: Option<SystemTime>) -> Line {
    // Files may be stamped by another machine's clock: a day is no proof.
    let slack = Duration::from_secs(24 * 60 * 60);
    match made {
        Some(made) if now + slack < made => Line::new("clock", State::Failed, "the clock is before the day rpmkit was installed")
            .remedy("set the clock, for instance with `timedatectl set-ntp true`: certificates and signatures cannot be checked"),
        _ => Line::new("clock", State::Ok, "plausible"),
    }
}

/// Deep layer stacks and parallel downloads need open files.
pub fn open_files() -> Line {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) if hard < 1024 => Line::new(
            "open files",
            State::Degraded,
            format!("the limit is {hard}"),
        )
        .remedy("raise it: `ulimit -Hn 4096`, or `nofile` in `/etc/security/limits.conf`"),
        Ok((_, hard)) => Line::new("open files", State::Ok, format!("up to {hard}")),
        Err(error) => Line::new(
            "open files",
            State::Degraded,
            format!("cannot ask for the limit: {error}"),
        ),
    }
}

/// git is built in; the program serves credentials helpers only.
pub fn git(host: &Host) -> Line {
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
        Some(path) => Line::new("git", State::Ok, format!("`{}`", path.display())),
        None => Line::new(
            "git",
            State::Ok,
            "not installed; rpmkit reads repositories by itself",
        ),
    }
}

/// What of this host a build reaches that is given a network (`rpmbuild_networking`, vendoring).
pub fn network() -> Line {
    let what = "builds with a network";
    if closes_abstract_sockets() {
        return Line::new(
            what,
            State::Ok,
            "they reach what listens on this host's loopback interface, but no abstract sockets",
        );
    }
    Line::new(
        what,
        State::Degraded,
        "they reach what listens on this host's loopback interface, and its abstract sockets",
    )
    .remedy("Linux 6.12 with Landlock keeps abstract sockets from them; without a network they reach neither")
}

/// The proxies that will be used, without their passwords.
pub fn proxies(host: &Host) -> Vec<Line> {
    host.proxies()
        .into_iter()
        .map(|(name, value)| {
            Line::new(
                format!("proxy: {name}"),
                State::Ok,
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
            State::Failed
        );
        assert_eq!(
            clock_line(made - Duration::from_secs(60), Some(made)).state,
            State::Ok
        );
        assert_eq!(clock_line(made, None).state, State::Ok);
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
