//! Whether a product still is what was signed: every page, slot, seal and signature of it.
//!
//! It goes in four steps, and reads each file once:
//!
//! 1. [`discover`](self) finds every piece of code: bundles, and Mach-O files beside their main executables. Flat bundles seal the
//!    code in them as plain files, so each piece is judged on its own, whatever the seal around it says.
//! 2. Each piece's signature and seal are read.
//! 3. What each file must be hashed with is collected (whole for seals, in pages for CodeDirectories, under each hash type
//!    that a CodeDirectory has), and every file is hashed in one pass, on all cores.
//! 4. Each piece is judged.
//!
//! A [`Report`] holds the pieces, and of each the [`Problem`]s: our finding, and what `codesign` is
//! predicted to say. What no signature covers is told as [`Unsealed`], never passed over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::code_directory::CodeDirectory;
use super::code_resources::CodeResources;
use super::codesign::{Predicted, Stage, Status};
use super::embedded::{Signature, SignatureError};
use super::layout::Layout;
use super::mach_o::{FileKind, Slice};
use super::message::Signer;
use super::problem::{Problem, Problems};
use super::product::{self, Product};
use crate::apple::entitlements::Entitlements;
use crate::apple::signed_message::Verifier;
use crate::base::finding::{self, Code, Finding};

mod components;
mod discover;
mod hashing;
mod judgement;
mod links;
mod nested;
mod resources;
mod signatures;
mod slices;
mod strict;
mod structure;

/// The most pieces of code in one product.
pub const MAX_ITEMS: usize = 20_000;

/// What was found of a product.
#[derive(Debug)]
pub struct Report {
    /// Every piece of code, in the order of the paths and each path once; so what encloses another comes before it.
    pub items: Vec<Item>,
    /// Problems that are not of one piece.
    pub problems: Vec<Problem>,
}

/// One piece of code.
#[derive(Debug)]
pub struct Item {
    /// Its path in the product; `""` is the product itself.
    pub path: String,
    /// The position of the piece that encloses it.
    pub parent: Option<usize>,
    /// Its layout, if it is a bundle.
    pub layout: Option<Layout>,
    /// The file that the signature is about: the main executable of a bundle, or its `Info.plist`.
    pub code: Option<String>,
    /// Each slice with its signature; code that is no Mach-O file has one slice.
    pub slices: Vec<SignedSlice>,
    /// The seal over its files.
    pub seal: Option<CodeResources>,
    /// What is wrong with it, in the order in which Apple's verifier looks.
    pub problems: Vec<Problem>,
    /// What no signature covers.
    pub unsealed: Vec<Unsealed>,
    /// What a stapled ticket names of its code and of the code below it; `None` if there is no ticket.
    pub ticket: Option<TicketNames>,
    /// The positions of the pieces that its seal names as code of their own.
    pub sealed_code: Vec<usize>,
}

/// How much of the code that a ticket is stapled to it names: the item's own slices and those of every item below it, each by
/// the cdhash of its strongest CodeDirectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TicketNames {
    /// How many of the cdhashes stand in the ticket.
    pub names: usize,
    /// How many cdhashes there are.
    pub of: usize,
}

/// A slice and its signature.
#[derive(Debug)]
pub struct SignedSlice {
    /// The slice; `None` for code that is no Mach-O file.
    pub slice: Option<Slice>,
    /// Its signature; `None` if it has none.
    pub signature: Option<Result<Signature, SignatureError>>,
    /// Who signed it; `None` if nobody did, or the message cannot be read.
    pub signer: Option<Signer>,
    /// The entitlements that a system reads: in DER, or in XML where there is no DER.
    pub entitlements: Option<Entitlements>,
}

impl SignedSlice {
    /// The signature, if there is one that can be judged.
    pub fn sound_signature(&self) -> Option<&Signature> {
        self.signature.as_ref()?.as_ref().ok()
    }

    /// The name of its processor, for messages.
    pub fn architecture(&self) -> &str {
        self.slice
            .as_ref()
            .map_or("code", |slice| &slice.architecture)
    }

