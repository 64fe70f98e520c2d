//! A patient's extract as a file (E3, E5, E8, E9).

use super::extracts::patient_of;
use super::files::file_of;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused};
use crate::admin::words::{day, minute};
use crate::documents::document::{Document, DocumentTable};
use crate::domain::people::extract::{self, ExtractLine};
use crate::domain::people::number;
use crate::domain::rejection::Rejection;
use crate::domain::time::Timestamp;
use crate::procedures::people::extract_file::{code_of, hash_of};
use crate::procedures::people::extracts::{ExtractContent, StoredExtract};
use crate::procedures::people::looking::Activity;
use crate::procedures::people::on_duty::OnDuty;

/// The file of a form.
pub async fn file(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let stored = asked.people().extract(&person, asked.id("x")?).await?.ok_or(Refused::NotFound)?;
    let patient = patient_of(&stored);
    let matter = format!("Loggutdrag: {}", stored.case_text);
    let viewed = asked
        .viewed_several(&matter, (Activity::Print, Some("utdrag")), &["Logg"], &[&patient])
        .await?;
    // Files are of what has been made: what it holds is known by then, and recorded.
    let Some(made_at) = stored.made_at else { return Err(Refused::NotFound) };
    let content = asked.people().extract_content(&person, &stored, &viewed).await?;
    if stored.file_hash.as_deref() != Some(&content.hash[..]) {
        return Err(Refused::Rule(Rejection::validation(
            "Utdragets innehåll är inte längre det som framställdes: poster har gallrats, eller en utredning har ändrats. \
             Ta emot en ny begäran.",
        )));
    }
    let number = match asked.query.get("del") {
        "" => 1,
        number => number.parse().map_err(|_| Refused::NotFound)?,
    };
    let rows = extract::part(&content.rows, number).ok_or(Refused::NotFound)?;
    let file = ExtractPart { number, of: extract::parts(content.rows.len()), rows };
    if asked.part("form") == "json" {
        let (mut text, is_whole) = asked.people().extract_proof(file.rows, stored.names).await?;
        if !is_whole {
            // The last rows are some seconds old.
            asked.people().until_sealed().await?;
            (text, _) = asked.people().extract_proof(file.rows, stored.names).await?;
        }
        let name = file.name("utdrag.json");
        return Ok(PageAnswer::File(Some(viewed), name, "application/json", text.into_bytes()));
    }
    let phone = asked.people().unit(&person, &person.assignment.provider).await?;
    let phone = phone.and_then(|unit| unit.phone);
    let document = document(made_at, &person, (&stored, &content, &file), phone.as_deref());
    let (name, kind, bytes) = file_of(&asked, &file.name("loggutdrag"), document).await?;
    Ok(PageAnswer::File(Some(viewed), name, kind, bytes))
}

/// One file of an extract (E9).
struct ExtractPart<'c> {
    number: usize,
    of: usize,
    rows: &'c [ExtractLine],
}

impl ExtractPart<'_> {
    fn name(&self, name: &str) -> String {
        match self.of {
            1 => name.to_owned(),
            _ => format!("del{}-{name}", self.number),
        }
    }

    /// The number of its first row, less one.
    fn before(&self) -> usize {
        (self.number - 1) * extract::PART_ROWS
    }
}

fn document(
    made_at: Timestamp,
    person: &OnDuty<'_>,
    (extract, content, file): (&StoredExtract, &ExtractContent, &ExtractPart<'_>),
    phone: Option<&str>,
) -> Document {
    let provider = person.assignment.provider_name.clone();
    let ask = match phone {
        Some(phone) => {
            format!("Har du frågor om en rad? Ring {provider}, {phone}, och säg radens nummer.")
        }
        None => format!("Har du frågor om en rad? Kontakta {provider} och säg radens nummer."),
    };
    let mut intro = vec![
        "Här står varje gång som någon har öppnat uppgifter om dig: vilken enhet, när, vad och varför. \
         En rad betyder inte att något var fel: personal får läsa det som behövs för din vård."
            .to_owned(),
        "Kolumnen Grund säger varför uppgifterna var öppna: samma vårdgivare, ditt samtycke eller en nödsituation. \
         Står där inget, säger registren inte varför; fråga då vårdgivaren."
            .to_owned(),
        ask,
    ];
    if content.says_later {
        intro.push("Ytterligare uppgifter kan komma att lämnas senare.".to_owned());
    }
    let mut head =
        vec![("Nr", 0.04), ("Tid", 0.12), ("Enhet", 0.16), ("Vårdgivare", 0.15), ("Roll", 0.1)];
    if extract.names {
        head.push(("Namn", 0.12));
    }
    head.extend([("Vad", 0.18), ("Varför", 0.14), ("Grund", 0.11)]);
    let rows = file.rows.iter().zip(file.before() + 1..).map(|(row, number)| {
        let mut cells = vec![
            number.to_string(),
            minute(row.at),
            row.unit.clone(),
            row.provider.clone(),
            row.role.clone(),
        ];
        if extract.names {
            cells.push(row.name.clone().unwrap_or_default());
        }
        cells.extend([row.what.clone(), row.why.clone(), row.ground.words().to_owned()]);
        cells
    });
    Document {
        title: "Loggutdrag".to_owned(),
        facts: vec![
            ("Patient".to_owned(), number::shown(&patient_of(extract))),
            ("Vårdgivare".to_owned(), provider),
            ("Period".to_owned(), format!("{} – {}", day(extract.from_on), day(extract.to_on))),
            ("Framställt".to_owned(), minute(made_at)),
            ("Ärendenummer".to_owned(), extract.case_text.clone()),
        ],
        intro,
        tables: vec![DocumentTable {
            caption: "Åtkomster".to_owned(),
            head: head.into_iter().map(|(name, share)| (name.to_owned(), share)).collect(),
            rows: rows.collect(),
        }],
        closing: closing(extract, content, file),
        ..Document::default()
    }
}

/// What stands on the last page (E8).
fn closing(
    extract: &StoredExtract,
    content: &ExtractContent,
    file: &ExtractPart<'_>,
) -> Vec<String> {
    let mut closing = vec![
        format!(
            "Utdraget har {} rader för {} – {}.",
            content.rows.len(),
            day(extract.from_on),
            day(extract.to_on)
        ),
        format!("Kontrollkod: {}", content.code()),
    ];
    if file.of > 1 {
        closing.push(format!(
            "Det här är del {} av {}. Kontrollkod för delens rader: {}",
            file.number,
            file.of,
            code_of(&hash_of(file.rows))
        ));
    }
    if let Some(checkpoint) = &content.checkpoint {
        closing.push(format!(
            "Loggen {} hade {} poster {}, med roten {}.",
            checkpoint.origin,
            checkpoint.size,
            checkpoint.at.map_or_else(|| "när utdraget gjordes".to_owned(), minute),
            checkpoint.root
        ));
        closing.push(
            "Med filen utdrag.json och loggens öppna nyckel kan vem som helst kontrollera att raderna finns i loggen: \
             sigill log verify-proof utdrag.json --key NYCKEL."
                .to_owned(),
        );
    }
    closing
}
