//! What differs between generations of rpm and must not differ for whoever builds: users that packages declare,
//! hard links, requirements and packages found out while building, stages by themselves.

use std::path::Path;

use rpmkit_tests::{Ran, World, everybody};

/// `%install` works only once `/builddir/go` is there.
const SPEC: &str = r#"
Name: gen
Version: 1.0~rc1
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%prep
%setup -q -c -T
echo prepared > prepared
%generate_buildrequires
echo make
%build
make --version
%install
test -s prepared
test -e /builddir/go || exit 3
mkdir -p %{buildroot}/usr/share/gen %{buildroot}/usr/lib/sysusers.d
echo content > %{buildroot}/usr/share/gen/a
ln %{buildroot}/usr/share/gen/a %{buildroot}/usr/share/gen/b
echo 'u genuser - "Made by rpm" /var/lib/gen' > %{buildroot}/usr/lib/sysusers.d/gen.conf
%files
/usr/share/gen
/usr/lib/sysusers.d/gen.conf
"#;

/// A directory in version 1 and a link in version 2, as Fedora's guidelines tell packagers to do it.
const SWAP: &str = r#"
Name: swap
Version: @VERSION@
Release: 1
Summary: x
License: MIT
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/usr/share/swap-new/below
echo @VERSION@ > %{buildroot}/usr/share/swap-new/below/file
%if @VERSION@ == 1
mv %{buildroot}/usr/share/swap-new %{buildroot}/usr/share/swap
%else
ln -s swap-new %{buildroot}/usr/share/swap
%pretrans -p <lua>
local path = "/usr/share/swap"
local found = posix.stat(path)
if found and found.type == "directory" then
  assert(os.rename(path, path .. ".rpmmoved"))
end
%endif
%files
/usr/share/swap*
"#;

/// Builds the spec, or one stage of it.
fn build(world: &World, spec: &Path, more: &[&str]) -> Ran {
    let text = |path: &Path| path.display().to_string();
    let (spec, out) = (text(spec), text(&world.path("out")));
    let sources = text(&world.path("sources"));
    let mut words = vec![
        "--rebuild",
        "--spec",
        &spec,
        "--sources",
        &sources,
        "--resultdir",
        &out,
    ];
    words.extend(more);
    world.mock(&words)
}

fn asked(world: &World, script: &str) -> String {
    let ran = world
        .mock(&["-q", "--no-clean", "--chroot", script])
        .expect(0);
    ran.stdout.trim().to_owned()
}

#[test]
fn a_package_with_users_and_hard_links() {
    for who in everybody() {
        let world = World::of(&who);
        world.mock(&["--scrub=all"]).expect(0);
        world.write("sources/none", "");
        let spec = world.write("gen.spec", SPEC);
        build(&world, &spec, &["--no-cleanup-after"]).expect(1);
        asked(&world, "touch /builddir/go");
        let stage = [
            "--no-clean",
            "--no-cleanup-after",
            "--short-circuit",
            "install",
        ];
        // What was prepared is gone on with; a stage by itself leaves no packages.
        build(&world, &spec, &stage).expect(0);
        let spec = world.write("gen.spec", &SPEC.replace("test -e /builddir/go", "true"));
        build(&world, &spec, &[]).expect(0);

        world.mock(&["--init"]).expect(0);
        let package = world.path("out/gen-1.0~rc1-1.noarch.rpm");
        world
            .mock(&["--install", &package.display().to_string()])
            .expect(0);
        let links = asked(&world, "stat -c %h /usr/share/gen/a; cat /usr/share/gen/b");
        assert_eq!(links, "2\ncontent", "{who:?}");
        // Since 4.19 rpm makes them itself; before, they are nobody's business here.
        let users = asked(
            &world,
            "rpm -q --provides gen | grep -q '^user(genuser)' || exit 0; getent passwd genuser | cut -d: -f1,5,6; rpm -V gen",
        );
        assert!(
            ["", "genuser:Made by rpm:/var/lib/gen"].contains(&users.as_str()),
            "{who:?}: {users}"
        );
        let provides = asked(&world, "rpm --version; rpm -q --provides gen");
        let old = provides.contains("version 4.18");
        assert_eq!(provides.contains("user(genuser)"), !old, "{provides}");
        assert_eq!(users.is_empty(), old, "{provides}");
        world.mock(&["--scrub=all"]).expect(0);
    }
}

#[test]
fn a_directory_of_a_lower_layer_gives_way_to_a_link() {
    for who in everybody() {
        let world = World::of(&who);
        world.mock(&["--scrub=all"]).expect(0);
        world.write("sources/none", "");
        for version in ["1", "2"] {
            let spec = world.write("swap.spec", &SWAP.replace("@VERSION@", version));
            build(&world, &spec, &[]).expect(0);
        }
        world.mock(&["--init"]).expect(0);
        for version in ["1", "2"] {
            let package = world.path(format!("out/swap-{version}-1.noarch.rpm"));
            world
                .mock(&["--install", &package.display().to_string()])
                .expect(0);
        }
        let found = asked(
            &world,
            "readlink /usr/share/swap; cat /usr/share/swap/below/file /usr/share/swap.rpmmoved/below/file; rpm -V swap",
        );
        // rpm had removed nothing of what was moved away.
        assert_eq!(found, "swap-new\n2\n1", "{who:?}");
        world.mock(&["--scrub=all"]).expect(0);
    }
}
