//! A progress bar on a terminal, for work on many files; nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::world::World;

/// Below this many files nobody waits long enough to look.
const WORTH_DRAWING: usize = 200;

/// A bar over `count` files, if stderr is a terminal and there are many.
pub fn bar(world: &World, count: usize, what: &'static str) -> ProgressBar {
    if !world.draws_progress || count < WORTH_DRAWING {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}
