//! The pass itself.

use std::{borrow::Cow, collections::HashSet};

use super::{
    MAX_BYTES, MAX_DEPTH, ScanError,
    emit::Output,
    number::number,
    plan::{Compiled, Plan, Types, UNTYPED},
    scanned::{Found, Scanned},
    string::{end_of_string, unescaped},
};

/// Fields of an object whose presence is noted without an allocation.
const FEW_FIELDS: usize = 256;
/// Names of an object that are compared each with each.
const FEW_NAMES: usize = 16;

impl Plan {
    /// Looks once at every byte of an upstream's `answer`. The text comes back with what was found, since positions are
    /// those in it.
    ///
    /// # Errors
    /// [`ScanError`] where it is not what the plan expects: none of it may be used then.
    pub fn scan<'a>(&self, answer: &'a [u8]) -> Result<(&'a str, Scanned<'_>), ScanError> {
        if answer.len() > MAX_BYTES {
            return Err(ScanError::TooLarge);
        }
        let text = str::from_utf8(answer).map_err(|error| ScanError::NotUtf8(error.valid_up_to()))?;
        self.scan_text(text).map(|scanned| (text, scanned))
    }

    /// The same for what is known to be text.
    ///
    /// # Errors
    /// [`ScanError`].
    pub fn scan_text(&self, text: &str) -> Result<Scanned<'_>, ScanError> {
        let answer = text.as_bytes();
        if answer.len() > MAX_BYTES {
            return Err(ScanError::TooLarge);
        }
        let (pieces, found) = self.room(answer.len());
        let mut scanner = Scanner {
            plan: self,
            text,
            bytes: answer,
            at: 0,
            out: Output::new(pieces, found),
            names: Vec::new(),
            exporting: 0,
        };
        let mode = Mode { emits: self.whole, finds: true };
        scanner.value(self.node(self.root()), mode, 0)?;
        scanner.skip_space();
        if scanner.at < answer.len() {
            return Err(ScanError::NotJson(scanner.at));
        }
        Ok(scanner.out.finish())
    }
}

struct Scanner<'p, 'a> {
    plan: &'p Plan,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: Output<'p>,
    /// Names that the plan does not know, of all objects that are open: where they stand.
    names: Vec<(usize, usize)>,
    /// How many exports are open.
    exporting: usize,
}

/// What is done with a value beside checking it.
#[derive(Clone, Copy)]
struct Mode {
    /// It leaves the gateway.
    emits: bool,
    /// Its ids are found.
    finds: bool,
}

/// What is known of an object while it is passed.
struct Open<'s> {
    /// One bit for each field of the plan.
    seen: &'s mut [u64],
    required: usize,
    /// The field that is expected next.
    next: usize,
    /// Whether a field of it was written.
    written: bool,
    /// Which joins are over a list that is there, by their place in the plan.
    lists: u64,
}

