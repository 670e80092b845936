//! `bff new DIR`: writes declarations to start from, with a service that answers them. No request passes through here.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use super::{
    declarations_schema,
    mistake::{one_line, quoted},
};

/// Includes files of `bff/new`: where each goes, and its text.
macro_rules! templates {
    ($($path:literal from $file:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../../new/", $file)))),+]
    };
}

static TEMPLATES: &[(&str, &str)] = templates![
    "gateway.toml" from "gateway.toml",
    "screens/home.toml" from "screens/home.toml",
    "routes/items.toml" from "routes/items.toml",
    "contracts/service.yaml" from "contracts/service.yaml",
    "service.mjs" from "service.mjs",
    "README.md" from "README.md",
    ".gitignore" from "gitignore",
];
/// The schema that the first line of each TOML file names.
const SCHEMA: &str = "declarations.schema.json";
/// Stands for the product's name in the templates.
const NAME: &str = "{{name}}";
/// The longest name of a product, in bytes: file systems allow no longer one.
const MAX_NAME: usize = 255;

/// Why no gateway was made.
#[derive(Debug, thiserror::Error)]
pub enum StarterError {
    #[error(
        "{} cannot name a product: a folder's name begins with a letter or digit and holds letters, digits, spaces and `-_.`",
        one_line(&quoted(.0))
    )]
    Name(String),
    #[error("{} is no folder", shown(.0))]
    NoFolder(PathBuf),
    #[error("{} is not empty", shown(.0))]
    NotEmpty(PathBuf),
    #[error("{}", shown(.path))]
    File { path: PathBuf, source: io::Error },
}

/// On one line, whatever the path holds.
fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}

/// Writes a first gateway to `dir`, which is made where it is missing, and answers the names of its files. The product is
/// named after the folder.
///
/// # Errors
/// `dir` is something else than an empty folder, has a name that no product can have, or cannot be written to. What was
/// written until then is removed again.
pub fn write_starter(dir: &Path) -> Result<Vec<String>, StarterError> {
    let name = product_name(dir)?;
    let made_here = prepare(dir)?;
    let mut starter = Starter { dir, made_here, made: Vec::new() };
    let schema = format!("{:#}\n", declarations_schema());
    let texts = TEMPLATES.iter().map(|(path, text)| (*path, text.replace(NAME, &name)));
    for (path, text) in texts.chain([(SCHEMA, schema)]) {
        if let Err(error) = starter.write(path, &text) {
            starter.undo();
            return Err(error);
        }
    }
    Ok(TEMPLATES.iter().map(|(path, _)| (*path).to_owned()).chain([SCHEMA.to_owned()]).collect())
}

/// The name of the folder: `.` and `..` are looked up. It stands in TOML, YAML and Markdown between quotes or as it is, so
/// that it may hold nothing that means something there.
fn product_name(dir: &Path) -> Result<String, StarterError> {
    let found = match dir.file_name() {
        Some(name) => Some(name.to_owned()),
        None if dir.as_os_str().is_empty() => None,
        None => {
            let whole = dir.canonicalize();
            let whole = whole.map_err(|source| StarterError::File { path: dir.to_owned(), source })?;
            whole.file_name().map(ToOwned::to_owned)
        }
    };
    let shown = found.unwrap_or_default().to_string_lossy().into_owned();
    let fits = |c: char| c.is_alphanumeric() || " -_.".contains(c);
    let good = shown.starts_with(char::is_alphanumeric) && shown.chars().all(fits) && !shown.ends_with(' ');
    if good && shown.len() <= MAX_NAME { Ok(shown) } else { Err(StarterError::Name(shown)) }
}

/// Makes the folder, or finds it empty. Answers whether it was made.
fn prepare(dir: &Path) -> Result<bool, StarterError> {
    let failed = |source| StarterError::File { path: dir.to_owned(), source };
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(StarterError::NotEmpty(dir.to_owned())),
            None => Ok(false),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            fs::create_dir_all(dir).map_err(failed)?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => Err(StarterError::NoFolder(dir.to_owned())),
        Err(error) => Err(failed(error)),
    }
}

/// What was made so far.
struct Starter<'d> {
    dir: &'d Path,
    /// Whether the folder itself was.
    made_here: bool,
    /// Folders and files, in the order in which they were made.
    made: Vec<PathBuf>,
}

impl Starter<'_> {
    fn write(&mut self, path: &str, text: &str) -> Result<(), StarterError> {
        let path = self.dir.join(path);
        let failed = |source| StarterError::File { path: path.clone(), source };
        if let Some(folder) = path.parent()
            && !folder.exists()
        {
            fs::create_dir(folder).map_err(failed)?;
            self.made.push(folder.to_owned());
        }
        // Another run of the command in the same place at the same time loses nothing.
        let mut file = fs::File::create_new(&path).map_err(failed)?;
        self.made.push(path.clone());
        file.write_all(text.as_bytes()).map_err(failed)
    }

    /// Removes it again. What cannot be removed stays: the error that led here is the one to tell.
    fn undo(self) {
        for path in self.made.iter().rev() {
            let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
        }
        if self.made_here {
            let _ = fs::remove_dir(self.dir);
        }
    }
}
