//! `CodeResources`: the seal over the files of a bundle.
//!
//! It is a property list of rules and of what each file was. There are two generations in one file: `rules` with `files`
//! (SHA-1, no links, no nested code), and `rules2` with `files2`. Where the second is there, every system reads that one.
//!
//! A large app has a hundred thousand entries, so the list is read value by value and never held as a whole.

use std::collections::HashMap;

use plist::stream::{Event, OwnedEvent};

use super::hash_type::HashType;
use super::path_rules::{MAX_RULES, PatternError, Rule, RuleFlags};
use crate::apple::property_list::{self, PropertyListError};

/// The largest `CodeResources` that is read, in bytes: one of 100,000 files has 20 MB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The most files of one seal.
pub const MAX_ENTRIES: usize = 300_000;

/// How deep the values of keys that are passed over may nest.
const MAX_DEPTH: usize = 16;

/// The seal over the files of a bundle.
#[derive(Debug, Clone)]
pub struct CodeResources {
    /// 1 or 2: the generation that counts.
    pub version: u8,
    /// The rules.
    pub rules: Vec<Rule>,
    /// What each path was, relative to the folder that the seal is about.
    pub seals: HashMap<Box<str>, Seal>,
}

/// What one path was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// What it was.
    pub kind: SealKind,
    /// Whether it may be missing.
    pub optional: bool,
}

/// What one path was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealKind {
    /// A file with these hashes.
    File(Vec<(HashType, Box<[u8]>)>),
    /// A link to this target.
    Link(Box<str>),
    /// Code of its own that meets this requirement.
    Nested {
        /// The requirement.
        requirement: Box<str>,
        /// The cdhash of one slice, as the machine that signed saw it.
        cdhash: Option<Box<[u8]>>,
    },
    /// Nothing that any system knows.
    Malformed,
}

impl SealKind {
    /// As people say it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "a file",
            Self::Link(_) => "a link",
            Self::Nested { .. } => "signed code",
            Self::Malformed => "nothing that is known",
        }
    }
}

