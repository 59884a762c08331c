//! Fuzzes state files of the sandbox: a file is refused, or the sandbox serves it.

#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use portalctl_platform::clock::FixedClock;
use workos_sandbox::state::StateFile;
use workos_sandbox::{RateLimit, Sandbox, SandboxOptions};

const PATHS: [&str; 4] = [
    "/organizations?limit=2",
    "/connections",
    "/directories?order=asc",
    "/events?events=organization.created",
];

fuzz_target!(|text: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    std::fs::write(&path, text).unwrap();
    let Ok((file, Some(world))) = StateFile::open(&path) else {
        return;
    };
    let clock = FixedClock::at("2026-01-15T12:00:00Z".parse().unwrap());
    let mut options = SandboxOptions::new(Arc::new(clock), world);
    options.rate_limit = RateLimit::Off;
    options.state = Some(file);
    let sandbox = Sandbox::new(options);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    for path in PATHS {
        let request = Request::get(format!("http://sandbox{path}"))
            .header("authorization", "Bearer sk_test_fuzz")
            .body(Bytes::new())
            .unwrap();
        let answer = runtime.block_on(sandbox.call(request));
        assert_eq!(answer.status(), 200, "{path}");
    }
});
