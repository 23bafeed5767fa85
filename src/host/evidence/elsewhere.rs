//! Systems without namespaces, where a process cannot see what is mapped into it without unsafe code.

use std::ffi::OsString;

use crate::context::gate::facts::Namespace;

pub(super) fn user_namespace() -> Namespace {
    Namespace::None
}

pub(super) fn uts_namespace() -> Namespace {
    Namespace::None
}

/// The environment is the only one there is.
pub(super) fn first_environment() -> Vec<(OsString, OsString)> {
    Vec::new()
}

pub(super) fn told_by_the_system() -> Vec<String> {
    Vec::new()
}

pub(super) fn mapped() -> Option<Vec<String>> {
    Some(Vec::new())
}
