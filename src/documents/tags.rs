//! The tree of tags of a PDF: what a reader without sight goes by.

use krilla::tagging::{TableHeaderScope, Tag, TagGroup, TagTree};

/// Where in the tree of tags a line belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TagPlace {
    /// A heading of a level.
    Heading(u16),
    /// A paragraph.
    Paragraph,
    /// A cell: table, row (0 is the head), column.
    Cell(usize, usize, usize),
    /// It is repeated, and is no content.
    Artifact,
}

/// A row's number and its cells.
type TaggedRow = (usize, Vec<TagGroup>);

/// The tree of tags, as it grows: lines that follow each other at one place are one element.
#[derive(Default)]
pub(super) struct Tree {
    done: Vec<TagGroup>,
    open: Option<(TagPlace, usize, Vec<krilla::tagging::Identifier>, String)>,
    /// The table under way: number, rows with their cells.
    table: Option<(usize, Vec<TaggedRow>)>,
}

impl Tree {
    pub(super) fn add(
        &mut self,
        place: TagPlace,
        block: usize,
        id: krilla::tagging::Identifier,
        text: &str,
    ) {
        match &mut self.open {
            Some((_, open, ids, all)) if *open == block => {
                ids.push(id);
                all.push(' ');
                all.push_str(text);
            }
            _ => {
                self.close();
                self.open = Some((place, block, vec![id], text.to_owned()));
            }
        }
    }

    fn close(&mut self) {
        let Some((place, _, ids, text)) = self.open.take() else { return };
        let fill = |mut group: TagGroup| {
            for id in ids.iter().copied() {
                group.push(id);
            }
            group
        };
        let (table, row) = match place {
            TagPlace::Cell(table, row, _) => (table, row),
            TagPlace::Heading(level) => {
                self.close_table();
                let level = std::num::NonZeroU16::new(level).unwrap_or(std::num::NonZeroU16::MIN);
                return self.done.push(fill(TagGroup::new(Tag::Hn(level, Some(text)))));
            }
            TagPlace::Paragraph | TagPlace::Artifact => {
                self.close_table();
                return self.done.push(fill(TagGroup::new(Tag::P)));
            }
        };
        if self.table.as_ref().is_none_or(|(own, _)| *own != table) {
            self.close_table();
            self.table = Some((table, Vec::new()));
        }
        let cell = match row {
            0 => fill(TagGroup::new(Tag::TH(TableHeaderScope::Column))),
            _ => fill(TagGroup::new(Tag::TD)),
        };
        if let Some((_, rows)) = &mut self.table {
            match rows.last_mut() {
                Some((own, cells)) if *own == row => cells.push(cell),
                _ => rows.push((row, vec![cell])),
            }
        }
    }

    fn close_table(&mut self) {
        let Some((_, rows)) = self.table.take() else { return };
        let (mut head, mut body) = (TagGroup::new(Tag::THead), TagGroup::new(Tag::TBody));
        let mut has_body = false;
        for (row, cells) in rows {
            let mut group = TagGroup::new(Tag::TR);
            for cell in cells {
                group.push(cell);
            }
            if row == 0 {
                head.push(group);
            } else {
                has_body = true;
                body.push(group);
            }
        }
        let mut table = TagGroup::new(Tag::Table);
        table.push(head);
        if has_body {
            table.push(body);
        }
        self.done.push(table);
    }

    pub(super) fn made(mut self) -> TagTree {
        self.close();
        self.close_table();
        let mut tree = TagTree::new().with_lang(Some("sv".to_owned()));
        for group in self.done {
            tree.push(group);
        }
        tree
    }
}
