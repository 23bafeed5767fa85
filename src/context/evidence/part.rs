//! Each piece of code, with what is known of it and what is planned for it.

use std::sync::Arc;

use super::{Context, Planned};
use crate::apple::certificate::Certificate;
use crate::apple::code_signature::code_directory::Flags;
use crate::apple::code_signature::layout::{Form, Layout};
use crate::apple::code_signature::mach_o::{FileKind, bytes_at};
use crate::apple::code_signature::product::{Product, name};
use crate::apple::code_signature::signer::SignerRole;
use crate::apple::code_signature::verify::{Item, Report, SignedSlice};
use crate::apple::entitlements::Entitlements;
use crate::apple::entitlements::grant::PlatformFamily;
use crate::apple::profile::{self, Profile, ProfileKind, Unproven};
use crate::apple::value::Value;
use crate::base::finding::Finding;
use crate::base::ids::{BundleId, CertSha256, ConfigurationName, FileSha256};
use crate::context::manifest::PinnedProfile;
use crate::xcode::platform::Platform;

/// The product, piece by piece.
pub(super) struct Scene<'a> {
    pub(super) context: &'a Context<'a>,
    /// Whether it is an `.xcarchive`: what Xcode built, before it is signed again for its way.
    pub(super) is_archive: bool,
    /// Every piece of code, in the order of the report.
    pub(super) parts: Vec<Part<'a>>,
}

/// A piece of code.
pub(super) struct Part<'a> {
    pub(super) item: &'a Item,
    /// The position of the outermost piece around it: itself, if nothing is.
    pub(super) root: usize,
    /// `CFBundleIdentifier`, or the signing identifier of code that is no bundle.
    pub(super) bundle_id: Option<BundleId>,
    /// The platform that its `Info.plist` names; none where nothing does.
    pub(super) platform: Option<Platform>,
    /// Whose rules hold for it.
    pub(super) family: PlatformFamily,
    /// The profile in it.
    pub(super) profile: Option<Embedded>,
    /// The certificate that signed it.
    pub(super) leaf: Option<Arc<Certificate>>,
    /// What Apple issued the certificate for, where that is proven.
    pub(super) role: Option<SignerRole>,
    /// What is planned for it: one row for each configuration.
    pub(super) planned: Vec<&'a Planned<'a>>,
    /// The profiles that may be in it, by the plan.
    pub(super) profiles: Vec<&'a PinnedProfile>,
    /// Where the product goes that it is part of.
    pub(super) destination: Option<ProfileKind>,
}

/// A profile inside of a product.
pub(super) struct Embedded {
    /// Its path in the product.
    pub(super) path: String,
    /// SHA-256 of its bytes; none if they cannot be read.
    pub(super) sha256: Option<FileSha256>,
    /// What it says, if that is proven.
    pub(super) proof: Result<Profile, Fault>,
}

/// Why an embedded profile says nothing.
pub(super) enum Fault {
    /// Its bytes cannot be read: why.
    Unreadable(String),
    /// Its signature or contents do not hold.
    Unproven(Box<Unproven>),
}

impl<'a> Scene<'a> {
    /// Looks at every piece, reads and proves the profiles in them, and finds what is planned for each.
    pub(super) fn new(product: &dyn Product, report: &'a Report, context: &'a Context<'a>) -> Self {
        let tree = product.tree();
        let has_root = report.items.iter().any(|item| item.path.is_empty());
        let is_archive = !has_root && tree.is_folder("Products") && tree.is_file("Info.plist");
        let mut parts: Vec<Part<'a>> = Vec::with_capacity(report.items.len());
        for (position, item) in report.items.iter().enumerate() {
            let around = item.parent.and_then(|parent| parts.get(parent));
            parts.push(Part::of(product, item, position, around, context));
        }
        let mut scene = Self {
            context,
            is_archive,
            parts,
        };
        scene.plan();
        scene
    }

