//! A manifest that says what the proven file does not say.
