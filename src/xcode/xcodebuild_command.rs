//! The command line of `xcodebuild`: what it says about the project, for whoever judges before it runs.
//!
//! Only what decides about signing is kept: which project, scheme, targets and configuration, which SDK, and the settings
//! (man xcodebuild). Everything else is passed over. A program that starts `xcodebuild` (`xcrun`, `env`, `arch`, `nice`,
//! `caffeinate`) is looked through; a shell or a script is not.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What a command line of `xcodebuild` says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XcodebuildCommand {
    /// `-workspace`, or else `-project`.
    pub project: Option<PathBuf>,
    /// `-scheme`.
    pub scheme: Option<String>,
    /// `-target`, each.
    pub targets: Vec<String>,
    /// `-configuration`.
    pub configuration: Option<String>,
    /// `-sdk`.
    pub sdk: Option<String>,
    /// `-xcconfig`.
    pub xcconfig: Option<PathBuf>,
    /// `NAME=value`, each.
    pub settings: Vec<String>,
}

impl XcodebuildCommand {
    /// What `words`, a program and its arguments, say; nothing if they start something else.
    pub fn read(words: &[OsString]) -> Option<Self> {
        let mut words = arguments(words)?.iter();
        let mut command = Self::default();
        let mut workspace = None;
        while let Some(word) = words.next() {
            let Some(text) = word.to_str() else {
                continue;
            };
            if !text.starts_with('-') {
                let name = text.split('=').next().unwrap_or_default();
                if text.contains('=')
                    && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                {
                    command.settings.push(text.to_owned());
                }
                continue;
            }
            if !takes_value(text) {
                continue;
            }
            let Some(value) = words.next() else {
                break;
            };
            let said = || value.to_str().map(str::to_owned);
            match text {
                "-project" => command.project = Some(value.into()),
                "-workspace" => workspace = Some(PathBuf::from(value)),
                "-scheme" => command.scheme = said(),
                "-target" => command.targets.extend(said()),
                "-configuration" => command.configuration = said(),
                "-sdk" => command.sdk = said(),
                "-xcconfig" => command.xcconfig = Some(value.into()),
                _ => {}
            }
        }
        command.project = workspace.or(command.project);
        Some(command)
    }

    /// What it says, for people: options with their values, and of the settings the names alone.
    pub fn summary(&self) -> String {
        let path = |path: &PathBuf| path.display().to_string();
        let option = |name: &str, value: &Option<String>| {
            let value = value.as_ref()?;
            Some(format!("{name} {value}"))
        };
        let mut said: Vec<String> = [
            option("project", &self.project.as_ref().map(path)),
            option("scheme", &self.scheme),
            option("configuration", &self.configuration),
            option("SDK", &self.sdk),
            option("xcconfig", &self.xcconfig.as_ref().map(path)),
        ]
        .into_iter()
        .flatten()
        .collect();
        said.extend(self.targets.iter().map(|target| format!("target {target}")));
        let names = self.settings.iter().filter_map(|it| it.split('=').next());
        said.extend(names.map(|name| format!("setting {name}")));
        said.join(", ")
    }
}

/// What stands behind `xcodebuild`, whatever starts it.
fn arguments(mut words: &[OsString]) -> Option<&[OsString]> {
    loop {
        let (program, rest) = words.split_first()?;
        let name = Path::new(program).file_name().and_then(OsStr::to_str)?;
        match name {
            "xcodebuild" => return Some(rest),
            "xcrun" | "env" | "arch" | "nice" | "caffeinate" => {}
            _ => return None,
        }
        // Options and variables of the program that starts it; the next plain word is what it starts.
        let is_passed_over = |at: usize, word: &OsString| {
            let text = word.to_str().unwrap_or_default();
            let before = at.checked_sub(1).and_then(|before| rest.get(before));
            let is_value = before.is_some_and(|before| {
                let before = before.to_str().unwrap_or_default();
                matches!(
                    before.trim_start_matches('-'),
                    "sdk" | "toolchain" | "n" | "u" | "t"
                ) && before.starts_with('-')
            });
            text.starts_with('-') || is_value || (name == "env" && text.contains('='))
        };
        let next = rest
            .iter()
            .enumerate()
            .position(|(at, word)| !is_passed_over(at, word))?;
        words = rest.get(next..)?;
    }
}

