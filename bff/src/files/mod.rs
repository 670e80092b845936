//! Files that browsers fetch: the single-page app ([`site`]).

pub mod site;
