//! The look-ups that joins name, and those that they have of their own.

use super::context::Context;
use crate::{
    compose::plan::LookupId,
    declare::{
        mistake::{did_you_mean, quoted},
        read::{Join, JoinLookup, Lookup, Tree},
    },
};

/// The look-ups that joins have of their own.
pub(super) fn own_lookups(tree: &Tree) -> impl Iterator<Item = &Lookup> {
    let screens = tree.screens.iter().flat_map(|screen| &screen.joins);
    let joins = screens.chain(tree.routes.iter().flat_map(|route| &route.joins));
    joins.filter_map(|join| if let JoinLookup::Own(lookup) = &join.lookup { Some(&**lookup) } else { None })
}

/// The place of the look-up of a join in `lookups`; a name that none has is a mistake.
pub(super) fn lookup_of(cx: &Context<'_>, lookups: &[&Lookup], join: &Join) -> Option<LookupId> {
    let named = &cx.tree.gateway.lookups;
    let place = match &join.lookup {
        JoinLookup::Own(own) => lookups.iter().position(|lookup| std::ptr::eq(*lookup, &**own)),
        JoinLookup::Named(name) => {
            let place = named.iter().position(|lookup| lookup.name.value == name.value);
            if place.is_none() {
                let near = did_you_mean(name, named.iter().map(|lookup| lookup.name.as_str()));
                cx.mistake(&name.spot, format_args!("there is no look-up {}{near}", quoted(name)));
            }
            place
        }
    };
    place.map(|place| LookupId(u16::try_from(place).unwrap_or(u16::MAX)))
}
