//! X12 as this partner reads and writes it: its own reader and writer, which share nothing with any connector's.
//!
//! The reader takes an interchange apart by the separators that its header names, and checks what a trading
//! partner checks: that trailers repeat their headers' numbers, and that counts are right.

use std::fmt::Write as _;

/// A segment: its name and its elements, counted from 1 as the standard does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// `BEG`.
    pub id: String,
    elements: Vec<String>,
}

impl Segment {
    /// The element of this number; empty when it is not there.
    pub fn get(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|at| self.elements.get(at)).map_or("", String::as_str)
    }

    /// The value behind this qualifier among pairs from this element on (`SK`, `TEA-250`).
    pub fn behind(&self, qualifier: &str, from: usize) -> Option<&str> {
        let pairs = (from..=self.elements.len()).step_by(2);
        pairs.into_iter().find(|at| self.get(*at) == qualifier).map(|at| self.get(at + 1))
    }
}

/// A transaction set: the segments between `ST` and `SE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Set {
    /// `850`.
    pub kind: String,
    /// ST02.
    pub control: String,
    /// Without `ST` and `SE`.
    pub body: Vec<Segment>,
}

impl Set {
    /// The first segment of this name.
    pub fn find(&self, id: &str) -> Option<&Segment> {
        self.body.iter().find(|segment| segment.id == id)
    }
}

/// A functional group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// GS01.
    pub kind: String,
    /// GS06.
    pub control: String,
    /// Its transaction sets.
    pub sets: Vec<Set>,
}

/// An interchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interchange {
    /// ISA06, without blanks at its end.
    pub sender: String,
    /// ISA08, the same.
    pub receiver: String,
    /// ISA13.
    pub control: String,
    /// ISA09 and ISA10, for a TA1.
    pub date: String,
    /// ISA10.
    pub time: String,
    /// TA1 segments.
    pub ta1: Vec<Segment>,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Why an interchange is refused: the note code of a TA1, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {reason}")]
pub struct Refusal {
    /// TA105.
    pub code: &'static str,
    /// Why.
    pub reason: String,
    /// ISA13, as far as it could be read.
    pub control: String,
}

/// Reads one interchange.
///
/// # Errors
/// The fault of its envelope.
pub fn read(text: &str) -> Result<Interchange, Refusal> {
    let wrong = |code: &'static str, reason: &str| Refusal {
        code,
        reason: reason.to_owned(),
        control: String::new(),
    };
    let text = text.trim_start();
    let chars: Vec<char> = text.chars().take(106).collect();
    let (Some('I'), Some(element), Some(end)) =
        (chars.first().copied(), chars.get(3).copied(), chars.get(105).copied())
    else {
        return Err(wrong("024", "it does not begin with an ISA of 106 characters"));
    };
    let segments: Vec<Segment> = text
        .split(end)
        .map(|segment| segment.trim_matches(['\r', '\n', ' ']))
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let mut elements = segment.split(element).map(str::to_owned);
            Segment { id: elements.next().unwrap_or_default(), elements: elements.collect() }
        })
        .collect();
    let mut segments = segments.into_iter();
    let Some(isa) = segments.next().filter(|isa| isa.id == "ISA" && isa.elements.len() == 16) else {
        return Err(wrong("024", "its ISA has not sixteen elements"));
    };
    let control = isa.get(13).to_owned();
    let wrong = |code: &'static str, reason: String| Refusal { code, reason, control: control.clone() };
    if control.len() != 9 || !control.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong("018", format!("ISA13 is {control:?}, no nine digits")));
    }
    let mut read = Interchange {
        sender: isa.get(6).trim_end().to_owned(),
        receiver: isa.get(8).trim_end().to_owned(),
        control: control.clone(),
        date: isa.get(9).to_owned(),
        time: isa.get(10).to_owned(),
        ta1: vec![],
        groups: vec![],
    };
    let (mut group, mut set): (Option<Group>, Option<Set>) = (None, None);
    let mut ended = false;
    for segment in segments {
        if ended {
            return Err(wrong("022", "something follows its IEA".to_owned()));
        }
        match (segment.id.as_str(), &mut group, &mut set) {
            ("TA1", None, None) => read.ta1.push(segment),
            ("GS", None, None) => {
                let (kind, control) = (segment.get(1).to_owned(), segment.get(6).to_owned());
                group = Some(Group { kind, control, sets: vec![] });
            }
            ("ST", Some(_), None) => {
                let (kind, control) = (segment.get(1).to_owned(), segment.get(2).to_owned());
                set = Some(Set { kind, control, body: vec![] });
            }
            ("SE", Some(in_group), Some(_)) => {
                let Some(one) = set.take() else { continue };
                if segment.get(1) != (one.body.len() + 2).to_string() || segment.get(2) != one.control {
                    return Err(wrong(
                        "024",
                        format!("SE of {} {} does not fit its ST", one.kind, one.control),
                    ));
                }
                in_group.sets.push(one);
            }
            ("GE", Some(_), None) => {
                let Some(one) = group.take() else { continue };
                if segment.get(1) != one.sets.len().to_string() || segment.get(2) != one.control {
                    return Err(wrong(
                        "021",
                        format!("GE of {} {} does not fit its GS", one.kind, one.control),
                    ));
                }
                read.groups.push(one);
            }
            ("IEA", None, None) => {
                if segment.get(1) != read.groups.len().to_string() || segment.get(2) != control {
                    return Err(wrong("001", "its IEA does not fit its ISA".to_owned()));
                }
                ended = true;
            }
            (_, Some(_), Some(set)) => set.body.push(segment),
            (id, ..) => return Err(wrong("024", format!("{id} stands where it must not"))),
        }
    }
    if ended { Ok(read) } else { Err(wrong("023", "it ends before its IEA".to_owned())) }
}

