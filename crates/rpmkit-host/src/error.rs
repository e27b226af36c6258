//! Why a program of the host was not started.

use std::path::PathBuf;

/// Why a program was not started, or could not be waited for. One that fails is no error here.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No directory of `PATH` has it, or it is not where its path says.
    #[error("`{program}` {}", if program.contains('/') { "does not exist" } else { "is not installed on this host" })]
    NoProgram {
        /// As it was asked for.
        program: String,
    },
    /// It is there and no program.
    #[error("`{program}` cannot be executed")]
    NotExecutable {
        /// As it was asked for.
        program: String,
    },
    /// A path that depends on where one stands.
    #[error(
        "`{program}` is a path below the working directory, which may be a stranger's: expected a name or an absolute path"
    )]
    RelativeProgram {
        /// As it was asked for.
        program: String,
    },
    /// A name from outside that would be taken for an option.
    #[error("`{}` begins with `-`: `{program}` would take it for an option", word.escape_debug())]
    OptionLike {
        /// The program it was for.
        program: String,
        /// The word.
        word: String,
    },
    /// The system refused.
    #[error("cannot run `{}`: {source}", path.display())]
    Start {
        /// The program's file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