/// Whether the word behind an option of `xcodebuild` is its value, which may hold a `=` and is no setting.
fn takes_value(option: &str) -> bool {
    const WITHOUT: [&str; 30] = [
        "-allTargets",
        "-alltargets",
        "-allowProvisioningDeviceRegistration",
        "-allowProvisioningUpdates",
        "-allowInternalDistribution",
        "-checkFirstLaunchStatus",
        "-create-xcframework",
        "-disableAutomaticPackageResolution",
        "-dry-run",
        "-exportArchive",
        "-exportLocalizations",
        "-exportNotarizedApp",
        "-help",
        "-hideShellScriptEnvironment",
        "-importLocalizations",
        "-json",
        "-license",
        "-list",
        "-n",
        "-onlyUsePackageVersionsFromResolvedFile",
        "-parallelizeTargets",
        "-quiet",
        "-resolvePackageDependencies",
        "-runFirstLaunch",
        "-showBuildSettings",
        "-showdestinations",
        "-showsdks",
        "-skipMacroValidation",
        "-skipPackagePluginValidation",
        "-skipPackageUpdates",
    ];
    const MORE_WITHOUT: [&str; 8] = [
        "-showBuildSettingsForIndex",
        "-showBuildTimingSummary",
        "-showTestPlans",
        "-skipUnavailableActions",
        "-usage",
        "-verbose",
        "-version",
        "-enumerate-tests",
    ];
    // `-IDEName=value` and `-only-testing:ID` hold their value themselves.
    !option.contains(['=', ':']) && !WITHOUT.contains(&option) && !MORE_WITHOUT.contains(&option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<XcodebuildCommand> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        XcodebuildCommand::read(&words)
    }

    #[test]
    fn what_decides_about_signing_is_read_and_the_rest_passed_over() {
        let command = read(
            "/usr/bin/xcodebuild -quiet -workspace A.xcworkspace -scheme App -configuration Release -sdk iphoneos18.2 \
             -destination generic/platform=iOS -derivedDataPath out/x=y -xcconfig ci.xcconfig -allowProvisioningUpdates \
             -only-testing:App/Tests -IDEMore=1 archive CI_PROFILE=foo B[sdk=iphoneos*]=s",
        )
        .unwrap();
        assert_eq!(
            command,
            XcodebuildCommand {
                project: Some("A.xcworkspace".into()),
                scheme: Some("App".into()),
                targets: Vec::new(),
                configuration: Some("Release".into()),
                sdk: Some("iphoneos18.2".into()),
                xcconfig: Some("ci.xcconfig".into()),
                settings: vec!["CI_PROFILE=foo".into(), "B[sdk=iphoneos*]=s".into()],
            }
        );
        let summary = command.summary();
        assert!(summary.contains("setting CI_PROFILE") && !summary.contains("foo"));
    }

    #[test]
    fn programs_that_start_it_are_looked_through_and_shells_are_not() {
        for line in [
            "xcrun xcodebuild -project A.xcodeproj",
            "xcrun --sdk macosx xcodebuild -project A.xcodeproj",
            "env A=b nice -n 5 xcodebuild -project A.xcodeproj",
            "arch -arm64 xcodebuild -project A.xcodeproj",
        ] {
            let command = read(line).unwrap();
            assert_eq!(command.project, Some("A.xcodeproj".into()), "{line}");
            assert!(command.settings.is_empty(), "{line}");
        }
        for line in [
            "fastlane gym",
            "sh -c xcodebuild",
            "xcrun altool",
            "xcrun",
            "make A=b",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
