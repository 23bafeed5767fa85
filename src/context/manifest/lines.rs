//! The lines of a frozen manifest: where a finding that points into it can be shown.
//!
//! A manifest is byte for byte what freezing writes ([`super::Manifest::parse`] refuses any other): JSON with two blanks for
//! each level, one key or element on a line. So a line is found by its level, without a second reader of JSON. In other
//! text nothing is found, or a line that is not the one: a line is only shown, and decides nothing.

use std::collections::HashMap;

/// The lines of a manifest, looked through once.
#[derive(Debug)]
pub struct Lines<'m> {
    lines: Vec<&'m str>,
    /// For each list of the manifest the lines on which its elements begin.
    lists: HashMap<&'m str, Vec<usize>>,
    /// For each UUID of a pinned profile the line on which it stands.
    uuids: HashMap<&'m str, usize>,
}

impl<'m> Lines<'m> {
    /// Looks through the text.
    pub fn new(manifest: &'m str) -> Self {
        let lines: Vec<&str> = manifest.lines().collect();
        let (mut lists, mut uuids) = (HashMap::new(), HashMap::new());
        let mut list = "";
        for (index, line) in lines.iter().enumerate() {
            if let Some(uuid) = line.strip_prefix("      \"uuid\": \"") {
                uuids.insert(uuid.trim_end_matches(['"', ',']), index);
            } else if *line == "    {" {
                let elements: &mut Vec<usize> = lists.entry(list).or_default();
                elements.push(index);
            } else if let Some(key) = line.strip_prefix("  \"") {
                list = key.split('"').next().unwrap_or_default();
            }
        }
        Self {
            lines,
            lists,
            uuids,
        }
    }

    /// The line, from 1, on which the value begins that a JSON pointer (RFC 6901) names.
    pub fn of_pointer(&self, pointer: &str) -> Option<u64> {
        let mut tokens = pointer.strip_prefix('/')?.split('/');
        let first = tokens.next()?;
        let mut found = self.child(0, 1, first)?;
        let mut depth = 2;
        if let Some(elements) = self.lists.get(first)
            && let Some(token) = tokens.next()
        {
            found = *elements.get(token.parse::<usize>().ok()?)?;
            depth = 3;
        }
        for token in tokens {
            found = self.child(found, depth, token)?;
            depth += 1;
        }
        number(found)
    }

    /// The line, from 1, on which the entry of the profile with this UUID says so.
    pub fn of_profile(&self, uuid: &str) -> Option<u64> {
        self.uuids.get(uuid).copied().and_then(number)
    }

    /// The line of a key or element, one level below the value that begins on the line `parent`.
    fn child(&self, parent: usize, depth: usize, token: &str) -> Option<usize> {
        let token = token.replace("~1", "/").replace("~0", "~");
        let key = format!("{}: ", serde_json::Value::from(token.as_str()));
        let wanted = token.parse::<usize>().ok();
        let mut elements = 0_usize;
        for (index, line) in self.lines.iter().enumerate().skip(parent + 1) {
            let content = line.trim_start_matches(' ');
            let level = line.len() - content.len();
            if level < 2 * depth {
                return None;
            }
            if level > 2 * depth || content.starts_with(['}', ']']) {
                continue;
            }
            if content.starts_with(&key) || wanted == Some(elements) && !content.contains("\": ") {
                return Some(index);
            }
            elements += 1;
        }
        None
    }
}

fn number(index: usize) -> Option<u64> {
    u64::try_from(index + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"{
  "schema": "s",
  "profiles": [
    {
      "uuid": "A",
      "certificates": [
        {
          "sha256": "x"
        }
      ],
      "entitlements": {
        "a/b": "1",
        "list": [
          "p",
          "q"
        ]
      }
    },
    {
      "uuid": "B",
      "expires": "later"
    }
  ],
  "targets": []
}
"#;

    #[test]
    fn a_pointer_becomes_the_line_on_which_its_value_begins() {
        for (pointer, line) in [
            ("/schema", Some(2)),
            ("/profiles", Some(3)),
            ("/profiles/0", Some(4)),
            ("/profiles/0/uuid", Some(5)),
            ("/profiles/0/certificates/0/sha256", Some(8)),
            ("/profiles/0/entitlements/a~1b", Some(12)),
            ("/profiles/0/entitlements/list/1", Some(15)),
            ("/profiles/1", Some(19)),
            ("/profiles/1/expires", Some(21)),
            ("/targets", Some(24)),
            ("/targets/0", None),
            ("/profiles/2", None),
            ("/profiles/1/nothing", None),
            ("nothing", None),
        ] {
            assert_eq!(Lines::new(MANIFEST).of_pointer(pointer), line, "{pointer}");
        }
    }

    #[test]
    fn a_profile_is_found_by_its_uuid() {
        assert_eq!(Lines::new(MANIFEST).of_profile("B"), Some(20));
        assert_eq!(Lines::new(MANIFEST).of_profile("C"), None);
    }
}
