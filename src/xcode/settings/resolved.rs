//! A resolved value and how it came about.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::xcode::assignment::Origin;

/// A value and how it came about.
#[derive(Clone, Default, PartialEq, Eq)]
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
    /// The environment variables that took part in the value, in whatever way, each once. If there are any, the value may
    /// decide and is not shown: [`Resolved::shown`].
    pub environment: Vec<Box<str>>,
    /// Assignments that may count with some version of the SDK, and were passed over because its version is not known; the
    /// first few.
    pub passed_over: Vec<Step>,
    /// Whether expansion was given up because it grew beyond all measure.
    pub cut: bool,
}

impl Resolved {
    /// What may be shown of the value: all of it, or which variables of the environment it came from.
    pub fn shown(&self) -> Cow<'_, str> {
        match self.withheld() {
            Some(shown) => Cow::Owned(shown),
            None => Cow::Borrowed(&self.value),
        }
    }

    /// What is shown in the value's stead, if the environment took part in it.
    pub fn withheld(&self) -> Option<String> {
        let names: Vec<String> = self
            .environment
            .iter()
            .map(|name| format!("$({name})"))
            .collect();
        (!names.is_empty()).then(|| format!("{} from the environment", names.join(" and ")))
    }
}

/// Where the value came from is known, and what it is not said.
impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolved")
            .field("value", &self.shown())
            .field("origin", &self.origin)
            .field("trail", &self.trail)
            .field("undefined", &self.undefined)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
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
