//! Settings: all mistakes at once, what production refuses, and that secrets stay secret.

use std::path::Path;

use tests::run_bff;

/// Settings that are sound in production but for the keys in `keys`.
const SOUND: [(&str, &str); 3] = [
    ("profile", "production"),
    ("session.secret", "planted-0123456789abcdef0123456789abcdef"),
    ("cors.allowed_origins", "https://app.example"),
];

async fn check(folder: &Path, settings: &[(&str, &str)]) -> (bool, String) {
    let (code, text) = run_bff(&["check"], settings, folder).await;
    (code == Some(0), text)
}

async fn with_keys() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join(".bff/keys").display().to_string();
    let (code, text) = run_bff(&["keys", "new", "--dir", &dir], &[], folder.path()).await;
    assert_eq!(code, Some(0), "{text}");
    folder
}

#[tokio::test]
async fn the_defaults_are_sound_in_development() {
    let folder = tempfile::tempdir().expect("a folder");
    let (sound, text) = check(folder.path(), &[]).await;
    assert!(sound, "{text}");
}

#[tokio::test]
async fn all_mistakes_are_told_at_once_each_with_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bff.toml");
    std::fs::write(
        &file,
        "[http]\nworkers = \"many\"\n[sesion]\nidle_ms = 1\n[cache]\njitter_percent = 99\n",
    )
    .expect("a file");
    let settings = [
        ("http.listen", "nowhere"),
        ("upstreams.profile.url", "ftp://x"),
        ("upstreams.timeline.tiemout_ms", "5"),
        ("cors.allowed_origins", "*"),
        ("session.same_site", "sometimes"),
        ("store.url", "carrier-pigeon"),
        ("telemetry.log", "bff=loud"),
    ];
    let file = file.display().to_string();
    let (code, text) = run_bff(&["check", "--config", &file], &settings, folder.path()).await;
    assert_eq!(code, Some(1), "{text}");
    for key in [
        "http.workers",
        "sesion",
        "cache.jitter_percent",
        "http.listen",
        "upstreams.profile.url",
        "upstreams.timeline.tiemout_ms",
        "cors.allowed_origins",
        "session.same_site",
        "store.url",
        "telemetry.log",
    ] {
        assert!(text.lines().any(|line| line.starts_with(key)), "{key} is not named in\n{text}");
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_or_not_toml_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("missing.toml").display().to_string();
    let (code, text) = run_bff(&["check", "--config", &missing], &[], folder.path()).await;
    assert!(code == Some(1) && text.contains("missing.toml"), "{text}");
    let broken = folder.path().join("broken.toml");
    std::fs::write(&broken, "http = [").expect("a file");
    let (code, _) = run_bff(&["check", "--config", &broken.display().to_string()], &[], folder.path()).await;
    assert_eq!(code, Some(1));
}

#[tokio::test]
async fn production_starts_with_keys_a_secret_and_exact_origins() {
    let folder = with_keys().await;
    let (sound, text) = check(folder.path(), &SOUND).await;
    assert!(sound, "{text}");
}

#[tokio::test]
async fn production_refuses_what_is_only_fit_for_development() {
    let folder = with_keys().await;
    let refusals: [(&[(&str, &str)], &str); 5] = [
        (&[("session.secret", "development-secret-do-not-use-in-production")], "session.secret"),
        (&[("session.secret", "planted-short")], "session.secret"),
        (&[("session.secure", "false")], "session.secure"),
        (&[("cors.allowed_origins", "*")], "cors.allowed_origins"),
        (&[("keys.dir", "elsewhere")], "keys.dir"),
    ];
    for (changes, key) in refusals {
        let settings: Vec<_> = SOUND
            .into_iter()
            .filter(|(name, _)| !changes.iter().any(|(changed, _)| changed == name))
            .chain(changes.iter().copied())
            .collect();
        let (sound, text) = check(folder.path(), &settings).await;
        assert!(!sound, "{key} was accepted: {text}");
        assert!(text.lines().any(|line| line.starts_with(key)), "{key} is not named in\n{text}");
        assert!(!text.contains("planted"), "a secret was printed: {text}");
        let (code, text) = run_bff(&["serve"], &settings, folder.path()).await;
        assert_eq!(code, Some(1), "`serve` must refuse as `check` does: {text}");
        assert!(!text.contains("listening"), "{text}");
    }
    let nothing_set = [("profile", "production"), ("keys.dir", "elsewhere")];
    let (sound, text) = check(folder.path(), &nothing_set).await;
    assert!(!sound && text.contains("session.secret") && text.contains("keys.dir"), "{text}");
}

#[tokio::test]
async fn a_new_key_is_readable_by_its_owner_alone_and_its_public_half_is_printed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = with_keys().await;
    let dir = folder.path().join(".bff/keys");
    let key = std::fs::read_dir(&dir).expect("keys").next().expect("one").expect("readable").path();
    assert_eq!(std::fs::metadata(&key).expect("metadata").permissions().mode() & 0o777, 0o600);
    let (code, text) =
        run_bff(&["keys", "jwks", "--dir", &dir.display().to_string()], &[], folder.path()).await;
    assert_eq!(code, Some(0), "{text}");
    let jwks: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(jwks["keys"].as_array().map(Vec::len), Some(1));
    assert_eq!(jwks["keys"][0].get("d"), None, "no private part");
}

#[tokio::test]
async fn a_second_gateway_on_the_same_store_says_so_and_does_not_start() {
    let bff = tests::TestBff::spawn().await;
    let store = format!("embedded:{}", bff.folder().join("store.redb").display());
    let other = tempfile::tempdir().expect("a folder");
    let settings =
        [("http.listen", "127.0.0.1:0"), ("internal.listen", "127.0.0.1:0"), ("store.url", &*store)];
    let (code, text) = run_bff(&["serve"], &settings, other.path()).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("store"), "{text}");
    let _ = bff.internal("/readyz").await.expect(200);
}