    /// Finds what is planned for each piece. Outermost pieces come first: they tell the configuration and the destination.
    fn plan(&mut self) {
        let mut configurations: Vec<Vec<&'a ConfigurationName>> = Vec::new();
        for position in 0..self.parts.len() {
            let Some(part) = self.parts.get(position) else {
                continue;
            };
            let named = self.context.planned.iter();
            let named = named.filter(|planned| part.bundle_id.as_ref() == Some(planned.bundle_id));
            // One bundle id may stand for several platforms. Where its own is not among them, the family counts.
            let (mut planned, others): (Vec<&'a Planned<'a>>, Vec<_>) =
                named.partition(|planned| part.runs_on(planned.platform));
            if planned.is_empty() {
                let family =
                    |it: &&Planned<'_>| it.platform.map(Platform::family) == Some(part.family);
                planned.extend(others.into_iter().filter(family));
            }
            let mut of_root = Vec::new();
            let destination = if part.root == position {
                // The profile that is there tells which of several configurations was built.
                let mut built = planned.clone();
                built.retain(|planned| part.has(planned.profile));
                if !built.is_empty() {
                    planned = built;
                }
                let configurations = planned.iter().filter_map(|it| it.configuration);
                of_root.extend(configurations);
                self.destination(part, &planned)
            } else {
                let meant = configurations.get(part.root);
                planned.retain(|planned| {
                    let is_meant =
                        |it| meant.is_none_or(|meant| meant.is_empty() || meant.contains(&it));
                    planned.configuration.is_none_or(is_meant)
                });
                let root = self.parts.get(part.root);
                root.and_then(|root| root.destination)
            };
            configurations.push(of_root);
            let profiles = self.profiles(part, &planned, destination);
            if let Some(part) = self.parts.get_mut(position) {
                part.planned = planned;
                part.profiles = profiles;
                part.destination = destination;
            }
        }
    }

    /// Where an outermost piece goes: an archive as it is planned, anything else as somebody says; or else where the profile
    /// in it leads, or the pinned profiles, if all lead to one place.
    fn destination(&self, part: &Part<'_>, planned: &[&Planned<'_>]) -> Option<ProfileKind> {
        let of_plan = planned.first().map(|planned| planned.profile.kind);
        let said = self.context.destination;
        let named = match self.is_archive {
            true => self.of_automatic(part, planned).or(of_plan).or(said),
            false => said.or(of_plan),
        };
        let of_profile = || Some(part.proven()?.fields().kind);
        let pinned = || {
            let manifest = self.context.manifest;
            let mut kinds = manifest
                .profiles()
                .iter()
                .filter(|pinned| manifest.is_in_use(pinned) && part.is_of_family(pinned))
                .map(|pinned| pinned.kind);
            let first = kinds.next()?;
            kinds.all(|kind| kind == first).then_some(first)
        };
        named.or_else(of_profile).or_else(pinned)
    }

    /// Automatic signing archives for development, whatever the archive is exported for.
    fn of_automatic(&self, part: &Part<'_>, planned: &[&Planned<'_>]) -> Option<ProfileKind> {
        let is_automatic = planned.iter().any(|planned| planned.is_automatic);
        let kind = part.proven()?.fields().kind;
        (is_automatic && kind == ProfileKind::Development).then_some(kind)
    }

    /// The profiles that may be in a piece: the planned ones, where they lead to the destination; else the pinned ones that
    /// do and cover its bundle id.
    fn profiles(
        &self,
        part: &Part<'_>,
        planned: &[&'a Planned<'a>],
        destination: Option<ProfileKind>,
    ) -> Vec<&'a PinnedProfile> {
        let leads = |profile: &PinnedProfile| destination.is_none_or(|to| to == profile.kind);
        let of_plan: Vec<&PinnedProfile> = planned
            .iter()
            .map(|planned| planned.profile)
            .filter(|profile| leads(profile))
            .collect();
        if !of_plan.is_empty() || planned.is_empty() {
            return of_plan;
        }
        let manifest = self.context.manifest;
        manifest
            .profiles()
            .iter()
            .filter(|pinned| {
                let covers = part
                    .bundle_id
                    .as_ref()
                    .is_some_and(|it| pinned.bundle_id.covers(it));
                leads(pinned) && covers && part.is_of_family(pinned) && manifest.is_in_use(pinned)
            })
            .collect()
    }

    /// The piece around everything that this one is in.
    pub(super) fn root_of(&self, part: &Part<'_>) -> Option<&Part<'a>> {
        self.parts.get(part.root)
    }

    /// The certificates that may sign a piece: the planned one; for what has no plan of its own, those of what is around it;
    /// or else every one that is pinned.
    pub(super) fn certificates(&self, part: &Part<'_>) -> Vec<CertSha256> {
        let mut around = Some(part);
        while let Some(part) = around {
            if !part.planned.is_empty() {
                return part.planned_certificates();
            }
            around = part.item.parent.and_then(|parent| self.parts.get(parent));
        }
        let manifest = self.context.manifest;
        let in_use = manifest.profiles().iter();
        let in_use = in_use.filter(|profile| manifest.is_in_use(profile));
        in_use
            .flat_map(PinnedProfile::certificates)
            .map(|certificate| certificate.sha256)
            .collect()
    }
}

