//! Journals, leases and folders of the state directory that somebody else can steer.
