//! Sections of which there may be any number, each under a name that the operator chooses: `[oidc.google]`.
//!
//! `default.toml` documents one of each kind under the name `NAME`. That one is the template: every section that
//! the defaults, the file or the environment name gets its defaults from it, and from there on is like any other.

use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use serde::de::DeserializeOwned;

use super::ConfigErrors;

/// The name of a template. No section that is used may have it: names are in lower case.
pub(super) const NAME: &str = "NAME";

/// Names stand in paths, environment variables, logs and metrics.
const LONGEST_NAME: usize = 32;

/// The defaults of named sections, by the section that they stand in.
pub(super) struct Templates(BTreeMap<String, Dict>);

/// How names are spelled in the environment, whose variables have no `-`.
enum Spelling {
    /// A variable cannot hold a name with `-`.
    AsItIs,
    /// `_` in a variable is `-` in a name.
    Dashes,
    /// The file may write `-`; the key has `_`.
    Underscores,
}

impl Spelling {
    fn of(section: &str) -> Self {
        match section {
            "upstreams" | "events" => Self::Dashes,
            "screens" => Self::Underscores,
            _ => Self::AsItIs,
        }
    }

    /// The name as the file would give it.
    fn spell(&self, name: &str) -> String {
        match self {
            Self::Dashes => name.replace('_', "-"),
            Self::AsItIs | Self::Underscores => name.to_owned(),
        }
    }

    /// The key under which a name of the file is known; nothing where it is none.
    fn key(&self, name: &str) -> Option<String> {
        let underscores = matches!(self, Self::Underscores);
        let plain =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || (underscores && b == b'_');
        let sound = (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain);
        sound.then(|| if underscores { name.replace('-', "_") } else { name.to_owned() })
    }
}

impl Templates {
    /// Takes the templates out, and completes the sections that the defaults themselves name.
    pub(super) fn take_out_of(defaults: &mut Dict) -> Self {
        let mut templates = BTreeMap::new();
        for (section, value) in defaults {
            let Value::Dict(_, below) = value else { continue };
            let Some(Value::Dict(_, template)) = below.remove(NAME) else { continue };
            for named in below.values_mut() {
                let Value::Dict(_, named) = named else { continue };
                for (key, default) in &template {
                    named.entry(key.clone()).or_insert_with(|| default.clone());
                }
            }
            templates.insert(section.clone(), template);
        }
        Self(templates)
    }

    /// The template of `section` as what it describes.
    pub(super) fn read<T: DeserializeOwned>(&self, section: &str) -> Option<T> {
        Value::from(self.0.get(section)?.clone()).deserialize().ok()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Dict)> {
        self.0.iter().map(|(section, template)| (section.as_str(), template))
    }

    /// Gives the sections in `tree` the keys that they are known by, and takes out those whose names cannot be.
    pub(super) fn settle_names(&self, tree: &mut Dict, mistakes: &mut ConfigErrors) {
        for section in self.0.keys() {
            let Some(Value::Dict(_, below)) = tree.get_mut(section) else { continue };
            let spelling = Spelling::of(section);
            for (name, value) in std::mem::take(below) {
                if value.as_dict().is_none() {
                    below.insert(name, value);
                    continue;
                }
                let path = format!("{section}.{name}");
                match spelling.key(&name) {
                    None => mistakes.add(path, "its name must be 1 to 32 of a-z, 0-9 and -"),
                    Some(key) if below.contains_key(&key) => {
                        mistakes.add(path, format!("is {section}.{key} once more: keep one of them"));
                    }
                    Some(key) => drop(below.insert(key, value)),
                }
            }
        }
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

    /// Spells the name in the path of a variable as the file would.
    pub(super) fn spell(&self, path: &mut [String]) {
        if let [section, name, _, ..] = path
            && self.0.contains_key(section.as_str())
        {
            *name = Spelling::of(section).spell(name);
        }
    }

    fn name(&self, defaults: &mut Dict, section: &str, name: &str) {
        let Some(template) = self.0.get(section) else { return };
        let Some(key) = Spelling::of(section).key(name) else { return };
        if let Some(Value::Dict(_, sections)) = defaults.get_mut(section) {
            sections.entry(key).or_insert_with(|| Value::from(template.clone()));
        }
    }
}
