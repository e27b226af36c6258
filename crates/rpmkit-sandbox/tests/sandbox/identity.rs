//! Who a command is, and what it may do.

use crate::place::{Place, ask, mode, output};
use rpmkit_sandbox::{
    Command, Container, Exit, Filters, Mount, Network, Personality, RunAs, closes_abstract_sockets,
};
use std::os::{
    linux::net::SocketAddrExt,
    unix::net::{SocketAddr, UnixListener},
};

const BUILDER: RunAs = RunAs::Id {
    uid: 1000,
    gid: 135,
};

#[test]
fn root_is_root_and_the_builder_is_nobody_special() {
    let place = Place::new();
    let container = place.start();
    assert!(ask(&container, "id -u; id -g").starts_with("0\n0"));
    let command = Command::new([
        "sh",
        "-c",
        "id -u; id -g; grep -E 'Cap(Prm|Eff|Amb)|NoNewPrivs' /proc/self/status",
    ]);
    let (exit, text) = output(&container, &command.user(BUILDER));
    assert_eq!(exit, Exit::Code(0), "{text}");
    let mut words = text.split_whitespace();
    assert_eq!((words.next(), words.next()), (Some("1000"), Some("135")));
    assert_eq!(text.matches("0000000000000000").count(), 3, "{text}");
    assert!(text.ends_with("NoNewPrivs:\t0\n"), "{text}");
    let groups = output(&container, &Command::new(["id", "-G"]).user(BUILDER)).1;
    if mode().has_ids() {
        assert_eq!(groups, "135\n");
    }
}

/// `chroot` does not enter the directory: who stays outside can climb up to whatever is mounted there.
#[test]
fn nobody_gets_out_by_a_second_chroot() {
    let place = Place::new();
    let container = place.start();
    let outside = place.path("lower");
    assert!(outside.is_dir());
    let script = r#"chdir "/"; chroot "/tmp" or print "no chroot "; chdir ".." for 1 .. 40; chroot ".";
        print -d $ARGV[0] ? "out" : "in";"#;
    let command = Command::new(["perl", "-e", script, outside.to_str().unwrap()]);
    assert_eq!(output(&container, &command).1, "in");
}

#[test]
fn the_builder_may_not_kill_or_look_into_pid_1() {
    let place = Place::new();
    let container = place.start();
    let script = "kill -9 1; ls /proc/1/fd; readlink /proc/1/exe; echo alive";
    let (_, text) = output(
        &container,
        &Command::new(["sh", "-c", script]).user(BUILDER),
    );
    assert!(
        text.ends_with("alive\n") && !text.contains("sandbox-"),
        "{text}"
    );
    // Nor may container root.
    let (_, text) = output(&container, &Command::new(["sh", "-c", script]));
    assert!(
        text.ends_with("alive\n") && !text.contains("sandbox-"),
        "{text}"
    );
}

#[test]
fn chown_is_real_or_refused_or_faked_as_asked() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.filters = Filters {
        chown: true,
        sync: true,
        mknod: false,
    };
    let container = Container::start(&spec).unwrap();
    let script = "touch /root/f; chown 7:8 /root/f && stat -c %u:%g /root/f";
    // Faked: success, and nothing done.
    assert_eq!(ask(&container, script), "0:0");
    let mut command = Command::new(["sh", "-c", script]);
    command.filters = Some(Filters::default());
    let (exit, text) = output(&container, &command);
    if mode().has_ids() {
        assert_eq!(text, "7:8\n");
    } else {
        assert_eq!(exit, Exit::Code(1));
        assert!(text.contains("Invalid argument"), "{text}");
    }
}

#[test]
fn devices_become_empty_files_where_they_cannot_be_made() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.filters = Filters::for_packages(&mode());
    let container = Container::start(&spec).unwrap();
    let script = "mknod -m 640 /root/node c 1 3 && cd /root && mknod block b 7 0 && mknod fifo p && stat -c %F node block fifo";
    let kinds = "regular empty file\nregular empty file\nfifo";
    assert_eq!(ask(&container, script), kinds);
    assert_eq!(
        ask(
            &container,
            "stat -c %a /root/node; ! mknod /root/node c 1 3 2>/dev/null && echo exists"
        ),
        "640\nexists"
    );
    let mut command = Command::new(["sh", "-c", "mknod /root/plain c 1 3"]);
    command.filters = Some(Filters::default());
    assert!(!output(&container, &command).0.success());
    // Who may not make devices anyway does not get a file by this way.
    let mut command = Command::new(["sh", "-c", "mknod /tmp/no c 1 3"]).user(BUILDER);
    ask(&container, "chmod 1777 /tmp");
    command.filters = Some(spec.filters);
    assert_eq!(output(&container, &command).0, Exit::Code(1));
    assert_eq!(ask(&container, "ls /tmp"), "");
}

