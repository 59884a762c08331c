//! Overlays: finding them, and choosing the one of the environment that is asked for.
//!
//! Goes in: documents, and the name of an environment. Comes out: the base, with the chosen overlay
//! laid over its settings, and the patches of entries. Reads no file.

use super::identity;
use crate::decode;
use crate::diagnostic::{Finding, Findings};
use crate::document_kind::is_overlay;
use crate::find::Shelf;
use crate::load::Document;
use crate::quote::{one_of, quote, suggest};
use crate::raw::{Field, Layered, Text, accepted, lay_over};
use crate::reader::Reader;
use crate::shape::{RawEnvironment, RawManifest, RawOrganization, RawOverlayContent};
use crate::source::{FileId, Sources, Spotted};
use portalctl_model::OrgKey;
use portalctl_model::codes::manifest as codes;

/// The fields of one environment.
pub(super) struct Overlay {
    pub(super) name: Spotted<Text>,
    content: RawOverlayContent,
}

/// The documents of a manifest, sorted.
pub(super) struct Sorted {
    pub(super) base: Vec<Document>,
    pub(super) overlays: Vec<Overlay>,
    /// Set when every document could be read.
    pub(super) complete: bool,
}

/// Patches of entries, and the environment that has them.
pub(super) struct Patches {
    pub(super) environment: Spotted<Text>,
    pub(super) entries: Vec<(Spotted<Text>, RawOrganization)>,
}

/// Result of choosing an environment.
pub(super) enum Chosen {
    /// There are no overlays to choose from.
    Base,
    /// The overlay of an environment.
    Overlay(Box<Overlay>),
    /// None, which has been reported.
    Nothing,
}

/// Takes the overlays out of the documents; reports those that do not stand where overlays do.
pub(super) fn sort(documents: Vec<Document>, sources: &Sources, findings: &mut Findings) -> Sorted {
    let mut sorted = Sorted {
        base: Vec::new(),
        overlays: Vec::new(),
        complete: true,
    };
    for document in documents {
        let is_overlay = is_overlay(&document.root);
        match (document.shelf, is_overlay) {
            (Shelf::Base, false) => {
                sorted.base.push(document);
                continue;
            }
            (Shelf::Overlays, true) => {
                let text = sources.text_of(document.file);
                let mut reader = Reader::new(document.file, &text, findings);
                if let Some((name, content)) = decode::overlay(&mut reader, &document.root) {
                    sorted.overlays.push(Overlay { name, content });
                    continue;
                }
            }
            _ => findings.push(misplaced(&document)),
        }
        sorted.complete = false;
    }
    sorted
}

fn misplaced(document: &Document) -> Finding {
    let spot = document.root.spot(document.file);
    match document.shelf {
        Shelf::Base => Finding::error(
            codes::MISPLACED_OVERLAY,
            "an overlay stands outside of the folder of overlays",
        )
        .help("name the folder that holds `environments/` with -f, and choose with --environment"),
        Shelf::Overlays => Finding::error(
            codes::NOT_AN_OVERLAY,
            "this file stands among the overlays, and does not say which environment it is for",
        )
        .help("add `overlay: NAME` at the top, or move the file out of `environments/`"),
        Shelf::BelowOverlays => Finding::error(
            codes::NOT_AN_OVERLAY,
            "this file stands in a folder below `environments/`, where nothing is read",
        )
        .help("overlays stand directly in `environments/`; move other files out of it"),
    }
    .at(spot)
}

/// Adds the overlays that stand in the base itself, under `environments`.
pub(super) fn take_inline(base: &mut RawManifest, overlays: &mut Vec<Overlay>) {
    let inline = base.environments.take().and_then(|field| field.value);
    let inline = inline.into_iter().flatten();
    overlays.extend(inline.map(|(name, content)| Overlay { name, content }));
}

/// Reports overlays that have the same name, or are for the same environment.
pub(super) fn check_names(overlays: &[Overlay], base: &RawManifest, findings: &mut Findings) {
    for (index, overlay) in overlays.iter().enumerate() {
        identity::name(&overlay.name, "an environment", "production", findings);
        let mut earlier = overlays.iter().take(index);
        if let Some(first) = earlier.find(|first| first.shown() == overlay.shown()) {
            let spots = [first.shown_spot(), overlay.shown_spot()];
            let message = format!(
                "the environment {} is declared twice",
                quote(overlay.shown())
            );
            let help = "keep one of the two: plans and reviews tell environments apart by name";
            findings.twice(codes::DECLARED_TWICE, spots, message, help);
        }
    }
    let environment = accepted(base.environment.as_ref()).map(|(raw, _)| raw);
    let name = environment.and_then(|raw| raw.name.as_ref());
    if let (Some(name), Some(overlay)) = (name, overlays.first()) {
        findings.push(
            Finding::error(
                codes::NOT_IN_BASE,
                "`environment.name` stands outside of the overlays, which have names of their own",
            )
            .at(name.key)
            .related(overlay.name.spot, "the first overlay")
            .help("remove it: the name of an overlay is that of its environment"),
        );
    }
}

