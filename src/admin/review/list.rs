//! *Lista*: the minimised list of a review, judged row by row, with keys or with buttons.

use super::told::{class_words, flag_words, kind_words, state_chip, tone};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{
    Cell, Control, PagePart, ReviewGroup, ReviewRow, ReviewTable, Tone, field, form, link, question,
};
use crate::admin::words::{Words, clock, counted, day, filled, minute, number as digits, t};
use crate::domain::identity::PatientId;
use crate::domain::people::roles::Role;
use crate::domain::review::lifecycle::ReviewState;
use crate::domain::review::questions::Flag;
use crate::domain::review::verdict::VerdictClass;
use crate::domain::review::visit::{AskedJudgement, ListedPatient, may_be_judged_with_others};
use crate::procedures::people::looking::{Activity, Viewed};
use crate::procedures::people::on_duty::People;
use crate::procedures::review::reviewing::{PAGE_VISITS, StoredReview, StoredVisit, patient_of};
use std::collections::BTreeSet;

/// Patients of one log record of ours.
const PATIENTS: usize = 100;

/// The review that the path names, as far as who asks may see it.
///
/// # Errors
/// That there is none.
pub(super) async fn review_of(asked: &PageCall) -> Result<StoredReview, Refused> {
    let number = asked.part("n").parse().map_err(|_| Refused::NotFound)?;
    let person = asked.on_duty()?;
    asked.people().review(&person, number).await?.ok_or(Refused::NotFound)
}

/// Logs that patients of a review are looked at.
pub(super) async fn seen(
    asked: &PageCall,
    review: &StoredReview,
    (activity, level): (Activity, &str),
    visits: &[StoredVisit],
) -> Result<Viewed, Refused> {
    let mut patients: Vec<PatientId> = visits.iter().map(patient_of).collect();
    patients.sort_by(|a, b| a.key().cmp(b.key()));
    patients.dedup();
    let patients: Vec<&PatientId> = patients.iter().collect();
    let matter = format!("Granskning {}", review.review_number);
    looked_at(asked, &matter, (activity, level), &patients).await
}

/// Logs that some patients, or none, are looked at: so many a record as a record has.
pub(super) async fn looked_at(
    asked: &PageCall,
    matter: &str,
    (activity, level): (Activity, &str),
    patients: &[&PatientId],
) -> Result<Viewed, Refused> {
    let look = |some| asked.viewed_several(matter, (activity, Some(level)), &["Logg"], some);
    let mut some = patients.chunks(PATIENTS);
    let mut viewed = look(some.next().unwrap_or(&[])).await?;
    for rest in some {
        viewed = look(rest).await?;
    }
    Ok(viewed)
}

/// The page, and what is judged on it.
pub async fn list(asked: PageCall) -> Handled {
    let review = review_of(&asked).await?;
    let mut refusal = None;
    if asked.is_post() {
        match judged(&asked, &review).await? {
            Ok(answer) => return Ok(answer),
            Err(says) => refusal = Some(says),
        }
    }
    let person = asked.on_duty()?;
    let only = match asked.query.get("visa") {
        "alla" => "all",
        "flaggade" => "flagged",
        "bedomda" => "judged",
        _ => "default",
    };
    let skip: i64 = asked.query.get("fran").parse().unwrap_or(0).max(0);
    let mut visits = asked.people().visits(&review, only, skip).await?;
    let most = usize::try_from(PAGE_VISITS).unwrap_or(200);
    let has_more = visits.len() > most;
    visits.truncate(most);
    let viewed = seen(&asked, &review, (Activity::Read, "granskning: minimerad"), &visits).await?;
    let patients = asked.people().listed_patients(&viewed, &visits).await;
    let managers = asked.people().who_manages(&person, &review).await?;
    let mut parts = head(&asked, &review);
    let is_refused = refusal.is_some();
    if let Some(says) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
    }
    let is_open = review.listed_at.is_some() && review.concluded_at.is_none();
    let may = |visit: &StoredVisit| {
        is_open && People::may_judge(&person, &review, visit, &managers).is_ok()
    };
    if review.list_failed_at.is_some() && review.listed_at.is_none() {
        let says = t(
            "Listan kunde inte göras: den är för stor, eller tog för lång tid att läsa. Den försöks igen varje timme.",
        );
        parts.push(PagePart::Notice(Tone::Warning, says, vec![]));
    }
    if review.listed_at.is_some() {
        parts.push(PagePart::form(filter(&asked, &review)));
        let own = person.session.employee.key();
        let shown = asked.query.get("visa");
        let table = table(&review, shown, (&visits, &patients), (&own, &may));
        if visits.is_empty() {
            parts.push(PagePart::Text(t("Inga tillfällen efter valet.")));
        } else {
            parts.push(PagePart::Review(Box::new(table)));
        }
        let path =
            format!("/granskning/{}?visa={}&", review.review_number, asked.query.get("visa"));
        let newer = (skip > 0).then(|| path.trim_end_matches('&').to_owned());
        let older = has_more.then(|| format!("{path}fran={}", skip + PAGE_VISITS));
        parts.push(PagePart::Paging(newer, older));
    }
    if is_open {
        parts.extend(ending(&asked, &review, &visits, may));
    }
    let title = filled("Granskning {}", [review.review_number.to_string().into()]);
    let page = view(title, parts).back(link("/granskning", t("Granskning")));
    Ok(PageAnswer::Patients(viewed, if is_refused { page.refused() } else { page }))
}

