//! The features of the Admin Portal.

use std::str::FromStr;

/// Other words for intents, in lower case and with underscores.
const ALIASES: [(&str, Intent); 18] = [
    ("audit", Intent::AuditLogs),
    ("audit_trail", Intent::AuditLogs),
    ("byok", Intent::BringYourOwnKey),
    ("certificate", Intent::CertificateRenewal),
    ("certificates", Intent::CertificateRenewal),
    ("directory", Intent::Dsync),
    ("directory_sync", Intent::Dsync),
    ("domain", Intent::DomainVerification),
    ("domains", Intent::DomainVerification),
    ("logs", Intent::AuditLogs),
    ("oidc", Intent::Sso),
    ("saml", Intent::Sso),
    ("saml_certificate", Intent::CertificateRenewal),
    ("scim", Intent::Dsync),
    ("siem", Intent::LogStreams),
    ("single_sign_on", Intent::Sso),
    ("streams", Intent::LogStreams),
    ("verification", Intent::DomainVerification),
];

words! {
    /// A feature that a customer's IT admin configures in the Admin Portal, under the API's own name.
    ///
    /// Source: `GenerateLinkDto.intent` of the WorkOS API description.
    Intent {
        /// Single sign-on: a SAML or OIDC connection.
        Sso = "sso",
        /// Directory sync: users and groups from the customer's directory.
        Dsync = "dsync",
        /// Audit logs: the portal shows them, there is nothing for the customer to configure.
        AuditLogs = "audit_logs",
        /// Log streams: audit logs sent on to the customer's own SIEM.
        LogStreams = "log_streams",
        /// Domain verification by a DNS TXT record.
        DomainVerification = "domain_verification",
        /// Renewal of the SAML signing certificates of the identity provider.
        CertificateRenewal = "certificate_renewal",
        /// Bring your own key: the customer's own encryption key for the vault.
        BringYourOwnKey = "bring_your_own_key",
    }
}

impl Intent {
    /// All intents, in the order of reports.
    pub const ALL: [Self; 7] = [
        Self::Sso,
        Self::Dsync,
        Self::DomainVerification,
        Self::AuditLogs,
        Self::LogStreams,
        Self::CertificateRenewal,
        Self::BringYourOwnKey,
    ];

    /// Returns the intent that a word stands for: its name in any spelling, or another word for it
    /// such as `scim` or `SAML`. For suggestions only: manifests take the name itself.
    pub fn known_as(text: &str) -> Option<Self> {
        let plain = text.trim().to_lowercase().replace(['-', ' '], "_");
        plain.parse().ok().or_else(|| {
            let found = ALIASES.iter().find(|(alias, _)| *alias == plain);
            found.map(|(_, intent)| *intent)
        })
    }

    /// Returns a name of at most seven letters, for the heading of a narrow column.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Sso => "sso",
            Self::Dsync => "dsync",
            Self::AuditLogs => "audit",
            Self::LogStreams => "streams",
            Self::DomainVerification => "domains",
            Self::CertificateRenewal => "certs",
            Self::BringYourOwnKey => "byok",
        }
    }

    /// Returns the name for a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sso => "single sign-on",
            Self::Dsync => "directory sync",
            Self::AuditLogs => "audit logs",
            Self::LogStreams => "log streams",
            Self::DomainVerification => "domain verification",
            Self::CertificateRenewal => "certificate renewal",
            Self::BringYourOwnKey => "bring your own key",
        }
    }

    /// Returns the name under which IT contacts are invited to the intent, which has other names.
    ///
    /// Source: `InviteItContactIntents` of the official Rust SDK 3.5.0. Audit logs have nothing to
    /// configure, and certificate renewal cannot be invited to.
    pub const fn invite_name(self) -> Option<&'static str> {
        match self {
            Self::Sso => Some("sso"),
            Self::Dsync => Some("directory_sync"),
            Self::DomainVerification => Some("domain_verification"),
            Self::LogStreams => Some("log_streams"),
            Self::BringYourOwnKey => Some("bring_your_own_key"),
            Self::AuditLogs | Self::CertificateRenewal => None,
        }
    }
}

/// The text is not the name of an intent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an intent of the Admin Portal")]
pub struct UnknownIntent(pub String);

impl FromStr for Intent {
    type Err = UnknownIntent;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|intent| intent.as_str() == text)
            .ok_or_else(|| UnknownIntent(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_and_display_agree_on_every_name() {
        for intent in Intent::ALL {
            let json = serde_json::to_value(intent).unwrap();
            assert_eq!(json, intent.to_string());
            assert_eq!(intent.as_str().parse::<Intent>(), Ok(intent));
        }
        assert_eq!(
            "saml".parse::<Intent>(),
            Err(UnknownIntent("saml".to_owned()))
        );
    }

    #[test]
    fn other_words_for_an_intent_are_known() {
        for (word, intent) in [
            ("SSO", Some(Intent::Sso)),
            ("scim", Some(Intent::Dsync)),
            ("Directory Sync", Some(Intent::Dsync)),
            ("domain-verification", Some(Intent::DomainVerification)),
            ("tax", None),
        ] {
            assert_eq!(Intent::known_as(word), intent, "{word}");
        }
    }
}
