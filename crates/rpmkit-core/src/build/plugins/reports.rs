//! `showrc` and `procenv`: what rpm and processes find in the chroot. mock asks the host's programs; the
//! chroot's are the ones a build meets, and the host may have none.

use super::{BuildError, Buildroot, Plugin, Rebuild, write};

/// The output of one program as a file of the result directory.
pub(super) struct ProgramReport {
    name: &'static str,
    argv: &'static [&'static str],
    file: &'static str,
}

/// `rpm --showrc`
pub(super) const SHOWRC: ProgramReport = ProgramReport {
    name: "showrc",
    argv: &["rpm", "--showrc"],
    file: "showrc.log",
};

/// `procenv`
pub(super) const PROCENV: ProgramReport = ProgramReport {
    name: "procenv",
    argv: &["procenv"],
    file: "procenv.log",
};

impl Plugin for ProgramReport {
    fn name(&self) -> &'static str {
        self.name
    }

    fn prebuild(&self, root: &mut Buildroot, job: &Rebuild) -> Result<(), BuildError> {
        let argv: Vec<String> = self.argv.iter().map(|&word| word.to_owned()).collect();
        // Through a shell, so that a missing program is a status and no failure of ours.
        let line = ["/bin/sh", "-c", "exec \"$@\"", "sh"];
        let words = line.into_iter().map(str::to_owned).chain(argv).collect();
        let ran = root.quietly(words)?;
        if !ran.exit.success() {
            root.engine().events().warn(format!(
                "plugin {}: `{}` failed in the chroot ({}); `chroot_additional_packages` can bring it",
                self.name,
                self.argv[0],
                ran.tail.join("; ")
            ));
        }
        write(job.resultdir.join(self.file), &ran.output)
    }
}
