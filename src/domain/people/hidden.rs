//! Figures in which no patient can be seen: what is hidden, rounded and published when.
//!
//! # Rules
//! - **S1** A count from 1 to 4 is told as "fewer than five"; none is none.
//! - **S2** Where a sum is told, what is hidden never stands alone in its row or column, and makes at least five together
//!   there; the smallest others are hidden too. Nor may the sum say what a small one is: at least two counts are possible for
//!   each, though what else is hidden is none, or five and more.
//! - **S3** How many of a thing a provider has at a time is told to the nearest five: what came and went in a month would otherwise
//!   follow from two months.
//! - **S4** A month's figures are told from the third day of the next.

use chrono::{Datelike, Months, NaiveDate};

/// Counts below this are not told.
const LEAST: u64 = 5;

/// What is told of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownCount {
    /// The count.
    Exactly(u64),
    /// From 1 to 4 (S1).
    FewerThanFive,
    /// Hidden for the sake of others (S2).
    Hidden,
}

/// A table with what is hidden in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenTable {
    /// Row by row.
    pub cells: Vec<Vec<ShownCount>>,
    /// The sum of each column.
    pub column_sums: Vec<ShownCount>,
    /// The sum of each row, where rows are summed.
    pub row_sums: Vec<ShownCount>,
}

fn alone(count: u64) -> ShownCount {
    match count {
        1..LEAST => ShownCount::FewerThanFive,
        _ => ShownCount::Exactly(count),
    }
}

/// Hides what must not be told of a table whose columns are summed, and perhaps its rows (S1, S2).
pub fn hide(counts: &[Vec<u64>], rows_are_summed: bool) -> HiddenTable {
    let width = counts.iter().map(Vec::len).max().unwrap_or(0);
    let mut cells: Vec<Vec<ShownCount>> =
        counts.iter().map(|row| row.iter().map(|count| alone(*count)).collect()).collect();
    let columns =
        (0..width).map(|column| (0..counts.len()).map(|row| (row, column)).collect::<Vec<_>>());
    let rows = (0..counts.len()).map(|row| (0..width).map(|column| (row, column)).collect());
    let lines: Vec<Vec<(usize, usize)>> =
        if rows_are_summed { columns.chain(rows).collect() } else { columns.collect() };
    let mut sums: Vec<ShownCount> =
        lines.iter().map(|line| alone(line.iter().map(|at| value(counts, *at)).sum())).collect();
    // Each turn hides something, so it ends.
    while let Some((at, line)) = lines
        .iter()
        .enumerate()
        .find(|(at, line)| sums[*at] != ShownCount::Hidden && !is_safe(counts, &cells, line))
    {
        let shown = line
            .iter()
            .filter(|at| matches!(cells[at.0][at.1], ShownCount::Exactly(_)))
            .min_by_key(|at| value(counts, **at));
        match shown {
            Some(&(row, column)) => cells[row][column] = ShownCount::Hidden,
            None => sums[at] = ShownCount::Hidden,
        }
    }
    let row_sums = sums.split_off(width);
    HiddenTable { cells, column_sums: sums, row_sums }
}

fn value(counts: &[Vec<u64>], (row, column): (usize, usize)) -> u64 {
    counts.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
}

/// Whether the sum of a line does not tell what is hidden in it (S2).
fn is_safe(counts: &[Vec<u64>], cells: &[Vec<ShownCount>], line: &[(usize, usize)]) -> bool {
    let hidden: Vec<_> =
        line.iter().filter(|at| !matches!(cells[at.0][at.1], ShownCount::Exactly(_))).collect();
    if hidden.is_empty() {
        return true;
    }
    let sum: u64 = hidden.iter().map(|at| value(counts, **at)).sum();
    let is_few = |at: &&&(usize, usize)| cells[at.0][at.1] == ShownCount::FewerThanFive;
    let few = hidden.iter().filter(is_few).count() as u64;
    let others = hidden.len() as u64 - few;
    // What a small count may be, as far as the sum goes: others that are hidden are none, or five and more.
    let rest = |left: u64| left == 0 || (others > 0 && left >= LEAST);
    let may_be = |count: &u64| {
        let of_others = few.saturating_sub(1)..=few.saturating_sub(1) * (LEAST - 1);
        sum.checked_sub(*count)
            .is_some_and(|left| of_others.into_iter().any(|few| left >= few && rest(left - few)))
    };
    let is_open = few == 0 || (1..LEAST).filter(may_be).count() > 1;
    hidden.len() > 1 && sum >= LEAST && is_open
}

/// How many of a thing a provider has at a time (S3).
pub fn rounded(count: u64) -> u64 {
    (count + 2) / 5 * 5
}

