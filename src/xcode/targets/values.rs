//! From resolved settings to typed values, and what is not right with them.

use super::entitlements::{File, Unreadable};
use super::info_plist::InfoPlists;
use super::place::{at_origin, made_by_the_build, only_xcode_knows, path_from_environment};
use super::setting::{ProfileRequest, Setting, SigningStyle, without_quotes};
use crate::base::finding::{Code, Finding};
use crate::base::ids::{BundleId, TeamId};
use crate::base::remedy::Remedy;
use crate::base::withheld::Text;
use crate::xcode::assignment::{Layer, Origin};
use crate::xcode::platform::Platform;
use crate::xcode::project::Target;
use crate::xcode::settings::{ProjectSettings, Resolved, Scope, is_set_by_xcode};
use crate::xcode::shortened::shortened;

/// Reads the signing settings of one row.
pub(super) struct Reader<'r, 'p> {
    settings: &'r ProjectSettings<'p>,
    scope: &'r Scope,
    target: &'r Target,
    /// Whether complaints are worth making.
    matters: bool,
    findings: Vec<Finding>,
}

impl<'r, 'p> Reader<'r, 'p> {
    pub(super) fn new(
        settings: &'r ProjectSettings<'p>,
        scope: &'r Scope,
        target: &'r Target,
        matters: bool,
    ) -> Self {
        Self {
            settings,
            scope,
            target,
            matters,
            findings: Vec::new(),
        }
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        if self.matters {
            self.findings
        } else {
            Vec::new()
        }
    }

    /// A setting, if it is set to anything.
    pub(super) fn text(&mut self, name: &str) -> Option<Setting<Text>> {
        let resolved = self.evaluate(name)?;
        let value = meant(&resolved.value);
        (!value.is_empty()).then(|| setting(text(value, &resolved), &resolved))
    }

    pub(super) fn profile(&mut self, name: &str) -> Option<Setting<ProfileRequest>> {
        let resolved = self.evaluate(name)?;
        let request = ProfileRequest::parse(&resolved.value)?;
        let request = match resolved.withheld() {
            Some(shown) => request.withheld(&shown),
            None => request,
        };
        Some(setting(request, &resolved))
    }

    pub(super) fn style(&mut self) -> Setting<SigningStyle> {
        if let Some(text) = self.text("CODE_SIGN_STYLE") {
            match SigningStyle::of(text.value.revealed()) {
                Some(value) => return text.map(|_| value),
                None => self.refuse(
                    "CODE_SIGN_STYLE",
                    "Automatic or Manual",
                    text.value.shown(),
                    &text.origin,
                ),
            }
        }
        let attribute = self.attribute(self.target.attributes.provisioning_style.as_ref());
        if let Some(text) = attribute
            && let Some(value) = SigningStyle::of(&text.value)
        {
            return text.map(|_| value);
        }
        Setting {
            value: SigningStyle::NotWritten,
            origin: Origin::layer(Layer::Default),
            trail: Vec::new(),
        }
    }

    /// The property list that `CODE_SIGN_ENTITLEMENTS_CONTENTS` holds.
    pub(super) fn contents_of_entitlements(&mut self) -> Option<Setting<Contents>> {
        let resolved = self.scope.evaluate("CODE_SIGN_ENTITLEMENTS_CONTENTS")?;
        let text = resolved.value.trim();
        if text.is_empty() {
            return None;
        }
        let contents = match resolved.withheld() {
            // Its keys would be shown, and they may be anything that a variable holds.
            Some(shown) => Contents::Unreadable(Unreadable::Content(format!(
                "a part of it is {shown}; pass that as a setting instead"
            ))),
            None => match File::of(text.as_bytes().into()) {
                Ok(claims) => Contents::Read(claims),
                Err(problem) => Contents::Unreadable(problem),
            },
        };
        Some(setting(contents, &resolved))
    }

