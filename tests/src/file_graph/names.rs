//! From names to the files that define them.

use std::collections::BTreeSet;

use super::{
    Edge,
    sources::{Mention, Names, Sources},
};

/// Re-exports of re-exports are followed so far: `use` may be written in a circle.
const MAX_HOPS: usize = 16;

/// One edge for each mention, from file to file.
pub(super) fn edges(sources: &Sources) -> Vec<(usize, usize, Edge)> {
    let mut seen = BTreeSet::new();
    let mut edges = Vec::new();
    let uses = sources.modules.values().flat_map(|module| &module.uses);
    let counted = uses.filter(|import| {
        // Its own name and nothing else: others may use it, this file does not.
        !import.exported
            || import.name.as_ref().is_some_and(|name| sources.words[import.at.file].contains(name))
    });
    for mention in counted.map(|import| &import.at).chain(&sources.mentions) {
        let Some(to) = resolve(sources, &mention.module, &mention.path, 0) else { continue };
        if to != mention.file && seen.insert((mention.file, to, mention.line)) {
            edges.push((mention.file, to, edge(sources, mention, to)));
        }
    }
    edges
}

fn edge(sources: &Sources, mention: &Mention, to: usize) -> Edge {
    let (from, to) = (sources.files[mention.file].clone(), sources.files[to].clone());
    Edge { from, line: mention.line, path: mention.path.join("::"), to }
}

/// The file that defines what `path` names in `module`. Nothing for what other crates define, and for modules.
fn resolve(sources: &Sources, module: &Names, path: &[String], hops: usize) -> Option<usize> {
    let ups = path.iter().take_while(|name| matches!(name.as_str(), "crate" | "self" | "super")).count();
    let mut from = module.clone();
    for name in &path[..ups] {
        match name.as_str() {
            "crate" => from.clear(),
            "super" => drop(from.pop()),
            _ => {}
        }
    }
    look_up(sources, &from, &path[ups..], hops)
}

fn look_up(sources: &Sources, module: &Names, path: &[String], hops: usize) -> Option<usize> {
    let (name, rest) = path.split_first()?;
    let here = sources.modules.get(module).filter(|_| hops < MAX_HOPS)?;
    let mut child = module.clone();
    child.push(name.clone());
    if !rest.is_empty() && sources.modules.contains_key(&child) {
        return look_up(sources, &child, rest, hops);
    }
    if here.items.contains(name) {
        return Some(here.file);
    }
    let then = |import: &Mention| [&import.path[..], rest].concat();
    let named = here.uses.iter().filter(|import| import.name.as_ref() == Some(name));
    let mut found = named.filter_map(|import| resolve(sources, module, &then(&import.at), hops + 1));
    found.next().or_else(|| {
        let globs = here.uses.iter().filter(|import| import.glob);
        let through = |path: &Names| [&path[..], std::slice::from_ref(name), rest].concat();
        globs.filter_map(|import| resolve(sources, module, &through(&import.at.path), hops + 1)).next()
    })
}
