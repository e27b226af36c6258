//! Modes that only tell what is configured.

use rpmkit_cli::{Context, Status, VerbResult};
use rpmkit_core::{
    Error,
    config::{debug::debug_config as printed, list},
};

use super::work::{self, Work};
use crate::request::MockRequest;

/// `--list-chroots`
pub fn list_chroots(cx: &Context, request: &MockRequest) -> VerbResult {
    let text = list::list_chroots(&work::load_request(cx, request)).map_err(Error::from)?;
    cx.printer.raw(text.as_bytes());
    Ok(Status::OK)
}

/// `--debug-config`, `--debug-config-expanded`
pub fn debug_config(cx: &Context, work: &Work<'_>, expanded: bool) -> VerbResult {
    let text = printed(&work.config, expanded).map_err(Error::from)?;
    cx.printer.raw(text.as_bytes());
    Ok(Status::OK)
}
