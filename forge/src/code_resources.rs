//! `_CodeSignature/CodeResources`: the rules and the seals of a bundle's other files (`resources.cpp` and
//! `bundlediskrep.cpp` of libsecurity_codesigning).
//!
//! `files` and `rules` are version 1: SHA-1 of what is below `Resources`, no links, no nested code. `files2` and `rules2`
//! are version 2: everything. Rules are extended regular expressions that may match anywhere in the path; the heaviest
//! wins, and Apple's have no two of one weight that match the same path and disagree.

use std::collections::{BTreeMap, BTreeSet};

use plist::{Dictionary, Value};
use regex_lite::Regex;

use super::bundle::Entry;
use super::code_directory::HashType;
use super::entitlements::document;
use super::requirement::Requirement;

/// A rule: which paths it is about, and what becomes of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The expression.
    pub pattern: String,
    /// Its weight; none is written as plain `true` and weighs 1.
    pub weight: Option<u32>,
    /// Such files are not sealed.
    pub omit: bool,
    /// Such files may be missing.
    pub optional: bool,
    /// Such files and directories are code.
    pub nested: bool,
}

impl Rule {
    /// Seals what matches, with no weight of its own.
    pub fn plain(pattern: &str) -> Self {
        Self {
            pattern: pattern.to_owned(),
            weight: None,
            omit: false,
            optional: false,
            nested: false,
        }
    }

    /// The same of that weight.
    pub fn weighing(pattern: &str, weight: u32) -> Self {
        Self {
            weight: Some(weight),
            ..Self::plain(pattern)
        }
    }

    /// Does not seal what matches.
    pub fn omitting(pattern: &str, weight: u32) -> Self {
        Self {
            omit: true,
            ..Self::weighing(pattern, weight)
        }
    }

    /// Seals what matches, which may be missing.
    pub fn optional(pattern: &str, weight: u32) -> Self {
        Self {
            optional: true,
            ..Self::weighing(pattern, weight)
        }
    }

    /// Seals what matches as code.
    pub fn nesting(pattern: &str, weight: u32) -> Self {
        Self {
            nested: true,
            ..Self::weighing(pattern, weight)
        }
    }

    fn value(&self) -> Value {
        let Some(weight) = self.weight else {
            return true.into();
        };
        let mut value = Dictionary::new();
        for (key, set) in [
            ("nested", self.nested),
            ("omit", self.omit),
            ("optional", self.optional),
        ] {
            if set {
                value.insert(key.to_owned(), true.into());
            }
        }
        // Apple's tool writes weights as real numbers.
        value.insert("weight".to_owned(), Value::Real(f64::from(weight)));
        Value::Dictionary(value)
    }
}

/// The rules that the signing tool gives a bundle, version 1 and version 2; `resources` is `Resources/` where there is such
/// a folder, as in deep bundles and frameworks, and empty in flat ones, whose rules know no nested code.
pub fn default_rules(resources: &str) -> (Vec<Rule>, Vec<Rule>) {
    let below = |rest: &str| format!("^{resources}{rest}");
    let localized = |rules: &mut Vec<Rule>| {
        rules.push(Rule::optional(&below(r".*\.lproj/"), 1000));
        rules.push(Rule::weighing(&below(r"Base\.lproj/"), 1010));
        rules.push(Rule::omitting(&below(r".*\.lproj/locversion.plist$"), 1100));
    };
    let mut old = vec![Rule::plain("^version.plist$")];
    old.push(Rule::plain(match resources {
        "" => "^.*",
        _ => "^Resources/",
    }));
    localized(&mut old);
    let mut new = vec![Rule::plain("^.*")];
    if !resources.is_empty() {
        new.push(Rule::nesting("^[^/]+$", 10));
        new.push(Rule::nesting(
            "^(Frameworks|SharedFrameworks|PlugIns|Plug-ins|XPCServices|Helpers|MacOS|\
             Library/(Automator|Spotlight|LoginItems))/",
            10,
        ));
        new.push(Rule::weighing(&below(""), 20));
    }
    new.extend([
        Rule::weighing(r".*\.dSYM($|/)", 11),
        Rule::omitting(r"^(.*/)?\.DS_Store$", 2000),
        Rule::omitting(r"^Info\.plist$", 20),
        Rule::weighing(r"^version\.plist$", 20),
        Rule::weighing(r"^embedded\.provisionprofile$", 20),
        Rule::omitting(r"^PkgInfo$", 20),
    ]);
    localized(&mut new);
    (old, new)
}

