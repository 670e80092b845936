//! A place beside cached data where a caller of the cache keeps what it derives from that data once, such as a header value.
//! The cache itself knows nothing of HTTP.

use std::{any::Any, sync::OnceLock};

/// One value of any type.
#[derive(Debug, Default)]
pub struct Beside(OnceLock<Box<dyn Any + Send + Sync>>);

impl Beside {
    /// The value that is there, or the one that is made now. Nothing where one of another type is there.
    pub fn get<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Box::new(make())).downcast_ref()
    }
}
