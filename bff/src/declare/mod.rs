//! Reads what the gateway is told to serve, checks it against the contracts of the services behind it, and compiles it
//! into plans for `compose`. Runs at the start and on reload; no request passes through here.
//!
//! `read` makes a typed tree of files, `text` knows the small languages in it, `contract` knows the services' OpenAPI, `check`
//! looks at everything together, and `compile` makes the plan. All of them collect [`Mistakes`].

mod check;
mod compile;
pub mod contract;
mod mistake;
mod read;
mod recipe_book;
mod schema;
mod starter;
#[cfg(test)]
mod tests;
mod text;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use sha2::{Digest, Sha256};

use self::{
    contract::Contract,
    mistake::Report,
    read::{Sources, Tree},
};
use crate::compose::plan::GatewayPlan;

pub use compile::{Described, DescribedName, DescribedParam, DescribedRoute, DescribedScreen, Link, Refusal};
pub use mistake::{At, Mistake, Mistakes, Spot};
pub use schema::declarations_schema;
pub use starter::{StarterError, write_starter};

/// What a gateway serves: sound, and compiled.
#[derive(Debug)]
pub struct Declarations {
    tree: Tree,
    /// Of each upstream, by its place in the plan.
    contracts: Vec<Option<Contract>>,
    plan: Arc<GatewayPlan>,
    fingerprint: [u8; 32],
}

impl Declarations {
    /// Reads, checks and compiles the declarations of a folder: `gateway.toml`, `screens/*.toml`, `routes/*.toml`, and the
    /// contracts that they name.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_dir(dir: impl AsRef<Path>) -> Result<Self, Mistakes> {
        let report = Report::default();
        let sources = Sources::of_dir(dir.as_ref(), &report);
        Self::of(&sources, report)
    }

    /// No screens, no routes, no upstreams: for a program that serves its own alone.
    ///
    /// # Panics
    /// Never: nothing cannot be wrong.
    #[must_use]
    pub fn none() -> Self {
        Self::of(&Sources::none(), Report::default()).expect("nothing is declared")
    }

    /// The recipe book, which is compiled into the command and served when nothing else is named.
    ///
    /// # Errors
    /// Never in a released command: its tests compile it.
    pub fn recipe_book() -> Result<Self, Mistakes> {
        Self::of(&recipe_book::sources(), Report::default())
    }

    fn of(sources: &Sources, report: Report) -> Result<Self, Mistakes> {
        let tree = read::read(sources, &report);
        let mut digest = Sha256::new();
        for file in sources.gateway.iter().chain(&sources.screens).chain(&sources.routes) {
            for text in [&*file.name, &*file.text] {
                digest.update(text.len().to_be_bytes());
                digest.update(text);
            }
        }
        let contracts = contracts(&tree, sources, &report, &mut digest);
        check::check(&tree, &report);
        let plan = compile::compile(&tree, &contracts, &report);
        report.into_result()?;
        Ok(Self { tree, contracts, plan: Arc::new(plan), fingerprint: digest.finalize().into() })
    }

    /// Of all files that they were read from, contracts included: equal where nothing has changed.
    #[must_use]
    pub const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// What is carried out.
    #[must_use]
    pub fn compile(&self) -> Arc<GatewayPlan> {
        Arc::clone(&self.plan)
    }

    /// What callers are told of it. `own` are the schemas of the gateway itself, by name, and `taken` the names of its
    /// operations.
    #[must_use]
    pub fn describe(&self, own: &BTreeMap<String, serde_json::Value>, taken: &[String]) -> Described {
        compile::describe(&self.tree, &self.contracts, &self.plan, own, taken)
    }

    /// Groups of operations in the contract with callers, and what they are about.
    #[must_use]
    pub fn groups(&self) -> Vec<(String, String)> {
        let groups = self.tree.gateway.groups.iter();
        groups.map(|(name, about)| (name.value.clone(), about.value.clone())).collect()
    }

    /// The contract of an upstream, by its name.
    #[must_use]
    pub fn contract(&self, upstream: &str) -> Option<&Contract> {
        let place = self.tree.gateway.upstreams.iter().position(|known| known.name.as_str() == upstream)?;
        self.contracts.get(place)?.as_ref()
    }

    /// Settings that declarations name, in the shape of the config: `upstreams.NAME.*`, `events.NAME.*`, `accounts.upstream`
    /// and `screens.NAME.*` (`-` as `_` in names of screens). The config's own file and the environment are merged over them.
    #[must_use]
    pub fn settings(&self) -> serde_json::Value {
        let (mut upstreams, mut events) = (serde_json::Map::new(), serde_json::Map::new());
        for one in &self.tree.gateway.upstreams {
            let mut settings = one.settings.clone();
            let mut sender = serde_json::Map::new();
            for key in ["token", "token_file"] {
                sender.extend(settings.remove(&format!("events_{key}")).map(|value| (key.to_owned(), value)));
            }
            upstreams.insert(one.name.value.clone(), settings.into());
            events.insert(one.name.value.clone(), sender.into());
        }
        let accounts = self.tree.gateway.accounts.as_ref();
        let accounts = accounts.and_then(|accounts| Some(accounts.upstream.as_ref()?.value.clone()));
        let screen = |screen: &read::Screen| {
            let cache = &screen.cache;
            let keys = [
                ("fresh_ms", &cache.fresh_ms),
                ("stale_ms", &cache.stale_ms),
                ("deadline_ms", &cache.deadline_ms),
            ];
            let set =
                keys.into_iter().filter_map(|(key, ms)| Some((key.to_owned(), ms.as_ref()?.value.into())));
            (screen.name.replace('-', "_"), serde_json::Value::Object(set.collect()))
        };
        let screens: serde_json::Map<_, _> = self.tree.screens.iter().map(screen).collect();
        let accounts = serde_json::json!({ "upstream": accounts.unwrap_or_default() });
        serde_json::json!({ "upstreams": upstreams, "events": events, "accounts": accounts, "screens": screens })
    }
}

/// Reads the contracts that upstreams name. One that several name is read for each: they are few.
fn contracts(tree: &Tree, sources: &Sources, report: &Report, digest: &mut Sha256) -> Vec<Option<Contract>> {
    let mut read = |upstream: &read::Upstream| {
        let name = upstream.contract.as_ref()?;
        let (file, bytes) = report.take(&name.spot, sources.contracts.read(name))?;
        digest.update(bytes.len().to_be_bytes());
        digest.update(&bytes);
        match Contract::parse(Path::new(&*file), &bytes) {
            Ok(contract) => Some(contract),
            Err(mistakes) => {
                for mistake in mistakes {
                    let spot = Spot {
                        file: Arc::clone(&file),
                        line: mistake.line.unwrap_or(1),
                        key: mistake.pointer.into(),
                    };
                    report.add(&spot, mistake.what);
                }
                None
            }
        }
    };
    tree.gateway.upstreams.iter().map(&mut read).collect()
}
