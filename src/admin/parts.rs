//! What a page is made of. A page says what it holds; how that looks, and that it can be used without sight, mouse or
//! scripts, is the templates' matter, once for all pages.

use super::filters;
use super::words::Words;
use askama::Template;

impl Table {
    /// Whether a column holds numbers, which stand to the right.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as templates hand it over")]
    fn is_number(&self, column: &usize) -> bool {
        let cell = self.rows.first().and_then(|row| row.get(*column));
        matches!(cell, Some(Cell::Number(_) | Cell::Read(..)))
    }
}

/// How something should be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// Closed, wrong.
    Bad,
    /// To know.
    Note,
    /// Over.
    Quiet,
}

impl Tone {
    /// The class of the style sheet.
    fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Note => "note",
            Self::Quiet => "quiet",
        }
    }

    /// A sign beside the colour.
    fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Warning => "!",
            Self::Bad => "✕",
            Self::Note => "i",
            Self::Quiet => "–",
        }
    }
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where to.
    pub to: String,
    /// What it says.
    pub words: Words,
    /// What it is about, for who does not see what stands around it.
    pub about: Words,
}

/// A link.
pub fn link(to: impl Into<String>, words: impl Into<Words>) -> Link {
    Link { to: to.into(), words: words.into(), about: Words::none() }
}

impl Link {
    /// What it is about, for who does not see what stands around it.
    pub fn about(self, about: impl Into<Words>) -> Self {
        Self { about: about.into(), ..self }
    }
}

/// What stands in a table's cell or beside a fact's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Words.
    Words(Words),
    /// A number, to the right.
    Number(Words),
    /// A state: sign, word and colour.
    Chip(Tone, Words),
    /// A link.
    Link(Link),
    /// A sign that the screen reader reads as words.
    Read(&'static str, Words),
    /// A question that the data raise: it asks, where a chip states.
    Flag(Words),
    /// Several below each other.
    Several(Vec<Cell>),
}

impl<W: Into<Words>> From<W> for Cell {
    fn from(words: W) -> Self {
        Self::Words(words.into())
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub caption: Words,
    /// What stands above the columns; the first column names its row.
    pub head: Vec<Words>,
    /// Rows.
    pub rows: Vec<Vec<Cell>>,
    /// What is said where there are none.
    pub empty: Words,
}

/// A field's control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// A line: its kind (`text`, `date`, `time`) and what stands in it.
    Line(&'static str, String),
    /// Several lines.
    Area(String),
    /// One of several: value, words, explanation; and which is chosen.
    Choice(Vec<(String, Words, Words)>, String),
    /// One of many.
    Select(Vec<(String, Words)>, String),
    /// Some of several.
    Many(Vec<(String, Words)>, Vec<String>),
    /// Yes or not.
    Check(bool),
}

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// As it is sent.
    pub name: &'static str,
    /// What it asks.
    pub label: Words,
    /// How to answer.
    pub hint: Words,
    /// What is wrong with the answer.
    pub error: Words,
    /// How it is answered.
    pub control: Control,
    /// What tells it from a field of the same name in another form of the page.
    pub of_form: &'static str,
}

/// A field that asks.
pub fn field(name: &'static str, label: impl Into<Words>, control: Control) -> FormField {
    FormField {
        name,
        label: label.into(),
        hint: Words::none(),
        error: Words::none(),
        control,
        of_form: "",
    }
}

impl FormField {
    /// In which of several forms of the page it is.
    pub fn of_form(self, of_form: &'static str) -> Self {
        Self { of_form, ..self }
    }

    /// As the page points to it.
    fn id(&self) -> String {
        match self.of_form {
            "" => self.name.to_owned(),
            form => format!("{form}-{}", self.name),
        }
    }

