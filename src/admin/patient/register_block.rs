//! *Registrera spärr*: four questions, who asked, and how it will be before it is saved.

use super::head::{head, to_overview};
use super::overview::matrix_table;
use super::times;
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, refusal_of, view};
use crate::admin::parts::{
    Cell, Control, FormField, PageForm, PagePart, Table, Tone, field, form, link,
};
use crate::admin::words::{Words, number, t};
use crate::domain::blocking::block::{Block, BlockContent};
use crate::domain::blocking::registration::{self, BlockRegistration, ReplicationWait, exempted};
use crate::domain::identity::{HsaId, RecordId};
use crate::domain::lifetime::Lifetime;
use crate::domain::people::matrix;
use crate::domain::people::roles::Role;
use crate::domain::period::Period;
use crate::domain::time::{Moment, Timestamp};
use crate::procedures::blocking::change;
use crate::procedures::people::facts::PatientFacts;
use crate::procedures::people::looking::{Activity, StoredLookup, Viewed};

/// What the form says, as far as it can be read.
struct Written {
    inner: bool,
    units: Vec<HsaId>,
    period: Period,
    exempted: Vec<String>,
    requested_at: Timestamp,
}

/// What is wrong with it, by field.
#[derive(Default)]
struct WrongBlock {
    kind: Option<Words>,
    units: Option<Words>,
    from: Option<Words>,
    to: Option<Words>,
    requested_by: Option<Words>,
    requested_on: Option<Words>,
}

/// The form, how it will be, and the registration.
pub async fn register(asked: PageCall) -> Handled {
    let lookup = asked.lookup().await?;
    let person = asked.on_duty()?;
    let activity = if asked.is_post() { Activity::Write } else { Activity::Read };
    let viewed = asked.viewed(&lookup, (activity, None), &["Spärr"]).await?;
    let facts = asked.people().patient_facts(&person, &lookup, &viewed).await?;
    let units = asked.handled_units().await?;
    let page = |parts: Vec<PagePart>| {
        let mut all = head(&lookup, &facts.person, &viewed);
        all.extend(parts);
        view(t("Registrera spärr"), all).back(to_overview(&lookup))
    };
    if !asked.is_post() {
        let first = form_of(&asked, &lookup, &units, WrongBlock::default());
        return Ok(PageAnswer::Patients(viewed, page(vec![PagePart::form(first)])));
    }
    let written = match read(&asked, &units) {
        Ok(written) => written,
        Err(wrong) => {
            let again = form_of(&asked, &lookup, &units, *wrong);
            return Ok(PageAnswer::Patients(viewed, page(vec![PagePart::form(again)]).refused()));
        }
    };
    if asked.form.get("requested_by") == "guardian" {
        // A guardian cannot block a child's information.
        let says = t(
            "En vårdnadshavare kan inte spärra sitt barns uppgifter. Det står i lagen, och inget har registrerats. \
             Ett barn som är moget nog kan själv begära en spärr.",
        );
        let parts = vec![PagePart::Notice(Tone::Bad, says, vec![])];
        return Ok(PageAnswer::Patients(viewed, page(parts).refused()));
    }
    let contents = contents(&asked, &lookup, &written)?;
    if asked.form.get("step") == "save" {
        return save(&asked, &lookup, (viewed, &facts), &written, contents).await;
    }
    let preview = preview(&asked, &lookup, &facts, &contents).await?;
    let confirmed = confirm(&asked, &lookup, contents.len());
    let mut parts = preview;
    parts.push(PagePart::form(confirmed));
    parts.push(PagePart::More(
        t("Ändra"),
        vec![PagePart::form(form_of(&asked, &lookup, &units, WrongBlock::default()))],
    ));
    Ok(PageAnswer::Patients(viewed, page(parts)))
}

