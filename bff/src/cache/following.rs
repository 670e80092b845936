//! A composition under way, read field by field.

use tokio::sync::watch;

use super::{
    in_flight::{Completed, Pending},
    served::{FillError, Forward, Outcome, Served},
};
use crate::compose::Field;

/// A document that is there, or one to read along with.
pub enum Followed<E> {
    There(Served),
    UnderWay(Following<E>),
}

/// A composition under way, field by field.
pub struct Following<E> {
    pub(super) fields: watch::Receiver<Vec<Field>>,
    pub(super) seen: usize,
    pub(super) pending: Option<Pending<E>>,
    pub(super) forward: Forward,
    pub(super) collapsed: bool,
}

impl<E> Following<E> {
    /// Why it is composed, and whether for somebody else in the first place.
    #[must_use]
    pub fn cause(&self) -> (Forward, bool) {
        (self.forward, self.collapsed)
    }
}

/// What comes next of a composition.
pub enum Next<E> {
    Field(Field),
    /// The complete document, or why there is none: the last that comes.
    End(Result<Served, FillError<E>>),
}

impl<E: Clone> Following<E> {
    /// The next field, or the end. `None` after that.
    pub async fn next(&mut self) -> Option<Next<E>> {
        let mut pending = self.pending.clone()?;
        loop {
            let field = self.fields.borrow_and_update().get(self.seen).cloned();
            if let Some(field) = field {
                self.seen += 1;
                return Some(Next::Field(field));
            }
            tokio::select! {
                // In this order: what was finished before the end comes before it.
                biased;
                Ok(()) = self.fields.changed() => {}
                completed = &mut pending => {
                    self.pending = None;
                    let (forward, collapsed) = (self.forward, self.collapsed);
                    return Some(Next::End(completed.map(|Completed { document, stored }| {
                        Served { document, outcome: Outcome::Composed { forward, collapsed, stored } }
                    })));
                }
            }
        }
    }
}
