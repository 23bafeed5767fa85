//! Writes the seeds of the fuzz targets, one folder for each: what the tests' forge mints, and small handwritten ones.
//!
//! `cargo run --manifest-path fuzz/Cargo.toml --example seeds -- FOLDER`; `scripts/fuzz` does it.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use countersign::apple::anchors::{Anchors, certificates_from_pem};
use countersign::apple::profile;
use countersign::apple::signed_message::Verifier;
use countersign::base::clock::FixedClock;
use countersign::base::event::{Action, Actor, Event, Outcome};
use countersign::context::manifest::freeze::{PinnedProjects, freeze, ordered};
use countersign::context::manifest::{PinnedArchive, PinnedProfile, PinnedTarget, ProfileState};
use countersign::ledger::audit::AuditLog;

use forge::bundle::{
    Entry, Product, ios_app, ios_app_with_everything, ipa, mac_app_with_everything, mac_tool,
};
use forge::bundle_flaw::Flaw as BundleFlaw;
use forge::certificate::Identity;
use forge::code_signature::SigningIdentity;
use forge::der;
use forge::flaw::{Flaw, Layer, Place};
use forge::hierarchy::{Hierarchy, LeafKind, LeafSpec, Role};
use forge::profile::{Kind, ProfileSpec, inner_value};
use forge::requirement::Requirement;
use forge::ssh::{STATEMENT, SshKey, SshSignature, envelope, pre_authentication};

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("name the folder to write to")?;
    let seeds = Seeds(PathBuf::from(folder));
    let honest = honest();
    for (name, spec) in &honest {
        seeds.profile(name, spec)?;
    }
    for (name, spec) in flawed() {
        seeds.profile(&name, &spec)?;
    }
    seeds.write(
        "profile",
        "anchors.pem",
        Hierarchy::acme().anchors_pem().as_bytes(),
    )?;
    seeds.certificates()?;
    seeds.encodings()?;
    seeds.manifests(honest.values())?;
    seeds.identities()?;
    seeds.settings()?;
    seeds.audit()?;
    seeds.envelopes()?;
    seeds.match_repository()?;
    seeds.products()?;
    seeds.pkcs12()
}

fn honest() -> BTreeMap<String, ProfileSpec> {
    let ios = |kind, pattern: &str| ProfileSpec::ios(kind, pattern);
    let mut indefinite =
        ios(Kind::AdHoc, "com.acme.tracker").with(Flaw::BerThroughout(Layer::Outer, 1_000));
    indefinite.uuid = "5f0c2d3a-8a5e-4f0e-9a43-5d3f8f3f7c11".to_owned();
    let mut bare = ios(Kind::AppStore, "com.acme.old").named("before 2021");
    bare.inner = false;
    bare.platforms = None;
    bare.xcode_managed = None;
    [
        ("app-store", ios(Kind::AppStore, "com.acme.rocket")),
        ("development", ios(Kind::Development, "com.acme.*")),
        ("ad-hoc", ios(Kind::AdHoc, "com.acme.rocket")),
        ("enterprise", ios(Kind::Enterprise, "*")),
        (
            "developer-id",
            ProfileSpec::mac(Kind::DeveloperId, "com.acme.tool"),
        ),
        (
            "mac-app-store",
            ProfileSpec::mac(Kind::AppStore, "com.acme.tool"),
        ),
        ("indefinite", indefinite),
        ("one-layer", bare),
        (
            "sha256",
            ios(Kind::AppStore, "com.acme.sha")
                .with(Flaw::Digest(Layer::Outer, forge::key::Hash::Sha256)),
        ),
    ]
    .map(|(name, spec)| (name.to_owned(), spec))
    .into()
}