fn form_of(
    asked: &PageCall,
    lookup: &StoredLookup,
    units: &[(HsaId, String)],
    wrong: WrongBlock,
) -> PageForm {
    let sent = &asked.form;
    let or = |name: &str, default: &str| match sent.get(name) {
        "" => default.to_owned(),
        value => value.to_owned(),
    };
    let mut kinds = vec![
        (
            "inner".to_owned(),
            t("Inre spärr"),
            t("Stänger en enhets uppgifter för alla andra enheter, även hos er."),
        ),
        (
            "outer".to_owned(),
            t("Yttre spärr"),
            t("Stänger alla era uppgifter för andra vårdgivare."),
        ),
    ];
    if !asked.is(Role::BlockAdmin) {
        // It closes what every unit of the care provider has.
        kinds.truncate(1);
    }
    let unit_choices =
        units.iter().map(|(id, name)| (id.as_str().to_owned(), Words::from(name.as_str())));
    let mut chosen = sent.all("units");
    if chosen.is_empty()
        && !asked.is_post()
        && let Some(own) = asked.person.as_ref().and_then(|p| p.session.assignment.as_ref())
    {
        chosen.push(own.unit.as_str().to_owned());
    }
    let askers = vec![
        ("patient".to_owned(), t("Patienten"), Words::none()),
        ("representative".to_owned(), t("En företrädare med fullmakt"), Words::none()),
        ("guardian".to_owned(), t("En vårdnadshavare"), Words::none()),
    ];
    let line = |name: &'static str, kind| Control::Line(kind, sent.get(name).to_owned());
    let exempt = vec![
        ("lak".to_owned(), t("Läkemedel: ordination och förskrivning")),
        ("upp".to_owned(), t("Uppmärksamhetsinformation")),
    ];
    let fields: Vec<FormField> = vec![
        field("kind", t("Inre eller yttre"), Control::Choice(kinds, or("kind", "inner")))
            .error(wrong.kind),
        field("units", t("Vilka enheter"), Control::Many(unit_choices.collect(), chosen))
            .hint(t("Gäller bara inre spärr. Varje enhet får en egen spärr."))
            .error(wrong.units),
        field("from", t("Uppgifter från och med"), line("from", "date"))
            .hint(t(
                "Lämna tomt för all tid. Tiden är när uppgifterna skrevs, inte när spärren gäller.",
            ))
            .error(wrong.from),
        field("to", t("Uppgifter till och med"), line("to", "date")).error(wrong.to),
        field("exempted", t("Undantag"), Control::Many(exempt, sent.all("exempted")))
            .hint(t("Det som kryssas här förblir öppet.")),
        field(
            "requested_by",
            t("Vem begär spärren"),
            Control::Choice(askers, or("requested_by", "patient")),
        )
        .error(wrong.requested_by),
        field("requested_on", t("När begärdes den"), line("requested_on", "date"))
            .hint(t("Lämna tomt för i dag."))
            .error(wrong.requested_on),
        field("reason", t("Anteckning"), line("reason", "text"))
            .hint(t("Valfritt. Skriv inget om patientens hälsa.")),
    ];
    form(format!("/patient/{}/sparrar/ny", lookup.id), fields, t("Så här blir det…"))
}

fn read(asked: &PageCall, units: &[(HsaId, String)]) -> Result<Written, Box<WrongBlock>> {
    let sent = &asked.form;
    let mut wrong = WrongBlock::default();
    let inner = match sent.get("kind") {
        "inner" => true,
        "outer" if asked.is(Role::BlockAdmin) => false,
        _ => {
            wrong.kind = Some(t("Välj inre eller yttre spärr."));
            false
        }
    };
    let chosen: Vec<HsaId> = sent.all("units").iter().filter_map(|id| HsaId::new(id)).collect();
    let known = |id: &HsaId| units.iter().any(|(own, _)| own == id);
    if inner && chosen.is_empty() {
        wrong.units = Some(t("Välj minst en enhet."));
    } else if inner && !chosen.iter().all(known) {
        wrong.units = Some(t("Enheten hör inte till er vårdgivare."));
    }
    let day = |name| times::day(sent.get(name));
    let (from, to) = (day("from"), day("to"));
    if let (Ok(Some(from)), Ok(Some(to))) = (&from, &to)
        && to < from
    {
        wrong.to = Some(t("Slutdagen ligger före startdagen."));
    }
    let (from, to) = (from.map_err(|e| wrong.from = Some(e)), to.map_err(|e| wrong.to = Some(e)));
    if !["patient", "representative", "guardian"].contains(&sent.get("requested_by")) {
        wrong.requested_by = Some(t("Välj vem som begär spärren."));
    }
    let requested = times::requested(asked).map_err(|e| wrong.requested_on = Some(e));
    let WrongBlock { kind, units, from: a, to: b, requested_by, requested_on } = &wrong;
    let is_wrong = [kind, units, a, b, requested_by, requested_on].into_iter().any(Option::is_some);
    match (from, to, requested) {
        (Ok(from), Ok(to), Ok(requested_at)) if !is_wrong => Ok(Written {
            inner,
            units: chosen,
            period: Period { start: from.map(times::begins), end: to.map(times::ends) },
            exempted: sent.all("exempted"),
            requested_at,
        }),
        _ => Err(Box::new(wrong)),
    }
}

/// What the blocks will say: one for each unit, or one of the provider.
fn contents(
    asked: &PageCall,
    lookup: &StoredLookup,
    written: &Written,
) -> Result<Vec<BlockContent>, Refused> {
    let person = asked.on_duty()?;
    let provider = &person.assignment.provider;
    let exempted = exempted(written.exempted.iter().map(String::as_str))?;
    let sources: Vec<Option<HsaId>> = match written.inner {
        true => written.units.iter().cloned().map(Some).collect(),
        false => vec![None],
    };
    let mut contents = Vec::with_capacity(sources.len());
    for unit in sources {
        let content = BlockContent {
            patient: lookup.patient.clone(),
            guards: registration::guards(written.inner, unit, provider.clone())?,
            period: written.period,
            exempted: exempted.clone(),
        };
        registration::check(&content)?;
        contents.push(content);
    }
    Ok(contents)
}

