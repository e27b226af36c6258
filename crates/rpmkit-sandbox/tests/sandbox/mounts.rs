//! Roots, layers, binds and `/dev`.

use crate::place::{Place, ask, mode, sh};
use rpmkit_sandbox::{Container, Exit, Mount, Overlay, RootFs, SandboxError, SandboxStep};
use std::path::Path;

#[test]
fn changes_go_to_the_upper_directory_only() {
    let place = Place::new();
    let container = place.start();
    assert_eq!(
        ask(
            &container,
            "cat /etc/hello; echo new > /etc/new; rm -r /etc/hello; ls /etc"
        ),
        "hello\nnew"
    );
    container.stop().unwrap();
    assert_eq!(
        std::fs::read_to_string(place.path("upper/etc/new")).unwrap(),
        "new\n"
    );
    assert!(place.path("lower/etc/hello").exists());
    // The upper is complete: it serves as a layer, with its deletion, under a fresh one.
    let mut overlay = place.overlay();
    overlay.lowers.insert(0, place.path("upper"));
    overlay.upper = Some(place.mkdir("upper2"));
    overlay.work = Some(place.mkdir("work2"));
    let mut spec = place.spec();
    spec.root = RootFs::Overlay(overlay);
    let container = Container::start(&spec).unwrap();
    assert_eq!(ask(&container, "ls /etc"), "new");
}

#[test]
fn a_directory_of_a_lower_layer_can_be_removed_and_made_again() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("lower/opt/a/b")).unwrap();
    std::fs::write(place.path("lower/opt/a/b/c"), "c").unwrap();
    let container = place.start();
    assert_eq!(
        ask(
            &container,
            "rm -r /opt/a && mkdir -p /opt/a/b && ls -A /opt/a/b"
        ),
        ""
    );
}

#[test]
fn hundreds_of_layers_with_long_names_work() {
    let place = Place::new();
    let long = "a-long-name-".repeat(15);
    let mut overlay = place.overlay();
    for n in 0..300 {
        let dir = place.mkdir(&format!("{long}/{long}/{n}"));
        std::fs::write(dir.join(format!("file{n}")), "").unwrap();
        overlay.lowers.insert(0, dir);
    }
    let mut spec = place.spec();
    spec.root = RootFs::Overlay(overlay.clone());
    let container = Container::start(&spec).unwrap();
    assert_eq!(ask(&container, "ls -d /file* | wc -l"), "300");
    drop(container);
    overlay.lowers = vec![place.path("lower"); 501];
    spec.root = RootFs::Overlay(overlay);
    assert!(
        Container::start(&spec)
            .unwrap_err()
            .to_string()
            .contains("500")
    );
}

#[test]
fn refusals_of_the_kernel_carry_its_reason() {
    let place = Place::new();
    let mut spec = place.spec();
    let overlay = Overlay {
        upper: Some("/proc/self/fd".into()),
        ..place.overlay()
    };
    spec.root = RootFs::Overlay(overlay);
    let SandboxError::Step(error) = Container::start(&spec).unwrap_err() else {
        panic!("not a step")
    };
    assert_eq!(error.step, SandboxStep::Overlay);
    assert!(!error.detail.is_empty(), "{error}");
    spec.root = RootFs::Dir("/no/such/root".into());
    let error = Container::start(&spec).unwrap_err();
    assert!(error.to_string().contains("/no/such/root"), "{error}");
    spec = place.spec();
    spec.mounts.push(Mount::bind("/no/such/source", "/mnt"));
    let error = Container::start(&spec).unwrap_err();
    assert!(error.to_string().contains("/no/such/source"), "{error}");
    assert!(error.advice().cause.is_some());
    // A work directory serves one volatile mount.
    let place = Place::new();
    let mut spec = place.spec();
    spec.root = RootFs::Overlay(place.overlay());
    Container::start(&spec).unwrap().stop().unwrap();
    let error = Container::start(&spec).unwrap_err();
    assert!(error.to_string().contains("volatile"), "{error}");
    if mode().is_rootless() {
        spec.root = RootFs::Overlay(Overlay {
            lowers: vec!["/".into()],
            ..place.overlay()
        });
        let error = Container::start(&spec).unwrap_err();
        assert!(
            error.to_string().contains("is mounted below the layer `/`"),
            "{error}"
        );
    }
}

