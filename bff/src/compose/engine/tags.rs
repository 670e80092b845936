//! What parts and joins depend on, as hashes of tags.

use super::{
    host::Host,
    segments::Segments,
    state::{Came, JoinRun, Run},
    values::Values,
};
use crate::compose::plan::TagTemplate;

impl<H: Host> Run<'_, '_, H> {
    /// What a part is about, as texts of tags.
    pub(super) fn subjects(&self, place: usize) -> Vec<String> {
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        let text = |tag: &TagTemplate| {
            let mut text = String::new();
            write_tag(tag, &values, &mut text).then_some(text)
        };
        self.parts[place].plan.tags.iter().filter_map(text).collect()
    }

    /// Hashes of the tags of a part, by what is known of it.
    pub(super) fn tags_of(&mut self, place: usize, came: &[Segments<'_>]) -> Vec<u32> {
        let plan = self.parts[place].plan;
        let mut text = std::mem::take(&mut self.text);
        let answers = Came(&self.parts);
        let values = Values { asked: self.asked, answers: &answers };
        let mut tags = Vec::with_capacity(8);
        for tag in &plan.tags {
            text.clear();
            text.push('!');
            if write_tag(tag, &values, &mut text) {
                tags.extend(text.get(1..).map(|text| self.host.hash_tag(text)));
                // What only those documents bear that cannot be without the thing.
                if plan.required {
                    tags.push(self.host.hash_tag(&text));
                }
            }
        }
        for (kind, capture) in &plan.tags_of {
            for id in came.iter().take(1).flat_map(|pieces| pieces.texts(*capture)) {
                text.clear();
                text.extend([kind, ":", &*id]);
                tags.push(self.host.hash_tag(&text));
            }
        }
        self.text = text;
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// Hashes of the tags of what a join's run looked up.
    pub(super) fn tags_of_join(&self, run: &JoinRun<'_>, tags: &mut Vec<u32>) {
        let Some(kind) = &run.lookup.tag else { return };
        let mut text = String::with_capacity(64);
        for (slot, _) in run.slots.iter().enumerate().filter(|(_, slot)| !slot.views.is_empty()) {
            text.clear();
            text.extend([kind, ":", run.slots.id(slot)]);
            tags.push(self.host.hash_tag(&text));
        }
    }
}

/// Writes a tag; false where it names nothing.
fn write_tag(tag: &TagTemplate, values: &Values<'_>, text: &mut String) -> bool {
    text.push_str(&tag.kind);
    let Some(id) = &tag.id else { return true };
    let Some(id) = values.text(id) else { return false };
    text.extend([":", &*id]);
    true
}
