//! *Embargo*: investigations for which posts are left out of extracts; two persons stand behind each.

use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, refusal_of, view};
use crate::admin::parts::{Cell, PagePart, Table, Tone, form};
use crate::admin::words::{Words, day, minute, t};
use crate::domain::identity::PatientId;
use crate::domain::people::number;
use crate::domain::time::{Timestamp, local};
use crate::procedures::failure::StoreError;
use crate::procedures::people::extracts::StoredEmbargo;
use crate::procedures::people::looking::Activity;
use chrono::TimeDelta;

fn patient_of(embargo: &StoredEmbargo) -> Option<PatientId> {
    PatientId::new(&embargo.patient_root, &embargo.patient_extension).ok()
}

/// The list, approving and ending.
pub async fn embargoes(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let mut refusal = None;
    if asked.is_post() {
        let number = asked.form.get("number").parse().unwrap_or_default();
        let ends = match asked.form.get("step") {
            "end" => true,
            "approve" => false,
            _ => return Err(Refused::NotFound),
        };
        let found = asked.people().embargoes(&person, None).await?;
        let about = found.iter().find(|embargo| embargo.embargo_number == number);
        let patient = about.and_then(patient_of).ok_or(Refused::NotFound)?;
        asked
            .viewed_several("Embargo", (Activity::Write, Some("embargo")), &["Logg"], &[&patient])
            .await?;
        match refusal_of(asked.people().settle_embargo(&person, (number, ends)).await)? {
            Ok(()) => return Ok(PageAnswer::To("/embargo".to_owned())),
            Err(rejection) => refusal = Some(rejection),
        }
    }
    let found = asked.people().embargoes(&person, None).await?;
    let patients: Vec<PatientId> = found.iter().filter_map(patient_of).collect();
    let mut once: Vec<&PatientId> = Vec::new();
    for patient in &patients {
        if !once.contains(&patient) {
            once.push(patient);
        }
    }
    let viewed =
        asked.viewed_several("Embargo", (Activity::Read, Some("lista")), &["Logg"], &once).await?;
    let mut parts = Vec::new();
    let status = if refusal.is_some() { 422 } else { 200 };
    if let Some(rejection) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, Words::from(rejection.text.into_owned()), vec![]));
    }
    parts.push(PagePart::Table(table_of(&found, asked.now)?));
    for embargo in found.iter().filter(|e| e.ended_at.is_none() && asked.now < e.until_at) {
        let title = patient_of(embargo).map(|p| number::shown(&p)).unwrap_or_default();
        let number = embargo.embargo_number.to_string();
        let mut forms = Vec::new();
        if embargo.approved_by.is_none() {
            let approve = form("/embargo", Vec::new(), t("Godkänn"))
                .carrying("number", number.clone())
                .carrying("step", "approve")
                .about(title.as_str());
            forms.push(PagePart::form(approve));
        }
        let end = form("/embargo", Vec::new(), t("Avsluta"))
            .carrying("number", number)
            .carrying("step", "end")
            .about(title.as_str())
            .dangerous();
        forms.push(PagePart::form(end));
        parts
            .push(PagePart::Card(Words::from(format!("{title} · {}", embargo.employee_id)), forms));
    }
    Ok(PageAnswer::Patients(viewed, View { status, ..view(t("Embargo"), parts) }))
}

fn table_of(found: &[StoredEmbargo], now: Timestamp) -> Result<Table, StoreError> {
    let mut rows = Vec::new();
    for embargo in found {
        let holds = embargo.embargo()?.holds(now);
        let state = match (holds, embargo.ended_at, &embargo.approved_by) {
            (true, ..) => Cell::Chip(Tone::Warning, t("Gäller")),
            (false, Some(_), _) => Cell::Chip(Tone::Quiet, t("Avslutat")),
            (false, None, None) => Cell::Chip(Tone::Note, t("Väntar på godkännande")),
            (false, None, Some(_)) => Cell::Chip(Tone::Quiet, t("Utgånget")),
        };
        rows.push(vec![
            Cell::from(patient_of(embargo).map(|p| number::shown(&p)).unwrap_or_default()),
            Cell::from(embargo.employee_id.clone()),
            Cell::from(embargo.reason.clone()),
            Cell::Several(vec![
                Cell::from(embargo.asked_by.clone()),
                Cell::from(minute(embargo.asked_at)),
            ]),
            Cell::from(day(local(embargo.until_at - TimeDelta::microseconds(1)).date())),
            state,
        ]);
    }
    Ok(Table {
        caption: t("Embargon"),
        head: vec![
            t("Patient"),
            t("Medarbetare"),
            t("Varför"),
            t("Begärt av"),
            t("Till"),
            t("Läge"),
        ],
        rows,
        empty: t("Inga embargon. Ett begärs från patientens sida."),
    })
}
