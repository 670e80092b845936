//! The life of a document, and of the parts that it is made of.

mod documents;
mod parts;
