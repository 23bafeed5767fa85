//! Apps of the iOS family: flat bundles, whose nested code is sealed as plain files.

use plist::{Dictionary, Value};

use super::Entry;
use super::item::{Executable, Item, Layout, Sealing};
use crate::code_signature::{CodeSignature, Signing, SigningIdentity};
use crate::hierarchy::LeafKind;
use crate::mach_o::{Arch, FileType, MachO, Target};
use crate::profile::{Family, Kind, ProfileSpec, entitlements};

/// The bundle identifier of the apps made here.
pub(super) const IDENTIFIER: &str = "com.acme.rocket";

/// An app that is one bundle with a profile, some resources and one arm64 slice.
pub fn ios_app(signer: &SigningIdentity) -> Item {
    bundle("Rocket.app", IDENTIFIER, "APPL", signer)
        .with_entry("Assets.car", Entry::file("the catalog of assets"))
        .with_entry("Rocket.png", Entry::file("a picture"))
        .with_entry(
            "en.lproj/Localizable.strings",
            Entry::file("\"go\" = \"Go\";\n"),
        )
        .with_entry("Base.lproj/Main.nib", Entry::file("the first screen"))
}

/// The same with an extension, two frameworks, a library and a watch app.
pub fn ios_app_with_everything(signer: &SigningIdentity) -> Item {
    ios_app(signer)
        .with_extension("RocketWidget")
        .with_framework("RocketKit")
        .with_framework("Telemetry")
        .with_dylib("libswiftRocket.dylib")
        .with_watch_app("RocketWatch")
}

/// A flat bundle of that kind, with the identifier's profile and entitlements when it is an app or an extension.
fn bundle(name: &str, identifier: &str, package: &str, signer: &SigningIdentity) -> Item {
    let stem = name.split('.').next().unwrap_or_default();
    let mut signature = CodeSignature::new(identifier, Signing::By(Box::new(signer.clone())));
    let mut info = info(stem, identifier, package);
    info.insert("MinimumOSVersion".to_owned(), "17.0".into());
    info.insert(
        "CFBundleSupportedPlatforms".to_owned(),
        Value::Array(vec!["iPhoneOS".into()]),
    );
    let mut item = Item {
        name: name.to_owned(),
        layout: Layout::Flat,
        family: Family::Ios,
        info,
        executable: Executable {
            name: stem.to_owned(),
            slices: vec![MachO::executable(Arch::Arm64, Target::IOS, stem)],
            hidden_last: false,
            signatures: Default::default(),
        },
        signature: signature.clone(),
        profile: None,
        resources: Default::default(),
        nested: Vec::new(),
        sealing: Sealing::default(),
    };
    if package != "FMWK" {
        let (kind, granted) = grant(identifier, signer, Family::Ios);
        signature = signature.entitled(&granted);
        item.profile = Some(
            ProfileSpec::ios(kind, identifier)
                .certificates(std::slice::from_ref(&signer.identity))
                .mint(),
        );
        item.signature = signature;
    }
    item
}

/// What an app of that identifier may claim: the kind of profile that goes with the certificate, and its entitlements.
pub(crate) fn grant(
    identifier: &str,
    signer: &SigningIdentity,
    family: Family,
) -> (Kind, Dictionary) {
    let kind = match signer.kind {
        LeafKind::AppleDevelopment | LeafKind::IphoneDeveloper | LeafKind::MacDeveloper => {
            Kind::Development
        }
        LeafKind::DeveloperIdApplication | LeafKind::DeveloperIdInstaller => Kind::DeveloperId,
        _ => Kind::AppStore,
    };
    let team = signer.team().unwrap_or_default();
    let mut granted = entitlements(family, kind, team, team, identifier);
    let group = format!("{team}.{identifier}");
    granted.insert(
        "keychain-access-groups".to_owned(),
        Value::Array(vec![group.into()]),
    );
    (kind, granted)
}

