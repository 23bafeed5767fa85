//! The entitlements that a target claims.
//!
//! An `.entitlements` file is a property list whose strings may refer to build settings. Two references are not build
//! settings: `$(AppIdentifierPrefix)` and `$(TeamIdentifierPrefix)` come from the profile that signs, so they stay in
//! the values until a profile is chosen ([`Entitlements::with_prefixes`]).
//!
//! The setting `CODE_SIGN_ENTITLEMENTS_CONTENTS` holds a property list itself, whose claims count over those of the file, and
//! some product types claim something on their own (swift-build, `PlanningOperation.swift`, `DarwinProductTypes.xcspec`).

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::place::WordLines;
use crate::apple::value::{MAX_DEPTH, Value};
use crate::base::finding::{Code, Finding};
use crate::base::ids::BundleId;
use crate::xcode::assignment::{Assignment, Layer, Origin, Table};
use crate::xcode::product_type::ProductKind;
use crate::xcode::settings::{Scope, is_set_by_xcode};
use crate::xcode::sources::{SourceError, Sources};
use crate::xcode::{openstep, property_list};

/// The reference to the application-identifier prefix, with its dot, as it stands in values.
pub const APP_IDENTIFIER_PREFIX: &str = "$(AppIdentifierPrefix)";
/// The reference to the team id, with its dot, as it stands in values.
pub const TEAM_IDENTIFIER_PREFIX: &str = "$(TeamIdentifierPrefix)";

/// How many undefined references of one file are kept: an honest one has a handful at most.
pub(super) const MAX_UNDEFINED: usize = 100;

/// What a target claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlements {
    /// The file.
    pub file: Arc<Path>,
    /// The assignment of `CODE_SIGN_ENTITLEMENTS` that names it.
    pub origin: Origin,
    /// The claims, build settings expanded, profile prefixes not.
    pub values: Arc<BTreeMap<Box<str>, Value>>,
    /// Build settings that the claims refer to and nothing in this scope defines; the first hundred.
    pub undefined: Vec<Box<str>>,
    /// The claims as they are, where the environment took part in some: `values` then say of those where they come from.
    withheld: Option<Withheld>,
}

/// Claims that decide and are not shown.
#[derive(Clone, PartialEq, Eq)]
struct Withheld(Arc<BTreeMap<Box<str>, Value>>);

impl fmt::Debug for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("withheld")
    }
}

impl Entitlements {
    /// The claims under a profile, for reports: `app` and `team` are its prefixes, without the dot.
    pub fn with_prefixes(&self, app: &str, team: &str) -> BTreeMap<Box<str>, Value> {
        filled(&self.values, app, team)
    }

    /// The same, for comparisons alone: what comes from the environment too is what it is.
    pub fn revealed_with_prefixes(&self, app: &str, team: &str) -> BTreeMap<Box<str>, Value> {
        let values = self
            .withheld
            .as_ref()
            .map_or(&self.values, |Withheld(values)| values);
        filled(values, app, team)
    }

    /// Whether the environment took part in the claim of `key`, so that only [`with_prefixes`](Self::with_prefixes) may be
    /// shown of it.
    pub fn is_withheld(&self, key: &str) -> bool {
        self.withheld
            .as_ref()
            .is_some_and(|Withheld(values)| values.get(key) != self.values.get(key))
    }

    /// Whether anything is claimed that only a profile can grant, on the Mac: everything but the sandbox's and the
    /// hardened runtime's keys (`com.apple.security.…`).
    pub fn claims_restricted(&self) -> bool {
        self.values
            .keys()
            .any(|key| !key.starts_with("com.apple.security."))
    }
}

fn filled(values: &BTreeMap<Box<str>, Value>, app: &str, team: &str) -> BTreeMap<Box<str>, Value> {
    let (app, team) = (format!("{app}."), format!("{team}."));
    let fill = |text: &str| {
        text.replace(APP_IDENTIFIER_PREFIX, &app)
            .replace(TEAM_IDENTIFIER_PREFIX, &team)
    };
    values
        .iter()
        .map(|(key, value)| (key.clone(), with_strings(value, &mut |text| fill(text))))
        .collect()
}

