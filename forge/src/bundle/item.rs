//! What is to be signed, before it is.

use std::collections::BTreeMap;

use plist::Dictionary;

use super::product::{Product, SignedItem};
use super::{Bundle, Entry, joined};
use crate::code_resources::{CodeResources, Contents, default_rules};
use crate::code_signature::{CodeSignature, Components, Hook, SignedImage, Signing};
use crate::entitlements::document;
use crate::mach_o::MachO;
use crate::mach_o::fat::{Fat, Slice};
use crate::profile::Family;
use crate::requirement::Requirement;

/// Where an item has its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Everything at the root, as on iOS.
    Flat,
    /// Everything in `Contents`, as on macOS.
    Deep,
    /// A framework of macOS: everything in `Versions/A`, with links to it.
    Versioned,
    /// No bundle: the file alone.
    Tool,
}

impl Layout {
    /// The folder that is sealed.
    pub fn base(self) -> &'static str {
        match self {
            Self::Flat | Self::Tool => "",
            Self::Deep => "Contents",
            Self::Versioned => "Versions/A",
        }
    }

    /// The folder of resources below the base, with a slash.
    pub fn resources(self) -> &'static str {
        match self {
            Self::Flat | Self::Tool => "",
            Self::Deep | Self::Versioned => "Resources/",
        }
    }

    /// The path of `Info.plist` below the base.
    pub fn info(self) -> &'static str {
        match self {
            Self::Versioned => "Resources/Info.plist",
            _ => "Info.plist",
        }
    }
}

/// The main executable of an item.
#[derive(Clone)]
pub struct Executable {
    /// Its name: `CFBundleExecutable`.
    pub name: String,
    /// Its slices; one alone is written thin.
    pub slices: Vec<MachO>,
    /// Whether the last slice stands behind the counted ones.
    pub hidden_last: bool,
    /// Signatures of single slices, by index, that differ from the item's.
    pub signatures: BTreeMap<usize, CodeSignature>,
}

/// An item inside of another.
#[derive(Clone)]
pub struct Nested {
    /// The folder below the outer base: `PlugIns`.
    pub folder: String,
    /// The item.
    pub item: Item,
}

/// How an item's resources are sealed.
#[derive(Clone, Default)]
pub struct Sealing {
    /// Whether version 2 is left out, as before OS X 10.9.
    pub old_only: bool,
    /// Changes the seals before they are signed: what a signer with a key does.
    pub hooks: Vec<Hook<CodeResources>>,
    /// Changes the item's files before they are sealed and after what is nested is signed.
    pub files: Vec<Hook<Bundle>>,
}

/// An item to be signed.
#[derive(Clone)]
pub struct Item {
    /// Its file name.
    pub name: String,
    /// Where it has its parts.
    pub layout: Layout,
    /// Which system it is for.
    pub family: Family,
    /// `Info.plist`; empty writes none.
    pub info: Dictionary,
    /// The executable.
    pub executable: Executable,
    /// The signature.
    pub signature: CodeSignature,
    /// The embedded profile.
    pub profile: Option<Vec<u8>>,
    /// Further files below the base.
    pub resources: BTreeMap<String, Entry>,
    /// What is nested in it.
    pub nested: Vec<Nested>,
    /// How it is sealed.
    pub sealing: Sealing,
}

impl Item {
    /// The nested item at a path of folders and names below the root: `PlugIns/RocketWidget.appex`. An empty path is the
    /// item itself. Panics where there is none.
    pub fn at_mut(&mut self, path: &str) -> &mut Item {
        if path.is_empty() {
            return self;
        }
        let base = self.layout.base();
        let own = |nested: &Nested| joined(&joined(base, &nested.folder), &nested.item.name);
        let found = self.nested.iter_mut().find_map(|nested| {
            let own = own(nested);
            let rest = path.strip_prefix(&own)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((nested, own.len()))
        });
        let Some((nested, length)) = found else {
            panic!("nothing is nested at {path}");
        };
        nested.item.at_mut(path[length..].trim_start_matches('/'))
    }

    /// With another item in that folder.
    pub fn with(mut self, folder: &str, item: Item) -> Self {
        self.nested.push(Nested {
            folder: folder.to_owned(),
            item,
        });
        self
    }

    /// With a file, link or folder below its base.
    pub fn with_entry(mut self, path: &str, entry: Entry) -> Self {
        self.resources.insert(path.to_owned(), entry);
        self
    }

    /// Signs everything, from the inside out.
    pub fn sign(&self) -> Product {
        let (bundle, items) = self.build();
        Product {
            spec: self.clone(),
            bundle,
            items,
        }
    }

