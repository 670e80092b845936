//! Adds operations to the document: with what answers them, or answered elsewhere.

use actix_web::{FromRequest, Handler, Responder};
use utoipa::openapi::PathItem;

use super::{
    document::Contract,
    endpoint::{Answering, answering},
    operation::Operation,
};

impl Contract {
    /// Adds an operation and what answers it: an actix handler, with any extractors.
    pub fn serve<H, Args>(&mut self, operation: Operation, handler: H)
    where
        H: Handler<Args> + Send + Sync,
        H::Output: Responder + 'static,
        Args: FromRequest + 'static,
    {
        self.serve_by(operation, answering(handler));
    }

    /// The same with a handler that has forgotten its types.
    pub fn serve_by(&mut self, operation: Operation, answer: Answering) {
        self.endpoints.push(operation.endpoint(answer));
        self.add(operation);
    }

    /// Adds an operation that is answered elsewhere.
    pub fn add(&mut self, operation: Operation) {
        let (path, method, described) = operation.describe(self);
        self.operation_ids.extend(described.operation_id.clone());
        let item = PathItem::new(method, described);
        match self.paths.get_mut(&path) {
            Some(there) => there.merge_operations(item),
            None => {
                self.paths.insert(path, item);
            }
        }
    }
}
