//! `sign`: a command of the host that signs what was built, as the calling user.

use rpmkit_host::{Environment, HostCommand, HostError};

use super::{BuildError, Buildroot, Built, Plugin, Rebuild, failed};

/// Runs `cmd opts`, which are the user's own, through a shell, with `%(rpms)s` and `%(resultdir)s` filled in.
pub(super) struct Sign;

impl Plugin for Sign {
    fn name(&self) -> &'static str {
        "sign"
    }

    fn postbuild(
        &self,
        root: &mut Buildroot,
        job: &Rebuild,
        built: Option<&Built>,
    ) -> Result<(), BuildError> {
        let Some(built) = built.filter(|built| !built.artifacts.is_empty()) else {
            return Ok(());
        };
        let option = |key: &str| {
            let value = root.settings().plugins.option(self.name(), key);
            value.map(ToString::to_string).unwrap_or_default()
        };
        let rpms: Vec<String> = built
            .artifacts
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let opts = Opts {
            rpms: &rpms,
            resultdir: &job.resultdir.display().to_string(),
        };
        let line = format!("{} {}", option("cmd"), opts.filled(&option("opts")));
        let events = root.engine().events();
        events.info(format!("Signing {}", rpms.join(", ")));
        events.info(format!("Executing {line}"));
        let ended = opts
            .command(&line, &root.engine().surroundings().environment)
            .and_then(|command| command.output())
            .map_err(|error| failed(self.name(), format!("cannot run `{line}`: {error}")))?;
        for text in [&ended.stdout, &ended.stderr] {
            for line in String::from_utf8_lossy(text).lines() {
                events.info(line.to_owned());
            }
        }
        if ended.status.success() {
            return Ok(());
        }
        Err(failed(
            self.name(),
            format!("`{line}` ended with {}", ended.status),
        ))
    }
}

/// What fills placeholders. A build chooses the names of its packages.
struct Opts<'a> {
    rpms: &'a [String],
    resultdir: &'a str,
}

impl Opts<'_> {
    /// The text with `%(rpms)s` and `%(resultdir)s` replaced and `%%` halved. Names that mean something
    /// to a shell, which no package of rpmbuild's own naming has, are not written into the line: the
    /// shell gets them as parameters.
    fn filled(&self, text: &str) -> String {
        let or = |texts: &[&str], parameter: &str| match texts.iter().all(|text| is_plain(text)) {
            true => texts.join(" "),
            false => parameter.to_owned(),
        };
        let rpms: Vec<&str> = self.rpms.iter().map(String::as_str).collect();
        text.replace("%%", "\0")
            .replace("%(rpms)s", &or(&rpms, "\"$@\""))
            .replace("%(resultdir)s", &or(&[self.resultdir], "\"$0\""))
            .replace('\0', "%")
    }

    /// The shell that runs a filled line.
    fn command(&self, line: &str, env: &Environment) -> Result<HostCommand, HostError> {
        HostCommand::line(line, self.resultdir, self.rpms, env)
    }
}

/// Whether a shell takes a word as it is.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._+-~^:@,=".contains(&byte))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
    use super::*;

    fn said(opts: &str, names: &[&str]) -> String {
        let rpms: Vec<String> = names.iter().map(|name| format!("/r/{name}")).collect();
        let of = Opts {
            rpms: &rpms,
            resultdir: "/r",
        };
        let line = format!("printf '<%s>' {}", of.filled(opts));
        let env = Environment::default();
        let output = of.command(&line, &env).unwrap().output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn placeholders_are_filled_in() {
        let of = Opts {
            rpms: &["a".into(), "b~1^2+x.rpm".into()],
            resultdir: "/r",
        };
        assert_eq!(
            of.filled("--addsign %(rpms)s 5%% %%(rpms)s %(resultdir)s"),
            "--addsign a b~1^2+x.rpm 5% %(rpms)s /r"
        );
    }

    #[test]
    fn names_are_never_read_by_the_shell() {
        let dir = tempfile::tempdir().unwrap();
        let pwned = dir.path().join("pwned");
        let touch = format!("touch${{IFS}}{}", pwned.display());
        for name in [
            format!("b;{touch};.rpm"),
            format!("$({touch}).rpm"),
            format!("`{touch}`.rpm"),
            format!("'$({touch})'.rpm"),
            format!("\"$({touch})\".rpm"),
        ] {
            let whole = format!("</r/{name}></r/b.rpm>");
            assert_eq!(said("%(rpms)s", &[&name, "b.rpm"]), whole);
            for opts in ["\"%(rpms)s\"", "'%(rpms)s'"] {
                said(opts, &[&name]);
            }
            assert!(!pwned.exists(), "{name}");
        }
        assert_eq!(said("%(rpms)s", &["a b.rpm"]), "</r/a b.rpm>");
    }
}
