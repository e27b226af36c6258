//! Writing the id maps of a fresh user namespace, from its parent.

use crate::error::{SandboxStep, StepError};
use crate::ids::{IdMode, IdRange, SubIds};
use nix::errno::Errno;
use rpmkit_host::{Environment, HostCommand, Tool};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// Writes the maps of `pid`, which has just been cloned into a new user namespace.
pub(crate) fn write(mode: &IdMode, pid: libc::pid_t) -> Result<(), StepError> {
    let (uid, gid) = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    match mode {
        IdMode::Root(range) => {
            let map = format!("0 {} {}", range.start, range.count);
            put(pid, "gid_map", &map)?;
            put(pid, "uid_map", &map)
        }
        IdMode::Single => {
            // Without `deny` an unprivileged gid_map is refused (CVE-2014-8989).
            put(pid, "setgroups", "deny")?;
            put(pid, "gid_map", &format!("0 {gid} 1"))?;
            put(pid, "uid_map", &format!("0 {uid} 1"))
        }
        IdMode::Sub(SubIds {
            uids,
            gids,
            tools: None,
        }) => {
            put(
                pid,
                "gid_map",
                &format!("0 {gid} 1\n1 {} {}", gids.start, gids.count),
            )?;
            put(
                pid,
                "uid_map",
                &format!("0 {uid} 1\n1 {} {}", uids.start, uids.count),
            )
        }
        IdMode::Sub(SubIds {
            uids,
            gids,
            tools: Some((uid_tool, gid_tool)),
        }) => {
            // Both are set-uid programs and cost a millisecond or two: run them side by side.
            let first = start(uid_tool, pid, uid, *uids)?;
            let second = start(gid_tool, pid, gid, *gids)?;
            finish(uid_tool, first)?;
            finish(gid_tool, second)
        }
    }
}

/// Writes maps in which 0 is the host's root, and the other ids those of `range`.
pub(crate) fn write_plain(range: IdRange, pid: libc::pid_t) -> Result<(), StepError> {
    let map = format!("0 0 1\n1 {} {}", range.start + 1, range.count - 1);
    put(pid, "gid_map", &map)?;
    put(pid, "uid_map", &map)
}

fn put(pid: libc::pid_t, file: &str, text: &str) -> Result<(), StepError> {
    let path = PathBuf::from(format!("/proc/{pid}/{file}"));
    // One write call: the kernel takes the whole map at once.
    std::fs::write(&path, text)
        .map_err(|e| StepError::io(SandboxStep::Maps, format!("write `{text}` to"), &path, &e))
}

fn start(tool: &Path, pid: libc::pid_t, own: u32, range: IdRange) -> Result<Child, StepError> {
    let numbers = [
        pid.to_string(),
        "0".into(),
        own.to_string(),
        "1".into(),
        "1".into(),
    ];
    let failed = |error: std::io::Error| StepError::io(SandboxStep::MapTool, "start", tool, &error);
    HostCommand::new(Tool::Bare, &tool.to_string_lossy(), &Environment::default())
        .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::NotFound, error)))?
        .args(numbers)
        .args([range.start.to_string(), range.count.to_string()])
        .to_std()
        .stdout(Stdio::null())
        .spawn()
        .map_err(failed)
}

fn finish(tool: &Path, mut child: Child) -> Result<(), StepError> {
    let mut said = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        // What it printed only decorates the message; its status decides.
        drop(pipe.read_to_string(&mut said));
    }
    let status = child
        .wait()
        .map_err(|e| StepError::io(SandboxStep::MapTool, "wait for", tool, &e))?;
    if status.success() {
        return Ok(());
    }
    let mut error = StepError::new(SandboxStep::MapTool, "run", Errno::EPERM).at(tool);
    error.detail = format!("{status}: {}", said.trim());
    Err(error)
}
