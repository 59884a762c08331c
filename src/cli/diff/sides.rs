//! Both sides of a comparison, for one environment or for each of the manifest's.
//!
//! Takes the manifest's inputs and the base that was found. Returns checked manifests in pairs. Asks
//! WorkOS nothing.

use std::collections::BTreeSet;

use super::base::Found;
use crate::cli::error::CliError;
use crate::cli::manifest::{self, Inputs, Sound};
use crate::cli::ui::Ui;
use portalctl_core::diff::Side;
use portalctl_manifest::convert::{WholeManifest, read_whole};
use portalctl_manifest::{KubernetesFields, environments, read_every};
use portalctl_model::desired::Desired;

/// A checked manifest with the fields that only the Kubernetes form has.
pub(super) struct Read {
    pub(super) sound: Sound,
    kubernetes: KubernetesFields,
}

impl Read {
    pub(super) fn side(&self) -> Side<'_> {
        Side {
            desired: &self.sound.desired,
            kubernetes: &self.kubernetes,
        }
    }

    fn nothing() -> Self {
        Self {
            sound: Sound {
                desired: Desired::default(),
                warnings: Vec::new(),
            },
            kubernetes: KubernetesFields::default(),
        }
    }
}

/// Manifests to compare.
pub(super) struct Pair {
    /// Name of the environment; none for a manifest without overlays.
    pub(super) environment: Option<String>,
    pub(super) base: Read,
    pub(super) new: Read,
}

/// All pairs, with remarks about the base.
pub(super) struct Pairs {
    pub(super) pairs: Vec<Pair>,
    pub(super) notes: Vec<String>,
}

/// Reads both sides: of the chosen environment, else of each that the manifest has.
pub(super) fn read(inputs: &Inputs, found: &Found, ui: &Ui) -> Result<Pairs, CliError> {
    let mut reader = Reader {
        ui,
        said: BTreeSet::new(),
    };
    let new = reader
        .new_sides(inputs)
        .map_err(|error| manifest::hint_at_folder(error, &inputs.list))?;
    let named: BTreeSet<String> = new.iter().filter_map(|(name, _)| name.clone()).collect();
    let list = found.inputs.as_deref();
    let known = match list {
        Some(list) if !named.is_empty() => environments(list),
        _ => Vec::new(),
    };
    let mut notes = Vec::new();
    let mut pairs = Vec::new();
    for (environment, new) in new {
        let own = new.sound.desired.environment.name.as_deref();
        let own = own.filter(|_| environment.is_none());
        let (base, note) = reader.base_side(found, environment.as_deref(), (&known, own))?;
        notes.extend(note);
        pairs.push(Pair {
            environment,
            base,
            new,
        });
    }
    if inputs.environment.is_none() {
        let gone = known.iter().filter(|name| !named.contains(*name));
        notes.extend(gone.map(|name| {
            format!(
                "the environment {name} is no longer declared: nothing is planned for it any more, \
                 and its organizations stay as they are"
            )
        }));
    }
    Ok(Pairs { pairs, notes })
}

/// Reader of manifests that says each warning once, however many environments have it.
struct Reader<'u> {
    ui: &'u Ui,
    said: BTreeSet<String>,
}

impl Reader<'_> {
    fn new_sides(&mut self, inputs: &Inputs) -> Result<Vec<(Option<String>, Read)>, CliError> {
        let whole = read_whole(inputs);
        let has_choice = inputs.environment.is_none() && whole.checked.desired.is_none();
        let names = if has_choice {
            environments(&inputs.list)
        } else {
            Vec::new()
        };
        if names.is_empty() {
            return Ok(vec![(inputs.environment.clone(), self.settle(whole)?)]);
        }
        let mut sides = Vec::new();
        for name in names {
            let inputs = Inputs {
                list: inputs.list.clone(),
                environment: Some(name),
            };
            let whole = read_whole(&inputs);
            if whole.checked.desired.is_none() {
                let every = read_every(&inputs.list);
                return Err(manifest::invalid(
                    &every.diagnostics,
                    &every.sources,
                    self.ui,
                ));
            }
            sides.push((inputs.environment, self.settle(whole)?));
        }
        Ok(sides)
    }

    /// Reads the base; where it has nothing to compare with, an empty one and the remark that says so.
    ///
    /// `known` are its environments, and `own` the environment of a new side without overlays.
    fn base_side(
        &mut self,
        found: &Found,
        environment: Option<&str>,
        (known, own): (&[String], Option<&str>),
    ) -> Result<(Read, Option<String>), CliError> {
        let name = &found.name;
        let Some(list) = &found.inputs else {
            let note = format!(
                "{name} has no manifest at this path, so that everything counts as added; name its \
                 old place with --base REV:PATH"
            );
            return Ok((Read::nothing(), Some(note)));
        };
        let chosen = environment.filter(|name| known.iter().any(|it| it == name));
        // A base without overlays is compared as it is.
        if !known.is_empty() && chosen.is_none() {
            let environment = environment.unwrap_or_default();
            let note = format!(
                "{name} has no environment {environment}, so that everything counts as added"
            );
            return Ok((Read::nothing(), Some(note)));
        }
        let mut inputs = Inputs {
            list: list.clone(),
            environment: chosen.map(ToOwned::to_owned),
        };
        let mut whole = read_whole(&inputs);
        // A manifest that gave its overlays up is compared with the one of its environment.
        if whole.checked.desired.is_none()
            && let Some(own) = own.filter(|own| environments(list).iter().any(|it| it == own))
        {
            inputs.environment = Some(own.to_owned());
            whole = read_whole(&inputs);
        }
        let base = self.settle(whole);
        Ok((base.map_err(|error| of_base(error, name))?, None))
    }

    fn settle(&mut self, whole: WholeManifest) -> Result<Read, CliError> {
        let WholeManifest { checked, rest } = whole;
        let (sound, said) = manifest::quietly_sound(checked, self.ui)?;
        if !said.is_empty() && self.said.insert(said.clone()) {
            self.ui.say(&said);
        }
        Ok(Read {
            sound,
            kubernetes: rest,
        })
    }
}

/// Says that the problems of a manifest are those of the base.
fn of_base(mut error: CliError, name: &str) -> CliError {
    if let Some(rendered) = &mut error.rendered {
        rendered.push_str(&format!(
            "hint: these are problems of the base {name}; `portalctl validate` checks the manifest \
             alone\n"
        ));
    }
    error
}
