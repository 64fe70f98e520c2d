//! *Tillfälle*: one visit with its control questions, its judgement, and, with a reason, its full log.

use super::list::{review_of, seen};
use super::told::{QUESTIONS, case_words, class_chip, flag_words, verdict_cells};
use crate::admin::asked::{Handled, PageAnswer, PageCall, Refused, View, refusal_of, view};
use crate::admin::parts::{Cell, Control, PageForm, PagePart, Table, Tone, field, form, link};
use crate::admin::words::{Words, clock, day, filled, minute, number as digits, second, t};
use crate::domain::rejection::Rejection;
use crate::domain::review::questions::Flag;
use crate::domain::review::verdict::VerdictClass;
use crate::domain::review::visit::{AskedJudgement, DISCLOSURES, ListedPatient};
use crate::procedures::people::looking::{Activity, Viewed};
use crate::procedures::people::on_duty::People;
use crate::procedures::review::judging_visits::StoredJudgement;
use crate::procedures::review::reviewing::{FullPost, StoredReview, StoredVisit};

/// The page, the judgement, and opening the full log.
pub async fn visit(asked: PageCall) -> Handled {
    let review = review_of(&asked).await?;
    let number: i64 = asked.part("i").parse().map_err(|_| Refused::NotFound)?;
    let visit = asked.people().visit(&review, number).await?.ok_or(Refused::NotFound)?;
    let mut refusal = None;
    if asked.is_post() {
        match done(&asked, &review, &visit).await? {
            Ok(to) => return Ok(PageAnswer::To(to)),
            Err(rejection) => refusal = Some(Words::from(rejection.text.into_owned())),
        }
    }
    let person = asked.on_duty()?;
    let disclosed = asked.people().disclosed(&person, &visit).await?;
    let level = match disclosed.is_some() {
        true => "granskning: full",
        false => "granskning: minimerad",
    };
    let viewed =
        seen(&asked, &review, (Activity::Read, level), std::slice::from_ref(&visit)).await?;
    let patients = asked.people().listed_patients(&viewed, std::slice::from_ref(&visit)).await;
    let mut parts = Vec::new();
    let status = if refusal.is_some() { 422 } else { 200 };
    if let Some(says) = refusal {
        parts.push(PagePart::Notice(Tone::Bad, says, vec![]));
    }
    parts.push(facts(&visit, patients.first()));
    parts.push(questions(&visit));
    // How one's own visits are judged is not told.
    let is_own = visit.employee_key == person.session.employee.key();
    let judgements = match is_own {
        true => Vec::new(),
        false => asked.people().judgements(&visit).await?,
    };
    if !judgements.is_empty() {
        parts.push(PagePart::Table(judged(&asked, &judgements).await?));
    }
    let managers = asked.people().who_manages(&person, &review).await?;
    let may = review.concluded_at.is_none()
        && People::may_judge(&person, &review, &visit, &managers).is_ok();
    if may {
        let cases = asked.people().cases(&person, true).await?;
        let cases = cases.into_iter().map(|case| {
            let title = filled("{}: {}", [case.case_number.to_string().into(), case.title.into()]);
            (case.case_number.to_string(), title)
        });
        parts.push(PagePart::Heading(t("Bedömning")));
        parts.push(PagePart::form(judgement_form(
            &asked,
            &review,
            &visit,
            (cases.collect(), judgements.first()),
        )));
    }
    parts.extend(full_log(&asked, &review, &visit, disclosed, &viewed).await?);
    let title = filled("Tillfälle {}", [visit.visit_number.to_string().into()]);
    let back = filled("Granskning {}", [review.review_number.to_string().into()]);
    let to = format!("/granskning/{}#v{}", review.review_number, visit.visit_number);
    let page = View { status, ..view(title, parts).back(link(to, back)) };
    Ok(PageAnswer::Patients(viewed, page))
}

