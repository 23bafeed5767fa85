//! A keychain's password that another user holds: no process of the user whose jobs sign can read it.
//!
//! The [`server`](Server) runs as another user and listens on a Unix socket. The client is countersign itself, when it
//! opens the keychain for a run. The question is who else could be the client, for a job of the same user can start
//! countersign with any argument, preload libraries into it, trace it, inherit from it and connect to whatever it may
//! connect to.
//!
//! *Who connects.* On Linux the program is owned by root and set-group-ID to a group without members, and only that group
//! may connect. The kernel gives the group to nobody but the program, takes it from a program that is traced or may not gain
//! rights, and makes the loader of such a program ignore the environment. The server asks the kernel for the group that the
//! other end had *when it connected*, so a process that connects and then becomes another program gains nothing, and
//! neither does a sibling that keeps the socket. Other systems do not tell that, so nothing is served there (`admission`).
//!
//! *What the client does with it.* It connects before it reads a file, gives the group up at once, and keeps the connection
//! to itself: no process that it starts inherits it, and no process of the same user can read its memory or take its
//! descriptors. What the job could steer comes from the server: [`Terms`] name the policy, the manifest, the keychain, the
//! state directory and the home. The gate judges by them, and only a clearance makes the client ask. One connection asks once.
//!
//! *What is recorded.* The server writes every question into an audit log of its own, which the jobs' user cannot change,
//! before it answers.

mod admission;
mod client;
mod error;
mod line;
mod listener;
mod protocol;
mod server;

pub use self::client::{Connection, Offer};
pub use self::error::PasswordServiceError;
pub use self::listener::Listener;
pub use self::protocol::{Question, Terms};
pub use self::server::Server;
