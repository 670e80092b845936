//! Networks of proxies.

use std::sync::Arc;

use ipnet::IpNet;

/// Networks whose word on a caller's address counts.
pub type TrustedProxies = Arc<[IpNet]>;
