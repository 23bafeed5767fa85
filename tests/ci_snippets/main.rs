//! What people copy into their pipelines: the files of `examples/ci` and the pages of `docs/ci` that hold them.
//!
//! Each file is held to the schema of its platform where there is one ([`schemas`]), its shell to shellcheck ([`shell`]), and
//! each shell runs: in a shallow clone of a built repository, with the built program, where the network and Xcode are
//! stand-ins ([`running`]). So do the scripts of `packaging`, which make, install and run releases. The repository's address and the pinned commit stand in `Cargo.toml` alone ([`source`]).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "test support outside of #[test] functions panics as tests do, and runs tools and the built program"
)]

mod action;
mod generated;
mod packaging;
mod pages;
mod running;
mod schemas;
mod shell;
mod site;
mod snippet;
mod source;
mod tools;
