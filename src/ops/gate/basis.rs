//! What a verdict rests on, to be looked at again when the command has ended.

use std::path::Path;
use std::sync::Arc;

use crate::apple::anchors::Anchors;
use crate::apple::signed_message::Verifier;
use crate::base::finding::Finding;
use crate::context::gate::facts::{LiveFacts, Observation};
use crate::context::gate::{self, Asked};
use crate::context::manifest::Manifest;
use crate::context::policy::{Policy, ReadOnly};
use crate::host::inputs::Inputs;
use crate::host::observation::{self, ProfilePlace, ProfilePlaces};
use crate::host::proofs::Proofs;
use crate::host::state_dir::StateDir;
use crate::ops::world::World;

/// Where profiles are looked for, and what is believed of them.
pub struct ProfileSources {
    directories: Vec<ProfilePlace>,
    verifier: Verifier,
    /// What earlier gates proved, if that counts.
    proofs: Option<Proofs>,
    /// Whether it matters what this user may change of the directories.
    with_access: bool,
}

impl ProfileSources {
    /// These directories and anchors. Whether access to them matters, the policy says. With `remembering`, what earlier gates
    /// proved counts that have this state directory.
    pub(super) fn new(
        policy: &Policy,
        directories: Vec<ProfilePlace>,
        anchors: Anchors,
        remembering: Option<&StateDir>,
    ) -> Self {
        Self {
            with_access: policy.profiles.read_only != ReadOnly::No,
            directories,
            proofs: remembering.map(|state| Proofs::load(state, &anchors)),
            verifier: Verifier::new(anchors),
        }
    }

    /// Remembers what was proven for these facts, if that counts for later gates.
    pub(super) fn remember(&self, facts: &LiveFacts, manifest: &Manifest) {
        if let (Some(proofs), Observation::Observed(installed)) =
            (&self.proofs, &facts.observed().profiles)
        {
            // Without it the next gate proves again: that is no fault of this one.
            let _ = proofs.remember(installed, manifest);
        }
    }

    /// As the observation wants it.
    pub(super) fn places<'a>(&'a self, world: &'a World) -> ProfilePlaces<'a> {
        self.places_in(&self.directories, world)
    }

    fn places_in<'a>(
        &'a self,
        directories: &'a [ProfilePlace],
        world: &'a World,
    ) -> ProfilePlaces<'a> {
        ProfilePlaces {
            directories,
            temporary: &world.surroundings.temporary,
            checkouts: &world.surroundings.checkouts,
            with_access: self.with_access,
            verifier: &self.verifier,
            proofs: self.proofs.as_ref(),
        }
    }
}

/// What a verdict rests on.
pub struct Basis {
    pub(super) policy: Policy,
    pub(super) manifest: Manifest,
    pub(super) asked: Asked,
    pub(super) facts: LiveFacts,
    pub(super) profiles: ProfileSources,
    pub(super) inputs: Arc<Inputs>,
}

impl Basis {
    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Looks again, and says what is not as it was judged: files that were read, and what the directories of profiles hold.
    pub fn changes(&self, world: &World) -> Vec<Finding> {
        // The files first: judging again reads some of them.
        let files = self.inputs.changed();
        let mut findings: Vec<Finding> = files
            .iter()
            .map(|file| gate::inputs::changed(&file.path, &file.was, &file.is))
            .collect();
        if let Observation::Observed(first) = &self.facts.observed().profiles {
            // By the names that the directories had: the working directory may be another by now.
            let absolute = |path: &Path| self.inputs.absolute(path);
            let directories = self.profiles.directories.iter();
            let directories: Vec<ProfilePlace> = directories
                .map(|place| ProfilePlace {
                    path: absolute(&place.path),
                    must_exist: place.must_exist,
                })
                .collect();
            let places = self.profiles.places_in(&directories, world);
            match observation::look_again(&self.facts, &self.manifest, &places, absolute) {
                Ok(planned) => {
                    let again = gate::rehearse(&self.policy, &self.manifest, &planned, &self.asked);
                    findings.extend(gate::inputs::changed_profiles(
                        again.judgement(),
                        &self.manifest,
                        &first.files,
                    ));
                }
                Err(error) => findings.push(gate::inputs::changed(
                    &error.path,
                    "a directory of profiles",
                    &error.error,
                )),
            }
        }
        findings
    }
}
