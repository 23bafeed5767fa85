//! `rotate stage`: successors are installed beside the active profiles.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::carry_out::{self, PlannedStep};
use super::document::{StepDocument, StepRevision};
use super::names;
use super::scene::{self, Scene};
use crate::apple::match_repository::{self, Content as MatchContent};
use crate::apple::profile;
use crate::apple::signed_message::Verifier;
use crate::base::error::ErrorCode;
use crate::base::finding::{self, Code, Finding, Severity};
use crate::base::ids::{FileSha256, ProfileUuid};
use crate::base::remedy::Remedy;
use crate::context::manifest::PinnedProfile;
use crate::context::rotation::embedding;
use crate::context::rotation::product;
use crate::context::rotation::revision;
use crate::context::rotation::succession::{self, Succession};
use crate::host::files;
use crate::host::transaction::{self, StepKind};
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
    let (scene, mut document) = Scene::begin(StepKind::Stage, request.dry_run, world)?;
    let verifier = Verifier::new(world.anchors(&scene.policy)?);
    let files = prove::named_files(&request.successors)?;
    let named = &request.successors;
    let pinnable = scene::at_hand(&files, named, &verifier, &mut document.findings, world);
    let found = succession::find(&scene.manifest, &pinnable.profiles, world.now);
    document.findings.extend(found.findings);
    document.findings.extend(unfinished(&scene, &found.pairs));
    document
        .findings
        .extend(parted(&scene, &found.pairs, world.now));
    if found.pairs.is_empty() && !finding::any_blocks(&document.findings) {
        document.findings.push(nothing_at_hand(&request.successors));
    }
    if finding::any_blocks(&document.findings) {
        return Ok(document);
    }
    let directory = scene.destination(world)?;
    // Extensions come before what holds them, as in every step.
    let pairs = found.pairs.iter().map(|pair| (&pair.old.uuid, pair));
    let pairs: HashMap<&ProfileUuid, &Succession> = pairs.collect();
    let old = pairs.keys().map(|uuid| (*uuid).clone()).collect();
    let groups = product::groups(&scene.manifest, &old);
    let order = groups.iter().flat_map(|group| &group.profiles);
    let pairs: Vec<&Succession> = order.filter_map(|uuid| pairs.get(uuid).copied()).collect();
    let at_hand = pinnable.profiles.iter().zip(&pinnable.files);
    let at_hand: HashMap<&FileSha256, &PathBuf> = at_hand
        .map(|(profile, file)| (&profile.sha256, file))
        .collect();
    let mut changes = Vec::new();
    for pair in &pairs {
        let Some(file) = at_hand.get(&pair.new.sha256) else {
            return Err(Error::unexpected("the file of a successor is not known").into());
        };
        let bytes = bytes_of(file, &pair.new, world)?;
        changes.push((directory.join(&pair.new.filename), Some(bytes)));
    }
    let content = revision::staged(scene.content(), pairs.iter().map(|pair| &pair.new));
    if content.profiles == scene.content().profiles && changes.iter().all(is_there) {
        document.findings.push(staged_already());
        return Ok(document);
    }
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

/// The bytes of a proven file: of one that match encrypted those inside.
fn bytes_of(file: &Path, proven: &PinnedProfile, world: &World) -> Result<Vec<u8>, Error> {
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

/// Whether a file holds what it is to hold.
fn is_there((path, after): &(PathBuf, Option<Vec<u8>>)) -> bool {
    transaction::held(path).is_ok_and(|held| held == *after)
}

/// A step that changes nothing would only raise the revision.
fn staged_already() -> Finding {
    Finding::info(
        Code::RotationUnfinished,
        "the successors are incoming and installed already, so nothing is changed",
    )
    .hint("promote them")
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

/// What the promotion of these, and of what is incoming already, would part from what holds it.
fn parted(scene: &Scene, pairs: &[Succession], now: Timestamp) -> Vec<Finding> {
    let of_same = |it: &Succession| pairs.iter().any(|pair| pair.old.uuid == it.old.uuid);
    let known = succession::incoming(&scene.manifest, now).pairs;
    let known = known.iter().filter(|it| !of_same(it));
    embedding::parted(scene.content(), known.chain(pairs), Severity::Warn, now)
}

/// Successors of profiles that have another one already: one rotation at a time.
fn unfinished(scene: &Scene, pairs: &[Succession]) -> Vec<Finding> {
    // One that has expired meanwhile counts as well.
    let known = succession::incoming(&scene.manifest, Timestamp::MIN);
    let known = known.pairs.into_iter();
    let known: HashMap<ProfileUuid, Succession> =
        known.map(|pair| (pair.old.uuid.clone(), pair)).collect();
    let clashes = pairs.iter().filter_map(|pair| {
        let known = known.get(&pair.old.uuid)?;
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