/// Profiles that must be refused: where mutation should go on.
fn flawed() -> Vec<(String, ProfileSpec)> {
    let spec = || ProfileSpec::ios(Kind::AppStore, "com.acme.rocket");
    let mut flawed = Vec::new();
    for layer in [Layer::Outer, Layer::Inner] {
        let flaws = [
            ("forged", Flaw::Forged(layer)),
            ("role-swapped", Flaw::RoleSwapped(layer)),
            ("signed-as", Flaw::SignedAs(layer, Role::MacProfiles)),
            ("impostor", Flaw::Impostor(layer)),
            ("signer-expired", Flaw::SignerExpired(layer)),
            ("no-intermediate", Flaw::MissingIntermediate(layer)),
            ("no-root", Flaw::MissingRoot(layer)),
            ("no-signing-time", Flaw::NoSigningTime(layer)),
            ("no-attributes", Flaw::NoSignedAttributes(layer)),
            ("no-signer", Flaw::NoSigner(layer)),
            ("two-signers", Flaw::TwoSigners(layer)),
            ("detached", Flaw::Detached(layer)),
            ("tampered", Flaw::Tampered(layer, Place::Key("Name"))),
            ("truncated", Flaw::Truncated(layer, 3_000)),
            ("trailing", Flaw::Trailing(layer, vec![0, 0])),
        ];
        for (name, flaw) in flaws {
            flawed.push((
                format!("{name}-{layer:?}").to_lowercase(),
                spec().with(flaw),
            ));
        }
    }
    for (key, flaw) in Flaw::every_disagreement() {
        flawed.push((format!("disagrees-{key}").to_lowercase(), spec().with(flaw)));
    }
    flawed
}

/// A statement as the gate writes it.
const CONTEXT: &str = r#"{
  "_type": "https://in-toto.io/Statement/v1",
  "subject": [
    {
      "name": "profiles.json",
      "digest": {
        "sha256": "0000000000000000000000000000000000000000000000000000000000000000"
      }
    }
  ],
  "predicateType": "urn:countersign:signing-context:v1",
  "predicate": {
    "signed": true,
    "policy": "sha256:3333333333333333333333333333333333333333333333333333333333333333",
    "manifest": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "revision": 7,
    "plan": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
    "host": "signer-01.acme.example",
    "region": "us-east",
    "judged_at": "2026-07-06T14:15:00Z",
    "cleared_until": "2026-07-06T14:20:00Z",
    "waived": ["identities"],
    "warnings": ["profile-anchor-not-apple"],
    "profile_directories": ["/Users/ci/Library/Developer/Xcode/UserData/Provisioning Profiles"],
    "trust_anchors": [
      {
        "name": "Acme Root CA",
        "sha256": "4444444444444444444444444444444444444444444444444444444444444444"
      }
    ],
    "certificates": ["0a1b2c"],
    "audit": "12:sha256:2222222222222222222222222222222222222222222222222222222222222222"
  }
}
"#;

struct Seeds(PathBuf);

impl Seeds {
    fn write(&self, target: &str, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        fs::write(Path::new(&folder).join(name), bytes)?;
        Ok(())
    }

    /// Envelopes that hold, each with a list that allows its key, and what an attacker would begin with.
    fn envelopes(&self) -> Result<(), Failure> {
        let keys = [
            ("ed25519", SshKey::ed25519("seed")),
            ("p256", SshKey::p256("seed")),
            ("sk-ed25519", SshKey::ed25519("seed").in_security_key()),
            ("sk-p256", SshKey::p256("seed").in_security_key()),
        ];
        let options = r#"namespaces="countersign-*,!git",valid-after="20260101Z",valid-before="20990101000000Z""#;
        let mut list =
            "# comment\n*,!b cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n".to_owned();
        for (name, key) in &keys {
            list += &key.allowed("\"ci\",*@acme.example", options);
            let file = envelope(STATEMENT, CONTEXT.as_bytes(), key, &SshSignature::default());
            self.write("envelope", name, file.as_bytes())?;
            let both = [
                file.as_bytes(),
                b"\0",
                key.allowed("ci", options).as_bytes(),
            ]
            .concat();
            self.write("envelope", &format!("{name}-and-list"), &both)?;
            let git = SshSignature::in_namespace("git");
            let file = envelope(STATEMENT, CONTEXT.as_bytes(), key, &git);
            self.write("envelope", &format!("{name}-git"), file.as_bytes())?;
            let message = pre_authentication(STATEMENT, CONTEXT.as_bytes());
            let armored = SshSignature::default().armored(key, &message);
            self.write("envelope", &format!("{name}-armor"), armored.as_bytes())?;
        }
        self.write("envelope", "unsigned", CONTEXT.as_bytes())?;
        self.write("envelope", "allowed_signers", list.as_bytes())
    }