impl<'a> Part<'a> {
    fn of(
        product: &dyn Product,
        item: &'a Item,
        position: usize,
        around: Option<&Self>,
        context: &Context<'_>,
    ) -> Self {
        let layout = item.layout.as_ref();
        let named = layout.and_then(|layout| layout.text("CFBundleIdentifier"));
        let named = match layout {
            Some(_) => named,
            None => item.identifier(),
        };
        let platform = layout.and_then(platform);
        let own_family = match (platform, layout.map(|layout| &layout.form)) {
            (Some(platform), _) => Some(platform.family()),
            (None, Some(Form::Flat)) if item.path.ends_with(".framework") => None,
            (None, Some(Form::Flat)) => Some(PlatformFamily::Ios),
            (None, Some(_)) => Some(PlatformFamily::Mac),
            (None, None) => None,
        };
        let of_around = around.map(|around| around.family);
        let signer = item.native().and_then(|slice| slice.signer.as_ref());
        let proof = signer.and_then(|signer| signer.proof.as_ref().ok());
        let leaf = match proof {
            Some(proof) => proof.chain().into_iter().next(),
            None => signer.and_then(|signer| signer.bundled.first().cloned()),
        };
        Self {
            item,
            root: around.map_or(position, |around| around.root),
            bundle_id: named.and_then(|named| named.parse().ok()),
            platform,
            family: own_family.or(of_around).unwrap_or(PlatformFamily::Mac),
            profile: layout
                .and_then(|layout| layout.embedded_profile(product.tree()))
                .map(|path| Embedded::read(product, path, context)),
            leaf,
            role: proof.map(|proof| proof.role()),
            planned: Vec::new(),
            profiles: Vec::new(),
            destination: None,
        }
    }

    /// Whether it may be what was built for a platform.
    pub(super) fn runs_on(&self, platform: Option<Platform>) -> bool {
        let Some(platform) = platform else {
            return true;
        };
        match self.platform {
            Some(own) => own.sdk_name() == platform.sdk_name(),
            None => self.family == platform.family(),
        }
    }

    /// Whether a profile is for its family of systems.
    fn is_of_family(&self, profile: &PinnedProfile) -> bool {
        profile.is_mac() == (self.family == PlatformFamily::Mac)
    }

    /// Whether the profile in it is this one, byte for byte.
    pub(super) fn has(&self, profile: &PinnedProfile) -> bool {
        let embedded = self.profile.as_ref();
        embedded.and_then(|embedded| embedded.sha256) == Some(profile.sha256)
    }

    /// The profile in it, if it is proven.
    pub(super) fn proven(&self) -> Option<&Profile> {
        self.profile.as_ref()?.proof.as_ref().ok()
    }

    /// The certificates that the plan has for it. Where it goes elsewhere than planned, those of the profiles that lead there.
    fn planned_certificates(&self) -> Vec<CertSha256> {
        let planned = self.planned.iter();
        let planned: Vec<CertSha256> = planned
            .filter(|planned| {
                self.profiles
                    .iter()
                    .any(|it| it.uuid == planned.profile.uuid)
            })
            .map(|planned| planned.certificate)
            .collect();
        if !planned.is_empty() {
            return planned;
        }
        let others = self
            .profiles
            .iter()
            .flat_map(|profile| profile.certificates());
        others.map(|certificate| certificate.sha256).collect()
    }

    /// The name of the target or product that it is planned as.
    pub(super) fn planned_as(&self) -> Option<String> {
        Some(self.planned.first()?.name.to_owned())
    }

