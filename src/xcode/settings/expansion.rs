//! Expanding references: `$(NAME)`, `${NAME}`, `$[NAME]`, `$NAME`, nested names, operators, `$(inherited)`.
//!
//! The grammar and its quirks are those of swift-build's `MacroExpressionParsing.swift` with string semantics: signing
//! settings are strings, and a list evaluated as a string is its text. A reference to nothing is empty, except `$NAME`
//! without brackets, which stays as it was written.

use std::cell::{Cell, RefCell};

use super::resolved::{Resolved, Step, Undefined};
use super::scope::{Scope, is_yes};
use super::{builtin, operator};
use crate::xcode::assignment::{Assignment, Examined, Layer, Origin, SdkNames};

/// How deep references may nest, in values and in each other: what the engine's own tests nest (600), and some. It fits the
/// stack of a thread.
const MAX_DEPTH: usize = 640;
/// How many references one expansion may follow.
const MAX_STEPS: usize = 5_000;
/// How many bytes one expansion may write, intermediate results counted.
const MAX_BYTES: usize = 1 << 20;
/// How many assignments a trail names.
const MAX_TRAIL: usize = 64;

impl Scope {
    /// The setting `name`, expanded; nothing if no layer assigns it.
    pub fn evaluate(&self, name: &str) -> Option<Resolved> {
        evaluate(self, name)
    }

    /// `text` with its references expanded, as a value of no setting in particular.
    pub fn expand(&self, text: &str) -> Resolved {
        expand(self, text)
    }

    /// The setting `name` as a truth value, as the build engine reads one; unset, no.
    pub fn is_yes(&self, name: &str) -> bool {
        self.evaluate(name)
            .is_some_and(|resolved| is_yes(&resolved.value))
    }
}

fn evaluate(scope: &Scope, name: &str) -> Option<Resolved> {
    let mut evaluator = Evaluator::new(scope);
    let Some(found) = evaluator.find(name, None) else {
        evaluator.finish();
        return None;
    };
    let mut value = String::new();
    evaluator.assignment(found, true, &mut value);
    let mut resolved = evaluator.finish();
    resolved.value = value;
    resolved.origin = Some(found.assignment.origin(found.layer));
    Some(resolved)
}

fn expand(scope: &Scope, text: &str) -> Resolved {
    let mut evaluator = Evaluator::new(scope);
    let mut value = String::new();
    evaluator.text(text, false, &mut value);
    let mut resolved = evaluator.finish();
    resolved.value = value;
    resolved
}

/// An assignment and its place among all that assign the same setting.
#[derive(Clone, Copy)]
struct Found<'s> {
    layer: Layer,
    assignment: &'s Assignment,
    position: Position,
}

#[derive(Clone, Copy)]
struct Position {
    layer: usize,
    /// Its place within its layer's assignments of that setting: `$(inherited)` looks below it.
    index: usize,
}

struct Evaluator<'s> {
    scope: &'s Scope,
    /// The assignments that are being expanded, outermost first.
    stack: Vec<Found<'s>>,
    /// Whether anything was written, be it an empty text, since somebody last asked: operators apply to the elements of a
    /// value, an empty text is one element, and an empty list has none.
    has_element: bool,
    depth: usize,
    steps: usize,
    bytes: usize,
    /// Assignments that were looked at, and the length of their conditions.
    examined: Cell<usize>,
    /// Assignments that were passed over although another version of the SDK may want them.
    passed_over: RefCell<Vec<Step>>,
    resolved: Resolved,
}

impl<'s> Evaluator<'s> {
    fn new(scope: &'s Scope) -> Self {
        Self {
            scope,
            stack: Vec::new(),
            has_element: false,
            depth: 0,
            steps: 0,
            bytes: 0,
            examined: Cell::new(0),
            passed_over: RefCell::default(),
            resolved: Resolved {
                cut: scope.allowance.is_spent(),
                ..Resolved::default()
            },
        }
    }

