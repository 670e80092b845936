//! Composition, between `cache` and the upstream clients: runs a screen's parts as early as their needs
//! allow, under one deadline, and joins what came into one document.
//!
//! A screen is an async function over a [`Run`]: a part that needs another awaits it first, parts that need
//! nothing of each other are joined. A failed part that the screen can do without becomes its last good copy,
//! or null, and is named in `degraded`; a failed required part ends the composition at once, and with it all
//! calls that are still under way.
//!
//! [`plan`] is what declarations are compiled into; [`params`] reads the parameters that a plan names; [`scan`] passes once
//! over an answer's bytes by the shape that such a plan holds; [`engine`] carries a plan out.

pub mod backend;
mod composed;
pub mod engine;
mod error;
mod lookup;
mod packed;
pub mod params;
mod part;
mod part_cache;
pub mod plan;
mod progress;
mod run;
pub mod scan;
mod view;

pub use composed::{Composed, MadeOf, Uncomposed};
pub use error::{AnswerError, ComposeError, PartFailure, PassedRefusal};
pub use lookup::Lookup;
pub use packed::Packed;
pub use params::ParamError;
pub use part::Part;
pub use part_cache::{KeptParts, PartCache, PartTimes};
pub use progress::{Field, Progress};
pub use run::Run;
pub use view::{Compact, View};
