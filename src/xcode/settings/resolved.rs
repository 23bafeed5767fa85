//! A resolved value and how it came about.

use serde::Serialize;

use crate::xcode::assignment::Origin;

/// A value and how it came about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The value.
    pub value: String,
    /// The assignment that counts; none for a text that is no setting.
    pub origin: Option<Origin>,
    /// Every assignment that took part, in the order of expansion, each once.
    pub trail: Vec<Step>,
    /// References to what nothing assigns.
    pub undefined: Vec<Undefined>,
    /// Settings that refer to themselves through others and have nothing below to end with.
    pub circular: Vec<Step>,
    /// Operators that are none, as in `$(NAME:uppper)`.
    pub unknown_operators: Vec<Box<str>>,
    /// Assignments that may count with some version of the SDK, and were passed over because its version is not known; the
    /// first few.
    pub passed_over: Vec<Step>,
    /// Whether expansion was given up because it grew beyond all measure.
    pub cut: bool,
}

/// A setting and an assignment of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The setting.
    pub name: Box<str>,
    /// Its assignment.
    pub origin: Origin,
}

/// A reference to a setting that nothing assigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undefined {
    /// The setting.
    pub name: Box<str>,
    /// Whether its name was put together from other settings, as in `$(PROFILE_$(TARGET_NAME))`: then having none is
    /// an ordinary answer.
    pub computed: bool,
    /// The assignment that refers to it.
    pub origin: Option<Origin>,
}
