//! Reports for people: what is shown, at which width, and what never reaches a terminal.

use portalctl_core::plan::{
    Action, Change, Flag, Held, HeldReason, Plan, Reason, UndeclaredOrganization, Unmanaged,
};
use portalctl_core::readiness::{Readiness, State, Turn};
use portalctl_model::codes::plan as codes;
use portalctl_model::text::is_plain;
use portalctl_model::{Email, Intent, OrganizationId};
use portalctl_report::paint::Paint;
use portalctl_report::text::{self, Layout, Listing};
use portalctl_report::{
    ApplyReportView, Emails, Headline, InviteQuestion, PlanReport, StatusReport,
};
use portalctl_workos::apply::{ApplyReport, Outcome, Problem};

use crate::support::samples::{
    applied, change, create, field, headline, intent, invite, january, organization, plan_of,
    problem, ready, some_plan, some_readiness, some_report, update,
};

fn plain(width: usize) -> Layout {
    Layout {
        paint: Paint { colour: false },
        width,
        emails: Emails::Shown,
    }
}

fn coloured(width: usize) -> Layout {
    Layout {
        paint: Paint { colour: true },
        ..plain(width)
    }
}

fn plan_text(plan: &Plan, layout: &Layout) -> String {
    let readiness = Readiness::default();
    let report = PlanReport {
        headline: &headline(plan),
        plan,
        readiness: &readiness,
    };
    text::plan(&report, layout)
}

fn status_text(readiness: &Readiness, listing: Listing, layout: &Layout) -> String {
    let report = StatusReport {
        headline: &headline(&some_plan()),
        readiness,
        now: january(15),
    };
    text::status(&report, listing, layout)
}

fn apply_text(plan: &Plan, report: &ApplyReport, readiness: &Readiness, layout: &Layout) -> String {
    let view = ApplyReportView {
        headline: &headline(plan),
        plan,
        report,
        readiness,
    };
    text::apply(&view, january(15), layout)
}

/// Escape sequences as `<31>`.
fn visible(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        let (codes, after) = after.split_once('m').unwrap();
        shown.push_str(&format!("{before}<{codes}>"));
        rest = after;
    }
    shown + rest
}

/// No line ends in a space, none but a heading's neighbours is doubly empty, one newline ends all.
#[track_caller]
fn assert_tidy(text: &str) {
    assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text:?}");
    assert!(!text.contains("\n\n\n"), "{text}");
    for line in text.lines() {
        assert_eq!(line, line.trim_end(), "{text}");
        assert!(line.chars().all(is_plain), "{line:?}");
    }
}