impl<'p> Scanner<'p, '_> {
    fn value(&mut self, compiled: &'p Compiled, mut mode: Mode, depth: usize) -> Result<Types, ScanError> {
        self.skip_space();
        let Some(export) = compiled.node.export.filter(|_| mode.finds) else {
            return self.plain_value(compiled, mode, depth);
        };
        let hidden = !mode.emits && (self.plan.whole || self.exporting > 0);
        let start = self.out.part();
        self.exporting += 1;
        mode.emits = true;
        let kind = self.plain_value(compiled, mode, depth)?;
        self.exporting -= 1;
        let pieces = start..self.out.part();
        if hidden {
            self.out.scanned.hidden.push(pieces.clone());
        }
        self.out.scanned.exports.push((export, pieces));
        Ok(kind)
    }

    fn plain_value(&mut self, compiled: &'p Compiled, mode: Mode, depth: usize) -> Result<Types, ScanError> {
        let (types, start) = (compiled.node.types, self.at);
        let allowed =
            |kind: Types| if types.allow(kind) { Ok(kind) } else { Err(ScanError::WrongType(start)) };
        let deeper =
            |kind: Types| if depth < MAX_DEPTH { allowed(kind) } else { Err(ScanError::TooDeep(start)) };
        let kind = match self.bytes.get(start) {
            Some(b'{') => {
                let kind = deeper(Types::OBJECT)?;
                self.object(compiled, mode, depth + 1)?;
                return Ok(kind);
            }
            Some(b'[') => {
                let kind = deeper(Types::ARRAY)?;
                self.array(compiled, mode, depth + 1)?;
                return Ok(kind);
            }
            Some(b'"') => {
                (self.at, _) = end_of_string(self.bytes, start + 1).map_err(ScanError::NotJson)?;
                self.find(compiled, mode, start + 1, self.at - 1, true);
                allowed(Types::STRING)?
            }
            Some(b'-' | b'0'..=b'9') => {
                let (end, whole) = number(self.bytes, start).ok_or(ScanError::NotJson(start))?;
                self.at = end;
                self.find(compiled, mode, start, end, false);
                let fraction = !whole && !types.allow_fraction();
                if fraction { Err(ScanError::WrongType(start))? } else { allowed(Types::INTEGER)? }
            }
            Some(b't') => self.word(b"true").and_then(|()| allowed(Types::BOOLEAN))?,
            Some(b'f') => self.word(b"false").and_then(|()| allowed(Types::BOOLEAN))?,
            Some(b'n') => self.word(b"null").and_then(|()| allowed(Types::NULL))?,
            _ => return Err(ScanError::NotJson(start)),
        };
        self.emit(mode, start, self.at);
        Ok(kind)
    }

    fn array(&mut self, compiled: &'p Compiled, mode: Mode, depth: usize) -> Result<(), ScanError> {
        let items = compiled.node.items.map_or(&UNTYPED, |items| self.plan.node(items));
        let at_most = compiled.node.at_most.unwrap_or(u32::MAX);
        self.emit(mode, self.at, self.at + 1);
        self.at += 1;
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b']') {
            let mut comma = None;
            for place in 0_u32.. {
                let here = place < at_most;
                let mode = Mode { emits: mode.emits && here, finds: mode.finds && here };
                if let Some(comma) = comma {
                    self.emit(mode, comma, comma + 1);
                }
                self.value(items, mode, depth)?;
                comma = self.comma_or(b']')?;
                if comma.is_none() {
                    break;
                }
            }
        }
        self.emit(mode, self.at, self.at + 1);
        self.at += 1;
        Ok(())
    }

    fn object(&mut self, compiled: &'p Compiled, mode: Mode, depth: usize) -> Result<(), ScanError> {
        let (mut few, mut many) = ([0_u64; FEW_FIELDS / 64], Vec::new());
        let fields = compiled.node.fields.len();
        let seen = if fields <= FEW_FIELDS {
            &mut few[..]
        } else {
            many.resize(fields.div_ceil(64), 0);
            &mut many[..]
        };
        let mut open = Open { seen, required: 0, next: 0, written: false, lists: 0 };
        let (names, found) = (self.names.len(), self.out.scanned.found.len());
        self.emit(mode, self.at, self.at + 1);
        self.at += 1;
        self.skip_space();
        if self.bytes.get(self.at) != Some(&b'}') {
            let mut comma = None;
            loop {
                self.field(compiled, &mut open, mode, comma, depth)?;
                comma = self.comma_or(b'}')?;
                if comma.is_none() {
                    break;
                }
            }
        }
        if open.required < compiled.required {
            return Err(ScanError::MissingField(self.at));
        }
        self.check_names(names)?;
        if mode.emits {
            self.fill_in(compiled, &mut open);
            self.join(compiled, &mut open, found);
        }
        self.emit(mode, self.at, self.at + 1);
        self.at += 1;
        Ok(())
    }

    fn field(
        &mut self,
        compiled: &'p Compiled,
        open: &mut Open<'_>,
        mode: Mode,
        comma: Option<usize>,
        depth: usize,
    ) -> Result<(), ScanError> {
        self.skip_space();
        let start = self.at;
        if self.bytes.get(start) != Some(&b'"') {
            return Err(ScanError::NotJson(start));
        }
        let (end, place) = match compiled.expected(open.next, &self.bytes[start..]) {
            // Fields mostly come in the same order, and nothing stands before their colon.
            Some(length) => {
                self.at = start + length;
                (self.at - 1, Some(open.next))
            }
            None => {
                let (end, escaped) = end_of_string(self.bytes, start + 1).map_err(ScanError::NotJson)?;
                let name = self.text.get(start + 1..end - 1).unwrap_or_default();
                let name = if escaped { unescaped(name) } else { Cow::Borrowed(name) };
                self.at = end;
                self.skip_space();
                if self.bytes.get(self.at) != Some(&b':') {
                    return Err(ScanError::NotJson(self.at));
                }
                self.at += 1;
                (end, compiled.node.field(&name))
            }
        };
        let colon = self.at - 1;
        let Some(place) = place else {
            self.names.push((start + 1, end - 1));
            let mode = Mode { emits: mode.emits && compiled.node.keep_others, ..mode };
            self.name(open, mode, comma, None, (start, end, colon));
            let others = compiled.node.others.map_or(&UNTYPED, |others| self.plan.node(others));
            return self.value(others, mode, depth).map(drop);
        };
        let (field, bit) = (&compiled.node.fields[place], 1 << (place % 64));
        if open.seen[place / 64] & bit != 0 {
            return Err(ScanError::DuplicateField(start));
        }
        open.seen[place / 64] |= bit;
        open.required += usize::from(field.required);
        open.next = place + 1;
        let mode = Mode { emits: mode.emits && field.kept, ..mode };
        self.name(open, mode, comma, field.renamed.as_deref(), (start, end, colon));
        let value = self.plan.node(field.value);
        let kind = self.value(value, mode, depth)?;
        if kind == Types::ARRAY && !compiled.node.joins.is_empty() {
            let of = value.node.items.and_then(|items| self.plan.node(items).node.capture);
            for (place, join) in compiled.node.joins.iter().enumerate().take(64) {
                open.lists |= u64::from(of == Some(join.of)) << place;
            }
        }
        Ok(())
    }

    /// Writes the name of a field, and what parts it from the one before.
    fn name(
        &mut self,
        open: &mut Open<'_>,
        mode: Mode,
        comma: Option<usize>,
        renamed: Option<&'p [u8]>,
        (start, end, colon): (usize, usize, usize),
    ) {
        if !mode.emits {
            return;
        }
        if let Some(comma) = comma.filter(|_| open.written) {
            self.out.push(comma, comma + 1);
        }
        open.written = true;
        match renamed {
            Some(renamed) => self.out.push_literal(renamed),
            None => {
                self.out.push(start, end);
                self.out.push(colon, colon + 1);
            }
        }
    }

    /// What stands for absent fields.
    fn fill_in(&mut self, compiled: &'p Compiled, open: &mut Open<'_>) {
        if !compiled.fills_in {
            return;
        }
        for (place, field) in compiled.node.fields.iter().enumerate() {
            let absent = field.absent.as_deref().filter(|_| field.kept);
            if let Some(absent) = absent.filter(|_| open.seen[place / 64] & (1 << (place % 64)) == 0) {
                self.part(open);
                self.out.push_literal(absent);
            }
        }
    }

    fn join(&mut self, compiled: &'p Compiled, open: &mut Open<'_>, found: usize) {
        for (place, join) in compiled.node.joins.iter().enumerate() {
            let here = &self.out.scanned.found[found..];
            let first = here.iter().position(|one| one.capture == join.of);
            let last = here.iter().rposition(|one| one.capture == join.of);
            let ids = first.zip(last).map_or(found..found, |(first, last)| found + first..found + last + 1);
            self.part(open);
            let list = place < 64 && open.lists & (1 << place) != 0;
            self.out.push_join(join, ids, list);
        }
    }

    /// A comma before what does not come from the answer.
    fn part(&mut self, open: &mut Open<'_>) {
        if std::mem::replace(&mut open.written, true) {
            self.out.push_literal(b",");
        }
    }

    /// Checks the names of an object that the plan does not know: those from `first` on.
    fn check_names(&mut self, first: usize) -> Result<(), ScanError> {
        let text = self.text;
        let name = |(start, end): &(usize, usize)| unescaped(text.get(*start..*end).unwrap_or_default());
        let names = &self.names[first..];
        let twice = if names.len() <= FEW_NAMES {
            names
                .iter()
                .enumerate()
                .find(|(at, one)| names[..*at].iter().any(|other| name(other) == name(one)))
        } else {
            let mut known = HashSet::with_capacity(names.len());
            names.iter().enumerate().find(|(_, one)| !known.insert(name(one)))
        };
        if let Some((_, (start, _))) = twice {
            return Err(ScanError::DuplicateField(*start));
        }
        self.names.truncate(first);
        Ok(())
    }

    /// The position of a comma, or nothing where the array or object is `closed`.
    fn comma_or(&mut self, closed: u8) -> Result<Option<usize>, ScanError> {
        self.skip_space();
        match self.bytes.get(self.at) {
            Some(b',') => {
                self.at += 1;
                Ok(Some(self.at - 1))
            }
            Some(byte) if *byte == closed => Ok(None),
            _ => Err(ScanError::NotJson(self.at)),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), ScanError> {
        let start = self.at;
        self.at += word.len();
        if self.bytes.get(start..self.at) == Some(word) { Ok(()) } else { Err(ScanError::NotJson(start)) }
    }

    fn find(&mut self, compiled: &Compiled, mode: Mode, start: usize, end: usize, is_string: bool) {
        if let Some(capture) = compiled.node.capture.filter(|_| mode.finds) {
            self.out.scanned.found.push(Found::new(capture, start..end, is_string));
        }
    }

    #[inline]
    fn emit(&mut self, mode: Mode, start: usize, end: usize) {
        if mode.emits {
            self.out.push(start, end);
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }
}
