//! The encoding of octal escapes.

/// The character of a code in the NeXTSTEP encoding (Unicode's NEXTSTEP.TXT).
pub(super) fn next_step(code: u8) -> char {
    let beyond_ascii = usize::from(code).checked_sub(0x80);
    match beyond_ascii {
        None => char::from(code),
        Some(index) => NEXT_STEP
            .chars()
            .nth(index)
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// The characters of codes 0x80 to 0xff.
pub(super) const NEXT_STEP: &str = "\u{a0}ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖÙÚÛÜÝÞµ×÷©¡¢£⁄¥ƒ§¤’“«‹›ﬁﬂ®–†‡·¦¶•‚„”»…‰¬¿¹ˋ´ˆ˜¯˘˙¨²˚¸³˝˛ˇ\
    —±¼½¾àáâãäåçèéêëìÆíªîïðñŁØŒºòóôõöæùúûıüýłøœßþÿ\u{fffd}\u{fffd}";