    /// A profile feeds every parser below it.
    fn profile(&self, name: &str, spec: &ProfileSpec) -> Result<(), Failure> {
        let file = spec.mint();
        self.write("profile", name, &file)?;
        self.write("cms", name, &file)?;
        self.write("ber", name, &file)?;
        self.write("cms", &format!("{name}-inner-layer"), &spec.inner_layer())?;
        self.write("claims", name, spec.plist().as_bytes())?;
        self.write("der_profile", name, &spec.inner_payload())?;
        let entitlements = plist::Value::Dictionary(spec.entitlements.clone());
        self.write(
            "entitlements_der",
            name,
            &inner_value("Entitlements", &entitlements),
        )?;
        let (mut xml, mut binary) = (Vec::new(), Vec::new());
        entitlements.to_writer_xml(&mut xml)?;
        entitlements.to_writer_binary(&mut binary)?;
        self.write("entitlements_plist", name, &xml)?;
        self.write("entitlements_plist", &format!("{name}-binary"), &binary)?;
        let mut binary = Vec::new();
        plist::from_bytes::<plist::Value>(spec.plist().as_bytes())?
            .to_writer_binary(&mut binary)?;
        self.write("claims", &format!("{name}-binary"), &binary)
    }

    fn certificates(&self) -> Result<(), Failure> {
        for (number, identity) in identities().iter().enumerate() {
            self.write("certificate", &format!("{number}.cer"), &identity.der)?;
            self.write("ber", &format!("{number}.cer"), &identity.der)?;
        }
        let leaf = &identities()[0];
        self.write("certificate", "leaf.pem", leaf.pem().as_bytes())
    }

    /// Encodings that no profile of ours holds.
    fn encodings(&self) -> Result<(), Failure> {
        let nested = (0..12).fold(vec![0x04, 1, b'x'], |inner, _| {
            forge::ber::unended(0x24, inner)
        });
        self.write("ber", "nested-string", &nested)?;
        let values = [
            ("a-boolean", der::boolean(true)),
            ("b-integer", der::integer(-129)),
            ("c-data", der::octets([0, 255])),
            (
                "d-array",
                der::sequence([der::utf8("x"), der::printable("y")]),
            ),
            (
                "e-nested",
                der::context(16, der::sequence([der::utf8("k"), der::utf8("v")])),
            ),
            ("f-number", der::tlv(0x12, "364")),
            (
                "g-set",
                der::tlv(0x31, der::sequence([der::utf8("k"), der::boolean(false)])),
            ),
        ];
        let pairs = values
            .map(|(key, value)| der::sequence([der::utf8(key), value]))
            .concat();
        let body = [der::integer(1), der::context(16, pairs)].concat();
        self.write(
            "entitlements_der",
            "every-type",
            &der::application(16, body),
        )
    }

