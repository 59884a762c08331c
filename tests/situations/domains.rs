//! A contested domain stops its own cell and writes, and nothing else of its organization.
