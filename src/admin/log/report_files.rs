//! A report as a file.

use super::files::file_of;
use super::reports::kind_name;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused};
use crate::admin::words::{Language, minute, second};
use crate::documents::document::{Document, DocumentTable};
use crate::domain::identity::PatientId;
use crate::domain::log::record::{LogEntry, Resource};
use crate::domain::rejection::Rejection;
use crate::procedures::people::looking::Activity;
use std::collections::HashMap;

/// Rows of a file: PDF is for reading.
const ROWS_MAX: usize = 100_000;
const PDF_ROWS_MAX: usize = 2_000;

/// Patients of one log record of ours.
const PATIENTS_OF_A_RECORD: usize = 100;

/// A row, and whose it is.
struct FileLine {
    patient: Option<PatientId>,
    cells: Vec<String>,
}

/// What stands above the columns.
const HEAD: [(&str, f32); 11] = [
    ("Tid", 0.09),
    ("Medarbetare", 0.11),
    ("Titel", 0.07),
    ("Enhet", 0.11),
    ("Vårdgivare", 0.1),
    ("Aktivitet", 0.08),
    ("Syfte", 0.09),
    ("Patient", 0.09),
    ("Typ", 0.07),
    ("Uppgifter hos", 0.11),
    ("System", 0.08),
];

/// The file of a form.
pub async fn file(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let order =
        asked.people().own_report(&person, asked.id("r")?).await?.ok_or(Refused::NotFound)?;
    let patient = order.patient_root.as_deref().zip(order.patient_extension.as_deref());
    let patient = patient.and_then(|(root, number)| PatientId::new(root, number).ok());
    let whose = patient.as_ref().map(|patient| patient.key().to_owned());
    let rows_of = move |records: &[LogEntry<'_>]| rows_of(records, whose.as_deref());
    let reading = asked.people().read_report(&person, &order, rows_of).await?;
    let mut reading = reading.ok_or(Refused::NotFound)?;
    let form = asked.part("form").to_owned();
    let most = if form == "pdf" { PDF_ROWS_MAX } else { ROWS_MAX };
    let (mut rows, mut is_cut) = (Vec::new(), false);
    while let Some(batch) = reading.next().await? {
        rows.extend(batch);
        if rows.len() > most && ["csv", "xml"].contains(&form.as_str()) {
            // Systems read these: a part must not be taken for the whole.
            return Err(Refused::Rule(Rejection::validation(format!(
                "Rapporten har fler än {most} rader. Välj en kortare tid."
            ))));
        }
        if rows.len() > most {
            rows.truncate(most);
            is_cut = true;
            break;
        }
    }
    // Whoever stands in the file: patients are told of it.
    let mut told: HashMap<&str, &PatientId> = HashMap::new();
    told.extend(
        patient
            .iter()
            .chain(rows.iter().filter_map(|row| row.patient.as_ref()))
            .map(|p| (p.key(), p)),
    );
    let told: Vec<&PatientId> = told.into_values().collect();
    let how = (Activity::Print, Some("rapport"));
    let mut viewed = None;
    for some in told.chunks(PATIENTS_OF_A_RECORD) {
        viewed = Some(asked.viewed_several(&order.matter, how, &["Logg"], some).await?);
    }
    if viewed.is_none() {
        viewed = Some(asked.viewed_several(&order.matter, how, &["Logg"], &[]).await?);
    }
    let mut intro = Vec::new();
    if is_cut {
        intro.push(format!(
            "Filen har de {most} första raderna. Hämta CSV, eller välj en kortare tid, för alla."
        ));
    }
    let document = Document {
        title: order.name.clone(),
        facts: vec![
            ("Slag".to_owned(), kind_name(&order.kind).said(Language::Swedish)),
            ("Vårdgivare".to_owned(), person.assignment.provider_name.clone()),
            ("Period".to_owned(), format!("{} – {}", minute(order.from_at), minute(order.to_at))),
            ("Ärende".to_owned(), order.matter.clone()),
            ("Framställd".to_owned(), minute(asked.now)),
            ("Av".to_owned(), person.session.name.clone()),
        ],
        intro,
        tables: vec![DocumentTable {
            caption: "Loggposter".to_owned(),
            head: HEAD.map(|(name, share)| (name.to_owned(), share)).to_vec(),
            rows: rows.into_iter().map(|row| row.cells).collect(),
        }],
        ..Document::default()
    };
    let (name, kind, bytes) = file_of(&asked, "loggrapport", document).await?;
    Ok(PageAnswer::File(viewed, name, kind, bytes))
}

/// A row for each resource; where the report is about one patient, for those of that patient.
fn rows_of(records: &[LogEntry<'_>], whose: Option<&str>) -> Vec<FileLine> {
    let named = |id: &str, name: Option<&str>| match name {
        Some(name) => format!("{name} ({id})"),
        None => id.to_owned(),
    };
    let mut rows = Vec::new();
    for record in records {
        let is_told = |resource: &&Resource<'_>| {
            let of = resource.patient.as_ref().map(|patient| patient.key.as_str());
            whose.is_none() || of == whose
        };
        for resource in record.resources().filter(is_told) {
            let patient = resource.patient.as_ref().and_then(|p| p.identity.extension);
            let holder = resource.care_unit.map_or(resource.care_provider, |unit| unit);
            let of = resource.patient.as_ref();
            let of = of.and_then(|p| PatientId::new(p.identity.root, p.identity.extension?).ok());
            let cells = vec![
                second(record.activity_at),
                named(record.user.id, record.user.name),
                record.title.unwrap_or_default().to_owned(),
                named(record.care_unit.id, record.care_unit.name),
                named(record.care_provider.id, record.care_provider.name),
                record.activity_type.to_owned(),
                record.purpose.to_owned(),
                patient.unwrap_or_default().to_owned(),
                resource.resource_type.to_owned(),
                named(holder.id, holder.name),
                named(record.system.id, record.system.name),
            ];
            rows.push(FileLine { patient: of, cells });
        }
    }
    rows
}