    fn manifests<'a>(&self, specs: impl Iterator<Item = &'a ProfileSpec>) -> Result<(), Failure> {
        let anchors = certificates_from_pem(Hierarchy::acme().anchors_pem().as_bytes())?;
        let verifier = Verifier::new(Anchors::with_extra(anchors));
        let mut pinned = Vec::new();
        for spec in specs {
            let proven = profile::prove(&spec.mint(), &verifier)
                .map_err(|unproven| format!("{}: {:?}", spec.name, unproven.findings))?;
            pinned.push(PinnedProfile::of(&proven, ProfileState::Active));
        }
        let first = pinned.first().ok_or("no profile")?;
        let target = PinnedTarget {
            project: "Rocket.xcodeproj".to_owned(),
            target: "Rocket".parse()?,
            configuration: "Release".parse()?,
            platform: countersign::xcode::platform::Platform::Ios,
            bundle_id: "com.acme.rocket".parse()?,
            profile: first.uuid.clone(),
            certificate: first.certificates.first().ok_or("no certificate")?.sha256,
        };
        let profiles = ordered(pinned.clone()).map_err(|clashes| format!("{clashes:?}"))?;
        let all = freeze(
            profiles,
            Some(pinned_in(vec![target.clone()])),
            Vec::new(),
            None,
        );
        self.write("manifest", "all", &all.to_bytes())?;
        self.write(
            "manifest",
            "none",
            &freeze(Vec::new(), None, Vec::new(), None).to_bytes(),
        )?;
        let one = freeze(
            vec![first.clone()],
            Some(pinned_in(vec![target])),
            Vec::new(),
            None,
        );
        self.write("manifest", "one", &one.to_bytes())?;
        self.write(
            "manifest",
            "one-compact",
            serde_json::to_string(&one)?.as_bytes(),
        )
    }

    fn identities(&self) -> Result<(), Failure> {
        let rows: String = identities()
            .iter()
            .enumerate()
            .map(|(index, identity)| {
                format!(
                    "{:3}) {} \"{}\"\n",
                    index + 1,
                    identity.sha1_hex().to_uppercase(),
                    identity.common_name()
                )
            })
            .collect();
        let count = identities().len();
        self.write(
            "find_identity",
            "valid",
            format!("{rows}     {count} valid identities found\n").as_bytes(),
        )?;
        let expired = rows.replacen("\"\n", "\" (CSSMERR_TP_CERT_EXPIRED)\n", 1);
        let both = format!(
            "\nPolicy: Code Signing\n  Matching identities\n{expired}     {count} identities found\n\n  \
             Valid identities only\n     0 valid identities found\n"
        );
        self.write("find_identity", "both-lists", both.as_bytes())
    }

    /// Every form of statement, condition, reference and operator.
    fn settings(&self) -> Result<(), Failure> {
        self.write("xcconfig", "every-form", SETTINGS.as_bytes())?;
        self.write("pbxproj", "small", PROJECT.as_bytes())?;
        self.write("project", "small", PROJECT.as_bytes())?;
        self.write("scheme", "small", SCHEME.as_bytes())
    }

    /// A log of a run and one with a torn last line.
    fn audit(&self) -> Result<(), Failure> {
        let folder = self.0.join("audit");
        fs::create_dir_all(&folder)?;
        let path = folder.join("run");
        let _ = fs::remove_file(&path);
        let actor = Actor {
            who: "ci".into(),
            host: "signer-01.acme.example".parse()?,
            region: Some("us-east".parse()?),
            job: None,
        };
        let clock = FixedClock("2026-03-01T12:00:00Z".parse()?);
        let log = AuditLog::new(path.clone(), actor, Box::new(clock));
        for what in [Action::Gate, Action::KeychainUnlock, Action::KeychainLock] {
            log.append(&Event::new(what, Outcome::Done).detail("keychain", "/k/ci.p12"))?;
        }
        let mut torn = fs::read(&path)?;
        torn.extend(b"{\"seq\":4,");
        self.write("audit", "torn", &torn)?;
        self.sealed_audit()
    }

    /// A log with sealed segments, as the target reads them: each with its name before it and an empty line after it.
    fn sealed_audit(&self) -> Result<(), Failure> {
        let scratch = tempfile::tempdir()?;
        let path = scratch.path().join("audit.jsonl");
        let actor = Actor {
            who: "ci".into(),
            host: "h".parse()?,
            region: None,
            job: None,
        };
        let clock = FixedClock("2026-03-01T12:00:00Z".parse()?);
        let log = AuditLog::new(path.clone(), actor, Box::new(clock)).with_segments_of(800);
        for _ in 0..7 {
            log.append(&Event::new(Action::Gate, Outcome::Done))?;
        }
        let mut segments: Vec<PathBuf> = fs::read_dir(scratch.path())?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_, Failure>>()?;
        segments.retain(|segment| *segment != path);
        segments.sort();
        let mut seed = Vec::new();
        for segment in segments {
            let name = segment.file_name().unwrap_or_default();
            seed.extend_from_slice(name.as_encoded_bytes());
            seed.push(b'\n');
            seed.extend(fs::read(&segment)?);
            seed.push(b'\n');
        }
        seed.extend(fs::read(path)?);
        self.write("audit", "sealed", &seed)
    }

    /// What match stores, in clear and in both containers, and a plan of asc.
    fn match_repository(&self) -> Result<(), Failure> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/match");
        for tree in ["plain", "v1-md5", "v1-sha256", "v2"] {
            for file in ["development/TESTKEY001", "distribution/ACMEDIST01"] {
                for ending in ["p12", "cer"] {
                    let path = fixtures.join(tree).join(format!("certs/{file}.{ending}"));
                    let name = format!("{tree}-{}.{ending}", file.replace('/', "-"));
                    self.write("match_repository", &name, &fs::read(path)?)?;
                }
            }
        }
        let plan = r#"{"schemaVersion": 1, "command": "asc xcode signing plan", "ready": true, "projectPath": "/App.xcodeproj",
            "desired": [{"target": "App", "configurations": [{"name": "Release", "settings": [{"key": "CODE_SIGN_STYLE", "value":
            "Manual"}, {"key": "DEVELOPMENT_TEAM", "value": null}]}]}], "blockers": [], "warnings": []}"#;
        self.write("asc_signing_plan", "plan.json", plan.as_bytes())?;
        let answer = r#"{"data": [{"type": "profiles", "id": "P1", "attributes": {"name": "App", "uuid": "0b2e5a1c-8f2d-4b7e-9d53-6a1c0e4f7b21",
            "profileType": "IOS_APP_STORE", "profileState": "ACTIVE", "expirationDate": "2027-01-01T00:00:00.000+00:00"}, "relationships":
            {"bundleId": {"data": {"type": "bundleIds", "id": "B1"}}}}], "links": {"self": "/v1/profiles", "next": "/v1/profiles?cursor=2"}}"#;
        self.write("app_store_connect", "profiles.json", answer.as_bytes())?;
        let errors = r#"{"errors": [{"status": "409", "code": "ENTITY_ERROR", "title": "no", "detail": "There is a problem."}]}"#;
        self.write("app_store_connect", "errors.json", errors.as_bytes())
    }

    /// Signed products and their parts, honest and with every flaw that an archive or a signature can have.
    fn products(&self) -> Result<(), Failure> {
        let store = SigningIdentity::acme(LeafKind::AppleDistribution);
        let direct = SigningIdentity::acme(LeafKind::DeveloperIdApplication);
        let honest = [
            ("ios", ios_app_with_everything(&store)),
            ("mac", mac_app_with_everything(&direct)),
            ("tool", mac_tool(&direct)),
        ];
        for (name, item) in honest {
            self.parts(name, &item.sign())?;
        }
        let app = ios_app(&store).sign();
        self.parts("app", &app)?;
        self.write("ipa", "app.ipa", &ipa(&app))?;
        for flaw in BundleFlaw::all() {
            let Some(broken) = flaw.apply(&app) else {
                continue;
            };
            let seals = broken
                .items
                .first()
                .and_then(|item| item.resources.as_ref());
            if let Some(Entry::File { bytes, .. }) =
                seals.and_then(|path| broken.bundle.entries.get(path))
            {
                self.write("code_resources", &flaw.name, bytes)?;
            }
            let program = broken.items.first().map(|item| &item.executable);
            if let Some(Entry::File { bytes, .. }) =
                program.and_then(|path| broken.bundle.entries.get(path))
            {
                self.write("mach_o", &flaw.name, bytes)?;
            }
        }
        let requirement = Requirement::developer_id("com.acme.rocket", "ACME4CI001");
        for (name, requirement) in [
            ("developer-id", requirement.clone()),
            ("negated", requirement.clone().negated()),
            (
                "cdhash",
                requirement.or(Requirement::any_cdhash(&[vec![7; 20]])),
            ),
        ] {
            self.write("requirement_binary", name, &requirement.to_blob())?;
            self.write("requirement_text", name, requirement.text().as_bytes())?;
        }
        let written = r#"info[CFBundleVersion] >= "1.2" and entitlement["a.b"] exists and certificate -1[timestamp.1.2.840] < timestamp "2026""#;
        self.write("requirement_text", "written", written.as_bytes())
    }

    /// What a signed product is made of.
    fn parts(&self, name: &str, product: &Product) -> Result<(), Failure> {
        for (number, item) in product.items.iter().enumerate() {
            let name = format!("{name}-{number}");
            if let Some(seal) = &item.resources {
                self.write("code_resources", &name, product.bundle.file(seal))?;
            }
            self.write("mach_o", &name, product.bundle.file(&item.executable))?;
            for (slice, image) in item.slices.iter().enumerate() {
                let name = format!("{name}-{slice}");
                self.write("super_blob", &name, &image.blobs.to_bytes())?;
                if let Some(directory) = image.blobs.get(0) {
                    self.write("code_directory", &name, directory)?;
                }
                if let Some(requirements) = image.blobs.get(2) {
                    self.write("requirement_binary", &name, requirements)?;
                }
            }
        }
        Ok(())
    }

    /// Containers without a MAC and without encryption: the only ones in which mutation reaches the bags.
    fn pkcs12(&self) -> Result<(), Failure> {
        for (number, identity) in identities().iter().enumerate() {
            let name = bmp_attribute("1.2.840.113549.1.9.20", identity.common_name());
            let link = attribute("1.2.840.113549.1.9.21", der::octets([1]));
            let attributes = der::set_of([name, link]);
            let key = bag(
                "1.2.840.113549.1.12.10.1.1",
                identity.key.pkcs8(),
                &attributes,
            );
            let certificate = der::sequence([
                der::oid("1.2.840.113549.1.9.22.1"),
                der::context(0, der::octets(&identity.der)),
            ]);
            let certificate = bag("1.2.840.113549.1.12.10.1.3", certificate, &attributes);
            let contents = [
                data(der::sequence([certificate])),
                data(der::sequence([key])),
            ];
            let file = der::sequence([der::integer(3), data(der::sequence(contents))]);
            self.write("pkcs12", &format!("{number}.p12"), &file)?;
        }
        Ok(())
    }
}

