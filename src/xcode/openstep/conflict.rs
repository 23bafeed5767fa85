//! Markers that an unresolved merge leaves in a file.

/// The merge-conflict marker that `line` begins with: seven equal characters, then a blank or the line's end.
pub(crate) fn conflict_marker(line: &[u8]) -> Option<&'static str> {
    let (marker, rest) = line.split_at_checked(7)?;
    let known = match marker {
        b"<<<<<<<" => "<<<<<<<",
        b"|||||||" => "|||||||",
        b"=======" => "=======",
        b">>>>>>>" => ">>>>>>>",
        _ => return None,
    };
    matches!(rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n')).then_some(known)
}