    /// The bundle, and its signed items with the outermost first.
    fn build(&self) -> (Bundle, Vec<SignedItem>) {
        let base = self.layout.base();
        let mut bundle = Bundle::new(&self.name);
        let mut items = Vec::new();
        let mut code = BTreeMap::new();
        for nested in &self.nested {
            let (inner, inside) = nested.item.build();
            let below = joined(&nested.folder, &nested.item.name);
            let path = joined(base, &below);
            bundle.graft(&path, &inner);
            let outermost = &inside[0];
            if !matches!(nested.item.signature.signing, Signing::Unsigned) {
                code.insert(
                    below,
                    (outermost.slices[0].cdhash(), outermost.designated.clone()),
                );
            }
            items.extend(inside.into_iter().map(|item| item.below(&path)));
        }
        self.fill(&mut bundle);
        for hook in &self.sealing.files {
            hook(&mut bundle);
        }
        let own = self.sign_own(&mut bundle, &code);
        items.insert(0, own);
        (bundle, items)
    }

    /// Puts everything in that needs no signature.
    fn fill(&self, bundle: &mut Bundle) {
        let base = self.layout.base();
        for (path, entry) in &self.resources {
            bundle.put(&joined(base, path), entry.clone());
        }
        if self.layout == Layout::Tool {
            return;
        }
        if !self.info.is_empty() {
            let info = joined(base, self.layout.info());
            bundle.put(&info, Entry::file(document(&self.info)));
        }
        if self.info.get("CFBundlePackageType") == Some(&"APPL".into()) {
            bundle.put(&joined(base, "PkgInfo"), Entry::file("APPL????"));
        }
        if let Some(profile) = &self.profile {
            let name = match self.family {
                Family::Ios => "embedded.mobileprovision",
                Family::Mac => "embedded.provisionprofile",
            };
            bundle.put(&joined(base, name), Entry::file(profile.clone()));
        }
        if self.layout == Layout::Versioned {
            bundle.put("Versions/Current", Entry::Link("A".to_owned()));
            for part in [self.executable.name.as_str(), "Resources"] {
                bundle.put(part, Entry::Link(format!("Versions/Current/{part}")));
            }
        }
    }

    /// Signs the item's own executable, over files that are complete but for it.
    fn sign_own(
        &self,
        bundle: &mut Bundle,
        code: &BTreeMap<String, (Vec<u8>, Requirement)>,
    ) -> SignedItem {
        let base = self.layout.base();
        let below = match self.layout {
            Layout::Tool => String::new(),
            Layout::Deep => format!("MacOS/{}", self.executable.name),
            Layout::Flat | Layout::Versioned => self.executable.name.clone(),
        };
        let executable = joined(base, &below);
        let unsigned = matches!(self.signature.signing, Signing::Unsigned);
        let resources = (self.layout != Layout::Tool && !unsigned).then(|| {
            let contents = Contents {
                entries: &bundle.below(base),
                executable: &below,
                code,
                hash_types: &self.signature.hash_types,
            };
            let rules = default_rules(self.layout.resources());
            let mut resources = CodeResources::seal(contents, rules);
            if self.sealing.old_only {
                resources.new = None;
            }
            for hook in &self.sealing.hooks {
                hook(&mut resources);
            }
            resources.to_bytes()
        });
        let info = joined(base, self.layout.info());
        let info = match self.layout {
            Layout::Tool => None,
            _ => bundle
                .entries
                .get(&info)
                .map(|_| bundle.file(&info).to_vec()),
        };
        let components = Components {
            info: info.as_deref(),
            resources: resources.as_deref(),
        };
        let sign = |(index, slice): (usize, &MachO)| {
            let own = self.executable.signatures.get(&index);
            own.unwrap_or(&self.signature).sign(slice, components)
        };
        let slices = self.executable.slices.iter().enumerate();
        let slices: Vec<SignedImage> = slices.map(sign).collect();
        let (bytes, places) = self.written(&slices);
        bundle.put(&executable, Entry::program(bytes));
        let seal = joined(base, "_CodeSignature/CodeResources");
        let seal = resources.map(|resources| {
            bundle.put(&seal, Entry::file(resources));
            seal
        });
        SignedItem {
            path: String::new(),
            base: base.to_owned(),
            executable,
            resources: seal,
            designated: self.signature.designated(&slices),
            page_bits: self.signature.page_bits,
            slices,
            places,
        }
    }

    /// The executable file, thin or fat, and where each slice is in it.
    fn written(&self, slices: &[SignedImage]) -> (Vec<u8>, Vec<usize>) {
        if let [slice] = slices {
            return (slice.bytes.clone(), vec![0]);
        }
        let archs = self.executable.slices.iter().map(|slice| slice.arch);
        let parts = archs.zip(slices).map(|(arch, slice)| Slice {
            arch,
            image: slice.bytes.clone(),
        });
        let mut fat = Fat::new(parts.collect());
        fat.hidden_last = self.executable.hidden_last;
        let places = fat.places().into_iter().map(|(offset, _)| offset);
        (fat.to_bytes(), places.collect())
    }
}
