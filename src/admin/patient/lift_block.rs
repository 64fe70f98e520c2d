//! Lifting a block for a time, and taking that back.

use super::end_block::{block_of, id_of_hex};
use super::head::{head, to_overview};
use super::{times, told};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Control, PageForm, PagePart, Tone, field, form};
use crate::admin::words::{Words, filled, number, t};
use crate::domain::blocking::block::Lift;
use crate::domain::blocking::history::{Removal, RevokeDetails, RevokeReason};
use crate::domain::blocking::registration::{ReplicationWait, RevokeRegistration};
use crate::domain::identity::{HsaId, RecordId};
use crate::procedures::blocking::change;
use crate::procedures::people::looking::Activity;

/// *Häv tillfälligt*.
pub async fn lift(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let is_emergency = asked.form.get("ground") == "emergency";
    let activity = match (asked.is_post(), is_emergency) {
        (false, _) => Activity::Read,
        (true, false) => Activity::Write,
        (true, true) => Activity::Emergency,
    };
    let viewed = asked.viewed(&lookup, (activity, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let (history, revokes) = block_of(&asked, &facts)?;
    let units = asked.handled_units().await?;
    let page = |parts: Vec<PagePart>| {
        let mut all = head(&lookup, &facts.person, &viewed);
        all.push(PagePart::Facts(vec![
            (t("Spärr"), told::guarded(&history.block.content.guards, &facts.names).into()),
            (t("Läge"), told::block_state(history, revokes, asked.now)),
        ]));
        all.extend(parts);
        view(t("Häv spärr tillfälligt"), all).back(to_overview(&lookup))
    };
    let to = format!("/patient/{}/sparrar/{}/hav-tillfalligt", lookup.id, asked.part("b"));
    if !asked.is_post() {
        let policy = asked.people().services.lift_policies.of(&person.assignment.provider);
        let says = match policy.longest_days {
            Some(days) => filled("Vårdgivaren tillåter högst {} dygn.", [number(days).into()]),
            None => t("Vårdgivaren har ingen gräns för hur länge."),
        };
        let id = (asked.people().new_id)().to_string();
        let form = form_of(&asked, to, &units, WrongLift::default()).carrying("id", id);
        return Ok(PageAnswer::Patients(
            viewed,
            page(vec![PagePart::Text(says), PagePart::form(form)]),
        ));
    }
    let (wrong, read) = read(&asked, &units);
    let Some((reason, end, care_unit)) = read else {
        let form = form_of(&asked, to, &units, wrong).carrying("id", asked.form.get("id"));
        return Ok(PageAnswer::Patients(viewed, page(vec![PagePart::form(form)]).refused()));
    };
    let id = uuid::Uuid::parse_str(asked.form.get("id")).map_err(|_| Refused::NotFound)?;
    let text = Some(asked.form.get("reason").to_owned()).filter(|text| !text.is_empty());
    let new = RevokeRegistration {
        id: RecordId::new(&id.to_string()).ok_or(Refused::NotFound)?,
        block: history.block.id.clone(),
        lift: Lift { end, care_unit, employee: HsaId::new(asked.form.get("employee")) },
        owner_id: Some(asked.people().system.0.as_str().to_owned()),
        details: Some(RevokeDetails {
            reason,
            reason_text: text,
            action: person.action(asked.now, None, asked.now),
        }),
    };
    let context = asked.people().context(&person, "pages");
    match refusal_of(change::lift(&context, &new, ReplicationWait::No).await)? {
        Ok(()) => Ok(PageAnswer::To(format!("/patient/{}", lookup.id))),
        Err(refusal) => {
            let says = PagePart::Notice(Tone::Bad, Words::from(refusal.text.into_owned()), vec![]);
            let form =
                form_of(&asked, to, &units, WrongLift::default()).carrying("id", id.to_string());
            Ok(PageAnswer::Patients(viewed, page(vec![says, PagePart::form(form)]).refused()))
        }
    }
}

#[derive(Default)]
struct WrongLift {
    ground: Option<Words>,
    employee: Option<Words>,
    reason: Option<Words>,
    unit: Option<Words>,
    until: Option<Words>,
}

type Read = Option<(RevokeReason, crate::domain::time::Timestamp, HsaId)>;

fn read(asked: &PageCall, units: &[(HsaId, String)]) -> (WrongLift, Read) {
    let sent = &asked.form;
    let mut wrong = WrongLift::default();
    let ground = match sent.get("ground") {
        "consent" => Some(RevokeReason::PatientsConsent),
        "emergency" => Some(RevokeReason::Emergency),
        _ => None,
    };
    let employee = sent.sent("employee").unwrap_or_default();
    if !employee.is_empty() && HsaId::new(employee).is_none() {
        // Nobody must become everybody of the unit.
        wrong.employee = Some(t("Skriv medarbetarens HSA-id."));
    }
    if ground.is_none() {
        wrong.ground = Some(t("Välj grund."));
    }
    if ground == Some(RevokeReason::Emergency) && sent.get("reason").is_empty() {
        wrong.reason =
            Some(t("Skriv varför uppgifterna behövs och varför patienten inte kan tillfrågas."));
    }
    let unit = HsaId::new(sent.get("unit")).filter(|id| units.iter().any(|(own, _)| own == id));
    if unit.is_none() {
        wrong.unit = Some(t("Välj en enhet."));
    }
    let until = times::moment((sent.get("until"), sent.get("until_time")), times::ends);
    let end = match until {
        Ok(Some(end)) if end > asked.now => Some(end),
        Ok(Some(_)) => {
            wrong.until = Some(t("Sluttiden ska ligga framåt i tiden."));
            None
        }
        Ok(None) => {
            wrong.until = Some(t("Skriv till och med vilken dag."));
            None
        }
        Err(how) => {
            wrong.until = Some(how);
            None
        }
    };
    let read = match (ground, end, unit) {
        (Some(ground), Some(end), Some(unit))
            if wrong.reason.is_none() && wrong.employee.is_none() =>
        {
            Some((ground, end, unit))
        }
        _ => None,
    };
    (wrong, read)
}

fn form_of(asked: &PageCall, to: String, units: &[(HsaId, String)], wrong: WrongLift) -> PageForm {
    let sent = &asked.form;
    let line = |name: &str, kind| Control::Line(kind, sent.get(name).to_owned());
    let grounds = vec![
        ("consent".to_owned(), t("Patientens samtycke"), Words::none()),
        (
            "emergency".to_owned(),
            t("Nödsituation"),
            t(
                "Patienten kan inte tillfrågas, och uppgifterna antas vara viktiga för vård som patienten oundgängligen behöver.",
            ),
        ),
    ];
    let choices =
        units.iter().map(|(id, name)| (id.as_str().to_owned(), Words::from(name.as_str())));
    let own = asked.person.as_ref().and_then(|p| p.session.assignment.as_ref());
    let own = own.map_or("", |assignment| assignment.unit.as_str());
    let unit = match sent.get("unit") {
        "" => own,
        unit => unit,
    };
    let fields = vec![
        field("ground", t("Grund"), Control::Choice(grounds, sent.get("ground").to_owned()))
            .error(wrong.ground),
        field("reason", t("Varför"), line("reason", "text")).error(wrong.reason),
        field("unit", t("För vilken enhet"), Control::Select(choices.collect(), unit.to_owned()))
            .error(wrong.unit),
        field("employee", t("Bara för en medarbetare"), line("employee", "text"))
            .hint(t("HSA-id. Lämna tomt för alla behöriga vid enheten."))
            .error(wrong.employee),
        field("until", t("Till och med dag"), line("until", "date")).error(wrong.until),
        field("until_time", t("Till klockslag"), line("until_time", "time"))
            .hint(t("Lämna tomt för hela dagen.")),
    ];
    form(to, fields, t("Häv tillfälligt"))
}

/// *Återkalla hävning*.
pub async fn take_back(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let activity = if asked.is_post() { Activity::Write } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let (history, revokes) = block_of(&asked, &facts)?;
    let id =
        id_of_hex(asked.part("r")).and_then(|id| RecordId::new(&id)).ok_or(Refused::NotFound)?;
    let revoke = revokes.iter().find(|revoke| revoke.revoke.id == id).ok_or(Refused::NotFound)?;
    asked.must_handle(&revoke.revoke.lift.care_unit)?;
    let mut parts = head(&lookup, &facts.person, &viewed);
    parts.push(PagePart::Facts(vec![
        (t("Spärr"), told::guarded(&history.block.content.guards, &facts.names).into()),
        (t("Hävd för"), facts.names.of(&revoke.revoke.lift.care_unit).into()),
        (t("Till"), crate::admin::words::minute(revoke.revoke.lift.end).into()),
    ]));
    let mut status = 200;
    if asked.is_post() {
        let by = Removal { action: person.action(asked.now, None, asked.now), reason: None };
        let context = asked.people().context(&person, "pages");
        match refusal_of(change::cancel(&context, &id, &by, ReplicationWait::No).await)? {
            Ok(()) => return Ok(PageAnswer::To(format!("/patient/{}", lookup.id))),
            Err(refusal) => {
                parts.push(PagePart::Notice(
                    Tone::Bad,
                    Words::from(refusal.text.into_owned()),
                    vec![],
                ));
                status = 422;
            }
        }
    }
    let to = asked.request.path.clone();
    parts.push(PagePart::Text(t("Spärren stänger igen direkt.")));
    parts.push(PagePart::form(form(to, Vec::new(), t("Återkalla hävningen")).dangerous()));
    let page = view(t("Återkalla hävning"), parts).back(to_overview(&lookup));
    Ok(PageAnswer::Patients(viewed, crate::admin::asked::View { status, ..page }))
}
