//! What a server has counted itself.

use std::collections::BTreeMap;

/// Commands that connections make for themselves, whatever the gateway is asked: sign-in, health, the blocking
/// read of the live log; and what the harness asks to know all this.
const UPKEEP: [&str; 6] = ["auth", "hello", "info", "ping", "select", "xread"];

/// Calls of each command since the server started, as `INFO commandstats` tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<String, u64>);

impl Counters {
    pub(super) fn parse(info: &str) -> Self {
        let lines = info.lines().filter_map(|line| {
            let (name, numbers) = line.strip_prefix("cmdstat_")?.split_once(':')?;
            let calls = numbers.split(',').find_map(|number| number.strip_prefix("calls="))?;
            Some((name.to_owned(), calls.trim().parse().ok()?))
        });
        Self(lines.collect())
    }

    /// How often `command` was called.
    #[must_use]
    pub fn of(&self, command: &str) -> u64 {
        self.0.get(command).copied().unwrap_or_default()
    }

    /// What was called between `earlier` and now, without what connections do for themselves.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> BTreeMap<String, u64> {
        let grown = self.0.iter().map(|(name, calls)| (name.clone(), calls - earlier.of(name)));
        grown.filter(|(name, calls)| *calls > 0 && !is_upkeep(name)).collect()
    }
}

fn is_upkeep(command: &str) -> bool {
    UPKEEP.contains(&command) || command.starts_with("client|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_tell_what_was_called_meanwhile() {
        let before = Counters::parse("# Commandstats\r\ncmdstat_get:calls=2,usec=9\r\n");
        let after = Counters::parse(
            "cmdstat_get:calls=5,usec=9,usec_per_call=1.0\r\ncmdstat_evalsha:calls=1,usec=3\r\n\
             cmdstat_ping:calls=7,usec=1\r\ncmdstat_client|list:calls=1,usec=1\r\n",
        );
        assert_eq!((before.of("get"), after.of("set")), (2, 0));
        assert_eq!(after.since(&before), BTreeMap::from([("evalsha".into(), 1), ("get".into(), 3)]));
        assert_eq!(after.since(&after), BTreeMap::new());
    }
}
