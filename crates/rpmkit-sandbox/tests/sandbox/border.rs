//! What container root and its users are to this host: nobody. Started by root this is about the host's root.

#![allow(clippy::disallowed_methods)]

use crate::place::{Place, ask, mode, output, sh};
use rpmkit_sandbox::{Command, Container, IdMode, RunAs, SandboxError, SandboxStep};
use std::os::unix::fs::MetadataExt;

/// Runs a script that prints a word for each thing that was possible.
fn possible(script: &str) -> String {
    let place = Place::new();
    sh(&place.start(), script).1
}

#[test]
fn no_device_of_the_host_can_be_made() {
    let script = "cd /dev/shm; for kind in 'b 7 0' 'b 8 0' 'c 1 1' 'c 5 1'; do mknod n $kind 2>&- && echo $kind; done";
    assert_eq!(possible(script), "");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn no_file_is_opened_by_its_handle() {
    let script = r#"perl -e '$h = pack("iix128", 128, 1); print "opened" if syscall(304, 3, $h, 0) >= 0; print $!' </ 3</"#;
    assert_eq!(possible(script), "Operation not permitted");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn pid_1_shows_nothing_of_ours() {
    let script = r#"cd /proc/1; for f in environ mem maps fd/0 exe root cwd; do
        dd if=$f bs=1 count=1 2>&- | grep -q . && echo read $f; readlink $f; done
        perl -e 'print "ptrace " if syscall(101, 16, 1, 0, 0) == 0; $fd = syscall(434, 1, 0);
                 print "getfd " if $fd >= 0 && syscall(438, $fd, 3, 0) >= 0'"#;
    assert_eq!(possible(script), "");
}

#[test]
fn no_file_system_of_the_kernels_is_mounted() {
    let script = "for t in 'cgroup -o none,name=x' debugfs tracefs securityfs devtmpfs configfs ext4; do
        mount -t $t none /mnt 2>&- && echo $t; done; find /sys/kernel/debug /sys/kernel/security -mindepth 1 2>&-";
    assert_eq!(possible(script), "");
}

#[test]
fn the_hosts_accounts_are_none_of_a_containers() {
    let place = Place::new();
    let container = place.start();
    let IdMode::Root(range) = mode() else { return };
    let seen = |user: RunAs| {
        let mut line = String::new();
        let command = Command::new(["sh", "-c", "echo $$; read line"]).user(user);
        let (theirs, ours) = std::io::pipe().unwrap();
        let command = Command {
            stdin: rpmkit_sandbox::Stdin::Fd(std::sync::Arc::new(theirs.into())),
            ..command
        };
        let mut ours = Some(ours);
        let exit = container.run(&command, |_, piece| {
            line.push_str(std::str::from_utf8(piece).unwrap());
            let monitor = container.monitor_pid().unwrap();
            let pid = last_descendant(monitor);
            let meta = std::fs::metadata(format!("/proc/{pid}")).unwrap();
            line = format!("{} {}", meta.uid(), may_signal(pid));
            ours = None;
        });
        exit.unwrap();
        line
    };
    let builder = RunAs::Id {
        uid: 1000,
        gid: 135,
    };
    assert_eq!(seen(builder), format!("{} false", range.start + 1000));
    assert_eq!(range.start % 65_536, 0);
    // On disk files have the container's own numbers.
    ask(
        &container,
        "touch /root/f /root/s; chown 1000:135 /root/f; chmod 4755 /root/s",
    );
    let disk = std::fs::metadata(place.path("upper/root/f")).unwrap();
    assert_eq!((disk.uid(), disk.gid()), (1000, 135));
    assert_eq!(
        std::fs::metadata(place.path("upper/root/s")).unwrap().uid(),
        0
    );
}

/// Whether the host's uid 1000 may send signals to it.
fn may_signal(pid: u32) -> bool {
    std::process::Command::new("setpriv")
        .args([
            "--reuid=1000",
            "--regid=1000",
            "--clear-groups",
            "kill",
            "-0",
        ])
        .arg(pid.to_string())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn last_descendant(pid: u32) -> u32 {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(path).unwrap();
    text.split_whitespace()
        .last()
        .map_or(pid, |child| last_descendant(child.parse().unwrap()))
}

#[test]
fn what_cannot_map_ids_is_refused_by_name() {
    let IdMode::Root(_) = mode() else { return };
    let place = Place::new();
    let mut spec = place.spec();
    let bind = rpmkit_sandbox::Mount::bind("/proc/sys/kernel", "/mnt");
    spec.mounts.push(bind);
    let Err(SandboxError::Step(error)) = Container::start(&spec) else {
        panic!("mounted")
    };
    assert_eq!(error.step, SandboxStep::IdMapped, "{error}");
    assert!(error.to_string().contains("/proc/sys/kernel") && !error.advice().remedies.is_empty());
    // To be read it needs no mapping.
    spec.mounts.pop();
    spec.mounts
        .push(rpmkit_sandbox::Mount::bind_ro("/proc/sys/kernel", "/mnt"));
    let place = Place::new();
    spec.root = rpmkit_sandbox::RootFs::Overlay(place.overlay());
    assert_ne!(
        ask(&Container::start(&spec).unwrap(), "cat /mnt/ostype"),
        ""
    );
}

#[test]
fn the_names_of_standard_descriptors_work() {
    let place = Place::new();
    let container = place.start();
    let script = "echo a > /dev/stdout; echo b > /dev/stderr";
    assert_eq!(ask(&container, script), "a\nb");
    let builder = RunAs::Id {
        uid: 1000,
        gid: 135,
    };
    let command = Command::new(["sh", "-c", script]).user(builder);
    assert_eq!(output(&container, &command).1, "a\nb\n");
}

#[test]
fn many_layers_are_mounted() {
    let place = Place::new();
    let mut overlay = place.overlay();
    for number in 0..300 {
        let dir = place.mkdir(&format!("layers/{number}"));
        std::fs::write(dir.join(format!("f{number}")), "").unwrap();
        overlay.lowers.push(dir);
    }
    let mut spec = place.spec();
    spec.root = rpmkit_sandbox::RootFs::Overlay(overlay);
    let container = Container::start(&spec).unwrap();
    assert_eq!(ask(&container, "ls -d /f* | wc -l"), "300");
}

#[test]
fn the_hosts_root_writes_in_plain_places_as_container_root() {
    let IdMode::Root(range) = mode() else { return };
    let place = Place::new();
    let data = place.mkdir("data");
    let mut spec = place.spec();
    spec.visible = true;
    spec.mounts
        .push(rpmkit_sandbox::Mount::bind(&data, "/data"));
    spec.plain = vec![(data.clone(), "/data".into())];
    let container = Container::start(&spec).unwrap();
    let root = format!("/proc/{}/root", container.monitor_pid().unwrap());
    std::fs::create_dir(format!("{root}/data/made")).unwrap();
    ask(
        &container,
        "chown 1000 /data/made; touch /data/theirs; chmod 4755 /data/theirs",
    );
    assert_eq!(ask(&container, "stat -c %u /data/made/. /data"), "1000\n0");
    // Seen from outside nothing belongs to a person, and nothing gives anybody's rights.
    let seen = std::fs::metadata(format!("{root}/data/made")).unwrap();
    assert_eq!(seen.uid(), range.start + 1000);
    let monitor = container.monitor_pid().unwrap();
    let mounts = std::fs::read_to_string(format!("/proc/{monitor}/mountinfo")).unwrap();
    for line in mounts.lines() {
        assert!(line.contains("nosuid") && line.contains("nodev"), "{line}");
    }
    // In the rest of the root it makes nothing, and reads.
    assert!(std::fs::create_dir(format!("{root}/etc/made")).is_err());
    assert_eq!(
        std::fs::read(format!("{root}/etc/hello")).unwrap(),
        b"hello\n"
    );
    container.stop().unwrap();
}
