//! The output of a run: a line of progress every second, the table at the end, and the line of JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde::Serialize;

use crate::erp::CallCounts;
use crate::shop;
use crate::shop::plan::Planted;
use crate::verify::Verdict;

/// How many findings and reasons the table shows of each kind.
const SHOWN: usize = 10;

/// Order documents held, duplicates included, by connector.
pub type HeldCount = BTreeMap<&'static str, usize>;

/// Figures of a run with several systems and with status on its way back to the shop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LandscapeFigures {
    /// Sales at the tills.
    pub sales: usize,
    /// SKUs at locations where the shop shows something else than the ERPs hold together, or the ERPs something
    /// else than sales and returns leave.
    pub stock_mismatches: usize,
    /// Orders whose status did not come back: acknowledgements, confirmations, invoices, fulfilments with their
    /// tracking numbers in the shop.
    pub status_missing: usize,
    /// Echoes: writes in answer to webhooks about one's own writes.
    pub echoes_sent: u64,
    /// Deliveries that waited for a mapping and continued when it was added.
    pub unmapped_repaired: u64,
    /// Plugins swapped while orders flowed, those refused among them.
    pub swaps: u64,
    /// Swaps that were refused, as they had to be.
    pub swaps_refused: u64,
}

/// Milliseconds from the first try of an order's first webhook to its document in the ERP.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// The last line of a run, as JSON; its fields are an interface.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Good orders of the shop, without planted ones.
    pub orders: usize,
    /// Distinct webhooks the shop sent and the host accepted, repetitions apart.
    pub events: usize,
    /// Order documents in the ERPs.
    pub held: HeldCount,
    /// Orders and refunds the ERP should hold and does not.
    pub lost: usize,
    /// Documents that the ERP holds in addition to the expected one.
    pub duplicated: usize,
    /// Documents whose lines, totals, taxes or state are not those that the shop sent last.
    pub mismatched: usize,
    /// Exceptions "outcome unknown", as the host reports them.
    pub unknown: u64,
    /// Exceptions, as the host reports them: planted ones, and races between shop and ERPs that are left to a person.
    pub exceptions: u64,
    /// Quarantined requests, as the host reports them; as many as were planted.
    pub quarantined: u64,
    /// How often the host was killed.
    pub kills: usize,
    /// Work in progress at the kills, summed: accepted and not yet in the ERP, and requests open at the ERP.
    pub inflight_at_kill: usize,
    /// The latency from the shop to the ERP.
    pub latency_ms: Latency,
    /// Good orders a second, from the first webhook until the ERP held everything.
    pub orders_per_s: f64,
    /// Figures of the landscape; absent in a smaller run.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub landscape: Option<LandscapeFigures>,
}

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The figures of the JSON line.
    pub summary: Summary,
    /// The comparison, with its findings.
    pub verdict: Verdict,
    /// Planted requests.
    pub planted: Planted,
    /// The shop's figures.
    pub shop: shop::Progress,
    /// Whether everything that the shop sent was accepted.
    pub all_sent: bool,
    /// Where the exceptions that the host reports differ from those that it must report, a sentence each.
    pub disagreements: Vec<String>,
    /// Why the run was given up as stuck, a sentence.
    pub stuck: Option<String>,
    /// How requests to the ERP ended.
    pub call_counts: CallCounts,
    /// Reasons of exceptions and quarantine, as the host reports them.
    pub reasons: Vec<(String, u64)>,
    /// How long each start took until ready.
    pub starts: Vec<Duration>,
    /// Work in progress at each kill.
    pub inflight: Vec<usize>,
    /// How long it took until the ERP held everything (or until nothing advanced any more).
    pub took: Duration,
    /// Rows of the table that only this run has.
    pub rows: Vec<(String, String)>,
    /// Other failures, a sentence each.
    pub flaws: Vec<String>,
}

impl Outcome {
    /// Nothing lost, doubled or wrong; exceptions and quarantine are what they must be; no forgery was believed.
    pub fn passed(&self) -> bool {
        self.failures().is_empty()
    }

