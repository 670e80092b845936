//! What `callers` and `http.trusted_proxies` must hold besides their types.

use sha2::{Digest, Sha256};

use super::{CallerConfig, Config, check::Check};

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let mut seen: Vec<(&str, [u8; 32])> = Vec::new();
    for (name, caller) in &config.callers {
        let path = format!("callers.{name}.token_sha256");
        let Some(hash) = caller.token_hash() else {
            check.refuse(true, &path, "must be the SHA-256 of the token: 64 hexadecimal digits");
            continue;
        };
        let empty: [u8; 32] = Sha256::digest([]).into();
        check.refuse(hash == empty, &path, "is the hash of nothing");
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == hash) {
            check.refuse(true, &path, &format!("is that of callers.{other}: each has its own"));
        }
        seen.push((name, hash));
    }
}

impl CallerConfig {
    /// The hash as bytes; nothing where the text is none, which [`Config::load`] refuses.
    #[must_use]
    pub fn token_hash(&self) -> Option<[u8; 32]> {
        let digits: &[u8; 64] = self.token_sha256.as_bytes().try_into().ok()?;
        let mut hash = [0_u8; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(hash)
    }
}

/// What is allowed but probably not meant.
pub(super) fn warnings(config: &Config) -> impl Iterator<Item = String> {
    let everybody = config.http.trusted_proxies.iter().filter(|network| network.is_everybody());
    everybody.map(|network| {
        format!("http.trusted_proxies: {network} is everybody; callers may then claim any address")
    })
}
