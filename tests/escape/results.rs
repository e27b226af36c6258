//! What a build leaves: names, links, depths, and text for whoever reads along.

use std::{fs, os::unix::fs::symlink, path::Path};

use rpmkit_tests::{Ran, World, chroot, everybody, finish, stage};

use crate::victim::Victim;

/// A package whose `%install` runs some commands, and whose files are none.
fn spec(install: &str) -> String {
    format!(
        "Name: x\nVersion: 1\nRelease: 1\nSummary: x\nLicense: MIT\nBuildArch: noarch\n\
         %description\nx\n%install\n{install}\n%files\n"
    )
}

fn tree(world: &World, install: &str) -> std::path::PathBuf {
    let tree = world.path("tree");
    world.write("tree/x.spec", &spec(install));
    world.commit(&tree);
    tree
}

fn build(world: &World, tree: &Path, out: &Path) -> Ran {
    let (tree, out) = (tree.display().to_string(), out.display().to_string());
    world.rpmkit(&["build", &tree, "--resultdir", &out])
}

#[test]
fn names_of_packages_are_no_commands() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        // No `/` fits in a name: the trace is where the line runs.
        let install = "cd %{_rpmdir}; for n in 'b;touch pwned;.rpm' '$(touch pwned).rpm' '`touch pwned`.rpm' \
                       '-rf.rpm'; do : > \"./$n\"; done";
        let tree = tree(&world, install);
        let conf = world.path("conf");
        let chroot = format!("{}/{}.cfg", stage().join("conf").display(), chroot());
        let own = if Path::new(&chroot).exists() {
            let text = format!(
                "include('{chroot}')\nconfig_opts['plugin_conf']['sign_enable'] = True\n\
                 config_opts['plugin_conf']['sign_opts'] = {{'cmd': 'cd {}; echo', 'opts': '%(rpms)s'}}\n",
                world.path("home").display()
            );
            world.write("conf/own.cfg", &text)
        } else {
            let text = format!(
                "extends = \"{}\"\n[plugin_conf]\nsign_enable = true\n\
                 sign_opts.cmd = \"cd {}; echo\"\nsign_opts.opts = \"%(rpms)s\"\n",
                chroot.replace(".cfg", ".toml"),
                world.path("home").display()
            );
            world.write("conf/own.toml", &text)
        };
        let mut command = world.command("rpmkit");
        command.args(["build", "--configdir"]).arg(&conf);
        command.arg("-r").arg(&own).arg(&tree);
        let ran = finish(command);
        victim.is_safe(&ran, &tree.join("results"));
        assert!(
            ran.stderr.contains("touch pwned"),
            "it was signed\n{}",
            ran.stderr
        );
    }
}

#[test]
fn links_among_results_are_not_followed() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let secret = victim.secret().display().to_string();
        let tree = tree(&world, &format!("ln -s {secret} %{{_rpmdir}}/leak.rpm"));
        let out = world.path("out");
        let ran = build(&world, &tree, &out);
        assert_ne!(ran.code, 0);
        victim.is_safe(&ran, &out);
    }
}

