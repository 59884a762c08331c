//! The gate that each write of a task passes right before it is sent.
//!
//! A write may wait for its turn in the pace and be tried again, and its permission be taken back
//! meanwhile. Who writes sets a gate for a future, and the client asks it at the last moment. Never
//! holds a read back.

use std::fmt;
use std::sync::Arc;

tokio::task_local! {
    static GATE: WriteGate;
}

/// Decides whether the next write may be sent.
#[derive(Clone)]
pub struct WriteGate(Arc<dyn Fn() -> Option<String> + Send + Sync>);

impl WriteGate {
    /// Creates a gate of a function that returns why the next write may not be sent.
    pub fn new(refusal: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(refusal))
    }

    /// Runs a future whose writes pass the gate.
    pub async fn guard<F: Future>(self, future: F) -> F::Output {
        GATE.scope(self, future).await
    }
}

impl fmt::Debug for WriteGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteGate")
    }
}

/// Returns why the next write of this task may not be sent.
pub(super) fn refusal() -> Option<String> {
    GATE.try_with(|gate| (gate.0)()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_gate_is_asked_each_time_and_holds_for_its_future_only() {
        let closed = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&closed);
        let gate = WriteGate::new(move || {
            let is_closed = asked.load(Ordering::Relaxed);
            is_closed.then(|| "paused".to_owned())
        });
        let refusals = gate.guard(async {
            let before = refusal();
            closed.store(true, Ordering::Relaxed);
            tokio::task::yield_now().await;
            (before, refusal())
        });
        assert_eq!(refusals.await, (None, Some("paused".to_owned())));
        assert_eq!(refusal(), None);
    }
}
