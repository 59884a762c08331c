//! The sandbox: an in-memory WorkOS.
mod wire;
pub mod world;
