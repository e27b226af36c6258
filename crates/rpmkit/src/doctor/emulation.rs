//! Which foreign architectures this machine can run, through binfmt_misc and qemu-user.

use std::path::Path;

use rpmkit_cli::Host;
use rpmkit_sandbox::ProbeState;

use super::DoctorLine;

/// Where the kernel shows its interpreters.
const REGISTERED: &str = "/proc/sys/fs/binfmt_misc";

/// One interpreter of the kernel's list.
#[derive(Debug, PartialEq, Eq)]
struct Interpreter {
    arch: String,
    program: String,
    enabled: bool,
    /// Flag `F`: opened when registered, so it works in a root that does not have it.
    fixed: bool,
}

/// What is registered, and whether it works inside a chroot.
pub fn lines(host: &Host) -> Vec<DoctorLine> {
    let what = "emulation";
    let Ok(entries) = std::fs::read_dir(Path::new(REGISTERED)) else {
        return vec![DoctorLine::new(what, ProbeState::Ok, none(host))];
    };
    let mut found: Vec<Interpreter> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let text = std::fs::read_to_string(entry.path()).ok()?;
            interpreter(&name, &text)
        })
        .collect();
    found.sort_by(|a, b| a.arch.cmp(&b.arch));
    if found.is_empty() {
        return vec![DoctorLine::new(what, ProbeState::Ok, none(host))];
    }
    let works: Vec<&str> = found
        .iter()
        .filter(|i| i.enabled && i.fixed)
        .map(|i| i.arch.as_str())
        .collect();
    let mut lines = Vec::new();
    if !works.is_empty() {
        lines.push(DoctorLine::new(
            what,
            ProbeState::Ok,
            format!("can also build for {}", works.join(", ")),
        ));
    }
    for broken in found.iter().filter(|i| !(i.enabled && i.fixed)) {
        let why = if broken.enabled {
            format!(
                "`{}` is registered without the flag F, so a chroot would need its own copy",
                broken.program
            )
        } else {
            format!("`{}` is registered but disabled", broken.program)
        };
        lines.push(
            DoctorLine::new(format!("emulation: {}", broken.arch), ProbeState::Degraded, why)
                .remedy("install a static qemu-user (`qemu-user-static`), whose package registers it rightly"),
        );
    }
    lines
}

fn none(host: &Host) -> String {
    format!(
        "none registered: builds for {} only (install `qemu-user-static` for others)",
        host.machine
    )
}

/// Reads `/proc/sys/fs/binfmt_misc/qemu-ARCH`.
fn interpreter(name: &str, text: &str) -> Option<Interpreter> {
    let arch = name.strip_prefix("qemu-")?;
    let field = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key))
            .map(str::trim)
    };
    Some(Interpreter {
        arch: arch.to_owned(),
        program: field("interpreter ")?.to_owned(),
        enabled: text.lines().next() == Some("enabled"),
        fixed: field("flags:").is_some_and(|flags| flags.contains('F')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_text_is_read() {
        let text =
            "enabled\ninterpreter /usr/bin/qemu-aarch64-static\nflags: OCF\noffset 0\nmagic 7f\n";
        assert_eq!(
            interpreter("qemu-aarch64", text),
            Some(Interpreter {
                arch: "aarch64".into(),
                program: "/usr/bin/qemu-aarch64-static".into(),
                enabled: true,
                fixed: true
            })
        );
        assert_eq!(interpreter("python3.11", text), None);
        assert_eq!(
            interpreter("qemu-x", "disabled\ninterpreter /x\nflags: \n")
                .map(|i| (i.enabled, i.fixed)),
            Some((false, false))
        );
    }
}
