//! The build user's `~/.rpmmacros` and the rpmbuild command lines.

use rpmkit_types::ChrootPath;

/// What of a package is to be made or skipped; the names are those of mock's options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShortCircuit {
    /// `rpmbuild -bp`
    Prep,
    /// `rpmbuild -bc --short-circuit`
    Build,
    /// `rpmbuild -bi --short-circuit`
    Install,
    /// `rpmbuild -bb --short-circuit`
    Binary,
}

impl ShortCircuit {
    fn stage(self) -> &'static str {
        match self {
            Self::Prep => "-bp",
            Self::Build => "-bc",
            Self::Install => "-bi",
            Self::Binary => "-bb",
        }
    }
}

/// The section a build goes on from, in the tree an earlier one left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResumeFrom {
    /// `%build`
    Build,
    /// `%install`
    Install,
    /// `%check`
    Check,
    /// `%files`: packages are made of what is installed.
    Files,
}

impl ResumeFrom {
    /// The calls of rpmbuild that do the rest, in order.
    pub fn stages(self) -> Vec<BuildStage> {
        let part = |part, installed| BuildStage::Part { part, installed };
        let (build, install) = (
            part(ShortCircuit::Build, false),
            part(ShortCircuit::Install, false),
        );
        let check = part(ShortCircuit::Install, true);
        let files = part(ShortCircuit::Binary, false);
        match self {
            Self::Build => vec![build, install, files],
            Self::Install => vec![install, files],
            Self::Check => vec![check, files],
            Self::Files => vec![files],
        }
    }
}

/// Everything that shapes an rpmbuild call.
#[derive(Debug, Clone)]
pub struct RpmbuildOptions {
    /// Path of rpmbuild in the chroot.
    pub command: String,
    /// `--target`.
    pub target: String,
    /// False skips `%check`.
    pub check: bool,
    /// Only a part of the build.
    pub short_circuit: Option<ShortCircuit>,
    /// The user's own words, appended.
    pub extra: Vec<String>,
    /// Keep the build tree although rpmbuild would remove it.
    pub noclean: bool,
}

/// Which of the calls of one build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildStage {
    /// `-bs`: (re)make the source package.
    Source,
    /// `-br`: run `%generate_buildrequires`; `prep` says whether `%prep` is still to run.
    BuildRequires {
        /// False from the second round on.
        prep: bool,
    },
    /// One part, the sections before it being done: rpm marks packages that come of it.
    Part {
        /// Which.
        part: ShortCircuit,
        /// Leaves `%install` out, so that only `%check` of its part runs.
        installed: bool,
    },
    /// The build proper.
    Final {
        /// The dynamic stage ran before: `%prep` is done and the source package is to be rewritten.
        dynamic: bool,
    },
}

impl RpmbuildOptions {
    /// The command line for one stage, ready for a login shell, as mock runs it: a login shell
    /// reads `/etc/profile.d`, where compilers and language stacks put their settings.
    pub fn argv(&self, stage: BuildStage, spec: &ChrootPath) -> Vec<String> {
        let mut words: Vec<String> = vec![self.command.clone()];
        match stage {
            BuildStage::Source => words.push("-bs".into()),
            BuildStage::BuildRequires { prep } => {
                words.push("-br".into());
                if !prep {
                    words.push("--noprep".into());
                }
            }
            BuildStage::Part { part, installed } => {
                words.push(part.stage().into());
                words.push("--short-circuit".into());
                if installed {
                    words.extend(["--define".into(), "__spec_install_template exit 0; ".into()]);
                }
            }
            BuildStage::Final { dynamic } => {
                match self.short_circuit {
                    Some(part) => {
                        words.push(part.stage().into());
                        words.push("--short-circuit".into());
                    }
                    None if dynamic => words.push("-ba".into()),
                    None => words.push("-bb".into()),
                }
                if dynamic {
                    words.push("--noprep".into());
                }
            }
        }
        if self.noclean {
            words.push("--noclean".into());
        }
        words.extend(["--target".into(), self.target.clone()]);
        // A dynamic build's last call checks dependencies: %generate_buildrequires runs once more
        // there and could, rarely, ask for something new.
        if stage != (BuildStage::Final { dynamic: true }) {
            words.push("--nodeps".into());
        }
        if !self.check && stage != BuildStage::Source {
            words.extend(["--define".into(), "__spec_check_template exit 0; ".into()]);
        }
        words.push(spec.to_string());
        if stage != BuildStage::Source {
            words.extend(self.extra.iter().cloned());
        }
        let line = words
            .iter()
            .map(|word| shell_word(word))
            .collect::<Vec<_>>()
            .join(" ");
        vec!["bash".into(), "--login".into(), "-c".into(), line]
    }
}

