//! Limits and the final exec of a command's process.

use crate::error::{AtStep, SandboxStep, StepError};
use crate::spec::{Limit, Resource};
use nix::errno::Errno;
use nix::sys::resource::{Resource as Kernel, getrlimit, setrlimit};
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The open-files limit we were started with: pid 1 raises its own for long layer chains, commands get this one back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SavedLimits {
    soft: u64,
    hard: u64,
}

impl SavedLimits {
    pub(crate) fn raise_files() -> Result<Self, StepError> {
        let text = "raise the limit of open files";
        let (soft, hard) = getrlimit(Kernel::RLIMIT_NOFILE).step(SandboxStep::Limits, text)?;
        setrlimit(Kernel::RLIMIT_NOFILE, hard, hard).step(SandboxStep::Limits, text)?;
        Ok(Self { soft, hard })
    }

    /// Sets the saved limit, then the given ones in order.
    pub(crate) fn apply<'a>(
        self,
        limits: impl Iterator<Item = &'a Limit>,
    ) -> Result<(), StepError> {
        setrlimit(Kernel::RLIMIT_NOFILE, self.soft, self.hard)
            .step(SandboxStep::Limits, "set the limit of open files")?;
        for limit in limits {
            let text = || format!("set the limit {:?}", limit.resource);
            let kernel = kernel(limit.resource);
            let (soft, hard) = getrlimit(kernel).step(SandboxStep::Limits, text())?;
            let new_hard = limit.hard.map_or(hard, |wanted| wanted.min(hard));
            let new_soft = limit.soft.unwrap_or(soft).min(new_hard);
            setrlimit(kernel, new_soft, new_hard).step(SandboxStep::Limits, text())?;
        }
        Ok(())
    }
}

fn kernel(resource: Resource) -> Kernel {
    match resource {
        Resource::AddressSpace => Kernel::RLIMIT_AS,
        Resource::Core => Kernel::RLIMIT_CORE,
        Resource::Cpu => Kernel::RLIMIT_CPU,
        Resource::Data => Kernel::RLIMIT_DATA,
        Resource::FileSize => Kernel::RLIMIT_FSIZE,
        Resource::LockedMemory => Kernel::RLIMIT_MEMLOCK,
        Resource::NoFile => Kernel::RLIMIT_NOFILE,
        Resource::NProc => Kernel::RLIMIT_NPROC,
        Resource::Stack => Kernel::RLIMIT_STACK,
    }
}

/// Replaces this process. Returns only the reason why not.
pub(crate) fn exec(argv: &[OsString], env: &[(OsString, OsString)]) -> StepError {
    let Some(program) = argv.first() else {
        return StepError::new(SandboxStep::Exec, "execute an empty command", Errno::EINVAL);
    };
    let failed = |errno| StepError::new(SandboxStep::Exec, "execute", errno).at(program.as_ref());
    let args = argv
        .iter()
        .map(|arg| CString::new(arg.as_bytes()))
        .collect::<Result<Vec<_>, _>>();
    let vars = env
        .iter()
        .map(|(name, value)| CString::new(variable(name, value)))
        .collect::<Result<Vec<_>, _>>();
    let (Ok(args), Ok(vars)) = (args, vars) else {
        return failed(Errno::EINVAL).because("a NUL byte in an argument or variable");
    };
    let mut errno = Errno::ENOENT;
    for candidate in candidates(program, env) {
        let Ok(path) = CString::new(candidate) else {
            continue;
        };
        match nix::unistd::execve(&path, &args, &vars) {
            Ok(never) => match never {},
            // As execvp: go on looking, but remember that something was there.
            Err(Errno::ENOENT | Errno::ENOTDIR) => {}
            Err(e) => {
                errno = e;
                if e != Errno::EACCES {
                    break;
                }
            }
        }
    }
    failed(errno)
}

fn variable(name: &OsStr, value: &OsStr) -> Vec<u8> {
    let mut text = name.to_owned().into_vec();
    text.push(b'=');
    text.extend_from_slice(value.as_bytes());
    text
}

fn candidates(program: &OsStr, env: &[(OsString, OsString)]) -> Vec<Vec<u8>> {
    let name = program.as_bytes();
    if name.contains(&b'/') {
        return vec![name.to_vec()];
    }
    let path = env
        .iter()
        .find(|(name, _)| name == "PATH")
        .map_or(OsStr::new("/usr/bin:/bin"), |(_, path)| path);
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|dir| [if dir.is_empty() { b"." } else { dir }, b"/", name].concat())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_names_are_searched_for() {
        let env = [(OsString::from("PATH"), OsString::from("/a::/b"))];
        let found = candidates(OsStr::new("x"), &env);
        assert_eq!(found, [b"/a/x".to_vec(), b"./x".to_vec(), b"/b/x".to_vec()]);
        assert_eq!(candidates(OsStr::new("y/x"), &env), [b"y/x".to_vec()]);
    }
}