/// The least that an `Info.plist` has.
pub(super) fn info(executable: &str, identifier: &str, package: &str) -> Dictionary {
    let mut info = Dictionary::new();
    for (key, value) in [
        ("CFBundleExecutable", executable),
        ("CFBundleIdentifier", identifier),
        ("CFBundleInfoDictionaryVersion", "6.0"),
        ("CFBundleName", executable),
        ("CFBundlePackageType", package),
        ("CFBundleShortVersionString", "1.2"),
        ("CFBundleVersion", "42"),
    ] {
        info.insert(key.to_owned(), value.into());
    }
    info
}

impl Item {
    /// The certificate that signs it. Panics where there is none.
    pub fn signer(&self) -> SigningIdentity {
        match &self.signature.signing {
            Signing::By(signer) => (**signer).clone(),
            _ => panic!("{} is signed by nobody", self.name),
        }
    }

    /// The identifier of something inside of it.
    pub(super) fn inner_identifier(&self, name: &str) -> String {
        format!("{}.{}", self.signature.identifier, name.to_lowercase())
    }

    /// With an app extension in `PlugIns`.
    pub fn with_extension(self, name: &str) -> Self {
        let identifier = self.inner_identifier(name);
        let mut item = match self.family {
            Family::Ios => bundle(
                &format!("{name}.appex"),
                &identifier,
                "XPC!",
                &self.signer(),
            ),
            Family::Mac => super::mac::bundle(
                &format!("{name}.appex"),
                &identifier,
                "XPC!",
                &self.signer(),
            ),
        };
        let mut point = Dictionary::new();
        let widget = "com.apple.widgetkit-extension";
        point.insert("NSExtensionPointIdentifier".to_owned(), widget.into());
        item.info
            .insert("NSExtension".to_owned(), Value::Dictionary(point));
        self.with("PlugIns", item)
    }

    /// With a framework in `Frameworks`: flat on iOS, with versions on macOS.
    pub fn with_framework(self, name: &str) -> Self {
        let identifier = format!("com.acme.{}", name.to_lowercase());
        let file = format!("{name}.framework");
        let mut item = match self.family {
            Family::Ios => bundle(&file, &identifier, "FMWK", &self.signer()),
            Family::Mac => super::mac::bundle(&file, &identifier, "FMWK", &self.signer()),
        };
        if self.family == Family::Mac {
            item.layout = Layout::Versioned;
        }
        for slice in &mut item.executable.slices {
            slice.file_type = FileType::Dylib;
        }
        self.with("Frameworks", item)
    }

    /// With a bare library in `Frameworks`.
    pub fn with_dylib(self, name: &str) -> Self {
        let stem = name.trim_end_matches(".dylib");
        let mut item = self.tool(name, stem);
        for slice in &mut item.executable.slices {
            slice.file_type = FileType::Dylib;
        }
        self.with("Frameworks", item)
    }

    /// A bare executable that the same certificate signs for the same system.
    pub(super) fn tool(&self, name: &str, identifier: &str) -> Item {
        let mut signature = CodeSignature::new(identifier, self.signature.signing.clone());
        signature.runtime = self.signature.runtime;
        signature.flags = self.signature.flags;
        signature.version = self.signature.version;
        let slices = self.executable.slices.iter();
        let slices = slices.map(|slice| MachO {
            label: name.to_owned(),
            ..slice.clone()
        });
        Item {
            name: name.to_owned(),
            layout: Layout::Tool,
            family: self.family,
            info: Dictionary::new(),
            executable: Executable {
                name: name.to_owned(),
                slices: slices.collect(),
                hidden_last: false,
                signatures: Default::default(),
            },
            signature,
            profile: None,
            resources: Default::default(),
            nested: Vec::new(),
            sealing: Sealing::default(),
        }
    }

    /// With a watch app in `Watch`.
    pub fn with_watch_app(self, name: &str) -> Self {
        let identifier = self.inner_identifier("watch");
        let mut item = bundle(&format!("{name}.app"), &identifier, "APPL", &self.signer());
        item.info.insert(
            "WKCompanionAppBundleIdentifier".to_owned(),
            self.signature.identifier.as_str().into(),
        );
        for slice in &mut item.executable.slices {
            slice.target = Target::WATCHOS;
        }
        self.with("Watch", item)
    }
}
