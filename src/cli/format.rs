//! How results are printed.

use std::ffi::OsString;

/// The format of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document on stdout.
    Json,
    /// GitHub annotations and a step summary.
    Github,
    /// A code quality report of GitLab on stdout, the report for people on stderr.
    Gitlab,
    /// JUnit XML on stdout, the report for people on stderr.
    Junit,
}

impl Format {
    /// The format of results where none is said: that of the CI system which `variable` tells of, if the result is a verdict.
    /// Commands whose result is data print the same everywhere.
    pub(super) fn unsaid(is_verdict: bool, variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let is_in = |name| variable(name).is_some_and(|value| value == "true");
        match is_verdict {
            true if is_in("GITHUB_ACTIONS") => Self::Github,
            true if is_in("GITLAB_CI") => Self::Gitlab,
            _ => Self::Human,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ci_systems_choose_the_format_of_verdicts_alone() {
        let of =
            |name: &'static str| move |asked: &str| (asked == name).then(|| OsString::from("true"));
        for (name, format) in [
            ("GITHUB_ACTIONS", Format::Github),
            ("GITLAB_CI", Format::Gitlab),
            ("CI", Format::Human),
        ] {
            assert_eq!(Format::unsaid(true, &of(name)), format);
            assert_eq!(Format::unsaid(false, &of(name)), Format::Human);
        }
    }
}
