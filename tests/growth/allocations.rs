//! Counts what the current thread allocates.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe by its nature; this one hands everything on to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What was allocated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allocations {
    /// How many times.
    pub(crate) number: u64,
    /// How many bytes, growth of what stood already counted as a whole.
    pub(crate) bytes: u64,
}

/// Runs `work` and counts what it allocates on this thread.
pub(crate) fn count<T>(work: impl FnOnce() -> T) -> (T, Allocations) {
    let before = NUMBER.get();
    let bytes_before = BYTES.get();
    let made = work();
    let allocations = Allocations {
        number: NUMBER.get() - before,
        bytes: BYTES.get() - bytes_before,
    };
    (made, allocations)
}

thread_local! {
    static NUMBER: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn note(size: usize) {
    // A thread that ends allocates when its counters are gone already.
    let _ = NUMBER.try_with(|number| number.set(number.get() + 1));
    let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + size as u64));
}

// SAFETY: every call is the system allocator's; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller's promise is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller's promise is the same.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
