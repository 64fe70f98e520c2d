//! *Hjälp*, *Tillgänglighet*, *Personuppgifter*.

use crate::admin::asked::{Handled, PageAnswer, PageCall, view};
use crate::admin::parts::PagePart;
use crate::admin::words::{Words, filled, t};

/// The handbook.
pub async fn help(_asked: PageCall) -> Handled {
    let parts = vec![
        PagePart::Card(
            t("Sök en patient"),
            vec![
                PagePart::Text(t(
                    "Skriv personnummer, samordningsnummer eller reservnummer och varför du söker. Sökningen och varje sida om patienten blir en loggpost.",
                )),
                PagePart::Text(t(
                    "Patientens sida visar vem som kommer åt vad just nu, vad som har hänt de senaste tolv månaderna, och spärrar och samtycken hos er.",
                )),
            ],
        ),
        PagePart::Card(
            t("Spärrar"),
            vec![PagePart::Points(vec![
                t(
                    "En inre spärr stänger en enhets uppgifter för andra enheter. En yttre spärr stänger vårdgivarens uppgifter för andra vårdgivare.",
                ),
                t(
                    "En spärr hävs för gott när patienten vill det, och hävs tillfälligt med patientens samtycke eller i en nödsituation.",
                ),
                t("En spärr som registrerats av misstag makuleras."),
                t(
                    "Att det finns spärrade uppgifter hos en annan vårdgivare visas alltid. Vilken vårdgivare det är visas bara vid fara för liv eller allvarlig risk för hälsan.",
                ),
                t("En vårdnadshavare kan inte spärra sitt barns uppgifter."),
            ])],
        ),
        PagePart::Card(
            t("Samtycken"),
            vec![PagePart::Text(t(
                "Ett samtycke öppnar andra vårdgivares uppgifter för en enhet eller en medarbetare. Det går före ingen spärr.",
            ))],
        ),
        PagePart::Card(
            t("Loggutdrag"),
            vec![PagePart::Text(t(
                "Patienten har rätt att få veta vem som har läst: enhet, tid, vad och varför. Utdraget har en kod och en fil, som visar att raderna står i den förseglade loggen.",
            ))],
        ),
        PagePart::Card(
            t("Regler"),
            vec![PagePart::Text(t(
                "Patientdatalagen, lagen om sammanhållen vård- och omsorgsdokumentation och Socialstyrelsens föreskrifter om journalföring ligger till grund för sidorna.",
            ))],
        ),
    ];
    Ok(PageAnswer::View(view(t("Hjälp"), parts)))
}

fn contact(asked: &PageCall) -> Words {
    match asked.site.contact.as_str() {
        "" => t("Den som driver tjänsten har inte angett någon kontakt."),
        contact => filled("Kontakt: {}", [contact.into()]),
    }
}

/// The accessibility statement.
pub async fn accessibility(asked: PageCall) -> Handled {
    let parts = vec![
        PagePart::Text(t(
            "Sidorna är gjorda för att följa WCAG 2.2 nivå AA. De går att använda utan mus, utan skript, med skärmläsare, i 200 procents storlek och på en smal skärm.",
        )),
        PagePart::Text(t(
            "De prövas automatiskt med axe i ett webbläsarprov som följer med programmet. Ingen granskning av en utomstående är gjord.",
        )),
        PagePart::Heading(t("Säg till om något inte fungerar")),
        PagePart::Text(contact(&asked)),
        PagePart::Text(t(
            "Är du inte nöjd med svaret kan du anmäla det till Myndigheten för digital förvaltning.",
        )),
    ];
    Ok(PageAnswer::View(view(t("Tillgänglighet"), parts)))
}

/// How personal data are handled.
pub async fn personal_data(asked: PageCall) -> Handled {
    let parts = vec![
        PagePart::Text(t(
            "Vårdgivaren som använder tjänsten är personuppgiftsansvarig. Här finns spärrar, samtycken och loggposter.",
        )),
        PagePart::Points(vec![
            t(
                "Varje visning av en patients uppgifter här är en loggpost, som patienten kan få veta om.",
            ),
            t("Loggposter sparas så länge lagen kräver, minst fem år."),
            t(
                "Webbplatsen använder en kaka för inloggningen och en för språket. Inget följs, och inget hämtas från andra.",
            ),
            t("Statistiken är gjord så att ingen person kan ses i den."),
        ]),
        PagePart::Text(contact(&asked)),
    ];
    Ok(PageAnswer::View(view(t("Personuppgifter"), parts)))
}
