//! *Registrera samtycke*: a consent or an emergency, for the unit or for oneself.

use super::head::{head, to_overview};
use super::times;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{Control, PageForm, PagePart, Tone, field, form};
use crate::admin::words::{Words, t};
use crate::domain::consent::assertion::{AssertionContent, AssertionType};
use crate::domain::consent::registration::AssertionRegistration;
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::people::number;
use crate::domain::rejection::Rejection;
use crate::domain::time::{Timestamp, local};
use crate::procedures::consent::change;
use crate::procedures::people::looking::{Activity, StoredLookup};

/// As the form sends them.
const KIND_CONSENT: &str = "consent";
const KIND_EMERGENCY: &str = "emergency";

/// The form and the registration.
pub async fn register(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let is_emergency = asked.form.get("kind") == KIND_EMERGENCY;
    let activity = match (asked.is_post(), is_emergency) {
        (false, _) => Activity::Read,
        (true, false) => Activity::Write,
        (true, true) => Activity::Emergency,
    };
    let viewed = asked.viewed(&lookup, (activity, None), &["Samtycke"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let age = number::age_of(&lookup.patient, local(asked.now).date());
    let page = |mut parts: Vec<PagePart>| {
        let mut all = head(&lookup, &facts.person, &viewed);
        if age.is_some_and(|age| age < 18) {
            let says = t(
                "Patienten är under 18 år. Ett barn som inte själv kan ta ställning kan inte lämna samtycke; då gäller andra regler för att läsa.",
            );
            all.push(PagePart::Notice(Tone::Note, says, vec![]));
        }
        all.append(&mut parts);
        view(t("Registrera samtycke"), all).back(to_overview(&lookup))
    };
    if !asked.is_post() {
        let id = (asked.people().new_id)().to_string();
        let form = form_of(&asked, &lookup, WrongConsent::default()).carrying("id", id);
        return Ok(PageAnswer::Patients(viewed, page(vec![PagePart::form(form)])));
    }
    let (start, end) = match read(&asked) {
        Ok(times) => times,
        Err(wrong) => {
            let form = form_of(&asked, &lookup, *wrong).carrying("id", asked.form.get("id"));
            return Ok(PageAnswer::Patients(viewed, page(vec![PagePart::form(form)]).refused()));
        }
    };
    let new = registration(&asked, &lookup, (start, end))?;
    let id = new.id.as_str().to_owned();
    let context = asked.people().context(&person, "pages");
    match refusal_of(change::register(&context, &new).await)? {
        Ok(()) => Ok(PageAnswer::To(format!("/patient/{}", lookup.id))),
        Err(refusal) => {
            let says = PagePart::Notice(Tone::Bad, Words::from(refusal.text.into_owned()), vec![]);
            let form = form_of(&asked, &lookup, WrongConsent::default()).carrying("id", id);
            Ok(PageAnswer::Patients(viewed, page(vec![says, PagePart::form(form)]).refused()))
        }
    }
}

/// What is registered.
fn registration(
    asked: &PageCall,
    lookup: &StoredLookup,
    (start, end): (Option<Timestamp>, Option<Timestamp>),
) -> Result<AssertionRegistration, Refused> {
    let person = asked.on_duty()?;
    let is_emergency = asked.form.get("kind") == KIND_EMERGENCY;
    let id =
        uuid::Uuid::parse_str(asked.form.get("id")).map_err(|_| Refused::NotFound)?.to_string();
    let sent = &asked.form;
    let for_me = match sent.get("whom") {
        "me" => Some(person.session.employee.clone()),
        "unit" => None,
        // Nobody's choice must not become everybody's at the unit.
        _ => return Err(Refused::Rule(Rejection::validation("Välj vem som får läsa."))),
    };
    let represented_by = match asked.people().read_number(sent.get("representative")) {
        Ok(number) => {
            let (root, extension) = (number.patient.root(), number.patient.extension());
            Some((root.to_owned(), Some(extension.to_owned())))
        }
        Err(_) => None,
    };
    let reason = Some(sent.get("reason").to_owned()).filter(|reason| !reason.is_empty());
    Ok(AssertionRegistration {
        id: RecordId::new(&id).ok_or(Refused::NotFound)?,
        content: AssertionContent {
            assertion_type: match is_emergency {
                true => AssertionType::Emergency,
                false => AssertionType::Consent,
            },
            patient: lookup.patient.clone(),
            care_provider: person.assignment.provider.clone(),
            care_unit: person.assignment.unit.clone(),
            employee: for_me,
            start,
            end,
            represented_by,
        },
        action: person.action(asked.now, reason, asked.now),
        owner_id: Some(asked.people().system.0.as_str().to_owned()),
    })
}

#[derive(Default)]
struct WrongConsent {
    kind: Option<Words>,
    from: Option<Words>,
    to: Option<Words>,
    representative: Option<Words>,
    reason: Option<Words>,
}

fn read(asked: &PageCall) -> Result<(Option<Timestamp>, Option<Timestamp>), Box<WrongConsent>> {
    let sent = &asked.form;
    let mut wrong = WrongConsent::default();
    let kind = sent.get("kind");
    if ![KIND_CONSENT, KIND_EMERGENCY].contains(&kind) {
        wrong.kind = Some(t("Välj samtycke eller nödsituation."));
    }
    if kind == KIND_EMERGENCY && sent.get("reason").is_empty() {
        wrong.reason = Some(t("Skriv varför samtycke inte kan inhämtas."));
    }
    if !sent.get("representative").is_empty()
        && let Err(how) = asked.people().read_number(sent.get("representative"))
    {
        wrong.representative = Some(Words::from(how));
    }
    let from = times::day(sent.get("from")).map_err(|how| wrong.from = Some(how));
    let to = times::day(sent.get("to")).map_err(|how| wrong.to = Some(how));
    let today = local(asked.now).date();
    if let Ok(Some(to)) = to
        && to < from.ok().flatten().unwrap_or(today)
    {
        wrong.to = Some(t("Slutdagen ligger före startdagen."));
    }
    let WrongConsent { kind, from: a, to: b, representative, reason } = &wrong;
    let is_wrong = [kind, a, b, representative, reason].into_iter().any(Option::is_some);
    match (from, to) {
        (Ok(from), Ok(to)) if !is_wrong => {
            // From today is from now.
            let start = from.filter(|from| *from != today).map(times::begins);
            Ok((start, to.map(times::ends)))
        }
        _ => Err(Box::new(wrong)),
    }
}

fn form_of(asked: &PageCall, lookup: &StoredLookup, wrong: WrongConsent) -> PageForm {
    let sent = &asked.form;
    let line = |name: &str, kind| Control::Line(kind, sent.get(name).to_owned());
    let or = |name: &str, default: &str| match sent.get(name) {
        "" => default.to_owned(),
        value => value.to_owned(),
    };
    let kinds = vec![
        (
            KIND_CONSENT.to_owned(),
            t("Samtycke"),
            t("Patienten har sagt ja till att ni läser andra vårdgivares uppgifter."),
        ),
        (
            KIND_EMERGENCY.to_owned(),
            t("Nödsituation"),
            t(
                "Patienten kan inte tillfrågas, och det är fara för liv eller allvarlig risk för hälsan.",
            ),
        ),
    ];
    let whom = vec![
        ("unit".to_owned(), t("Hela enheten"), Words::none()),
        ("me".to_owned(), t("Bara mig"), Words::none()),
    ];
    let fields = vec![
        field(
            "kind",
            t("Samtycke eller nödsituation"),
            Control::Choice(kinds, or("kind", KIND_CONSENT)),
        )
        .error(wrong.kind),
        field("whom", t("Vem får läsa"), Control::Choice(whom, or("whom", "unit"))),
        field("from", t("Från och med"), line("from", "date"))
            .hint(t("Lämna tomt för nu."))
            .error(wrong.from),
        field("to", t("Till och med"), line("to", "date"))
            .hint(t("Lämna tomt för tills vidare."))
            .error(wrong.to),
        field("representative", t("Företrädarens nummer"), line("representative", "text"))
            .hint(t("Om någon annan har sagt ja för patienten."))
            .error(wrong.representative),
        field("reason", t("Anteckning"), line("reason", "text")).error(wrong.reason),
    ];
    form(format!("/patient/{}/samtycken/nytt", lookup.id), fields, t("Registrera"))
}

/// The unit of a form, of those that may be chosen.
pub fn chosen<'u>(units: &'u [(HsaId, String)], text: &str) -> Option<&'u HsaId> {
    let id = HsaId::new(text)?;
    units.iter().map(|(own, _)| own).find(|own| **own == id)
}
