//! Where files are kept (`files.url`), and what must hold of `files.*`.

use std::path::{Component, Path, PathBuf};

use secrecy::ExposeSecret;
use url::{Host, Url};

use super::check::{Check, DAY_MS};
use super::{Config, FilesConfig};

/// What can be told by first bytes. HTML and SVG are not among it, and never will be: browsers run them.
pub const FILE_TYPES: [&str; 10] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/avif",
    "image/gif",
    "application/pdf",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "application/zip",
];

/// What `files.url` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileStorage {
    None,
    Folder(PathBuf),
    S3(Box<S3Location>),
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Location {
    pub bucket: String,
    pub region: String,
    /// Where the gateway reaches it.
    pub endpoint: Url,
    /// Where browsers do.
    pub public_endpoint: Url,
    pub path_style: bool,
}

impl FilesConfig {
    /// Where files are kept.
    ///
    /// # Errors
    /// What is wrong with `files.url`; not after [`Config::load`](super::Config::load), which has refused it. Holds nothing
    /// of it: a password may have been pasted.
    pub fn storage(&self) -> Result<FileStorage, &'static str> {
        match self.url.split_once(':') {
            None if self.url.is_empty() => Ok(FileStorage::None),
            Some(("folder", path)) => folder(path),
            Some(("s3", _)) => s3(&self.url).map(|location| FileStorage::S3(Box::new(location))),
            _ => Err("must be folder:PATH or s3://BUCKET?region=…&endpoint=…&path_style=…"),
        }
    }
}

fn folder(path: &str) -> Result<FileStorage, &'static str> {
    let path = Path::new(path);
    if path.as_os_str().is_empty() {
        return Err("names no path: folder:PATH");
    }
    if path.components().all(|step| matches!(step, Component::RootDir | Component::CurDir)) {
        return Err("must be a folder of its own");
    }
    Ok(FileStorage::Folder(path.to_owned()))
}

fn s3(text: &str) -> Result<S3Location, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be s3://BUCKET?region=…&endpoint=…&path_style=…")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must hold no credentials: they are files.access_key_id and files.secret_access_key");
    }
    let bucket = url.host_str().unwrap_or_default().to_owned();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
    if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(plain) || !matches!(url.path(), "" | "/") {
        return Err("must name a bucket: s3://BUCKET, 3 to 63 of a-z, 0-9, `-` and `.`");
    }
    let (mut region, mut endpoint, mut public, mut path_style) = ("us-east-1".to_owned(), None, None, None);
    for (key, value) in url.query_pairs() {
        match &*key {
            "region" => region = value.into_owned(),
            "endpoint" => endpoint = Some(http(&value)?),
            "public_endpoint" => public = Some(http(&value)?),
            "path_style" => path_style = Some(value.parse().map_err(|_| "path_style must be true or false")?),
            _ => return Err("may have region, endpoint, public_endpoint and path_style behind `?`"),
        }
    }
    if region.is_empty() || !region.bytes().all(plain) {
        return Err("region must be a-z, 0-9 and `-`");
    }
    let path_style = path_style.unwrap_or(endpoint.is_some());
    let endpoint = match endpoint {
        Some(endpoint) => endpoint,
        None => http(&format!("https://s3.{region}.amazonaws.com"))?,
    };
    let public_endpoint = public.unwrap_or_else(|| endpoint.clone());
    let is_address = |url: &Url| matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
    if !path_style && (is_address(&endpoint) || is_address(&public_endpoint)) {
        return Err("path_style must be true where an endpoint is an address");
    }
    Ok(S3Location { bucket, region, endpoint, public_endpoint, path_style })
}

fn http(text: &str) -> Result<Url, &'static str> {
    const MESSAGE: &str = "endpoints must be http:// or https:// and name a host, without credentials";
    let url = Url::parse(text).map_err(|_| MESSAGE)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let sound = matches!(url.scheme(), "http" | "https") && url.host().is_some() && plain;
    if sound { Ok(url) } else { Err(MESSAGE) }
}