    /// What kind of program it is.
    pub fn kind(&self) -> Option<FileKind> {
        self.slice.as_ref().map(|slice| slice.kind)
    }
}

/// Something that no signature covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unsealed {
    /// Its path in the product.
    pub path: String,
    /// What it is, and why it is not covered.
    pub what: String,
}

/// Where the piece with this path stands among the pieces of a report, which are in the order of their paths.
fn position_of(items: &[Item], path: &str) -> Option<usize> {
    items.binary_search_by(|item| (*item.path).cmp(path)).ok()
}

impl Report {
    /// Every finding, in the order of reports.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .problems()
            .map(|problem| problem.finding.clone())
            .collect();
        finding::sort(&mut findings);
        finding::distinct(&mut findings);
        findings
    }

    /// Every problem: those of the product, then those of each piece.
    pub fn problems(&self) -> impl Iterator<Item = &Problem> {
        let of_items = self.items.iter().flat_map(|item| &item.problems);
        self.problems.iter().chain(of_items)
    }

    /// What `codesign --verify --strict --deep` is predicted to say of the product: its first fault.
    ///
    /// It follows the seals alone: a piece that no seal calls nested code is not looked at, unless it is the product itself. Of
    /// several faults it tells that of the earliest [`Stage`].
    pub fn codesign(&self) -> Option<Predicted> {
        let of_product = self.problems.iter().find_map(|problem| problem.codesign);
        let roots = self
            .items
            .iter()
            .enumerate()
            .filter(|(_, item)| item.parent.is_none());
        let mut roots = roots.map(|(position, _)| position);
        let fault = roots.find_map(|root| {
            let own = self.own_fault(root, Stage::Core);
            own.or(of_product)
                .or_else(|| self.fault_of(root, product::MAX_DEPTH))
                .or_else(|| self.own_fault(root, Stage::Designated))
        });
        fault.or(of_product)
    }

    /// The first fault of one piece and of the code that its seal names, but for what a piece says of itself.
    fn fault_of(&self, position: usize, depth: usize) -> Option<Predicted> {
        let item = self.items.get(position)?;
        let depth = depth.checked_sub(1)?;
        let own = |stage| self.own_fault(position, stage);
        let mut nested = item.sealed_code.iter();
        own(Stage::Core)
            .or_else(|| own(Stage::Thrown))
            .or_else(|| {
                nested.find_map(|nested| {
                    let fault = self.fault_of(*nested, depth);
                    // The requirement of the seal is asked, and with it the entitlements are read.
                    fault.or_else(|| {
                        let said = self.own_fault(*nested, Stage::Designated);
                        said.filter(|fault| fault.status == Status::Decode)
                    })
                })
            })
            .or_else(|| own(Stage::Collected))
            .or_else(|| own(Stage::Strict))
    }

    /// The first fault of one piece itself that belongs to a stage.
    fn own_fault(&self, position: usize, stage: Stage) -> Option<Predicted> {
        let problems = self.items.get(position)?.problems.iter();
        let mut faults = problems.filter_map(|problem| problem.codesign);
        faults.find(|fault| fault.stage() == stage)
    }
}

/// Proof that a product is what was signed, and that Apple knows who signed: nothing in it blocks. Only
/// [`VerifiedProduct::of`] makes one.
#[derive(Debug)]
pub struct VerifiedProduct(Report);

impl VerifiedProduct {
    /// The proof of a report in which nothing blocks, and which is about at least one piece of code.
    ///
    /// # Errors
    /// The report, where something blocks or nothing was looked at.
    pub fn of(report: Report) -> Result<Self, Box<Report>> {
        let blocks = report
            .problems()
            .any(|problem| finding::blocks(&problem.finding));
        match blocks || report.items.is_empty() {
            true => Err(Box::new(report)),
            false => Ok(Self(report)),
        }
    }

    /// What was found.
    pub fn report(&self) -> &Report {
        &self.0
    }
}

