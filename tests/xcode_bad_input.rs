//! Whatever project files hold, reading them ends, and not in a panic.
//!
//! A small project is damaged in thousands of reproducible ways, and everything that reads it is run to its end.

use std::path::Path;

use countersign::xcode::platform::Platform;
use countersign::xcode::project::Project;
use countersign::xcode::settings::{Overrides, ProjectSettings};
use countersign::xcode::sources::InMemory;
use countersign::xcode::targets::{self, Selection};
use countersign::xcode::{openstep, show_build_settings, workspace, xcconfig};

const PROJECT: &str = r#"// !$*UTF8*$!
{
	objectVersion = 77;
	objects = {
		P /* Project object */ = {isa = PBXProject; attributes = {TargetAttributes = {T = {ProvisioningStyle = Manual; }; }; };
			buildConfigurationList = PL; mainGroup = G; projectDirPath = ""; targets = (T, S, ); };
		G = {isa = PBXGroup; children = (X, Y, ); path = Sub; sourceTree = "<group>"; };
		X = {isa = PBXFileReference; path = base.xcconfig; sourceTree = "<group>"; };
		Y = {isa = PBXFileSystemSynchronizedRootGroup; path = Config; sourceTree = "<group>"; };
		PL = {isa = XCConfigurationList; buildConfigurations = (PR, ); defaultConfigurationName = Release; };
		PR = {isa = XCBuildConfiguration; name = Release; baseConfigurationReference = X; buildSettings = {
			SDKROOT = iphoneos; FLAGS = ("$(inherited)", "a b", ); "ID[sdk=iphoneos*]" = "\U00e9\101\n"; }; };
		T = {isa = PBXNativeTarget; name = App; productReference = TP; productType = "com.apple.product-type.application";
			buildConfigurationList = TL; buildPhases = (C, ); dependencies = (D, ); };
		C = {isa = PBXCopyFilesBuildPhase; dstSubfolderSpec = 13; files = (B, ); };
		B = {isa = PBXBuildFile; fileRef = SP; };
		D = {isa = PBXTargetDependency; target = S; targetProxy = Q; };
		Q = {isa = PBXContainerItemProxy; containerPortal = P; remoteGlobalIDString = S; };
		TL = {isa = XCConfigurationList; buildConfigurations = (TR, ); };
		TR = {isa = XCBuildConfiguration; name = Release; baseConfigurationReferenceAnchor = Y;
			baseConfigurationReferenceRelativePath = app.xcconfig; buildSettings = {
			PRODUCT_BUNDLE_IDENTIFIER = "$(PREFIX).${TARGET_NAME:rfc1034identifier}"; SUPPORTS_MACCATALYST = YES;
			CODE_SIGN_ENTITLEMENTS = App.entitlements; A = "$(B)"; B = "$(C:default=$A)"; C = "$(A)$($(B))"; }; };
		S = {isa = PBXNativeTarget; name = Share; productReference = SP; productType = "com.apple.product-type.app-extension";
			buildConfigurationList = SL; };
		SL = {isa = XCConfigurationList; buildConfigurations = (SR, ); };
		SR = {isa = XCBuildConfiguration; name = Release; buildSettings = {INFOPLIST_FILE = Info.plist; }; };
		Z = {isa = PBXNeverHeardOf; blob = <0fbd77>; };
	};
	rootObject = P;
}
"#;

const BASE: &str =
    "#include \"common\"\nPREFIX = com.example // c\nSTYLE[sdk=*][config=Release] = a \\\n b;\n";
const ENTITLEMENTS: &str = "<?xml version=\"1.0\"?><plist><dict><key>a</key><array><string>$(AppIdentifierPrefix)$(A)</string></array></dict></plist>";
const WORKSPACE: &str = "<Workspace><Group location='group:a'><FileRef location='group:B.xcodeproj'/></Group></Workspace>";
const CAPTURE: &str =
    "[{\"target\": \"App\", \"buildSettings\": {\"PLATFORM_NAME\": \"iphoneos\"}}]";

