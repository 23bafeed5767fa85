//! The program with another `security` and `codesign` than Apple's, or with another App Store Connect:
//! `countersign_with_tools --tools DIR WORDS…` does what `countersign WORDS…` does with the tools in DIR,
//! `countersign_with_tools --portal ADDRESS WORDS…` with a stand-in that listens on this machine.
//!
//! It is made for development and never released: a program that can be told which `security` to use can be told to use one
//! that only says it locks, and one that can be told whom to ask can be told to hand its token to anybody.

#![allow(missing_docs, clippy::expect_used, clippy::panic)]

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
    let [flag, value] = start.words.as_slice() else {
        panic!("--tools DIR or --portal ADDRESS comes first");
    };
    match flag.to_str() {
        Some("--tools") => start.tools = Some(value.into()),
        Some("--portal") => {
            let address = value.to_str().and_then(|address| address.parse().ok());
            start.portal = Some(address.expect("an address comes after --portal"));
        }
        _ => panic!("--tools DIR or --portal ADDRESS comes first"),
    }
    cli::main_of(&start)
}