    /// How to answer.
    pub fn hint(self, hint: impl Into<Words>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// What is wrong with the answer, if anything is.
    pub fn error(self, error: Option<Words>) -> Self {
        Self { error: error.unwrap_or_else(Words::none), ..self }
    }

    fn has_error(&self) -> bool {
        !self.error.is_none()
    }

    /// What describes the control, beside its label.
    fn described_by(&self) -> String {
        let parts = [(!self.hint.is_none(), "hint"), (self.has_error(), "error")];
        let ids = parts.iter().filter(|(is_there, _)| *is_there);
        ids.map(|(_, part)| format!("{}-{part}", self.id())).collect::<Vec<_>>().join(" ")
    }
}

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageForm {
    /// Where it is sent.
    pub to: String,
    /// Whether it only asks: then it is a GET, and its fields name nobody.
    pub asks: bool,
    /// What it asks.
    pub fields: Vec<FormField>,
    /// What it carries.
    pub hidden: Vec<(&'static str, String)>,
    /// What its button says.
    pub button: Words,
    /// Whether it takes something away.
    pub is_dangerous: bool,
    /// Whether it is what the page is for, though it asks nothing.
    pub is_main: bool,
    /// What stops several of them on a page from being taken for one: the first words of it.
    pub about: Words,
    /// What its session proves.
    pub token: String,
    /// Where an address can point to.
    pub id: &'static str,
}

/// A form that changes something; its token is put in where the page is drawn.
pub fn form(to: impl Into<String>, fields: Vec<FormField>, button: impl Into<Words>) -> PageForm {
    PageForm {
        to: to.into(),
        asks: false,
        fields,
        hidden: Vec::new(),
        button: button.into(),
        is_dangerous: false,
        is_main: false,
        about: Words::none(),
        token: String::new(),
        id: "",
    }
}

/// A form that only asks.
pub fn question(
    to: impl Into<String>,
    fields: Vec<FormField>,
    button: impl Into<Words>,
) -> PageForm {
    PageForm { asks: true, ..form(to, fields, button) }
}

impl PageForm {
    /// Carries something.
    pub fn carrying(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.hidden.push((name, value.into()));
        self
    }

    /// Takes something away.
    pub fn dangerous(self) -> Self {
        Self { is_dangerous: true, ..self }
    }

    /// What the page is for.
    pub fn main(self) -> Self {
        Self { is_main: true, ..self }
    }

    /// What it is about, for who does not see what stands around it.
    pub fn about(self, about: impl Into<Words>) -> Self {
        Self { about: about.into(), ..self }
    }

    fn has_errors(&self) -> bool {
        self.fields.iter().any(FormField::has_error)
    }
}

/// A part of a page.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "frame/part.html")]
pub enum PagePart {
    /// A heading.
    Heading(Words),
    /// A paragraph.
    Text(Words),
    /// Something to be seen first.
    Notice(Tone, Words, Vec<Link>),
    /// Names and what goes with them.
    Facts(Vec<(Words, Cell)>),
    /// A table.
    Table(Table),
    /// A form.
    PageForm(Box<PageForm>),
    /// Links, the first as the page's main button.
    Links(Vec<Link>),
    /// Links to what is beside.
    SeeAlso(Vec<Link>),
    /// Some parts that belong together.
    Card(Words, Vec<PagePart>),
    /// What is seen when it is opened.
    More(Words, Vec<PagePart>),
    /// A picture: drawn by us, and what it says.
    Figure(String, Words),
    /// Figures: name, figure, a line of context.
    Tiles(Vec<(Words, Words, Words)>),
    /// Points.
    Points(Vec<Words>),
    /// Older and newer.
    Paging(Option<String>, Option<String>),
    /// Steps in their order, with whether each is reached.
    Steps(Vec<(Words, bool)>),
    /// How much of something is done.
    Progress {
        /// So much ...
        done: u64,
        /// ... of this.
        of: u64,
        /// What else is told.
        says: Words,
    },
    /// The list of a review.
    Review(Box<ReviewTable>),
}

/// The list of a review, by who made the visits.
#[derive(Debug, Clone, PartialEq, Eq, Template)]
#[template(path = "review/list.html")]
pub struct ReviewTable {
    /// The review's page.
    pub to: String,
    /// Which of its visits are shown.
    pub shown: String,
    /// What it shows.
    pub caption: Words,
    /// Visits by who made them.
    pub groups: Vec<ReviewGroup>,
    /// What the session proves.
    pub token: String,
}

/// Visits of one employee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewGroup {
    /// Who, by key.
    pub key: String,
    /// The name.
    pub name: String,
    /// The title.
    pub title: String,
    /// Visits.
    pub rows: Vec<ReviewRow>,
}

/// A visit of the list (R8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewRow {
    /// Which.
    pub visit: i64,
    /// From when to when.
    pub time: Words,
    /// How long, and how many posts.
    pub length: Words,
    /// Who the patient is, as far as the list tells.
    pub patient: Words,
    /// The day of birth.
    pub born: Words,
    /// How the class should be taken.
    pub tone: Tone,
    /// The class.
    pub class: Words,
    /// Questions that the data raise.
    pub flags: Vec<Words>,
    /// Whether it came after the list was frozen.
    pub is_late: bool,
    /// How it is judged.
    pub judgement: Option<(Tone, Words)>,
    /// Whether the reader may judge it.
    pub may_judge: bool,
}

impl PagePart {
    /// A form as a part.
    pub fn form(form: PageForm) -> Self {
        Self::PageForm(Box::new(form))
    }

    /// Puts the session's token into every form.
    pub fn with_token(&mut self, token: &str) {
        match self {
            Self::PageForm(form) => token.clone_into(&mut form.token),
            Self::Review(table) => token.clone_into(&mut table.token),
            Self::Card(_, parts) | Self::More(_, parts) => {
                for part in parts {
                    part.with_token(token);
                }
            }
            _ => {}
        }
    }
}
