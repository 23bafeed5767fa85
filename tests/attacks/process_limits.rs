//! A machine that gives no more processes, threads, descriptors or memory when the keychain must close.
