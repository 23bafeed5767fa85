//! The rules of a resource seal: which paths are sealed, and how (`ResourceBuilder` in resources.cpp).
//!
//! A rule is a POSIX extended regular expression, **not anchored** and case-sensitive, with a weight. Of the rules that
//! match a path the heaviest one counts. Apple leaves open which of two equally heavy ones that is; here it is the one that
//! seals most, because an attacker may not gain by the order of a dictionary.
//!
//! Expressions come from the product, so they are matched in time that grows with the path alone: the expression is
//! translated, character by character, for an engine that never goes back. What POSIX leaves undefined is refused.

use regex_lite::{Regex, RegexBuilder};

/// The longest expression of a rule, in bytes. Apple's have 110.
pub const MAX_PATTERN: usize = 1024;

/// The most rules of one seal. Apple's have 17.
pub const MAX_RULES: usize = 128;

/// The largest rule when it is ready to be matched, in bytes: the time that a path takes grows with it. Apple's have 10 KiB.
const MAX_COMPILED: usize = 64 * 1024;

/// What a rule says of the paths that it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleFlags {
    /// Not sealed.
    pub omit: bool,
    /// May be missing.
    pub optional: bool,
    /// Directories with a dot in their name are code of their own.
    pub nested: bool,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its expression, as it stands in the seal.
    pub pattern: Box<str>,
    /// Its weight; 1 where none is given.
    pub weight: u32,
    /// What it says.
    pub flags: RuleFlags,
    /// Whether it is simply `true`, which the check for weak rules asks of the rule for everything.
    pub is_plain: bool,
    matcher: Matcher,
}

/// Why an expression is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// More than [`MAX_PATTERN`].
    #[error("a rule of {0} bytes; at most {MAX_PATTERN} are read")]
    TooLong(usize),
    /// POSIX does not define what it means.
    #[error("the rule {pattern:?} is not a POSIX extended regular expression: {what}")]
    Undefined {
        /// The expression.
        pattern: String,
        /// What is wrong.
        what: String,
    },
}

impl Rule {
    /// A rule with an expression as it stands in the seal.
    ///
    /// # Errors
    /// The expression is too long, or not one.
    pub fn new(
        pattern: &str,
        weight: u32,
        flags: RuleFlags,
        is_plain: bool,
    ) -> Result<Self, PatternError> {
        Ok(Self {
            matcher: Matcher::new(pattern)?,
            pattern: pattern.into(),
            weight,
            flags,
            is_plain,
        })
    }

    /// Whether it is about `path`.
    pub fn matches(&self, path: &str) -> bool {
        self.matcher.matches(path)
    }

    /// How much it seals, for rules of one weight.
    fn strictness(&self) -> (bool, bool, bool) {
        (!self.flags.omit, !self.flags.optional, !self.flags.nested)
    }
}

/// The rule that counts for `path`; `None` if none is about it, so that it is not sealed.
pub fn choose<'a>(rules: &'a [Rule], path: &str) -> Option<&'a Rule> {
    let mut best: Option<&Rule> = None;
    for rule in rules {
        let outweighs = best
            .is_none_or(|best| (rule.weight, rule.strictness()) > (best.weight, best.strictness()));
        if outweighs && rule.matches(path) {
            best = Some(rule);
        }
    }
    best
}

/// An expression that is ready. Most paths are decided by what must stand in them, without the engine.
#[derive(Debug, Clone)]
struct Matcher {
    /// What the path must begin with.
    prefix: Box<str>,
    /// What must stand in it somewhere.
    part: Box<str>,
    /// The whole expression; `None` where the prefix says it all.
    regex: Option<Regex>,
}

