//! Rotation: which profile replaces which, in which order, and what every step leaves on a disk.

mod crashes;
mod guide;
mod order;
mod rehearsal;
mod scale;
mod site;
mod steps;
mod successions;