/// Why bytes are not a seal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeResourcesError {
    /// No property list, or a broken one.
    #[error("CodeResources cannot be read: {0}")]
    PropertyList(#[from] PropertyListError),
    /// A rule that is none.
    #[error("CodeResources cannot be read: {0}")]
    Pattern(#[from] PatternError),
    /// Neither generation is there in full.
    #[error("CodeResources has no {0}")]
    Missing(&'static str),
    /// A value has another shape.
    #[error("CodeResources has something else than {0}")]
    Shape(&'static str),
    /// More than any real seal has.
    #[error("CodeResources has more than {limit} {what}")]
    TooMany {
        /// What of.
        what: &'static str,
        /// The most.
        limit: usize,
    },
    /// A path stands twice.
    #[error("CodeResources names {0:?} twice")]
    Repeated(String),
}

impl CodeResources {
    /// Reads a seal.
    ///
    /// # Errors
    /// It is none, or larger than what is read.
    pub fn parse(bytes: &[u8]) -> Result<Self, CodeResourcesError> {
        let mut reader = Reader::default();
        let mut fault = None;
        let read = property_list::for_each_event(bytes, MAX_BYTES, &mut |event| match reader
            .event(event)
        {
            Ok(()) => true,
            Err(error) => {
                fault = Some(error);
                false
            }
        });
        if let Some(fault) = fault {
            return Err(fault);
        }
        read?;
        reader.finish()
    }

    /// What the strict check objects to in the rules: a rule for everything is missing, or a rule omits what may not be
    /// omitted (`hasWeakResourceRules`).
    pub fn weak_rule(&self) -> Option<String> {
        let everything = if self.version == 1 {
            "^Resources/"
        } else {
            "^.*"
        };
        let may_be_omitted = [
            "^(.*/)?\\.DS_Store$",
            "^Info\\.plist$",
            "^PkgInfo$",
            // Of bundles with a folder for resources, and of those without.
            "^Resources/.*\\.lproj/locversion.plist$",
            "^.*\\.lproj/locversion.plist$",
        ];
        let omits = self
            .rules
            .iter()
            .find(|rule| rule.flags.omit && !may_be_omitted.contains(&&*rule.pattern));
        if let Some(rule) = omits {
            return Some(format!(
                "the rule {:?} omits what must be sealed",
                rule.pattern
            ));
        }
        let covers_all = self
            .rules
            .iter()
            .any(|rule| rule.is_plain && &*rule.pattern == everything);
        (!covers_all).then(|| format!("the rule {everything:?} for everything is missing"))
    }

    /// A rule that makes optional what is no localization. Apple's own make nothing else optional, and Apple's verifier does
    /// not ask: then files may be taken out of a product that counts as intact.
    pub fn lenient_rule(&self) -> Option<&str> {
        let may_be_optional = ["^Resources/.*\\.lproj/", "^.*\\.lproj/"];
        let lenient = self.rules.iter().find(|rule| {
            rule.flags.optional && !rule.flags.omit && !may_be_optional.contains(&&*rule.pattern)
        });
        lenient.map(|rule| &*rule.pattern)
    }
}

/// The dictionary of the list that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Files,
    Files2,
    Rules,
    Rules2,
    Other,
}

impl Section {
    fn of(key: &str) -> Self {
        match key {
            "files" => Self::Files,
            "files2" => Self::Files2,
            "rules" => Self::Rules,
            "rules2" => Self::Rules2,
            _ => Self::Other,
        }
    }
}

/// A value of a seal or rule.
enum Scalar {
    Boolean(bool),
    Number(f64),
    Text(Box<str>),
    Data(Box<[u8]>),
    /// A collection, which nothing here has.
    Other,
}

/// An entry whose value is being read: its own fields, where it is a dictionary.
#[derive(Default)]
struct Entry {
    key: Box<str>,
    fields: Vec<(Box<str>, Scalar)>,
    /// The key of the field that comes next.
    field: Option<Box<str>>,
    /// How many collections inside of a field are open.
    depth: usize,
}

#[derive(Default)]
struct Reader {
    state: State,
    section: Option<Section>,
    rules: Option<Vec<Rule>>,
    rules2: Option<Vec<Rule>>,
    files: Option<HashMap<Box<str>, Seal>>,
    files2: Option<HashMap<Box<str>, Seal>>,
}

#[derive(Default)]
enum State {
    /// Before the dictionary.
    #[default]
    Start,
    /// In it, where a key or the end comes.
    Keys,
    /// Behind a key.
    Value,
    /// In a section, where the key of an entry or the end comes.
    Entries,
    /// Behind the key of an entry.
    EntryValue(Box<str>),
    /// In an entry.
    Fields(Entry),
    /// In a value that is passed over.
    Skipping(usize),
    /// Behind the dictionary.
    End,
}

impl Reader {
    fn event(&mut self, event: OwnedEvent) -> Result<(), CodeResourcesError> {
        use CodeResourcesError::Shape;
        self.state = match std::mem::take(&mut self.state) {
            State::Start => match event {
                Event::StartDictionary(_) => State::Keys,
                _ => return Err(Shape("a dictionary")),
            },
            State::Keys => match event {
                Event::String(key) => {
                    self.section = Some(Section::of(&key));
                    State::Value
                }
                Event::EndCollection => State::End,
                _ => return Err(Shape("a key")),
            },
            State::Value => self.value(event)?,
            State::Entries => match event {
                Event::String(key) => State::EntryValue(key.into()),
                Event::EndCollection => State::Keys,
                _ => return Err(Shape("a path or rule")),
            },
            State::EntryValue(key) => match event {
                Event::StartDictionary(_) => State::Fields(Entry {
                    key,
                    ..Entry::default()
                }),
                event => {
                    let value = scalar(event);
                    if let Scalar::Other = value {
                        return Err(Shape("a seal or rule"));
                    }
                    self.add(key, Some(value), Vec::new())?;
                    State::Entries
                }
            },
            State::Fields(entry) => self.field(entry, event)?,
            State::Skipping(depth) => skip(depth, &event)?,
            State::End => return Err(Shape("the end")),
        };
        Ok(())
    }

    fn value(&mut self, event: OwnedEvent) -> Result<State, CodeResourcesError> {
        let section = self.section.unwrap_or(Section::Other);
        let is_dictionary = matches!(event, Event::StartDictionary(_));
        if section == Section::Other {
            return Ok(match event {
                Event::StartDictionary(_) | Event::StartArray(_) => State::Skipping(1),
                _ => State::Keys,
            });
        }
        if !is_dictionary {
            return Err(CodeResourcesError::Shape("a dictionary of rules or files"));
        }
        let repeated = match section {
            Section::Files => self.files.replace(HashMap::new()).is_some(),
            Section::Files2 => {
                // The older generation does not count any more, and takes as much memory.
                self.files = Some(HashMap::new());
                self.files2.replace(HashMap::new()).is_some()
            }
            Section::Rules => self.rules.replace(Vec::new()).is_some(),
            Section::Rules2 => self.rules2.replace(Vec::new()).is_some(),
            Section::Other => false,
        };
        match repeated {
            true => Err(CodeResourcesError::Shape("each section once")),
            false => Ok(State::Entries),
        }
    }

    fn field(&mut self, mut entry: Entry, event: OwnedEvent) -> Result<State, CodeResourcesError> {
        if entry.depth > 0 {
            match event {
                Event::StartArray(_) | Event::StartDictionary(_) => entry.depth += 1,
                Event::EndCollection => entry.depth -= 1,
                _ => {}
            }
            if entry.depth > MAX_DEPTH {
                return Err(CodeResourcesError::Shape("values that nest less deep"));
            }
            return Ok(State::Fields(entry));
        }
        match (entry.field.take(), event) {
            (None, Event::String(key)) => entry.field = Some(key.into()),
            (None, Event::EndCollection) => {
                self.add(entry.key, None, entry.fields)?;
                return Ok(State::Entries);
            }
            (None, _) => return Err(CodeResourcesError::Shape("the key of a field")),
            (Some(_), Event::EndCollection) => {
                return Err(CodeResourcesError::Shape("a value for each key"));
            }
            (Some(key), event) => {
                if let Event::StartArray(_) | Event::StartDictionary(_) = event {
                    entry.depth = 1;
                }
                if entry.fields.iter().any(|(known, _)| *known == key) {
                    return Err(CodeResourcesError::Repeated(key.into()));
                }
                if entry.fields.len() >= MAX_DEPTH {
                    return Err(CodeResourcesError::Shape("a seal with fewer fields"));
                }
                entry.fields.push((key, scalar(event)));
            }
        }
        Ok(State::Fields(entry))
    }

    /// Adds an entry: one with a plain value, or one with fields.
    fn add(
        &mut self,
        key: Box<str>,
        plain: Option<Scalar>,
        fields: Vec<(Box<str>, Scalar)>,
    ) -> Result<(), CodeResourcesError> {
        let section = self.section.unwrap_or(Section::Other);
        let rules = match section {
            Section::Rules => self.rules.as_mut(),
            Section::Rules2 => self.rules2.as_mut(),
            _ => None,
        };
        if let Some(rules) = rules {
            if rules.len() >= MAX_RULES {
                return Err(CodeResourcesError::TooMany {
                    what: "rules",
                    limit: MAX_RULES,
                });
            }
            if rules.iter().any(|rule| rule.pattern == key) {
                return Err(CodeResourcesError::Repeated(key.into()));
            }
            rules.push(rule(&key, plain, &fields)?);
            return Ok(());
        }
        let is_superseded = section == Section::Files && self.files2.is_some();
        let files = match section {
            Section::Files if is_superseded => return Ok(()),
            Section::Files => self.files.as_mut(),
            _ => self.files2.as_mut(),
        };
        if let Some(files) = files {
            if files.len() >= MAX_ENTRIES {
                return Err(CodeResourcesError::TooMany {
                    what: "files",
                    limit: MAX_ENTRIES,
                });
            }
            if files.contains_key(&key) {
                return Err(CodeResourcesError::Repeated(key.into()));
            }
            files.insert(key, seal(plain, fields));
        }
        Ok(())
    }

    fn finish(self) -> Result<CodeResources, CodeResourcesError> {
        let State::End = self.state else {
            return Err(CodeResourcesError::Shape("a complete dictionary"));
        };
        // Both must be there whatever the generation (`resourceDictionary`).
        let (rules, files) = match (self.rules, self.files) {
            (None, _) => return Err(CodeResourcesError::Missing("rules")),
            (_, None) => return Err(CodeResourcesError::Missing("files")),
            (Some(rules), Some(files)) => (rules, files),
        };
        let (version, rules, seals) = match self.files2 {
            Some(seals) => {
                let rules = self.rules2.ok_or(CodeResourcesError::Missing("rules2"))?;
                (2, rules, seals)
            }
            None => (1, rules, files),
        };
        Ok(CodeResources {
            version,
            rules,
            seals,
        })
    }
}

fn skip(depth: usize, event: &OwnedEvent) -> Result<State, CodeResourcesError> {
    let depth = match event {
        Event::StartArray(_) | Event::StartDictionary(_) => depth + 1,
        Event::EndCollection => depth.saturating_sub(1),
        _ => depth,
    };
    Ok(match depth {
        0 => State::Keys,
        depth if depth > MAX_DEPTH => {
            return Err(CodeResourcesError::Shape("values that nest less deep"));
        }
        depth => State::Skipping(depth),
    })
}

fn scalar(event: OwnedEvent) -> Scalar {
    match event {
        Event::Boolean(value) => Scalar::Boolean(value),
        Event::Integer(number) => {
            let number = number
                .as_signed()
                .and_then(|number| i32::try_from(number).ok());
            number.map_or(Scalar::Other, |number| Scalar::Number(number.into()))
        }
        Event::Real(number) => Scalar::Number(number),
        Event::String(text) => Scalar::Text(text.into()),
        Event::Data(bytes) => Scalar::Data(bytes.into()),
        _ => Scalar::Other,
    }
}

fn is_true(fields: &[(Box<str>, Scalar)], key: &str) -> bool {
    let mut fields = fields.iter();
    fields.any(|(known, value)| &**known == key && matches!(value, Scalar::Boolean(true)))
}

fn rule(
    pattern: &str,
    plain: Option<Scalar>,
    fields: &[(Box<str>, Scalar)],
) -> Result<Rule, CodeResourcesError> {
    let (flags, is_plain) = match plain {
        None => {
            let flags = RuleFlags {
                omit: is_true(fields, "omit"),
                optional: is_true(fields, "optional"),
                nested: is_true(fields, "nested"),
            };
            (flags, false)
        }
        Some(Scalar::Boolean(value)) => {
            let flags = RuleFlags {
                omit: !value,
                ..RuleFlags::default()
            };
            (flags, value)
        }
        Some(_) => return Err(CodeResourcesError::Shape("a rule")),
    };
    let weight = fields.iter().find(|(key, _)| &**key == "weight");
    let weight = match weight {
        None => 1,
        // A number in a property list may be a fraction; Apple's reader cuts it off.
        Some((_, Scalar::Number(number))) if (0.0..=1e9).contains(number) => {
            #[allow(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is within"
            )]
            let weight = *number as u32;
            weight
        }
        Some(_) => return Err(CodeResourcesError::Shape("a weight")),
    };
    Ok(Rule::new(pattern, weight, flags, is_plain)?)
}

