//! `bff check`: refuses what `bff serve` would, and repeats no secret when it says why.

use tests::run_bff;

const SECRET: &str = "planted-0123456789abcdef0123456789abcdef";

#[tokio::test]
async fn a_mistake_beside_a_secret_does_not_repeat_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mistakes = [
        ("session.secrett", SECRET, "session.secrett"),
        ("session.secret.x", SECRET, "session.secret"),
        ("sesion.secret", SECRET, "sesion"),
        ("upstreams.profile.url", "ftp://user:planted-password@host", "upstreams.profile.url"),
        ("upstreams.profile.url", "http://user:planted-password@host/", "upstreams.profile.url"),
        ("upstreams.profile.url", "http://user:planted-password@:99999/", "upstreams.profile.url"),
        ("store.url", "carrier-pigeon//user;planted-password@host", "store.url"),
    ];
    for (key, value, named) in mistakes {
        let (code, text) = run_bff(&["check"], &[(key, value)], folder.path()).await;
        assert_eq!(code, Some(1), "{key}={value}: {text}");
        assert!(text.lines().any(|line| line.starts_with(named)), "{named} is not named in\n{text}");
        assert!(!text.contains("planted"), "{key}: a secret was printed: {text}");
    }
}

#[tokio::test]
async fn a_file_with_a_mistake_in_the_line_of_a_secret_does_not_repeat_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bff.toml");
    let broken = [
        format!("[session]\nsecret = \"{SECRET}\n"),
        format!("[session]\nsecret = {SECRET}\n"),
        format!("[session]\nsecret = [\"{SECRET}\"]\n"),
        format!("[session]\nsecret = {{ a = \"{SECRET}\" }}\n"),
        format!("[session]\nsecret = \"{SECRET}\"\nsecret = \"{SECRET}\"\n"),
        format!("session = \"{SECRET}\"\n"),
        format!("[sesion]\nsecret = \"{SECRET}\"\n"),
    ];
    for text in broken {
        std::fs::write(&file, &text).expect("a file");
        for command in ["check", "serve"] {
            let arguments = [command, "--config", &file.display().to_string()];
            let (code, said) = run_bff(&arguments, &[], folder.path()).await;
            assert_eq!(code, Some(1), "{text}: {said}");
            assert!(!said.is_empty() && !said.contains("planted"), "{text}: {said}");
        }
    }
}

#[tokio::test]
async fn a_secret_may_look_like_anything() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("secret");
    for secret in
        ["1234567890123456789012345678901234567890", SECRET, "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]"]
    {
        let (code, text) = run_bff(&["check"], &[("session.secret", secret)], folder.path()).await;
        assert_eq!(code, Some(0), "from the environment: {text}");
        assert!(!text.contains(secret), "{text}");
        std::fs::write(&file, format!("{secret}\n")).expect("a file");
        let named = file.display().to_string();
        let (code, text) = run_bff(&["check"], &[("session.secret_file", &*named)], folder.path()).await;
        assert_eq!(code, Some(0), "from a file: {text}");
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_store_that_could_not_be_opened_is_told_before_anything_is_served() {
    let folder = tempfile::tempdir().expect("a folder");
    for url in ["reddis://:planted-password@host:6379", "embeded:store.redb", "memory", "embedded:", ":"] {
        let (code, text) = run_bff(&["check"], &[("store.url", url)], folder.path()).await;
        assert_eq!(code, Some(1), "`check` accepts {url}, which `serve` refuses: {text}");
        assert!(text.lines().any(|line| line.starts_with("store.url")), "{url}: {text}");
        assert!(!text.contains("planted"), "{text}");
    }
}