/// What is sealed of a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Seal {
    /// How.
    pub what: Sealed,
    /// Whether it may be missing.
    pub optional: bool,
}

/// How a path is sealed.
#[derive(Clone, Debug, PartialEq)]
pub enum Sealed {
    /// A file, by its digests: `hash` for SHA-1, `hash2` for SHA-256, ….
    File(Vec<(HashType, Vec<u8>)>),
    /// A link, by its target.
    Link(String),
    /// Code, by one cdhash and a requirement.
    Nested(Vec<u8>, String),
}

impl Seal {
    fn file(bytes: &[u8], types: &[HashType], optional: bool) -> Self {
        let digests = types.iter().map(|hash| (*hash, hash.digest(bytes)));
        Self {
            what: Sealed::File(digests.collect()),
            optional,
        }
    }

    fn value(&self, old: bool) -> Value {
        let mut value = Dictionary::new();
        match &self.what {
            Sealed::File(digests) => {
                if let [(_, digest)] = digests.as_slice()
                    && old
                    && !self.optional
                {
                    return Value::Data(digest.clone());
                }
                for (hash, digest) in digests {
                    let key = match hash {
                        HashType::Sha1 => "hash".to_owned(),
                        other => format!("hash{}", *other as u32),
                    };
                    value.insert(key, Value::Data(digest.clone()));
                }
            }
            Sealed::Link(target) => {
                value.insert("symlink".to_owned(), target.as_str().into());
            }
            Sealed::Nested(cdhash, requirement) => {
                value.insert("cdhash".to_owned(), Value::Data(cdhash.clone()));
                value.insert("requirement".to_owned(), requirement.as_str().into());
            }
        }
        if self.optional {
            value.insert("optional".to_owned(), true.into());
        }
        Value::Dictionary(value)
    }
}

/// A resource directory to be written.
#[derive(Clone, Debug, Default)]
pub struct CodeResources {
    /// Version 1; `None` leaves `files` and `rules` out.
    pub old: Option<(BTreeMap<String, Seal>, Vec<Rule>)>,
    /// Version 2; `None` leaves `files2` and `rules2` out.
    pub new: Option<(BTreeMap<String, Seal>, Vec<Rule>)>,
    /// Keys besides, or in the place of these.
    pub more: Vec<(String, Value)>,
}

/// What there is to seal.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    /// Everything below the bundle's base, by path.
    pub entries: &'a BTreeMap<String, Entry>,
    /// The path of the main executable.
    pub executable: &'a str,
    /// Signed code below the base: cdhash and designated requirement.
    pub code: &'a BTreeMap<String, (Vec<u8>, Requirement)>,
    /// The hash types of the signature.
    pub hash_types: &'a [HashType],
}

impl CodeResources {
    /// Seals a bundle's contents by those rules.
    pub fn seal(contents: Contents<'_>, (old, new): (Vec<Rule>, Vec<Rule>)) -> Self {
        let files = sealed(contents, &old, true);
        let files2 = sealed(contents, &new, false);
        Self {
            old: Some((files, old)),
            new: Some((files2, new)),
            more: Vec::new(),
        }
    }

    /// The seals of version 2. Panics where there are none.
    pub fn files2(&mut self) -> &mut BTreeMap<String, Seal> {
        &mut self.new.as_mut().unwrap().0
    }

    /// The rules of version 2. Panics where there are none.
    pub fn rules2(&mut self) -> &mut Vec<Rule> {
        &mut self.new.as_mut().unwrap().1
    }

