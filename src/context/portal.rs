//! App Store Connect beside manifest and machine: how its profiles stand, and which successors are made there.
//!
//! The API cannot change a profile. A profile that ends is renewed by making another one, which has another UUID; so a
//! successor gets a name of its own, the old one stays until every machine has the new one, and whoever selects profiles by
//! name is told of it. Nothing here deletes or revokes anything.
//!
//! A successor is planned whole before the first request is sent: its name, bundle id, certificates and devices. What cannot
//! be renewed as it is, is told before anything is created, and nothing is created then.
//!
//! - [`request`]: what somebody asks for
//! - [`selection`]: which profiles are renewed
//! - [`snapshot`]: what App Store Connect holds
//! - [`standing`]: how it stands, beside manifest and machine
//! - [`succession`]: the plan: a successor for each selected profile
//! - [`successor`]: one successor, and whether a profile is it

pub mod request;
pub mod selection;
pub mod snapshot;
pub mod standing;
pub mod succession;
pub mod successor;
