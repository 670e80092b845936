//! Places in the tables of a plan.

/// Defines the place of something in a table of the plan.
macro_rules! places {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The place as an index.
            #[must_use]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

places! {
    /// An upstream in [`GatewayPlan::upstreams`](super::GatewayPlan::upstreams).
    UpstreamId,
    /// A look-up in [`GatewayPlan::lookups`](super::GatewayPlan::lookups).
    LookupId,
    /// A parameter of a screen or route.
    ParamId,
    /// A part of a screen; of a route the answer is part 0.
    PartId,
    /// A join of a screen or route.
    JoinId,
    /// Pairs that are remembered, in [`GatewayPlan::memories`](super::GatewayPlan::memories).
    MemoryId,
}
