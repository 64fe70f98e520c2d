//! A region's data: who is asked about, by whom, when. Small numbers are met far more often than
//! large ones, as in the world.

/// Patients of the region.
pub const PATIENTS: u64 = 2_000_000;
/// Its care providers.
pub const PROVIDERS: u64 = 300;

/// Numbers that look random and are the same in every run.
pub struct Chance(u64);

impl Chance {
    pub fn new(connection: usize, call: usize) -> Self {
        let mut chance = Self(
            (connection as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ ((call as u64) << 17),
        );
        // The first numbers of neighbours are alike.
        for _ in 0..4 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to 1.
    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Below `count`; small ones more often.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0 and count"
    )]
    fn skewed(&mut self, count: u64, power: f64) -> u64 {
        (self.part().powf(power) * count as f64) as u64
    }

    /// A patient's number.
    pub fn patient(&mut self) -> u64 {
        100_000_000_000 + self.skewed(PATIENTS, 1.5)
    }

    /// A care provider's number.
    pub fn provider(&mut self) -> u64 {
        self.skewed(PROVIDERS, 3.0)
    }

    /// How many seconds ago something was done: most often some, sometimes weeks.
    #[allow(clippy::cast_possible_truncation, reason = "some weeks")]
    pub fn seconds_ago(&mut self) -> i64 {
        let most = if self.part() < 0.98 { 60.0 } else { 30.0 * 86_400.0 };
        (self.part() * most) as i64
    }
}

/// A patient's number in SQL, skewed in the same way.
pub const PATIENT_SQL: &str = "(100000000000 + floor(power(random(), 1.5) * 2000000)::bigint)";
/// A care provider's number in SQL.
pub const PROVIDER_SQL: &str = "floor(power(random(), 3) * 300)::int";
/// The same patients in pgbench's own arithmetic, as the variable `patient`.
pub const PATIENT_PGBENCH: &str =
    "\\set u random(0, 999999)\n\\set patient 100000000000 + int(2 * :u * sqrt(:u) / 1000)\n";