/// The lines of entitlements files, each file read once.
pub struct EntitlementLines<'s> {
    sources: &'s dyn Sources,
    files: HashMap<Arc<Path>, WordLines>,
}

impl<'s> EntitlementLines<'s> {
    /// Lines of files that are read from `sources`.
    pub fn new(sources: &'s dyn Sources) -> Self {
        Self {
            sources,
            files: HashMap::new(),
        }
    }

    /// The line on which `key` stands in the file of `entitlements`; the first one where it cannot be told.
    pub fn of(&mut self, entitlements: &Entitlements, key: &str) -> u64 {
        let file = &entitlements.file;
        if !self.files.contains_key(file) {
            let bytes = self.sources.read(file);
            let lines = bytes.map(|bytes| WordLines::of(&bytes)).unwrap_or_default();
            self.files.insert(Arc::clone(file), lines);
        }
        self.files.get(file).map_or(1, |lines| lines.line(key))
    }
}

/// Why an entitlements file cannot be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The file could not be had.
    Source(SourceError),
    /// It holds no claims: a sentence for a person.
    Content(String),
}

impl Unreadable {
    /// Whether project files may not reach the file.
    pub(super) fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::Source(problem) if problem.is_out_of_reach())
    }

    /// Whether there is no such file.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Source(SourceError::Missing))
    }

    /// The finding that `what` cannot be read.
    pub(super) fn finding(&self, what: &str) -> Finding {
        const HINT: &str = "restore the file, or correct CODE_SIGN_ENTITLEMENTS";
        match self {
            Self::Source(problem) => problem.finding(Code::EntitlementsUnreadable, what, HINT),
            Self::Content(problem) => Finding::block(
                Code::EntitlementsUnreadable,
                format!("{what} cannot be read: {problem}"),
            )
            .hint(HINT),
        }
    }
}

/// An entitlements file as it was written.
#[derive(Debug)]
pub(super) struct File {
    bytes: Arc<[u8]>,
    lines: OnceLock<WordLines>,
    values: Arc<BTreeMap<Box<str>, Value>>,
    /// Whether any string of it refers to anything: if none does, all targets share the values.
    has_references: bool,
}

impl File {
    /// Reads `path`.
    pub(super) fn read(path: &Path, sources: &dyn Sources) -> Result<Self, Unreadable> {
        Self::of(sources.read(path).map_err(Unreadable::Source)?)
    }

    /// The claims that nobody but the product type makes (`DefaultEntitlements` of `DarwinProductTypes.xcspec`).
    pub(super) fn of_product_type(kind: ProductKind) -> Option<Self> {
        let key = match kind {
            ProductKind::AppClip => "com.apple.developer.on-demand-install-capable",
            ProductKind::DriverExtension => "com.apple.developer.driverkit",
            _ => return None,
        };
        Some(Self {
            bytes: Arc::default(),
            lines: OnceLock::new(),
            values: Arc::new(BTreeMap::from([(key.into(), Value::Boolean(true))])),
            has_references: false,
        })
    }

    /// No claims.
    pub(super) fn none() -> Self {
        Self {
            bytes: Arc::default(),
            lines: OnceLock::new(),
            values: Arc::default(),
            has_references: false,
        }
    }

    /// These claims, and those of `other`, which count where both claim something.
    pub(super) fn under(&self, other: &Self) -> Self {
        let mut values = (*self.values).clone();
        values.extend((*other.values).clone());
        Self {
            bytes: Arc::clone(match self.bytes.is_empty() {
                true => &other.bytes,
                false => &self.bytes,
            }),
            lines: OnceLock::new(),
            values: Arc::new(values),
            has_references: self.has_references || other.has_references,
        }
    }

    /// Reads the bytes of a property list.
    pub(super) fn of(bytes: Arc<[u8]>) -> Result<Self, Unreadable> {
        let values = match property_list::read(&bytes).map_err(Unreadable::Content)? {
            Value::Dictionary(values) => values,
            _ => return Err(Unreadable::Content("it holds no dictionary".to_owned())),
        };
        let has_references = values.values().any(has_reference);
        Ok(Self {
            bytes,
            lines: OnceLock::new(),
            values: Arc::new(values),
            has_references,
        })
    }

