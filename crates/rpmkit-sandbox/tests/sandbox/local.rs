//! What a root gets of the machine it runs on.

use crate::place::{Place, ask};
use rpmkit_sandbox::{Container, ContainerSpec, Mount, TimeZoneName};

fn spec(place: &Place) -> ContainerSpec {
    let mut spec = place.spec();
    spec.zone = TimeZoneName::new("Asia/Kolkata");
    spec.machine_id = true;
    spec
}

#[test]
fn the_zone_is_linked_where_the_root_has_it() {
    let place = Place::new();
    let link = "readlink /etc/localtime || echo none";
    // `/usr/share` without zones, and with one.
    let share = place.mkdir("share");
    let mut spec = spec(&place);
    spec.mounts.push(Mount::bind_ro(&share, "/usr/share"));
    std::fs::write(place.path("lower/etc/localtime"), "").unwrap();
    let container = Container::start(&spec).unwrap();
    assert_eq!(ask(&container, link), "none");
    container.stop().unwrap();

    std::fs::create_dir_all(share.join("zoneinfo/Asia")).unwrap();
    std::fs::write(share.join("zoneinfo/Asia/Kolkata"), "TZif2").unwrap();
    let mut overlay = place.overlay();
    overlay.upper = Some(place.mkdir("upper2"));
    overlay.work = Some(place.mkdir("work2"));
    spec.root = rpmkit_sandbox::RootFs::Overlay(overlay);
    spec.read_only_root = true;
    let container = Container::start(&spec).unwrap();
    assert_eq!(ask(&container, link), "../usr/share/zoneinfo/Asia/Kolkata");
}

#[test]
fn a_machine_id_is_made_where_there_is_none() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("lower/var/lib/dbus")).unwrap();
    std::fs::write(place.path("lower/etc/machine-id"), "uninitialized\n").unwrap();
    let container = Container::start(&spec(&place)).unwrap();
    let made = ask(&container, "cat /etc/machine-id");
    assert_eq!(made.len(), 32, "{made}");
    assert!(made.bytes().all(|c| c.is_ascii_hexdigit()), "{made}");
    assert_eq!(ask(&container, "cat /var/lib/dbus/machine-id"), made);

    let place = Place::new();
    let own = "0123456789abcdef0123456789abcdef";
    std::fs::write(place.path("lower/etc/machine-id"), own).unwrap();
    let container = Container::start(&spec(&place)).unwrap();
    assert_eq!(ask(&container, "cat /etc/machine-id"), own);
}
