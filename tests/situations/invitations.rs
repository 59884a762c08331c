//! An invitation is sent at most once.
