//! Reads the layers, settles what depends on several keys, and checks the result. [`Config::load`] is the way in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::{Config, ConfigErrors, Millis, OidcConfig, StoreUrl, layers, loaded::Loaded, rules};

impl Config {
    /// Merges defaults, `file` and those of `environment` that start with `BFF__`, and checks the result.
    ///
    /// In production it looks at the key folder; `session.secret_file` is read in either profile.
    /// Pass [`std::env::vars_os`] when serving.
    ///
    /// # Errors
    /// All mistakes together: unreadable file, unknown keys, wrong types, values out of range, and what
    /// the profile refuses.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        Self::load_over(&serde_json::Value::Null, file, environment)
    }

    /// The same over what a product declares: an object with the sections `upstreams`, `accounts`, `screens` and `events`,
    /// in the keys of the configuration file; null: nothing. Defaults < declarations < file < environment.
    ///
    /// # Errors
    /// As [`Config::load`], and any other section in `declared`.
    pub fn load_over(
        declared: &serde_json::Value,
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigErrors> {
        let mut mistakes = ConfigErrors::default();
        let environment: Vec<_> = environment.into_iter().filter(|(name, _)| layers::is_ours(name)).collect();
        let loaded = Loaded {
            declared: declared.clone(),
            file: file.map(Path::to_owned),
            environment: environment.clone(),
        };
        let merged = layers::merge(declared, file, environment, &mut mistakes);
        let mut config = layers::extract(&merged, &mut mistakes);
        config.resolve(&merged, &mut mistakes);
        let tiers = ["limits.anonymous.", "limits.user.", "limits.caller."];
        config.limit_is_set = tiers.into_iter().any(|tier| merged.set_below(tier).next().is_some());
        rules::check(&config, &mut mistakes);
        config.warnings = rules::warnings(&config, &merged);
        config.loaded = loaded;
        mistakes.into_result(config)
    }

    /// Puts this configuration over what a product declares, as [`Config::load_over`] does: its `upstreams`, `accounts`,
    /// `screens` and `events.senders` become what the same file and environment say over `declared`. What a program has set in
    /// other sections stays.
    ///
    /// # Errors
    /// As [`Config::load_over`]; nothing has changed then.
    pub fn declare(&mut self, declared: &serde_json::Value) -> Result<(), ConfigErrors> {
        if self.loaded.declared == *declared {
            return Ok(());
        }
        let Loaded { file, environment, .. } = &self.loaded;
        let over = Self::load_over(declared, file.as_deref(), environment.iter().cloned())?;
        (self.upstreams, self.accounts, self.screens) = (over.upstreams, over.accounts, over.screens);
        self.events.senders = over.events.senders;
        (self.warnings, self.loaded) = (over.warnings, over.loaded);
        Ok(())
    }

    /// The compiled-in defaults alone.
    ///
    /// # Errors
    /// None in a released version: a test loads them.
    pub fn defaults() -> Result<Self, ConfigErrors> {
        Self::load(None, std::iter::empty())
    }

    /// Settles what depends on several keys: the defaults of either profile, and `secret_file`.
    fn resolve(&mut self, merged: &layers::Merged, mistakes: &mut ConfigErrors) {
        if self.is_production() && !merged.is_set("cors.allowed_origins") {
            self.cors.allowed_origins.clear();
        }
        if !self.is_production() && !merged.is_set("http.drain_delay_ms") {
            self.http.drain_delay_ms = Millis::ZERO;
        }
        for (name, provider) in &mut self.oidc {
            let OidcConfig { client_secret, client_secret_file, .. } = provider;
            let path = format!("oidc.{name}.client_secret");
            read_secret(&path, client_secret, client_secret_file, merged, mistakes);
        }
        let mut url = SecretString::from(self.store.url.as_str());
        read_secret("store.url", &mut url, &self.store.url_file, merged, mistakes);
        self.store.url = StoreUrl::new(url.expose_secret());
        let Self { session, events, upstreams, files, .. } = self;
        for (path, secret, file) in [
            ("session.secret", &mut session.secret, &session.secret_file),
            ("events.revalidate_secret", &mut events.revalidate_secret, &events.revalidate_secret_file),
            ("files.secret_access_key", &mut files.secret_access_key, &files.secret_access_key_file),
        ] {
            read_secret(path, secret, file, merged, mistakes);
        }
        for (name, sender) in &mut events.senders {
            let path = format!("events.{name}.token");
            read_secret(&path, &mut sender.token, &sender.token_file, merged, mistakes);
        }
        for (name, upstream) in upstreams {
            let path = format!("upstreams.{name}.secret");
            read_secret(&path, &mut upstream.secret, &upstream.secret_file, merged, mistakes);
            if upstream.audience.is_empty() && !merged.is_set(&format!("upstreams.{name}.audience")) {
                upstream.audience.clone_from(name);
            }
        }
    }
}

/// Takes the secret at `path` out of `file`, where one is named.
fn read_secret(
    path: &str,
    secret: &mut SecretString,
    file: &str,
    merged: &layers::Merged,
    mistakes: &mut ConfigErrors,
) {
    if file.is_empty() {
        return;
    }
    if merged.is_set(path) {
        mistakes.add(path, format!("is set besides {path}_file: keep one of them"));
        return;
    }
    match std::fs::read_to_string(file) {
        Ok(text) => *secret = text.trim_end_matches(['\n', '\r']).into(),
        Err(error) => mistakes.add(format!("{path}_file"), format!("cannot be read: {error}")),
    }
}

/// `declarations.dir` of `file` and of `BFF__DECLARATIONS__DIR`, which wins: what is declared must be known before the
/// settings can be read. Nothing: the built-in product is served.
#[must_use]
pub fn declarations_dir(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Option<PathBuf> {
    layers::declarations_dir(file, environment)
}

/// The file named by `BFF_CONFIG`, for when `--config` is not given. An empty value counts as none.
#[must_use]
pub fn file_from_environment() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is the module that reads the environment")]
    let value = std::env::var_os("BFF_CONFIG")?;
    (!value.is_empty()).then(|| PathBuf::from(value))
}