impl Matcher {
    fn new(pattern: &str) -> Result<Self, PatternError> {
        if pattern.len() > MAX_PATTERN {
            return Err(PatternError::TooLong(pattern.len()));
        }
        let undefined = |what: String| PatternError::Undefined {
            pattern: pattern.to_owned(),
            what,
        };
        let mut translation = Translation::default();
        translation
            .read(pattern)
            .map_err(|what| undefined(what.to_owned()))?;
        let (prefix, part, is_only_prefix) = translation.literals();
        let regex = match is_only_prefix {
            true => None,
            false => Some(
                RegexBuilder::new(&translation.regex)
                    .size_limit(MAX_COMPILED)
                    .build()
                    .map_err(|error| undefined(error.to_string()))?,
            ),
        };
        Ok(Self {
            prefix: prefix.into(),
            part: part.into(),
            regex,
        })
    }

    fn matches(&self, path: &str) -> bool {
        path.starts_with(&*self.prefix)
            && (self.part.is_empty()
                || memchr::memmem::find(path.as_bytes(), self.part.as_bytes()).is_some())
            && self.regex.as_ref().is_none_or(|regex| regex.is_match(path))
    }
}

/// One part of an expression, on its top level.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A character that must stand there.
    Literal(char),
    /// `^`.
    Start,
    /// Anything else.
    Other,
}

/// An expression in the other engine's words, and its parts.
#[derive(Debug, Default)]
struct Translation {
    regex: String,
    parts: Vec<Part>,
    /// Whether there are alternatives on the top level, so that no part must stand there.
    has_alternatives: bool,
}

