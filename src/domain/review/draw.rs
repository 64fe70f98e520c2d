//! The draw of a systematic review: it follows from what was sealed before and from a checkpoint that nobody knew then, and
//! anybody can repeat it.
//!
//! # Rules
//! - **D1** The notice states tenant, unit, month, mode, share, candidate days, the hash of the sorted staff frame with a random
//!   salt, and the log's size. There is exactly one a unit and month; it is a log record, so it is sealed.
//! - **D2** The deciding checkpoint is the first whose tree contains the notice.
//! - **D3** The seed is SHA-256 over "sigill/draw/1", a zero byte, the root's hash, the tree's size as 8 bytes and the notice's
//!   hash.
//! - **D4** Numbers are SHA-256 over the seed and a counter as 8 bytes, eight bytes at a time, big end first; a number below n
//!   by rejecting the uneven rest.
//! - **D5** The day is an index into the candidate days in order. Staff are a partial shuffle of the keys in byte order; the
//!   first ones count.
//! - **D6** The result is kept with checkpoint and notice, so that it can be repeated without the database.
//! - **D7** Two notices for one unit and month are an alarm: that is how trying again would show.
//! - **D8** Without a sealed log the system's random numbers are used, and it is said that the draw cannot be checked.

use super::calendar::ReviewMonth;
use chrono::NaiveDate;
use sha2::{Digest, Sha256};

/// What a seed begins with, and the first line of a notice.
const TAG: &[u8] = b"sigill/draw/1\0";
const NOTICE: &str = "sigill/draw-notice/1";

/// What is reviewed of the drawn day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawMode {
    /// Every visit (*alla*).
    All,
    /// Those of so many per cent of the staff (*urval*).
    Sample(u8),
}

/// What is known before the draw, and is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawNotice {
    /// Whose log.
    pub tenant: String,
    /// The unit's HSA-id.
    pub unit: String,
    /// The month in which is drawn; the days are of the month before.
    pub month: ReviewMonth,
    /// What is reviewed.
    pub mode: DrawMode,
    /// Days with visits, in order.
    pub days: Vec<NaiveDate>,
    /// How many staff there are to draw from, and the hash of who they are.
    pub frame: (usize, [u8; 32]),
    /// The log's size.
    pub log_size: u64,
}

/// What has been drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawResult {
    /// The day.
    pub day: NaiveDate,
    /// Staff in the order in which they were drawn; of everybody's visits nobody is drawn.
    pub staff: Vec<String>,
}

/// What decides a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrawSeed {
    /// A checkpoint and the notice (D3).
    Sealed([u8; 32]),
    /// The system's random numbers (D8).
    Random([u8; 32]),
}

/// Why a draw is not what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDraw {
    /// The text is no notice.
    #[error("the notice cannot be read")]
    Notice,
    /// The staff that are named are not those of the notice.
    #[error("the staff are not those whose hash is in the notice")]
    Frame,
    /// Another checkpoint decides.
    #[error("the checkpoint is not the one that decides")]
    Checkpoint,
    /// There is no day to draw.
    #[error("the notice has no days")]
    NoDay,
    /// The result is another.
    #[error("the draw gives another result")]
    Result,
}

impl DrawNotice {
    /// The text that is sealed (D1).
    pub fn text(&self) -> String {
        let (mode, share) = match self.mode {
            DrawMode::All => ("all", 100),
            DrawMode::Sample(share) => ("sample", share),
        };
        let days: Vec<String> = self.days.iter().map(NaiveDate::to_string).collect();
        let (count, hash) = &self.frame;
        format!(
            "{NOTICE}\ntenant {}\nunit {}\nmonth {}\nmode {mode}\nshare {share}\ndays {}\nstaff {count} {}\nsize {}\n",
            self.tenant,
            self.unit,
            self.month.text(),
            days.join(" "),
            hex(hash),
            self.log_size
        )
    }

    /// A notice of that text.
    ///
    /// # Errors
    /// That it is none.
    pub fn read(text: &str) -> Result<Self, NoDraw> {
        let notice = Self::lines(text).ok_or(NoDraw::Notice)?;
        (notice.text() == text).then_some(notice).ok_or(NoDraw::Notice)
    }

    fn lines(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut line = |begins: &str| lines.next()?.strip_prefix(begins);
        line(NOTICE)?;
        let (tenant, unit) = (line("tenant ")?.to_owned(), line("unit ")?.to_owned());
        let month = ReviewMonth::read(line("month ")?)?;
        let (mode, share) = (line("mode ")?, line("share ")?.parse().ok()?);
        let days = line("days ")?.split(' ').map(|day| day.parse().ok()).collect::<Option<_>>()?;
        let (count, hash) = line("staff ")?.split_once(' ')?;
        Some(Self {
            tenant,
            unit,
            month,
            mode: if mode == "all" { DrawMode::All } else { DrawMode::Sample(share) },
            days,
            frame: (count.parse().ok()?, of_hex(hash)?),
            log_size: line("size ")?.parse().ok()?,
        })
    }

