//! `rotate stage`: successors are installed beside the active profiles.

use std::path::PathBuf;

use super::carry_out::{self, PlannedStep};
use super::document::{StepDocument, StepRevision};
use super::names;
use super::scene::Scene;
use crate::apple::match_repository::{self, Content as MatchContent};
use crate::apple::profile;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Code, Finding};
use crate::base::ids::FileSha256;
use crate::base::remedy::Remedy;
use crate::context::manifest::{PinnedProfile, ProfileState};
use crate::context::rotation::product;
use crate::context::rotation::revision;
use crate::context::rotation::succession::{self, Succession};
use crate::host::files;
use crate::host::transaction::StepKind;
use crate::ops::error::{Error, Failure};
use crate::ops::prove;
use crate::ops::world::World;

/// What is staged.
#[derive(Debug, Clone, Default)]
pub struct StageRequest {
    /// The successors: files, directories of profiles, or match repositories.
    pub successors: Vec<PathBuf>,
    /// Only say what would change.
    pub dry_run: bool,
}

/// Pins the successors at hand as `incoming` and installs them on this machine.
///
/// # Errors
/// The manifest or a directory cannot be read, or a file cannot be written.
pub fn stage(request: &StageRequest, world: &World) -> Result<StepDocument, Failure> {
    let finished = match request.dry_run {
        true => None,
        false => carry_out::finish(world)?,
    };
    let scene = Scene::look(world)?;
    let mut document = StepDocument::new(StepKind::Stage, request.dry_run, finished.as_ref());
    document.findings.extend(scene.faults(world));
    let verifier = Verifier::new(world.anchors(&scene.policy)?);
    let files = prove::named_files(&request.successors)?;
    let mut pinnable = prove::pinnable(&files, &verifier, world, |_| ProfileState::Incoming);
    pinnable.skip_faults_besides(&request.successors);
    document.findings.append(&mut pinnable.findings);
    let found = succession::find(&scene.manifest, &pinnable.profiles, world.now);
    document.findings.extend(found.findings);
    document.findings.extend(unfinished(&scene, &found.pairs));
    if found.pairs.is_empty() && !finding::any_blocks(&document.findings) {
        document.findings.push(nothing_at_hand(&request.successors));
    }
    if finding::any_blocks(&document.findings) {
        return Ok(document);
    }
    let Some(directory) = destination(&scene, world)? else {
        return Err(
            Error::new(ErrorCode::Usage, "there is no directory to install into")
                .hint("name a directory of profiles")
                .into(),
        );
    };
    // Extensions come before what holds them, as in every step.
    let old = found.pairs.iter().map(|pair| pair.old.uuid.clone());
    let groups = product::groups(&scene.manifest, &old.collect());
    let order = groups.iter().flat_map(|group| &group.profiles);
    let pairs: Vec<&Succession> = order
        .filter_map(|uuid| found.pairs.iter().find(|pair| pair.old.uuid == *uuid))
        .collect();
    let mut changes = Vec::new();
    for pair in &pairs {
        let at_hand = pinnable.profiles.iter().zip(&pinnable.files);
        let mut at_hand = at_hand.filter(|(profile, _)| profile.sha256 == pair.new.sha256);
        let Some((_, file)) = at_hand.next() else {
            return Err(Error::unexpected("the file of a successor is not known").into());
        };
        let bytes = bytes_of(file, &pair.new, world)?;
        changes.push((directory.join(&pair.new.filename), Some(bytes)));
    }
    let content = revision::staged(scene.content(), pairs.iter().map(|pair| &pair.new));
    changes.push((scene.file.clone(), Some(content.to_bytes())));
    let planned = PlannedStep {
        kind: StepKind::Stage,
        from: scene.manifest.revision(),
        back_to: None,
        manifest: content,
        files: changes,
    };
    document.revisions.push(StepRevision::of(&planned, None));
    if !request.dry_run {
        carry_out::take(&planned, &scene.bytes, world)?;
    }
    document.old_names = names::left(&scene, &[], &planned.manifest, world)?;
    Ok(document)
}

/// Where profiles are installed: of Xcode's two directories the one that Xcode 16 and later read, of named ones the first.
pub(super) fn destination(scene: &Scene, world: &World) -> Result<Option<PathBuf>, Failure> {
    let places = world.profile_directories(&scene.policy);
    let named = places.iter().any(|place| place.must_exist);
    let mut directories = scene.directories(world)?;
    Ok(match named {
        true => directories.into_iter().next(),
        false => directories.pop(),
    })
}

/// The bytes of a proven file: of one that match encrypted those inside.
fn bytes_of(
    file: &std::path::Path,
    proven: &PinnedProfile,
    world: &World,
) -> Result<Vec<u8>, Error> {
    let bytes = files::read_bounded(file, profile::MAX_BYTES)?;
    let password = world.match_password.as_ref();
    let opened = match_repository::decrypt(&bytes, MatchContent::Profile, password);
    let bytes = match opened {
        Ok(Some(opened)) => opened.expose().to_vec(),
        Ok(None) | Err(_) => bytes,
    };
    match FileSha256::of(&bytes) == proven.sha256 {
        true => Ok(bytes),
        false => {
            let message = format!("{}: the file was changed meanwhile", file.display());
            let error = Error::new(ErrorCode::FileChanged, message);
            Err(error.hint("run the command again").in_file(file))
        }
    }
}

fn nothing_at_hand(named: &[PathBuf]) -> Finding {
    let named: Vec<String> = named
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Finding::block(
        Code::SuccessorMissing,
        "no profile there replaces one that the manifest pins",
    )
    .values(
        "a newer profile of the same team, bundle id and kind",
        named.join(", "),
    )
    .hint("make the profiles again at Apple's developer site, and name the new files")
}

/// Successors of profiles that have another one already: one rotation at a time.
fn unfinished(scene: &Scene, pairs: &[Succession]) -> Vec<Finding> {
    let incoming = scene.manifest.profiles().iter();
    let incoming: Vec<PinnedProfile> = incoming
        .filter(|profile| profile.state == ProfileState::Incoming)
        .cloned()
        .collect();
    let known = succession::find(&scene.manifest, &incoming, jiff::Timestamp::MIN);
    let clashes = pairs.iter().filter_map(|pair| {
        let mut known = known.pairs.iter();
        let known = known.find(|known| known.old.uuid == pair.old.uuid)?;
        (known.new.uuid != pair.new.uuid).then(|| {
            Finding::block(
                Code::RotationUnfinished,
                format!("{} has an incoming successor already", pair.old.title()),
            )
            .values(known.new.title(), pair.new.title())
            .of_profile(&pair.old.uuid)
            .hint("promote the first one, or roll it back")
            .remedy(Remedy::RollBack)
        })
    });
    clashes.collect()
}
