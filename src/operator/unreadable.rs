//! Objects that the API server keeps and this version cannot read: told on themselves, once for
//! each edit.

use std::collections::BTreeSet;

use kube::Resource;
use kube::core::ObjectMeta;

use super::conditions::{self, Trouble, merge};
use super::context::Context;
use super::kube_writes;
use super::names::{Name, Uid};
use super::reason::Reason;
use crate::manifest::kubernetes::{PortalEnvironmentStatus, PortalOrganizationStatus};
use crate::model::text::escape;

/// Tells every unreadable object that it is one.
pub(super) async fn tell(context: &Context, told: &mut BTreeSet<(Uid, Option<i64>)>) {
    let mut there = BTreeSet::new();
    let organizations = context.organizations.state();
    let organizations = organizations.iter().filter_map(|object| {
        let error = object.0.as_ref().err()?;
        Some((object.meta().clone(), error.error.clone(), true))
    });
    let environments = context.environments.state();
    let environments = environments.iter().filter_map(|object| {
        let error = object.0.as_ref().err()?;
        Some((object.meta().clone(), error.error.clone(), false))
    });
    for (metadata, error, is_organization) in organizations.chain(environments) {
        let edit = (Uid::of(&metadata), metadata.generation);
        there.insert(edit.clone());
        if told.insert(edit) {
            write(context, &metadata, &error, is_organization).await;
        }
    }
    told.retain(|edit| there.contains(edit));
}

async fn write(context: &Context, metadata: &ObjectMeta, error: &str, is_organization: bool) {
    let message = format!("this version cannot read it: {}", escape(error));
    let judgement = conditions::blocked(&Trouble::new(Reason::Invalid, message));
    let now = context.clock.now();
    let conditions = merge(&[], &judgement, metadata.generation, now);
    let observed_generation = metadata.generation;
    let written = if is_organization {
        let status = PortalOrganizationStatus {
            observed_generation,
            conditions,
            ..PortalOrganizationStatus::default()
        };
        kube_writes::status(&context.client, metadata, status).await
    } else {
        let status = PortalEnvironmentStatus {
            observed_generation,
            conditions,
            ..PortalEnvironmentStatus::default()
        };
        kube_writes::status(&context.client, metadata, status).await
    };
    if let Err(error) = written {
        tracing::warn!(object = %Name::of(metadata), %error, "a status was not written");
    }
}
