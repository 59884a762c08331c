//! stub
#![allow(missing_docs)]
use bytes::Bytes;
use http::{Request, Response};
#[derive(Clone)]
pub struct Sandbox;
pub struct StateFile;
#[derive(Default)]
pub struct RateLimit;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct StateError;
pub struct State;
pub struct SandboxOptions {
    pub clock: crate::clock::SharedClock,
    pub seed: u64,
    pub rate_limit: RateLimit,
}
impl Default for SandboxOptions {
    fn default() -> Self {
        todo!()
    }
}
impl StateFile {
    pub fn open(_: &std::path::Path) -> Result<Self, StateError> {
        todo!()
    }
    pub fn load(&self) -> Result<State, StateError> {
        todo!()
    }
    pub fn save(&self, _: &Sandbox) -> Result<(), StateError> {
        todo!()
    }
}
impl Sandbox {
    pub fn new(_: SandboxOptions) -> Self {
        todo!()
    }
    pub fn with_state(_: SandboxOptions, _: State) -> Self {
        todo!()
    }
    pub async fn call(&self, _: Request<Bytes>) -> Response<Bytes> {
        todo!()
    }
}