impl Translation {
    fn read(&mut self, pattern: &str) -> Result<(), &'static str> {
        // A dot is any character, a line's end too; POSIX knows no lines here (no REG_NEWLINE).
        self.regex.push_str("(?s)");
        let mut letters = pattern.chars().peekable();
        let mut depth = 0usize;
        // Whether there is something that a star could repeat.
        let mut is_repeatable = false;
        while let Some(letter) = letters.next() {
            let mut part = Part::Other;
            match letter {
                '\\' => {
                    let escaped = letters.next().ok_or("it ends with a backslash")?;
                    if escaped.is_ascii_alphanumeric() {
                        return Err("a backslash before a letter or digit has no meaning");
                    }
                    self.literal(escaped);
                    part = Part::Literal(escaped);
                    is_repeatable = true;
                }
                '[' => {
                    self.bracket(&mut letters)?;
                    is_repeatable = true;
                }
                '(' => {
                    depth += 1;
                    self.regex.push_str("(?:");
                    is_repeatable = false;
                }
                ')' => {
                    depth = depth
                        .checked_sub(1)
                        .ok_or("a bracket is closed that is not open")?;
                    self.regex.push(')');
                    is_repeatable = true;
                }
                '|' => {
                    self.has_alternatives |= depth == 0;
                    self.regex.push('|');
                    is_repeatable = false;
                }
                '*' | '+' | '?' | '{' => {
                    if !is_repeatable {
                        return Err("nothing stands before a repetition");
                    }
                    match letter {
                        '{' => self.interval(&mut letters)?,
                        _ => self.regex.push(letter),
                    }
                    // What may be repeated may also be missing, but for `+`; that is not worth a case.
                    if depth == 0
                        && let Some(last) = self.parts.last_mut()
                    {
                        *last = Part::Other;
                    }
                    // Two repetitions in a row mean other things to other engines.
                    is_repeatable = false;
                    continue;
                }
                '^' => {
                    self.regex.push('^');
                    part = Part::Start;
                    is_repeatable = false;
                }
                '$' => {
                    self.regex.push('$');
                    is_repeatable = false;
                }
                '.' => {
                    self.regex.push('.');
                    is_repeatable = true;
                }
                letter => {
                    self.literal(letter);
                    part = Part::Literal(letter);
                    is_repeatable = true;
                }
            }
            // A whole group is one part: what stands in it may be one of several.
            if depth == 0 {
                self.parts.push(part);
            }
        }
        match depth {
            0 => Ok(()),
            _ => Err("a bracket is not closed"),
        }
    }

    fn literal(&mut self, letter: char) {
        self.regex
            .push_str(&regex_lite::escape(letter.encode_utf8(&mut [0; 4])));
    }

    /// `[…]`: a backslash is itself there, and a closing bracket in the first place too.
    fn bracket(
        &mut self,
        letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    ) -> Result<(), &'static str> {
        const OPEN: &str = "a bracket expression is not closed";
        self.regex.push('[');
        if letters.next_if_eq(&'^').is_some() {
            self.regex.push('^');
        }
        let mut is_first = true;
        loop {
            let letter = letters.next().ok_or(OPEN)?;
            match letter {
                ']' if !is_first => {
                    self.regex.push(']');
                    return Ok(());
                }
                '[' if matches!(letters.peek(), Some(':' | '.' | '=')) => {
                    let kind = letters.next().ok_or(OPEN)?;
                    if kind != ':' {
                        return Err("collating elements are not supported");
                    }
                    let mut name = String::new();
                    loop {
                        match letters.next().ok_or(OPEN)? {
                            ':' if letters.next_if_eq(&']').is_some() => break,
                            letter => name.push(letter),
                        }
                    }
                    self.regex.push_str("[:");
                    self.regex.push_str(&name);
                    self.regex.push_str(":]");
                }
                '-' if !is_first && !matches!(letters.peek(), Some(']')) => self.regex.push('-'),
                letter => {
                    if letter.is_ascii_punctuation() {
                        self.regex.push('\\');
                    }
                    self.regex.push(letter);
                }
            }
            is_first = false;
        }
    }

    /// `{2}`, `{2,}`, `{2,5}`; the opening brace is read.
    fn interval(
        &mut self,
        letters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    ) -> Result<(), &'static str> {
        let mut inside = String::new();
        loop {
            match letters.next().ok_or("an interval is not closed")? {
                '}' => break,
                letter => inside.push(letter),
            }
        }
        let is_number = |text: &str| text.parse::<u8>().is_ok();
        let is_formed = match inside.split_once(',') {
            None => is_number(&inside),
            Some((from, to)) => is_number(from) && (to.is_empty() || is_number(to)),
        };
        if !is_formed {
            return Err("an interval is not formed like {2,5}");
        }
        self.regex.push('{');
        self.regex.push_str(&inside);
        self.regex.push('}');
        Ok(())
    }

    /// What a path must begin with, the longest text that must stand in it, and whether the first is all there is to say.
    fn literals(&self) -> (String, String, bool) {
        if self.has_alternatives {
            return Default::default();
        }
        let text = |parts: &[Part]| -> String {
            let letters = parts.iter().map_while(|part| match part {
                Part::Literal(letter) => Some(*letter),
                _ => None,
            });
            letters.collect()
        };
        let (prefix, is_only_prefix) = match self.parts.split_first() {
            Some((Part::Start, rest)) => {
                let prefix = text(rest);
                let length = prefix.chars().count();
                let behind = rest.get(length..).unwrap_or_default();
                // `^.*`: anything may follow, and nothing must.
                let is_all = behind.is_empty() || (prefix.is_empty() && self.regex == "(?s)^.*");
                (prefix, is_all)
            }
            _ => (String::new(), false),
        };
        let mut part = String::new();
        for start in 0..self.parts.len() {
            let found = text(self.parts.get(start..).unwrap_or_default());
            if found.len() > part.len() {
                part = found;
            }
        }
        // The prefix has been looked for already.
        if part == prefix {
            part.clear();
        }
        (prefix, part, is_only_prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(pattern: &str) -> Rule {
        Rule::new(pattern, 1, RuleFlags::default(), true).unwrap()
    }

    /// The rules that `codesign` writes, and rules that people write.
    #[test]
    fn expressions_are_matched_as_regexec_does() {
        for (pattern, yes, no) in [
            (
                "^Resources/",
                &["Resources/a", "Resources/"][..],
                &["Resource", "a/Resources/b"][..],
            ),
            ("^.*", &["", "a"], &[]),
            (
                ".*\\.dSYM($|/)",
                &["a.dSYM", "x/a.dSYM/b"],
                &["a.dSYMs", "dSYM"],
            ),
            (
                "^(.*/)?\\.DS_Store$",
                &[".DS_Store", "a/.DS_Store"],
                &["a.DS_Store", ".DS_Store/a"],
            ),
            (
                "^Info\\.plist$",
                &["Info.plist"],
                &["Info_plist", "a/Info.plist", "Info.plists"],
            ),
            (
                "^version.plist$",
                &["version.plist", "versionXplist"],
                &["version.plist2"],
            ),
            (
                "^(Frameworks|PlugIns|Library/(Automator|Spotlight))/",
                &["Frameworks/a", "Library/Spotlight/x"],
                &["Library/x", "Framework/", "x/PlugIns/"],
            ),
            (
                "^Resources/.*\\.lproj/",
                &["Resources/en.lproj/a"],
                &["Resources/en.lproj", "en.lproj/a"],
            ),
            ("Base\\.lproj/", &["x/Base.lproj/y"], &["base.lproj/y"]),
            ("^[^/]+$", &["a", "a.b"], &["a/b", ""]),
            ("[]x]", &["]", "x"], &["a"]),
            ("[\\.]", &["\\", "."], &["a"]),
            ("[a-c-]$", &["b", "-"], &["d"]),
            ("^a{2,3}$", &["aa", "aaa"], &["a", "aaaa"]),
            ("^[[:digit:]]+$", &["12"], &["a", ""]),
            ("a|^b", &["xa", "b"], &["xb"]),
            ("^ab?c", &["ac", "abc"], &["bc"]),
            ("^a.c$", &["a\nc", "aöc"], &["ac"]),
            ("ü", &["grün"], &["grun"]),
        ] {
            let rule = rule(pattern);
            for path in yes {
                assert!(rule.matches(path), "{pattern} should match {path:?}");
            }
            for path in no {
                assert!(!rule.matches(path), "{pattern} should not match {path:?}");
            }
        }
    }

    #[test]
    fn what_posix_leaves_undefined_is_refused() {
        for pattern in [
            "*a", "(", ")", "[a", "a{", "a{x}", "a{300}", "\\d", "a\\", "(*)", "|+", "a**",
            "[[.a.]]",
        ] {
            let made = Rule::new(pattern, 1, RuleFlags::default(), true);
            assert!(made.is_err(), "{pattern}");
        }
        let long = "a".repeat(MAX_PATTERN + 1);
        let made = Rule::new(&long, 1, RuleFlags::default(), true);
        assert_eq!(made.unwrap_err(), PatternError::TooLong(MAX_PATTERN + 1));
    }

    /// With an engine that goes back the first takes longer than anybody waits; the second is too large for any engine.
    #[test]
    fn an_expression_made_to_take_long_is_refused() {
        let slow = rule("^(a*b?){9}(a*b?){9}c$");
        assert!(!slow.matches(&"a".repeat(2000)));
        let large = "(((.?.?.?.?x?){200}){60}|N)[!]$";
        assert!(Rule::new(large, 1, RuleFlags::default(), true).is_err());
    }

    #[test]
    fn the_heaviest_rule_counts_and_of_equals_the_one_that_seals_most() {
        let made = |pattern, weight, omit, nested| {
            let flags = RuleFlags {
                omit,
                nested,
                optional: false,
            };
            Rule::new(pattern, weight, flags, false).unwrap()
        };
        let rules = [
            made("^.*", 1, false, false),
            made("^MacOS/", 10, false, true),
            made("^MacOS/x", 10, true, false),
            made("^Info", 20, true, false),
        ];
        let chosen = |path| choose(&rules, path).map(|rule| &*rule.pattern);
        assert_eq!(chosen("a"), Some("^.*"));
        assert_eq!(chosen("MacOS/a"), Some("^MacOS/"));
        assert_eq!(chosen("MacOS/xyz"), Some("^MacOS/"));
        assert_eq!(chosen("Info.plist"), Some("^Info"));
        assert!(choose(&rules[1..], "a").is_none());
    }
}
