//! Measures the gateway beside others, in one run and in turns: `load misses`, `load ages`, `load memory`. Servers run on one
//! core each in their turn; callers and upstreams, which this program is, on another. Nothing fails because a machine is slow:
//! what is printed are ratios. `tests/load/run` builds what is needed and calls it.

mod ages;
mod callers;
mod instant;
mod memory;
mod misses;
mod server;
mod source;

use std::io::Write as _;

/// Servers that are measured run here.
const SERVER_CORE: &str = "0";
/// Callers and upstreams run here.
const OWN_CORE: &str = "1";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    server::pin(std::process::id(), OWN_CORE);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["misses"] => runtime.block_on(misses::measure(None)),
        ["misses", folder] => runtime.block_on(misses::measure(Some(folder.as_ref()))),
        ["ages"] => runtime.block_on(ages::measure()),
        ["memory"] => runtime.block_on(memory::measure()),
        _ => panic!("usage: load misses [FOLDER of lean and fastify] | ages | memory"),
    }
}

fn say(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("standard output");
}