/// What is done with the list: a judgement, several at once, the conclusion.
async fn judged(
    asked: &PageCall,
    review: &StoredReview,
) -> Result<Result<PageAnswer, Words>, Refused> {
    let person = asked.on_duty()?;
    let says =
        |rejection: crate::domain::rejection::Rejection| Words::from(rejection.text.into_owned());
    let to = match asked.query.get("visa") {
        "" => format!("/granskning/{}", review.review_number),
        shown @ ("alla" | "flaggade" | "bedomda") => {
            format!("/granskning/{}?visa={shown}", review.review_number)
        }
        _ => return Err(Refused::NotFound),
    };
    match asked.form.get("step") {
        "judge" => {
            let number: i64 = asked.form.get("visit").parse().map_err(|_| Refused::NotFound)?;
            let visit = asked.people().visit(review, number).await?.ok_or(Refused::NotFound)?;
            let of_one = std::slice::from_ref(&visit);
            let viewed =
                seen(asked, review, (Activity::Write, "granskning: bedömning"), of_one).await?;
            // The button is there only where nobody has judged.
            let no_remark = (&AskedJudgement::default(), 0);
            let done = asked.people().judge_visit(&person, review, &visit, no_remark).await;
            match done {
                Err(crate::procedures::failure::Failure::Refused(rejection)) => {
                    return Ok(Err(says(rejection)));
                }
                done => done?,
            }
            let now = review_of(asked).await?;
            if asked.form.says_yes("row") {
                let told = format!("{{\"judged\":{},\"of\":{}}}", now.judged, now.visits);
                let (name, kind) = ("rad.json".to_owned(), "application/json");
                return Ok(Ok(PageAnswer::File(Some(viewed), name, kind, told.into_bytes())));
            }
            let next = asked.people().visits(review, "left", 0).await?;
            let behind = next.iter().find(|left| {
                (&left.employee_name, left.first_at) >= (&visit.employee_name, visit.first_at)
            });
            let next = behind.or(next.first());
            Ok(Ok(PageAnswer::To(match next {
                Some(next) => format!("{to}#v{}", next.visit_number),
                None => to,
            })))
        }
        "together" => {
            let numbers =
                asked.form.get("visits").split(',').filter_map(|number| number.parse().ok());
            let numbers: BTreeSet<i64> = numbers.collect();
            let mut shown = asked.people().all_visits(review).await?;
            shown.retain(|visit| numbers.contains(&visit.visit_number));
            seen(asked, review, (Activity::Write, "granskning: bedömning"), &shown).await?;
            Ok(refusal_of(asked.people().judge_together(&person, review, &shown).await)?
                .map(|_| PageAnswer::To(to))
                .map_err(says))
        }
        "conclude" => {
            seen(asked, review, (Activity::Write, "granskning: avslut"), &[]).await?;
            let text = asked.form.get("conclusion");
            Ok(refusal_of(asked.people().conclude(&person, review, text).await)?
                .map(|()| PageAnswer::To(to))
                .map_err(says))
        }
        _ => Err(Refused::NotFound),
    }
}

