//! Processes a command left behind.

use nix::unistd::Pid;

/// A living process of the container.
pub(crate) struct Leftover {
    pub(crate) pid: Pid,
    /// Its command line, or its short name in brackets.
    pub(crate) command: String,
}

/// All processes but pid 1 and kernel remains; of one session only, if given. Empty where /proc shows other numbers than ours.
pub(crate) fn list(session: Option<Pid>) -> Vec<Leftover> {
    if std::fs::read_link("/proc/self").is_ok_and(|own| own.as_os_str() != "1") {
        return Vec::new();
    }
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid != 1)
        .filter_map(|pid: i32| describe(pid, session))
        .collect()
}

fn describe(pid: i32, session: Option<Pid>) -> Option<Leftover> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // pid (name) state ppid pgrp session …; a name may hold anything, so count from the last parenthesis.
    let (head, tail) = stat.rsplit_once(')')?;
    let mut fields = tail.split_whitespace();
    let state = fields.next()?;
    let its_session: i32 = fields.nth(2)?.parse().ok()?;
    if state == "Z" || session.is_some_and(|wanted| wanted.as_raw() != its_session) {
        return None;
    }
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line)
        .trim_end_matches('\0')
        .replace('\0', " ");
    let name = head.split_once('(').map_or("", |(_, name)| name);
    let command = if line.is_empty() {
        format!("[{name}]")
    } else {
        line
    };
    Some(Leftover {
        pid: Pid::from_raw(pid),
        command,
    })
}
