//! Xcode projects as Xcode writes them: an app, what it embeds, configuration files, entitlements.
//!
//! A [`ProjectSpec`] is plain data; change what the test is about and [`ProjectSpec::write`] it. Targets embed others by
//! name, each product by the phase that Xcode uses for it. Settings stand where the test puts them: in the project, in
//! a target, in a configuration file, for both configurations or for one.
//!
//! Like the rest of the forge it shares no code with the library, and the same sources write the same bytes.

use std::fs;
use std::path::{Path, PathBuf};

use plist::{Dictionary, Value};

use super::profile::ACME_TEAM;
use super::{stream, xml};

/// The configurations of every project.
pub const CONFIGURATIONS: [&str; 2] = ["Debug", "Release"];

/// What a target builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// An application.
    App,
    /// An App Clip.
    AppClip,
    /// An app extension.
    Extension,
    /// A watch app of today: one target.
    WatchApp,
    /// A framework.
    Framework,
    /// A static library.
    StaticLibrary,
    /// A command-line tool.
    Tool,
    /// A bundle of resources.
    Resources,
    /// UI tests of the project's first target.
    UiTests,
}

impl Product {
    fn product_type(self) -> &'static str {
        match self {
            Self::App | Self::WatchApp => "com.apple.product-type.application",
            Self::AppClip => "com.apple.product-type.application.on-demand-install-capable",
            Self::Extension => "com.apple.product-type.app-extension",
            Self::Framework => "com.apple.product-type.framework",
            Self::StaticLibrary => "com.apple.product-type.library.static",
            Self::Tool => "com.apple.product-type.tool",
            Self::Resources => "com.apple.product-type.bundle",
            Self::UiTests => "com.apple.product-type.bundle.ui-testing",
        }
    }

    fn file_type(self) -> &'static str {
        match self {
            Self::App | Self::AppClip | Self::WatchApp => "wrapper.application",
            Self::Extension => "\"wrapper.app-extension\"",
            Self::Framework => "wrapper.framework",
            Self::StaticLibrary => "archive.ar",
            Self::Tool => "\"compiled.mach-o.executable\"",
            Self::Resources | Self::UiTests => "wrapper.cfbundle",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::App | Self::AppClip | Self::WatchApp => "app",
            Self::Extension => "appex",
            Self::Framework => "framework",
            Self::StaticLibrary => "a",
            Self::Tool => "out",
            Self::Resources => "bundle",
            Self::UiTests => "xctest",
        }
    }

    /// The phase that embeds it: name, `dstSubfolderSpec`, `dstPath`.
    fn embedding(self) -> Option<(&'static str, u8, &'static str)> {
        match self {
            Self::Extension => Some(("Embed Foundation Extensions", 13, "")),
            Self::AppClip => Some(("Embed App Clips", 16, "$(CONTENTS_FOLDER_PATH)/AppClips")),
            Self::WatchApp => Some(("Embed Watch Content", 16, "$(CONTENTS_FOLDER_PATH)/Watch")),
            Self::Framework => Some(("Embed Frameworks", 10, "")),
            Self::App | Self::UiTests | Self::StaticLibrary | Self::Tool | Self::Resources => None,
        }
    }
}

