//! Signed messages and certificates that OpenSSL or the system refuses: garbage where an algorithm belongs, broken lists, entities.