/// Runs everything on one set of texts.
fn read_everything([project, base, entitlements, workspace_text, capture]: [&str; 5]) {
    let _ = openstep::read(project);
    let _ = xcconfig::read(base).count();
    let sources = InMemory::new()
        .with("/src/Sub/base.xcconfig", base)
        .with("/src/Sub/common.xcconfig", base)
        .with("/src/Sub/Config/app.xcconfig", base)
        .with("/src/App.entitlements", entitlements)
        .with("/src/Info.plist", entitlements)
        .with(
            "/src/W.xcworkspace/contents.xcworkspacedata",
            workspace_text,
        );
    let _ = workspace::projects(Path::new("/src/W.xcworkspace"), &sources);
    let captured = show_build_settings::read(Path::new("capture"), capture).unwrap_or_default();
    let Ok(project) = Project::parse(Path::new("/src/App.xcodeproj"), project) else {
        return;
    };
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    for platform in [None, Some(Platform::MacCatalyst)] {
        let selection = Selection {
            platform,
            ..Selection::default()
        };
        let mut found = targets::resolve(&settings, &sources, &selection);
        let _ = show_build_settings::compare(&captured, &found.rows);
        for row in &mut found.rows {
            for capture in captured.targets() {
                capture.overrule(row);
            }
        }
    }
}

/// A reproducible stream of numbers (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound.max(1) as u64).unwrap_or_default()
    }
}

const TEXTS: [&str; 5] = [PROJECT, BASE, ENTITLEMENTS, WORKSPACE, CAPTURE];

#[test]
fn the_whole_project_resolves_before_it_is_damaged() {
    let sources = InMemory::new()
        .with("/src/Sub/base.xcconfig", BASE)
        .with("/src/Sub/common.xcconfig", "")
        .with("/src/Sub/Config/app.xcconfig", "")
        .with("/src/App.entitlements", ENTITLEMENTS);
    let project = Project::parse(Path::new("/src/App.xcodeproj"), PROJECT).unwrap();
    let settings = ProjectSettings::load(&project, &sources, &Overrides::default());
    let found = targets::resolve(&settings, &sources, &Selection::default());
    let id = found.rows[0].bundle_id.as_ref().unwrap();
    assert_eq!(id.value.as_str(), "com.example.App");
}

#[test]
fn cut_off_anywhere() {
    for which in 0..TEXTS.len() {
        for (at, _) in TEXTS[which].char_indices() {
            let mut texts = TEXTS;
            texts[which] = &TEXTS[which][..at];
            read_everything(texts);
        }
    }
}

#[test]
fn damaged_anywhere() {
    let fragments = [
        "$(",
        "${",
        ":",
        "=",
        ";",
        "{",
        "}",
        "(",
        ")",
        "\"",
        "\\",
        "\n",
        "<<<<<<< HEAD\n",
        "//",
        "/*",
        "*/",
        "<",
        "[",
        "]",
        "#include \"base.xcconfig\"\n",
        "$(inherited)",
        "\u{2028}",
        "\0",
        "é",
        "T",
        "P",
        "G",
    ];
    let mut numbers = Numbers(0x5eed_cafe_f00d_1234);
    for _ in 0..3_000 {
        let which = numbers.below(TEXTS.len());
        let mut text = TEXTS[which].to_owned();
        for _ in 0..=numbers.below(4) {
            let mut at = numbers.below(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match numbers.below(3) {
                0 => text.insert_str(at, fragments[numbers.below(fragments.len())]),
                1 => {
                    text.remove(at);
                }
                _ => {
                    let mut to = (at + numbers.below(60)).min(text.len());
                    while !text.is_char_boundary(to) {
                        to -= 1;
                    }
                    let piece = text[at..to.max(at)].to_owned();
                    text.insert_str(at, &piece);
                }
            }
            if text.is_empty() {
                break;
            }
        }
        let mut texts = TEXTS;
        texts[which] = &text;
        read_everything(texts);
    }
}
