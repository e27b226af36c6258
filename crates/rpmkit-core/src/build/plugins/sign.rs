//! `sign`: a command of the host that signs what was built, as the calling user.

use std::{collections::HashMap, process::Command};

use super::{BuildError, Buildroot, Built, Plugin, Rebuild, failed};

/// Runs `cmd opts` through a shell, with `%(rpms)s` and `%(resultdir)s` filled in.
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
        let known = HashMap::from([
            ("rpms", rpms.join(" ")),
            ("resultdir", job.resultdir.display().to_string()),
        ]);
        let line = format!("{} {}", option("cmd"), filled(&option("opts"), &known));
        let events = root.engine().events();
        events.info(format!("Signing {}", rpms.join(", ")));
        events.info(format!("Executing {line}"));
        let status = Command::new("/bin/sh")
            .args(["-c", &line])
            .stdin(std::process::Stdio::null())
            .output()
            .map_err(|error| failed(self.name(), format!("cannot run `{line}`: {error}")))?;
        for text in [&status.stdout, &status.stderr] {
            for line in String::from_utf8_lossy(text).lines() {
                events.info(line.to_owned());
            }
        }
        if status.status.success() {
            return Ok(());
        }
        Err(failed(
            self.name(),
            format!("`{line}` ended with {}", status.status),
        ))
    }
}

/// The text with `%(name)s` replaced and `%%` halved.
fn filled(text: &str, known: &HashMap<&str, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in known {
        out = out.replace(&format!("%({name})s"), value);
    }
    out.replace("%%", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let known = HashMap::from([("rpms", "a b".to_owned())]);
        assert_eq!(filled("--addsign %(rpms)s 5%%", &known), "--addsign a b 5%");
    }
}