fn seal(plain: Option<Scalar>, fields: Vec<(Box<str>, Scalar)>) -> Seal {
    let optional = is_true(&fields, "optional");
    let kind = match plain {
        Some(Scalar::Data(hash)) => file_seal(vec![(HashType::Sha1, hash)]),
        Some(_) => SealKind::Malformed,
        None => seal_of_fields(fields),
    };
    Seal { kind, optional }
}

fn seal_of_fields(fields: Vec<(Box<str>, Scalar)>) -> SealKind {
    let mut hashes = Vec::new();
    let (mut requirement, mut cdhash, mut link) = (None, None, None);
    for (key, value) in fields {
        match (&*key, value) {
            ("requirement", Scalar::Text(text)) => requirement = Some(text),
            ("symlink", Scalar::Text(target)) => link = Some(target),
            ("cdhash", Scalar::Data(hash)) => cdhash = Some(hash),
            ("requirement" | "symlink" | "cdhash", _) => return SealKind::Malformed,
            ("optional", Scalar::Boolean(_)) => {}
            ("hash", Scalar::Data(hash)) => hashes.push((HashType::Sha1, hash)),
            (key, Scalar::Data(hash)) => {
                let number = key
                    .strip_prefix("hash")
                    .and_then(|number| number.parse().ok());
                if let Some(kind) = number.and_then(HashType::from_number) {
                    hashes.push((kind, hash));
                }
            }
            (key, _) if key.starts_with("hash") || key == "optional" => return SealKind::Malformed,
            _ => {}
        }
    }
    match (requirement, link) {
        (Some(requirement), None) if hashes.is_empty() => SealKind::Nested {
            requirement,
            cdhash,
        },
        (None, Some(link)) if hashes.is_empty() => SealKind::Link(link),
        (None, None) => file_seal(hashes),
        // A seal of two kinds means one thing to one reader and another to the next.
        _ => SealKind::Malformed,
    }
}

