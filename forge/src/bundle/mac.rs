//! Apps and tools of macOS: deep bundles, whose nested code is sealed by requirement.

use plist::{Dictionary, Value};

use super::Entry;
use super::ios::{IDENTIFIER, grant, info};
use super::item::{Executable, Item, Layout, Sealing};
use crate::code_signature::{CodeSignature, Signing, SigningIdentity};
use crate::hierarchy::LeafKind;
use crate::mach_o::{Arch, MachO, Target};
use crate::profile::{Family, ProfileSpec};

/// An app that is one bundle with a profile, some resources and two slices, with the hardened runtime.
pub fn mac_app(signer: &SigningIdentity) -> Item {
    bundle("Rocket.app", IDENTIFIER, "APPL", signer)
        .with_entry("Resources/Rocket.icns", Entry::file("an icon"))
        .with_entry(
            "Resources/Guide/index.html",
            Entry::file("<p>How to fly</p>\n"),
        )
        .with_entry(
            "Resources/Guide/start.html",
            Entry::Link("index.html".to_owned()),
        )
        .with_entry(
            "Resources/en.lproj/Localizable.strings",
            Entry::file("\"go\" = \"Go\";\n"),
        )
        .with_entry(
            "Resources/Base.lproj/Main.nib",
            Entry::file("the first window"),
        )
}

/// The same with a framework, a library, an extension, an XPC service, a helper tool, a login item and a system extension.
pub fn mac_app_with_everything(signer: &SigningIdentity) -> Item {
    mac_app(signer)
        .with_framework("RocketKit")
        .with_dylib("libswiftRocket.dylib")
        .with_extension("RocketWidget")
        .with_xpc_service("RocketService")
        .with_helper_tool("rocket-helper")
        .with_login_item("RocketLauncher")
        .with_system_extension("network")
}

/// A command-line tool: one fat file with its `Info.plist` inside, as `rocket`.
pub fn mac_tool(signer: &SigningIdentity) -> Item {
    let app = mac_app(signer);
    let mut tool = app.tool("rocket", "com.acme.rocket-cli");
    let info = info("rocket", "com.acme.rocket-cli", "APPL");
    for slice in &mut tool.executable.slices {
        slice.info_plist = Some(crate::entitlements::document(&info));
    }
    tool.signature = tool.signature.entitled(&Dictionary::new());
    tool
}

/// A deep bundle of that kind, with the identifier's profile and entitlements when it is an app or an extension.
pub(super) fn bundle(
    name: &str,
    identifier: &str,
    package: &str,
    signer: &SigningIdentity,
) -> Item {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let mut signature = CodeSignature::new(identifier, Signing::By(Box::new(signer.clone())));
    if signer.kind != LeafKind::AppleDevelopment {
        signature = signature.hardened(0x000f_0000);
    }
    let mut info = info(stem, identifier, package);
    info.insert("LSMinimumSystemVersion".to_owned(), "13.0".into());
    info.insert(
        "CFBundleSupportedPlatforms".to_owned(),
        Value::Array(vec!["MacOSX".into()]),
    );
    let slice = |arch| MachO::executable(arch, Target::MACOS, stem);
    let mut item = Item {
        name: name.to_owned(),
        layout: Layout::Deep,
        family: Family::Mac,
        info,
        executable: Executable {
            name: stem.to_owned(),
            slices: vec![slice(Arch::X86_64), slice(Arch::Arm64)],
            hidden_last: false,
            signatures: Default::default(),
        },
        signature: signature.clone(),
        profile: None,
        resources: Default::default(),
        nested: Vec::new(),
        sealing: Sealing::default(),
    };
    if matches!(extension, "app" | "appex" | "systemextension") {
        let (kind, granted) = grant(identifier, signer, Family::Mac);
        item.signature = signature.entitled(&granted);
        item.profile = Some(
            ProfileSpec::mac(kind, identifier)
                .certificates(std::slice::from_ref(&signer.identity))
                .mint(),
        );
    }
    item
}

impl Item {
    /// With an XPC service in `XPCServices`.
    pub fn with_xpc_service(self, name: &str) -> Self {
        let identifier = self.inner_identifier(name);
        let item = bundle(&format!("{name}.xpc"), &identifier, "XPC!", &self.signer());
        self.with("XPCServices", item)
    }

    /// With a tool in `Helpers`.
    pub fn with_helper_tool(self, name: &str) -> Self {
        let identifier = self.inner_identifier(name);
        let item = self.tool(name, &identifier);
        self.with("Helpers", item)
    }

    /// With an app that starts at login, in `Library/LoginItems`.
    pub fn with_login_item(self, name: &str) -> Self {
        let identifier = self.inner_identifier("launcher");
        let item = bundle(&format!("{name}.app"), &identifier, "APPL", &self.signer());
        self.with("Library/LoginItems", item)
    }

    /// With a system extension, which is named by its identifier and whose folder no default rule counts as nested code:
    /// it is sealed as files.
    pub fn with_system_extension(self, name: &str) -> Self {
        let identifier = self.inner_identifier(name);
        let file = format!("{identifier}.systemextension");
        let item = bundle(&file, &identifier, "SYSX", &self.signer());
        self.with("Library/SystemExtensions", item)
    }
}