    /// Its hash.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text().as_bytes()).into()
    }

    /// How many staff are drawn.
    pub fn drawn(&self) -> usize {
        match self.mode {
            DrawMode::All => 0,
            DrawMode::Sample(share) => sample_size(self.frame.0, share),
        }
    }

    /// What a seed gives: a day, and all staff in the order in which they are drawn, of whom the first ones count and the next
    /// ones replace who has no visit that day (D5).
    ///
    /// # Errors
    /// That the staff are others than those of the notice, or there is no day.
    pub fn draw(
        &self,
        salt: &[u8],
        staff: &[String],
        seed: DrawSeed,
    ) -> Result<DrawResult, NoDraw> {
        let (DrawSeed::Sealed(seed) | DrawSeed::Random(seed)) = seed;
        let mut numbers = DrawNumbers::new(seed);
        if self.days.is_empty() {
            return Err(NoDraw::NoDay);
        }
        let day = self.days[numbers.below(self.days.len())];
        let mut keys: Vec<String> = Vec::new();
        if let DrawMode::Sample(_) = self.mode {
            keys = sorted(staff);
            if (keys.len(), frame_hash(salt, &keys)) != self.frame {
                return Err(NoDraw::Frame);
            }
            for at in 0..keys.len().saturating_sub(1) {
                let other = at + numbers.below(keys.len() - at);
                keys.swap(at, other);
            }
        }
        Ok(DrawResult { day, staff: keys })
    }
}

/// How many of some staff a share is: rounded up, and at least one (R4).
pub fn sample_size(staff: usize, share: u8) -> usize {
    (staff * usize::from(share)).div_ceil(100).clamp(1, staff.max(1))
}

/// The hash of who can be drawn (D1).
pub fn frame_hash(salt: &[u8], staff: &[String]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    for key in sorted(staff) {
        hash.update(key.as_bytes());
        hash.update(b"\n");
    }
    hash.finalize().into()
}

