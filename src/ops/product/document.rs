//! The document of a product: each piece of code, and the two verdicts.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::open::Opened;
use crate::apple::anchors::AnchorOwner;
use crate::apple::code_signature::code_directory::CodeDirectory;
use crate::apple::code_signature::codesign::Prediction;
use crate::apple::code_signature::hash_type::HashType;
use crate::apple::code_signature::layout::Form;
use crate::apple::code_signature::mach_o::FileKind;
use crate::apple::code_signature::product::name;
use crate::apple::code_signature::product_digest::{Algorithm, ProductDigest};
use crate::apple::code_signature::requirement::binary;
use crate::apple::code_signature::signer::SignerRole;
use crate::apple::code_signature::slot;
use crate::apple::code_signature::verify::{
    Item, Report as Verified, SignedSlice, TicketNames, Unsealed,
};
use crate::apple::profile::ProfileKind;
use crate::base::digest::{Digest, hex};
use crate::base::finding::{self, Finding};
use crate::base::ids::CertSha256;
use crate::context::evidence::Judgement;
use crate::ops::report::{Head, ManifestName, Report, VerdictWord};

/// The `countersign.product.v1` document: what is signed in products, by whom, and whether it still is what was signed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProductDocument {
    /// Always `countersign.product.v1`.
    #[schemars(extend("const" = "countersign.product.v1"))]
    pub schema: &'static str,
    /// Our verdict: cleared if no finding blocks.
    pub verdict: VerdictWord,
    /// The manifest that the products were held against; absent where they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestName>,
    /// Each product.
    pub products: Vec<ShownProduct>,
    /// Every finding.
    pub findings: Vec<Finding>,
    /// What the report begins with.
    #[serde(flatten)]
    pub head: Head,
}

/// A product.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownProduct {
    /// Its path, as somebody wrote it.
    pub path: String,
    /// Our verdict on it.
    pub verdict: VerdictWord,
    /// Its digest, where it was held against the manifest: of a folder as docs/evidence.md defines it, of one file its SHA-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// How the digest was taken; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_algorithm: Option<Algorithm>,
    /// Where it goes, as far as that is known; absent where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<ProfileKind>,
    /// What `codesign --verify --strict --deep` is predicted to say of it; not compared with a Mac's answer.
    pub codesign: Prediction,
    /// Every piece of code in it; what encloses another comes before it.
    pub items: Vec<ShownItem>,
}

/// A piece of code.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownItem {
    /// Its path.
    pub path: String,
    /// How deep it lies in others: 0 is the product itself.
    pub depth: usize,
    /// The target or product that it is planned as; absent where nothing is planned for it, or where it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The form of a bundle; absent for a lone program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// The signing identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The common names of the certificates, the signer's first (`Authority`).
    pub authority: Vec<String>,
    /// SHA-256 of the signer's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertSha256>,
    /// What Apple issued the signer's certificate for; absent where that is not proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<SignerRole>,
    /// Whether the chain ends in one of Apple's roots.
    pub apple_anchored: bool,
    /// When it was signed, by the signer's own account (`Signed Time`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_time: Option<Timestamp>,
    /// When Apple's authority saw the signature (`Timestamp`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The seal over its files; absent for a lone program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sealed_resources: Option<ShownSeal>,
    /// Its slices.
    pub slices: Vec<ShownSlice>,
    /// Its designated requirement, as `codesign -r-` prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub designated_requirement: Option<String>,
    /// Its entitlements, as systems read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entitlements: Option<Json>,
    /// The profile that Xcode put in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedded_profile: Option<String>,
    /// What the stapled ticket names of its code and of the code below it; absent without a ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<TicketNames>,
    /// What no signature covers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsealed: Vec<Unsealed>,
    /// The codes of the findings about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<finding::Code>,
}

/// The seal over the files of a bundle (`Sealed Resources`).
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownSeal {
    /// Its generation.
    pub version: u8,
    /// How many rules it has.
    pub rules: usize,
    /// How many files, links and nested bundles it names.
    pub files: usize,
}

