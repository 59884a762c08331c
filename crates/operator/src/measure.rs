//! What a pass measures: the same statuses that people read, counted.

use std::collections::BTreeMap;

use super::conditions::ReadOnly;
use super::diff::Diff;
use super::metrics::{self, IntentLabels};
use super::reconcile::Reconciler;
use super::report::{Reporter, StatusChange};
use super::status::Totals;
use portalctl_core::readiness::State;
use portalctl_model::Intent;

impl Reconciler {
    /// Measures how an environment and its organizations are.
    pub(super) fn measure(
        &self,
        reporter: &Reporter<'_>,
        said: &[StatusChange<'_>],
        diff: &Diff,
        totals: Totals,
    ) {
        let environment = self.name.to_string();
        let mut intents: BTreeMap<(Intent, &str), usize> = BTreeMap::new();
        for intent in Intent::ALL {
            for state in State::ALL {
                intents.insert((intent, state.as_str()), 0);
            }
        }
        for intent in said.iter().flat_map(|said| &said.after.intents) {
            if let Some(state) = State::ALL.iter().find(|s| s.as_str() == intent.state) {
                *intents.entry((intent.intent, state.as_str())).or_default() += 1;
            }
        }
        let intents: Vec<(IntentLabels, usize)> = intents
            .into_iter()
            .map(|((intent, state), count)| {
                let labels = IntentLabels {
                    environment: environment.clone(),
                    intent: intent.as_str(),
                    state: State::ALL
                        .into_iter()
                        .map(State::as_str)
                        .find(|known| *known == state)
                        .unwrap_or_default(),
                };
                (labels, count)
            })
            .collect();
        let is_paused = |said: &&StatusChange<'_>| {
            said.entry.read_only(reporter.environment.is_paused) == Some(ReadOnly::Paused)
        };
        let totals = metrics::Totals {
            organizations: said.len(),
            ready: totals.organizations.ready as usize,
            paused: said.iter().filter(is_paused).count(),
            pending: diff.by_key.len(),
        };
        self.context.metrics.totals(&environment, totals, &intents);
    }
}
