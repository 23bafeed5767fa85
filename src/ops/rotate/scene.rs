//! What a step of a rotation begins with: the policy, the manifest and its directories, and whether the last step still stands.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;

use super::carry_out;
use super::document::StepDocument;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{Code, Finding};
use crate::base::ids::FileSha256;
use crate::context::manifest::{Content, Manifest, ProfileState};
use crate::context::policy::Policy;
use crate::context::rotation::probe::{self, NodeProbe};
use crate::host::transaction::{self, Step, StepKind};
use crate::host::{files, profile_store, project_root};
use crate::ops::error::{Error, Failure};
use crate::ops::profile::install;
use crate::ops::prove::{self, Pinnable};
use crate::ops::world::World;

/// The clock may be behind the last step by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What is at hand before a step.
pub(super) struct Scene {
    pub(super) policy: Policy,
    pub(super) manifest: Manifest,
    /// The manifest's bytes.
    pub(super) bytes: Vec<u8>,
    /// Its file, absolute.
    pub(super) file: PathBuf,
    /// The steps that were taken here before.
    pub(super) steps: Vec<Step>,
}

impl Scene {
    /// Reads them.
    pub(super) fn look(world: &World) -> Result<Self, Failure> {
        let policy = world.policy_or_defaults()?;
        let (manifest, bytes) = world.manifest()?;
        Ok(Self {
            policy,
            manifest,
            bytes,
            file: carry_out::manifest_file(world),
            steps: carry_out::steps(world)?,
        })
    }

    /// What a step of this kind begins with, and the document of what it does. Unless nothing is to be changed, the step of a killed
    /// command is finished first.
    pub(super) fn begin(
        kind: StepKind,
        dry_run: bool,
        world: &World,
    ) -> Result<(Self, StepDocument), Failure> {
        let finished = match dry_run {
            true => None,
            false => carry_out::finish(world)?,
        };
        let scene = Self::look(world)?;
        let mut document = StepDocument::new(kind, dry_run, finished.as_ref());
        document.findings.extend(scene.faults(world));
        Ok((scene, document))
    }

    /// The directories in which profiles are installed, absolute; what is installed goes into the last that Xcode reads, or the first
    /// that somebody names.
    pub(super) fn directories(&self, world: &World) -> Result<Vec<PathBuf>, Failure> {
        Self::directories_of(&self.policy, world)
    }

    /// The same by a policy.
    pub(super) fn directories_of(policy: &Policy, world: &World) -> Result<Vec<PathBuf>, Failure> {
        world.check_home_of_profiles(policy)?;
        let places = world.profile_directories(policy);
        let places = places.iter();
        Ok(places
            .map(|place| project_root::absolute(&place.path))
            .collect())
    }

    /// Where a profile is installed, absolute.
    pub(super) fn destination(&self, world: &World) -> Result<PathBuf, Failure> {
        let directory = install::destination(&self.policy, world)?;
        Ok(project_root::absolute(&directory))
    }

    /// What the manifest holds.
    pub(super) fn content(&self) -> &Content {
        self.manifest.content()
    }

    /// What a step says of those before it: the last one is not finished or not as it left the manifest, or the clock is behind it.
    pub(super) fn faults(&self, world: &World) -> Vec<Finding> {
        let behind = self.steps.last().and_then(|last| {
            let behind = last.begun.duration_since(world.now);
            (behind > SKEW).then(|| {
                Finding::block(
                    Code::ClockBehindRecord,
                    format!(
                        "the clock is behind the last step of the rotation, {}",
                        last.kind.as_str()
                    ),
                )
                .values(format!("not before {}", last.begun), world.now)
                .hint("set the clock of this machine by the network")
            })
        });
        behind.into_iter().chain(self.changed_since()).collect()
    }

    /// That the last step is not finished, or that somebody changed the manifest since, if so.
    pub(super) fn changed_since(&self) -> Option<Finding> {
        let last = self.steps.last()?;
        if !last.is_done {
            // It explains why the manifest is not as it says.
            return Some(
                Finding::warn(
                    Code::RotationUnfinished,
                    format!(
                        "the step {} is not finished: its command was killed",
                        last.kind.as_str()
                    ),
                )
                .hint("run any step of the rotation: it finishes this one first"),
            );
        }
        let change = last
            .changes
            .iter()
            .find(|change| change.path == self.file)?;
        let (expected, found) = (change.after?, FileSha256::of(&self.bytes));
        (expected != found).then(|| {
            Finding::warn(
                Code::RotationFileChanged,
                format!(
                    "the manifest was changed since the last step of a rotation, {}",
                    last.kind.as_str()
                ),
            )
            .values(
                format!("revision {} with sha256:{expected}", last.to),
                format!("revision {} with sha256:{found}", self.manifest.revision()),
            )
            .in_file(&self.file)
            .hint("look at what was changed, and go on if it is meant")
        })
    }
}

/// The files in these directories that are named like profiles, by what they hold. What cannot be read holds nothing.
pub(super) fn installed(directories: &[PathBuf]) -> BTreeMap<FileSha256, Vec<PathBuf>> {
    let mut installed: BTreeMap<FileSha256, Vec<PathBuf>> = BTreeMap::new();
    for directory in directories {
        // Xcode's two directories need not be there.
        for file in profile_store::list(directory).unwrap_or_default() {
            if let Ok(Some(bytes)) = transaction::held(&file) {
                let copies = installed.entry(FileSha256::of(&bytes)).or_default();
                copies.push(file);
            }
        }
    }
    installed
}

/// Proves what may hold successors. What is wrong with files that nobody `named` warns.
pub(super) fn at_hand(
    files: &[PathBuf],
    named: &[PathBuf],
    verifier: &Verifier,
    findings: &mut Vec<Finding>,
    world: &World,
) -> Pinnable {
    let mut pinnable = prove::pinnable(files, verifier, world, |_| ProfileState::Incoming);
    pinnable.skip_faults_besides(named);
    findings.append(&mut pinnable.findings);
    pinnable
}

/// Reads the probes in these files.
///
/// # Errors
/// One cannot be read, or two of one machine at one instant say different things.
pub(super) fn probes(files: &[PathBuf]) -> Result<Vec<NodeProbe>, Error> {
    let read = files.iter().map(|path| {
        let bytes = files::read_bounded(path, probe::MAX_BYTES)?;
        NodeProbe::parse(&bytes).map_err(|error| {
            Error::new(
                ErrorCode::FileMalformed,
                format!("{}: {error}", path.display()),
            )
            .hint("make the probe again on that machine, with the same version of countersign")
            .in_file(path)
        })
    });
    let read: Vec<NodeProbe> = read.collect::<Result<_, Error>>()?;
    match contradiction(&read, files) {
        Some(error) => Err(error),
        None => Ok(read),
    }
}

/// That two probes contradict each other. The order of the arguments must not decide which of them counts.
fn contradiction(probes: &[NodeProbe], files: &[PathBuf]) -> Option<Error> {
    let (first, other) = probe::contradiction(probes)?;
    let (probe, first, other) = (probes.get(other)?, files.get(first)?, files.get(other)?);
    let message = format!(
        "{} and {} say different things of {} at the same time, {}",
        first.display(),
        other.display(),
        probe.host,
        probe.time
    );
    let error = Error::new(ErrorCode::Usage, message);
    Some(error.hint("probe the machine again, and name that file alone"))
}