/// The judgement, or the reason for the full log.
async fn done(
    asked: &PageCall,
    review: &StoredReview,
    visit: &StoredVisit,
) -> Result<Result<String, Rejection>, Refused> {
    let person = asked.on_duty()?;
    let of_one = std::slice::from_ref(visit);
    let list = format!("/granskning/{}", review.review_number);
    match asked.form.get("step") {
        "judge" => {
            seen(asked, review, (Activity::Write, "granskning: bedömning"), of_one).await?;
            let wrong =
                || Ok(Err(Rejection::validation("Formuläret kan inte läsas. Ladda om sidan.")));
            let case = match asked.form.get("case") {
                "" => None,
                text => match text.parse() {
                    Ok(number) => Some(number),
                    Err(_) => return wrong(),
                },
            };
            let mut yes: Vec<u8> = Vec::new();
            for text in asked.form.all("yes") {
                match text.parse() {
                    Ok(number @ 1..=9) if !yes.contains(&number) => yes.push(number),
                    Ok(1..=9) => {}
                    _ => return wrong(),
                }
            }
            let judgement = AskedJudgement {
                has_remark: asked.form.get("judgement") == "remark",
                text: asked.form.get("text").to_owned(),
                case,
                yes,
                opens_control: asked.form.says_yes("control"),
                declined: asked.form.get("declined").to_owned(),
            };
            if !["remark", "no_remark"].contains(&asked.form.get("judgement")) {
                return Ok(Err(Rejection::validation("Välj utan eller med anmärkning.")));
            }
            // As it was when the page was shown.
            let before = match asked.form.get("seen") {
                "" => 0,
                text => match text.parse() {
                    Ok(number) => number,
                    Err(_) => return wrong(),
                },
            };
            let asked_for = (&judgement, before);
            let done = asked.people().judge_visit(&person, review, visit, asked_for).await;
            let done = match done {
                Err(crate::procedures::failure::Failure::Refused(rejection)) => Err(rejection),
                done => Ok(done?),
            };
            let next = asked.people().visits(review, "left", 0).await?;
            let next = next.first().map(|next| format!("{list}#v{}", next.visit_number));
            Ok(done.map(|()| next.unwrap_or(list)))
        }
        "disclose" => {
            seen(asked, review, (Activity::Write, "granskning: skäl för full logg"), of_one)
                .await?;
            let why = (asked.form.get("reason"), asked.form.get("why"));
            let done = asked.people().disclose(&person, visit, why).await;
            let to = format!("{list}/tillfalle/{}#fullogg", visit.visit_number);
            Ok(refusal_of(done)?.map(|()| to))
        }
        _ => Err(Refused::NotFound),
    }
}

fn facts(visit: &StoredVisit, patient: Option<&ListedPatient>) -> PagePart {
    let class = VerdictClass::named(&visit.class).unwrap_or(VerdictClass::Undecided);
    let who = match patient {
        Some(ListedPatient::Named(name, born)) => Cell::Several(vec![
            Cell::from(name.clone().map_or(t("Namn saknas"), Words::from)),
            Cell::from(born.map_or(Words::none(), |born| filled("född {}", [day(born).into()]))),
        ]),
        Some(ListedPatient::Watched) => Cell::from(t("Bevakad patient")),
        Some(ListedPatient::Protected) | None => Cell::from(t("Skyddade personuppgifter")),
    };
    let employee = format!("{} ({})", visit.employee_name, visit.employee_id);
    PagePart::Facts(vec![
        (
            t("Medarbetare"),
            Cell::Several(vec![Cell::from(employee), Cell::from(visit.title.clone())]),
        ),
        (
            t("Tid"),
            Cell::from(filled(
                "{}–{}",
                [minute(visit.first_at).into(), clock(visit.last_at).into()],
            )),
        ),
        (t("Poster"), Cell::from(digits(visit.posts))),
        (t("Patient"), who),
        (t("Grund enligt registren"), class_chip(class)),
        (t("Regelversion"), Cell::from(visit.rules_version.to_string())),
    ])
}