    /// Why the run failed, a sentence each; empty when it passed.
    pub fn failures(&self) -> Vec<String> {
        let (summary, planted) = (&self.summary, &self.planted);
        let mut failures = vec![];
        let mut must = |holds: bool, text: String| {
            if !holds {
                failures.push(text);
            }
        };
        must(self.all_sent, "not all of the shop's webhooks were accepted".to_owned());
        must(summary.lost == 0, format!("{} lost", summary.lost));
        must(summary.duplicated == 0, format!("{} duplicated", summary.duplicated));
        must(summary.mismatched == 0, format!("{} mismatched", summary.mismatched));
        if let Some(figures) = &summary.landscape {
            let LandscapeFigures { stock_mismatches, status_missing, echoes_sent, .. } = figures;
            must(*stock_mismatches == 0, format!("{stock_mismatches} stock mismatches"));
            must(*status_missing == 0, format!("{status_missing} orders whose status did not come back"));
            must(*echoes_sent == 0, format!("{echoes_sent} echoes sent"));
        }
        let equals = |host: u64, planted: usize| usize::try_from(host) == Ok(planted);
        let disagreements = self.disagreements.first().map(String::as_str).unwrap_or_default();
        must(
            self.disagreements.is_empty(),
            format!("{} wrong exceptions: {disagreements}", self.disagreements.len()),
        );
        must(
            equals(summary.quarantined, planted.quarantined()),
            format!("{} quarantined, {} were planted", summary.quarantined, planted.quarantined()),
        );
        let forged = self.shop.refused_forgeries;
        must(
            equals(forged, planted.forged),
            format!("{forged} of {} forged webhooks were refused with 401", planted.forged),
        );
        failures.extend(self.flaws.iter().cloned());
        failures.extend(self.stuck.iter().map(|on| format!("stuck: {on}")));
        failures
    }

    /// The line of JSON, without its end of line.
    pub fn json(&self) -> String {
        serde_json::to_string(&self.summary).unwrap_or_default()
    }

    /// The table at the end.
    pub fn table(&self) -> String {
        let Self { summary, planted, shop, call_counts, .. } = self;
        let mut text = String::new();
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<30}{value}");
        };
        row(
            "orders sent",
            format!("{} (and {} planted ones)", summary.orders, planted.unknown_sku + planted.unbalanced),
        );
        row("webhooks accepted", format!("{} distinct, {} in all", summary.events, shop.accepted));
        row("tries refused or unanswered", shop.retries.to_string());
        row("forged webhooks refused", format!("{} of {}", shop.refused_forgeries, planted.forged));
        for (connector, held) in &summary.held {
            row(&format!("{connector} holds"), format!("{held} order documents"));
        }
        row("cancelled before sent", self.verdict.cancelled_unsent.to_string());
        row("lost", summary.lost.to_string());
        row("duplicated", summary.duplicated.to_string());
        row("mismatched", summary.mismatched.to_string());
        row("exceptions", format!("{} of {} planted", summary.exceptions, planted.exceptions()));
        row("quarantined", format!("{} of {} planted", summary.quarantined, planted.quarantined()));
        row("outcome unknown", summary.unknown.to_string());
        row("the ERP answered 429 / 503", format!("{} / {}", call_counts.throttled, call_counts.unavailable));
        row(
            "the ERP hung up",
            format!(
                "{} times after and {} before the commit, of {} writes",
                call_counts.dropped_after_commit, call_counts.dropped_before_commit, call_counts.writes
            ),
        );
        let idle = self.inflight.iter().filter(|inflight| **inflight == 0).count();
        row(
            "kills",
            format!(
                "{}, {} pieces of work in progress, {idle} hit nothing",
                summary.kills, summary.inflight_at_kill
            ),
        );
        let slowest = self.starts.iter().max().copied().unwrap_or_default();
        row("slowest start until ready", format!("{} ms", slowest.as_millis()));
        row("latency p50 / p99", format!("{:.0} / {:.0} ms", summary.latency_ms.p50, summary.latency_ms.p99));
        row("orders a second", format!("{:.1}, over {:.1} s", summary.orders_per_s, self.took.as_secs_f64()));
        if let Some(figures) = &summary.landscape {
            row("sales at the tills", figures.sales.to_string());
            row("stock mismatches", figures.stock_mismatches.to_string());
            row("status that did not come back", figures.status_missing.to_string());
            row("echoes sent", figures.echoes_sent.to_string());
            row("unmapped and repaired", figures.unmapped_repaired.to_string());
            row("swaps", format!("{}, {} of them refused", figures.swaps, figures.swaps_refused));
        }
        for (name, value) in &self.rows {
            row(name, value.clone());
        }
        for (reason, count) in self.reasons.iter().take(SHOWN) {
            row(&format!("  {count} ×"), reason.clone());
        }
        for kind in ["lost", "duplicated", "mismatched", "stock", "status"] {
            let findings = self.verdict.findings().filter(|(name, _)| *name == kind);
            for (name, finding) in findings.take(SHOWN) {
                row(&format!("! {name}"), finding.to_string());
            }
        }
        for disagreement in self.disagreements.iter().take(SHOWN) {
            row("! exceptions", disagreement.clone());
        }
        for failure in self.failures() {
            row("!", failure);
        }
        text
    }
}

