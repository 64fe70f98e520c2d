//! *Begär loggutdrag*: who asks, how that was checked, which time.

use super::head::{head, to_overview};
use super::times;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Control, PageForm, PagePart, Tone, field, form};
use crate::admin::words::{Words, day, t};
use crate::domain::people::extract::NamesPolicy;
use crate::domain::time::local;
use crate::procedures::people::extracts::StoredExtract;
use crate::procedures::people::looking::{Activity, StoredLookup};
use chrono::{Months, NaiveDate};
use uuid::Uuid;

/// The form and the request.
pub async fn request(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let activity = if asked.is_post() { Activity::Write } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Logg"]).await?;
    let shown = asked.people().shown(&viewed, &lookup.patient).await;
    let mut parts = head(&lookup, &shown, &viewed);
    let page = |parts| view(t("Begär loggutdrag"), parts).back(to_overview(&lookup));
    if !asked.is_post() {
        let id = (asked.people().new_id)();
        parts.push(PagePart::form(form_of(&asked, &lookup, id, (None, None))?));
        return Ok(PageAnswer::Patients(viewed, page(parts)));
    }
    let id = Uuid::parse_str(asked.form.get("id")).map_err(|_| Refused::NotFound)?;
    let (from, to) = (read(&asked, "from"), read(&asked, "to"));
    let (from, to) = match (from, to) {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => {
            parts.push(PagePart::form(form_of(&asked, &lookup, id, (from.err(), to.err()))?));
            return Ok(PageAnswer::Patients(viewed, page(parts).refused()));
        }
    };
    let sent = |name: &str| asked.form.get(name).to_owned();
    let new = StoredExtract {
        extract_id: id,
        provider_id: person.assignment.provider.as_str().to_owned(),
        patient_root: lookup.patient.root().to_owned(),
        patient_extension: lookup.patient.extension().to_owned(),
        patient_key: lookup.patient.key().to_owned(),
        from_on: from,
        to_on: to,
        requester: sent("requester"),
        requester_name: sent("requester_name"),
        identity_check: sent("identity_check"),
        maturity: sent("maturity"),
        case_text: sent("case"),
        names: asked.form.get("names") == "yes",
        names_reason: sent("names_reason"),
        requested_at: asked.now,
        requested_by: person.session.employee.as_str().to_owned(),
        made_at: None,
        made_by: None,
        posts: None,
        embargoed: false,
        file_hash: None,
        checkpoint_size: None,
        delivered_at: None,
        delivered_by: None,
        way: None,
        letter_number: String::new(),
        supplement_of: None,
    };
    let taken = asked.people().request_extract(&person, &lookup.patient, new.clone()).await;
    match refusal_of(taken)? {
        Ok(()) => {
            // The extract need not wait for them; the next round opens what is not opened now (R19).
            let name = person.assignment.provider_name.as_str();
            let new = (&new, Some(name));
            let opened = asked.people().open_for_request(person.tenant, new, asked.now).await;
            if let Err(error) = opened {
                tracing::error!(%error, "the reviews of a request are not opened yet");
            }
            Ok(PageAnswer::To(format!("/utdrag/{id}")))
        }
        Err(refusal) => {
            parts.push(PagePart::Notice(Tone::Bad, Words::from(refusal.text.into_owned()), vec![]));
            parts.push(PagePart::form(form_of(&asked, &lookup, id, (None, None))?));
            Ok(PageAnswer::Patients(viewed, page(parts).refused()))
        }
    }
}

fn read(asked: &PageCall, name: &str) -> Result<NaiveDate, Words> {
    times::day(asked.form.get(name))?.ok_or(t("Skriv en dag."))
}

fn form_of(
    asked: &PageCall,
    lookup: &StoredLookup,
    id: Uuid,
    (from, to): (Option<Words>, Option<Words>),
) -> Result<PageForm, Refused> {
    let sent = &asked.form;
    let today = local(asked.now).date();
    let year_ago = today.checked_sub_months(Months::new(12)).unwrap_or(today);
    let or = |name: &str, default: String| match sent.get(name) {
        "" => default,
        value => value.to_owned(),
    };
    let line = |name: &str, kind| Control::Line(kind, sent.get(name).to_owned());
    let requesters = vec![
        ("patient".to_owned(), t("Patienten"), Words::none()),
        (
            "guardian".to_owned(),
            t("En vårdnadshavare"),
            t("Till och med 12 år; 13–17 år efter bedömd mognad."),
        ),
        ("representative".to_owned(), t("En företrädare med fullmakt"), Words::none()),
    ];
    let mut fields = vec![
        field(
            "requester",
            t("Vem begär utdraget"),
            Control::Choice(requesters, or("requester", "patient".to_owned())),
        ),
        field(
            "requester_name",
            t("Namn, om det inte är patienten"),
            line("requester_name", "text"),
        ),
        field(
            "identity_check",
            t("Hur kontrollerades identiteten"),
            line("identity_check", "text"),
        )
        .hint(t("Till exempel: id-kort på plats.")),
        field("maturity", t("Barnets mognad"), line("maturity", "text"))
            .hint(t("Behövs när en vårdnadshavare begär det för ett barn på 13–17 år.")),
        field("case", t("Ärendenummer"), line("case", "text")),
        field("from", t("Från och med"), Control::Line("date", or("from", day(year_ago))))
            .error(from),
        field("to", t("Till och med"), Control::Line("date", or("to", day(today)))).error(to),
    ];
    let person = asked.on_duty()?;
    if asked.people().names_of(&person.assignment.provider) == NamesPolicy::Decided {
        let choices = vec![
            ("no".to_owned(), t("Nej"), Words::none()),
            ("yes".to_owned(), t("Ja"), Words::none()),
        ];
        fields.push(field(
            "names",
            t("Lämnas personalens namn ut"),
            Control::Choice(choices, or("names", "no".to_owned())),
        ));
        fields.push(field("names_reason", t("Hur är det prövat"), line("names_reason", "text")));
    }
    let to = format!("/patient/{}/utdrag", lookup.id);
    Ok(form(to, fields, t("Ta emot begäran")).carrying("id", id.to_string()))
}
