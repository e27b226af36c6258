//! `--scm-enable`: spec and sources from version control.

use std::path::PathBuf;

use rpmkit_cli::{Context, Failure, sources};
use rpmkit_core::{
    Error,
    build::{Buildroot, InChroot},
    config::Value,
    scm::{Checkout, ScmError, ScmOptions},
    srpm::SrpmError,
};
use serde_json::{Map, Value as Json};

use super::work::Work;

/// A checkout that is ready to be built.
pub struct Found {
    /// The spec.
    pub spec: PathBuf,
    /// The directory of sources.
    pub sources: PathBuf,
    checkout: Checkout,
}

impl Found {
    /// Removes the checkout, as mock does once a rebuild has its source package. After failures and
    /// after `--buildsrpm` it stays.
    pub fn remove(self) -> Result<(), Failure> {
        Ok(self.checkout.remove().map_err(Error::from)?)
    }
}

/// Checks out and prepares what `scm_opts` say. The spec is read by the chroot's own rpm. Log files
/// begin once there is something to build, as with mock.
pub fn checkout(cx: &Context, work: &Work<'_>, root: &mut Buildroot) -> Result<Found, Failure> {
    let options = ScmOptions::read(&values(work)?).map_err(failed)?;
    let access = sources::access(&cx.host);
    // mock makes its checkouts where Python makes temporary directories.
    let tmp = cx
        .host
        .var("TMPDIR")
        .map_or_else(|| "/tmp".into(), PathBuf::from);
    let checkout = Checkout::get(&options, &tmp, &access, &work.events).map_err(failed)?;
    if let Err(error) = checkout.spec(&options) {
        // Of all failures only a missing spec makes mock clean up.
        checkout.remove().map_err(Error::from)?;
        return Err(failed(error));
    }
    work.open_logs(cx)?;
    if work.settings.build.clean {
        root.clean().map_err(|e| work.failure(&e))?;
    }
    root.init().map_err(|e| work.failure(&e))?;
    let ready = checkout
        .prepare(&options, &[], &mut InChroot(root), &access, &work.events)
        .map_err(|error| match error {
            SrpmError::Scm(error) => failed(error),
            other => Error::from(other).into(),
        })?;
    Ok(Found {
        spec: ready.spec,
        sources: ready.sources,
        checkout,
    })
}

/// A failed command ends mock with the command's own status.
fn failed(error: ScmError) -> Failure {
    let status = error.status();
    let mut failure = Failure::from(Error::from(error));
    failure.code = status.unwrap_or(failure.code);
    failure
}

/// `scm_opts` with their types, which some of mock's answers depend on.
fn values(work: &Work<'_>) -> Result<Map<String, Json>, Failure> {
    let value = work.config.get("scm_opts").map_err(Error::from)?;
    let mut out = Map::new();
    if let Some(dict) = value.as_ref().and_then(Value::as_dict) {
        for (key, value) in dict.pairs() {
            let value = match value {
                Value::Bool(value) => Json::Bool(*value),
                Value::Str(text) => Json::String(text.clone()),
                Value::Int(number) => Json::String(number.to_string()),
                other if other.truth() => Json::Bool(true),
                _ => Json::Null,
            };
            out.insert(key.to_owned(), value);
        }
    }
    Ok(out)
}