/// Chooses the overlay of an environment.
pub(super) fn choose(
    mut overlays: Vec<Overlay>,
    wanted: Option<&str>,
    base: &RawManifest,
    findings: &mut Findings,
) -> Chosen {
    let Some(wanted) = wanted else {
        if overlays.is_empty() {
            return Chosen::Base;
        }
        findings.push(undecided(&overlays));
        return Chosen::Nothing;
    };
    if let Some(index) = overlays.iter().position(|one| &*one.name.value == wanted) {
        return Chosen::Overlay(Box::new(overlays.swap_remove(index)));
    }
    let declared = accepted(base.environment.as_ref())
        .and_then(|(raw, _)| accepted(raw.name.as_ref()))
        .map(|(name, _)| &**name);
    if overlays.is_empty() && declared == Some(wanted) {
        return Chosen::Base;
    }
    let help = match (overlays.is_empty(), declared) {
        (false, _) => suggest(wanted, &names(&overlays)),
        (true, Some(name)) => format!("there are no overlays; the environment is {}", quote(name)),
        (true, None) => {
            "there are no overlays: add a file `environments/NAME.yaml` that begins with \
             `overlay: NAME`, or run without --environment and PORTALCTL_ENVIRONMENT"
                .to_owned()
        }
    };
    let message = format!("the manifest has no environment {}", quote(wanted));
    findings.push(Finding::error(codes::NO_SUCH_ENVIRONMENT, message).help(help));
    Chosen::Nothing
}

fn names(overlays: &[Overlay]) -> Vec<&str> {
    let mut names: Vec<&str> = overlays.iter().map(|one| &*one.name.value).collect();
    // A name that is no key has been reported, and is shown nowhere else.
    names.retain(|name| OrgKey::parse(name).is_ok());
    names.sort_unstable();
    names.dedup();
    names
}

fn undecided(overlays: &[Overlay]) -> Finding {
    let names = names(overlays);
    let message = format!(
        "the manifest has environments of its own, and none was chosen: {}",
        one_of(&names).replace(" or ", " and ")
    );
    let first = names.first().copied().unwrap_or_default();
    Finding::error(codes::CHOOSE_ENVIRONMENT, message).help(format!(
        "add --environment {first}, or set PORTALCTL_ENVIRONMENT"
    ))
}

impl Overlay {
    fn environment_name(&self) -> Option<(&Text, crate::source::Spot)> {
        let (environment, _) = accepted(self.content.environment.as_ref())?;
        accepted(environment.name.as_ref())
    }

    /// Returns the name that plans and reports show.
    fn shown(&self) -> &str {
        self.environment_name()
            .map_or(&*self.name.value, |(name, _)| &**name)
    }

    fn shown_spot(&self) -> crate::source::Spot {
        self.environment_name()
            .map_or(self.name.spot, |(_, spot)| spot)
    }

    /// Lays the settings over those of the base; returns the patches of entries.
    pub(super) fn lay_over(self, base: &mut RawManifest) -> Patches {
        let Self { name, content } = self;
        let RawOverlayContent {
            environment,
            return_urls,
            limits,
            defaults,
            kubernetes,
            organizations,
        } = content;
        lay_over(&mut base.environment, environment);
        lay_over(&mut base.return_urls, return_urls);
        lay_over(&mut base.limits, limits);
        lay_over(&mut base.defaults, defaults);
        lay_over(&mut base.kubernetes, kubernetes);
        name_environment(base, &name);
        let entries = organizations.and_then(|field| field.value);
        Patches {
            environment: name,
            entries: entries.unwrap_or_default(),
        }
    }
}

/// Gives the environment the name of the overlay, unless it has one.
fn name_environment(base: &mut RawManifest, name: &Spotted<Text>) {
    let named = RawEnvironment {
        name: Some(Field::at(name.spot, name.value.clone())),
        ..RawEnvironment::default()
    };
    let own = base.environment.take();
    base.environment = Some(match own {
        Some(Field {
            key, spot, value, ..
        }) => Field {
            key,
            spot,
            value: value.map(|own| own.over(Some(named))),
            is_null: false,
        },
        None => Field::at(name.spot, named),
    });
}

/// Returns the names of the overlays of a manifest, sorted.
pub(super) fn names_of(documents: &[Document]) -> Vec<String> {
    use crate::document_kind::field;
    use crate::node::Value;
    let mut names = Vec::new();
    for Document { shelf, root, .. } in documents {
        match shelf {
            Shelf::Base => {
                if let Some(Value::Map(entries)) =
                    field(root, "environments").map(|node| &node.value)
                {
                    names.extend(entries.iter().filter_map(|(key, _)| key.as_str()));
                }
            }
            Shelf::Overlays => names.extend(field(root, "overlay").and_then(|node| node.as_str())),
            Shelf::BelowOverlays => {}
        }
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(str::to_owned).collect()
}

/// Reports values in the base that differ between environments.
pub(super) fn refuse_ids(raw: &RawOrganization, findings: &mut Findings) {
    let id = raw.id.as_ref().map(|field| (field.key, "id"));
    let stripe = raw.stripe_customer_id.as_ref();
    let stripe = stripe.map(|field| (field.key, "stripe_customer_id"));
    for (spot, name) in id.into_iter().chain(stripe) {
        findings.error(
            codes::NOT_IN_BASE,
            spot,
            format!("`{name}` is declared for all environments, and differs between them"),
            format!("move it to the overlays, as `organizations.KEY.{name}`"),
        );
    }
}

/// Decodes the base.
pub(super) fn decode_base(
    document: Document,
    sources: &Sources,
    findings: &mut Findings,
) -> Option<(FileId, RawManifest)> {
    let Document { file, root, .. } = document;
    let text = sources.text_of(file);
    let mut reader = Reader::new(file, &text, findings);
    Some((file, decode::document(&mut reader, root)?))
}