/// A transaction set to be written: its kind and segments.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    kind: &'static str,
    segments: Vec<String>,
}

impl Draft {
    /// An empty one.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, segments: vec![] }
    }

    /// Adds a segment, elements separated by stars. Data with a separator in it has to be [`clean`] before.
    pub fn add(&mut self, segment: impl Into<String>) {
        self.segments.push(segment.into());
    }
}

/// Data without separators.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|letter| if matches!(letter, '*' | '~' | '>') || letter.is_control() { ' ' } else { letter })
        .collect()
}

/// Sender and receiver, with the last control number.
#[derive(Debug, Clone)]
pub struct Writer {
    /// ISA06.
    pub own: String,
    /// ISA08.
    pub other: String,
    control: u32,
}

impl Writer {
    /// Before the first interchange.
    pub fn new(own: impl Into<String>, other: impl Into<String>) -> Self {
        Self { own: own.into(), other: other.into(), control: 0 }
    }

    /// Writes an interchange of one group; gives its control number and text. `now` is `YYYYMMDDHHMM`.
    pub fn write(&mut self, group: &str, sets: &[Draft], now: &str) -> (u32, String) {
        let mut body = String::new();
        self.control += 1;
        let control = self.control;
        let (day, time) = (now.get(..8).unwrap_or_default(), now.get(8..12).unwrap_or_default());
        let _ = writeln!(body, "GS*{group}*{}*{}*{day}*{time}*{control}*X*004010~", self.own, self.other);
        for (at, set) in sets.iter().enumerate() {
            let _ = writeln!(body, "ST*{}*{:04}~", set.kind, at + 1);
            for segment in &set.segments {
                let _ = writeln!(body, "{segment}~");
            }
            let _ = writeln!(body, "SE*{}*{:04}~", set.segments.len() + 2, at + 1);
        }
        let _ = writeln!(body, "GE*{}*{control}~", sets.len());
        let text = self.envelope(control, &body, 1, now);
        (control, text)
    }

    /// Writes an interchange that has nothing but these TA1 segments.
    pub fn write_ta1(&mut self, segments: &[String], now: &str) -> String {
        self.control += 1;
        let body: String = segments.iter().map(|segment| format!("{segment}~\n")).collect();
        self.envelope(self.control, &body, 0, now)
    }

    fn envelope(&self, control: u32, body: &str, groups: usize, now: &str) -> String {
        let (day, time) = (now.get(2..8).unwrap_or_default(), now.get(8..12).unwrap_or_default());
        format!(
            "ISA*00*          *00*          *ZZ*{:<15}*ZZ*{:<15}*{day}*{time}*U*00401*{control:09}*0*P*>~\n{body}IEA*{groups}*{control:09}~\n",
            self.own, self.other
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> String {
        let mut draft = Draft::new("850");
        draft.add("BEG*00*NE*PO-1**20261123");
        draft.add("PO1*1*2*EA*10.00**SK*TEA*BP*4711");
        Writer::new("ME", "YOU").write("PO", &[draft], "202611231201").1
    }

    #[test]
    fn a_written_interchange_can_be_read() {
        let text = order();
        let read = read(&text).unwrap();
        assert_eq!(
            (read.sender.as_str(), read.receiver.as_str(), read.control.as_str()),
            ("ME", "YOU", "000000001")
        );
        let set = &read.groups[0].sets[0];
        assert_eq!((set.kind.as_str(), set.find("BEG").unwrap().get(3)), ("850", "PO-1"));
        let line = set.find("PO1").unwrap();
        assert_eq!(
            (line.behind("BP", 6), line.behind("SK", 6), line.behind("VN", 6)),
            (Some("4711"), Some("TEA"), None)
        );
        let other = text.replace("~\n", "\n").replace('~', "\n").replace('*', "|");
        assert_eq!(super::read(&other).unwrap(), read, "any separators");
    }

    #[test]
    fn a_malformed_envelope_is_refused_with_its_code() {
        let text = order();
        for (from, to, code) in [
            ("SE*4*", "SE*5*", "024"),
            ("GE*1*1", "GE*1*2", "021"),
            ("IEA*1*000000001", "IEA*1*000000002", "001"),
            ("IEA*1*000000001~", "", "023"),
            ("ISA*00*", "ISA*00", "024"),
            ("*000000001*0*P", "*00000000X*0*P", "018"),
            ("GS*PO", "PO1*1~GS*PO", "024"),
        ] {
            let refusal = read(&text.replacen(from, to, 1)).unwrap_err();
            assert_eq!(refusal.code, code, "{from}: {refusal}");
        }
        assert_eq!(read("").unwrap_err().code, "024");
    }
}