pub(super) fn check(config: &Config, check: &mut Check<'_>) {
    let files = &config.files;
    let storage = files.storage();
    check.refuse(storage.is_err(), "files.url", storage.as_ref().err().copied().unwrap_or_default());
    let is_s3 = matches!(storage, Ok(FileStorage::S3(_)));
    let (id, secret) = (&files.access_key_id, files.secret_access_key.expose_secret());
    check.refuse(is_s3 && id.is_empty(), "files.access_key_id", "is empty, and files.url is a bucket");
    check.refuse(
        is_s3 && secret.is_empty(),
        "files.secret_access_key",
        "is empty, and files.url is a bucket",
    );
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    check.refuse(!plain(id), "files.access_key_id", "must be visible ASCII");
    check.refuse(!plain(secret), "files.secret_access_key", "must be visible ASCII");
    if !files.ca_file.is_empty()
        && let Err(error) = std::fs::File::open(&files.ca_file)
    {
        check.refuse(true, "files.ca_file", &format!("cannot be read: {error}"));
    }
    accel(files, is_s3, check);
    for (index, media_type) in files.types.iter().enumerate() {
        let path = format!("files.types[{index}]");
        let known = FILE_TYPES.contains(&media_type.as_str());
        check.refuse(!known, &path, &format!("must be one of {}", FILE_TYPES.join(", ")));
        check.refuse(files.types[..index].contains(media_type), &path, "is in the list already");
    }
    check.refuse(files.types.is_empty(), "files.types", "is empty: nothing could be uploaded");
    for (path, value, range) in [
        ("files.max_bytes", files.max_bytes, 1..=1 << 40),
        ("files.per_user_day_bytes", files.per_user_day_bytes, 1..=1 << 50),
        ("files.timeout_ms", files.timeout_ms.get(), 100..=600_000),
        ("files.upload_ms", files.upload_ms.get(), 1000..=7 * DAY_MS),
        ("files.read_ms", files.read_ms.get(), 60_000..=7 * DAY_MS),
        ("files.idle_ms", files.idle_ms.get(), 100..=600_000),
        ("files.pending_ms", files.pending_ms.get(), 1000..=30 * DAY_MS),
        ("files.sweep_ms", files.sweep_ms.get(), 100..=DAY_MS),
    ] {
        check.range(path, value, range);
    }
    let short = files.per_user_day_bytes < files.max_bytes;
    check.refuse(short, "files.per_user_day_bytes", "is below files.max_bytes");
    let early = files.pending_ms < files.upload_ms && files.pending_ms.get() >= 60_000;
    check.refuse(
        early,
        "files.pending_ms",
        "is below files.upload_ms: uploads would be swept while they run",
    );
}

fn accel(files: &FilesConfig, is_s3: bool, check: &mut Check<'_>) {
    let accel = &files.accel;
    if accel.is_empty() {
        return;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.');
    let sound = accel.starts_with('/') && accel.len() > 1 && accel.bytes().all(plain);
    let steps = accel.split('/').any(|step| matches!(step, "." | ".."));
    check.refuse(!sound || steps, "files.accel", "must be a location of nginx such as /internal-files/");
    check.refuse(is_s3, "files.accel", "is for folder:PATH alone: a bucket sends files itself");
}

/// What is allowed and probably not meant.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(FileStorage::S3(location)) = config.files.storage()
        && config.is_production()
        && location.public_endpoint.scheme() == "http"
    {
        found.push("files.url: callers send and get files without encryption".to_owned());
    }
    if let Ok(FileStorage::Folder(_)) = config.files.storage()
        && config.store.url.as_str().starts_with("redis")
    {
        found.push(
            "files.url: replicas share a store; the folder must be one that all of them see as well"
                .to_owned(),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{FileStorage, folder, s3};

    #[test]
    fn a_bucket_is_where_its_url_says() {
        let aws = s3("s3://pictures?region=ap-northeast-2").expect("sound");
        assert_eq!(aws.endpoint.as_str(), "https://s3.ap-northeast-2.amazonaws.com/");
        assert!(!aws.path_style && aws.endpoint == aws.public_endpoint);
        let own = s3("s3://pictures?endpoint=http://127.0.0.1:9000&public_endpoint=https%3A%2F%2Fs3.example");
        let own = own.expect("sound");
        assert_eq!((own.endpoint.port(), own.path_style), (Some(9000), true));
        assert_eq!(own.public_endpoint.as_str(), "https://s3.example/");
        for bad in [
            "s3://",
            "s3://A_B",
            "s3://pictures/sub",
            "s3://key:secret@pictures",
            "s3://pictures?endpoint=ftp://host",
            "s3://pictures?endpoint=http://a:secret@host",
            "s3://pictures?endpoint=http://127.0.0.1&path_style=false",
            "s3://pictures?path_style=maybe",
            "s3://pictures?regoin=x",
            "s3://pictures?region=",
        ] {
            let fault = s3(bad).expect_err(bad);
            assert!(!fault.contains("secret@"), "{fault}");
        }
    }

    #[test]
    fn a_folder_is_one_of_its_own() {
        assert!(matches!(folder(".bff/files"), Ok(FileStorage::Folder(_))));
        for bad in ["", "/", ".", "./"] {
            assert!(folder(bad).is_err(), "{bad}");
        }
    }
}