    /// `CODE_SIGN_IDENTITY`, empty or not. In a simulator everything is signed ad hoc, whatever is written
    /// (ProvisioningTests.computeSigningCertificateIdentifier).
    ///
    /// The second is what it is where the environment took part; the first then says where from.
    pub(super) fn identity(
        &mut self,
        platform: Platform,
    ) -> (Option<Setting<Box<str>>>, Option<Text>) {
        if platform.is_simulator() {
            let ad_hoc = Setting {
                value: "-".into(),
                origin: Origin::layer(Layer::Default),
                trail: Vec::new(),
            };
            return (Some(ad_hoc), None);
        }
        let Some(resolved) = self.evaluate("CODE_SIGN_IDENTITY") else {
            return (None, None);
        };
        let text = text(resolved.value.trim(), &resolved);
        let identity = setting(text.shown().into(), &resolved);
        (Some(identity), Some(text).filter(Text::is_withheld))
    }

    pub(super) fn team(&mut self) -> Option<Setting<TeamId>> {
        let text = self.text("DEVELOPMENT_TEAM")?;
        let team = match text.value.is_withheld() {
            true => TeamId::withheld(text.value.revealed(), text.value.shown()),
            false => text.value.revealed().parse(),
        };
        match team {
            Ok(team) => Some(text.map(|_| team)),
            Err(_) => {
                self.refuse(
                    "DEVELOPMENT_TEAM",
                    "a team id, as in QMQYCKL255",
                    text.value.shown(),
                    &text.origin,
                );
                None
            }
        }
    }

    /// The bundle id that is signed: the setting, or else what the Info.plist says.
    pub(super) fn bundle_id(
        &mut self,
        info_plists: &mut InfoPlists<'_>,
    ) -> Option<Setting<BundleId>> {
        let resolved = self
            .evaluate("PRODUCT_BUNDLE_IDENTIFIER")
            .filter(|resolved| !resolved.value.trim().is_empty());
        let is_setting = resolved.is_some();
        let resolved = match resolved {
            Some(resolved) => Some(resolved),
            None => match self.bundle_id_of_info_plist(info_plists) {
                Ok(resolved) => resolved,
                Err(finding) => {
                    self.findings.push(*finding);
                    return None;
                }
            },
        };
        let Some(resolved) = resolved else {
            self.unresolved_bundle_id(
                "has no bundle id: PRODUCT_BUNDLE_IDENTIFIER resolves to nothing",
                None,
            );
            return None;
        };
        let mut value = match is_setting {
            true => meant(&resolved.value).to_owned(),
            false => resolved.value.trim().to_owned(),
        };
        if is_setting && self.scope.is_yes("USES_XCTRUNNER") {
            // What is signed is not the test bundle but the application that Xcode wraps it into. The id of an Info.plist
            // stays as it is (swift-build, `computeBundleIdentifier`).
            value.push_str(".xctrunner");
        }
        let id = match resolved.withheld() {
            Some(shown) => BundleId::withheld(&value, &shown),
            None => value.parse(),
        };
        match id {
            Ok(id) => {
                if id.revealed().split('.').any(str::is_empty) {
                    self.unresolved_bundle_id(
                        "has a bundle id with an empty part; one of its settings is probably empty",
                        Some(&resolved),
                    );
                }
                Some(setting(id, &resolved))
            }
            Err(_) => {
                self.unresolved_bundle_id(
                    "has a bundle id with characters that a bundle id cannot hold",
                    Some(&resolved),
                );
                None
            }
        }
    }