fn data(contents: Vec<u8>) -> Vec<u8> {
    der::sequence([
        der::oid("1.2.840.113549.1.7.1"),
        der::context(0, der::octets(contents)),
    ])
}

fn bag(oid: &str, value: Vec<u8>, attributes: &[u8]) -> Vec<u8> {
    der::sequence([der::oid(oid), der::context(0, value), attributes.to_vec()])
}

fn attribute(oid: &str, value: Vec<u8>) -> Vec<u8> {
    der::sequence([der::oid(oid), der::set_of([value])])
}

fn bmp_attribute(oid: &str, text: &str) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    attribute(oid, der::tlv(0x1e, units))
}

fn identities() -> Vec<Identity> {
    let acme = Hierarchy::acme();
    let mut identities: Vec<_> = [
        LeafKind::AppleDistribution,
        LeafKind::AppleDevelopment,
        LeafKind::DeveloperIdApplication,
        LeafKind::MacInstallerDistribution,
    ]
    .map(|kind| acme.developer(&LeafSpec::new(kind)))
    .into();
    identities.extend(
        [Role::IosProfiles, Role::MacProfiles, Role::InnerProfiles].map(|role| acme.signer(role)),
    );
    identities.extend(
        [
            &acme.root,
            &acme.root_ec,
            &acme.system_integration_authority,
        ]
        .map(Clone::clone),
    );
    identities
}