/// A slice.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownSlice {
    /// The processor; absent for code that is no Mach-O file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// What kind of program it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<FileKind>,
    /// Whether it has a signature that can be read.
    pub signed: bool,
    /// The identifier; it may differ between slices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// The cdhash: 20 bytes of the strongest CodeDirectory's hash, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cdhash: Option<String>,
    /// The cdhash of each CodeDirectory, that of slot 0 first.
    pub cdhashes: Vec<String>,
    /// The hash type of each CodeDirectory, likewise.
    pub hash_types: Vec<HashType>,
    /// The version of the CodeDirectory, as `codesign` prints it: `20500`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its flags, as `codesign` prints them: `0x10000(runtime)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flags: Option<String>,
    /// The size of a page in bytes; absent where all code is one page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u64>,
    /// How many code slots the CodeDirectory has.
    pub code_slots: u32,
    /// How many special slots it has.
    pub special_slots: u32,
    /// The version of the hardened runtime: `14.2.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// What the signature is over beside the code.
    pub components: Vec<ShownComponent>,
}

/// A component of a signature.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownComponent {
    /// Its special slot.
    pub slot: u32,
    /// What it is.
    pub name: &'static str,
    /// The hash that the strongest CodeDirectory has of it, hex.
    pub hash: String,
}

impl Report for ProductDocument {
    fn findings_mut(&mut self) -> Vec<&mut Finding> {
        self.findings.iter_mut().collect()
    }

    fn head_mut(&mut self) -> Option<&mut Head> {
        Some(&mut self.head)
    }
}

impl ProductDocument {
    /// The document of products, with all that was found.
    pub(super) fn of(products: Vec<ShownProduct>, mut findings: Vec<Finding>) -> Self {
        finding::sort(&mut findings);
        finding::distinct(&mut findings);
        Self {
            schema: "countersign.product.v1",
            verdict: VerdictWord::of(!finding::any_blocks(&findings)),
            manifest: None,
            products,
            findings,
            head: Head::default(),
        }
    }
}

impl ShownProduct {
    /// A product and its findings, whose places are paths as people find them.
    pub(super) fn of(opened: &Opened, report: &Verified) -> (Self, Vec<Finding>) {
        let findings = report.findings();
        let findings: Vec<Finding> = findings.into_iter().map(|it| opened.placed(it)).collect();
        let mut items: Vec<ShownItem> = Vec::new();
        for item in &report.items {
            let around = item.parent.and_then(|parent| items.get(parent));
            let depth = around.map_or(0, |around| around.depth + 1);
            items.push(ShownItem::of(opened, item, depth));
        }
        let shown = Self {
            path: opened.named.clone(),
            verdict: VerdictWord::of(!finding::any_blocks(&findings)),
            digest: None,
            digest_algorithm: None,
            destination: None,
            codesign: report.codesign().into(),
            items,
        };
        (shown, findings)
    }

    /// Its path, and its digest where that was taken.
    pub(in crate::ops) fn named_digest(&self) -> Option<(String, ProductDigest)> {
        let digest = ProductDigest {
            algorithm: self.digest_algorithm?,
            digest: self.digest?,
        };
        Some((self.path.clone(), digest))
    }

    /// The same with what it was held against: `findings` are those of the context.
    pub(super) fn held_against(
        mut self,
        judgement: &Judgement,
        findings: &[Finding],
        digest: ProductDigest,
    ) -> Self {
        self.verdict = VerdictWord::of(judgement.evidence().is_some());
        self.digest = Some(digest.digest);
        self.digest_algorithm = Some(digest.algorithm);
        self.destination = judgement.destination;
        let planned = judgement.planned_as.iter().cloned();
        for (item, target) in self.items.iter_mut().zip(planned) {
            item.target = target;
            let below =
                |file: &str| file == item.path || item.embedded_profile.as_deref() == Some(file);
            let about = findings
                .iter()
                .filter(|it| it.place.file.as_deref().is_some_and(below));
            item.codes.extend(about.map(|finding| finding.code));
            item.codes.sort_unstable();
            item.codes.dedup();
        }
        self
    }
}

