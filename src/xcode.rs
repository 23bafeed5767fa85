//! Xcode projects: what each target asks of signing, in each configuration, without Xcode.
//!
//! Text in, typed values out. A value remembers the file and line it came from, so that a finding can point there.
//!
//! - [`sources`]: where the text comes from
//! - [`budget`]: how much of it is read
//! - [`reach`]: how far a project may make somebody reach for it
//! - [`assignment`]: one build setting's assignment, its conditions, its place
//! - [`openstep`]: the property-list dialect of `project.pbxproj`, with positions
//! - [`project`]: targets, embedding, configurations
//! - [`workspace`]: which projects a workspace holds
//! - [`scheme`]: what an archive builds
//! - [`archive`]: what of the projects an archive holds
//! - [`xcconfig`]: configuration files and what they include
//! - [`platform`], [`product_type`]: what is built for what, and whether that carries a profile
//! - [`settings`]: settings resolved, with the line each came from
//! - [`targets`]: what each target asks of signing
//! - [`asc_signing_plan`]: what asc is going to write into a project
//! - [`show_build_settings`]: what Xcode itself says, where that was captured
//! - [`export_options`]: how an archive is exported

pub mod archive;
pub mod asc_signing_plan;
pub mod assignment;
pub mod budget;
pub mod export_options;
pub mod openstep;
pub mod platform;
pub mod product_type;
pub mod project;
mod property_list;
pub mod reach;
pub mod scheme;
pub mod settings;
pub(crate) mod shortened;
pub mod show_build_settings;
pub mod sources;
pub mod targets;
pub mod workspace;
pub mod xcconfig;
pub mod xcodebuild_command;
