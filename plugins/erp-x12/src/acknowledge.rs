//! Acknowledges inbound interchanges: a 997 for each functional group, and a TA1 where the interchange requests one.
//!
//! Acknowledgements are not acknowledged. Neither is a file that cannot be read: it is set aside for a person. So every
//! acknowledgement accepts.
//!
//! The file is named after the interchange that it acknowledges, and the host accepts a name once. This prevents an
//! interchange from being booked twice, under another name or with other content.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::interchange;
use crate::settings::Settings;
use crate::x12::{Group, GroupDraft, Interchange, SetDraft};

/// The acknowledgements of a file.
#[derive(Default)]
pub(crate) struct Acknowledgements(Vec<Acknowledgement>);

/// The acknowledgement of an interchange.
struct Acknowledgement {
    /// ISA13 of the interchange.
    control: String,
    /// The number of its header's segment in the file.
    segment: usize,
    sets: Vec<SetDraft>,
    /// The elements of the TA1.
    ta1: Option<Vec<String>>,
}

impl Acknowledgements {
    /// Adds the acknowledgement of an interchange.
    pub(crate) fn add(&mut self, interchange: &Interchange<'_>) {
        let groups = interchange.groups.iter().filter(|group| group.header.value(1) != "FA");
        let sets: Vec<SetDraft> = groups.map(accept).collect();
        let is_requested = interchange.header.raw(14) == "1" && !interchange.groups.is_empty();
        let ta1 = || {
            let [control, date, time] = [13, 9, 10].map(|at| interchange.header.raw(at));
            [control, date, time, "A", "000"].map(str::to_owned).to_vec()
        };
        if is_requested || !sets.is_empty() {
            let (control, segment) = (interchange.control().to_owned(), interchange.header.number);
            self.0.push(Acknowledgement { control, segment, sets, ta1: is_requested.then(ta1) });
        }
    }

    /// Writes the acknowledgements, when the settings enable them and the connector has an exchange folder.
    ///
    /// # Errors
    /// `interchange-repeated`, or the host's refusal of the file.
    pub(crate) fn send(self, settings: &Settings) -> Result<(), Problem> {
        if settings.acknowledge {
            self.0.into_iter().try_for_each(|acknowledgement| acknowledgement.send(settings))
        } else {
            Ok(())
        }
    }
}

impl Acknowledgement {
    fn send(self, settings: &Settings) -> Result<(), Problem> {
        let control = interchange::next_control_number(settings);
        let [number, _] = interchange::group_numbers(control);
        let group = GroupDraft { kind: "FA", control: number, sets: self.sets };
        let groups: Vec<GroupDraft> = (!group.sets.is_empty()).then_some(group).into_iter().collect();
        let ta1: Vec<Vec<String>> = self.ta1.into_iter().collect();
        let content = interchange::write(settings, control, Timestamp::now(), &ta1, &groups);
        match files::put(&file_name(settings, &self.control, control), &content) {
            Ok(()) => Ok(()),
            Err(files::Refusal::NoFolder) => {
                log::warn("the acknowledgement is not sent: there is no exchange folder");
                Ok(())
            }
            Err(files::Refusal::BadName) => {
                let (interchange, segment) = (&self.control, self.segment);
                let message =
                    format!("the file has the interchange {interchange} twice (ISA, segment {segment})");
                Err(Problem::new("interchange-repeated", message).at(format!("segments[{segment}].ISA13")))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }
}

/// A 997 that accepts a group.
fn accept(group: &Group<'_>) -> SetDraft {
    let mut draft = SetDraft::new("997");
    draft.push("AK1", [group.header.value(1), group.header.value(6)]);
    for set in &group.sets {
        draft.push("AK2", [set.kind(), set.header.value(2)]);
        draft.push("AK5", ["A"]);
    }
    let count = group.sets.len().to_string();
    draft.push("AK9", ["A", &count, &count, &count]);
    draft
}

/// The file name: by the acknowledged interchange; by the outbound one as well when repeated control numbers are
/// accepted.
fn file_name(settings: &Settings, acknowledged: &str, control: u64) -> String {
    let sanitize = |text: &str| -> String {
        text.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '_' }).collect()
    };
    let (partner, acknowledged) = (sanitize(settings.partner.1.trim()), sanitize(acknowledged));
    if settings.refuse_duplicates {
        format!("997-{partner}-ISA13-{acknowledged}.edi")
    } else {
        format!("997-{partner}-ISA13-{acknowledged}-{control:09}.edi")
    }
}
