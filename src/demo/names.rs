//! Common Swedish names, and invented places.

/// Given names.
pub const GIVEN: [&str; 40] = [
    "Anna", "Lars", "Maria", "Anders", "Eva", "Johan", "Karin", "Erik", "Sara", "Per", "Lena",
    "Nils", "Emma", "Karl", "Kerstin", "Jan", "Ingrid", "Peter", "Elin", "Mikael", "Hanna", "Olof",
    "Malin", "Gustav", "Ida", "Fredrik", "Julia", "Daniel", "Sofia", "Björn", "Linnea", "Oskar",
    "Amina", "Ali", "Fatima", "Omar", "Wilma", "Hugo", "Saga", "Leo",
];
/// Surnames.
pub const SURNAMES: [&str; 40] = [
    "Andersson",
    "Johansson",
    "Karlsson",
    "Nilsson",
    "Eriksson",
    "Larsson",
    "Olsson",
    "Persson",
    "Svensson",
    "Gustafsson",
    "Pettersson",
    "Jonsson",
    "Jansson",
    "Hansson",
    "Bengtsson",
    "Lindberg",
    "Lindström",
    "Lindqvist",
    "Lindgren",
    "Berglund",
    "Sandberg",
    "Holm",
    "Bergström",
    "Lundgren",
    "Lundberg",
    "Björk",
    "Berg",
    "Nyström",
    "Sjöberg",
    "Söderberg",
    "Forsberg",
    "Hedlund",
    "Engström",
    "Ekström",
    "Öberg",
    "Åkesson",
    "Haddad",
    "Nguyen",
    "Hassan",
    "Kovac",
];
/// Care providers.
pub const PROVIDERS: [&str; 10] = [
    "Region Norrvik",
    "Norrviks kommun",
    "Capella Vård",
    "Region Söderskog",
    "Söderskogs kommun",
    "Vega Hälsa",
    "Region Västfors",
    "Västfors kommun",
    "Altair Klinik",
    "Lyra Omsorg",
];
/// Kinds of units.
pub const UNITS: [&str; 8] = [
    "Akutmottagningen",
    "Medicinkliniken",
    "Psykiatrimottagningen",
    "Vårdcentralen Björken",
    "Kirurgen",
    "Barnmottagningen",
    "Hemsjukvården",
    "Rehab Strand",
];
/// Titles.
pub const TITLES: [&str; 4] =
    ["Läkare", "Sjuksköterska", "Undersköterska", "Medicinsk sekreterare"];
/// Kinds of information.
pub const KINDS: [&str; 5] = ["Journaltext", "Läkemedel", "Labsvar", "Diagnos", "Remiss"];