    /// What the Info.plist says; an error is the finding that project files may not reach it.
    fn bundle_id_of_info_plist(
        &mut self,
        info_plists: &mut InfoPlists<'_>,
    ) -> Result<Option<Resolved>, Box<Finding>> {
        const NAME: &str = "INFOPLIST_FILE";
        let Some(path) = self.text(NAME) else {
            return Ok(None);
        };
        if path.value.is_withheld() {
            let finding = path_from_environment(NAME, self.target, &path);
            return Err(Box::new(finding));
        }
        let directory = &self.settings.project().directory;
        let file = directory.join(path.value.shown());
        let written = match info_plists.bundle_id(&file) {
            Ok(written) => written,
            Err(_) if made_by_the_build(self.scope, NAME).is_some() => None,
            Err(_) if only_xcode_knows(self.scope, NAME).is_some() => None,
            Err(problem) => {
                let what = format!("the Info.plist of target {}", self.target.name);
                let finding = problem
                    .finding(Code::BundleIdUnresolved, &what, problem.hint())
                    .found(shortened(path.value.shown(), SHOWN))
                    .of_target(&self.target.name);
                return Err(Box::new(at_origin(finding, &path.origin)));
            }
        };
        let Some(written) = written else {
            return Ok(None);
        };
        let mut resolved = self.scope.expand(&written.text);
        resolved.origin = Some(Origin {
            layer: Layer::Target,
            line: Some(written.line),
            file: Some(written.file),
        });
        self.note_problems("CFBundleIdentifier", &resolved);
        Ok((!resolved.value.trim().is_empty()).then_some(resolved))
    }

    fn unresolved_bundle_id(&mut self, problem: &str, resolved: Option<&Resolved>) {
        let finding = Finding::block(
            Code::BundleIdUnresolved,
            format!("target {} {problem}", self.target.name),
        )
        .hint("set PRODUCT_BUNDLE_IDENTIFIER, or what it refers to, for this configuration")
        .of_target(&self.target.name);
        // Where nothing says anything, the setting's own place is still the best to look at.
        let empty = match resolved {
            Some(_) => None,
            None => self.scope.evaluate("PRODUCT_BUNDLE_IDENTIFIER"),
        };
        let origin = resolved.or(empty.as_ref()).and_then(|r| r.origin.as_ref());
        let finding = match origin.filter(|origin| origin.file.is_some()) {
            Some(origin) => at_origin(finding, origin),
            None => {
                let mut finding = finding.in_file(&self.settings.project().file);
                finding.place.line = self.target.line;
                finding
            }
        };
        self.findings.push(match resolved {
            Some(resolved) => finding.found(shortened(&resolved.shown(), SHOWN)),
            None => finding,
        });
    }

    fn evaluate(&mut self, name: &str) -> Option<Resolved> {
        let resolved = self.scope.evaluate(name)?;
        self.note_problems(name, &resolved);
        if without_quotes(&resolved.value).is_some() {
            let finding = Finding::block(
                Code::SettingInvalid,
                format!("{name} has quotes around its value, and they are part of it"),
            )
            .found(shortened(&resolved.shown(), SHOWN))
            .hint("remove the quotes: a configuration file needs none, not even around blanks");
            self.push_once(finding, resolved.origin.as_ref());
        }
        Some(resolved)
    }

    fn attribute(&self, attribute: Option<&(Box<str>, Option<u64>)>) -> Option<Setting<Box<str>>> {
        let (value, line) = attribute?;
        Some(Setting {
            value: value.trim().into(),
            origin: Origin {
                layer: Layer::Attributes,
                file: Some(std::sync::Arc::clone(&self.settings.project().file)),
                line: *line,
            },
            trail: Vec::new(),
        })
    }

    fn refuse(&mut self, name: &str, expected: &str, found: &str, origin: &Origin) {
        if without_quotes(found).is_some() {
            // That is told already.
            return;
        }
        let finding = Finding::block(
            Code::SettingInvalid,
            format!(
                "{name} of target {} has a value that Xcode does not accept",
                self.target.name
            ),
        )
        .values(expected, shortened(found, SHOWN))
        .of_target(&self.target.name);
        self.findings.push(at_origin(finding, origin));
    }

