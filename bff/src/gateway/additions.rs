//! What a program adds to what is declared: screens in Rust, and operations of its own.

use std::{fmt, sync::Arc};

use crate::{
    edge::Contract,
    screens::{Screen, Screens, describe_screen, serve_screen},
};

/// Adds one screen; where there are no `Screens`, only its description.
type AddScreen = fn(&mut Contract, Option<&Screens>);
/// Adds operations with their handlers.
type AddRoutes = Arc<dyn Fn(&mut Contract) + Send + Sync>;

/// In the order in which they were added.
#[derive(Clone, Default)]
pub(super) struct Additions {
    screens: Vec<AddScreen>,
    routes: Vec<AddRoutes>,
}

impl fmt::Debug for Additions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (screens, routes) = (self.screens.len(), self.routes.len());
        f.debug_struct("Additions").field("screens", &screens).field("routes", &routes).finish()
    }
}

impl Additions {
    pub(super) fn screen<S: Screen>(&mut self) {
        self.screens.push(|contract, screens| match screens {
            Some(screens) => serve_screen::<S>(contract, screens),
            None => describe_screen::<S>(contract),
        });
    }

    pub(super) fn routes(&mut self, add: impl Fn(&mut Contract) + Send + Sync + 'static) {
        self.routes.push(Arc::new(add));
    }

    /// Adds all of them to `contract`.
    pub(super) fn add_to(&self, contract: &mut Contract, screens: Option<&Screens>) {
        for add in &self.screens {
            add(contract, screens);
        }
        for add in &self.routes {
            add(contract);
        }
    }
}
