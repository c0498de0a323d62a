//! What is answered to what was read: a 997 for each functional group, and a TA1 where the interchange asks for one.
//!
//! Nobody acknowledges an acknowledgement. What was not read is not answered either: the file is set aside, for a
//! person. So every answer says that all is well.
//!
//! The answer's file is named after the interchange that it answers, and the host takes a name once. That is what
//! keeps one interchange from being booked twice under two names, or twice with other content.

use crossdock_sdk::prelude::*;
use jiff::Timestamp;

use crate::interchange;
use crate::settings::Settings;
use crate::x12::{Draft, Group, GroupDraft, Interchange};

/// The answers to a file.
#[derive(Default)]
pub(crate) struct Reply(Vec<Answer>);

/// The answer to an interchange.
struct Answer {
    /// ISA13 of the interchange.
    control: String,
    /// Where its header stands in the file.
    segment: usize,
    sets: Vec<Draft>,
    interchange: Option<Vec<String>>,
}

impl Reply {
    /// Adds the answer to an interchange.
    pub(crate) fn to(&mut self, read: &Interchange<'_>) {
        let groups = read.groups.iter().filter(|group| group.header.value(1) != "FA");
        let sets: Vec<Draft> = groups.map(accepted).collect();
        let asked = read.header.raw(14) == "1" && !read.groups.is_empty();
        let ta1 = || {
            let [control, day, time] = [13, 9, 10].map(|at| read.header.raw(at));
            [control, day, time, "A", "000"].map(str::to_owned).to_vec()
        };
        if asked || !sets.is_empty() {
            let (control, segment) = (read.control().to_owned(), read.header.number);
            self.0.push(Answer { control, segment, sets, interchange: asked.then(ta1) });
        }
    }

    /// Hands the answers over, where they are wanted.
    ///
    /// # Errors
    /// `interchange-repeated`, or why the host does not take them. Where the connector has no exchange folder,
    /// nobody can be answered.
    pub(crate) fn send(self, settings: &Settings) -> Result<(), Problem> {
        if settings.acknowledge {
            self.0.into_iter().try_for_each(|answer| answer.send(settings))
        } else {
            Ok(())
        }
    }
}

impl Answer {
    fn send(self, settings: &Settings) -> Result<(), Problem> {
        let control = interchange::control(settings);
        let [number, _] = interchange::group_numbers(control);
        let group = GroupDraft { kind: "FA", control: number, sets: self.sets };
        let groups: Vec<GroupDraft> = (!group.sets.is_empty()).then_some(group).into_iter().collect();
        let before: Vec<Vec<String>> = self.interchange.into_iter().collect();
        let content = interchange::write(settings, control, Timestamp::now(), &before, &groups);
        match files::put(&name(settings, &self.control, control), &content) {
            Ok(()) => Ok(()),
            Err(files::Refusal::NoFolder) => {
                log::warn("there is no exchange folder to put the acknowledgement into");
                Ok(())
            }
            Err(files::Refusal::BadName) => {
                let (read, segment) = (&self.control, self.segment);
                let message =
                    format!("the interchange {read} (ISA, segment {segment}) was in the file before");
                Err(Problem::new("interchange-repeated", message).at(format!("segments[{segment}].ISA13")))
            }
            Err(refusal) => Err(refusal.into()),
        }
    }
}

fn accepted(group: &Group<'_>) -> Draft {
    let mut draft = Draft::new("997");
    draft.push("AK1", [group.header.value(1), group.header.value(6)]);
    for set in &group.sets {
        draft.push("AK2", [set.kind(), set.header.value(2)]);
        draft.push("AK5", ["A"]);
    }
    let count = group.sets.len().to_string();
    draft.push("AK9", ["A", &count, &count, &count]);
    draft
}

/// The file's name: that of the interchange that is answered, and of the answer only where a repeated number is
/// let pass.
fn name(settings: &Settings, read: &str, control: u64) -> String {
    let plain = |text: &str| -> String {
        text.chars().map(|one| if one.is_ascii_alphanumeric() { one } else { '_' }).collect()
    };
    let (partner, read) = (plain(settings.partner.1.trim()), plain(read));
    if settings.refuse_duplicates {
        format!("997-{partner}-ISA13-{read}.edi")
    } else {
        format!("997-{partner}-ISA13-{read}-{control:09}.edi")
    }
}
