//! A job that keeps the locks of its run, so that the keychain would stay open.
