//! Operation ids: the declared ones, and for the others the file's name or the upstream's own operation id.

use std::collections::HashSet;

use super::{
    super::{outline::Outline, route_outline::RouteOutline},
    names::camel,
};

/// The ids of all operations, each once.
pub(super) struct Ids {
    screens: Vec<String>,
    routes: Vec<String>,
    all: HashSet<String>,
}

impl Ids {
    /// Finds an id for each operation that is none of `taken`.
    pub(super) fn new(screens: &[Outline<'_>], routes: &[RouteOutline<'_>], taken: &[String]) -> Self {
        let mut all: HashSet<String> = taken.iter().cloned().collect();
        let declared = |naming: &super::Naming| naming.id.as_ref().map(|id| id.value.clone());
        let screens_declared = screens.iter().map(|screen| declared(&screen.screen.naming));
        let routes_declared = routes.iter().map(|route| declared(&route.route.naming));
        // Declared names first: no other operation takes one.
        all.extend(screens_declared.chain(routes_declared).flatten());
        let mut ids = Self { screens: Vec::new(), routes: Vec::new(), all };
        for screen in screens {
            let file = camel(&screen.screen.name);
            let id = declared(&screen.screen.naming)
                .unwrap_or_else(|| ids.free([file.clone(), format!("{file}Screen")]));
            ids.screens.push(id);
        }
        for route in routes {
            let theirs = route.target.as_ref().and_then(|target| target.operation()?.operation_id.as_deref());
            let by_path =
                camel(&format!("{} {}", route.method.as_str().to_lowercase(), route.route.path_text));
            let names = theirs.map(camel).into_iter().chain([by_path]);
            let id = declared(&route.route.naming).unwrap_or_else(|| ids.free(names));
            ids.routes.push(id);
        }
        ids
    }

    fn free(&mut self, names: impl IntoIterator<Item = String>) -> String {
        let mut last = String::new();
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            if self.all.insert(name.clone()) {
                return name;
            }
            last = name;
        }
        let mut numbered = (2..).map(|number: u32| format!("{last}{number}"));
        numbered.find(|name| self.all.insert(name.clone())).unwrap_or(last)
    }

    pub(super) fn screen(&self, place: usize) -> &str {
        &self.screens[place]
    }

    pub(super) fn route(&self, place: usize) -> &str {
        &self.routes[place]
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.all.contains(id)
    }
}