    /// What expansion ran into. These findings name no target: the line is the same for all that share it.
    fn note_problems(&mut self, name: &str, resolved: &Resolved) {
        for undefined in &resolved.undefined {
            // A computed name that leads nowhere, and a variable that some targets or configurations define and others
            // do not, are how projects say "nothing here".
            if undefined.computed || self.settings.defines(&undefined.name) {
                continue;
            }
            let by_xcode = is_set_by_xcode(&undefined.name);
            if by_xcode && name == "CODE_SIGN_ENTITLEMENTS" {
                // Whoever reads the file says that the build makes it.
                continue;
            }
            let finding = Finding::warn(
                Code::SettingUndefined,
                match by_xcode {
                    true => format!(
                        "{name} depends on {}, which Xcode sets on the machine that builds",
                        undefined.name
                    ),
                    false => format!(
                        "{name} refers to {}, which nothing in this project defines",
                        undefined.name
                    ),
                },
            )
            .found(&undefined.name)
            .hint(match by_xcode {
                true => "compare with xcodebuild -showBuildSettings of that machine",
                false => "correct the name, define it, or pass the value that the build has",
            });
            let finding = match by_xcode {
                true => finding,
                false => finding.remedy(Remedy::GiveSetting),
            };
            let origin = undefined.origin.as_ref().or(resolved.origin.as_ref());
            self.push_once(finding, origin);
        }
        for passed in &resolved.passed_over {
            let finding = Finding::warn(
                Code::SettingSdkVersion,
                format!(
                    "{} has a value for some versions of the SDK, and which one builds is not known: that value was passed \
                     over",
                    passed.name
                ),
            )
            .found(&passed.name);
            let finding = match self.scope.platform().map(Platform::sdk_name) {
                Some(sdk) => finding
                    .hint(format!(
                        "name the SDK with its version, as `xcodebuild -showsdks` lists it, or write the condition without \
                         one, as in [sdk={sdk}*]"
                    ))
                    .remedy(Remedy::NameSdk { sdk }),
                None => finding,
            };
            self.push_once(finding, Some(&passed.origin));
        }
        for circular in &resolved.circular {
            let finding = Finding::block(
                Code::SettingCycle,
                format!(
                    "{name} depends on {}, which refers to itself",
                    circular.name
                ),
            )
            .found(&circular.name)
            .hint("give one of these settings its own value");
            self.push_once(finding, Some(&circular.origin));
        }
        for operator in &resolved.unknown_operators {
            let finding = Finding::warn(
                Code::SettingInvalid,
                format!("{name} uses an operator that Xcode does not have; it has no effect"),
            )
            .found(format!(":{operator}"));
            self.push_once(finding, resolved.origin.as_ref());
        }
        if resolved.cut {
            let finding = Finding::block(
                Code::SettingInvalid,
                format!(
                    "{name} becomes too large when it is expanded, so it was not fully expanded"
                ),
            );
            self.push_once(finding, resolved.origin.as_ref());
        }
    }

    fn push_once(&mut self, finding: Finding, origin: Option<&Origin>) {
        let finding = match origin {
            Some(origin) => at_origin(finding, origin),
            None => finding,
        };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// A value without the quotes around it: they are told, so what would be wrong because of them is not told beside them.
fn meant(value: &str) -> &str {
    without_quotes(value).unwrap_or(value.trim())
}

/// What a setting that holds claims holds.
pub(super) enum Contents {
    /// Claims.
    Read(File),
    /// Something else.
    Unreadable(Unreadable),
}

/// How much of a value a finding shows, in bytes: a setting may expand to a megabyte.
pub(super) const SHOWN: usize = 300;

/// `value`, which is all or part of what `resolved` holds, withheld if that came out of the environment.
fn text(value: &str, resolved: &Resolved) -> Text {
    match resolved.withheld() {
        Some(shown) => Text::withheld(value, &shown),
        None => value.into(),
    }
}

pub(super) fn setting<T>(value: T, resolved: &Resolved) -> Setting<T> {
    Setting {
        value,
        origin: resolved
            .origin
            .clone()
            .unwrap_or_else(|| Origin::layer(Layer::Default)),
        trail: resolved.trail.clone(),
    }
}
