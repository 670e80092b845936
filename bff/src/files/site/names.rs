//! What a file's name tells: its type, and whether it is named after its content.

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Types by extension, those that Web pages are made of. A table of its own: that of all registered types not_modified `me`,
/// `org` and `com`, with which members' names may end.
const TYPES: &[(&str, &str)] = &[
    ("html", HTML),
    ("htm", HTML),
    ("xhtml", "application/xhtml+xml"),
    ("js", SCRIPT),
    ("mjs", SCRIPT),
    ("cjs", SCRIPT),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("jsonld", "application/ld+json"),
    ("geojson", "application/geo+json"),
    ("webmanifest", "application/manifest+json"),
    ("wasm", "application/wasm"),
    ("txt", TEXT),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("ics", "text/calendar; charset=utf-8"),
    ("vcf", "text/vcard; charset=utf-8"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("toml", "application/toml"),
    ("xml", "application/xml"),
    ("xsl", "application/xml"),
    ("rss", "application/rss+xml"),
    ("atom", "application/atom+xml"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("apng", "image/apng"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("jxl", "image/jxl"),
    ("bmp", "image/bmp"),
    ("ico", "image/x-icon"),
    ("cur", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("woff", "font/woff"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("eot", "application/vnd.ms-fontobject"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("oga", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("wav", "audio/wav"),
    ("flac", "audio/flac"),
    ("weba", "audio/webm"),
    ("mp4", "video/mp4"),
    ("m4v", "video/mp4"),
    ("webm", "video/webm"),
    ("ogv", "video/ogg"),
    ("mov", "video/quicktime"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("mpd", "application/dash+xml"),
    ("glb", "model/gltf-binary"),
    ("gltf", "model/gltf+json"),
    ("pdf", "application/pdf"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
    ("tgz", "application/gzip"),
    ("zst", "application/zstd"),
    ("br", OTHER),
    ("bin", OTHER),
    ("dat", OTHER),
];
/// Of what is in no table.
const OTHER: &str = "application/octet-stream";
/// Extensions that nobody names a page with, but those who look for holes name files that are not there.
const NO_PAGE: [&str; 16] = [
    "php", "asp", "aspx", "jsp", "cgi", "env", "bak", "sql", "sh", "exe", "dll", "ini", "conf", "log", "ts",
    "tsx",
];
/// Folders in which build tools put nothing that is not named after its content.
const HASHED_FOLDERS: [&str; 4] = ["/_next/static/", "/_nuxt/", "/_astro/", "/_app/immutable/"];

/// `Content-Type` of the file at `path`.
pub(super) fn media_type(path: &str) -> &'static str {
    match (path, extension(path)) {
        // Named so by Apple, and JSON by its documentation.
        ("/.well-known/apple-app-site-association", _) => "application/json",
        (_, Some(extension)) => type_of(extension).unwrap_or(OTHER),
        (_, None) => OTHER,
    }
}

/// Whether `media_type` shrinks when it is compressed: pictures, films and the newer fonts are compressed already.
pub(super) fn shrinks(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default();
    kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("xml")
        || matches!(
            kind,
            "application/wasm"
                | "application/yaml"
                | "application/toml"
                | "font/ttf"
                | "font/otf"
                | "image/x-icon"
        )
        || matches!(kind, "application/vnd.ms-fontobject" | "model/gltf-binary")
}

/// Whether the file at `path` is a source map, or a compressed copy of one: it holds the source that the app was made of.
pub(super) fn is_source_map(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let plain = [".br", ".gz", ".zst"].iter().find_map(|ending| lower.strip_suffix(ending));
    plain.unwrap_or(&lower).ends_with(".map")
}

/// Whether the last segment of `path` ends as files of a known kind do. `/@jane.doe` and `/release/v1.2` do not.
pub(super) fn has_known_ending(path: &str) -> bool {
    extension(path.trim_end_matches('/')).is_some_and(|extension| {
        let lower = extension.to_ascii_lowercase();
        type_of(extension).is_some() || NO_PAGE.contains(&lower.as_str())
    })
}

fn type_of(extension: &str) -> Option<&'static str> {
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map(|(_, media_type)| *media_type)
}

fn extension(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    name.rsplit_once('.').map(|(_, extension)| extension)
}

/// What speaks for a name that bears a hash of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hash {
    /// It has no part that could be one.
    None,
    /// It has a part of that length: `user-settings.js`.
    Long,
    /// It has the form of one, and a word could have it too: `index-DiwrgTda.js`, `index-HomePage.js`.
    Possible,
    /// No word looks like it.
    Certain,
}

/// Whether build tools keep nothing but hashed files where `path` is.
pub(super) fn is_in_a_hashed_folder(path: &str) -> bool {
    HASHED_FOLDERS.iter().any(|folder| path.starts_with(folder))
}

/// Looks for a hash as Vite and Rollup (`name-B3k_x9aQ.js`), esbuild and Angular (`main-5KH3JCQ2.js`), webpack
/// (`main.3f2a9c1b.chunk.js`), Parcel (`index.3f2a9c1b.css`) and Next.js (`page-0f2a3b4c5d6e7f80.js`) write it.
pub(super) fn hash_in(path: &str) -> Hash {
    let name = path.rsplit('/').next().unwrap_or_default();
    let parts: Vec<&str> = name.split('.').collect();
    let Some((_extension, parts)) = parts.split_last() else { return Hash::None };
    let mut found = Hash::None;
    for (index, part) in parts.iter().enumerate() {
        // Between dots, or the whole name.
        let between = if index > 0 || is_hex_hash(part) { kind_of(part) } else { Hash::None };
        // Eight characters after a dash, and there may be a dash among them.
        let fixed = part.len().checked_sub(9).and_then(|start| part.get(start..));
        let fixed = fixed.and_then(|tail| tail.strip_prefix('-')).map_or(Hash::None, kind_of);
        let tail = part.rsplit_once('-').map_or(Hash::None, |(_, tail)| kind_of(tail));
        found = found.max(between).max(fixed).max(tail);
    }
    found
}

fn kind_of(text: &str) -> Hash {
    let (lower, upper, digit) = (
        text.bytes().any(|b| b.is_ascii_lowercase()),
        text.bytes().any(|b| b.is_ascii_uppercase()),
        text.bytes().any(|b| b.is_ascii_digit()),
    );
    if text.len() < 8 || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Hash::None;
    }
    let turns = turns(text);
    let base32 = upper && digit && !lower && turns >= 2 && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let base64 = upper && lower && digit && turns >= 4;
    let usual = text.len() == 8 || text.len() >= 16;
    // Behind a dash or a dot, a word of these letters with a number behind it is a hash sooner than a word.
    let hex = is_hex(text) && digit && lower;
    if hex || (usual && (base32 || base64)) {
        Hash::Certain
    } else if text.len() == 8 && (upper || digit) {
        Hash::Possible
    } else if text.len() == 8 {
        Hash::Long
    } else {
        Hash::None
    }
}

/// At least 8 hexadecimal digits in lower case, and neither a number (`20240115`) nor a word with one behind it
/// (`facade12`).
fn is_hex_hash(text: &str) -> bool {
    is_hex(text) && turns(text) >= 2
}

fn is_hex(text: &str) -> bool {
    text.len() >= 8 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// How often small letters, capitals, digits and signs follow one another.
fn turns(text: &str) -> usize {
    let class = |b: u8| match b {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    text.as_bytes().windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count()
}
