//! What `bff new` writes.

use std::{fs, path::Path};

use super::{
    super::{Declarations, StarterError, declarations_schema, write_starter},
    schema::{json, validator},
};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn files_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_gateway_is_sound_and_named_after_its_folder() {
    for name in ["shop", "My shop 2.0", "가게", "a-b_c"] {
        let parent = folder();
        let dir = parent.path().join("made/on/the/way").join(name);
        let written = write_starter(&dir).expect("a gateway");
        assert!(written.iter().all(|path| dir.join(path).is_file()), "{written:?}");
        let declarations = Declarations::from_dir(&dir).expect("sound declarations");
        let plan = declarations.compile();
        assert_eq!((plan.upstreams.len(), plan.screens.len(), plan.routes.len()), (1, 1, 1));
        let gateway = json(&fs::read_to_string(dir.join("gateway.toml")).expect("text"));
        assert_eq!(gateway["title"], name);
        for path in written {
            let text = fs::read_to_string(dir.join(&path)).expect("text");
            assert!(!text.contains("{{"), "{path}");
        }
    }
}

#[test]
fn its_files_name_the_schema_that_lies_beside_them_and_are_what_it_says() {
    let parent = folder();
    let dir = parent.path().join("shop");
    let written = write_starter(&dir).expect("a gateway");
    let kinds =
        [("gateway.toml", "gateway"), ("screens/home.toml", "screen"), ("routes/items.toml", "routes")];
    assert_eq!(written.iter().filter(|path| path.ends_with(".toml")).count(), kinds.len());
    for (path, kind) in kinds {
        let text = fs::read_to_string(dir.join(path)).expect("text");
        let named = text.lines().next().and_then(|line| line.strip_prefix("#:schema ")).expect("a schema");
        let schema = fs::read(dir.join(path).parent().expect("a folder").join(named)).expect("the schema");
        let schema: serde_json::Value = serde_json::from_slice(&schema).expect("JSON");
        assert_eq!(schema, declarations_schema());
        let errors: Vec<String> =
            validator(kind).iter_errors(&json(&text)).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{path}");
    }
}

#[test]
fn an_empty_folder_is_taken_and_one_with_anything_in_it_refused() {
    let parent = folder();
    let dir = parent.path().join("shop");
    fs::create_dir(&dir).expect("a folder");
    let first = write_starter(&dir).expect("a gateway");
    let gateway = dir.join("gateway.toml");
    fs::write(&gateway, "mine").expect("a change");
    let refused = write_starter(&dir).expect_err("not empty");
    assert!(matches!(&refused, StarterError::NotEmpty(path) if *path == dir), "{refused}");
    assert_eq!(fs::read_to_string(&gateway).expect("text"), "mine");
    let refused = write_starter(&gateway).expect_err("a file");
    assert!(matches!(refused, StarterError::NoFolder(_)), "{refused}");
    let refused = write_starter(&gateway.join("shop")).expect_err("beneath a file");
    assert!(matches!(refused, StarterError::NoFolder(_) | StarterError::File { .. }), "{refused}");
    assert!(first.len() > 5);
}

#[test]
fn a_name_that_would_mean_something_else_in_a_file_is_refused_and_nothing_is_made() {
    let parent = folder();
    for name in ["a\"b", "a\nb", "a{b}", "-rf", ".hidden", "a`b", "a: b", "$(x)", " shop", "shop ", "#"] {
        let refused = write_starter(&parent.path().join(name)).expect_err(name);
        assert!(matches!(refused, StarterError::Name(_)), "{refused}");
        assert!(!refused.to_string().contains('\n'), "{refused}");
    }
    for name in ["", "/"] {
        assert!(matches!(write_starter(Path::new(name)), Err(StarterError::Name(_))), "{name}");
    }
    let missing = parent.path().join("missing/..");
    assert!(matches!(write_starter(&missing), Err(StarterError::File { .. })));
    assert_eq!(files_in(parent.path()), Vec::<String>::new());
}

#[test]
fn the_folder_that_is_meant_by_dots_gives_the_name() {
    let parent = folder();
    let dir = parent.path().join("shop");
    fs::create_dir_all(dir.join("inner")).expect("folders");
    let refused = write_starter(&dir.join("inner/..")).expect_err("it holds `inner`");
    assert!(matches!(refused, StarterError::NotEmpty(_)), "{refused}");
    fs::remove_dir(dir.join("inner")).expect("it is empty");
    write_starter(&dir.join(".")).expect("a gateway");
    assert!(fs::read_to_string(dir.join("gateway.toml")).expect("text").contains("title = \"shop\""));
}