/// The progress of a run at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moment {
    /// Since the start.
    pub elapsed: Duration,
    /// Good orders begun, of how many.
    pub orders: (usize, usize),
    /// Order documents in all ERPs.
    pub held: usize,
    /// More figures, as text.
    pub beside: String,
    /// Exceptions and quarantined requests; `None` while the host does not answer.
    pub exceptions: Option<(u64, u64)>,
    /// Kills so far.
    pub kills: usize,
    /// The shop's last trouble, if it is waiting for the host.
    pub trouble: Option<String>,
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sent, all) = self.orders;
        write!(f, "{:>4} s  sent {sent}/{all}  held {}", self.elapsed.as_secs(), self.held)?;
        match self.exceptions {
            Some((exceptions, quarantined)) => {
                write!(f, "  exceptions {exceptions}  quarantined {quarantined}")?
            }
            None => write!(f, "  exceptions ?  quarantined ?")?,
        }
        write!(f, "  kills {}{}", self.kills, self.beside)?;
        match &self.trouble {
            Some(trouble) => write!(f, "  ({trouble})"),
            None => Ok(()),
        }
    }
}

/// Shows the progress: in one line that is overwritten on a terminal, in a line each elsewhere.
pub struct Screen {
    terminal: bool,
}

impl Screen {
    /// Writes to standard error.
    pub fn new() -> Self {
        Self { terminal: io::stderr().is_terminal() }
    }

    /// Shows a moment.
    pub fn show(&self, moment: &Moment) {
        let line = self.line(moment);
        // Progress that cannot be shown is no reason to stop.
        let _ = io::stderr().write_all(line.as_bytes());
    }

    fn line(&self, moment: &Moment) -> String {
        // On a terminal: back to the start of the line, and clear what was longer.
        if self.terminal { format!("\r{moment}\x1b[K") } else { format!("{moment}\n") }
    }

    /// Ends the line of progress.
    pub fn end(&self) {
        if self.terminal {
            let _ = io::stderr().write_all(b"\n");
        }
    }
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let summary = Summary {
            orders: 2,
            events: 5,
            held: HeldCount::from([("erp", 2)]),
            lost: 0,
            duplicated: 0,
            mismatched: 0,
            unknown: 0,
            exceptions: 1,
            quarantined: 2,
            kills: 1,
            inflight_at_kill: 7,
            latency_ms: Latency { p50: 12.5, p99: 80.0 },
            orders_per_s: 99.5,
            landscape: None,
        };
        let planted = Planted { unknown_sku: 1, unbalanced: 1, malformed: 1, forged: 1 };
        Outcome {
            summary,
            verdict: Verdict::default(),
            planted,
            shop: shop::Progress { refused_forgeries: 1, ..Default::default() },
            all_sent: true,
            disagreements: vec![],
            stuck: None,
            call_counts: CallCounts::default(),
            reasons: vec![("unknown-sku: there is no article".to_owned(), 1)],
            starts: vec![Duration::from_millis(120)],
            inflight: vec![7],
            took: Duration::from_secs(1),
            rows: vec![],
            flaws: vec![],
        }
    }

    #[test]
    fn the_line_of_json_has_exactly_the_promised_fields() {
        let expected = concat!(
            r#"{"orders":2,"events":5,"held":{"erp":2},"lost":0,"duplicated":0,"mismatched":0,"unknown":0,"#,
            r#""exceptions":1,"quarantined":2,"kills":1,"inflight_at_kill":7,"#,
            r#""latency_ms":{"p50":12.5,"p99":80.0},"orders_per_s":99.5}"#
        );
        assert_eq!(outcome().json(), expected);
    }

    #[test]
    fn a_run_passes_only_if_every_figure_is_right() {
        assert!(outcome().passed());
        let spoil: [fn(&mut Outcome); 8] = [
            |o| o.summary.lost = 1,
            |o| o.summary.duplicated = 1,
            |o| o.summary.mismatched = 1,
            |o| o.disagreements = vec!["an exception that nobody planted: order/1".to_owned()],
            |o| o.stuck = Some("nothing has advanced for 60 s".to_owned()),
            |o| o.summary.quarantined = 1,
            |o| o.shop.refused_forgeries = 0,
            |o| o.all_sent = false,
        ];
        for spoil in spoil {
            let mut outcome = outcome();
            spoil(&mut outcome);
            assert_eq!(outcome.failures().len(), 1);
            assert!(outcome.table().contains(&outcome.failures()[0]));
        }
    }

    #[test]
    fn progress_is_one_line() {
        let moment = Moment { orders: (3, 10), held: 2, kills: 1, ..Moment::default() };
        assert_eq!(
            Screen { terminal: false }.line(&moment),
            "   0 s  sent 3/10  held 2  exceptions ?  quarantined ?  kills 1\n"
        );
        let moment = Moment { exceptions: Some((4, 5)), trouble: Some("refused".to_owned()), ..moment };
        assert_eq!(
            Screen { terminal: true }.line(&moment),
            "\r   0 s  sent 3/10  held 2  exceptions 4  quarantined 5  kills 1  (refused)\x1b[K"
        );
    }
}