const SETTINGS: &str = r#"// One of everything.
#include "b.xcconfig"
#include? "missing"
DEVELOPMENT_TEAM = ACME4CI001;
PRODUCT_NAME = $(TARGET_NAME:c99extidentifier)
PRODUCT_BUNDLE_IDENTIFIER = com.acme.${PRODUCT_NAME:rfc1034identifier:lower}
PROVISIONING_PROFILE_SPECIFIER[sdk=iphoneos*][config=Release] = $(CSN_$(PRODUCT_BUNDLE_IDENTIFIER:c99extidentifier):default=none)
CODE_SIGN_IDENTITY[sdk=macosx*][arch=*] = $(inherited) "Apple Development"
OTHER = a \
    b $(OTHER) $(A_$(B)_$(C)) $UNBRACED $(X:upper:identifier:uppper)
A = $(B)
B = $(A)
"#;

const SCHEME: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<Scheme LastUpgradeVersion = "2600" version = "1.7">
   <BuildAction buildImplicitDependencies = "YES">
      <BuildActionEntries>
         <BuildActionEntry buildForArchiving = "YES">
            <BuildableReference BlueprintIdentifier = "T" BlueprintName = "App &amp; Co"
               ReferencedContainer = "container:App.xcodeproj">
            </BuildableReference>
         </BuildActionEntry>
      </BuildActionEntries>
   </BuildAction>
   <ArchiveAction buildConfiguration = "Release"></ArchiveAction>
