//! Ports for servers that cannot be told to take any: they need a number.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher as _,
    net::{Ipv4Addr, TcpListener},
};

/// A free loopback port below those that the kernel gives to outgoing connections.
///
/// Nothing but another server takes it once it is known to be free, also while its server is down: a client
/// that calls a port of the kernel's own range again and again ends up connected to itself.
///
/// # Panics
/// When there is none.
pub(super) fn free_port() -> u16 {
    let first_outgoing = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| range.split_whitespace().next()?.parse::<u64>().ok())
        .filter(|first| *first > LOWEST + 1000)
        .unwrap_or(32_768);
    let random = RandomState::new();
    for attempt in 0..1000 {
        let offset = random.hash_one(attempt) % (first_outgoing - LOWEST);
        let port = u16::try_from(LOWEST + offset).expect("below the outgoing ones");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port in a thousand tries");
}

/// Above what is well known.
const LOWEST: u64 = 10_240;
