//! Rotation: the renewal of profiles, in steps that each leave a state in which builds pass or do not start.
//!
//! [`plan()`] says what ends when and what replaces it. [`stage()`] installs successors beside the active profiles. [`promote()`] makes them
//! active, one product in one revision. [`retire()`] removes the old ones. [`rollback()`] puts files back. [`status()`] says how far it is, and
//! [`probe()`] what this machine holds, for the machine on which the rotation is led. [`rehearse()`] walks through all of it before.
//!
//! A step changes the manifest and the profile directories of this machine, and nothing else. It is carried out by
//! [`carry_out`]: every command first finishes what a killed one began.
//!
//! - [`carry_out`]: takes a step, file by file
//! - [`document`]: what a step did
//! - `elsewhere`: what other manifests pin on this machine
//! - `inventory`: the certificates and credentials of a plan, and when each ends
//! - `history`: which steps still stand
//! - `names`: where the old names remain
//! - `scene`: what a step begins with

pub mod carry_out;
pub mod document;
mod elsewhere;
mod history;
mod inventory;
mod names;
mod plan;
mod probe;
mod promote;
mod rehearse;
mod retire;
mod rollback;
mod scene;
mod stage;
mod status;

pub use self::inventory::{
    MachineOfIntermediate, NamedCertificate, PlannedCertificate, PlannedCredential,
    PlannedIntermediate,
};
pub use self::plan::{
    PlanDocument, PlanRequest, PlannedCause, PlannedProfile, PlannedRotation, ShownSuccessor, plan,
};
pub use self::probe::{ProbeRequest, probe};
pub use self::promote::{PromoteRequest, promote};
pub use self::rehearse::{
    RehearsalDocument, RehearseRequest, RehearsedBranch, ShownBuilds, ShownGroup, rehearse,
};
pub use self::retire::{RetireRequest, retire};
pub use self::rollback::{RollbackRequest, rollback};
pub use self::stage::{StageRequest, stage};
pub use self::status::{ShownStep, StatusDocument, StatusProfile, status};