/// Quotes a word for a POSIX shell where it needs it.
pub fn shell_word(word: &str) -> String {
    // Fails only for NUL bytes, which cannot be part of an argument anyway.
    shlex::try_quote(word).map_or_else(|_| word.replace('\0', ""), |quoted| quoted.into_owned())
}

/// Text of `.rpmmacros`: the user's macro file first, then one line a macro. Line breaks inside a
/// value are escaped, since rpm ends a macro at an unescaped one.
pub fn rpmmacros<'a>(
    macro_file: Option<&str>,
    macros: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut out = String::new();
    if let Some(text) = macro_file {
        out.push_str(text);
        out.push_str("\n\n");
    }
    for (name, value) in macros {
        out.push_str(name);
        out.push(' ');
        out.push_str(&value.replace("\\\n", "\n").replace('\n', "\\\n"));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> RpmbuildOptions {
        RpmbuildOptions {
            command: "/usr/bin/rpmbuild".into(),
            target: "x86_64".into(),
            check: true,
            short_circuit: None,
            extra: Vec::new(),
            noclean: false,
        }
    }

    fn line(options: &RpmbuildOptions, stage: BuildStage) -> String {
        options
            .argv(stage, &ChrootPath::new("/builddir/build/SPECS/a b.spec"))
            .pop()
            .unwrap_or_default()
    }

    #[test]
    fn stages_have_the_words_mock_uses() {
        let mut o = options();
        assert_eq!(
            line(&o, BuildStage::Source),
            "/usr/bin/rpmbuild -bs --target x86_64 --nodeps '/builddir/build/SPECS/a b.spec'"
        );
        o.check = false;
        assert_eq!(
            line(&o, BuildStage::Final { dynamic: true }),
            "/usr/bin/rpmbuild -ba --noprep --target x86_64 --define '__spec_check_template exit 0; ' \
             '/builddir/build/SPECS/a b.spec'"
        );
        o.short_circuit = Some(ShortCircuit::Install);
        assert!(line(&o, BuildStage::Final { dynamic: false }).contains("-bi --short-circuit"));
        for (from, words) in [
            (
                ResumeFrom::Build,
                vec![
                    "-bc --short-circuit",
                    "-bi --short-circuit",
                    "-bb --short-circuit",
                ],
            ),
            (
                ResumeFrom::Check,
                vec!["__spec_install_template", "-bb --short-circuit"],
            ),
            (ResumeFrom::Files, vec!["-bb --short-circuit"]),
        ] {
            let stages = from.stages();
            assert_eq!(stages.len(), words.len());
            for (stage, word) in stages.into_iter().zip(words) {
                assert!(line(&o, stage).contains(word), "{from:?}");
            }
        }
        assert!(line(&o, BuildStage::BuildRequires { prep: false }).contains("-br --noprep"));
    }

    #[test]
    fn macros_stay_one_logical_line() {
        assert_eq!(
            rpmmacros(Some("%a 1"), [("%b", "x\ny")]),
            "%a 1\n\n%b x\\\ny\n"
        );
    }
}