#[test]
fn syncing_is_faked_as_asked() {
    let place = Place::new();
    let container = place.start();
    // A FIFO cannot be synced: a success shows that nobody tried.
    let mut command = Command::new(["sh", "-c", "rm -f /root/p; mkfifo /root/p; sync /root/p"]);
    assert_eq!(output(&container, &command).0, Exit::Code(1));
    command.filters = Some(Filters {
        sync: true,
        ..Filters::default()
    });
    assert_eq!(output(&container, &command), (Exit::Code(0), String::new()));
}

#[test]
fn builders_are_not_deceived_by_filters_of_package_phases() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.filters = Filters {
        chown: true,
        sync: true,
        mknod: false,
    };
    spec.mounts.push(Mount::tmpfs("/builddir", 0o777));
    let container = Container::start(&spec).unwrap();
    let command =
        Command::new(["sh", "-c", "touch /builddir/f; chown 7:8 /builddir/f"]).user(BUILDER);
    assert_eq!(output(&container, &command).0, Exit::Code(1));
}

#[test]
fn a_builder_cannot_write_to_a_read_only_root() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.mounts
        .push(Mount::bind(place.mkdir("builddir"), "/builddir"));
    let container = Container::start(&spec).unwrap();
    ask(&container, "chmod 777 /builddir");
    let script = "echo x > /etc/hello; mount -o remount,rw,bind / ; unshare -Urm mount -o remount,rw,bind /; \
                  echo y > /etc/hello; echo z > /builddir/z; cat /etc/hello";
    let mut command = Command::new(["sh", "-c", script])
        .user(BUILDER)
        .cwd("/builddir");
    command.read_only_root = true;
    let (exit, text) = output(&container, &command);
    assert_eq!(exit, Exit::Code(0));
    assert!(text.ends_with("hello\n"), "{text}");
    assert!(place.path("builddir/z").exists() || mode().is_rootless());
    // Only for that command.
    assert_eq!(
        ask(
            &container,
            "echo w > /etc/hello; cat /etc/hello /builddir/z"
        ),
        "w\nz"
    );
}

#[test]
fn user_namespaces_can_be_nested_by_what_is_built() {
    let place = Place::new();
    let container = place.start();
    for command in [
        vec!["unshare", "-Ur", "id", "-u"],
        vec![
            "unshare",
            "-Urm",
            "sh",
            "-c",
            "mount -t tmpfs none /root && id -u",
        ],
    ] {
        let (exit, text) = output(&container, &Command::new(command.clone()).user(BUILDER));
        assert_eq!((exit, text.as_str()), (Exit::Code(0), "0\n"), "{command:?}");
    }
}

#[test]
fn the_network_is_only_loopback_unless_asked_for() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.hostname = Some("builder.example".to_owned());
    let container = Container::start(&spec).unwrap();
    assert_eq!(
        ask(
            &container,
            "ls /sys/class/net; cat /sys/class/net/lo/flags; hostname"
        ),
        "lo\n0x9\nbuilder.example"
    );
    assert!(!ask(&container, "readlink /proc/self/ns/net").is_empty());
    drop(container);
    spec.network = Network::Host;
    spec.mounts.clear();
    spec.mounts = place.spec().mounts;
    let second = Place::new();
    spec.root = rpmkit_sandbox::RootFs::Overlay(second.overlay());
    let container = Container::start(&spec).unwrap();
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();
    assert_eq!(
        ask(&container, "readlink /proc/self/ns/net"),
        own.to_str().unwrap()
    );
    // Sockets without a file: the host's are out of reach, the container's own are not.
    let name = format!("rpmkit-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listening = UnixListener::bind_addr(&address).unwrap();
    let connect = |name: &str, before: &str| {
        format!(
            "perl -MSocket -e 'my $a = pack_sockaddr_un(\"\\0{name}\"); {before} \
             socket(my $c, AF_UNIX, SOCK_STREAM, 0); print connect($c, $a) ? \"in\" : \"out\"'"
        )
    };
    // Linux 6.12 and later can keep them away.
    let reached = if closes_abstract_sockets() {
        "out"
    } else {
        "in"
    };
    assert_eq!(ask(&container, &connect(&name, "")), reached);
    let own = "socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, $a); listen($s, 1);";
    assert_eq!(ask(&container, &connect("own", own)), "in");
}

#[test]
fn all_other_namespaces_are_new() {
    let place = Place::new();
    let container = place.start();
    for kind in ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup"] {
        let own = std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        assert_ne!(
            ask(&container, &format!("readlink /proc/self/ns/{kind}")),
            own.to_str().unwrap(),
            "{kind}"
        );
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_32_bit_machine_can_be_pretended() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.personality = Personality::Linux32;
    let container = Container::start(&spec).unwrap();
    assert_eq!(ask(&container, "uname -m"), "i686");
}
