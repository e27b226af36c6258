//! `module list`, `info`, `install`, `enable`, `disable`, `reset`, `remove`. What is enabled in a chroot stands
//! where dnf has it, in `/etc/dnf/modules.d/NAME.module`.

use rpmkit_cli::{Failure, Status, VerbResult};
use rpmkit_core::{
    ExitCode,
    build::Buildroot,
    solve::{ModuleStream, glob_matches},
};

use super::{alter::Alter, look::PmLook, unknown};

/// One verb with its module specs.
pub fn run(look: &PmLook<'_, '_>, alter: &Alter<'_, '_>, verb: &str) -> VerbResult {
    let words = alter.words;
    match verb {
        "list" => list(look, words),
        "info" | "provides" | "repoquery" => info(look, words),
        "install" => alter.change(|root, request| {
            for word in named(words)? {
                known(look, root, word)?;
                request.install.push(format!("@{word}"));
            }
            Ok(())
        }),
        "enable" | "switch-to" | "disable" | "reset" | "remove" => {
            let words: Vec<&str> = named(words)?.to_vec();
            alter.change(|root, request| {
                for word in &words {
                    let stream = known(look, root, word)?;
                    if verb == "remove" {
                        let packages = names(&stream);
                        let present = root.packages().map_err(|e| look.work.failure(&e))?;
                        let there = present.iter().map(|p| p.nevra.name.clone());
                        request
                            .remove
                            .extend(there.filter(|name| packages.contains(name)));
                        continue;
                    }
                    write(look, root, verb, &stream)?;
                }
                Ok(())
            })
        }
        other => Err(unknown(&format!("module {other}"))),
    }
}

fn named<'a>(words: &'a [&'a str]) -> Result<&'a [&'a str], Failure> {
    if words.is_empty() {
        return Err(Failure::usage("You must specify a module."));
    }
    Ok(words)
}

fn streams(look: &PmLook<'_, '_>, root: &Buildroot) -> Result<Vec<ModuleStream>, Failure> {
    let streams = root.package_manager().module_streams();
    streams.map_err(|e| look.work.failure(&e.into()))
}

/// `NAME[:STREAM][/PROFILE]` into its parts.
fn parts(spec: &str) -> (&str, Option<&str>) {
    let spec = spec.split('/').next().unwrap_or(spec);
    match spec.split_once(':') {
        Some((name, rest)) => (name, rest.split(':').next()),
        None => (spec, None),
    }
}

/// The stream a spec means: the one named, else the default one, else the only one.
fn known(look: &PmLook<'_, '_>, root: &Buildroot, spec: &str) -> Result<ModuleStream, Failure> {
    let (name, stream) = parts(spec);
    let all = streams(look, root)?;
    let mut fits = all
        .into_iter()
        .filter(|one| one.name == name && stream.is_none_or(|wanted| one.stream == wanted));
    let first = fits.next();
    first
        .map(|first| {
            if first.is_default {
                return first;
            }
            fits.find(|one| one.is_default).unwrap_or(first)
        })
        .ok_or_else(|| {
            Failure::new(
                ExitCode::PackageManager,
                format!("Unable to resolve argument {spec}"),
            )
        })
}

/// Names of a stream's packages.
fn names(stream: &ModuleStream) -> Vec<String> {
    let name = |nevra: &String| {
        let mut parts = nevra.rsplitn(3, '-');
        parts.nth(2).map(str::to_owned)
    };
    stream.artifacts.iter().filter_map(name).collect()
}

fn write(
    look: &PmLook<'_, '_>,
    root: &mut Buildroot,
    verb: &str,
    stream: &ModuleStream,
) -> Result<(), Failure> {
    let name = &stream.name;
    let (state, shown) = match verb {
        "disable" => ("disabled", ""),
        "reset" => ("", ""),
        _ => ("enabled", stream.stream.as_str()),
    };
    let text = format!("[{name}]\nname={name}\nstream={shown}\nprofiles=\nstate={state}\n");
    let script =
        "mkdir -p /etc/dnf/modules.d && printf %s \"$2\" >\"/etc/dnf/modules.d/$1.module\"";
    let argv = ["/bin/sh", "-c", script, "sh", name, &text];
    let fail = |e| look.work.failure(&e);
    root.touch().map_err(fail)?;
    let ran = root
        .quietly(argv.map(str::to_owned).to_vec())
        .map_err(fail)?;
    if !ran.exit.success() {
        return Err(Failure::new(
            ExitCode::PackageManager,
            format!("module {name}: {}", ran.tail.join("; ")),
        ));
    }
    look.say(match verb {
        "disable" => format!("Disabling modules:\n {name}"),
        "reset" => format!("Resetting modules:\n {name}"),
        _ => format!("Enabling module streams:\n {name} {shown}"),
    });
    Ok(())
}

fn list(look: &PmLook<'_, '_>, words: &[&str]) -> VerbResult {
    look.with_root(|root| {
        look.say(format!(
            "{:<20} {:<15} {:<40}",
            "Name", "Stream", "Profiles"
        ));
        for stream in streams(look, root)? {
            if !words.is_empty()
                && !words
                    .iter()
                    .any(|word| glob_matches(parts(word).0, &stream.name))
            {
                continue;
            }
            let mark = if stream.is_default { " [d]" } else { "" };
            let profiles: Vec<String> = stream
                .profiles
                .iter()
                .map(|(name, is_default)| {
                    format!("{name}{}", if *is_default { " [d]" } else { "" })
                })
                .collect();
            let shown = format!("{}{mark}", stream.stream);
            look.say(format!(
                "{:<20} {shown:<15} {}",
                stream.name,
                profiles.join(", ")
            ));
        }
        look.say("\nHint: [d]efault, [e]nabled, [x]disabled, [i]nstalled");
        Ok(Status::OK)
    })
}

fn info(look: &PmLook<'_, '_>, words: &[&str]) -> VerbResult {
    let words = named(words)?;
    look.with_root(|root| {
        for word in words {
            known(look, root, word)?;
            let (name, stream) = parts(word);
            for one in streams(look, root)? {
                if one.name != name || stream.is_some_and(|wanted| one.stream != wanted) {
                    continue;
                }
                let profiles: Vec<&str> =
                    one.profiles.iter().map(|(name, _)| name.as_str()).collect();
                look.say(format!("Name             : {}", one.name));
                look.say(format!("Stream           : {}", one.stream));
                look.say(format!("Profiles         : {}", profiles.join(", ")));
                look.say(format!(
                    "Artifacts        : {}",
                    one.artifacts.join("\n                 : ")
                ));
                look.say("");
            }
        }
        Ok(Status::OK)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_named_with_stream_and_profile() {
        assert_eq!(parts("nodejs"), ("nodejs", None));
        assert_eq!(parts("nodejs:18/common"), ("nodejs", Some("18")));
        assert_eq!(parts("nodejs:18:2024"), ("nodejs", Some("18")));
    }

    #[test]
    fn artifacts_have_names() {
        let stream = ModuleStream {
            name: "m".into(),
            stream: "1".into(),
            is_default: false,
            profiles: Vec::new(),
            artifacts: vec!["a-b-0:1.2-3.noarch".into()],
        };
        assert_eq!(names(&stream), ["a-b"]);
    }
}