#[test]
fn nothing_is_written_through_links_of_a_result_directory() {
    for who in everybody() {
        let world = World::of(&who);
        let victim = Victim::new(&world);
        let tree = tree(&world, "");
        for name in [
            "build.log",
            "root.log",
            "state.log",
            "hw_info.log",
            "installed_pkgs.log",
            "available_pkgs.log",
            "result.json",
            "x-1-1.noarch.rpm",
            ".rpmkit-x-1-1.noarch.rpm",
        ] {
            let out = world.path(format!("out-{name}"));
            fs::create_dir(&out).unwrap();
            world.own(&out);
            symlink(victim.secret(), out.join(name)).unwrap();
            let ran = build(&world, &tree, &out);
            assert!(!victim.trace().exists());
            let content = fs::read_to_string(victim.secret()).unwrap();
            assert_eq!(content, crate::victim::SECRET, "{name}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_tree_deeper_than_any_path_goes_away() {
    for who in everybody() {
        let world = World::alone(&who);
        let install =
            "perl -e 'for (1..300) { mkdir \"d\"x200; chdir \"d\"x200 } open F, \">f\"'; exit 1";
        let tree = tree(&world, install);
        assert_ne!(build(&world, &tree, &world.path("out")).code, 0);
        world.mock(&["--scrub=all"]).expect(0);
        // What is scrubbed goes to the trash, which a process nobody waits for empties.
        let is_there = || {
            walkdir::WalkDir::new(world.cache())
                .max_depth(12)
                .into_iter()
                .filter_map(Result::ok)
                .any(|entry| entry.file_name().len() == 200)
        };
        for _ in 0..300 {
            if !is_there() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert!(!is_there(), "it is still there");
    }
}

#[test]
fn what_a_build_says_is_no_order() {
    for who in everybody() {
        let world = World::of(&who);
        let says =
            "printf '\\033]0;title\\007\\033[2J \\302\\2331m\\n::error title=x::y\\n'; exit 1";
        let tree = tree(&world, says);
        let (conf, path) = (stage().join("conf"), tree.display().to_string());
        let mut command = world.command("rpmkit");
        command
            .env("GITHUB_ACTIONS", "true")
            .args(["build", &path, "-r", &chroot(), "--configdir"])
            .arg(conf);
        let ran = finish(command);
        assert_ne!(ran.code, 0);
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{all}");
        assert!(all.contains("\\u001b]0;title"), "{all}");
        // Whatever the build says, GitHub was told not to listen.
        let (mut token, mut obeyed) = (None, 0);
        for line in all.lines() {
            if let Some(word) = line.strip_prefix("::stop-commands::") {
                token = Some(format!("::{word}::"));
            } else if token.as_deref() == Some(line) {
                token = None;
            } else if token.is_none() && line.starts_with("::error title=x::y") {
                obeyed += 1;
            }
        }
        assert_eq!(obeyed, 0, "{all}");
        assert!(
            token.is_none() && all.contains("::stop-commands::"),
            "{all}"
        );
        // On disk is what was said.
        let log = walkdir::WalkDir::new(&tree)
            .into_iter()
            .filter_map(Result::ok)
            .find(|entry| entry.file_name() == "build.log")
            .unwrap();
        let text = fs::read_to_string(log.path()).unwrap();
        assert!(text.contains("\u{1b}]0;title\u{7}\u{1b}[2J"), "{text}");
    }
}

#[test]
fn root_takes_no_link_of_another_user_on_the_way_to_results() {
    // Nobody else may write where the link leads.
    for who in everybody().into_iter().filter(|who| who.name == "root") {
        let world = World::of(&who);
        let tree = tree(&world, "");
        let private = world.path("private");
        fs::create_dir(&private).unwrap();
        let link = world.path("results-of-another");
        symlink(&private, &link).unwrap();
        std::os::unix::fs::lchown(&link, Some(1501), Some(1501)).unwrap();
        for out in [link.clone(), link.join("new")] {
            build(&world, &tree, &out)
                .expect(70)
                .says(&["no link is followed here"]);
        }
        // As mock, with a `basedir` of that kind.
        let conf = stage().join("conf").display().to_string();
        let mut mock = world.command("mock");
        mock.args(["--configdir", &conf, "-r", &chroot(), "--config-opts"]);
        mock.arg(format!("basedir={}", link.display()));
        mock.arg("--init");
        finish(mock).expect(20).says(&["no link is followed here"]);
        assert_eq!(fs::read_dir(&private).unwrap().count(), 0);
        // One that root made is fine.
        let own = world.path("own");
        symlink(&private, &own).unwrap();
        build(&world, &tree, &own).expect(0);
        assert!(private.join("build.log").exists());
    }
}

#[test]
fn only_files_are_packages() {
    for who in everybody() {
        let world = World::of(&who);
        for (what, make) in [
            ("pipe", "mkfifo a.rpm"),
            (
                "socket",
                "perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => \"a.rpm\", Listen => 1)'",
            ),
            // mknod of what overlayfs takes for a removed file, which anybody may make.
            (
                "whiteout",
                "perl -e '$n = \"a.rpm\"; syscall(133, $n, 020644, 0) == 0 or die'",
            ),
            ("directory", "mkdir -p a.rpm/b"),
        ] {
            let tree = tree(&world, &format!("cd %{{_rpmdir}}; {make}; ls -l a.rpm"));
            let out = world.path("out");
            let ran = build(&world, &tree, &out);
            assert!(ran.stderr.contains("rpmbuild"), "{what}: {}", ran.stderr);
            let left = fs::symlink_metadata(out.join("a.rpm"));
            assert!(left.is_err(), "{what} in the results: {}", ran.stderr);
            fs::remove_dir_all(&tree).unwrap();
        }
    }
}