/// Whether the figures of a month are told at a day (S4).
pub fn is_published(month: NaiveDate, today: NaiveDate) -> bool {
    let next = month.checked_add_months(Months::new(1)).and_then(|next| next.with_day(3));
    next.is_some_and(|from| from <= today)
}

#[cfg(test)]
mod tests {
    use super::ShownCount::{Exactly, FewerThanFive, Hidden};
    use super::*;

    #[test]
    fn s1_small_counts_are_not_told_and_none_is_none() {
        assert_eq!([0, 1, 4, 5].map(alone), [Exactly(0), FewerThanFive, FewerThanFive, Exactly(5)]);
    }

    /// Every list of `length` counts up to `most`.
    fn lists(length: usize, most: u64) -> Vec<Vec<u64>> {
        (0..length).fold(vec![Vec::new()], |lists, _| {
            let longer = |list: &Vec<u64>, next| list.iter().copied().chain([next]).collect();
            lists.iter().flat_map(|list| (0..=most).map(move |next| longer(list, next))).collect()
        })
    }

    /// What somebody who sees `shown` and the sum can think that the counts are.
    fn possible(shown: &[ShownCount], sum: u64) -> Vec<Vec<u64>> {
        let Some((first, rest)) = shown.split_first() else {
            return if sum == 0 { vec![Vec::new()] } else { Vec::new() };
        };
        // Whoever knows the rules knows that what is hidden for the sake of others is none, or five and more.
        let range: Vec<u64> = match first {
            Exactly(told) => vec![*told],
            FewerThanFive => (1..=4).collect(),
            Hidden => std::iter::once(0).chain(5..=sum).collect(),
        };
        let mut all = Vec::new();
        for count in range.into_iter().filter(|count| *count <= sum) {
            for rest in possible(rest, sum - count) {
                all.push(std::iter::once(count).chain(rest).collect());
            }
        }
        all
    }

    #[test]
    fn s2_no_small_count_can_be_reckoned_from_its_column() {
        for length in 1..=4 {
            for counts in lists(length, 9) {
                let table = hide(&counts.iter().map(|c| vec![*c]).collect::<Vec<_>>(), false);
                let shown: Vec<ShownCount> = table.cells.iter().map(|row| row[0]).collect();
                let Exactly(sum) = table.column_sums[0] else { continue };
                assert_eq!(sum, counts.iter().sum::<u64>());
                let thought = possible(&shown, sum);
                for (at, _) in counts.iter().enumerate().filter(|(_, c)| (1..5).contains(*c)) {
                    let first = thought[0][at];
                    assert!(thought.iter().any(|t| t[at] != first), "{counts:?} {shown:?}");
                }
            }
        }
    }

    #[test]
    fn s2_holds_in_rows_and_columns_of_every_small_table() {
        for counts in lists(6, 6) {
            let rows: Vec<Vec<u64>> = counts.chunks(3).map(<[u64]>::to_vec).collect();
            let table = hide(&rows, true);
            let check = |line: Vec<(u64, ShownCount)>, sum: ShownCount| {
                let hidden: Vec<u64> = line
                    .iter()
                    .filter(|(_, s)| !matches!(s, Exactly(_)))
                    .map(|(c, _)| *c)
                    .collect();
                let is_told = !matches!(sum, Hidden);
                if is_told && !hidden.is_empty() {
                    assert!(hidden.len() > 1 && hidden.iter().sum::<u64>() >= 5, "{rows:?}");
                }
            };
            for ((row, shown), sum) in rows.iter().zip(&table.cells).zip(&table.row_sums) {
                check(row.iter().copied().zip(shown.iter().copied()).collect(), *sum);
            }
            for column in 0..3 {
                let line = rows.iter().zip(&table.cells).map(|(r, s)| (r[column], s[column]));
                check(line.collect(), table.column_sums[column]);
            }
        }
    }

    #[test]
    fn s3_stocks_are_rounded() {
        assert_eq!(
            [0, 2, 3, 7, 8, 97, 98, 99, 101, 1013].map(rounded),
            [0, 0, 5, 5, 10, 95, 100, 100, 100, 1015]
        );
    }

    #[test]
    fn s4_months_are_told_from_the_third() {
        let day = |m, d| NaiveDate::from_ymd_opt(2026, m, d).unwrap();
        assert!(!is_published(day(10, 1), day(11, 2)) && is_published(day(10, 1), day(11, 3)));
        let december = NaiveDate::from_ymd_opt(2025, 12, 1).unwrap();
        assert!(!is_published(december, day(1, 2)) && is_published(december, day(1, 3)));
    }
}