/// The control questions: what the data raise, and what only the reviewer can know.
fn questions(visit: &StoredVisit) -> PagePart {
    let flags: Vec<Flag> = visit.flags.iter().filter_map(|flag| Flag::read(flag)).collect();
    let rows = QUESTIONS.iter().map(|(number, words)| {
        let asked = number.parse().unwrap_or(0_u8);
        let mut told: Vec<Cell> = flags
            .iter()
            .filter(|flag| flag.question() == asked)
            .map(|flag| Cell::Flag(flag_words(flag)))
            .collect();
        if visit.unanswered.contains(&i16::from(asked)) {
            told.push(Cell::from(t("Bedöms av granskaren.")));
        }
        if told.is_empty() {
            told.push(Cell::from(t("Uppgifterna ger inget skäl att fråga.")));
        }
        let number = filled("{}. {}", [(*number).into(), words.clone()]);
        vec![Cell::from(number), Cell::Several(told)]
    });
    PagePart::Table(Table {
        caption: t("Kontrollfrågor"),
        head: vec![t("Fråga"), t("Vad uppgifterna säger")],
        rows: rows.collect(),
        empty: Words::none(),
    })
}

/// Every judgement; controls and cases that the reader may not know of are not named.
async fn judged(asked: &PageCall, judgements: &[StoredJudgement]) -> Result<Table, Refused> {
    let person = asked.on_duty()?;
    let mut rows = Vec::new();
    for judgement in judgements {
        let chip = match judgement.judgement.as_str() {
            "no_remark" => Cell::Chip(Tone::Good, t("Utan anmärkning")),
            _ => Cell::Chip(Tone::Warning, t("Anmärkning")),
        };
        let mut told = vec![Cell::from(judgement.text.clone())];
        if !judgement.yes.is_empty() {
            let yes: Vec<String> = judgement.yes.iter().map(ToString::to_string).collect();
            told.push(Cell::from(filled("Ja på fråga {}.", [yes.join(", ").into()])));
        }
        if !judgement.declined.is_empty() {
            let why = judgement.declined.clone();
            told.push(Cell::from(filled("Ingen riktad kontroll: {}", [why.into()])));
        }
        if let Some(number) = judgement.control
            && asked.people().review(&person, number).await?.is_some()
        {
            let words = filled("Granskning {}", [number.to_string().into()]);
            told.push(Cell::Link(link(format!("/granskning/{number}"), words)));
        }
        if let Some(number) = judgement.case_number
            && asked.people().case(&person, number).await?.is_some()
        {
            let words = filled("Ärende {}", [number.to_string().into()]);
            told.push(Cell::Link(link(format!("/arenden/{number}"), words)));
        }
        rows.push(vec![
            Cell::from(minute(judgement.at)),
            Cell::from(judgement.by_name.clone()),
            chip,
            Cell::Several(told),
        ]);
    }
    Ok(Table {
        caption: t("Bedömningar"),
        head: vec![t("Tid"), t("Av"), t("Bedömning"), t("Anteckning")],
        rows,
        empty: Words::none(),
    })
}

fn judgement_form(
    asked: &PageCall,
    review: &StoredReview,
    visit: &StoredVisit,
    (open_cases, last): (Vec<(String, Words)>, Option<&StoredJudgement>),
) -> PageForm {
    let sent = |name: &str| asked.form.get(name).to_owned();
    let choices = vec![
        ("no_remark".to_owned(), t("Utan anmärkning"), Words::none()),
        (
            "remark".to_owned(),
            t("Med anmärkning"),
            t("Öppnar ett ärende, eller läggs till i ett öppet."),
        ),
    ];
    let asked_before = visit.judgement.clone().unwrap_or_default();
    let chosen = if asked.is_post() { sent("judgement") } else { asked_before };
    // What is judged again stays in its case.
    let last_case = last.and_then(|last| last.case_number).map(|number| number.to_string());
    let chosen_case = match asked.is_post() {
        true => sent("case"),
        false => last_case.unwrap_or_default(),
    };
    let mut cases = vec![(String::new(), t("Nytt ärende"))];
    cases.extend(open_cases);
    let questions = QUESTIONS.iter().map(|(number, words)| ((*number).to_owned(), words.clone()));
    let fields = vec![
        field("judgement", t("Bedömning"), Control::Choice(choices, chosen)),
        field("text", t("Anteckning"), Control::Area(sent("text")))
            .hint(t("Vad anmärkningen gäller. Skriv inga patientuppgifter.")),
        field("case", t("Vilket ärende"), Control::Select(cases, chosen_case)),
        field(
            "yes",
            t("Kontrollfrågor som du svarar ja på"),
            Control::Many(questions.collect(), asked.form.all("yes")),
        ),
        field(
            "control",
            t("Öppna en riktad kontroll av medarbetaren och patienten, 90 dagar bakåt"),
            Control::Check(asked.form.says_yes("control")),
        ),
        field("declined", t("Eller varför det inte behövs"), Control::Area(sent("declined"))),
    ];
    let to = format!("/granskning/{}/tillfalle/{}", review.review_number, visit.visit_number);
    let seen = last.map_or(0, |last| last.judgement_number).to_string();
    let form = form(to, fields, t("Spara bedömningen")).carrying("step", "judge");
    PageForm { id: "bedom", ..form.carrying("seen", seen) }
}

