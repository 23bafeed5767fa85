//! Flaws that `codesign --verify --strict --deep` is predicted to accept in a deep bundle.
//!
//! Read from libsecurity_codesigning of Security-61901 and not run on a Mac: an opinion beside the library's own, which is not
//! made of it. Flaws that only the context shows are not listed: they leave the product valid.

/// Name, and the function that passes it over.
const TOLERATED: &[(&str, &str)] = &[
    (
        "alternate-unbound",
        "SecStaticCode::verifySignature: neither list of hashes is demanded",
    ),
    (
        "constraint-not-sealed",
        "SecStaticCode::component: a component whose slot is absent is no component",
    ),
    (
        "entitlement-twice",
        "SecStaticCode::entitlements: DER is read, and XML only where there is none",
    ),
    (
        "entitlements-differ",
        "SecStaticCode::entitlements: the two forms are never compared",
    ),
    (
        "entitlements-not-sealed",
        "SecStaticCode::component: a component whose slot is absent is no component",
    ),
    (
        "entitlements-not-xml",
        "SecStaticCode::entitlements: DER is read, and XML only where there is none",
    ),
    (
        "entry-made-optional",
        "SecStaticCode::checkOptionalResource: the seal says that it may be missing",
    ),
    (
        "info-not-sealed",
        "SecStaticCode::component: a component whose slot is absent is no component",
    ),
    (
        "nested-built-in-ad-hoc",
        "SecStaticCode::verifySignature: ad-hoc signed code is valid by definition",
    ),
    (
        "nested-of-another-build",
        "SecStaticCode::validateNestedCode: the requirement counts, not the cdhash",
    ),
    (
        "nested-seal-with-another-hash",
        "SecStaticCode::validateNestedCode: the requirement counts, not the cdhash",
    ),
    (
        "nested-seal-without-hash",
        "SecStaticCode::validateNestedCode: the requirement counts, not the cdhash",
    ),
    (
        "program-in-receipts",
        "BundleDiskRep::adjustResources: _MASReceipt is excluded",
    ),
    (
        "requirements-not-sealed",
        "SecStaticCode::component: a component whose slot is absent is no component",
    ),
    (
        "rule-makes-all-optional",
        "SecStaticCode::hasWeakResourceRules: only omissions are weak",
    ),
    (
        "rules-by-the-thousand",
        "SecStaticCode::hasWeakResourceRules: only omissions are weak",
    ),
    (
        "scattered",
        "SecStaticCode::validateExecutable: pages are read one after the other",
    ),
    (
        "sha1-only",
        "CodeDirectory::viableHash: SHA-1 is one of the hashes",
    ),
    (
        "signed-ad-hoc",
        "SecStaticCode::verifySignature: ad-hoc signed code is valid by definition",
    ),
    (
        "signed-by-the-linker",
        "SecStaticCode::verifySignature: ad-hoc signed code is valid by definition",
    ),
    (
        "signing-time-missing",
        "SecStaticCode::verifySignature: errSecSigningTimeMissing is no error",
    ),
    (
        "slices-of-two-entitlements",
        "SecStaticCode::handleOtherArchitectures: only the team is compared",
    ),
    (
        "slices-of-two-signers",
        "SecStaticCode::handleOtherArchitectures: only the team is compared",
    ),
    (
        "slot-from-the-future",
        "CodeDirectory::maxSpecialSlot: slots above the last known one are passed over",
    ),
    (
        "team-missing",
        "SecStaticCode::verifySignature: a team that is there is compared",
    ),
    (
        "ticket-of-another",
        "BundleDiskRep::adjustResources: CodeResources is excluded",
    ),
    (
        "ticket-of-noise",
        "BundleDiskRep::adjustResources: CodeResources is excluded",
    ),
    (
        "ticket-without-a-slice",
        "BundleDiskRep::adjustResources: CodeResources is excluded",
    ),
];

/// Why `codesign` is predicted to accept a deep bundle with the flaw of that name; nothing where no such reason is known.
pub fn tolerated_by_codesign(name: &str) -> Option<&'static str> {
    let found = TOLERATED.iter().find(|(known, _)| *known == name);
    found.map(|(_, why)| *why)
}

/// The names of all of them.
pub fn tolerated_names() -> impl Iterator<Item = &'static str> {
    TOLERATED.iter().map(|(name, _)| *name)
}
