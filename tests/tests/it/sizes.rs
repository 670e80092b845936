//! Files and functions stay so short that they can be read at once.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use tests::file_graph::FileGraph;

const MAX_FILE_LINES: usize = 400;
const MAX_FUNCTION_LINES: usize = 80;
const CRATES: [(&str, &[&str]); 4] = [
    ("bff/src", &["lib.rs", "main.rs"]),
    ("clients/src", &["lib.rs"]),
    ("schemas/src", &["lib.rs"]),
    ("deploy/upstreams/src", &["lib.rs", "main.rs"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn no_file_is_over_400_lines() {
    let (mut long, mut seen) = (BTreeSet::new(), 0);
    for (folder, _) in CRATES {
        let mut files = Vec::new();
        rust_files(&root().join(folder), &mut files);
        for file in files {
            seen += 1;
            let lines = fs::read_to_string(&file).expect("text").lines().count();
            if lines > MAX_FILE_LINES {
                long.insert(file.strip_prefix(root()).expect("within").display().to_string());
            }
        }
    }
    assert!(seen > 100, "the sources are not where they were");
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn no_function_outside_of_tests_is_over_80_lines() {
    let (mut long, mut seen) = (BTreeSet::new(), 0);
    for (folder, files) in CRATES {
        for file in files {
            let graph = FileGraph::read(&root().join(folder), file).expect("sources that can be read");
            seen += graph.functions().len();
            let over = graph.functions().iter().filter(|function| function.lines > MAX_FUNCTION_LINES);
            long.extend(over.map(|function| (format!("{folder}/{}", function.file), function.name.clone())));
        }
    }
    assert!(seen > 1000, "the reader sees little");
    assert!(long.is_empty(), "{long:?}");
}