/// What the review is, how far it has come, and how much is left.
fn head(asked: &PageCall, review: &StoredReview) -> Vec<PagePart> {
    let mut facts = vec![
        (t("Enhet"), Cell::from(review.unit_name.clone())),
        (t("Slag"), Cell::from(kind_words(&review.kind))),
    ];
    if let Some(on) = review.day {
        facts.push((t("Dag"), Cell::from(day(on))));
    }
    if let Some((from, to)) = review.from_at.zip(review.to_at) {
        facts.push((
            t("Period"),
            Cell::from(filled("{} – {}", [minute(from).into(), minute(to).into()])),
        ));
    }
    if !review.reason.is_empty() {
        facts.push((t("Varför"), Cell::from(review.reason.clone())));
    }
    facts.push((t("Klar senast"), Cell::from(day(review.due_on))));
    facts.push((t("Läge"), state_chip(review)));
    if let Some(by) = &review.concluded_by {
        let at = review.concluded_at.map(minute).unwrap_or_default();
        facts.push((t("Avslutad av"), Cell::from(filled("{} {}", [by.clone().into(), at.into()]))));
    }
    if !review.conclusion.is_empty() {
        facts.push((t("Slutsats"), Cell::from(review.conclusion.clone())));
    }
    let mut parts = vec![PagePart::Facts(facts)];
    let reached = |state: ReviewState| match state {
        ReviewState::Planned => true,
        ReviewState::Drawn => review.drawn_at.is_some() || review.listed_at.is_some(),
        ReviewState::UnderReview => review.listed_at.is_some() && review.judged == review.visits,
        _ => review.concluded_at.is_some(),
    };
    let is_systematic = review.kind == "systematic";
    let steps = [
        (if is_systematic { t("Planerad") } else { t("Öppnad") }, reached(ReviewState::Planned)),
        (if is_systematic { t("Dragen") } else { t("Listad") }, reached(ReviewState::Drawn)),
        (t("Granskas"), reached(ReviewState::UnderReview)),
        (t("Avslutad"), reached(ReviewState::Concluded)),
    ];
    parts.push(PagePart::Steps(steps.into()));
    if review.listed_at.is_some() {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        parts.push(PagePart::Progress {
            done: count(review.judged),
            of: count(review.visits),
            says: filled("{} med anmärkning", [digits(review.remarks).into()]),
        });
    }
    let mut links = Vec::new();
    if review.notice.is_some() {
        let to = format!("/granskning/{}/dragning", review.review_number);
        links.push(link(to, t("Kontrollera dragningen")));
    }
    if asked.is(Role::LogAdmin) {
        links.push(link("/granskning/plan", t("Granskningsplan")));
    }
    if !links.is_empty() {
        parts.push(PagePart::SeeAlso(links));
    }
    parts
}

fn filter(asked: &PageCall, review: &StoredReview) -> crate::admin::parts::PageForm {
    let choices = vec![
        (String::new(), t("Kvar att bedöma, och flaggade")),
        ("alla".to_owned(), t("Alla")),
        ("flaggade".to_owned(), t("Flaggade")),
        ("bedomda".to_owned(), t("Bedömda")),
    ];
    let chosen = asked.query.get("visa").to_owned();
    let fields = vec![field("visa", t("Visa"), Control::Select(choices, chosen))];
    question(format!("/granskning/{}", review.review_number), fields, t("Visa"))
}

