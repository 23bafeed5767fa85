//! The program with another `security` and `codesign` than Apple's: `countersign_with_tools --tools DIR WORDS…` does what
//! `countersign WORDS…` does with the tools in DIR.
//!
//! It is made for development and never released: a program that can be told which `security` to use can be told to use one
//! that only says it locks.

#![allow(missing_docs, clippy::expect_used)]

use std::alloc::System;
use std::process::ExitCode;

use countersign::cli::{self, Start};
use zeroizing_alloc::ZeroAlloc;

/// As in the released program, whose memory the tests look into.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let mut start = Start::of_process();
    start.words = start.arguments.drain(1..3).collect();
    assert!(start.words.first().is_some_and(|flag| flag == "--tools"));
    let tools = start.words.last().expect("a directory comes after --tools");
    start.tools = Some(tools.into());
    cli::main_of(&start)
}
