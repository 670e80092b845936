//! Sections of which there may be any number, each under a name that the operator chooses: `[oidc.google]`.
//!
//! `default.toml` documents one of each kind under the name `NAME`. That one is the template: every section that
//! file or environment name gets its defaults from it, and from there on is like any other.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

/// The name of a template. No section that is used may have it: names are in lower case.
pub(super) const NAME: &str = "NAME";

/// The defaults of named sections, by the section that they stand in.
pub(super) struct Templates(BTreeMap<String, Dict>);

impl Templates {
    pub(super) fn take_out_of(defaults: &mut Dict) -> Self {
        let mut templates = BTreeMap::new();
        for (section, value) in defaults {
            let Value::Dict(_, below) = value else { continue };
            if let Some(Value::Dict(_, template)) = below.remove(NAME) {
                templates.insert(section.clone(), template);
            }
        }
        Self(templates)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Dict)> {
        self.0.iter().map(|(section, template)| (section.as_str(), template))
    }

    /// Gives every named section in `tree` its place in `defaults`.
    pub(super) fn name_sections(&self, defaults: &mut Dict, tree: &Dict) {
        for section in self.0.keys() {
            let Some(Value::Dict(_, named)) = tree.get(section) else { continue };
            for (name, value) in named {
                // A value in its place is a mistake, which is found where all unknown keys are.
                if value.as_dict().is_some() {
                    self.name(defaults, section, name);
                }
            }
        }
    }

    /// The same for the section that holds the key at `path`.
    pub(super) fn name_section(&self, defaults: &mut Dict, path: &[String]) {
        if let [section, name, _, ..] = path {
            self.name(defaults, section, name);
        }
    }

    fn name(&self, defaults: &mut Dict, section: &str, name: &str) {
        let Some(template) = self.0.get(section) else { return };
        if let Some(Value::Dict(_, sections)) = defaults.get_mut(section) {
            sections.entry(name.to_owned()).or_insert_with(|| Value::from(template.clone()));
        }
    }
}