/// The access matrix as it will be, and visits of the last ninety days that would have been stopped.
async fn preview(
    asked: &PageCall,
    lookup: &StoredLookup,
    facts: &PatientFacts,
    contents: &[BlockContent],
) -> Result<Vec<PagePart>, Refused> {
    let person = asked.on_duty()?;
    let (provider, unit) = (&person.assignment.provider, &person.assignment.unit);
    let mut blocks = facts.blocks.clone();
    for (at, content) in contents.iter().enumerate() {
        let Some(id) = RecordId::new(&format!("new-{at}")) else { continue };
        blocks.push(Block {
            id,
            content: content.clone(),
            lifetime: Lifetime::from(asked.now),
            revokes: Vec::new(),
            owner_id: None,
        });
    }
    let assertions = facts.assertions_now();
    let after = matrix::MatrixAsked {
        patient: &lookup.patient,
        provider,
        unit,
        blocks: &blocks,
        assertions: &assertions,
        moment: Moment::Now(asked.now),
    };
    let mut units = facts.units(provider, unit);
    for guarded in contents.iter().filter_map(|content| content.guards.unit()) {
        if !units.contains(guarded) {
            units.push(guarded.clone());
        }
    }
    let fresh = &blocks[facts.blocks.len()..];
    let stopped = asked.people().stopped_visits(&person, &lookup.patient, fresh).await?;
    let rows = stopped
        .into_iter()
        .map(|(unit, visits)| vec![Cell::from(unit), Cell::Number(number(visits).into())]);
    let read = Table {
        caption: t("Besök de senaste 90 dagarna som hade stoppats"),
        head: vec![t("Läst från"), t("Besök")],
        rows: rows.collect(),
        empty: t("Inga besök de senaste 90 dagarna hade stoppats."),
    };
    Ok(vec![PagePart::Card(
        t("Så här blir det"),
        vec![
            PagePart::Table(matrix_table(&after.matrix(&units), &facts.names)),
            PagePart::Table(read),
        ],
    )])
}

/// The form that saves what has been shown. Each block's id is made now: pressing twice is a repetition.
fn confirm(asked: &PageCall, lookup: &StoredLookup, count: usize) -> PageForm {
    let mut save = form(format!("/patient/{}/sparrar/ny", lookup.id), Vec::new(), t("Registrera"));
    for name in ["kind", "from", "to", "requested_by", "requested_on", "reason"] {
        save = save.carrying(name, asked.form.get(name));
    }
    for name in ["units", "exempted"] {
        for value in asked.form.all(name) {
            save = save.carrying(name, value);
        }
    }
    for _ in 0..count {
        save = save.carrying("id", (asked.people().new_id)().to_string());
    }
    save.carrying("step", "save").main()
}

/// Registers, one after the other, each in a transaction of its own; the receipt says what became of each.
async fn save(
    asked: &PageCall,
    lookup: &StoredLookup,
    (viewed, facts): (Viewed, &PatientFacts),
    written: &Written,
    contents: Vec<BlockContent>,
) -> Handled {
    let person = asked.on_duty()?;
    let asker = match asked.form.get("requested_by") {
        "representative" => "Begärd av en företrädare med fullmakt.",
        _ => "Begärd av patienten.",
    };
    let reason = format!("{asker} {}", asked.form.get("reason"));
    let reason = Some(reason.trim_end().to_owned());
    let ids = asked.form.all("id");
    if ids.len() != contents.len() {
        return Err(Refused::NotFound);
    }
    let mut rows = Vec::new();
    let mut all_done = true;
    for (content, id) in contents.into_iter().zip(ids) {
        let id = uuid::Uuid::parse_str(&id).map_err(|_| Refused::NotFound)?.to_string();
        let context = asked.people().context(&person, "pages");
        let new = BlockRegistration {
            id: RecordId::new(&id).ok_or(Refused::NotFound)?,
            content: content.clone(),
            owner_id: Some(asked.people().system.0.as_str().to_owned()),
            action: Some(person.action(written.requested_at, reason.clone(), asked.now)),
        };
        let done = refusal_of(change::register(&context, &new, ReplicationWait::No).await)?;
        all_done &= done.is_ok();
        let state = match done {
            Ok(()) => Cell::Chip(Tone::Good, t("Registrerad")),
            Err(refusal) => Cell::Several(vec![
                Cell::Chip(Tone::Bad, t("Inte registrerad")),
                Cell::from(refusal.text.into_owned()),
            ]),
        };
        rows.push(vec![Cell::from(super::told::guarded(&content.guards, &facts.names)), state]);
    }
    let receipt = Table {
        caption: t("Kvitto"),
        head: vec![t("Spärr"), t("Utfall")],
        rows,
        empty: Words::none(),
    };
    let (tone, says) = match all_done {
        true => (Tone::Good, t("Klart. Spärren gäller från och med nu.")),
        false => (Tone::Bad, t("Allt blev inte registrerat. Se kvittot.")),
    };
    let mut parts = head(lookup, &facts.person, &viewed);
    parts.push(PagePart::Notice(tone, says, vec![]));
    parts.push(PagePart::Table(receipt));
    parts
        .push(PagePart::Links(vec![link(format!("/patient/{}", lookup.id), t("Till översikten"))]));
    let page = view(t("Registrera spärr"), parts).back(to_overview(lookup));
    Ok(PageAnswer::Patients(viewed, if all_done { page } else { page.refused() }))
}
