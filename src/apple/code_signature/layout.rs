//! How a bundle is laid out: where its program, its `Info.plist` and its seal lie (`CFBundle`, bundlediskrep.cpp).
//!
//! There are three forms: **deep** with a folder `Contents` (macOS), **flat** (iOS and its kin), and **versioned** with a
//! folder `Versions` (frameworks for macOS). The seal of a bundle is about its base folder: `Contents`, the bundle itself,
//! or a version.

use schemars::JsonSchema;
use serde::Serialize;

use super::mach_o::bytes_at;
use super::product::{self, Product, Tree};
use crate::apple::property_list;
use crate::apple::value::Value;

/// The largest `Info.plist` that is read, in bytes. Real ones have up to 100 KB.
pub const MAX_INFO: u64 = 4 * 1024 * 1024;

/// The extensions of folders that are bundles of code.
const EXTENSIONS: [&str; 20] = [
    "app",
    "appex",
    "bundle",
    "component",
    "dext",
    "framework",
    "kext",
    "mdimporter",
    "menu",
    "plugin",
    "prefPane",
    "qlgenerator",
    "saver",
    "service",
    "systemextension",
    "wdgt",
    "xpc",
    "xctest",
    "audiocomp",
    "driver",
];

/// The form of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// With a folder `Contents`.
    Deep,
    /// Everything in one folder.
    Flat,
    /// A framework with versions; the one that is current.
    Versioned(String),
}

/// A bundle's layout.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The bundle.
    pub root: String,
    /// Its form.
    pub form: Form,
    /// The folder that the seal is about, and that holds `_CodeSignature`.
    pub base: String,
    /// `Info.plist`, where there is one.
    pub info: Option<String>,
    /// What it says; `None` if there is none or it cannot be read.
    pub dictionary: Option<Value>,
    /// Why it cannot be read.
    pub info_fault: Option<String>,
    /// The main executable; without one the signature is about `Info.plist`.
    pub executable: Option<String>,
}

/// Whether the name of a folder is that of a bundle of code.
pub fn has_bundle_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty()
            && EXTENSIONS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(extension))
    })
}

impl Layout {
    /// The layout of the bundle at `root`; `None` if it is none: it has neither an `Info.plist` nor a signature.
    pub fn of(product: &dyn Product, root: &str) -> Option<Self> {
        let tree = product.tree();
        let contents = product::join(root, "Contents");
        if tree.is_folder(&contents) {
            return Self::in_base(product, root, Form::Deep, contents);
        }
        let current = tree.resolve(&product::join(root, "Versions/Current"));
        if let Some(version) = current.filter(|version| tree.is_folder(version)) {
            let form = Form::Versioned(product::name(&version).to_owned());
            return Self::in_base(product, root, form, version);
        }
        Self::in_base(product, root, Form::Flat, root.to_owned())
    }

    /// The layout of one version of a framework, as a bundle of its own.
    pub fn of_version(product: &dyn Product, version: &str) -> Option<Self> {
        Self::in_base(product, version, Form::Flat, version.to_owned())
    }

    fn in_base(product: &dyn Product, root: &str, form: Form, base: String) -> Option<Self> {
        let tree = product.tree();
        let beside = product::join(&base, "Info.plist");
        let in_resources = product::join(&base, "Resources/Info.plist");
        let is_there = |path: &str| tree.get(path).is_some();
        let info = match form {
            // A framework keeps it among its resources.
            Form::Flat | Form::Versioned(_) if is_there(&in_resources) => Some(in_resources),
            _ => Some(beside).filter(|path| is_there(path)),
        };
        let is_signed = tree.is_folder(&product::join(&base, "_CodeSignature"));
        if info.is_none() && !is_signed {
            return None;
        }
        let (dictionary, info_fault) = match info.as_deref().map(|path| read_info(product, path)) {
            None => (None, None),
            Some(Ok(dictionary)) => (Some(dictionary), None),
            Some(Err(reason)) => (None, Some(reason)),
        };
        let mut layout = Self {
            root: root.to_owned(),
            form,
            base,
            info,
            dictionary,
            info_fault,
            executable: None,
        };
        layout.executable = layout.find_executable(tree);
        Some(layout)
    }

    fn find_executable(&self, tree: &Tree) -> Option<String> {
        let named = self
            .text("CFBundleExecutable")
            .filter(|name| !name.contains('/'));
        let own = product::name(&self.root);
        let stem = own.rsplit_once('.').map_or(own, |(stem, _)| stem);
        let folder = match self.form {
            Form::Deep => product::join(&self.base, "MacOS"),
            Form::Flat | Form::Versioned(_) => self.base.clone(),
        };
        let path = product::join(&folder, named.unwrap_or(stem));
        tree.get(&path).is_some().then_some(path)
    }

    /// A text of `Info.plist`.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.dictionary.as_ref()? {
            Value::Dictionary(values) => values.get(key)?.as_str(),
            _ => None,
        }
    }

    /// The folder of the signature.
    pub fn signature_folder(&self) -> String {
        product::join(&self.base, "_CodeSignature")
    }

    /// The seal over the files.
    pub fn code_resources(&self) -> String {
        product::join(&self.base, "_CodeSignature/CodeResources")
    }

    /// The profile that Xcode put in.
    pub fn embedded_profile(&self, tree: &Tree) -> Option<String> {
        ["embedded.mobileprovision", "embedded.provisionprofile"]
            .iter()
            .map(|name| product::join(&self.base, name))
            .find(|path| tree.is_file(path))
    }
}

fn read_info(product: &dyn Product, path: &str) -> Result<Value, String> {
    let mut file = product.open(path).map_err(|error| error.to_string())?;
    let size = file.size();
    if size > MAX_INFO {
        return Err(format!("it has {size} bytes; at most {MAX_INFO} are read"));
    }
    let bytes = bytes_at(&mut *file, 0..size).map_err(|error| error.to_string())?;
    let limit = usize::try_from(MAX_INFO).unwrap_or(usize::MAX);
    property_list::read_info(&bytes, limit).map_err(|error| error.to_string())
}