fn sorted(staff: &[String]) -> Vec<String> {
    let mut keys = staff.to_vec();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Whether a checkpoint is the first that contains a leaf, as far as the one before it tells (D2).
pub fn decides(leaf: u64, size: u64, size_before: Option<u64>) -> bool {
    leaf < size && size_before.is_none_or(|before| before <= leaf)
}

/// What decides the draw of a notice (D3).
pub fn seed(root: &[u8; 32], size: u64, notice: &[u8; 32]) -> DrawSeed {
    let mut hash = Sha256::new();
    hash.update(TAG);
    hash.update(root);
    hash.update(size.to_be_bytes());
    hash.update(notice);
    DrawSeed::Sealed(hash.finalize().into())
}

/// Whether the notices of a unit and month are what they should be: one (D7).
pub fn is_alarming(notices: i64) -> bool {
    notices > 1
}

/// Numbers that follow from a seed (D4).
struct DrawNumbers {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    at: usize,
}

impl DrawNumbers {
    fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, block: [0; 32], at: 32 }
    }

    fn next(&mut self) -> u64 {
        if self.at == self.block.len() {
            let mut hash = Sha256::new();
            hash.update(self.seed);
            hash.update(self.counter.to_be_bytes());
            self.block = hash.finalize().into();
            (self.counter, self.at) = (self.counter + 1, 0);
        }
        let number = self.block[self.at..self.at + 8].iter();
        self.at += 8;
        number.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// A number below `n`: those of the uneven rest at the top are drawn again.
    fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(1);
        // How many numbers there are above the last whole multiple of n.
        let rest = (u64::MAX % n + 1) % n;
        loop {
            let number = self.next();
            if number <= u64::MAX - rest {
                return usize::try_from(number % n).unwrap_or_default();
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn of_hex(text: &str) -> Option<[u8; 32]> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    let bytes =
        pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff() -> Vec<String> {
        ["p3", "p1", "p2", "p5", "p4"].map(str::to_owned).into()
    }

    fn notice(mode: DrawMode) -> DrawNotice {
        let day = |d: u32| NaiveDate::from_ymd_opt(2026, 10, d).unwrap();
        DrawNotice {
            tenant: "demo".into(),
            unit: "SE1".into(),
            month: ReviewMonth::read("2026-11").unwrap(),
            mode,
            days: vec![day(1), day(2), day(5), day(31)],
            frame: (5, frame_hash(b"salt", &staff())),
            log_size: 401_223,
        }
    }

    #[test]
    fn d1_a_notice_says_all_that_the_draw_depends_on_and_nobodys_name() {
        let text = notice(DrawMode::Sample(10)).text();
        for line in
            ["tenant demo", "unit SE1", "month 2026-11", "mode sample", "share 10", "size 401223"]
        {
            assert!(text.lines().any(|own| own == line), "{line}: {text}");
        }
        assert!(text.contains("days 2026-10-01 2026-10-02 2026-10-05 2026-10-31\n"));
        assert!(!text.contains("p1"), "{text}");
        assert_eq!(DrawNotice::read(&text).unwrap(), notice(DrawMode::Sample(10)));
        assert_eq!(DrawNotice::read(&text.replace("10-31", "10-32")), Err(NoDraw::Notice));
        assert_eq!(DrawNotice::read(&format!("{text}\n")), Err(NoDraw::Notice));
        assert_ne!(frame_hash(b"other", &staff()), frame_hash(b"salt", &staff()));
    }

    #[test]
    fn d2_the_first_checkpoint_that_contains_the_notice_decides() {
        assert!(decides(7, 8, Some(7)) && decides(7, 100, Some(3)) && decides(0, 1, None));
        assert!(!decides(7, 7, Some(3)), "it does not contain it");
        assert!(!decides(7, 100, Some(8)), "one before it does");
    }

    #[test]
    fn d3_the_seed_is_made_of_root_size_and_notice() {
        let notice = notice(DrawMode::All).hash();
        let DrawSeed::Sealed(own) = seed(&[1; 32], 5, &notice) else { panic!() };
        // Made outside: printf 'sigill/draw/1\0', 32 bytes 01, the size, the hash of the notice | sha256sum.
        let mut bytes = b"sigill/draw/1\0".to_vec();
        bytes.extend([1; 32]);
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 5]);
        bytes.extend(notice);
        assert_eq!(own, <[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_ne!(seed(&[1; 32], 6, &notice), DrawSeed::Sealed(own));
        assert_ne!(seed(&[2; 32], 5, &notice), DrawSeed::Sealed(own));
    }

    #[test]
    fn d4_numbers_come_from_the_counted_hashes_and_the_rest_is_rejected() {
        let mut numbers = DrawNumbers::new([0; 32]);
        let mut bytes = [0; 40];
        let first: [u8; 32] = Sha256::digest(bytes).into();
        bytes[39] = 1;
        let second: [u8; 32] = Sha256::digest(bytes).into();
        for block in [first, second] {
            for part in block.chunks(8) {
                assert_eq!(numbers.next(), u64::from_be_bytes(part.try_into().unwrap()));
            }
        }
        // Each of three comes as often as the others, as far as 30 000 tell.
        let mut counts = [0_i32; 3];
        for _ in 0..30_000 {
            counts[numbers.below(3)] += 1;
        }
        assert!(counts.iter().all(|count| (count - 10_000).abs() < 500), "{counts:?}");
    }

    #[test]
    fn d5_the_day_and_the_staff_of_a_fixed_seed() {
        let sample = notice(DrawMode::Sample(40));
        let drawn = sample.draw(b"salt", &staff(), DrawSeed::Sealed([7; 32])).unwrap();
        assert_eq!(sample.drawn(), 2);
        assert_eq!(drawn.day, NaiveDate::from_ymd_opt(2026, 10, FIXED.0).unwrap());
        assert_eq!(drawn.staff, FIXED.1);
        let mut all = drawn.staff.clone();
        all.sort();
        assert_eq!(all, ["p1", "p2", "p3", "p4", "p5"]);
        // In whichever order they are told.
        let mut other = staff();
        other.reverse();
        assert_eq!(sample.draw(b"salt", &other, DrawSeed::Sealed([7; 32])), Ok(drawn));
        let of_all = notice(DrawMode::All).draw(b"", &[], DrawSeed::Sealed([7; 32])).unwrap();
        assert_eq!(
            (of_all.day.to_string(), of_all.staff.len()),
            (format!("2026-10-{:02}", FIXED.0), 0)
        );
    }

    /// What twenty lines of Python, written from the rules, compute of the same seed.
    const FIXED: (u32, [&str; 5]) = (5, ["p3", "p5", "p1", "p4", "p2"]);

    #[test]
    fn d6_a_draw_is_repeated_or_refused() {
        let sample = notice(DrawMode::Sample(40));
        let text = sample.text();
        let again = DrawNotice::read(&text).unwrap();
        let seed = seed(&[1; 32], 9, &again.hash());
        assert_eq!(again.draw(b"salt", &staff(), seed), sample.draw(b"salt", &staff(), seed));
        assert_eq!(again.draw(b"salt", &staff()[1..], seed), Err(NoDraw::Frame));
        assert_eq!(again.draw(b"other", &staff(), seed), Err(NoDraw::Frame));
        let none = DrawNotice { days: Vec::new(), ..sample };
        assert_eq!(none.draw(b"salt", &staff(), seed), Err(NoDraw::NoDay));
    }

    #[test]
    fn d7_a_second_notice_is_an_alarm() {
        assert!(!is_alarming(1) && is_alarming(2));
    }

    #[test]
    fn d8_random_numbers_decide_where_nothing_is_sealed() {
        let all = notice(DrawMode::All);
        let drawn = all.draw(b"", &[], DrawSeed::Random([9; 32])).unwrap();
        assert!(all.days.contains(&drawn.day));
    }
}
