//! Effects on this machine; the only room that touches the world.

pub mod sources;
