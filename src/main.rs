//! The program: everything is in the library.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Passwords and private keys pass through libraries that free their copies unwiped; nothing that was freed is left to be
/// found in this process's memory.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    countersign::cli::main()
}