    /// The claims in `scope`.
    pub(super) fn expand(
        &self,
        file: &Path,
        scope: &Scope,
        bundle_id: Option<&BundleId>,
        origin: Origin,
    ) -> Entitlements {
        if !self.has_references {
            return Entitlements {
                file: file.into(),
                origin,
                values: Arc::clone(&self.values),
                undefined: Vec::new(),
                withheld: None,
            };
        }
        // "$$" is how a value holds a dollar sign.
        let mut own = vec![
            Assignment::plain("AppIdentifierPrefix", format!("${APP_IDENTIFIER_PREFIX}")),
            Assignment::plain("TeamIdentifierPrefix", format!("${TEAM_IDENTIFIER_PREFIX}")),
        ];
        let mut of_environment = Vec::new();
        if let Some(id) = bundle_id {
            let ids = match id.is_withheld() {
                true => &mut of_environment,
                false => &mut own,
            };
            for name in ["CFBundleIdentifier", "PRODUCT_BUNDLE_IDENTIFIER"] {
                ids.push(Assignment::plain(name, id.revealed()));
            }
        }
        let scope = scope.under(Layer::Derived, Table::new(own));
        // What is withheld stays so wherever it is put into.
        let scope = scope.under(Layer::Environment, Table::new(of_environment));
        let mut undefined: Vec<Box<str>> = Vec::new();
        let mut is_withheld = false;
        let mut expand = |text: &str| {
            if !text.contains('$') {
                return text.to_owned();
            }
            let mut resolved = scope.expand(text);
            for reference in std::mem::take(&mut resolved.undefined) {
                if !reference.computed
                    && undefined.len() < MAX_UNDEFINED
                    && !undefined.contains(&reference.name)
                {
                    undefined.push(reference.name);
                }
            }
            is_withheld |= !resolved.environment.is_empty();
            resolved.shown().into_owned()
        };
        let expanded = |expand: &mut dyn FnMut(&str) -> String| -> BTreeMap<Box<str>, Value> {
            let values = self.values.iter();
            values
                .map(|(key, value)| (key.clone(), with_strings(value, expand)))
                .collect()
        };
        let values = expanded(&mut expand);
        let withheld =
            is_withheld.then(|| Withheld(Arc::new(expanded(&mut |text| scope.expand(text).value))));
        Entitlements {
            file: file.into(),
            origin,
            values: Arc::new(values),
            undefined,
            withheld,
        }
    }

    /// The complaint that the file refers to `name`, which nothing defines.
    pub(super) fn undefined(&self, file: &Path, name: &str) -> Finding {
        Finding::warn(
            Code::SettingUndefined,
            match is_set_by_xcode(name) {
                true => format!(
                    "the entitlements depend on {name}, which Xcode sets on the machine that builds"
                ),
                false => format!(
                    "the entitlements refer to {name}, which nothing in this project defines"
                ),
            },
        )
        .found(name)
        .hint("correct the name, or define it")
        .in_file(file)
        .at_line(
            self.lines
                .get_or_init(|| WordLines::of(&self.bytes))
                .line(name),
        )
    }
}

fn has_reference(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('$'),
        Value::Array(values) => values.iter().any(has_reference),
        Value::Dictionary(values) => values.values().any(has_reference),
        Value::Boolean(_) | Value::Integer(_) | Value::Data(_) => false,
    }
}

/// `value` with every string changed. Values are at most [`MAX_DEPTH`] deep (or as deep as the old format allows).
fn with_strings(value: &Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    const { assert!(MAX_DEPTH <= 64 && openstep::MAX_DEPTH <= 64) };
    match value {
        Value::String(text) => Value::String(change(text).into()),
        Value::Array(values) => Value::Array(
            values
                .iter()
                .map(|value| with_strings(value, change))
                .collect(),
        ),
        Value::Dictionary(values) => Value::Dictionary(
            values
                .iter()
                .map(|(key, value)| (key.clone(), with_strings(value, change)))
                .collect(),
        ),
        other => other.clone(),
    }
}