/// A file's seal, if there is a hash and each has the length of its type.
fn file_seal(hashes: Vec<(HashType, Box<[u8]>)>) -> SealKind {
    let is_formed = !hashes.is_empty()
        && hashes
            .iter()
            .all(|(kind, hash)| hash.len() == kind.length());
    match is_formed {
        true => SealKind::File(hashes),
        false => SealKind::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal_of(body: &str) -> Result<CodeResources, CodeResourcesError> {
        CodeResources::parse(format!("<plist><dict>{body}</dict></plist>").as_bytes())
    }

    const OLD: &str =
        "<key>files</key><dict/><key>rules</key><dict><key>^Resources/</key><true/></dict>";

    #[test]
    fn the_newer_generation_counts_where_it_is_there() {
        let hash = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
        let sealed = seal_of(&format!(
            "<key>files</key><dict><key>a</key><data>qZk+NkcGgWq6PiVxeFDCbJzQ2J0=</data></dict>\
             <key>files2</key><dict>\
             <key>a</key><dict><key>hash2</key><data>{hash}</data><key>optional</key><true/></dict>\
             <key>l</key><dict><key>symlink</key><string>a</string></dict>\
             <key>n.app</key><dict><key>cdhash</key><data>AA==</data><key>requirement</key><string>always</string></dict>\
             <key>m</key><dict><key>hash2</key><data>AA==</data></dict>\
             <key>two</key><dict><key>hash2</key><data>{hash}</data><key>symlink</key><string>a</string></dict>\
             </dict><key>rules</key><dict/>\
             <key>rules2</key><dict><key>^.*</key><true/><key>^x</key><dict><key>omit</key><true/><key>weight</key>\
             <real>20.5</real></dict></dict><key>other</key><array><dict/></array>"
        ))
        .unwrap();
        assert_eq!(sealed.version, 2);
        assert!(sealed.seals["a"].optional);
        assert!(
            matches!(&sealed.seals["a"].kind, SealKind::File(hashes) if hashes[0].0 == HashType::Sha256)
        );
        assert_eq!(sealed.seals["l"].kind, SealKind::Link("a".into()));
        assert!(
            matches!(&sealed.seals["n.app"].kind, SealKind::Nested { requirement, .. } if &**requirement == "always")
        );
        assert_eq!(sealed.seals["m"].kind, SealKind::Malformed);
        assert_eq!(sealed.seals["two"].kind, SealKind::Malformed);
        assert_eq!(sealed.rules[1].weight, 20);
        assert_eq!(
            sealed.weak_rule().unwrap(),
            "the rule \"^x\" omits what must be sealed"
        );
    }

    #[test]
    fn the_older_generation_seals_by_sha_1() {
        let sealed = seal_of(
            "<key>files</key><dict><key>Resources/a</key><data>qZk+NkcGgWq6PiVxeFDCbJzQ2J0=</data></dict>\
             <key>rules</key><dict><key>^Resources/</key><true/></dict>",
        )
        .unwrap();
        assert_eq!((sealed.version, sealed.seals.len()), (1, 1));
        assert_eq!(sealed.weak_rule(), None);
        let weak = seal_of("<key>files</key><dict/><key>rules</key><dict/>").unwrap();
        assert!(
            weak.weak_rule()
                .unwrap()
                .contains("for everything is missing")
        );
    }

    #[test]
    fn what_is_no_seal_is_refused() {
        for (body, says) in [
            ("", "has no rules"),
            ("<key>rules</key><dict/>", "has no files"),
            ("<key>rules</key><array/>", "a dictionary of rules"),
            (&format!("{OLD}<key>files2</key><dict/>"), "has no rules2"),
            (
                &format!("{OLD}<key>rules</key><dict/>"),
                "each section once",
            ),
            (
                "<key>files</key><dict><key>a</key><array/></dict>",
                "a seal or rule",
            ),
            (
                "<key>rules</key><dict><key>(</key><true/></dict>",
                "is not a POSIX",
            ),
            (
                "<key>rules</key><dict><key>a</key><dict><key>weight</key><string>x</string></dict></dict>",
                "a weight",
            ),
            (
                "<key>files</key><dict><key>a</key><true/><key>a</key><true/></dict>",
                "\"a\" twice",
            ),
        ] {
            let error = seal_of(body).unwrap_err().to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
        assert!(CodeResources::parse(b"<plist><array/></plist>").is_err());
        assert!(CodeResources::parse(b"").is_err());
        let many = "<key>a</key><true/>".to_owned();
        let rules: String = (0..=MAX_RULES)
            .map(|n| many.replace('a', &format!("a{n}")))
            .collect();
        let error = seal_of(&format!("<key>rules</key><dict>{rules}</dict>")).unwrap_err();
        assert_eq!(error.to_string(), "CodeResources has more than 128 rules");
    }
}
