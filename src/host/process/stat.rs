//! A process in one line, as Linux tells it: `/proc/PID/stat` (proc_pid_stat(5)).

use std::fs;

/// What the line tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) id: i32,
    /// The name of the program, without control characters; the process may have chosen it.
    pub(super) name: String,
    pub(super) parent: i32,
    pub(super) group: i32,
    /// Not a zombie.
    pub(super) runs: bool,
    /// When it started, in ticks since boot.
    pub(super) at: u64,
}

impl Stat {
    /// The process with this number; `None` if there is none, or it cannot be looked at.
    pub(super) fn read(id: i32) -> Option<Self> {
        Self::parse(id, &fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
    }

    /// Every process that is shown; `None` if none is.
    pub(super) fn all() -> Option<impl Iterator<Item = Self>> {
        let entries = fs::read_dir("/proc").ok()?.flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Some(ids.filter_map(Self::read))
    }

    /// Fields 2, 3, 4, 5 and 22. The second is the program's name in parentheses, which may itself hold parentheses and
    /// blanks: fields are counted from the last one.
    fn parse(id: i32, stat: &str) -> Option<Self> {
        let (before, fields) = stat.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let mut fields = fields.split_ascii_whitespace();
        let runs = !fields.next()?.starts_with(['Z', 'X']);
        let parent = fields.next()?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        let at = fields.nth(16)?.parse().ok()?;
        let plain = |c: char| if c.is_control() { '?' } else { c };
        Some(Self {
            id,
            name: name.chars().map(plain).collect(),
            parent,
            group,
            runs,
            at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_by_its_line_whatever_its_name() {
        let stat = "17 (a) b\u{1b}(c) S 1 42 17 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 9876 11 12";
        let process = Stat::parse(17, stat).unwrap();
        assert_eq!(process.name, "a) b?(c");
        assert_eq!((process.parent, process.group), (1, 42));
        assert_eq!((process.runs, process.at), (true, 9_876));
        for bad in ["", "17 (sh) S 1", "17 sh S 1 2 3"] {
            assert_eq!(Stat::parse(17, bad), None, "{bad:?}");
        }
    }
}