    /// The property list.
    pub fn to_bytes(&self) -> Vec<u8> {
        let files = |seals: &BTreeMap<String, Seal>, old: bool| {
            let pairs = seals.iter();
            Value::Dictionary(
                pairs
                    .map(|(path, seal)| (path.clone(), seal.value(old)))
                    .collect(),
            )
        };
        let rules = |rules: &[Rule]| {
            let sorted: BTreeMap<_, _> = rules
                .iter()
                .map(|rule| (rule.pattern.clone(), rule.value()))
                .collect();
            Value::Dictionary(sorted.into_iter().collect())
        };
        let mut values = BTreeMap::new();
        if let Some((seals, list)) = &self.old {
            values.insert("files".to_owned(), files(seals, true));
            values.insert("rules".to_owned(), rules(list));
        }
        if let Some((seals, list)) = &self.new {
            values.insert("files2".to_owned(), files(seals, false));
            values.insert("rules2".to_owned(), rules(list));
        }
        values.extend(self.more.iter().cloned());
        document(&values.into_iter().collect())
    }
}

fn sealed(contents: Contents<'_>, rules: &[Rule], old: bool) -> BTreeMap<String, Seal> {
    let rules = Compiled::new(rules);
    let mut seals = BTreeMap::new();
    let mut outside = BTreeSet::new();
    for (path, entry) in contents.entries {
        // What no seal ever covers, whatever the rules say.
        let top = path.split('/').next().unwrap_or_default();
        if ["_CodeSignature", "CodeResources", "_MASReceipt"].contains(&top)
            || path == contents.executable
        {
            continue;
        }
        if let Some(code) = rules.nested_ancestor(path)
            && contents.code.contains_key(code)
        {
            outside.insert(code.to_owned());
            continue;
        }
        let Some(rule) = rules.heaviest(path).filter(|rule| !rule.omit) else {
            continue;
        };
        let seal = match entry {
            Entry::File { .. } if rule.nested && contents.code.contains_key(path) => {
                outside.insert(path.clone());
                continue;
            }
            Entry::File { bytes, .. } => {
                let types: &[HashType] = match old {
                    true => &[HashType::Sha1],
                    false => contents.hash_types,
                };
                Seal::file(bytes, types, rule.optional)
            }
            Entry::Link(target) if !old => Seal {
                what: Sealed::Link(target.clone()),
                optional: rule.optional,
            },
            Entry::Link(_) | Entry::Directory | Entry::Socket => continue,
        };
        seals.insert(path.clone(), seal);
    }
    if !old {
        for path in outside {
            let (cdhash, requirement) = &contents.code[&path];
            let what = Sealed::Nested(cdhash.clone(), requirement.text());
            seals.insert(
                path,
                Seal {
                    what,
                    optional: false,
                },
            );
        }
    }
    seals
}

/// Rules with their expressions.
struct Compiled<'a>(Vec<(Regex, &'a Rule)>);

impl<'a> Compiled<'a> {
    fn new(rules: &'a [Rule]) -> Self {
        let compiled = rules.iter();
        Self(
            compiled
                .map(|rule| (Regex::new(&rule.pattern).unwrap(), rule))
                .collect(),
        )
    }

    fn heaviest(&self, path: &str) -> Option<&'a Rule> {
        let matching = self.0.iter().filter(|(regex, _)| regex.is_match(path));
        matching
            .map(|(_, rule)| *rule)
            .max_by_key(|rule| rule.weight.unwrap_or(1))
    }

    /// The directory above a path that counts as one piece of code: its rule says so, and its name has a dot.
    fn nested_ancestor<'p>(&self, path: &'p str) -> Option<&'p str> {
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        ends.into_iter().find(|directory| {
            let name = directory.rsplit('/').next().unwrap_or_default();
            name.contains('.') && self.heaviest(directory).is_some_and(|rule| rule.nested)
        })
    }
}