#[test]
fn a_plan_at_60_columns() {
    let text = plan_text(&some_plan(), &plain(60));
    assert_tidy(&text);
    insta::assert_snapshot!(text, @r#"
    portalctl plan · production · api.workos.com · live key

    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J (Initech EU) has
          the domain initech.eu
          hint: if it is this customer, write `previous_keys:
          [initech]` (the key was renamed) or `id: org_01J`; if
          it is another one, write `allow_shared_domain: true`

    held: wanted, but not allowed in this run
      # hooli  adopt org_orphan  needs --adopt
          an organization that no entry claims has verified
          acme.com
          external_id  + "hooli"
          name         "Hooli Inc" -> "Hooli"
      # umbrella  update org_umbrella  needs --allow-bulk
          the manifest's limits allow 20 of these in one run,
          the plan has 30 (plan/limit-exceeded)
          name  "Umbrela" -> "Umbrella"

    warnings
      * globex  plan/domain-pending-elsewhere
          the domain globex.com is also pending on org_02K
          (Globex Labs); only one organization can verify it

    changes
      + acme  create  portal.yaml:12
          name                      + "acme"
          external_id               + "acme"
          domains.acme.com          + pending
          domains.acme.io           + verified
          metadata.portalctl_owner  + "customers"
          metadata.tier             + "enterprise"
      ~ globex  update org_globex  portal.yaml:12
          name                  "Globex" -> "Globex Corporation"
          metadata.legacy_flag  - "yes"
          metadata.tier         "trial" -> "enterprise"

    note: 2 organizations at WorkOS are neither declared here
          nor marked as this manifest's; no run touches them
    note: 1 organization of this manifest is not declared any
          more; it stays, unless a run has --prune, which
          deletes what is not protected: `umbrella` Umbrella
          (org_03L)

    1 to create, 1 to update, 2 held, 1 conflict, 1 warning,
    7 unchanged, 13 requests
    digest sha256:457a8481027cf575e43146d1b233563b9e3c86b69ea3c10daeb4c0df7f5a81ce
    "#);
}

#[test]
fn a_plan_at_80_columns() {
    insta::assert_snapshot!(plan_text(&some_plan(), &plain(80)), @r#"
    portalctl plan · production · api.workos.com · live key

    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J (Initech EU) has the domain
          initech.eu
          hint: if it is this customer, write `previous_keys: [initech]` (the key
          was renamed) or `id: org_01J`; if it is another one, write
          `allow_shared_domain: true`

    held: wanted, but not allowed in this run
      # hooli (Hooli)  adopt org_orphan  needs --adopt
          an organization that no entry claims has verified acme.com
          external_id  + "hooli"
          name         "Hooli Inc" -> "Hooli"
      # umbrella  update org_umbrella  needs --allow-bulk
          the manifest's limits allow 20 of these in one run, the plan has 30
          (plan/limit-exceeded)
          name  "Umbrela" -> "Umbrella"

    warnings
      * globex  plan/domain-pending-elsewhere
          the domain globex.com is also pending on org_02K (Globex Labs); only one
          organization can verify it

    changes
      + acme (Acme Corp)  create  portal.yaml:12
          name                      + "acme"
          external_id               + "acme"
          domains.acme.com          + pending
          domains.acme.io           + verified
          metadata.portalctl_owner  + "customers"
          metadata.tier             + "enterprise"
      ~ globex (Globex)  update org_globex  portal.yaml:12
          name                  "Globex" -> "Globex Corporation"
          metadata.legacy_flag  - "yes"
          metadata.tier         "trial" -> "enterprise"

    note: 2 organizations at WorkOS are neither declared here nor marked as this
          manifest's; no run touches them
    note: 1 organization of this manifest is not declared any more; it stays, unless
          a run has --prune, which deletes what is not protected: `umbrella`
          Umbrella (org_03L)

    1 to create, 1 to update, 2 held, 1 conflict, 1 warning, 7 unchanged,
    13 requests
    digest sha256:457a8481027cf575e43146d1b233563b9e3c86b69ea3c10daeb4c0df7f5a81ce
    "#);
}

#[test]
fn a_plan_at_200_columns() {
    insta::assert_snapshot!(plan_text(&some_plan(), &plain(200)), @r#"
    portalctl plan · production · api.workos.com · live key

    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J (Initech EU) has the domain initech.eu
          hint: if it is this customer, write `previous_keys: [initech]` (the key was renamed) or `id: org_01J`; if it is another one, write `allow_shared_domain: true`

    held: wanted, but not allowed in this run
      # hooli (Hooli)  adopt org_orphan  needs --adopt
          an organization that no entry claims has verified acme.com
          external_id  + "hooli"
          name         "Hooli Inc" -> "Hooli"
      # umbrella  update org_umbrella  needs --allow-bulk
          the manifest's limits allow 20 of these in one run, the plan has 30 (plan/limit-exceeded)
          name  "Umbrela" -> "Umbrella"

    warnings
      * globex  plan/domain-pending-elsewhere
          the domain globex.com is also pending on org_02K (Globex Labs); only one organization can verify it

    changes
      + acme (Acme Corp)  create  portal.yaml:12
          name                      + "acme"
          external_id               + "acme"
          domains.acme.com          + pending
          domains.acme.io           + verified
          metadata.portalctl_owner  + "customers"
          metadata.tier             + "enterprise"
      ~ globex (Globex)  update org_globex  portal.yaml:12
          name                  "Globex" -> "Globex Corporation"
          metadata.legacy_flag  - "yes"
          metadata.tier         "trial" -> "enterprise"

    note: 2 organizations at WorkOS are neither declared here nor marked as this manifest's; no run touches them
    note: 1 organization of this manifest is not declared any more; it stays, unless a run has --prune, which deletes what is not protected: `umbrella` Umbrella (org_03L)

    1 to create, 1 to update, 2 held, 1 conflict, 1 warning, 7 unchanged, 13 requests
    digest sha256:457a8481027cf575e43146d1b233563b9e3c86b69ea3c10daeb4c0df7f5a81ce
    "#);
}

#[test]
fn a_plan_in_colour() {
    insta::assert_snapshot!(visible(&plan_text(&some_plan(), &coloured(80))), @r#"
    <1>portalctl plan<0> · <1>production<0> · api.workos.com · live key

    <1>conflicts: nothing is done for these until somebody decides<0>
      <31>!<0> <1>initech.eu<0>  <2>plan/domain-held<0>
          no organization matches, but org_01J (Initech EU) has the domain
          initech.eu
          hint: if it is this customer, write `previous_keys: [initech]` (the key
          was renamed) or `id: org_01J`; if it is another one, write
          `allow_shared_domain: true`

    <1>held: wanted, but not allowed in this run<0>
      <33>#<0> <1>hooli<0><2> (Hooli)<0>  adopt org_orphan  needs <33>--adopt<0>
          an organization that no entry claims has verified acme.com
          external_id  <32>+ "hooli"<0>
          name         "Hooli<9><31> Inc<0>"
      <33>#<0> <1>umbrella<0>  update org_umbrella  needs <33>--allow-bulk<0>
          the manifest's limits allow 20 of these in one run, the plan has 30
          (plan/limit-exceeded)
          name  "Umbrel<1><32>l<0>a"

    <1>warnings<0>
      <33>*<0> <1>globex<0>  <2>plan/domain-pending-elsewhere<0>
          the domain globex.com is also pending on org_02K (Globex Labs); only one
          organization can verify it

    <1>changes<0>
      <32>+<0> <1>acme<0><2> (Acme Corp)<0>  create  <2>portal.yaml:12<0>
          name                      <32>+ "acme"<0>
          external_id               <32>+ "acme"<0>
          domains.acme.com          <32>+ pending<0>
          domains.acme.io           <32>+ verified<0>
          metadata.portalctl_owner  <32>+ "customers"<0>
          metadata.tier             <32>+ "enterprise"<0>
      <33>~<0> <1>globex<0><2> (Globex)<0>  update org_globex  <2>portal.yaml:12<0>
          name                  "Globex<1><32> Corporation<0>"
          metadata.legacy_flag  <31>- "yes"<0>
          metadata.tier         <9><31>"trial"<0> -> <1><32>"enterprise"<0>

    note: 2 organizations at WorkOS are neither declared here nor marked as this
          manifest's; no run touches them
    note: 1 organization of this manifest is not declared any more; it stays, unless
          a run has --prune, which deletes what is not protected: `umbrella`
          Umbrella (org_03L)

    <32>1 to create<0>, <33>1 to update<0>, <33>2 held<0>, <31>1 conflict<0>, 1 warning, 7 unchanged,
    13 requests
    <2>digest sha256:457a8481027cf575e43146d1b233563b9e3c86b69ea3c10daeb4c0df7f5a81ce<0>
    "#);
}

#[test]
fn a_plan_without_changes() {
    let plan = Plan {
        target: some_plan().target,
        unchanged: 7,
        ..Plan::default()
    };
    insta::assert_snapshot!(plan_text(&plan, &plain(80)), @"
portalctl plan · production · api.workos.com · live key

nothing to do, 7 unchanged, 13 requests
digest sha256:6b6261c9e6fe3eea48687cac222024cb00708dedf0547b7b396b5d7c96bc9acc
");
}

#[test]
fn a_sandbox_is_named_instead_of_an_endpoint() {
    let plan = some_plan();
    let headline = Headline {
        sandbox: true,
        ..headline(&plan)
    };
    let readiness = Readiness::default();
    let report = PlanReport {
        headline: &headline,
        plan: &plan,
        readiness: &readiness,
    };
    let text = text::plan(&report, &plain(80));
    insta::assert_snapshot!(text.lines().next().unwrap(), @"portalctl plan · sandbox · production · live key");
}

#[test]
fn a_status_at_60_columns() {
    let text = status_text(&some_readiness(), Listing::Pending, &plain(60));
    assert_tidy(&text);
    insta::assert_snapshot!(text, @"
    portalctl status · production · api.workos.com · live key

                sso  dsync  domains  certs
    globex      ✗    ○      .        –
    initech.eu  ?    ✓      .        .
    acme        ✓    .      ◐        .
    ✗ attention, ? unknown, ◐ in progress, ○ unconfigured,
    ✓ configured, – n/a, . not declared
    1 organization with nothing to do (see status --all)

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection is inactive: nobody can sign
          in with it
          hint: ask the customer's IT admin to activate it in
          the Admin Portal
      ? initech.eu  sso  your turn
          the state of the OktaSAML connection is one that this
          version does not know: sideways
          hint: look at it in the WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record
          _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the customer's IT admin to the Admin Portal
          for dsync

    1 attention, 1 unknown, 1 in progress, 1 unconfigured,
    3 configured, 1 n/a, 13 requests
    ");
}

#[test]
fn a_status_at_80_columns() {
    insta::assert_snapshot!(status_text(&some_readiness(), Listing::Pending, &plain(80)), @"
    portalctl status · production · api.workos.com · live key

                sso             dsync           domains         certs
    globex      ✗ attention     ○ unconfigured  .               – n/a
    initech.eu  ? unknown       ✓ configured    .               .
    acme        ✓ configured    .               ◐ in progress   .
    1 organization with nothing to do (see status --all)

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection is inactive: nobody can sign in with it
          hint: ask the customer's IT admin to activate it in the Admin Portal
      ? initech.eu  sso  your turn
          the state of the OktaSAML connection is one that this version does not
          know: sideways
          hint: look at it in the WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the customer's IT admin to the Admin Portal for dsync

    1 attention, 1 unknown, 1 in progress, 1 unconfigured, 3 configured, 1 n/a,
    13 requests
    ");
}

#[test]
fn a_status_at_200_columns() {
    insta::assert_snapshot!(status_text(&some_readiness(), Listing::All, &plain(200)), @"
    portalctl status · production · api.workos.com · live key

                sso             dsync           domain_verification  certificate_renewal
    globex      ✗ attention     ○ unconfigured  .                    – n/a
    initech.eu  ? unknown       ✓ configured    .                    .
    acme        ✓ configured    .               ◐ in progress        .
    hooli       ✓ configured    .               .                    .

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection is inactive: nobody can sign in with it
          hint: ask the customer's IT admin to activate it in the Admin Portal
      ? initech.eu  sso  your turn
          the state of the OktaSAML connection is one that this version does not know: sideways
          hint: look at it in the WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the customer's IT admin to the Admin Portal for dsync

    1 attention, 1 unknown, 1 in progress, 1 unconfigured, 3 configured, 1 n/a, 13 requests
    ");
}

#[test]
fn a_status_at_30_columns() {
    insta::assert_snapshot!(status_text(&some_readiness(), Listing::Pending, &plain(30)), @"
    portalctl status · production · api.workos.com · live key

    globex
      ✗ attention     sso
      ○ unconfigured  dsync
      – n/a           certificate_renewal
    initech.eu
      ? unknown       sso
      ✓ configured    dsync
    acme
      ✓ configured    sso
      ◐ in progress   domain_verification
    1 organization with nothing to do (see status --all)

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection
          is inactive: nobody can
          sign in with it
          hint: ask the customer's
          IT admin to activate it
          in the Admin Portal
      ? initech.eu  sso  your turn
          the state of the
          OktaSAML connection is
          one that this version
          does not know: sideways
          hint: look at it in the
          WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its
          TXT record, 24 days left
          hint: ask the customer
          to set the TXT record
          _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the
          customer's IT admin to
          the Admin Portal for
          dsync

    1 attention, 1 unknown,
    1 in progress, 1 unconfigured,
    3 configured, 1 n/a,
    13 requests
    ");
}

#[test]
fn a_status_in_colour() {
    let text = status_text(&some_readiness(), Listing::Pending, &coloured(80));
    insta::assert_snapshot!(visible(&text), @"
    <1>portalctl status<0> · <1>production<0> · api.workos.com · live key

    <2>            sso             dsync           domains         certs<0>
    <1>globex    <0>  <31>✗ attention   <0>  ○ unconfigured  <2>.             <0>  <2>– n/a         <0>
    <1>initech.eu<0>  <35>? unknown     <0>  <32>✓ configured  <0>  <2>.             <0>  <2>.             <0>
    <1>acme      <0>  <32>✓ configured  <0>  <2>.             <0>  <33>◐ in progress <0>  <2>.             <0>
    <2>1 organization with nothing to do (see status --all)<0>

    <1>next, most urgent first<0>
      <31>✗<0> <1>globex<0>  sso  <2>for 6 days<0>  <2>the customer's turn<0>
          the OktaSAML connection is inactive: nobody can sign in with it
          hint: ask the customer's IT admin to activate it in the Admin Portal
      <35>?<0> <1>initech.eu<0>  sso  <2>your turn<0>
          the state of the OktaSAML connection is one that this version does not
          know: sideways
          hint: look at it in the WorkOS dashboard
      <33>◐<0> <1>acme<0>  domain_verification  <2>for 11 days<0>  <2>waiting for DNS<0>
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record _workos.acme.com
      ○ <1>globex<0>  dsync  <2>for 14 days<0>  <2>the customer's turn<0>
          no directory yet
          hint: send the customer's IT admin to the Admin Portal for dsync

    <31>1 attention<0>, <35>1 unknown<0>, <33>1 in progress<0>, 1 unconfigured, <32>3 configured<0>, <2>1 n/a<0>,
    13 requests
    ");
}

#[test]
fn a_status_with_nothing_to_do() {
    let done = |name| ready(name, vec![intent(Intent::Sso, State::Configured, Some(2))]);
    let readiness = Readiness {
        organizations: vec![done("acme"), done("globex")],
        ..Readiness::default()
    };
    insta::assert_snapshot!(status_text(&readiness, Listing::Pending, &plain(80)), @"
portalctl status · production · api.workos.com · live key

2 organizations with nothing to do (see status --all)

2 configured, 13 requests
");
    insta::assert_snapshot!(status_text(&Readiness::default(), Listing::Pending, &plain(80)), @"
portalctl status · production · api.workos.com · live key

no intents declared, 13 requests
");
}

#[test]
fn an_apply_at_60_columns() {
    let text = apply_text(&some_plan(), &some_report(), &some_readiness(), &plain(60));
    assert_tidy(&text);
    insta::assert_snapshot!(text, @"
    portalctl apply · production · api.workos.com · live key

    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J (Initech EU) has
          the domain initech.eu
          hint: if it is this customer, write `previous_keys:
          [initech]` (the key was renamed) or `id: org_01J`; if
          it is another one, write `allow_shared_domain: true`

    held: wanted, but not allowed in this run
      # hooli  adopt org_orphan (2 fields)  needs --adopt
          an organization that no entry claims has verified
          acme.com
      # umbrella  update org_umbrella name  needs --allow-bulk
          the manifest's limits allow 20 of these in one run,
          the plan has 30 (plan/limit-exceeded)

    warnings
      * globex  plan/domain-pending-elsewhere
          the domain globex.com is also pending on org_02K
          (Globex Labs); only one organization can verify it

    not done
      ✗ globex  create refused  api/rejected
          POST /organizations answered 422 invalid_metadata:
          Validation failed (metadata: too long) [request
          req_01]
      ? initech.eu  create unknown  api/timeout
          POST /organizations failed: no answer in 30 seconds;
          it was not there when it was looked for, 4 times
      - umbrella  update not tried  plan/interrupted
          the run stopped after: GET /organizations/org_1
          answered 401

    done
      ✓ acme  create  org_acme
      ✓ hooli  update  org_hooli

    note: 2 organizations at WorkOS are neither declared here
          nor marked as this manifest's; no run touches them
    note: 1 organization of this manifest is not declared any
          more; it stays, unless a run has --prune, which
          deletes what is not protected: `umbrella` Umbrella
          (org_03L)

                sso  dsync  domains  certs
    globex      ✗    ○      .        –
    initech.eu  ?    ✓      .        .
    acme        ✓    .      ◐        .
    ✗ attention, ? unknown, ◐ in progress, ○ unconfigured,
    ✓ configured, – n/a, . not declared
    1 organization with nothing to do (see status --all)

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection is inactive: nobody can sign
          in with it
          hint: ask the customer's IT admin to activate it in
          the Admin Portal
      ? initech.eu  sso  your turn
          the state of the OktaSAML connection is one that this
          version does not know: sideways
          hint: look at it in the WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record
          _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the customer's IT admin to the Admin Portal
          for dsync

    2 done, 1 refused, 1 unknown, 1 not tried, 2 held,
    1 conflict, 7 unchanged, 13 requests
    run apply again: it goes on where it stopped
    ");
}

#[test]
fn an_apply_at_80_columns() {
    let text = apply_text(&some_plan(), &some_report(), &some_readiness(), &plain(80));
    insta::assert_snapshot!(text, @"
    portalctl apply · production · api.workos.com · live key

    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J (Initech EU) has the domain
          initech.eu
          hint: if it is this customer, write `previous_keys: [initech]` (the key
          was renamed) or `id: org_01J`; if it is another one, write
          `allow_shared_domain: true`

    held: wanted, but not allowed in this run
      # hooli (Hooli)  adopt org_orphan (2 fields)  needs --adopt
          an organization that no entry claims has verified acme.com
      # umbrella  update org_umbrella name  needs --allow-bulk
          the manifest's limits allow 20 of these in one run, the plan has 30
          (plan/limit-exceeded)

    warnings
      * globex  plan/domain-pending-elsewhere
          the domain globex.com is also pending on org_02K (Globex Labs); only one
          organization can verify it

    not done
      ✗ globex (Globex)  create refused  api/rejected
          POST /organizations answered 422 invalid_metadata: Validation failed
          (metadata: too long) [request req_01]
      ? initech.eu  create unknown  api/timeout
          POST /organizations failed: no answer in 30 seconds; it was not there when
          it was looked for, 4 times
      - umbrella  update not tried  plan/interrupted
          the run stopped after: GET /organizations/org_1 answered 401

    done
      ✓ acme (Acme Corp)  create  org_acme
      ✓ hooli (Hooli)  update  org_hooli

    note: 2 organizations at WorkOS are neither declared here nor marked as this
          manifest's; no run touches them
    note: 1 organization of this manifest is not declared any more; it stays, unless
          a run has --prune, which deletes what is not protected: `umbrella`
          Umbrella (org_03L)

                sso             dsync           domains         certs
    globex      ✗ attention     ○ unconfigured  .               – n/a
    initech.eu  ? unknown       ✓ configured    .               .
    acme        ✓ configured    .               ◐ in progress   .
    1 organization with nothing to do (see status --all)

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection is inactive: nobody can sign in with it
          hint: ask the customer's IT admin to activate it in the Admin Portal
      ? initech.eu  sso  your turn
          the state of the OktaSAML connection is one that this version does not
          know: sideways
          hint: look at it in the WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the customer's IT admin to the Admin Portal for dsync

    2 done, 1 refused, 1 unknown, 1 not tried, 2 held, 1 conflict, 7 unchanged,
    13 requests
    run apply again: it goes on where it stopped
    ");
}

#[test]
fn an_apply_at_200_columns() {
    let text = apply_text(&some_plan(), &some_report(), &some_readiness(), &plain(200));
    insta::assert_snapshot!(text, @"
    portalctl apply · production · api.workos.com · live key

    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J (Initech EU) has the domain initech.eu
          hint: if it is this customer, write `previous_keys: [initech]` (the key was renamed) or `id: org_01J`; if it is another one, write `allow_shared_domain: true`

    held: wanted, but not allowed in this run
      # hooli (Hooli)  adopt org_orphan (2 fields)  needs --adopt
          an organization that no entry claims has verified acme.com
      # umbrella  update org_umbrella name  needs --allow-bulk
          the manifest's limits allow 20 of these in one run, the plan has 30 (plan/limit-exceeded)

    warnings
      * globex  plan/domain-pending-elsewhere
          the domain globex.com is also pending on org_02K (Globex Labs); only one organization can verify it

    not done
      ✗ globex (Globex)  create refused  api/rejected
          POST /organizations answered 422 invalid_metadata: Validation failed (metadata: too long) [request req_01]
      ? initech.eu  create unknown  api/timeout
          POST /organizations failed: no answer in 30 seconds; it was not there when it was looked for, 4 times
      - umbrella  update not tried  plan/interrupted
          the run stopped after: GET /organizations/org_1 answered 401

    done
      ✓ acme (Acme Corp)  create  org_acme
      ✓ hooli (Hooli)  update  org_hooli

    note: 2 organizations at WorkOS are neither declared here nor marked as this manifest's; no run touches them
    note: 1 organization of this manifest is not declared any more; it stays, unless a run has --prune, which deletes what is not protected: `umbrella` Umbrella (org_03L)

                sso             dsync           domain_verification  certificate_renewal
    globex      ✗ attention     ○ unconfigured  .                    – n/a
    initech.eu  ? unknown       ✓ configured    .                    .
    acme        ✓ configured    .               ◐ in progress        .
    1 organization with nothing to do (see status --all)

    next, most urgent first
      ✗ globex  sso  for 6 days  the customer's turn
          the OktaSAML connection is inactive: nobody can sign in with it
          hint: ask the customer's IT admin to activate it in the Admin Portal
      ? initech.eu  sso  your turn
          the state of the OktaSAML connection is one that this version does not know: sideways
          hint: look at it in the WorkOS dashboard
      ◐ acme  domain_verification  for 11 days  waiting for DNS
          acme.com waits for its TXT record, 24 days left
          hint: ask the customer to set the TXT record _workos.acme.com
      ○ globex  dsync  for 14 days  the customer's turn
          no directory yet
          hint: send the customer's IT admin to the Admin Portal for dsync

    2 done, 1 refused, 1 unknown, 1 not tried, 2 held, 1 conflict, 7 unchanged, 13 requests
    run apply again: it goes on where it stopped
    ");
}

#[test]
fn an_apply_in_colour() {
    let text = apply_text(
        &Plan::default(),
        &some_report(),
        &Readiness::default(),
        &coloured(80),
    );
    insta::assert_snapshot!(visible(&text), @"
<1>portalctl apply<0>

<1>not done<0>
  <31>✗<0> <1>globex<0>  create refused  <2>api/rejected<0>
      POST /organizations answered 422 invalid_metadata: Validation failed
      (metadata: too long) [request req_01]
  <35>?<0> <1>initech.eu<0>  create unknown  <2>api/timeout<0>
      POST /organizations failed: no answer in 30 seconds; it was not there when
      it was looked for, 4 times
  <33>-<0> <1>umbrella<0>  update not tried  <2>plan/interrupted<0>
      the run stopped after: GET /organizations/org_1 answered 401

<1>done<0>
  <32>✓<0> <1>acme<0>  create  <2>org_acme<0>
  <32>✓<0> <1>hooli<0>  update  <2>org_hooli<0>

<32>2 done<0>, <31>1 refused<0>, <35>1 unknown<0>, <33>1 not tried<0>, 0 unchanged, 13 requests
<33>run apply again: it goes on where it stopped<0>
");
}

#[test]
fn the_last_line_of_an_apply_says_how_to_go_on() {
    let done = || {
        (
            update("acme", Vec::new()),
            Outcome::Done(Box::new(organization("acme"))),
        )
    };
    let untried = || {
        let problem = problem(codes::INTERRUPTED, "the run was interrupted before it");
        (update("globex", Vec::new()), Outcome::NotTried(problem))
    };
    let last = |outcomes, interrupted| {
        let report = ApplyReport {
            interrupted,
            ..applied(outcomes)
        };
        let text = apply_text(&Plan::default(), &report, &Readiness::default(), &plain(80));
        text.lines().last().unwrap().to_owned()
    };
    insta::assert_snapshot!(last(vec![], false), @"nothing to do, 0 unchanged, 13 requests");
    insta::assert_snapshot!(last(vec![done()], false), @"1 done, 0 unchanged, 13 requests");
    insta::assert_snapshot!(last(vec![done(), untried()], false), @"run apply again: it goes on where it stopped");
    let refused = || {
        let problem = Problem {
            can_repeat: false,
            ..problem(codes::STALE, "WorkOS answered 422")
        };
        (update("initech", Vec::new()), Outcome::Refused(problem))
    };
    insta::assert_snapshot!(last(vec![done(), refused()], false), @"correct what was refused: a repeat would be refused likewise");
    let part = last(vec![refused(), untried()], false);
    assert!(part.contains("corrected first"), "{part}");
    insta::assert_snapshot!(last(vec![done(), untried()], true), @"interrupted; run apply again to go on");
    insta::assert_snapshot!(last(vec![done()], true), @"interrupted after the last change; everything was done");
}

#[test]
fn one_line_for_each_change_as_it_ends() {
    let lines: Vec<String> = some_report()
        .changes
        .iter()
        .map(|applied| text::applied_line(&applied.change, &applied.outcome, &plain(80)))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
done  create  acme  org_acme
refused  create  globex  POST /organizations answered 422 invalid_metadata: Validation failed (metadata: too long) [request req_01]
unknown  create  initech.eu  POST /organizations failed: no answer in 30 seconds; it was not there when it was looked for, 4 times
done  update  hooli  org_hooli
not tried  update  umbrella  the run stopped after: GET /organizations/org_1 answered 401
");
}

#[test]
fn wide_characters_stay_aligned() {
    let fields = vec![
        field("name", Some("株式会社アクメ"), Some("株式会社アクメ東京")),
        field("metadata.部門", None, Some("営業")),
        field("metadata.tier", None, Some("gold")),
    ];
    let plan = plan_of(vec![update("acme", fields)]);
    insta::assert_snapshot!(plan_text(&plan, &plain(60)), @r#"
portalctl plan

changes
  ~ acme  update org_acme  portal.yaml:12
      name           "株式会社アクメ" -> "株式会社アクメ東京"
      metadata.部門  + "営業"
      metadata.tier  + "gold"

1 to update, 0 unchanged, 13 requests
digest sha256:ef1b484c752dac326fd4d5181c16b3e8f828e6eadefc15af6e840f5ba8c3ba8d
"#);
}

#[test]
fn a_domain_whose_state_workos_left_out_is_no_blank() {
    let removal = field("domains.acme.com", Some(""), None);
    let text = plan_text(&plan_of(vec![update("acme", vec![removal])]), &plain(80));
    assert_tidy(&text);
    assert!(text.contains("domains.acme.com  - \"\"\n"), "{text}");
}

/// Names that are not as wide as they are long: wide, joined from several, from right to left.
const NAMES: [&str; 5] = [
    "株式会社アクメ東京本社営業部第一課オンボーディング担当グループ有限責任事業組合関東支部連絡室分室",
    "👩‍👩‍👧 Family 🎉 Partners of the North-West and everywhere else that there is a party",
    "شركة أكمي المحدودة للتجارة والخدمات في الشرق الأوسط وشمال إفريقيا وجميع أنحاء العالم",
    "אקמה שירותים בעמ לכל לקוחותיה בארץ ובעולם כולו ובכל מקום שבו היא פועלת היום",
    "Zoë’s Café – naïve résumé of a rather long name that has combining marks: e\u{301}a\u{308}",
];

fn named(name: &str) -> (Plan, ApplyReport, Readiness) {
    let mut plan = some_plan();
    plan.conflicts[0].message = format!("no organization matches, but org_01J ({name}) does");
    plan.warnings[0].message = format!("{name} is also pending");
    let mut readiness = some_readiness();
    name.clone_into(&mut readiness.organizations[1].intents[0].reason);
    let refused = Outcome::Refused(problem(codes::GONE, name));
    (
        plan,
        applied(vec![(create("acme", &[]), refused)]),
        readiness,
    )
}

/// A line that nobody may break: a digest to copy, a field with its value.
fn is_unbreakable(line: &str) -> bool {
    line.starts_with("digest ") || line.contains('"')
}

#[test]
fn text_in_any_script_stays_within_the_terminal() {
    for name in NAMES {
        let (plan, report, readiness) = named(name);
        for width in [60, 80, 200] {
            let layout = plain(width);
            for text in [
                plan_text(&plan, &layout),
                apply_text(&plan, &report, &readiness, &layout),
                status_text(&readiness, Listing::All, &layout),
            ] {
                assert_tidy(&text);
                for line in text.lines().filter(|line| !is_unbreakable(line)) {
                    let columns = unicode_width::UnicodeWidthStr::width(line);
                    assert!(columns <= width, "{columns} of {width}: {line}");
                }
            }
        }
    }
}

#[test]
fn colour_changes_no_character_and_no_line() {
    for name in NAMES {
        let (plan, report, readiness) = named(name);
        // Colour shows within a changed value what differs: without one, all else is the same.
        let plan = Plan {
            changes: vec![create("acme", &[("metadata.note", name)])],
            held: Vec::new(),
            ..plan
        };
        for width in [30, 60, 80, 200] {
            let reports = |layout: &Layout| {
                [
                    plan_text(&plan, layout),
                    apply_text(&plan, &report, &readiness, layout),
                    status_text(&readiness, Listing::Pending, layout),
                ]
            };
            let stripped = reports(&coloured(width)).map(|text| {
                let stripped = anstream::adapter::strip_str(&text).to_string();
                // Cells are padded within their colour.
                let lines: Vec<&str> = stripped.lines().map(str::trim_end).collect();
                lines.join("\n") + "\n"
            });
            assert_eq!(stripped, reports(&plain(width)));
        }
    }
}

#[test]
fn a_name_without_spaces_is_broken_and_not_the_layout() {
    let (plan, _, _) = named(NAMES[0]);
    let text = plan_text(&plan, &plain(60));
    let conflict: Vec<&str> = text.lines().skip(2).take(6).collect();
    insta::assert_snapshot!(conflict.join("\n"), @"
    conflicts: nothing is done for these until somebody decides
      ! initech.eu  plan/domain-held
          no organization matches, but org_01J
          (株式会社アクメ東京本社営業部第一課オンボーディング担
          当グループ有限責任事業組合関東支部連絡室分室)
          does
    ");
}

/// A name that a hostile server, or a customer who chose it, may send.
const HOSTILE: &str = "Evil\n\u{1b}[2J\u{202e}\u{7}Corp";

#[test]
fn hostile_text_is_shown_escaped_everywhere() {
    let mut plan = some_plan();
    plan.target.environment = Some(HOSTILE.to_owned());
    plan.target.endpoint = HOSTILE.to_owned();
    plan.changes[1].fields = vec![
        field("name", Some(HOSTILE), Some("Acme")),
        field(&format!("metadata.{HOSTILE}"), Some(HOSTILE), None),
    ];
    plan.changes[1].source.file = HOSTILE.into();
    plan.held[0].change.fields = vec![field(&format!("metadata.{HOSTILE}"), Some(HOSTILE), None)];
    plan.conflicts[0].message = HOSTILE.to_owned();
    plan.conflicts[0].help = HOSTILE.to_owned();
    plan.warnings[0].message = HOSTILE.to_owned();
    plan.unmanaged = Unmanaged {
        provisioned: Vec::new(),
        count: Some(1),
        formerly_declared: vec![UndeclaredOrganization {
            external_id: Some("former".to_owned()),
            id: OrganizationId::from_api(HOSTILE),
            name: HOSTILE.to_owned(),
        }],
    };
    let mut readiness = some_readiness();
    for step in &mut readiness.organizations[1].intents {
        step.reason = HOSTILE.to_owned();
        step.next_step = Some(HOSTILE.to_owned());
    }
    let mut live = organization("acme");
    live.id = OrganizationId::from_api(HOSTILE);
    let report = applied(vec![
        (create("acme", &[]), Outcome::Done(Box::new(live))),
        (
            create("globex", &[]),
            Outcome::Refused(problem(codes::GONE, HOSTILE)),
        ),
        (
            create("hooli", &[]),
            Outcome::NotTried(problem(codes::GONE, HOSTILE)),
        ),
    ]);
    assert_tidy(&plan_text(&plan, &plain(80)));
    assert_tidy(&status_text(&readiness, Listing::All, &plain(80)));
    assert_tidy(&apply_text(&plan, &report, &readiness, &plain(80)));
    for ended in &report.changes {
        let said = text::applied_line(&ended.change, &ended.outcome, &plain(80));
        assert!(said.chars().all(is_plain), "{said}");
    }
    let shown = plan_text(&plan, &plain(80));
    assert!(
        shown.contains(r"Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp"),
        "{shown}"
    );
    insta::assert_snapshot!(visible(&plan_text(&plan, &coloured(80))), @r#"
    <1>portalctl plan<0> · <1>Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp<0> · Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp · live key

    <1>conflicts: nothing is done for these until somebody decides<0>
      <31>!<0> <1>initech.eu<0>  <2>plan/domain-held<0>
          Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp
          hint: Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp

    <1>held: wanted, but not allowed in this run<0>
      <33>#<0> <1>hooli<0><2> (Hooli)<0>  adopt org_orphan  needs <33>--adopt<0>
          an organization that no entry claims has verified acme.com
          metadata.Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp  <31>- "Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp"<0>
      <33>#<0> <1>umbrella<0>  update org_umbrella  needs <33>--allow-bulk<0>
          the manifest's limits allow 20 of these in one run, the plan has 30
          (plan/limit-exceeded)
          name  "Umbrel<1><32>l<0>a"

    <1>warnings<0>
      <33>*<0> <1>globex<0>  <2>plan/domain-pending-elsewhere<0>
          Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp

    <1>changes<0>
      <32>+<0> <1>acme<0><2> (Acme Corp)<0>  create  <2>portal.yaml:12<0>
          name                      <32>+ "acme"<0>
          external_id               <32>+ "acme"<0>
          domains.acme.com          <32>+ pending<0>
          domains.acme.io           <32>+ verified<0>
          metadata.portalctl_owner  <32>+ "customers"<0>
          metadata.tier             <32>+ "enterprise"<0>
      <33>~<0> <1>globex<0><2> (Globex)<0>  update org_globex  <2>Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp:12<0>
          name                                          <9><31>"Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp"<0> -> <1><32>"Acme"<0>
          metadata.Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp  <31>- "Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp"<0>

    note: 1 organization of this manifest is not declared any more; it stays, unless
          a run has --prune, which deletes what is not protected: `former`
          Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp (Evil\u{a}\u{1b}[2J\u{202e}\u{7}Corp)

    <32>1 to create<0>, <33>1 to update<0>, <33>2 held<0>, <31>1 conflict<0>, 1 warning, 7 unchanged,
    13 requests
    <2>digest sha256:67c4182a32f74dce1491cbb0b086d8a2032841a7a2981dfadd226569d71ce1cb<0>
    "#);
}

/// A thousand customers, some of them with something to do.
fn thousand() -> Readiness {
    let state = |n: usize| match n % 10 {
        0 => State::Attention,
        1..=3 => State::Unconfigured,
        _ => State::Configured,
    };
    let organizations = (0..1000)
        .map(|n| {
            let sso = intent(Intent::Sso, state(n), Some(1));
            ready(&format!("customer-{n:04}"), vec![sso])
        })
        .collect();
    Readiness {
        organizations,
        ..Readiness::default()
    }
}

#[test]
fn a_thousand_organizations_are_a_screenful_or_two() {
    let brief = status_text(&thousand(), Listing::Pending, &plain(80));
    assert!(brief.lines().count() < 130, "{}", brief.lines().count());
    assert_tidy(&brief);
    let ends: Vec<&str> = brief
        .lines()
        .filter(|line| line.contains("--all"))
        .collect();
    insta::assert_snapshot!(ends.join("\n"), @"
950 more organizations (see status --all)
380 more (see status --all)
");
    insta::assert_snapshot!(brief.lines().last().unwrap(), @"100 attention, 300 unconfigured, 600 configured, 13 requests");
    let first = brief
        .lines()
        .find(|line| line.contains("customer-"))
        .unwrap();
    assert!(
        first.contains("customer-0000"),
        "attention comes first: {first}"
    );

    let all = status_text(&thousand(), Listing::All, &plain(80));
    let named = |n: usize| all.contains(&format!("customer-{n:04}"));
    assert!((0..1000).all(named));
    assert!(!all.contains("--all"));
}

#[test]
fn the_account_of_a_thousand_changes_is_bounded() {
    let name = |n: usize| format!("customer-{n:04}");
    let outcome = |n: usize| match n {
        0..400 => Outcome::Done(Box::new(organization(&name(n)))),
        400..500 => Outcome::Refused(problem(codes::GONE, "org_1 is gone")),
        _ => Outcome::NotTried(problem(
            codes::INTERRUPTED,
            "the run stopped after: GET /organizations/org_1 answered 401",
        )),
    };
    let report = applied(
        (0..1000)
            .map(|n| (create(&name(n), &[]), outcome(n)))
            .collect(),
    );
    let text = apply_text(&Plan::default(), &report, &thousand(), &plain(80));
    assert!(text.lines().count() < 250, "{}", text.lines().count());
    assert_tidy(&text);
    let more: Vec<&str> = text.lines().filter(|line| line.contains("more")).collect();
    insta::assert_snapshot!(more.join("\n"), @"
  and 50 more
  and 450 more
  and 350 more
990 more organizations (see status --all)
395 more (see status --all)
");
    insta::assert_snapshot!(text.lines().rev().nth(1).unwrap(), @"400 done, 100 refused, 500 not tried, 0 unchanged, 13 requests");
}

#[test]
fn since_is_told_in_the_largest_unit_that_says_enough() {
    let now = january(15);
    for (seconds, said) in [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (86_399, "23 hours"),
        (86_400, "1 day"),
        (40 * 86_400, "40 days"),
    ] {
        let mut step = intent(Intent::Sso, State::Attention, None);
        step.since = Some(now - jiff::SignedDuration::from_secs(seconds));
        let readiness = Readiness {
            organizations: vec![ready("acme", vec![step])],
            ..Readiness::default()
        };
        let text = status_text(&readiness, Listing::Pending, &plain(80));
        assert!(text.contains(&format!("for {said}  ")), "{said}: {text}");
    }
}

#[test]
fn every_turn_has_its_words() {
    for (turn, words) in [
        (Turn::You, "your turn"),
        (Turn::Customer, "the customer's turn"),
        (Turn::Dns, "waiting for DNS"),
        (Turn::WorkOs, "WorkOS's turn"),
    ] {
        let mut step = intent(Intent::Sso, State::Attention, None);
        step.turn = turn;
        let readiness = Readiness {
            organizations: vec![ready("acme", vec![step])],
            ..Readiness::default()
        };
        let text = status_text(&readiness, Listing::Pending, &plain(80));
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_reason_is_told_where_the_fields_do_not_tell_it() {
    let removal = Change {
        reason: Reason::DomainNotDeclared,
        ..update(
            "acme",
            vec![field("domains.old.com", Some("pending"), None)],
        )
    };
    let adoption = change(
        "globex",
        Action::Adopt(OrganizationId::from_api("org_orphan")),
        vec![field("external_id", None, Some("globex"))],
    );
    let plan = plan_of(vec![adoption, removal]);
    insta::assert_snapshot!(plan_text(&plan, &plain(80)), @r#"
portalctl plan

changes
  ~ globex  adopt org_orphan  portal.yaml:12
      an organization that no entry claims has verified acme.com
      external_id  + "globex"
  ~ acme  update org_acme  portal.yaml:12
      the domain is not declared, and domains_policy is exact
      domains.old.com  - pending

1 to adopt, 1 to update, 0 unchanged, 13 requests
digest sha256:68e5ec987374ac87a74bed76cfbc5a902593b3026f314d465b8bc3c6993e98f2
"#);
}

#[test]
fn a_limit_that_holds_many_changes_is_told_once() {
    let held = |name: &str| Held {
        change: create(name, &[]),
        reason: HeldReason::LimitExceeded {
            planned: 3,
            allowed: 1,
        },
        flag: Flag::AllowBulk,
        permission: None,
    };
    let plan = Plan {
        held: ["a", "b", "c"].map(held).into(),
        ..Plan::default()
    };
    insta::assert_snapshot!(plan_text(&plan, &plain(80)), @r#"
    portalctl plan

    held: wanted, but not allowed in this run
      # a  create  needs --allow-bulk
          the manifest's limits allow 1 of these in one run, the plan has 3
          (plan/limit-exceeded)
          name         + "a"
          external_id  + "a"
      # b  create  needs --allow-bulk
          name         + "b"
          external_id  + "b"
      # c  create  needs --allow-bulk
          name         + "c"
          external_id  + "c"

    3 held, 0 unchanged, 13 requests
    digest sha256:7875a0684bc1e94b9eac5a22627089e11b6597cc25531f162790acff117f5c77
    "#);
    let nothing = applied(Vec::new());
    let text = apply_text(&plan, &nothing, &Readiness::default(), &plain(80));
    insta::assert_snapshot!(text.lines().last().unwrap(), @"0 done, 3 held, 0 unchanged, 13 requests");
}

#[test]
fn addresses_are_masked_when_asked() {
    let mut plan = plan_of(vec![update(
        "acme",
        vec![field("it_contacts.ada@acme.com", None, Some("added"))],
    )]);
    plan.held = vec![Held {
        change: plan.changes[0].clone(),
        reason: HeldReason::NeedsFlag,
        flag: Flag::AllowBulk,
        permission: None,
    }];
    let masked = Layout {
        emails: Emails::Masked,
        ..plain(80)
    };
    assert!(plan_text(&plan, &plain(80)).contains("it_contacts.ada@acme.com"));
    let text = plan_text(&plan, &masked);
    assert!(text.contains("it_contacts.a***@acme.com"), "{text}");
    assert!(!text.contains("ada"), "{text}");
}

#[test]
fn what_an_invitation_would_do_is_shown_before_it_is_agreed_to() {
    let change = invite("acme", true);
    let emails = ["bob@acme.com", "carol@acme.com"].map(|email| Email::parse(email).unwrap());
    let question = InviteQuestion {
        headline: &headline(&Plan::default()),
        key: &change.key,
        organization: &organization("acme"),
        invitation: change.action.invitation().unwrap(),
        add: &emails,
        again: true,
    };
    insta::assert_snapshot!(text::invitation(&question, &plain(60)), @"
    portalctl invite

      @ acme  acme  org_acme
          adds bob@acme.com, carol@acme.com to its IT contacts
          ends the active invitation, if there is one, whichever
          contact has it
          WorkOS e-mails ada@acme.com a link to set up sso,
          dsync
          not by invitation: audit_logs
    ");
    let masked = Layout {
        emails: Emails::Masked,
        ..plain(60)
    };
    let shown = text::invitation(&question, &masked);
    assert!(shown.contains("a***@acme.com") && shown.contains("b***@acme.com"));
    assert!(
        !shown.contains("ada") && !shown.contains("carol"),
        "{shown}"
    );
}

#[test]
fn an_invitation_is_a_change_of_its_own() {
    let mut plan = plan_of(vec![create("acme", &[]), invite("acme", false)]);
    plan.held = vec![Held {
        change: invite("globex", true),
        reason: HeldReason::WaitsForHeld,
        flag: Flag::AllowBulk,
        permission: None,
    }];
    insta::assert_snapshot!(plan_text(&plan, &plain(80)), @r#"
    portalctl plan

    held: wanted, but not allowed in this run
      # globex  invite org_globex  needs --allow-bulk
          the change of its organization that comes first is held
          (plan/limit-exceeded)
          WorkOS e-mails ada@acme.com a link to set up sso, dsync
          not by invitation: audit_logs

    changes
      + acme  create  portal.yaml:12
          name         + "acme"
          external_id  + "acme"
      @ acme  invite  portal.yaml:12
          WorkOS e-mails ada@acme.com a link to set up sso, dsync
          not by invitation: audit_logs

    1 to create, 1 to invite, 1 held, 0 unchanged, 13 requests
    digest sha256:121d351257c944f0bf7822f7c4f97744477bceedabbea15493ba2439db17948a
    "#);
}
