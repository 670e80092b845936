//! A declared screen, ready to be asked for.

use std::sync::Arc;

use actix_web::http::header::HeaderValue;

use super::{documents::ScreenDocuments, plain::Plain, settings::ScreenSettings};
use crate::{
    compose::{
        backend::Backend,
        engine::{Engine, UnknownLookup},
        plan::{ParamSource, ScreenPlan},
    },
    edge::vary_by,
};

/// What declared screens are made with.
pub struct DeclaredScreensParts {
    pub backend: Backend,
    pub documents: ScreenDocuments,
    /// The settings of the screen of a name.
    pub settings: Box<dyn Fn(&str) -> ScreenSettings>,
}

/// A screen, ready to be asked for.
pub struct DeclaredScreen {
    pub(super) backend: Backend,
    pub(super) engine: Engine,
    pub(super) settings: ScreenSettings,
    pub(super) documents: ScreenDocuments,
    /// Where parameters are read from other headers than all screens depend on.
    pub(super) vary: Option<HeaderValue>,
    /// What those ask for who say nothing.
    pub(super) plain: Option<Plain>,
}

impl DeclaredScreen {
    /// Where it is, as the declaration says it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.plan().path
    }

    pub(super) fn plan(&self) -> &ScreenPlan {
        self.engine.plan()
    }
}

/// The screens of the backend's plan.
///
/// # Errors
/// [`UnknownLookup`]: the plan does not fit itself.
pub fn declared_screens(parts: DeclaredScreensParts) -> Result<Vec<Arc<DeclaredScreen>>, UnknownLookup> {
    let DeclaredScreensParts { backend, documents, settings } = parts;
    let plan = Arc::clone(backend.plan());
    let screens = plan.screens.iter().map(|screen| {
        let headers = screen.params.iter().filter_map(|param| match &param.source {
            ParamSource::Header(name) => Some(&**name),
            _ => None,
        });
        Ok(Arc::new(DeclaredScreen {
            backend: backend.clone(),
            engine: Engine::new(Arc::clone(screen), &plan.lookups)?,
            settings: settings(screen.name),
            documents: documents.clone(),
            vary: vary_by(headers),
            plain: Plain::of(screen),
        }))
    });
    screens.collect()
}
