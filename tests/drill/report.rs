//! The table: what each attack did, what the good caller saw, and which bounds were broken.

use super::Times;
use super::attacks::Did;
use super::good::Seen;
use std::time::Duration;

/// A time that nobody minds, whatever it was before.
const UNNOTICED_MS: f64 = 25.0;
/// How long `/live` may take.
const LIVE_MAX_MS: f64 = 50.0;
/// How long it may take until calls are answered again.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

pub struct Row {
    name: &'static str,
    did: String,
    before: Seen,
    during: Seen,
    recovered: Option<Duration>,
    base_and_peak: (f64, f64),
    lost_and_half: (i64, i64),
    /// Bounds that hold every time, or not at all.
    pub broken: Vec<String>,
    /// Bounds of time, by name, which others on the machine can break too.
    pub broken_times: Vec<(&'static str, String)>,
}

pub fn head() {
    println!(
        "{:<24} {:>6} {:>15} {:>15} {:>7} {:>7} {:>13} {:>7} {:>5} {:>5}",
        "attack",
        "calls",
        "p50 ms",
        "p99 ms",
        "refused",
        "/live",
        "memory MB",
        "again s",
        "lost",
        "half"
    );
}

impl Row {
    pub fn judge(
        name: &'static str,
        times: Times,
        did: &Did,
        (before, during): (Seen, Seen),
        recovered: Option<Duration>,
        base_and_peak: (f64, f64),
        lost_and_half: (i64, i64),
    ) -> Self {
        let mut broken = did.broken.clone();
        let mut bound = |holds: bool, text: String| {
            if !holds {
                broken.push(text);
            }
        };
        bound(during.refused == 0, format!("{} refused: {}", during.refused, during.refusal));
        bound(during.calls() > 0 || did.must_recover, "no call was answered".into());
        let within = did.recovered.or(recovered).is_some_and(|took| took <= RECOVERY_MAX);
        bound(within, "it did not recover in time".into());
        if let Some(memory_max) = did.memory_max {
            let (base, peak) = base_and_peak;
            let more = peak - base;
            // Unoptimised code holds more on its stacks.
            let memory_max = if times.full { memory_max } else { memory_max * 3.0 };
            bound(more <= memory_max, format!("{more:.0} MB more memory, {memory_max:.0} allowed"));
        }
        bound(lost_and_half == (0, 0), "records are lost or stored by half".into());
        let mut broken_times = Vec::new();
        if times.full && !did.must_recover {
            let (usual, now) = (before.percentile(99), during.percentile(99));
            if now > (usual * 2.0).max(UNNOTICED_MS) {
                broken_times.push(("p99", format!("p99 {now:.0} ms")));
            }
            let live = during.live.as_secs_f64() * 1000.0;
            // Through TLS hands are shaken first, in the turn of all who shake hands.
            let most = if name.starts_with("tls") { 2.0 * LIVE_MAX_MS } else { LIVE_MAX_MS };
            if live > most {
                broken_times.push(("/live", format!("/live took {live:.0} ms")));
            }
        }
        let recovered = did.recovered.or(recovered);
        let did = did.text.clone();
        Self {
            name,
            did,
            before,
            during,
            recovered,
            base_and_peak,
            lost_and_half,
            broken,
            broken_times,
        }
    }

    pub fn print(&self) {
        let pair = |percent| {
            let (before, during) =
                (self.before.percentile(percent), self.during.percentile(percent));
            format!("{before:.1} → {during:.1}")
        };
        let recovered =
            self.recovered.map_or("never".into(), |t| format!("{:.1}", t.as_secs_f64()));
        println!(
            "{:<24} {:>6} {:>15} {:>15} {:>7} {:>7.0} {:>13} {:>7} {:>5} {:>5}",
            self.name,
            self.during.calls(),
            pair(50),
            pair(99),
            self.during.refused,
            self.during.live.as_secs_f64() * 1000.0,
            format!("{:.0} → {:.0}", self.base_and_peak.0, self.base_and_peak.1),
            recovered,
            self.lost_and_half.0,
            self.lost_and_half.1,
        );
        println!("    {}", self.did);
        let times = self.broken_times.iter().map(|(_, broken)| broken);
        for broken in self.broken.iter().chain(times) {
            println!("    BROKEN: {broken}");
        }
    }
}