/// A setting: the configuration that has it (none: both), its key with its conditions, its value.
pub type SettingSpec = (Option<&'static str>, String, String);

/// Adds a setting to both configurations, or replaces it there.
fn set(settings: &mut Vec<SettingSpec>, of: Option<&'static str>, key: &str, value: &str) {
    settings.retain(|(known, name, _)| name != key || (of.is_some() && *known != of));
    settings.push((of, key.to_owned(), value.to_owned()));
}

/// A target.
#[derive(Clone, Debug)]
pub struct TargetSpec {
    /// Its name.
    pub name: String,
    /// What it builds.
    pub product: Product,
    /// Its own settings.
    pub settings: Vec<SettingSpec>,
    /// The configuration file that both of its configurations are based on, by name.
    pub xcconfig: Option<String>,
    /// The targets that it embeds, by name.
    pub embeds: Vec<String>,
    /// What it claims; none: no entitlements file.
    pub entitlements: Option<Dictionary>,
}

impl TargetSpec {
    /// A target with a bundle id.
    pub fn new(name: &str, product: Product, bundle_id: &str) -> Self {
        let mut target = Self {
            name: name.to_owned(),
            product,
            settings: Vec::new(),
            xcconfig: None,
            embeds: Vec::new(),
            entitlements: None,
        }
        .with("GENERATE_INFOPLIST_FILE", "YES")
        .with("PRODUCT_BUNDLE_IDENTIFIER", bundle_id)
        .with("PRODUCT_NAME", "$(TARGET_NAME)");
        match product {
            Product::WatchApp => {
                set(&mut target.settings, None, "SDKROOT", "watchos");
                set(&mut target.settings, None, "TARGETED_DEVICE_FAMILY", "4");
            }
            Product::UiTests => set(&mut target.settings, None, "TEST_TARGET_NAME", "Rocket"),
            _ => {}
        }
        target
    }

    /// With a setting in both configurations.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        set(&mut self.settings, None, key, value);
        self
    }

    /// With a setting in Release only.
    pub fn release(mut self, key: &str, value: &str) -> Self {
        set(&mut self.settings, Some("Release"), key, value);
        self
    }

    /// Without a setting.
    pub fn without(mut self, key: &str) -> Self {
        self.settings.retain(|(_, name, _)| name != key);
        self
    }

    /// Embedding these targets.
    pub fn embedding(mut self, names: &[&str]) -> Self {
        self.embeds
            .extend(names.iter().map(|&name| name.to_owned()));
        self
    }

    /// Claiming an entitlement more.
    pub fn claiming(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.entitlements
            .get_or_insert_with(Dictionary::new)
            .insert(key.to_owned(), value.into());
        self
    }
}

/// A project.
#[derive(Clone, Debug)]
pub struct ProjectSpec {
    /// Its name, without `.xcodeproj`.
    pub name: String,
    /// The project's own settings.
    pub settings: Vec<SettingSpec>,
    /// The configuration file that both of the project's configurations are based on, by name.
    pub xcconfig: Option<String>,
    /// Configuration files: name and text.
    pub xcconfigs: Vec<(String, String)>,
    /// The targets.
    pub targets: Vec<TargetSpec>,
}

