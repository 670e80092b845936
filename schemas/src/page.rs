//! Lists.

use serde::{Deserialize, Serialize};

/// One page of a list that is walked by cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Asks for the next page; null on the last one.
    #[serde(default = "Option::default")]
    pub next_cursor: Option<String>,
}

/// One page of a list that is walked by number, from 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NumberedPage<T> {
    pub items: Vec<T>,
    pub page: u32,
    pub page_size: u32,
    /// Rows on all pages together.
    pub total: u64,
}

/// A whole list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Items<T> {
    pub items: Vec<T>,
}
