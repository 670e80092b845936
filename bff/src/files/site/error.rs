//! Why a site cannot be served.

use std::io;
use std::path::PathBuf;

use actix_web::http::header::InvalidHeaderValue;

/// Why a folder is not served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error("`{path}` cannot be read")]
    Read { path: PathBuf, source: io::Error },
    #[error("`{0}` holds no index.html")]
    NoPage(PathBuf),
    #[error("`{0}` holds more than {max} files: is it the folder of a build?", max = super::settings::MOST_FILES)]
    TooMany(PathBuf),
    #[error("the content security policy is no header value")]
    Policy(#[from] InvalidHeaderValue),
}