impl ProjectSpec {
    /// A project without targets: iOS, Acme's team, signed automatically.
    pub fn new(name: &str) -> Self {
        let mut settings = Vec::new();
        for (key, value) in [
            ("CODE_SIGN_STYLE", "Automatic"),
            ("CURRENT_PROJECT_VERSION", "1"),
            ("DEVELOPMENT_TEAM", ACME_TEAM),
            ("MARKETING_VERSION", "1.0"),
            ("SDKROOT", "iphoneos"),
            ("SWIFT_VERSION", "5.0"),
            ("TARGETED_DEVICE_FAMILY", "1,2"),
        ] {
            set(&mut settings, None, key, value);
        }
        Self {
            name: name.to_owned(),
            settings,
            xcconfig: None,
            xcconfigs: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// Acme's product: the app, two extensions and a watch app, Debug signed automatically, Release manually with the
    /// profile that `specifier` gives for a bundle id.
    pub fn rocket(specifier: impl Fn(&str) -> String) -> Self {
        let groups = || Value::Array(vec!["group.com.acme.rocket".into()]);
        let target = |name, product, bundle_id: &str| {
            TargetSpec::new(name, product, bundle_id)
                .release("CODE_SIGN_IDENTITY", "Apple Distribution")
                .release("PROVISIONING_PROFILE_SPECIFIER", &specifier(bundle_id))
                .claiming("com.apple.security.application-groups", groups())
        };
        let domains = Value::Array(vec!["applinks:rocket.acme.example".into()]);
        let mut project = Self::new("Acme").target(
            target("Rocket", Product::App, "com.acme.rocket")
                .embedding(&["Share", "Widgets", "Watch"])
                .claiming("aps-environment", "production")
                .claiming("com.apple.developer.associated-domains", domains),
        );
        for (name, product, bundle_id) in [
            ("Share", Product::Extension, "com.acme.rocket.share"),
            ("Widgets", Product::Extension, "com.acme.rocket.widgets"),
            ("Watch", Product::WatchApp, "com.acme.rocket.watchkitapp"),
        ] {
            project = project.target(target(name, product, bundle_id));
        }
        project
            .settings
            .retain(|(_, key, _)| key != "CODE_SIGN_STYLE");
        set(
            &mut project.settings,
            Some("Debug"),
            "CODE_SIGN_STYLE",
            "Automatic",
        );
        project.release("CODE_SIGN_STYLE", "Manual")
    }

    /// With a target more.
    pub fn target(mut self, target: TargetSpec) -> Self {
        self.targets.push(target);
        self
    }

    /// With a target changed.
    pub fn change(mut self, name: &str, change: impl FnOnce(TargetSpec) -> TargetSpec) -> Self {
        let at = self.targets.iter().position(|target| target.name == name);
        let target = &mut self.targets[at.expect("a target of that name")];
        *target = change(target.clone());
        self
    }

    /// With every target changed.
    pub fn change_all(mut self, change: impl Fn(TargetSpec) -> TargetSpec) -> Self {
        self.targets = self.targets.into_iter().map(change).collect();
        self
    }

    /// With a project setting in both configurations.
    pub fn with(mut self, key: &str, value: &str) -> Self {
        set(&mut self.settings, None, key, value);
        self
    }

    /// With a project setting in Release only.
    pub fn release(mut self, key: &str, value: &str) -> Self {
        set(&mut self.settings, Some("Release"), key, value);
        self
    }

    /// With a configuration file in the project's folder.
    pub fn file(mut self, name: &str, text: &str) -> Self {
        self.xcconfigs.push((name.to_owned(), text.to_owned()));
        self
    }

    /// Based on a configuration file, which need not exist.
    pub fn based_on(mut self, name: &str) -> Self {
        self.xcconfig = Some(name.to_owned());
        self
    }

    /// The path of the project file below the folder.
    pub fn pbxproj(&self) -> String {
        format!("{}.xcodeproj/project.pbxproj", self.name)
    }

    /// All files: their paths below the folder and their bytes.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = vec![(self.pbxproj(), Writer::new(self).text().into_bytes())];
        for (name, text) in &self.xcconfigs {
            files.push((name.clone(), text.clone().into_bytes()));
        }
        for target in &self.targets {
            if let Some(claims) = &target.entitlements {
                let entries: Vec<xml::Entry> = claims
                    .iter()
                    .map(|(key, value)| (key.clone(), xml::value(value, 1)))
                    .collect();
                let path = entitlements_path(target);
                files.push((path, xml::document(&entries).into_bytes()));
            }
        }
        files
    }

    /// Writes all files below `folder`; the path of the `.xcodeproj`.
    pub fn write(&self, folder: &Path) -> PathBuf {
        for (path, bytes) in self.files() {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder.join(format!("{}.xcodeproj", self.name))
    }
}

fn entitlements_path(target: &TargetSpec) -> String {
    format!("{0}/{0}.entitlements", target.name)
}

/// Writes the project file: one section per class, in the order of their names, as Xcode does.
struct Writer<'a> {
    spec: &'a ProjectSpec,
    /// Class, object id, comment, body.
    objects: Vec<(&'static str, String, String, String)>,
}

impl<'a> Writer<'a> {
    fn new(spec: &'a ProjectSpec) -> Self {
        Self {
            spec,
            objects: Vec::new(),
        }
    }

    /// The object id that grows from a label: 24 upper-case hex digits.
    fn id(&self, label: &str) -> String {
        stream::bytes(&format!("project {} {label}", self.spec.name), 12)
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect()
    }

    /// `ID /* comment */`.
    fn reference(&self, label: &str, comment: &str) -> String {
        format!("{} /* {comment} */", self.id(label))
    }

    /// Adds an object; `body` holds its entries, a line each.
    fn object(&mut self, isa: &'static str, label: &str, comment: &str, body: &[String]) {
        let mut text = format!("\t\t\tisa = {isa};\n");
        for line in body {
            text.push_str(&format!("\t\t\t{line};\n"));
        }
        self.objects
            .push((isa, self.id(label), comment.to_owned(), text));
    }

    fn text(mut self) -> String {
        let spec = self.spec;
        let project = format!("project {}", spec.name);
        let targets: Vec<String> = spec
            .targets
            .iter()
            .map(|target| self.reference(&format!("target {}", target.name), &target.name))
            .collect();
        let attributes: String = spec
            .targets
            .iter()
            .map(|target| {
                let tests = match target.product {
                    Product::UiTests => {
                        let host = &spec.targets.first().unwrap().name;
                        format!("\t\t\t\t\t\tTestTargetID = {};\n", self.id(&format!("target {host}")))
                    }
                    _ => String::new(),
                };
                let id = self.id(&format!("target {}", target.name));
                format!("\t\t\t\t\t{id} = {{\n\t\t\t\t\t\tCreatedOnToolsVersion = 16.0;\n{tests}\t\t\t\t\t}};\n")
            })
            .collect();
        self.configurations(
            &project,
            "PBXProject",
            &spec.name,
            &spec.settings,
            spec.xcconfig.as_deref(),
        );
        self.object(
            "PBXProject",
            "root",
            "Project object",
            &[
                format!(
                    "attributes = {{\n\t\t\t\tBuildIndependentTargetsInParallel = 1;\n\t\t\t\tLastUpgradeCheck = \
                     1600;\n\t\t\t\tTargetAttributes = {{\n{attributes}\t\t\t\t}};\n\t\t\t}}"
                ),
                self.list_reference(&project, "PBXProject", &spec.name),
                "developmentRegion = en".to_owned(),
                "hasScannedForEncodings = 0".to_owned(),
                list("knownRegions", &["en".to_owned(), "Base".to_owned()]),
                format!("mainGroup = {}", self.id("main group")),
                "preferredProjectObjectVersion = 77".to_owned(),
                format!("productRefGroup = {}", self.reference("products", "Products")),
                "projectDirPath = \"\"".to_owned(),
                "projectRoot = \"\"".to_owned(),
                list("targets", &targets),
            ],
        );
        let mut children = Vec::new();
        for name in self.configuration_files() {
            let label = format!("file {name}");
            children.push(self.reference(&label, &name));
            let body = [
                "lastKnownFileType = text.xcconfig".to_owned(),
                format!("path = {}", quoted(&name)),
                "sourceTree = \"<group>\"".to_owned(),
            ];
            self.object("PBXFileReference", &label, &name, &body);
        }
        let mut products = Vec::new();
        for target in &spec.targets {
            self.target(target);
            children.push(self.reference(&format!("folder {}", target.name), &target.name));
            products
                .push(self.reference(&format!("product {}", target.name), &product_name(target)));
        }
        children.push(self.reference("products", "Products"));
        let group_tree = "sourceTree = \"<group>\"".to_owned();
        self.object(
            "PBXGroup",
            "main group",
            "",
            &[list("children", &children), group_tree.clone()],
        );
        self.object(
            "PBXGroup",
            "products",
            "Products",
            &[
                list("children", &products),
                "name = Products".to_owned(),
                group_tree,
            ],
        );
        self.finish()
    }

    /// The files that something is based on, whether or not they are written.
    fn configuration_files(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .spec
            .xcconfigs
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        names.extend(self.spec.xcconfig.clone());
        names.extend(
            self.spec
                .targets
                .iter()
                .filter_map(|target| target.xcconfig.clone()),
        );
        names.sort();
        names.dedup();
        names
    }

    fn target(&mut self, target: &TargetSpec) {
        let name = &target.name;
        let label = format!("target {name}");
        let mut settings = target.settings.clone();
        let claims = target.entitlements.as_ref();
        let path = claims.map(|_| entitlements_path(target));
        let known = settings
            .iter()
            .any(|(_, key, _)| key == "CODE_SIGN_ENTITLEMENTS");
        if let (Some(path), false) = (path, known) {
            set(&mut settings, None, "CODE_SIGN_ENTITLEMENTS", &path);
        }
        self.configurations(
            &label,
            "PBXNativeTarget",
            name,
            &settings,
            target.xcconfig.as_deref(),
        );
        let mut phases: Vec<String> = Vec::new();
        for (isa, phase) in [
            ("PBXSourcesBuildPhase", "Sources"),
            ("PBXFrameworksBuildPhase", "Frameworks"),
            ("PBXResourcesBuildPhase", "Resources"),
        ] {
            let label = format!("{phase} of {name}");
            phases.push(self.reference(&label, phase));
            let body = [
                "buildActionMask = 2147483647".to_owned(),
                list("files", &[]),
                "runOnlyForDeploymentPostprocessing = 0".to_owned(),
            ];
            self.object(isa, &label, phase, &body);
        }
        let mut dependencies = Vec::new();
        let mut embedding: Vec<(Product, Vec<String>)> = Vec::new();
        let tested = match target.product {
            Product::UiTests => self.spec.targets.first().map(|first| first.name.clone()),
            _ => None,
        };
        for other in target.embeds.iter().chain(&tested) {
            dependencies.push(self.dependency(name, other));
        }
        for embedded in &target.embeds {
            let spec = self.spec;
            let of_name = |one: &&TargetSpec| one.name == *embedded;
            let inner = spec
                .targets
                .iter()
                .find(of_name)
                .expect("the embedded target");
            let (phase, _, _) = inner
                .product
                .embedding()
                .expect("something that is embedded");
            let label = format!("{embedded} in {name}");
            let comment = format!("{} in {phase}", product_name(inner));
            let product = self.reference(&format!("product {embedded}"), &product_name(inner));
            let body = [
                format!("fileRef = {product}"),
                "settings = {ATTRIBUTES = (RemoveHeadersOnCopy, ); }".to_owned(),
            ];
            self.object("PBXBuildFile", &label, &comment, &body);
            let file = self.reference(&label, &comment);
            match embedding
                .iter_mut()
                .find(|(product, _)| *product == inner.product)
            {
                Some((_, files)) => files.push(file),
                None => embedding.push((inner.product, vec![file])),
            }
        }
        for (product, files) in embedding {
            let (phase, folder, path) = product.embedding().expect("something that is embedded");
            let label = format!("{phase} of {name}");
            phases.push(self.reference(&label, phase));
            let body = [
                "buildActionMask = 2147483647".to_owned(),
                format!("dstPath = {}", quoted(path)),
                format!("dstSubfolderSpec = {folder}"),
                list("files", &files),
                format!("name = {}", quoted(phase)),
                "runOnlyForDeploymentPostprocessing = 0".to_owned(),
            ];
            self.object("PBXCopyFilesBuildPhase", &label, phase, &body);
        }
        let folder = format!("folder {name}");
        let product = format!("product {name}");
        let body = [
            self.list_reference(&label, "PBXNativeTarget", name),
            list("buildPhases", &phases),
            list("buildRules", &[]),
            list("dependencies", &dependencies),
            list(
                "fileSystemSynchronizedGroups",
                &[self.reference(&folder, name)],
            ),
            format!("name = {}", quoted(name)),
            format!("productName = {}", quoted(name)),
            format!(
                "productReference = {}",
                self.reference(&product, &product_name(target))
            ),
            format!("productType = {}", quoted(target.product.product_type())),
        ];
        self.object("PBXNativeTarget", &label, name, &body);
        let body = [
            format!("path = {}", quoted(name)),
            "sourceTree = \"<group>\"".to_owned(),
        ];
        self.object("PBXFileSystemSynchronizedRootGroup", &folder, name, &body);
        let body = [
            format!("explicitFileType = {}", target.product.file_type()),
            "includeInIndex = 0".to_owned(),
            format!("path = {}", quoted(&product_name(target))),
            "sourceTree = BUILT_PRODUCTS_DIR".to_owned(),
        ];
        self.object("PBXFileReference", &product, &product_name(target), &body);
    }

    fn dependency(&mut self, outer: &str, inner: &str) -> String {
        let proxy = format!("proxy of {inner} in {outer}");
        let body = [
            format!(
                "containerPortal = {}",
                self.reference("root", "Project object")
            ),
            "proxyType = 1".to_owned(),
            format!(
                "remoteGlobalIDString = {}",
                self.id(&format!("target {inner}"))
            ),
            format!("remoteInfo = {}", quoted(inner)),
        ];
        self.object(
            "PBXContainerItemProxy",
            &proxy,
            "PBXContainerItemProxy",
            &body,
        );
        let label = format!("{outer} needs {inner}");
        let body = [
            format!(
                "target = {}",
                self.reference(&format!("target {inner}"), inner)
            ),
            format!(
                "targetProxy = {}",
                self.reference(&proxy, "PBXContainerItemProxy")
            ),
        ];
        self.object("PBXTargetDependency", &label, "PBXTargetDependency", &body);
        self.reference(&label, "PBXTargetDependency")
    }

    fn list_reference(&self, label: &str, isa: &str, name: &str) -> String {
        let comment = format!("Build configuration list for {isa} \"{name}\"");
        format!(
            "buildConfigurationList = {}",
            self.reference(&format!("configurations of {label}"), &comment)
        )
    }

    fn configurations(
        &mut self,
        label: &str,
        isa: &str,
        name: &str,
        settings: &[SettingSpec],
        base: Option<&str>,
    ) {
        let mut references = Vec::new();
        for configuration in CONFIGURATIONS {
            let mut own: Vec<(&String, &String)> = settings
                .iter()
                .filter(|(of, _, _)| of.is_none_or(|of| of == configuration))
                .map(|(_, key, value)| (key, value))
                .collect();
            own.sort();
            let lines: String = own
                .iter()
                .map(|(key, value)| format!("\t\t\t\t{} = {};\n", quoted(key), quoted(value)))
                .collect();
            let mut body = Vec::new();
            if let Some(base) = base {
                let file = self.reference(&format!("file {base}"), base);
                body.push(format!("baseConfigurationReference = {file}"));
            }
            body.push(format!("buildSettings = {{\n{lines}\t\t\t}}"));
            body.push(format!("name = {configuration}"));
            let label = format!("{configuration} of {label}");
            self.object("XCBuildConfiguration", &label, configuration, &body);
            references.push(self.reference(&label, configuration));
        }
        let body = [
            list("buildConfigurations", &references),
            "defaultConfigurationIsVisible = 0".to_owned(),
            "defaultConfigurationName = Release".to_owned(),
        ];
        let comment = format!("Build configuration list for {isa} \"{name}\"");
        self.object(
            "XCConfigurationList",
            &format!("configurations of {label}"),
            &comment,
            &body,
        );
    }

    fn finish(self) -> String {
        let root = self.reference("root", "Project object");
        let mut objects = self.objects;
        objects.sort();
        let mut out = String::from(
            "// !$*UTF8*$!\n{\n\tarchiveVersion = 1;\n\tclasses = {\n\t};\n\tobjectVersion = 77;\n\tobjects = {\n",
        );
        let mut section = "";
        for (isa, id, comment, body) in &objects {
            if section != *isa {
                if !section.is_empty() {
                    out.push_str(&format!("/* End {section} section */\n"));
                }
                out.push_str(&format!("\n/* Begin {isa} section */\n"));
                section = isa;
            }
            let comment = match comment.as_str() {
                "" => String::new(),
                comment => format!(" /* {comment} */"),
            };
            out.push_str(&format!("\t\t{id}{comment} = {{\n{body}\t\t}};\n"));
        }
        out.push_str(&format!(
            "/* End {section} section */\n\t}};\n\trootObject = {root};\n}}\n"
        ));
        out
    }
}

fn product_name(target: &TargetSpec) -> String {
    format!("{}.{}", target.name, target.product.extension())
}

fn list(key: &str, items: &[String]) -> String {
    let lines: String = items
        .iter()
        .map(|item| format!("\t\t\t\t{item},\n"))
        .collect();
    format!("{key} = (\n{lines}\t\t\t)")
}

/// A string as Xcode writes it: quoted unless it is plain.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/');
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
