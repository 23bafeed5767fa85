//! An envelope that somebody else wrote, changed or put in place of another file.