/// The full log, or why it is needed.
async fn full_log(
    asked: &PageCall,
    review: &StoredReview,
    visit: &StoredVisit,
    disclosed: Option<(String, String)>,
    viewed: &Viewed,
) -> Result<Vec<PagePart>, Refused> {
    let person = asked.on_duty()?;
    let mut parts = vec![PagePart::Heading(t("Full logg"))];
    let Some((reason, text)) = disclosed else {
        let choices = DISCLOSURES
            .iter()
            .map(|(name, words)| ((*name).to_owned(), disclosure(words), Words::none()));
        let sent = |name: &str| asked.form.get(name).to_owned();
        let fields = vec![
            field(
                "reason",
                t("Varför behövs den"),
                Control::Choice(choices.collect(), sent("reason")),
            ),
            field("why", t("Beskriv"), Control::Area(sent("why"))),
        ];
        let to = format!("/granskning/{}/tillfalle/{}", review.review_number, visit.visit_number);
        parts.push(PagePart::Text(t(
            "Den visar alla poster i tillfället, och en timme före och efter. Skälet sparas.",
        )));
        let ask = form(to, fields, t("Visa den fullständiga loggen"));
        parts.push(PagePart::form(PageForm { id: "fullogg", ..ask.carrying("step", "disclose") }));
        return Ok(parts);
    };
    let known = DISCLOSURES.iter().find(|(name, _)| *name == reason);
    let words = known.map_or(Words::from(reason.clone()), |(_, words)| disclosure(words));
    parts.push(PagePart::Text(filled("Skäl: {}: {}", [words, text.clone().into()])));
    let found = asked.people().full_posts(&person, visit, (&reason, &text), viewed).await;
    match refusal_of(found)? {
        Ok(posts) => parts.push(PagePart::Table(posts_table(&posts))),
        Err(refusal) => {
            parts.push(PagePart::Notice(Tone::Bad, Words::from(refusal.text.into_owned()), vec![]));
        }
    }
    Ok(parts)
}

fn disclosure(words: &'static str) -> Words {
    Words::Ours(words)
}

fn posts_table(posts: &[FullPost]) -> Table {
    let rows = posts.iter().map(|post| {
        let mut what = vec![Cell::from(post.activity.0.clone())];
        what.extend(
            [&post.activity.1, &post.args]
                .into_iter()
                .filter(|text| !text.is_empty())
                .map(|text| Cell::from(text.clone())),
        );
        let mut read = Vec::new();
        for (kind, holder, verdict) in &post.parts {
            read.push(Cell::from(filled(
                "{} hos {}",
                [kind.clone().into(), holder.clone().into()],
            )));
            read.extend(verdict_cells(verdict));
        }
        let belongs = match post.is_of_visit {
            true => t("I tillfället"),
            false => t("Runt omkring"),
        };
        vec![
            Cell::Several(vec![Cell::from(second(post.at)), Cell::from(belongs)]),
            Cell::Several(what),
            Cell::from(post.purpose.clone()),
            Cell::Several(vec![Cell::from(post.unit.clone()), Cell::from(post.system.clone())]),
            Cell::Several(read),
        ]
    });
    Table {
        caption: t("Poster"),
        head: vec![
            t("Tid"),
            t("Aktivitet"),
            t("Syfte"),
            t("Enhet och system"),
            t("Uppgifter och grund"),
        ],
        rows: rows.collect(),
        empty: t("Posterna finns inte längre i loggen."),
    }
}

/// What a case is called in lists.
pub fn case_title(number: i64, state: &str) -> Words {
    filled("Ärende {}, {}", [number.to_string().into(), case_words(state)])
}
