//! The settings of one target in one configuration on one platform.

use std::sync::Arc;

use super::allowance::Allowance;
use crate::xcode::assignment::{Bindings, Layer, Table};
use crate::xcode::platform::Platform;

/// Layers of settings, and what conditions in them are held against.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Highest first.
    pub(super) layers: Vec<(Layer, Arc<Table>)>,
    pub(super) bindings: Bindings,
    /// What may be spent on expansions; shared by all scopes of a project.
    pub(super) allowance: Allowance,
}

impl Scope {
    /// The platform that these settings are for; `None` before Xcode has chosen one.
    pub fn platform(&self) -> Option<Platform> {
        Platform::of_sdk(&self.bindings.sdk)
    }

    /// A scope of the given layers, highest first.
    pub fn new(layers: Vec<(Layer, Arc<Table>)>, bindings: Bindings) -> Self {
        Self {
            layers,
            bindings,
            allowance: Allowance::of_scope(),
        }
    }

    /// The same scope under one table more.
    #[must_use]
    pub(crate) fn under(&self, layer: Layer, table: Table) -> Self {
        let mut layers = Vec::with_capacity(self.layers.len() + 1);
        layers.push((layer, Arc::new(table)));
        layers.extend(self.layers.iter().cloned());
        Self {
            layers,
            bindings: self.bindings.clone(),
            allowance: self.allowance.clone(),
        }
    }
}

/// Whether a setting's value means yes: its first character alone decides (swift-build, `String.boolValue`).
pub(crate) fn is_yes(value: &str) -> bool {
    value.starts_with([
        'y', 'Y', 't', 'T', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ])
}