#[test]
fn binds_are_writable_or_not_and_follow_links_inside_only() {
    let place = Place::new();
    let (data, inner) = (place.mkdir("data"), place.mkdir("data/inner"));
    std::fs::write(data.join("file"), "data").unwrap();
    // A link in the root that would lead out of it, were it followed from outside.
    std::os::unix::fs::symlink(place.path("outside"), place.path("lower/link")).unwrap();
    let mut spec = place.spec();
    spec.mounts.extend([
        Mount::bind(&data, "/rw"),
        Mount::bind_ro(&data, "/ro"),
        Mount::bind(data.join("file"), "/made/for/it"),
        Mount::bind(&inner, "/link/below"),
        Mount::tmpfs("/rw/inner", 0o755),
        Mount::inner("/rw", "/again"),
        Mount::Bind {
            source: "/no/such/thing".into(),
            target: "/none".into(),
            read_only: false,
            optional: true,
        },
    ]);
    let container = Container::start(&spec).unwrap();
    assert_eq!(
        ask(
            &container,
            "cat /made/for/it; echo x > /rw/x; ls /again; touch /again/inner/y; ls /rw/inner"
        ),
        "datafile\ninner\nx\ny"
    );
    assert_eq!(sh(&container, "touch /ro/y").0, Exit::Code(1));
    assert_eq!(sh(&container, "test -e /none").0, Exit::Code(1));
    drop(container);
    assert!(data.join("x").exists());
    assert!(!place.path("outside").exists());
}

#[test]
fn a_read_only_root_keeps_its_mounts_writable() {
    let place = Place::new();
    let mut spec = place.spec();
    spec.read_only_root = true;
    spec.mounts.push(Mount::tmpfs("/tmp", 0o1777));
    let container = Container::start(&spec).unwrap();
    assert_eq!(sh(&container, "touch /etc/x").0, Exit::Code(1));
    assert_eq!(ask(&container, "touch /tmp/x && stat -c %a /tmp"), "1777");
}

#[test]
fn the_devices_of_a_build_are_there_and_no_others() {
    let place = Place::new();
    let container = place.start();
    let listed = ask(&container, "cd /dev; ls | tr '\\n' ' '");
    assert_eq!(
        listed,
        "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    );
    assert_eq!(
        ask(
            &container,
            "head -c 9 /dev/zero | wc -c; echo gone > /dev/null; stat -c %a /dev/shm"
        ),
        "9\n1777"
    );
    assert!(!sh(&container, "echo > /dev/full").0.success());
    assert_eq!(
        ask(
            &container,
            "echo x > /dev/shm/x; cat /dev/fd/0 < /dev/shm/x"
        ),
        "x"
    );
}

#[test]
fn kernel_settings_are_out_of_reach() {
    let place = Place::new();
    let container = place.start();
    assert_eq!(
        sh(&container, "echo 1 > /sys/kernel/profiling || exit 3").0,
        Exit::Code(3)
    );
    // Shells differ in how they fail a redirection.
    let script = "echo 0 > /proc/sys/kernel/panic && echo written";
    assert!(!sh(&container, script).1.contains("written"));
}

#[test]
fn proc_shows_this_container() {
    let place = Place::new();
    let container = place.start();
    assert_eq!(
        ask(
            &container,
            "cat /proc/1/comm; test -d /proc/$$ && echo own; readlink /proc/self/root"
        ),
        "rpmkit-init\nown\n/"
    );
}

#[test]
fn nothing_of_it_shows_in_the_hosts_mounts() {
    let place = Place::new();
    let before = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let container = place.start();
    ask(&container, "true");
    assert_eq!(
        std::fs::read_to_string("/proc/self/mountinfo").unwrap(),
        before
    );
    container.stop().unwrap();
    assert!(Path::new("/proc/self").exists());
}

#[test]
fn the_root_of_one_container_is_changed_from_another() {
    let place = Place::new();
    let one = place.start();
    ask(&one, "mkdir /tmp/in && echo old > /etc/hello");
    let tools = Place::new();
    let mut spec = tools.spec();
    spec.mounts.push(Mount::Given {
        target: "/mnt/target".into(),
        held: 0,
    });
    spec.mounts.push(Mount::inner("/proc", "/mnt/target/proc"));
    let tree = one.root_tree().unwrap();
    let held = [std::os::fd::AsFd::as_fd(&tree)];
    let other = Container::start_with(&spec, &held, None).unwrap();
    let script = "cat /mnt/target/etc/hello; echo new > /mnt/target/etc/hello; { chown 7 /mnt/target/etc/hello || true; };
        readlink /mnt/target/proc/self >&2";
    ask(&other, script);
    other.stop().unwrap();
    assert_eq!(ask(&one, "cat /etc/hello"), "new");
    if mode().has_ids() {
        assert_eq!(ask(&one, "stat -c %u /etc/hello"), "7");
    }
}