impl Item {
    /// The slice that a Mac of today runs.
    pub fn native(&self) -> Option<&SignedSlice> {
        let named = |name: &str| {
            self.slices
                .iter()
                .find(|slice| slice.architecture() == name)
        };
        named("arm64e")
            .or_else(|| named("arm64"))
            .or_else(|| self.slices.first())
    }

    /// The cdhash of every CodeDirectory of every slice.
    pub fn cdhashes(&self) -> Vec<[u8; 20]> {
        let signatures = self.slices.iter().filter_map(SignedSlice::sound_signature);
        signatures.flat_map(Signature::cdhashes).collect()
    }

    /// The cdhash of each slice: that of its strongest CodeDirectory, which is what a ticket names.
    pub fn strongest_cdhashes(&self) -> impl Iterator<Item = [u8; 20]> {
        let signatures = self.slices.iter().filter_map(SignedSlice::sound_signature);
        let strongest = signatures.filter_map(Signature::best);
        strongest.map(CodeDirectory::cdhash)
    }

    /// Whether no slice has a signature.
    pub fn is_unsigned(&self) -> bool {
        self.slices.iter().all(|slice| slice.signature.is_none())
    }

    /// The signing identifier, as the native slice has it.
    pub fn identifier(&self) -> Option<&str> {
        Some(&self.native()?.sound_signature()?.best()?.identifier)
    }

    /// The team, as the native slice has it.
    pub fn team(&self) -> Option<&str> {
        self.native()?.sound_signature()?.best()?.team.as_deref()
    }
}

/// Verifies a product at an instant.
pub fn verify(product: &dyn Product, verifier: &Verifier, now: Timestamp) -> Report {
    let mut report = Report {
        items: Vec::new(),
        problems: structure::problems(product.tree()),
    };
    discover::items(product, &mut report);
    discover::uncovered(product, &mut report);
    if report.items.is_empty() && report.problems.is_empty() {
        let finding = Finding::block(Code::CodeUnsigned, "the product holds no code")
            .hint("name the .app, .ipa, .xcarchive or program itself");
        let predicted = Predicted::new(Status::Unsigned, "SecStaticCode::codeDirectory");
        report.problems.push(Problem::both(finding, predicted));
    }
    for item in &mut report.items {
        signatures::read(product, item, verifier, now);
    }
    let digests = hashing::run(product, &report.items);
    for position in 0..report.items.len() {
        let (names, problem) = components::ticket(product, &report.items, position);
        if let Some(item) = report.items.get_mut(position) {
            item.ticket = names;
            item.problems.extend(problem);
        }
    }
    for position in 0..report.items.len() {
        judge(product, &mut report, position, &digests, now);
    }
    report
}

/// Judges one piece, in the order of `staticValidate`: each slice, then the resources, then the strict checks.
fn judge(
    product: &dyn Product,
    report: &mut Report,
    position: usize,
    digests: &hashing::Digests,
    now: Timestamp,
) {
    let Some(item) = report.items.get(position) else {
        return;
    };
    let mut of_code = Vec::new();
    let mut problems = Problems::default();
    let mut unsealed = judgement::UnsealedFiles::default();
    let of_item = digests.of_item(product, &report.items, position);
    slices::judge(product, item, &of_item, now, &mut of_code);
    let mut sealed_code = Vec::new();
    if !item.is_unsigned() {
        let mut judgement = judgement::Judgement {
            problems: &mut problems,
            unsealed: &mut unsealed,
            sealed_code: &mut sealed_code,
        };
        resources::judge(product, &report.items, position, digests, &mut judgement);
        strict::judge(product, item, &mut problems, &mut unsealed);
    }
    if let Some(item) = report.items.get_mut(position) {
        // What discovering and reading found comes first.
        item.problems.append(&mut of_code);
        item.problems.append(&mut problems.into_told());
        item.unsealed.append(&mut unsealed.into_told());
        item.sealed_code = sealed_code;
    }
}

/// Files of a product by path, in order.
type ByPath<T> = BTreeMap<String, T>;
