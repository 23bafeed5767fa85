//! Arguments that select projects, targets and configurations.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::apple::profile::ProfileKind;
use crate::base::ids::ConfigurationName;
use crate::ops::init::selected::{Selected, SelectedValue};
use crate::ops::target_selection::TargetSelection;

/// Selects targets.
#[derive(Debug, Clone, Default, Args)]
pub struct ProjectArguments {
    /// The Xcode project or workspace; repeatable [default: the one at hand, here or in the repository. `manifest freeze` takes
    /// it only where options select targets].
    #[arg(long, value_name = "X.xcodeproj")]
    pub project: Vec<PathBuf>,
    /// Judge what this scheme archives, in its configuration [default: what the only scheme archives that archives an
    /// application].
    #[arg(long, value_name = "NAME")]
    pub scheme: Option<String>,
    /// Use only this target; repeatable.
    #[arg(long, value_name = "NAME")]
    pub target: Vec<String>,
    /// Use only this build configuration; repeatable.
    #[arg(long, value_name = "NAME")]
    pub configuration: Vec<ConfigurationName>,
    /// Use only targets of this SDK, as in iphoneos, which includes watchos, or macosx, which includes Mac Catalyst. With a
    /// version, as in iphoneos18.2, conditions on that version count.
    #[arg(long, value_name = "SDK")]
    pub sdk: Option<String>,
    /// A build setting, as on xcodebuild's command line; repeatable.
    #[arg(long, value_name = "NAME=value")]
    pub setting: Vec<String>,
    /// The configuration file that xcodebuild gets as -xcconfig. The variable XCODE_XCCONFIG_FILE counts as well.
    #[arg(long, value_name = "FILE")]
    pub xcconfig: Option<PathBuf>,
    /// The output of `xcodebuild -showBuildSettings` (text or -json), or the plan of `asc xcode signing plan`. Its values replace
    /// those of the project's files, and differences are reported; repeatable.
    #[arg(long, value_name = "FILE")]
    pub build_settings: Vec<PathBuf>,
    /// How the product is distributed; only profiles of this kind fit.
    #[arg(long, value_enum, value_name = "KIND")]
    pub kind: Option<Kind>,
    /// A folder that project files may reach into, instead of the repository that holds the project, or of the project's
    /// folder if there is none; repeatable.
    #[arg(long, value_name = "DIR")]
    pub root: Vec<PathBuf>,
}

impl ProjectArguments {
    /// What is selected of a project, as options that another command takes: neither the project itself nor settings, whose
    /// values may be secrets.
    pub fn selecting(&self) -> Vec<Selected> {
        let text = |option, value: &str| Selected {
            option,
            value: SelectedValue::Text(value.to_owned()),
            names_profiles: false,
        };
        let path = |option, value: &PathBuf| Selected {
            option,
            value: SelectedValue::Path(value.clone()),
            names_profiles: false,
        };
        let kind = self.kind.map(|kind| ProfileKind::from(kind).as_str());
        let mut selected: Vec<Selected> = Vec::new();
        selected.extend(self.target.iter().map(|it| text("--target", it)));
        let configurations = self.configuration.iter();
        selected.extend(configurations.map(|it| text("--configuration", it.as_str())));
        selected.extend(self.sdk.iter().map(|it| text("--sdk", it)));
        selected.extend(self.scheme.iter().map(|it| text("--scheme", it)));
        selected.extend(kind.map(|it| text("--kind", it)));
        selected.extend(self.xcconfig.iter().map(|it| path("--xcconfig", it)));
        let captures = self.build_settings.iter();
        selected.extend(captures.map(|it| path("--build-settings", it)));
        selected.extend(self.root.iter().map(|it| path("--root", it)));
        selected
    }
}

/// How a product is distributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Registered devices, with a debugger.
    Development,
    /// Registered devices.
    AdHoc,
    /// App Store, TestFlight, Mac App Store.
    AppStore,
    /// In-house.
    Enterprise,
    /// Outside the Mac App Store.
    DeveloperId,
}

impl From<Kind> for ProfileKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Development => Self::Development,
            Kind::AdHoc => Self::AdHoc,
            Kind::AppStore => Self::AppStore,
            Kind::Enterprise => Self::Enterprise,
            Kind::DeveloperId => Self::DeveloperId,
        }
    }
}

impl From<ProjectArguments> for TargetSelection {
    fn from(arguments: ProjectArguments) -> Self {
        Self {
            projects: arguments.project,
            targets: arguments.target,
            configurations: arguments.configuration,
            sdk: arguments.sdk,
            scheme: arguments.scheme,
            settings: arguments.setting,
            xcconfig: arguments.xcconfig,
            build_settings: arguments.build_settings,
            kind: arguments.kind.map(ProfileKind::from),
            identities: None,
            every_configuration: false,
            roots: arguments.root,
        }
    }
}
