//! *Riktad kontroll*: who or which patient, which time, why.

use super::number;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Control, PagePart, Tone, field, form, link};
use crate::admin::patient::times;
use crate::admin::words::{Words, day, t};
use crate::domain::identity::{HsaId, PatientId};
use crate::domain::time::local;
use crate::procedures::people::looking::{Activity, Viewed};
use crate::procedures::review::controls::AskedControl;
use chrono::Days;
use uuid::Uuid;

/// The form and the opening.
pub async fn control(asked: PageCall) -> Handled {
    let person = asked.on_duty()?;
    let mut parts = Vec::new();
    let mut errors: [Option<Words>; 3] = [None, None, None];
    let patient = patient(&asked).await?;
    if asked.is_post() {
        let (from, to) = (times::day(asked.form.get("from")), times::day(asked.form.get("to")));
        let today = local(asked.now).date();
        errors = [patient.clone().err(), from.clone().err(), to.clone().err()];
        if let (Ok(patient), Ok(from), Ok(to)) = (&patient, from, to) {
            logged(&asked, patient.as_ref(), Activity::Write).await?;
            let control = AskedControl {
                employee: HsaId::new(asked.form.get("employee")),
                patient: patient.clone(),
                from: from.unwrap_or(today - Days::new(30)),
                to: to.unwrap_or(today),
                reason: asked.form.get("reason").to_owned(),
                opening: Uuid::parse_str(asked.form.get("opening")).ok(),
            };
            match refusal_of(asked.people().open_control(&person, &control).await)? {
                Ok(number) => return Ok(PageAnswer::To(format!("/granskning/{number}"))),
                Err(refusal) => {
                    let says = Words::from(refusal.text.into_owned());
                    parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
                }
            }
        }
    }
    let viewed =
        logged(&asked, patient.as_ref().ok().and_then(Option::as_ref), Activity::Read).await?;
    let sent = |name: &str| asked.form.get(name).to_owned();
    let [wrong_patient, wrong_from, wrong_to] = errors;
    let is_refused = asked.is_post();
    let month_ago = local(asked.now).date() - Days::new(30);
    let or = |name: &str, default: String| if is_refused { sent(name) } else { default };
    let line = |kind, text| Control::Line(kind, text);
    let mut fields = vec![
        field("employee", t("Medarbetare (HSA-id)"), line("text", sent("employee")))
            .hint(t("Lämna tomt för alla som läst patienten.")),
    ];
    let lookup = lookup_id(&asked);
    if lookup.is_none() {
        let hint = t("Lämna tomt för medarbetarens alla patienter.");
        fields.extend(number::fields(&asked, hint, wrong_patient));
    } else {
        parts.push(PagePart::Text(t("Kontrollen gäller patienten som du har slagit upp.")));
    }
    fields.extend([
        field("from", t("Från och med"), line("date", or("from", day(month_ago))))
            .error(wrong_from),
        field("to", t("Till och med"), line("date", or("to", day(local(asked.now).date()))))
            .error(wrong_to),
        field("reason", t("Varför"), Control::Area(sent("reason")))
            .hint(t("Skriv vad misstanken gäller. Den som kontrollen gäller ser den inte.")),
    ]);
    // The same form sent twice opens one.
    let opening = match Uuid::parse_str(asked.form.get("opening")) {
        Ok(opening) => opening,
        Err(_) => (asked.people().new_id)(),
    };
    let form = form("/granskning/ny", fields, t("Öppna riktad kontroll"));
    let mut form = form.carrying("opening", opening.to_string());
    if let Some(lookup) = lookup {
        form = form.carrying("lookup", lookup.to_string());
    }
    parts.push(PagePart::form(form));
    let page = view(t("Riktad kontroll"), parts).back(link("/granskning", t("Granskning")));
    Ok(PageAnswer::Patients(viewed, if is_refused { page.refused() } else { page }))
}

async fn logged(
    asked: &PageCall,
    patient: Option<&PatientId>,
    activity: Activity,
) -> Result<Viewed, Refused> {
    let patients: Vec<&PatientId> = patient.into_iter().collect();
    let level = Some("granskning: riktad kontroll");
    asked.viewed_several("Riktad kontroll", (activity, level), &["Logg"], &patients).await
}

fn lookup_id(asked: &PageCall) -> Option<Uuid> {
    let text = match asked.form.get("lookup") {
        "" => asked.query.get("u"),
        sent => sent,
    };
    Uuid::parse_str(text).ok()
}

/// The patient: looked up before, or written here.
async fn patient(asked: &PageCall) -> Result<Result<Option<PatientId>, Words>, Refused> {
    if let Some(id) = lookup_id(asked) {
        let person = asked.on_duty()?;
        let lookup = asked.people().lookup(&person, id).await?.ok_or(Refused::NotFound)?;
        return Ok(Ok(Some(lookup.patient)));
    }
    Ok(number::written(asked))
}