</Scheme>
"#;

const PROJECT: &str = r#"// !$*UTF8*$!
{
	archiveVersion = 1;
	objectVersion = 77;
	objects = {
		P /* Project */ = {
			isa = PBXProject;
			attributes = { TargetAttributes = { T = { ProvisioningStyle = Manual; DevelopmentTeam = ACME4CI001; }; }; };
			buildConfigurationList = L;
			mainGroup = G;
			targets = (T);
		};
		G = { isa = PBXGroup; children = (F, ); sourceTree = "<group>"; };
		F = { isa = PBXFileReference; path = App.xcconfig; sourceTree = "<group>"; };
		L = { isa = XCConfigurationList; buildConfigurations = (C, ); defaultConfigurationName = Release; };
		C = {
			isa = XCBuildConfiguration;
			baseConfigurationReference = F;
			buildSettings = {
				SDKROOT = iphoneos;
				"CODE_SIGN_IDENTITY[sdk=iphoneos*]" = "Apple Distribution";
				PRODUCT_BUNDLE_IDENTIFIER = "com.acme.$(TARGET_NAME)";
				SUPPORTED_PLATFORMS = ("iphoneos", "iphonesimulator");
			};
			name = Release;
		};
		T = {
			isa = PBXNativeTarget;
			buildConfigurationList = L;
			buildPhases = (E);
			dependencies = (D);
			name = "App\U00e9";
			productType = "com.apple.product-type.application";
		};
		E = { isa = PBXCopyFilesBuildPhase; dstSubfolderSpec = 13; files = (); };
		D = { isa = PBXTargetDependency; target = T; };
	};
	rootObject = P;
}
"#;

/// These targets, as the Release of one scheme.
fn pinned_in(targets: Vec<PinnedTarget>) -> PinnedProjects {
    let archive = PinnedArchive {
        scheme: Some("Rocket".to_owned()),
        configurations: "Release".parse().into_iter().collect(),
        unmapped: "Rocket Widget".parse().into_iter().collect(),
    };
    PinnedProjects { archive, targets }
}
