//! The files below `fixtures/` that the forge mints: Acme's product, and one profile per edge case.
//!
//! `scripts/make-fixtures` writes them, `tests/fixtures.rs` holds the committed ones to them.

use plist::Value;

use super::certificate::Identity;
use super::find_identity;
use super::flaw::{Flaw, Layer, Place};
use super::hierarchy::{Hierarchy, LeafKind, LeafSpec, Role};
use super::key::Hash;
use super::p12::{self, Form, P12Spec};
use super::profile::{Kind, ProfileSpec, date};
use super::project::ProjectSpec;

/// A file: its path below `fixtures/` and its bytes.
pub type File = (String, Vec<u8>);

/// The password of Acme's p12, which stands beside it.
pub const PASSWORD: &str = "rehearsal-only-no-secret";

/// Where Acme's p12 is; the one file that differs from run to run, in its salts.
pub const P12: &str = "acme/distribution.p12";

/// All of them.
pub fn all() -> Vec<File> {
    let mut files = acme();
    files.extend(edge());
    files
}

/// Whether two versions of a file say the same.
pub fn same(path: &str, one: &[u8], other: &[u8]) -> bool {
    if path == P12 {
        let contents = p12::contents(one, PASSWORD);
        contents.is_some() && contents == p12::contents(other, PASSWORD)
    } else {
        one == other
    }
}

/// Acme's distribution identity.
pub fn distribution() -> Identity {
    Hierarchy::acme().developer(&LeafSpec::new(LeafKind::AppleDistribution))
}

/// Acme's four App Store profiles: the app, its two extensions and its watch app.
pub fn products() -> Vec<ProfileSpec> {
    let groups = || Value::Array(vec!["group.com.acme.rocket".into()]);
    let profile = |name: &str, app_id: &str, bundle_id: &str| {
        let mut spec = ProfileSpec::ios(Kind::AppStore, bundle_id)
            .named(&format!("iOS App Store - {name}"))
            .valid("2026-01-01T00:00:00Z", "2056-01-01T00:00:00Z")
            .certificates(&[distribution()])
            .entitled("com.apple.security.application-groups", groups());
        spec.app_id_name = app_id.to_owned();
        spec
    };
    vec![
        profile("App", "Acme Rocket", "com.acme.rocket")
            .entitled("aps-environment", "production")
            .entitled("com.apple.developer.associated-domains", "*"),
        profile(
            "Extensions-Share",
            "XC com acme rocket share",
            "com.acme.rocket.share",
        ),
        profile(
            "Extensions-Widgets",
            "XC com acme rocket widgets",
            "com.acme.rocket.widgets",
        ),
        profile(
            "WatchApp",
            "XC com acme rocket watchkitapp",
            "com.acme.rocket.watchkitapp",
        ),
    ]
}

/// Acme's Xcode project, whose targets ask for those profiles by name.
pub fn project() -> ProjectSpec {
    ProjectSpec::rocket(|bundle_id| {
        let products = products();
        let profile = products.iter().find(|it| it.bundle_pattern == bundle_id);
        profile.unwrap().name.clone()
    })
}

fn acme() -> Vec<File> {
    let hierarchy = Hierarchy::acme();
    let identity = distribution();
    let p12 = P12Spec::new(PASSWORD, &identity)
        .form(Form::TRIPLE_DES)
        .chain(&[&hierarchy.wwdr_g3, &hierarchy.root]);
    let mut files: Vec<File> = products()
        .iter()
        .map(|spec| (format!("acme/profiles/{}", spec.file_name()), spec.mint()))
        .collect();
    files.push((
        "acme/anchors.pem".to_owned(),
        hierarchy.anchors_pem().into(),
    ));
    files.push((P12.to_owned(), p12.write()));
    files.push((format!("{P12}.password"), format!("{PASSWORD}\n").into()));
    files.push((
        "acme/find-identity.txt".to_owned(),
        find_identity::valid(&[&identity]).into(),
    ));
    let of_project = project().files().into_iter();
    files.extend(of_project.map(|(path, bytes)| (format!("acme/{path}"), bytes)));
    files.push(("acme/README.md".to_owned(), ACME.into()));
    files
}

fn edge() -> Vec<File> {
    let mut files = vec![("edge/README.md".to_owned(), EDGE.into())];
    for (name, spec, verdict) in edge_cases() {
        let extension = spec.file_name().rsplit_once('.').unwrap().1.to_owned();
        files.push((format!("edge/{name}.{extension}"), spec.mint()));
        files.push((
            format!("edge/{name}.verdict"),
            format!("{verdict}\n").into(),
        ));
    }
    files
}