    /// The result, whose work is paid for.
    fn finish(self) -> Resolved {
        let work = self.examined.get().saturating_add(self.bytes);
        self.scope.allowance.spend(work);
        Resolved {
            passed_over: self.passed_over.into_inner(),
            ..self.resolved
        }
    }

    /// The assignment of `name` that counts: of all, or of those below `below`.
    fn find(&self, name: &str, below: Option<Position>) -> Option<Found<'s>> {
        let start = below.map_or(0, |position| position.layer);
        self.scope
            .layers
            .iter()
            .enumerate()
            .skip(start)
            .find_map(|(at, (layer, table))| {
                let before = match below {
                    Some(position) if position.layer == at => position.index,
                    _ => usize::MAX,
                };
                let mut examined = Examined {
                    work: 1,
                    passed_over: None,
                };
                let sdk = match *layer < Layer::Derived {
                    true => SdkNames::FirstAskedFor,
                    false => SdkNames::Any,
                };
                let bindings = &self.scope.bindings;
                let effective = table.effective(name, bindings, sdk, before, &mut examined);
                self.examined
                    .set(self.examined.get().saturating_add(examined.work));
                if let Some(assignment) = examined.passed_over {
                    self.note_passed_over(assignment, *layer);
                }
                let (index, assignment) = effective?;
                Some(Found {
                    layer: *layer,
                    assignment,
                    position: Position { layer: at, index },
                })
            })
    }

    fn note_passed_over(&self, assignment: &Assignment, layer: Layer) {
        let step = Step {
            name: assignment.name.clone(),
            origin: assignment.origin(layer),
        };
        let mut passed_over = self.passed_over.borrow_mut();
        if passed_over.len() < MAX_TRAIL && !passed_over.contains(&step) {
            passed_over.push(step);
        }
    }

    /// Notes that an assignment takes part; the trail names it if it may be told. Apart from [`Self::assignment`], whose frames
    /// pile up.
    #[inline(never)]
    fn note_step(&mut self, found: &Found<'s>, is_told: bool) {
        let step = Step {
            name: found.assignment.name.clone(),
            origin: found.assignment.origin(found.layer),
        };
        if is_told && self.resolved.trail.len() < MAX_TRAIL && !self.resolved.trail.contains(&step)
        {
            self.resolved.trail.push(step);
        }
        self.bytes = self.bytes.saturating_add(found.assignment.name.len());
        if found.layer == Layer::Environment {
            let names = &mut self.resolved.environment;
            if !names.contains(&found.assignment.name) {
                names.push(found.assignment.name.clone());
            }
        }
    }

    /// Appends the value of an assignment, which the trail names if it may be told.
    fn assignment(&mut self, found: Found<'s>, is_told: bool, out: &mut String) {
        self.note_step(&found, is_told);
        self.stack.push(found);
        let is_list = !builtin::is_text(&found.assignment.name);
        self.has_element |= !is_list && !found.assignment.value.contains('$');
        self.text(&found.assignment.value, is_list, out);
        self.stack.pop();
    }

    /// Expands `text`. In a list, which every setting is that Xcode does not know, a backslash takes what follows literally
    /// and stays where it is: a list as a text is the text of the list.
    fn text(&mut self, text: &str, is_list: bool, out: &mut String) {
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            match rest.find(|c| c == '$' || (is_list && c == '\\')) {
                Some(literal) if byte(rest, literal) == Some(b'\\') => {
                    let escaped = rest.get(literal + 1..).and_then(|rest| rest.chars().next());
                    let end = literal + 1 + escaped.map_or(0, char::len_utf8);
                    self.write(rest.get(..end).unwrap_or_default(), out);
                    at += end;
                }
                Some(literal) => {
                    self.write(rest.get(..literal).unwrap_or_default(), out);
                    at = self.substitution(text, at + literal + 1, out);
                }
                None => {
                    self.write(rest, out);
                    return;
                }
            }
        }
    }

    fn write(&mut self, text: &str, out: &mut String) {
        self.has_element |= !text.is_empty();
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_BYTES {
            self.resolved.cut = true;
        } else {
            out.push_str(text);
        }
    }

    /// Expands what follows a `$`; gives where the text goes on.
    fn substitution(&mut self, text: &str, at: usize, out: &mut String) -> usize {
        if self.resolved.cut || self.depth >= MAX_DEPTH {
            self.resolved.cut = true;
            return text.len();
        }
        self.depth += 1;
        let next = match byte(text, at) {
            Some(b'(') => self.bracketed(text, at + 1, b')', out),
            Some(b'{') => self.bracketed(text, at + 1, b'}', out),
            Some(b'[') => self.bracketed(text, at + 1, b']', out),
            Some(first) if first.is_ascii_alphabetic() || first == b'_' => self.bare(text, at, out),
            Some(b'$') => {
                self.write("$", out);
                at + 1
            }
            _ => {
                self.write("$", out);
                at
            }
        };
        self.depth -= 1;
        next
    }

    /// `$NAME`, and the odd `$NAME$(MORE)`, which Xcode takes for one name.
    fn bare(&mut self, text: &str, from: usize, out: &mut String) -> usize {
        let is_name = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.');
        let end = scan(text, from, is_name);
        let mut name = text.get(from..end).unwrap_or_default().to_owned();
        let mut next = end;
        let has_element = self.has_element;
        let continued = byte(text, end) == Some(b'$') && byte(text, end + 1) == Some(b'(');
        if continued {
            next = self.substitution(text, end + 1, &mut name);
        }
        self.has_element = has_element;
        if !self.reference(&name, continued, out) {
            self.write("$", out);
            self.write(&name, out);
        }
        next
    }

    /// `$(NAME:operator:operator=operand)`, from behind the opening bracket.
    fn bracketed(&mut self, text: &str, from: usize, close: u8, out: &mut String) -> usize {
        let before = self.has_element;
        let mut name = String::new();
        let (mut at, computed) = self.fragment(text, from, close, &mut name);
        self.has_element = before;
        if byte(text, at) != Some(b':') {
            self.reference(&name, computed, out);
            return (at + 1).min(text.len());
        }
        let (undefined, circular) = (self.resolved.undefined.len(), self.resolved.circular.len());
        let mut value = String::new();
        self.has_element = false;
        self.reference(&name, computed, &mut value);
        let mut has_element = self.has_element;
        while byte(text, at) == Some(b':') && !self.resolved.cut {
            let end = scan(text, at + 1, |c| {
                c.is_ascii_alphanumeric() || matches!(c, b'-' | b'+' | b'.' | b'_')
            });
            let operator = text.get(at + 1..end).unwrap_or_default();
            at = end;
            if byte(text, at) == Some(b'=') {
                self.note_operation(&value);
                let mut operand = String::new();
                (at, _) = self.fragment(text, at + 1, close, &mut operand);
                if operator == "default" {
                    // Having no value was foreseen.
                    self.resolved.undefined.truncate(undefined);
                    self.resolved.circular.truncate(circular);
                }
                if !operator::is_operator(operator, true) {
                    self.unknown_operator(operator);
                } else if has_element || operator == "default" {
                    value = operator::replace(operator, &value, &operand).unwrap_or(value);
                    has_element = true;
                }
            } else if byte(text, at).is_some_and(|c| c == b':' || c == close) {
                self.note_operation(&value);
                if !operator::is_operator(operator, false) {
                    self.unknown_operator(operator);
                } else if has_element {
                    value = operator::retrieve(operator, &value).unwrap_or(value);
                }
            } else {
                // Something that no operator's name holds, or the end of the text: no operator at all.
                self.unknown_operator(operator);
                at = scan(text, at, |c| c != b':' && c != close);
            }
        }
        self.has_element = before || has_element;
        self.write(&value, out);
        (at + 1).min(text.len())
    }

    /// Whether what is read now stands in a variable of the environment: no word of it is told, in whatever complaint.
    fn is_in_environment(&self) -> bool {
        self.stack
            .iter()
            .any(|frame| frame.layer == Layer::Environment)
    }

    /// An operator costs as much as writing what it is applied to.
    fn note_operation(&mut self, value: &str) {
        self.steps += 1;
        self.bytes = self.bytes.saturating_add(value.len());
        if self.steps > MAX_STEPS || self.bytes > MAX_BYTES {
            self.resolved.cut = true;
        }
    }

    fn unknown_operator(&mut self, operator: &str) {
        let known = &self.resolved.unknown_operators;
        if self.is_in_environment() {
            return;
        }
        if known.len() < MAX_TRAIL && !known.iter().any(|known| **known == *operator) {
            self.resolved.unknown_operators.push(operator.into());
        }
    }

    /// A name or operand: up to a `:` or the closing bracket, references expanded. Gives where it stopped, and whether
    /// it held a reference.
    fn fragment(&mut self, text: &str, from: usize, close: u8, out: &mut String) -> (usize, bool) {
        let mut at = from;
        let mut computed = false;
        loop {
            let end = scan(text, at, |c| c != b'$' && c != b':' && c != close);
            self.write(text.get(at..end).unwrap_or_default(), out);
            at = end;
            if byte(text, at) != Some(b'$') {
                return (at, computed);
            }
            computed = true;
            at = self.substitution(text, at + 1, out);
        }
    }

    /// Appends the value of `name`; says whether there is one.
    fn reference(&mut self, name: &str, computed: bool, out: &mut String) -> bool {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            self.resolved.cut = true;
        }
        if self.resolved.cut || name.is_empty() {
            return false;
        }
        let innermost = self.stack.last().copied();
        let found = if matches!(name, "inherited" | "value") {
            match innermost {
                Some(frame) => self.find(&frame.assignment.name, Some(frame.position)),
                // Outside of settings there is nothing to inherit, and "value" is a name as any other.
                None if name == "value" => self.find(name, None),
                None => None,
            }
        } else if let Some(frame) = self.being_expanded(name) {
            let below = self.find(name, Some(frame.position));
            let is_direct = innermost.is_some_and(|frame| *frame.assignment.name == *name);
            if below.is_none() && !is_direct && !self.is_in_environment() {
                self.resolved.circular.push(Step {
                    name: name.into(),
                    origin: frame.assignment.origin(frame.layer),
                });
            }
            below
        } else {
            let found = self.find(name, None);
            if found.is_none() {
                self.note_undefined(name, computed);
            }
            found
        };
        // A text that nobody sets is an empty one.
        self.has_element |= found.is_none() && builtin::is_text(name);
        if let Some(found) = found {
            // A name put together from a variable holds its value.
            let is_told = !computed || self.resolved.environment.is_empty();
            self.assignment(found, is_told, out);
        }
        found.is_some()
    }

    fn being_expanded(&self, name: &str) -> Option<Found<'s>> {
        self.stack
            .iter()
            .rev()
            .find(|frame| *frame.assignment.name == *name)
            .copied()
    }

    fn note_undefined(&mut self, name: &str, computed: bool) {
        // A name put together from a variable holds its value.
        if self.is_in_environment() || (computed && !self.resolved.environment.is_empty()) {
            return;
        }
        let origin: Option<Origin> = self
            .stack
            .last()
            .map(|frame| frame.assignment.origin(frame.layer));
        let note = Undefined {
            name: name.into(),
            computed,
            origin,
        };
        if self.resolved.undefined.len() < MAX_TRAIL && !self.resolved.undefined.contains(&note) {
            self.resolved.undefined.push(note);
        }
    }
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

/// Where, from `from` on, the first byte stands that `accepts` does not.
fn scan(text: &str, from: usize, accepts: impl Fn(u8) -> bool) -> usize {
    text.as_bytes()
        .get(from..)
        .unwrap_or_default()
        .iter()
        .position(|byte| !accepts(*byte))
        .map_or(text.len(), |length| from + length)
}
