//! Groups of arguments that several verbs share, each said once.

mod build;
mod chroot;
mod output;
mod sources;

pub use self::{
    build::BuildOptions,
    chroot::ChrootArgs,
    output::{MessageFormat, OutputArgs},
    sources::SourceArgs,
};
