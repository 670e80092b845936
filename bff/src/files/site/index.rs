//! The table of everything that is served, made when the folder is read and never changed after that.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Loaded, SiteError, SiteSettings,
    encodings::Coding,
    entry::{Entry, Room},
    folder::{self, Found, Notes},
    names::{self, Hash},
};

const PAGE: &str = "/index.html";

/// What is at which path.
#[derive(Debug)]
pub(super) struct Index {
    files: HashMap<Box<str>, File>,
    /// `/index.html`, which stands in for pages that only the app not_modified.
    page: Arc<Entry>,
    changed: usize,
}

#[derive(Debug, Clone)]
struct File {
    entry: Arc<Entry>,
    /// Since when it is in the folder no more.
    gone: Option<Instant>,
}

impl Index {
    /// Reads the folder. Of `before`, what was made of the same bytes is used again, and files that are named after
    /// their content stay for a time.
    pub(super) fn read(
        settings: &SiteSettings,
        before: Option<&Self>,
        now: Instant,
        notes: &mut Notes,
    ) -> Result<Self, SiteError> {
        let mut found = folder::walk(&settings.dir, notes)?;
        if !settings.source_maps {
            found.retain(|file| !names::is_source_map(&file.path));
        }
        let paths: HashSet<&str> = found.iter().map(|found| found.path.as_str()).collect();
        let (mut originals, mut copies) = (Vec::new(), HashMap::<&str, Vec<(Coding, &Found)>>::new());
        for file in &found {
            match original(&file.path).filter(|(path, _)| paths.contains(path)) {
                Some((path, coding)) => copies.entry(path).or_default().push((coding, file)),
                None => originals.push(file),
            }
        }
        let hashed = hashed_folders(&originals);
        // Small files first: memory is for those that are asked for most often.
        originals.sort_by_key(|file| (file.path != PAGE, file.length));
        let (mut files, mut changed, mut room) = (HashMap::new(), 0, Room(settings.memory));
        for file in originals {
            let immutable = names::hash_in(&file.path) == Hash::Certain
                || hashed.contains(folder_of(&file.path))
                || names::is_in_a_hashed_folder(&file.path)
                || settings.immutable.iter().any(|start| file.path.starts_with(start.as_str()));
            let known =
                before.and_then(|before| before.files.get(file.path.as_str())).map(|known| &*known.entry);
            let copies = copies.get(file.path.as_str()).map_or(&[][..], Vec::as_slice);
            let entry = Entry::read(file, copies, immutable, known, &mut room, notes)?;
            changed += usize::from(!known.is_some_and(|known| known.equals(&entry)));
            files.insert(file.path.as_str().into(), File { entry: Arc::new(entry), gone: None });
        }
        let page = files.get(PAGE).map(|file: &File| Arc::clone(&file.entry));
        let page = page.ok_or_else(|| SiteError::NoPage(settings.dir.clone()))?;
        let mut index = Self { files, page, changed };
        if let Some(before) = before {
            index.keep(before, settings.retire, now, &mut room);
        }
        Ok(index)
    }

    /// Takes over what open tabs may still ask for: the latest first, as far as there is room.
    fn keep(&mut self, before: &Self, retire: Duration, now: Instant, room: &mut Room) {
        let mut left: Vec<_> = before
            .files
            .iter()
            .filter(|(path, file)| file.entry.immutable && !self.files.contains_key(*path))
            .map(|(path, file)| (file.gone.unwrap_or(now), path, &file.entry))
            .filter(|(gone, ..)| now.saturating_duration_since(*gone) < retire)
            .collect();
        left.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        for (gone, path, entry) in left {
            if room.take(entry.weight()) {
                self.files.insert(path.clone(), File { entry: Arc::clone(entry), gone: Some(gone) });
            }
        }
    }

    /// What is at `path`: the file, or the page that stands there as `path.html` or `path/index.html`.
    pub(super) fn find(&self, path: &str) -> Option<&Arc<Entry>> {
        if path == "/" {
            return Some(&self.page);
        }
        let exact = self.files.get(path);
        let file = exact.or_else(|| {
            let place = path.strip_suffix('/').unwrap_or(path);
            let named = |ending: &str| self.files.get(format!("{place}{ending}").as_str());
            named(".html").or_else(|| named("/index.html"))
        });
        file.map(|file| &file.entry)
    }

    pub(super) fn page(&self) -> &Arc<Entry> {
        &self.page
    }

    pub(super) fn loaded(&self, notes: Notes) -> Loaded {
        Loaded {
            files: self.files.len(),
            retired: self.files.values().filter(|file| file.gone.is_some()).count(),
            changed: self.changed,
            bytes: self.files.values().map(|file| file.entry.weight()).sum(),
            notes: notes.into_lines(),
        }
    }

    /// How many files have been gone for longer than `retire`.
    pub(super) fn over(&self, retire: Duration, now: Instant) -> usize {
        self.files.values().filter(|file| file.is_over(retire, now)).count()
    }

    pub(super) fn without_retired(&self, retire: Duration, now: Instant) -> Self {
        let files = self.files.iter().filter(|(_, file)| !file.is_over(retire, now));
        let files = files.map(|(path, file)| (path.clone(), file.clone())).collect();
        Self { files, page: Arc::clone(&self.page), changed: self.changed }
    }
}

impl File {
    fn is_over(&self, retire: Duration, now: Instant) -> bool {
        self.gone.is_some_and(|gone| now.saturating_duration_since(gone) >= retire)
    }
}

/// The path of the file that one of this name would be a compressed copy of.
fn original(path: &str) -> Option<(&str, Coding)> {
    Coding::ALL.into_iter().find_map(|coding| Some((path.strip_suffix(coding.ending())?, coding)))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Folders in which all names could bear a hash, and one, or most of them, certainly do: a hash in letters alone (one in
/// four that Vite makes) looks like a word, but not all of its neighbours do.
fn hashed_folders<'a>(files: &[&'a Found]) -> HashSet<&'a str> {
    let mut folders = HashMap::<&str, Vec<Hash>>::new();
    for file in files {
        folders.entry(folder_of(&file.path)).or_default().push(names::hash_in(&file.path));
    }
    let hashed = |names: &[Hash]| {
        let certain = names.iter().filter(|name| **name == Hash::Certain).count();
        match names.iter().min() {
            Some(Hash::Possible | Hash::Certain) => certain > 0,
            Some(Hash::Long) => certain * 2 > names.len(),
            Some(Hash::None) | None => false,
        }
    };
    folders.into_iter().filter(|(_, names)| hashed(names)).map(|(folder, _)| folder).collect()
}