/// The rows, by who made the visits.
fn table(
    review: &StoredReview,
    shown: &str,
    (visits, patients): (&[StoredVisit], &[ListedPatient]),
    (own, may): (&str, &impl Fn(&StoredVisit) -> bool),
) -> ReviewTable {
    let mut groups: Vec<ReviewGroup> = Vec::new();
    for (visit, patient) in visits.iter().zip(patients) {
        if groups.last().is_none_or(|group| group.key != visit.employee_key) {
            groups.push(ReviewGroup {
                key: visit.employee_key.clone(),
                name: visit.employee_name.clone(),
                title: visit.title.clone(),
                rows: Vec::new(),
            });
        }
        if let Some(group) = groups.last_mut() {
            let is_own = visit.employee_key == own;
            group.rows.push(row((visit, patient), review.day.is_some(), may(visit), is_own));
        }
    }
    let title = filled("Tillfällen, granskning {}", [review.review_number.to_string().into()]);
    ReviewTable {
        to: format!("/granskning/{}", review.review_number),
        shown: shown.to_owned(),
        caption: title,
        groups,
        token: String::new(),
    }
}

/// A row; how one's own visits are judged is not told.
fn row(
    (visit, patient): (&StoredVisit, &ListedPatient),
    is_of_day: bool,
    may: bool,
    is_own: bool,
) -> ReviewRow {
    let class = VerdictClass::named(&visit.class).unwrap_or(VerdictClass::Undecided);
    let minutes = (visit.last_at - visit.first_at).num_minutes().unsigned_abs();
    let (name, born) = match patient {
        ListedPatient::Watched => (t("Bevakad patient"), Words::none()),
        ListedPatient::Protected => (t("Skyddade personuppgifter"), Words::none()),
        ListedPatient::Named(name, born) => (
            name.as_ref().map_or(t("Namn saknas"), |name| Words::from(name.clone())),
            born.map_or(Words::none(), |born| filled("född {}", [day(born).into()])),
        ),
    };
    let flags =
        visit.flags.iter().filter_map(|flag| Flag::read(flag)).map(|flag| flag_words(&flag));
    let posts = counted(visit.posts.unsigned_abs().into(), "1 post", "{} poster");
    ReviewRow {
        visit: visit.visit_number,
        // The day stands above, where it is one.
        time: match is_of_day {
            true => filled("{}–{}", [clock(visit.first_at).into(), clock(visit.last_at).into()]),
            false => filled("{}–{}", [minute(visit.first_at).into(), clock(visit.last_at).into()]),
        },
        length: filled("{} min, {}", [digits(minutes).into(), posts]),
        patient: name,
        born,
        tone: tone(class),
        class: class_words(class),
        flags: flags.collect(),
        is_late: visit.is_late,
        judgement: visit.judgement.as_deref().filter(|_| !is_own).map(
            |judgement| match judgement {
                "no_remark" => (Tone::Good, t("Utan anmärkning")),
                _ => (Tone::Warning, t("Anmärkning")),
            },
        ),
        may_judge: may,
    }
}

/// Several at once, and the conclusion.
fn ending(
    asked: &PageCall,
    review: &StoredReview,
    visits: &[StoredVisit],
    may: impl Fn(&StoredVisit) -> bool,
) -> Vec<PagePart> {
    let to = format!("/granskning/{}", review.review_number);
    let plain = |visit: &&StoredVisit| {
        visit.judgement.is_none()
            && may(visit)
            && VerdictClass::named(&visit.class)
                .is_some_and(|class| may_be_judged_with_others(class, visit.flags.len()))
    };
    let mut parts = Vec::new();
    let together: Vec<String> =
        visits.iter().filter(plain).map(|visit| visit.visit_number.to_string()).collect();
    if together.len() > 1 {
        let count = digits(together.len() as u64);
        let words = filled("Bedöm {} utan flagga som utan anmärkning", [count.into()]);
        let all = form(to.clone(), Vec::new(), words).carrying("step", "together");
        parts.push(PagePart::form(all.carrying("visits", together.join(","))));
    }
    let conclusion =
        field("conclusion", t("Slutsats"), Control::Area(asked.form.get("conclusion").to_owned()))
            .hint(t("Frivilligt. Skriv inga uppgifter om patienter."));
    let conclude = form(to, vec![conclusion], t("Avsluta granskningen"));
    parts.push(PagePart::Card(
        t("Avsluta"),
        vec![
            PagePart::Text(t("Granskningen kan avslutas när alla tillfällen är bedömda. Avslutet förseglas i loggen.")),
            PagePart::form(conclude.carrying("step", "conclude")),
        ],
    ));
    parts
}