    /// Its path in the product.
    pub(super) fn path(&self) -> &str {
        &self.item.path
    }

    /// What people call it.
    pub(super) fn title(&self) -> String {
        match (self.planned.first(), name(self.path())) {
            (Some(planned), _) => format!("target {}", planned.name),
            (None, "") => "the product".to_owned(),
            (None, name) => name.to_owned(),
        }
    }

    /// A finding about it.
    pub(super) fn place(&self, finding: Finding) -> Finding {
        let finding = at_path(finding, self.path());
        match self.planned.first() {
            Some(planned) => finding.of_target(planned.name),
            None => finding,
        }
    }

    /// Whether somebody's certificate signed it: the verifier tells of everything else.
    pub(super) fn is_signed(&self) -> bool {
        self.leaf.is_some()
    }

    /// Whether Apple or its store signed it, and no developer.
    pub(super) fn is_apples(&self) -> bool {
        self.role == Some(SignerRole::Apple)
    }

    /// Whether it is part of something else.
    pub(super) fn is_nested(&self) -> bool {
        self.item.parent.is_some()
    }

    /// Whether it is a bundle with this extension.
    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        let extension = name(self.path()).rsplit_once('.');
        let extension = extension.map(|(_, extension)| extension);
        let named = extension.is_some_and(|own| extensions.contains(&own));
        // A product that was opened at its own root has no name in itself; its `Info.plist` tells.
        let package = self.item.layout.as_ref();
        let package = package.and_then(|layout| layout.text("CFBundlePackageType"));
        named
            || (self.path().is_empty() && package == Some("APPL") && extensions.contains(&"app"))
            || (self.path().is_empty()
                && package == Some("XPC!")
                && self.is_extension()
                && extensions.contains(&"appex"))
    }

    fn is_extension(&self) -> bool {
        let dictionary = self
            .item
            .layout
            .as_ref()
            .and_then(|it| it.dictionary.as_ref());
        matches!(dictionary, Some(Value::Dictionary(values)) if values.contains_key("NSExtension"))
    }

    /// Whether it starts as a program: only then its entitlements count.
    pub(super) fn is_program(&self) -> bool {
        let native = self.item.native();
        native.and_then(SignedSlice::kind) == Some(FileKind::Executable)
    }

    /// What it claims.
    pub(super) fn claims(&self) -> Option<&Entitlements> {
        self.item.native()?.entitlements.as_ref()
    }

    /// Whether a slice has the hardened runtime.
    pub(super) fn is_hardened(slice: &SignedSlice) -> bool {
        let best = slice.sound_signature().and_then(|it| it.best());
        best.is_some_and(|best| best.flags.has(Flags::RUNTIME))
    }
}

impl Embedded {
    fn read(product: &dyn Product, path: String, context: &Context<'_>) -> Self {
        let limit = u64::try_from(profile::MAX_BYTES).unwrap_or(u64::MAX);
        let bytes = product.open(&path).map_err(|error| error.to_string());
        let bytes = bytes.and_then(|mut file| match file.size() {
            size if size > limit => Err(format!("it has {size} bytes; at most {limit} are read")),
            size => bytes_at(&mut *file, 0..size).map_err(|error| error.to_string()),
        });
        match bytes {
            Ok(bytes) => Self {
                path,
                sha256: Some(FileSha256::of(&bytes)),
                proof: profile::prove(&bytes, context.verifier).map_err(Fault::Unproven),
            },
            Err(reason) => Self {
                path,
                sha256: None,
                proof: Err(Fault::Unreadable(reason)),
            },
        }
    }
}

/// A finding at a path in the product.
pub(super) fn at_path(mut finding: Finding, path: &str) -> Finding {
    finding.place.file = Some(path.to_owned());
    finding
}

/// The platform that `Info.plist` names (`CFBundleSupportedPlatforms`, or `DTPlatformName` of older Xcodes).
fn platform(layout: &Layout) -> Option<Platform> {
    let Some(Value::Dictionary(values)) = &layout.dictionary else {
        return None;
    };
    let supported = match values.get("CFBundleSupportedPlatforms") {
        Some(Value::Array(names)) => names.first().and_then(Value::as_str),
        _ => None,
    };
    Platform::of_sdk(supported.or_else(|| layout.text("DTPlatformName"))?)
}