/// Every edge case: its name, the profile, the verdict under Acme's anchors.
pub fn edge_cases() -> Vec<(&'static str, ProfileSpec, &'static str)> {
    let ios = || {
        ProfileSpec::ios(Kind::AppStore, "com.acme.rocket")
            .valid("2026-01-01T00:00:00Z", "2056-01-01T00:00:00Z")
    };
    let outer = Layer::Outer;
    let mut without_inner = ios();
    without_inner.inner = false;
    // With an inner layer the two would disagree besides.
    let edited = without_inner
        .clone()
        .with(Flaw::Tampered(outer, Place::Key("ExpirationDate")));
    let mut without_platform = ios();
    without_platform.platforms = None;
    without_platform.xcode_managed = None;
    without_platform.inner = false;
    let mut two_prefixes = ios();
    two_prefixes.prefixes.push("OLDPREFIX1".to_owned());
    vec![
        (
            "development-of-three-devices",
            ProfileSpec::ios(Kind::Development, "com.acme.*"),
            "proven",
        ),
        (
            "mac-developer-id",
            ProfileSpec::mac(Kind::DeveloperId, "com.acme.rocket"),
            "proven",
        ),
        (
            "signer-of-before-2025",
            ios().with(Flaw::SignedAs(outer, Role::IosProfilesBefore2025)),
            "proven",
        ),
        (
            "no-inner-layer",
            without_inner,
            "proven profile-no-inner-layer",
        ),
        (
            "no-platform-key",
            without_platform,
            "proven profile-no-inner-layer",
        ),
        ("two-prefixes", two_prefixes, "proven"),
        (
            "duplicated-key-of-equal-values",
            ios().with(Flaw::DuplicatedKey("TeamName", "Acme Rockets, Inc".into())),
            "proven",
        ),
        (
            "ber-indefinite-lengths",
            ios().with(Flaw::Ber(outer, 1000)),
            "proven",
        ),
        (
            "sha256-outer-layer",
            ios().with(Flaw::Digest(outer, Hash::Sha256)),
            "proven",
        ),
        (
            "forged-by-self-signed",
            ios().with(Flaw::Forged(outer)),
            "profile-not-trusted",
        ),
        (
            "inner-layer-forged",
            ios().with(Flaw::Forged(Layer::Inner)),
            "profile-not-trusted",
        ),
        (
            "signed-by-a-developer",
            ios().with(Flaw::RoleSwapped(outer)),
            "profile-signer-role",
        ),
        (
            "root-of-another-maker",
            ios().with(Flaw::WrongAnchor(outer)),
            "profile-anchor-not-apple",
        ),
        (
            "root-with-apple-s-names",
            ios().with(Flaw::Impostor(outer)),
            "profile-anchor-not-apple",
        ),
        (
            "signer-expired-at-signing",
            ios().with(Flaw::SignerExpired(outer)),
            "profile-not-trusted",
        ),
        (
            "intermediate-missing",
            ios().with(Flaw::MissingIntermediate(outer)),
            "profile-not-trusted",
        ),
        ("expiry-edited", edited, "profile-signature-invalid"),
        (
            "signature-damaged",
            ios().with(Flaw::Tampered(outer, Place::Signature)),
            "profile-signature-invalid",
        ),
        (
            "inner-layer-of-another-profile",
            ios().with(Flaw::InnerOf(Box::new(ProfileSpec::ios(
                Kind::AppStore,
                "com.acme.other",
            )))),
            "profile-layers-disagree",
        ),
        (
            "inner-layer-expires-later",
            ios().with(Flaw::InnerSays(
                "ExpirationDate",
                date("2060-01-01T00:00:00Z".parse().unwrap()),
            )),
            "profile-layers-disagree",
        ),
        (
            "cut-off",
            ios().with(Flaw::Truncated(outer, 4000)),
            "profile-unreadable",
        ),
        (
            "content-detached",
            ios().with(Flaw::Detached(outer)),
            "profile-unreadable",
        ),
    ]
}

const ACME: &str = "\
# Acme Rocket: a product to rehearse with

Everything here is fictional. `scripts/make-fixtures` generates the files with the `forge` package, and `tests/fixtures.rs` checks that the committed files are current. Nothing outside a rehearsal trusts these files.

| file | what |
|---|---|
| `profiles/` | App Store profiles of the app, its two extensions and its watch app; team `ACME4CI001`, valid from 2026 to 2056 |
| `anchors.pem` | the two root certificates of Acme's authority; name them in the policy's `trust_anchors` or pass them to a test |
| `distribution.p12` | the identity that the profiles embed, with its chain; encrypted with 3DES and a SHA-1 MAC, which every Mac can import |
| `distribution.p12.password` | the password of that file. **The key and its password are for rehearsals only** and protect nothing |
| `Acme.xcodeproj` | the product's Xcode project, without its sources; `NAME/NAME.entitlements` holds the entitlements of a target |
| `find-identity.txt` | the output of `security find-identity -v -p codesigning` on a Mac with that p12 |
";

const EDGE: &str = "\
# One profile per edge case

The name of each file says what is special about it. The file `NAME.verdict` beside it holds the verdict under the anchors
`../acme/anchors.pem`: `proven` and the further findings, or the code of the finding that refuses the profile. Every proven
profile here also gets the warning `profile-anchor-not-apple`, which the files do not repeat.

`scripts/make-fixtures` writes these files, and `tests/fixtures.rs` checks every verdict.
";
