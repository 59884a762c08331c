//! Kubernetes Events: what people see under `kubectl describe`. The same one again within some
//! minutes is counted on the first, not told anew. No link, no address, no secret.

use kube::Resource;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};

use super::conditions::Trouble;
use super::resource::{PortalEnvironment, PortalOrganization};
use portalctl_model::text::escape;

/// The longest note that the API server takes, in bytes.
const MAX_NOTE: usize = 1000;

/// What is told: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    /// An organization was created at WorkOS.
    OrganizationCreated,
    /// An organization that nobody claimed was taken over.
    OrganizationAdopted,
    /// An organization was changed at WorkOS.
    OrganizationUpdated,
    /// The former holder of an organization is gone, and this resource holds it now.
    HandedOver,
    /// An organization was written without its IT contacts, which are not to be had.
    ContactsUnavailable,
    /// WorkOS e-mailed an IT contact.
    InvitationSent,
    /// An organization was deleted at WorkOS.
    OrganizationDeleted,
    /// The customer has configured an intent.
    IntentConfigured,
    /// Something that worked does not any more.
    NeedsAttention,
    /// The resource was released without deleting the organization.
    Released,
    /// Nothing is written for the resource.
    Paused,
    /// Something is written again.
    Resumed,
}

impl News {
    const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationCreated => "OrganizationCreated",
            Self::OrganizationAdopted => "OrganizationAdopted",
            Self::OrganizationUpdated => "OrganizationUpdated",
            Self::HandedOver => "HandedOver",
            Self::ContactsUnavailable => "ContactsUnavailable",
            Self::InvitationSent => "InvitationSent",
            Self::OrganizationDeleted => "OrganizationDeleted",
            Self::IntentConfigured => "IntentConfigured",
            Self::NeedsAttention => "NeedsAttention",
            Self::Released => "Released",
            Self::Paused => "Paused",
            Self::Resumed => "Resumed",
        }
    }

    const fn is_warning(self) -> bool {
        matches!(
            self,
            Self::NeedsAttention | Self::Released | Self::ContactsUnavailable
        )
    }
}

/// Tells what happened.
#[derive(Clone)]
pub(super) struct Announcer {
    recorder: Recorder,
}

impl Announcer {
    /// One that speaks for a process.
    pub(super) fn new(client: kube::Client, identity: &str) -> Self {
        let reporter = Reporter {
            controller: "portalctl.dev/operator".to_owned(),
            instance: Some(identity.chars().take(128).collect()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
        }
    }

    /// Tells something of an organization.
    pub(super) async fn organization(&self, object: &PortalOrganization, news: News, note: &str) {
        self.publish(object, news.as_str(), news.is_warning(), note)
            .await;
    }

    /// Tells something of an environment.
    pub(super) async fn environment(&self, object: &PortalEnvironment, news: News, note: &str) {
        self.publish(object, news.as_str(), news.is_warning(), note)
            .await;
    }

    /// Tells why an organization is not as declared.
    pub(super) async fn organization_trouble(
        &self,
        object: &PortalOrganization,
        trouble: &Trouble,
    ) {
        self.publish(object, trouble.reason.as_str(), true, &trouble.message)
            .await;
    }

    /// Tells why an environment cannot be worked on.
    pub(super) async fn environment_trouble(&self, object: &PortalEnvironment, trouble: &Trouble) {
        self.publish(object, trouble.reason.as_str(), true, &trouble.message)
            .await;
    }

    async fn publish<K: Resource<DynamicType = ()>>(
        &self,
        object: &K,
        reason: &str,
        is_warning: bool,
        note: &str,
    ) {
        let mut note = escape(note).into_owned();
        note.truncate(note.floor_char_boundary(MAX_NOTE));
        let event = Event {
            type_: if is_warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: reason.to_owned(),
            note: Some(note),
            action: "Reconcile".to_owned(),
            secondary: None,
        };
        let told = self.recorder.publish(&event, &object.object_ref(&())).await;
        if let Err(error) = told {
            // Nobody's work depends on it.
            tracing::debug!(%error, reason, "an event was not taken");
        }
    }
}