impl ShownItem {
    fn of(opened: &Opened, item: &Item, depth: usize) -> Self {
        let native = item.native();
        let signer = native.and_then(|slice| slice.signer.as_ref());
        let proof = signer.and_then(|signer| signer.proof.as_ref().ok());
        let chain = match (proof, signer) {
            (Some(proof), _) => proof.chain(),
            (None, Some(signer)) => signer.bundled.clone(),
            (None, None) => Vec::new(),
        };
        let requirement = native
            .and_then(SignedSlice::sound_signature)
            .and_then(|signature| signature.component(slot::REQUIREMENTS))
            .and_then(|component| binary::parse_set(component).ok())
            .and_then(|set| {
                set.into_iter()
                    .find(|(kind, _)| *kind == binary::DESIGNATED)
            });
        let entitlements = native.and_then(|slice| slice.entitlements.as_ref());
        let mut codes: Vec<finding::Code> = item
            .problems
            .iter()
            .map(|problem| problem.finding.code)
            .collect();
        codes.sort_unstable();
        codes.dedup();
        Self {
            path: opened.shown(&item.path),
            depth,
            target: None,
            form: item.layout.as_ref().map(|layout| layout.form.clone()),
            identifier: item.identifier().map(str::to_owned),
            team: item.team().map(str::to_owned),
            authority: chain
                .iter()
                .map(|certificate| certificate.common_name.clone())
                .collect(),
            certificate: chain.first().map(|certificate| certificate.sha256),
            role: proof.map(|proof| proof.role()),
            apple_anchored: proof.is_some_and(|proof| proof.anchor_owner() == AnchorOwner::Apple),
            signed_time: signer.and_then(|signer| signer.signed_time),
            timestamp: signer.and_then(|signer| signer.timestamp.as_ref()?.as_ref().ok().copied()),
            sealed_resources: item.seal.as_ref().map(|seal| ShownSeal {
                version: seal.version,
                rules: seal.rules.len(),
                files: seal.seals.len(),
            }),
            slices: item.slices.iter().map(ShownSlice::of).collect(),
            designated_requirement: requirement.map(|(_, requirement)| requirement.to_string()),
            entitlements: entitlements
                .and_then(|entitlements| serde_json::to_value(entitlements).ok()),
            embedded_profile: item
                .layout
                .as_ref()
                .and_then(|layout| layout.embedded_profile(opened.product.tree()))
                .map(|path| opened.shown(&path)),
            ticket: item.ticket,
            unsealed: item
                .unsealed
                .iter()
                .map(|unsealed| Unsealed {
                    path: opened.shown(&unsealed.path),
                    what: unsealed.what.clone(),
                })
                .collect(),
            codes,
        }
    }

    /// Its last name.
    pub fn name(&self) -> &str {
        name(self.path.trim_end_matches('/'))
    }
}

impl ShownSlice {
    fn of(slice: &SignedSlice) -> Self {
        let signature = slice.sound_signature();
        let directories = signature.map_or(&[][..], |signature| signature.directories());
        let best = signature.and_then(|signature| signature.best());
        Self {
            architecture: slice.slice.as_ref().map(|slice| slice.architecture.clone()),
            kind: slice.kind(),
            signed: signature.is_some(),
            identifier: best.map(|best| best.identifier.clone()),
            cdhash: best.map(|best| hex(&best.cdhash())),
            cdhashes: directories
                .iter()
                .map(|directory| hex(&directory.cdhash()))
                .collect(),
            hash_types: directories
                .iter()
                .map(|directory| directory.hash_type)
                .collect(),
            version: best.map(|best| format!("{:x}", best.version)),
            flags: best.map(|best| best.flags.to_string()),
            page_size: best.and_then(CodeDirectory::page_size),
            code_slots: best.map_or(0, |best| best.code_slots),
            special_slots: best.map_or(0, |best| best.special_slots),
            runtime: best.filter(|best| best.runtime != 0).map(|best| {
                let (major, minor, patch) = (
                    best.runtime >> 16,
                    (best.runtime >> 8) & 0xff,
                    best.runtime & 0xff,
                );
                format!("{major}.{minor}.{patch}")
            }),
            components: best.map_or_else(Vec::new, components),
        }
    }
}

fn components(directory: &CodeDirectory) -> Vec<ShownComponent> {
    let slots = 1..=directory.special_slots;
    let components = slots.filter_map(|slot| {
        Some(ShownComponent {
            slot,
            name: slot::name(slot),
            hash: hex(directory.special(slot)?),
        })
    });
    components.collect()
}
