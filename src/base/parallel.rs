//! The same work on many things, on every core.
//!
//! Threads are a convenience here, and never a condition: where the system gives none (the user may have no more processes, or
//! the process no more memory), the work is done one thing after the other. The library's own pool would panic there instead.

use std::sync::LazyLock;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// What `each` makes of every item, in the order of `items`. A thread gets at least `least` items, so that it has more to do
/// than starting costs.
pub fn map<T: Send, R: Send>(
    items: Vec<T>,
    least: usize,
    each: impl Fn(T) -> R + Send + Sync,
) -> Vec<R> {
    map_with(items, least, || (), |(), item| each(item))
}

/// As [`map`], with something that each thread makes once and uses for all of its items: a buffer.
pub fn map_with<T: Send, B, R: Send>(
    items: Vec<T>,
    least: usize,
    make: impl Fn() -> B + Send + Sync,
    each: impl Fn(&mut B, T) -> R + Send + Sync,
) -> Vec<R> {
    let is_worth_it = items.len() > least.max(1);
    match POOL.as_ref().filter(|_| is_worth_it) {
        Some(pool) => pool.install(|| {
            let items = items.into_par_iter().with_min_len(least);
            items.map_init(make, each).collect()
        }),
        None => {
            let mut made = make();
            items
                .into_iter()
                .map(|item| each(&mut made, item))
                .collect()
        }
    }
}

/// Does both, side by side where there is a thread for it.
pub fn join<A: Send, B: Send>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    match POOL.as_ref() {
        Some(pool) => pool.join(one, other),
        None => (one(), other()),
    }
}

/// A thread for each core, from the first use on; none if the system did not give them then.
static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| ThreadPoolBuilder::new().build().ok());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_items_stays() {
        for least in [0, 1, 8, 1_000] {
            let doubled = map((0..100).collect(), least, |number: u32| number * 2);
            assert_eq!(
                doubled,
                (0..100).map(|number| number * 2).collect::<Vec<_>>()
            );
        }
        assert!(map(Vec::<u32>::new(), 1, |number| number).is_empty());
    }
}
